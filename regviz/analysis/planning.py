"""The plan of a deletion: the requests to a registry, each with what must hold before it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import regviz
from regviz.analysis.choose import choose_tags
from regviz.analysis.collectors.seen import UNREADABLE
from regviz.analysis.deletion import halting, link_rows, removal, served_links
from regviz.analysis.outcome import outcome, ways
from regviz.analysis.reach import columns
from regviz.errors import NotKnowableError, RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName
    from regviz.analysis.deletion import DeleteBy, Removal
    from regviz.registry import Registry

    Mask = NDArray[np.bool_]

_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_SERVED_NAME = re.compile(rf"(?=.{{1,255}}\Z){_PART}(?:/{_PART})*")
_SERVED_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_NEEDS = {
    "manifest": "It deletes (storage.delete.enabled, or REGISTRY_STORAGE_DELETE_ENABLED=true), and is not read-only.",
    "tag": "It deletes tags alone, as Distribution 3.x does (2.8 answers 400), is allowed to, and is not read-only.",
}
_AFTERWARDS = (
    "Nobody pushes until garbage is collected: a push in between may stand on layers that are about to go.",
    "Then it is stopped or made read-only, and garbage is collected: {command} /etc/docker/registry/config.yml",
    "Then it is started again: its cache may still name what is gone.",
)
_NAMES_SHOWN = 3


def deletion_plan(  # noqa: PLR0913  # what chooses tags, as for `what_if`
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
    """Plan a deletion: which requests to send to a registry, and which chosen tags must stay.

    regviz sends none. `plan_script` makes a shell script of the plan, `plan_json` JSON.

    Parameters
    ----------
    reg : Registry
        Distribution storage, read completely.
    tags, pattern, keep_last, older_than, repositories, keep
        Which tags are to go, as for `what_if`.
    delete_by : {"manifest", "tag"}, optional
        Delete manifests by their digest (the default), or tags alone (3.x).
    collector : str, optional
        Who collects afterwards, as for `what_if`.

    Returns
    -------
    pandas.DataFrame
        One row for each chosen tag, by repository and tag.

        step
            Number of the request; NA where the tag stays. Tags of one manifest go with one request.
        repository, tag, manifest
            The tag, and the digest that it must still have when the request is sent.
        action
            ``delete`` or ``keep``.
        reason
            Why a chosen tag stays: a tag that was not chosen has the same manifest, or an index that lists it; no
            request can delete it. NA where it goes.

        ``attrs`` has what `what_if` says of exactly these requests (``freed_bytes``, ``collected_today_bytes``,
        ``images_lost``, ``indexes_broken``), ``needs`` (what the server needs, in words), ``delete_by``,
        ``collector``, ``source``, ``read_at`` and ``regviz``, the version.

    Raises
    ------
    RegvizError
        No storage that a plan can rest on: incomplete, a pull-through cache, with its names or tags in a database
        (Harbor, GitLab); or nothing was chosen.
    NotKnowableError
        The source is no storage of Distribution, or its names alone: a live registry, a layout, a listing.

    Examples
    --------
    ``latest`` of ``nodejs`` has the same manifest as 0.10, so only 20 can go by its digest.

    >>> import regviz as rv
    >>> plan = deletion_plan(rv.read(), repositories="nodejs", keep="^latest$")
    >>> plan[["step", "tag", "action"]].astype(object).to_numpy().tolist()
    [[<NA>, '0.10', 'keep'], [1, '20', 'delete']]
    """
    require_plannable(reg)
    by, who = ways(reg, delete_by, collector)
    chosen = choose_tags(
        reg,
        tags=tags,
        pattern=pattern,
        keep_last=keep_last,
        older_than=older_than,
        repositories=repositories,
        keep=keep,
    ).tags
    reason = _undeletable(reg, chosen, by)
    gone = removal(reg, chosen & np.array([why is None for why in reason], np.bool_), by, ~chosen)
    _explain(reg, gone, reason)
    plan = _table(reg, np.flatnonzero(chosen), by, reason)
    command = "registry garbage-collect" + (" --delete-untagged" if who.endswith("-m") else "")
    plan.attrs |= outcome(reg, gone, who).numbers() | {
        "needs": [_NEEDS[by], *(need.format(command=command) for need in _AFTERWARDS)],
        "delete_by": by,
        "collector": who,
        "source": reg.source.uri,
        "read_at": reg.source.read_at.isoformat(timespec="seconds"),
        "regviz": regviz.__version__,
    }
    return plan


def require_plannable(reg: Registry) -> None:
    """Refuse what no plan of a deletion can rest on.

    Raises
    ------
    NotKnowableError
        The source is no storage of Distribution.
    RegvizError
        Its files do not say what the registry serves.
    """
    source = reg.source
    source.require_contents("plans of deletions")
    if source.layouts != ("distribution",) or not source.knows_all_blobs:
        raise NotKnowableError(
            f"{source.uri} ({', '.join(source.layouts)}) does not tell all that a plan must know: what is a registry's "
            "own, and what else needs it. Read the storage of the registry itself (Distribution's), or an archive of it"
        )
    if source.names_in_database or source.tags_elsewhere:
        why = source.tags_elsewhere or "its storage is marked as in use by one"
        raise RegvizError(
            f"names or tags of {source.uri} lie in a database ({why}), so what its files say may be old: delete there, "
            "by its own interface"
        )
    if source.proxy_cache:
        raise RegvizError(
            f"{source.uri} is a pull-through cache: it takes no deletions, and drops by itself what is old"
        )
    if not reg.complete:
        incomplete = np.flatnonzero(columns(reg, "repositories")["complete"] != 1)
        names = list(map(str, texts(reg, "name", columns(reg, "repositories")["repository"][incomplete])))
        several = ", ".join(names[:_NAMES_SHOWN]) + (" and others" if names[_NAMES_SHOWN:] else "")
        which = f" ({several})" if several else ""
        raise RegvizError(
            f"{source.uri} could not be read completely{which}, and a plan must know every tag: the table "
            "problems says what was in the way"
        )


def _undeletable(reg: Registry, chosen: Mask, delete_by: DeleteBy) -> list[str | None]:
    """For each chosen tag why no request can delete it; None where one can."""
    tags = columns(reg, "tags")
    link = link_rows(reg, tags["repository"], tags["manifest"])
    served = np.append(served_links(reg), False)[link]
    unread = _unreadable(reg)
    stopped = (halting(reg) | np.isin(tags["repository"], tags["repository"][unread])) & (delete_by == "manifest")
    reason: list[str | None] = [None] * len(chosen)
    names = [texts(reg, "name", tags[name]) for name in ("repository", "tag")]
    for row in np.flatnonzero(chosen).tolist():
        if not (_SERVED_NAME.fullmatch(str(names[0][row])) and _SERVED_TAG.fullmatch(str(names[1][row]))):
            reason[row] = "no registry serves a repository or tag of this name"
        elif not served[row]:
            reason[row] = "its manifest is not there, or cannot be told"
        elif unread[row]:
            reason[row] = "the registry cannot read its manifest, and so does not tell whether the tag is still on it"
        elif stopped[row]:
            reason[row] = (
                "another tag of its repository cannot be read, so the registry does not tell all that would go"
            )
    return reason


def _unreadable(reg: Registry) -> Mask:
    """For each tag, whether its manifest is there, and is none that a registry can read."""
    problems = columns(reg, "problems")
    rules = [code for code in map(reg.name_code, UNREADABLE) if code >= 0]
    rows = np.isin(problems["rule"], rules)
    bad = np.concatenate([problems["manifest"][rows], problems["blob"][rows]])
    unread: Mask = np.isin(columns(reg, "tags")["manifest"], bad[bad >= 0])
    return unread


def _explain(reg: Registry, gone: Removal, reason: list[str | None]) -> None:
    """Say of what is spared for which tag."""
    tags = columns(reg, "tags")
    names = texts(reg, "name", tags["tag"])
    for row in np.flatnonzero(gone.spared_by >= 0).tolist():
        by = int(gone.spared_by[row])
        same = tags["manifest"][row] == tags["manifest"][by]
        reason[row] = f"{names[by]} stays, and " + ("has the same manifest" if same else "its index lists this one")


def _table(reg: Registry, rows: NDArray[np.int64], delete_by: DeleteBy, reason: list[str | None]) -> pd.DataFrame:
    """One row for each chosen tag."""
    tags = columns(reg, "tags")
    why = [reason[row] for row in rows.tolist()]
    goes = np.array([said is None for said in why], np.bool_)
    of = tags["manifest"][rows].astype(np.int64) if delete_by == "manifest" else rows
    pairs = pd.MultiIndex.from_arrays([tags["repository"][rows][goes], of[goes]])
    step = np.zeros(len(rows), np.int64)
    step[goes] = pd.factorize(pairs)[0] + 1
    made: dict[str, Any] = {
        "step": pd.Series(pd.arrays.IntegerArray(step, ~goes)),
        "repository": pd.Series(texts(reg, "name", tags["repository"][rows]), dtype="str"),
        "tag": pd.Series(texts(reg, "name", tags["tag"][rows]), dtype="str"),
        "manifest": pd.Series(texts(reg, "digest", tags["manifest"][rows]), dtype="str"),
        "action": pd.Series(np.where(goes, "delete", "keep"), dtype="str"),
        "reason": pd.Series(why, dtype="str"),
    }
    return pd.DataFrame(made)
