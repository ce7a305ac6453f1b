"""A registry after a deletion and a collection, beside the same registry collected today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.collectors import Collector, Deletion
from regviz.analysis.deletion import link_rows, served_links
from regviz.analysis.garbage import require_knowable
from regviz.analysis.reach import columns, reach, rows_of
from regviz.analysis.states import RECENT, STATES, UNKNOWN, blob_states, open_questions
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName, Verdict
    from regviz.analysis.deletion import DeleteBy, Removal
    from regviz.registry import Registry

    Mask = NDArray[np.bool_]
    Rows = NDArray[np.int64]

_COLUMNS = ("cause", "kind", "repository", "tag", "digest", "bytes", "state", "lost", "reason")
_WHY = {
    "chosen": "chosen",
    "along": "its manifest is deleted",
    "deleted": "deleted",
    "collected": "nothing needs it any more",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What goes and what breaks, beyond what collecting today does.

    Attributes
    ----------
    reg : Registry
    gone : Removal
        What the deletion takes.
    today, then : Verdict
        What the collector takes without the deletion, and after it.
    state : array of int8
        The state of each blob today, as its place in `STATES`; -1 for what is not there.
    certain : array of bool
        For each blob whether no push in flight may own it, and nothing that was not read may need it.
    """

    reg: Registry
    gone: Removal
    today: Verdict
    then: Verdict
    state: NDArray[np.int8]
    certain: Mask

    @property
    def blobs(self) -> Mask:
        """Rows of `blobs` that are collected then, and not today."""
        return self.then.blobs & ~self.today.blobs

    @property
    def manifests(self) -> Mask:
        """Rows of `repository_manifests` that are collected then, and not today."""
        return self.then.manifests & ~self.today.manifests & ~self.gone.manifests

    @property
    def links(self) -> Mask:
        """Rows of `repository_blobs` that are collected then, and not today."""
        return self.then.links & ~self.today.links

    def served(self, verdict: Verdict, *, deleted: bool) -> Mask:
        """Rows of `repository_manifests` through which a manifest can be pulled, after a verdict was carried out."""
        manifest, blob = columns(self.reg, "repository_manifests")["manifest"], columns(self.reg, "blobs")["blob"]
        held = np.append(verdict.blobs, False)[rows_of(manifest, blob)]
        served: Mask = served_links(self.reg) & ~verdict.manifests & ~held
        return served & ~self.gone.manifests if deleted else served

    def broken(self) -> tuple[Rows, Rows]:
        """Links whose manifest stays and loses something, and the rows of `blobs` that it loses."""
        before, after = self.served(self.today, deleted=False), self.served(self.then, deleted=True)
        parents, lost = self._lost_children(before, after)
        holders, blobs = self._lost_blobs(after)
        width = len(self.blobs) + 1
        pairs = np.unique(np.concatenate([parents * width + lost, holders * width + blobs]))
        return pairs // width, pairs % width

    def _lost_children(self, before: Mask, after: Mask) -> tuple[Rows, Rows]:
        """Manifests that an index lists, and that its repository serves no more."""
        links, references = columns(self.reg, "repository_manifests"), columns(self.reg, "manifest_references")
        listed = references["role"] != self.reg.name_code("subject")
        lister, child = references["manifest"][listed], references["child"][listed]
        parent = np.flatnonzero(after)
        first, last = (np.searchsorted(lister, links["manifest"][parent], side) for side in ("left", "right"))
        count = last - first
        of = np.repeat(parent, count)
        at = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        link = link_rows(self.reg, links["repository"][of], child[at])
        lost = (link >= 0) & before[link] & ~after[link] if len(before) else link >= 0
        return of[lost], rows_of(child[at][lost], columns(self.reg, "blobs")["blob"])

    def _lost_blobs(self, after: Mask) -> tuple[Rows, Rows]:
        """Configurations and layers that are collected, or whose link is."""
        manifest = columns(self.reg, "manifests")["manifest"]
        links, layers = columns(self.reg, "repository_manifests"), columns(self.reg, "repository_blobs")
        holder = np.flatnonzero(after)
        held = reach(self.reg).manifest_blobs[rows_of(links["manifest"][holder], manifest)].tocoo()
        holder, blob = holder[held.row], held.col.astype(np.int64)
        width = len(self.blobs) + 1
        unlinked = self.links
        repository, place = (
            layers["repository"][unlinked],
            rows_of(layers["blob"][unlinked], columns(self.reg, "blobs")["blob"]),
        )
        key = links["repository"][holder].astype(np.int64) * width + blob
        lost = self.blobs[blob] | np.isin(key, repository.astype(np.int64) * width + place)
        return holder[lost], blob[lost]

    @property
    def freed_bytes(self) -> int:
        """Of the blobs that surely go."""
        return int(held_bytes(self.reg)[0][self.blobs & self.certain].sum())

    def numbers(self) -> dict[str, Any]:
        """What is said of the whole."""
        length, _ = held_bytes(self.reg)
        before, after = self.served(self.today, deleted=False), self.served(self.then, deleted=True)
        links, manifests = columns(self.reg, "repository_manifests"), columns(self.reg, "manifests")
        lost = np.setdiff1d(links["manifest"][before], links["manifest"][after])
        kinds = manifests["kind"][rows_of(lost, manifests["manifest"])]
        return {
            "freed_bytes": self.freed_bytes,
            "uncertain_bytes": int(length[self.blobs & ~self.certain].sum()),
            "collected_today_bytes": int(length[self.today.blobs].sum()),
            "tags": int(self.gone.tags.sum()),
            "also_removes": int(self.gone.along.sum()),
            "images_lost": int((kinds == self.reg.name_code("image")).sum()),
            "manifests_lost": len(lost),
            "indexes_broken": len(np.unique(self.broken()[0])),
            "abort": self.then.abort,
            "error_at_end": self.then.error_at_end,
        }

    def table(self, chosen: Mask) -> pd.DataFrame:
        """One row for each thing that goes or breaks; see `what_if`."""
        import pandas as pd

        reg, nothing = self.reg, np.zeros(0, np.int64)
        tags, links = columns(reg, "tags"), columns(reg, "repository_manifests")
        layers, blobs = columns(reg, "repository_blobs"), columns(reg, "blobs")
        length, _ = held_bytes(reg)
        parts: list[pd.DataFrame] = []

        def add(cause: str, kind: str, digest: Any, repository: Any, tag: Any = nothing, lost: Any = nothing) -> None:
            count = len(digest)
            made: dict[str, Any] = {
                "cause": pd.Series([cause] * count, dtype="str"),
                "kind": pd.Series([kind] * count, dtype="str"),
                "digest": pd.Series(texts(reg, "digest", digest), dtype="str"),
                "repository": pd.Series(_texts(reg, "name", repository, count), dtype="str"),
                "tag": pd.Series(_texts(reg, "name", tag, count), dtype="str"),
                "lost": pd.Series(_texts(reg, "digest", lost, count), dtype="str"),
            }
            parts.append(pd.DataFrame(made))

        for cause, rows in (("chosen", self.gone.tags & chosen), ("along", self.gone.along)):
            add(cause, "tag", tags["manifest"][rows], tags["repository"][rows], tags["tag"][rows])
        for cause, rows in (("deleted", self.gone.manifests), ("collected", self.manifests)):
            add(cause, "manifest", links["manifest"][rows], links["repository"][rows])
        add("collected", "blob", blobs["blob"][self.blobs], nothing)
        add("collected", "link", layers["link"][self.links], layers["repository"][self.links])
        parent, lost = self.broken()
        add("broken", "manifest", links["manifest"][parent], links["repository"][parent], lost=blobs["blob"][lost])
        table = pd.concat(parts, ignore_index=True)
        freed, is_blob = np.flatnonzero(self.blobs), table["kind"] == "blob"
        table["bytes"] = pd.Series(pd.NA, table.index, dtype="Int64")
        table.loc[is_blob, "bytes"] = length[freed]
        table["state"] = pd.Series(None, table.index, dtype="str")
        table.loc[is_blob, "state"] = [STATES[place] for place in self.state[freed].tolist()]
        table["reason"] = table["cause"].map(_WHY).astype("str")
        broken = table["cause"] == "broken"
        table.loc[broken, "reason"] = "loses " + table.loc[broken, "lost"]
        return table[list(_COLUMNS)]


