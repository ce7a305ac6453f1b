"""Chains of v1 images: parents and depths."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from regviz.manifests.json import load
from regviz.pool import V1_ID, is_v1_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Inventory

    Codes = NDArray[np.int32]

_NONE = -1


class Chains:
    """What stands on what. The images are all known by then, but for those that only ancestry files name.

    A parent comes from the json; where that is missing from ancestry, the image's own, else one of its children's.
    A listing, which can be asked for neither, leaves parents and depths unknown.

    Attributes
    ----------
    parent : array of int
        Row of each image's parent; -1 at a base.
    depth : array of int
        Images up to here; 1 at a base, -1 where that is not known.
    """

    def __init__(self, inventory: Inventory, images: Images, facts: Facts) -> None:
        self._inventory, self._images, self._facts = inventory, images, facts
        self.parent: Codes = np.empty(0, np.int32)
        self.depth: Codes = np.empty(0, np.int32)
        named = images.said["parent"]
        known = np.flatnonzero(named >= 0)
        above = images.rows_of(named[known])
        self._grow()
        if not inventory.has_contents:
            self.depth = self.parent.copy()
            return
        self.parent[known] = above
        self._ask_ancestries()
        while len(on_cycles := self._climb()):
            self._cut(on_cycles)

    def _grow(self) -> None:
        more = len(self._images) - len(self.parent)
        self.parent = np.append(self.parent, np.full(more, _NONE, np.int32))

    def _ask_ancestries(self) -> None:
        unread = np.flatnonzero(~self._images.was_read).tolist()
        untold = {*unread, *range(self._images.present, len(self._images))}
        asked = {*unread}
        self._follow(unread, untold)
        if not untold:
            return
        for one_each in (True, False):  # what a first child does not tell, another may
            children = self._children(untold, asked, one_each=one_each)
            asked.update(children)
            self._follow(children, untold)

    def _children(self, untold: set[int], asked: set[int], *, one_each: bool) -> list[int]:
        """Images that stand on untold ones, and were not asked yet."""
        is_untold = np.zeros(len(self.parent) + 1, np.bool_)
        is_untold[[*untold]] = True
        rows = np.flatnonzero(is_untold[self.parent])
        rows = rows[~np.isin(rows, [*asked])]
        if one_each:
            rows = np.sort(rows[np.unique(self.parent[rows], return_index=True)[1]])
        return [row for row in rows.tolist() if row < self._images.present]

    def _follow(self, rows: list[int], untold: set[int]) -> None:
        """Take the parents of untold images that ancestry files tell."""
        images = self._images
        for row, chain in sorted(read_ancestries(self._inventory, images, self._facts, rows).items()):
            if not chain or chain[0] != images.name(row):
                continue
            keys = self._facts.keys.intern(chain, V1_ID)
            first = next((at for at, place in enumerate(images.find(keys).tolist()) if place in untold), len(chain))
            before = len(images)
            places = images.rows_of(keys[first:]).tolist()
            untold.update(range(before, len(images)))
            self._grow()
            for below, above in pairwise([*places, _NONE]):
                if below in untold:
                    untold.remove(below)
                    self.parent[below] = above

    def _climb(self) -> NDArray[np.int32]:
        """Measure depths, by steps that double in length; returns the rows that lie on cycles."""
        count = len(self.parent)
        above = np.append(self.parent, np.int32(count))
        above[above < 0] = count
        depth = np.ones(count + 1, np.int32)
        depth[count] = 0
        for _ in range(count.bit_length()):
            if (above == count).all():
                break
            depth += depth[above]
            above = above[above]
        self.depth = depth[:count]
        return np.unique(above[above < count])

    def _cut(self, on_cycles: NDArray[np.int32]) -> None:
        """Make a base of the smallest id of every cycle."""
        left = {*on_cycles.tolist()}
        while left:
            cycle = [left.pop()]
            while (row := int(self.parent[cycle[-1]])) in left:
                left.remove(row)
                cycle.append(row)
            cut = min(cycle, key=self._images.name)
            self._facts.problem("v1-parent-cycle", manifest=self._images.name(cut), detail=f"{len(cycle)} images")
            self.parent[cut] = _NONE


def read_ancestries(inventory: Inventory, images: Images, facts: Facts, rows: list[int]) -> dict[int, list[str]]:
    """The ancestry files of these images that are there and can be read, by row."""
    found: dict[int, list[str]] = {}
    for row, content in inventory.ancestries(rows, [images.name(row).encode() for row in rows]):
        value = load(content)
        if isinstance(value, list) and all(isinstance(name, str) and is_v1_id(name) for name in value):
            found[row] = value
        else:
            facts.problem("v1-ancestry-unreadable", manifest=images.name(row), detail=f"{len(content)} bytes")
    return found
