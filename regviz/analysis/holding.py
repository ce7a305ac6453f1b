"""What can be deleted as one, and which blobs each holds, as the collector that comes afterwards sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.collectors.marking import listed_by
from regviz.analysis.collectors.seen import Seen
from regviz.analysis.deletion import link_rows, removal
from regviz.analysis.reach import closure, columns, incidence, reach, row_counts, rows_of, through

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName
    from regviz.analysis.deletion import DeleteBy, Removal
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Units:
    """What goes as one: of Distribution's storage a repository's link to a manifest, with all tags on it; else a tag.

    Attributes
    ----------
    tags : csr_array
        Units × rows of `tags`.
    blobs : csr_array
        Units × rows of `blobs`: what each holds. An index holds what a unit that it lists holds, so that no child
        goes before it.
    """

    reg: Registry
    tags: Incidence
    blobs: Incidence

    @property
    def cost(self) -> Numbers:
        """How many tags go with each."""
        return row_counts(self.tags)

    def removal(self, units: Numbers, delete_by: DeleteBy) -> Removal:
        """The deletion of some units."""
        tags = np.zeros(self.tags.shape[1], np.bool_)
        tags[self.tags[units].indices] = True
        return removal(self.reg, tags, delete_by, np.zeros_like(tags))


def units_of(reg: Registry, chosen: Mask, collector: CollectorName) -> Units:
    """The units whose tags were all chosen, and that no other tag needs."""
    reached, tags = reach(reg), columns(reg, "tags")
    if reg.source.layouts != ("distribution",):
        rows = np.flatnonzero(chosen)
        every = incidence(np.arange(len(rows)), rows, (len(rows), len(chosen)))
        return Units(reg, every, through(every, reached.tag_blobs))
    gone = removal(reg, chosen, "manifest", ~chosen)
    rows = np.flatnonzero(gone.manifests)
    unit = np.where(gone.tags, rows_of(link_rows(reg, tags["repository"], tags["manifest"]), rows), -1)
    of_tag = incidence(unit, np.arange(len(unit)), (len(rows), len(unit)))
    if collector == "reachability":
        manifests = columns(reg, "manifests")["manifest"]
        manifest = rows_of(columns(reg, "repository_manifests")["manifest"][rows], manifests)
        own = incidence(np.arange(len(rows)), manifest, (len(rows), len(manifests)))
        return Units(reg, of_tag, through(reached.descend(own), reached.manifest_blobs))
    return Units(reg, of_tag, _marked(Seen(reg), rows, recursive=not collector.startswith("distribution-2.8")))


def _marked(seen: Seen, rows: Numbers, *, recursive: bool) -> Incidence:
    """What links make a Distribution collector mark, and what links mark that they list."""
    count = len(seen.manifest)
    every = np.flatnonzero((seen.ingested >= 0) & (seen.document >= 0))
    listed, of = listed_by(seen.lists, seen.document[every])
    own = seen.own_blob[seen.manifest]
    blobs = incidence(
        np.concatenate([every[of], np.arange(count)]), np.concatenate([listed, own]), (count, len(seen.blob))
    )
    child, of = listed_by(seen.lists_manifests, seen.document[every])
    link = seen.revision_of(seen.repository[every][of], child)
    link = np.where((link >= 0) & (np.append(seen.ingested, -1)[link] >= 0), link, -1)
    start = incidence(np.arange(len(rows)), rows, (len(rows), count))
    within = closure(start, incidence(every[of], link, (count, count)))
    if recursive:
        return through(within, blobs)
    is_unit = np.zeros(count, np.bool_)
    is_unit[rows] = True
    pairs = within.tocoo()
    mine = is_unit[pairs.col]
    return through(incidence(pairs.row[mine], pairs.col[mine], (len(rows), count)), blobs)