class Outcomes:
    """What deletions and a collector after them do, asked any number of times.

    Parameters
    ----------
    reg : Registry
    collector : str
    """

    def __init__(self, reg: Registry, collector: CollectorName) -> None:
        self._reg, self._who, self._state = reg, Collector(reg, collector), blob_states(reg)
        questions, unread = open_questions(reg, reach(reg))
        self._certain: Mask = ~np.isin(self._state, (RECENT, UNKNOWN)) & (not questions.unreferenced)
        self._certain[unread] = False
        self._today = self._who.collect()

    def after(self, gone: Removal) -> Outcome:
        """What one deletion does."""
        then = self._who.collect(Deletion(gone.tags, gone.manifests))
        return Outcome(self._reg, gone, self._today, then, self._state, self._certain)


def outcome(reg: Registry, gone: Removal, collector: CollectorName) -> Outcome:
    """Work out what a deletion and a collector after it do."""
    return Outcomes(reg, collector).after(gone)


def ways(reg: Registry, delete_by: DeleteBy | None, collector: CollectorName | None) -> tuple[DeleteBy, CollectorName]:
    """How tags of this registry are deleted and its garbage is collected, where that was not said.

    Raises
    ------
    NotKnowableError
        The source does not know what lies in its storage.
    RegvizError
        Its tags are not deleted that way.
    """
    source = reg.source
    is_distribution = source.layouts == ("distribution",)
    if delete_by == "manifest" and not is_distribution:
        raise RegvizError(
            f"{source.uri} is {', '.join(source.layouts)}, where tags are deleted, not manifests: delete_by='tag'"
        )
    plain: CollectorName = "v1" if source.layouts == ("v1",) else "reachability"
    by: DeleteBy = "manifest" if is_distribution else "tag"
    who = collector or ("distribution-2.8" if is_distribution else plain)
    require_knowable(reg, who)
    return delete_by or by, who


def _texts(reg: Registry, kind: Any, codes: Any, count: int) -> list[str | None]:
    return texts(reg, kind, codes) if len(codes) else [None] * count
