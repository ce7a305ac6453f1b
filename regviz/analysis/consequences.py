"""What deleting tags would free, and what it would break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.analysis.choose import choose_tags
from regviz.analysis.deletion import removal
from regviz.analysis.outcome import outcome, ways

if TYPE_CHECKING:
    import datetime as dt
    import re
    from collections.abc import Iterable

    import pandas as pd

    from regviz.analysis.collectors import CollectorName
    from regviz.analysis.deletion import DeleteBy
    from regviz.registry import Registry


def what_if(  # noqa: PLR0913  # each is one way to choose tags, or says how they go
    reg: Registry,
    *,
    tags: Iterable[str] | pd.DataFrame | None = None,
    pattern: str | re.Pattern[str] | None = None,
    keep_last: int | None = None,
    older_than: dt.timedelta | str | None = None,
    repositories: str | Iterable[str] | None = None,
    keep: str | re.Pattern[str] | None = None,
    delete_by: DeleteBy | None = None,
    collector: CollectorName | None = None,
) -> pd.DataFrame:
    """Say what would go, and what would break, if tags were deleted and garbage collected.

    Counted is the difference to collecting today: what the collector would free without any deletion is in
    ``attrs`` alone (`garbage` lists it). regviz deletes nothing.

    Parameters
    ----------
    reg : Registry
    tags, pattern, keep_last, older_than, repositories, keep
        Which tags are deleted: those to which all that is said applies, see `regviz.analysis.choose.choose_tags`.
        In short: `tags` are references (``repository:tag``), or a table with the columns repository and tag;
        `pattern` is a regular expression; `keep_last` spares the youngest of each repository and `older_than`
        (``"90d"``) what is younger, both by when it was pushed; `repositories` are globs; `keep` is a regular
        expression of tags that stay in any case.
    delete_by : {"manifest", "tag"}, optional
        ``manifest``: by digest, the only way of Distribution 2.8, which takes every tag along that the repository has
        on this digest. A manifest that a tag of `keep` points to, or needs for its index, is not deleted. ``tag``: the
        tag alone (3.x, v1). By default ``manifest`` for Distribution's storage.
    collector : str, optional
        Who collects afterwards, as for `garbage` (those of 3.x need ``links="check"`` of reading). By default
        ``distribution-2.8`` for Distribution's storage, ``v1`` for that, ``reachability`` for all else.

    Returns
    -------
    pandas.DataFrame
        One row for each thing that goes or breaks, by cause, kind, repository, tag and digest.

        cause
            ``chosen``: a tag that was chosen. ``along``: a tag that goes because its manifest does. ``deleted``:
            a manifest that the deletion itself takes from its repository. ``collected``: what the collector takes,
            and would not take today. ``broken``: a manifest that stays and loses something that it lists.
        kind
            ``tag``, ``manifest`` (a repository's link to it), ``blob``, ``link`` (a repository's link to a layer).
        digest, repository, tag
            Blobs belong to no repository.
        bytes
            Of a blob.
        state
            Of a blob, today; see `garbage`.
        lost
            Of what breaks: the digest of the child, configuration or layer that it loses.
        reason
            For people.

        ``attrs`` has

        freed_bytes, uncertain_bytes
            Of the blobs that go. Uncertain, and not counted, are those that are ``recent`` or ``unknown``
            today, and those that something may need that could not be read (an incomplete repository).
        collected_today_bytes
            What the collector would free today.
        tags, also_removes
            How many tags go, and how many of them were not chosen.
        images_lost, manifests_lost
            Images, and manifests of any kind, that no repository serves any more.
        indexes_broken
            Repositories' manifests that stay, and lose something.
        undated, protected, spared, stuck
            Tags that stay: those that only time could have chosen, and whose time is not known; those that `keep`
            matches; chosen ones whose manifest such a tag needs; chosen ones that no request can delete.
        abort, error_at_end
            Why the collector would stop, and free nothing; the error it would meet when all is done. None where it
            would not.
        delete_by, collector

    Raises
    ------
    NotKnowableError
        The source does not know what is garbage, or when tags were pushed where that decides.
    RegvizError
        Nothing was chosen, or what was given means nothing.

    See Also
    --------
    regviz.deletion_plan : the same as requests, for a person to send.
    regviz.delete_together : which tags free most together.

    Examples
    --------
    Two tags stand on a base of 100 bytes, with 10 and 20 of their own: without the first tag 10 bytes go
    (and its documents), without both 130. Here ``tiny:1`` has nothing that another tag has:

    >>> import regviz as rv
    >>> reg = rv.read()
    >>> sizes = rv.sizes(reg, by="tag").set_index(["repository", "tag"])
    >>> table = what_if(reg, tags=["library/tiny:1"])
    >>> bool(table.attrs["freed_bytes"] == sizes.loc[("library/tiny", "1"), "exclusive_bytes"])
    True
    """
    chosen = choose_tags(
        reg,
        tags=tags,
        pattern=pattern,
        keep_last=keep_last,
        older_than=older_than,
        repositories=repositories,
        keep=keep,
    )
    by, who = ways(reg, delete_by, collector)
    gone = removal(reg, chosen.tags, by, chosen.protected)
    found = outcome(reg, gone, who)
    table = found.table(chosen.tags)
    table.attrs |= found.numbers() | {
        "undated": int(chosen.undated.sum()),
        "protected": int(chosen.protected.sum()),
        "spared": int((gone.spared_by >= 0).sum()),
        "stuck": int(gone.stuck.sum()),
        "delete_by": by,
        "collector": who,
    }
    return table
