"""What would go: by what leads where, and by what each real collector does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.collectors import Collector
from regviz.analysis.collectors.breaks import what_breaks
from regviz.analysis.collectors.verdict import pick
from regviz.analysis.reach import columns, reach, rows_of
from regviz.analysis.states import MIN_AGE, STATES, UNKNOWN, Keeping, blob_states, is_recent, open_questions
from regviz.errors import NotKnowableError, RegvizError
from regviz.graph.values import numbers, texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName, Verdict
    from regviz.registry import Registry

    Rows = dict[str, list[Any]]

_REASONS = {
    "tagged": "a tag leads to it, and the collector does not see that",
    "referenced": "only a manifest leads to it that speaks about a tagged one",
    "untagged": "only untagged manifests lead to it",
    "unreferenced": "nothing leads to it",
    "recent": "nothing leads to it yet; a push under way may own it",
    "unknown": "not all was read that could lead to it",
}
_NO_TAG = "no tag leads to it"


def garbage(reg: Registry, *, collector: CollectorName | None = None, min_age: dt.timedelta = MIN_AGE) -> pd.DataFrame:
    """What a collector would delete, row by row.

    Parameters
    ----------
    reg : Registry
        For layer links, and what 3.x does with them, read with ``links="check"``.
    collector : str, optional
        ``reachability``
            What nothing leads to, and no push under way may own: blobs, layer links that lead to nothing, unfinished
            uploads. What an untagged manifest leads to stays: it can be pulled by digest.
        ``distribution-2.8``, ``distribution-2.8-m``, ``distribution-3``, ``distribution-3-m``
            What ``registry garbage-collect`` of that version deletes, without and with ``--delete-untagged``.
        ``v1``
            Images that no tag leads to. No server of v1 deletes any: it is what could be deleted.

        Without it ``v1`` for a v1 storage, ``reachability`` for all else.
    min_age : datetime.timedelta
        What is younger counts as recent (:func:`regviz.analysis.states.blob_states`), and is left alone by
        ``reachability`` and ``v1``. Distribution's collectors do not look at it.

    Returns
    -------
    pandas.DataFrame
        The most bytes first, by kind:

        kind
            ``blob``; ``manifest``: the link by which a repository serves it (v1: an image); ``link``: a layer link;
            ``upload``: an unfinished one.
        digest
            Its digest, image ID of v1 or identifier of the upload.
        repository
            That whose link it is; NA for blobs.
        bytes
            blob: what deleting it frees. upload: what arrived. NA for what frees next to nothing.
        state
            Of a blob (of a manifest or link, of the blob it leads to): see
            :func:`regviz.analysis.states.blob_states`; NA where that is not there.
        reason
            Why it would go.

        ``attrs``:

        collector
        freed_bytes
            Sum of ``bytes``.
        blobs, manifests, links, uploads
            Rows of each kind.
        abort, abort_rule
            Why the collector stops before it is done, and the rule of `problems` that says so; None where it does
            not. It deletes nothing then; if it stops in the store of blobs, ``-m`` has unlinked manifests by then.
        error_at_end
            An error that a real run ends with when all is deleted, and a dry run does not show; or None.
        breaks
            What the collector keeps and breaks, a dictionary each, for ``pandas.DataFrame``: repository, manifest,
            kind, tags (of the repository, that lead to it), lost (``manifest``, ``config``, ``layer``, ``child``, or
            ``link``: a layer link of the repository) and digest (of the first thing lost).
        unknown_bytes
            Bytes of blobs whose state is unknown; nothing of an incomplete source is ever listed.

    Raises
    ------
    RegvizError
        There is no such collector, or none for this source, or links have to be looked into.
    NotKnowableError
        The source cannot know: a listing, a live registry, a pull-through cache, names or tags in a database.

    Examples
    --------
    A repository has tag ``1`` on the index i of the images a and b, and an image c that lost its tag; a blob x lies
    there alone::

        reachability         x
        distribution-2.8     x
        distribution-2.8-m   x, c's manifest and what only it has; of a and b, which have no tag of their own, what
                             they list, and their links: i is broken
        distribution-3-m     x, c's manifest and what only it has

    >>> import regviz as rv
    >>> table = garbage(rv.read())
    >>> table.attrs["freed_bytes"] == int(table["bytes"].sum())
    True
    """
    import pandas as pd

    name: CollectorName = collector or ("v1" if reg.source.layouts[0] == "v1" else "reachability")
    require_knowable(reg, name)
    verdict = Collector(reg, name, min_age=min_age).collect()
    states = blob_states(reg, min_age=min_age)
    found = [_blobs(reg, verdict, states), _manifests(reg, verdict, states), _links(reg, verdict, states)]
    if name == "reachability":
        found.append(_uploads(reg, min_age))
    made: dict[str, Any] = {
        column: [value for part in found for value in part[column]]
        for column in ("kind", "digest", "repository", "bytes", "state", "reason")
    }
    typed = {column: pd.Series(made[column], dtype="Int64" if column == "bytes" else "str") for column in made}
    order = ["kind", "bytes", "digest", "repository"]
    table = pd.DataFrame(typed).sort_values(order, ascending=[True, False, True, True], ignore_index=True)
    counts = table["kind"].value_counts()
    lengths = columns(reg, "blobs")["blob_bytes"]
    table.attrs |= {
        "collector": name,
        "freed_bytes": int(table["bytes"].sum()),
        **{f"{kind}s": int(counts.get(kind, 0)) for kind in ("blob", "manifest", "link", "upload")},
        "abort": verdict.abort,
        "abort_rule": verdict.stopped.rule or None if verdict.stopped else None,
        "error_at_end": verdict.error_at_end,
        "unknown_bytes": int(lengths[(states == UNKNOWN) & (lengths != NA_INT)].sum()),
        "breaks": what_breaks(reg, verdict),
    }
    return table


def require_knowable(reg: Registry, name: str) -> None:
    """Refuse what cannot be known; :class:`Collector` refuses the rest."""
    source = reg.source
    source.require_contents("what is garbage")
    why = ""
    if source.proxy_cache:
        why = "is a pull-through cache, which keeps what was pulled and drops it by its own clock"
    elif source.names_in_database:
        why = "keeps its names in a database"
    elif not source.knows_all_blobs:
        why = "shows only what its tags lead to"
    elif source.layouts[0] == "docker-daemon":
        why = "is an engine's store, whose containers and build cache need layers that no image has"
    elif source.tags_elsewhere and name.endswith("-m"):
        why = "keeps its tags in a database, so that what is untagged here may be tagged there"
    if why:
        raise NotKnowableError(f"{source.uri} {why}: what is garbage is not to be seen. Read a registry's own storage")
    if name.startswith("distribution-3") and source.links_checked == "stat":
        raise RegvizError(
            f"{name} deletes layer links, and those of {source.uri} were not looked into: "
            "read it, or capture it again, with links='check' (--links check)"
        )


def _blobs(reg: Registry, verdict: Verdict, states: NDArray[np.int8]) -> Rows:
    blobs = columns(reg, "blobs")
    rows = np.flatnonzero(verdict.blobs)
    said = _states(states[rows])
    return {
        "kind": ["blob"] * len(rows),
        "digest": texts(reg, "digest", blobs["blob"][rows]),
        "repository": [None] * len(rows),
        "bytes": numbers(blobs["blob_bytes"][rows], "bytes"),
        "state": said,
        "reason": [_NO_TAG if verdict.collector == "v1" else _REASONS[str(state)] for state in said],
    }


def _states(codes: NDArray[np.int8]) -> list[str | None]:
    return [STATES[code] if code >= 0 else None for code in codes.tolist()]


def _manifests(reg: Registry, verdict: Verdict, states: NDArray[np.int8]) -> Rows:
    manifests, blob = columns(reg, "manifests"), columns(reg, "blobs")["blob"]
    if verdict.collector == "v1":
        reached = reach(reg)
        chosen = ~Keeping(reg, reached).v1_images() & (manifests["present"] == 1)
        chosen &= not open_questions(reg, reached)[0].untagged
        names = texts(reg, "digest", manifests["manifest"][np.flatnonzero(chosen)])
        codes = np.array([reg.key_code(f"v1:{name}") for name in names], np.int64)
        row = rows_of(codes, blob)
        stays = (row >= 0) & ~pick(verdict.blobs, row) & (pick(states, row, -1) >= 0)
        names = [name for name, kept in zip(names, stays.tolist(), strict=True) if not kept]
        return _linked("manifest", names, [None] * len(names), pick(states, row, -1)[~stays], _NO_TAG)
    linked = columns(reg, "repository_manifests")
    rows = np.flatnonzero(verdict.manifests)
    digests = texts(reg, "digest", linked["manifest"][rows])
    own = pick(states, rows_of(linked["manifest"][rows], blob), -1)
    repositories = texts(reg, "name", linked["repository"][rows])
    return _linked("manifest", digests, repositories, own, "no tag of its repository points to it")


def _links(reg: Registry, verdict: Verdict, states: NDArray[np.int8]) -> Rows:
    links = columns(reg, "repository_blobs")
    rows = np.flatnonzero(verdict.links)
    own = pick(states, rows_of(links["blob"][rows], columns(reg, "blobs")["blob"]), -1)
    plain = verdict.collector == "reachability"
    why = "it leads to nothing, or to what goes" if plain else "no manifest that is kept lists it"
    digests, repositories = texts(reg, "digest", links["link"][rows]), texts(reg, "name", links["repository"][rows])
    return _linked("link", digests, repositories, own, why)


def _linked(kind: str, digests: list[Any], repositories: list[Any], states: NDArray[np.int8], reason: str) -> Rows:
    count = len(digests)
    return {
        "kind": [kind] * count,
        "digest": digests,
        "repository": repositories,
        "bytes": [None] * count,
        "state": _states(states),
        "reason": [reason] * count,
    }


def _uploads(reg: Registry, min_age: dt.timedelta) -> Rows:
    """Unfinished uploads that did not begin just now; one that does not say when, the server never purges."""
    uploads = columns(reg, "uploads")
    is_old = ~is_recent(uploads["started_at"], reg, min_age)
    rows = np.flatnonzero(is_old) if reg.complete else np.empty(0, np.int64)
    return {
        "kind": ["upload"] * len(rows),
        "digest": texts(reg, "name", uploads["upload"][rows]),
        "repository": texts(reg, "name", uploads["repository"][rows]),
        "bytes": numbers(uploads["upload_bytes"][rows], "bytes"),
        "state": [None] * len(rows),
        "reason": ["it was not completed"] * len(rows),
    }
