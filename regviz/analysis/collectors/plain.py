"""What could go by what leads where: true reachability, and images of v1 that no tag reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.collectors.verdict import Verdict, pairs, pick
from regviz.analysis.reach import columns, reach, rows_of
from regviz.analysis.states import MIN_AGE, Keeping, open_questions, recent_blobs

if TYPE_CHECKING:
    import datetime as dt

    from regviz.analysis.collectors.verdict import Deletion
    from regviz.registry import Registry


class PlainCollector:
    """Deletes what nothing leads to, or (v1) what no tag leads to; asked any number of times.

    What is recent stays, and so does everything where not all could be read.

    Parameters
    ----------
    reg : Registry
    name : {"reachability", "v1"}
    min_age : datetime.timedelta
        How old what nothing leads to must be.
    """

    def __init__(self, reg: Registry, name: str, min_age: dt.timedelta = MIN_AGE) -> None:
        self._reg, self._name = reg, name
        reached = reach(reg)
        self._keeping = Keeping(reg, reached)
        questions, unread = open_questions(reg, reached)
        self._stays = columns(reg, "blobs")["present"] != 1
        self._stays |= recent_blobs(reg, min_age)
        self._stays[unread] = True
        self._stays |= questions.unreferenced | (questions.untagged & (name == "v1"))

    def collect(self, without: Deletion) -> Verdict:
        """What it does once that was deleted."""
        reg, keeping = self._reg, self._keeping
        linked, links = columns(reg, "repository_manifests"), columns(reg, "repository_blobs")
        tags = columns(reg, "tags")
        gone = np.isin(
            pairs(tags["repository"], tags["manifest"]),
            pairs(linked["repository"], linked["manifest"])[without.manifests],
        )
        kept = keeping.tagged_blobs(without.tags | gone, without.manifests)
        manifests = np.zeros(len(linked["manifest"]), np.bool_)
        if self._name == "v1":
            row = rows_of(linked["manifest"], columns(reg, "manifests")["manifest"])
            manifests = ~pick(keeping.v1_images(without.tags | gone), row) & ~without.manifests
        else:
            kept |= keeping.linked_blobs(without.manifests)
        blobs = ~(kept | self._stays)
        row = rows_of(links["blob"], columns(reg, "blobs")["blob"])
        there = columns(reg, "blobs")["present"] == 1
        leads_nowhere = ~pick(there, row) | pick(blobs, row)
        # what was not looked into may be an empty directory
        dangling = leads_nowhere & (links["link_state"] != reg.name_code("unchecked"))
        return Verdict(self._name, None, blobs, manifests, dangling, np.empty(0, np.int64))
