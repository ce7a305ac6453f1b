"""How much of the width everything in the forest of layers gets: dots, words, and the lines between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from regviz.plot.branches import roots
from regviz.plot.labels import text_width
from regviz.plot.style import SMALL_SIZE
from regviz.plot.tree_words import leaf_need, line_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.plot.branches import Branch

LEAF_ROOM = 230.0
GAP = 14.0
LEAST_RADIUS = 1.8
_LARGEST_RADIUS = 12.0
_MOST_DOTS = 0.6
_WORDS = 190.0
_BYTES_ROOM = 44.0
"""What the bytes of a run need; where it has that together with its dots, they may take a little more."""
_MOST_NEED = 320.0
_STRETCHES = (3.0, 2.5, 2.1, 1.8, 1.6, 1.4, 1.3, 1.2, 1.1, 1.0)
"""How much more room words are offered than each can have: few need it all."""
_FAVOURED = 16
_OVERLOOKED = 200
"""In a tree of more branches than these nobody reads each word, and to place it again and again takes long."""
_FAVOURS = (3.0, 2.0, 1.5, 1.2)
_WEIGHTS = (1.0, 1.5, 2.0)
"""How much of the width a layer without a tag gets, a run of them, and one with a tag."""


class Spacing:
    """Where each branch that is shown starts, what stands on the line that leaves it, and how large its dots are.

    Parameters
    ----------
    found : sequence of Branch
    shown : set of int
        Places of those that are shown.
    width : float
        Points.
    """

    def __init__(self, found: Sequence[Branch], shown: set[int], width: float) -> None:
        self.found, self.shown, self.width = found, shown, width
        self.roots = [at for at in roots(found) if at in shown]
        self.children = {at: [c for c in found[at].children if c in shown] for at in shown}
        self.inner = {at for at, kept in self.children.items() if kept}
        self._room = self._rooms(room := width - min(LEAF_ROOM, width / 2))
        self._whole = {at for at in shown if self._has_room(at)}
        largest = min(_LARGEST_RADIUS, max(2 * LEAST_RADIUS, min(self._room.values(), default=room) / 5))
        most = max((max(self.dot_bytes(at)) for at in shown), default=0)
        self.unit = largest / math.sqrt(most) if most else 0.0
        self.lines: dict[int, tuple[str, str]] = {}
        self.start: dict[int, float] = {}
        self._need = {at: self._needed(at) for at in shown if at not in self.inner}
        for root in self.roots:
            self._stretch(root)

    def _needed(self, at: int) -> float:
        """Points that the words beside the last branches need, without what can be left out."""
        most = min(_MOST_NEED, self.width / 2)
        return max(min(leaf_need(self.found[at], self.hidden(at)), most), min(LEAF_ROOM, most))

    def _stretch(self, root: int) -> None:
        """Place a tree so that its words use the width: all of them alike, then those of its lowest branches more."""
        for stretch in _STRETCHES:
            if (end := self._place(root, stretch)) <= self.width:
                break
        limit, tree = max(self.width, end), [root]
        for at in tree:  # level by level
            tree += self.children[at]
        if len(tree) > _OVERLOOKED:
            return
        for at in [at for at in tree if at in self.inner][:_FAVOURED]:
            given = self._room[at]
            for favour in _FAVOURS:
                self._room[at] = given * favour
                if self._place(root, stretch) <= limit:
                    break
            else:
                self._room[at] = given
        self._place(root, stretch)

    def _place(self, root: int, stretch: float) -> float:
        """Decide how wide everything in a tree is and where it starts.

        Returns where the words beside its last branches end.
        """
        end, waiting = 0.0, [(root, 2.0)]
        while waiting:
            at, self.start[at] = waiting.pop()
            if at in self.inner:
                self.lines[at] = self._lines(at, self._room[at] * stretch)
                turn = self.turn(at)
                waiting += [(child, turn + GAP) for child in self.children[at]]
            else:
                end = max(end, self.start[at] + self.dots_width(at) + self._need[at])
        return end

    def _rooms(self, room: float) -> dict[int, float]:
        """The width, divided among the levels of the longest way that leads through a branch; names take more of it."""
        weight = {at: _weight(self.found[at]) for at in self.inner}
        above: dict[int, float] = {}
        ahead: dict[int, float] = {}
        for at in sorted(self.inner):  # children stand after parents
            parent = self.found[at].parent
            above[at] = above[parent] + weight[parent] if parent >= 0 else 0.0
        for at in sorted(self.inner, reverse=True):
            ahead[at] = max((weight[c] + ahead[c] for c in self.children[at] if c in self.inner), default=0.0)
        return {at: room * weight[at] / (above[at] + weight[at] + ahead[at]) for at in self.inner}

    def _has_room(self, at: int) -> bool:
        """Whether each layer of a branch can have a dot."""
        count = len(self.found[at].layers)
        room = self._room.get(at, LEAF_ROOM / 4) * _MOST_DOTS
        return count == 1 or count * 2 * (LEAST_RADIUS + 1) <= room - 2 * _LARGEST_RADIUS

    def dot_bytes(self, at: int) -> Sequence[int]:
        """Bytes of the dots of a branch: of its layers, or of all together."""
        branch = self.found[at]
        return branch.layer_bytes if at in self._whole else (branch.bytes,)

    def radii(self, at: int) -> list[float]:
        """Of the dots of a branch."""
        return [max(LEAST_RADIUS, self.unit * math.sqrt(length)) for length in self.dot_bytes(at)]

    def dots_width(self, at: int) -> float:
        """From the left of the first dot of a branch to the right of its last."""
        radii = self.radii(at)
        return 2 * sum(radii) + 2 * (len(radii) - 1)

    def _lines(self, at: int, width: float) -> tuple[str, str]:
        """What stands above and below the line that leaves a branch, as wide as there is room."""
        room = min(_WORDS, width - self.dots_width(at) - GAP - 10)
        if len(self.found[at].layers) > 1 and width >= _BYTES_ROOM:
            room = max(room, _BYTES_ROOM)
        return line_words(self.found[at], room, len(self.dot_bytes(at)))

    def turn(self, at: int) -> float:
        """Where the line from a branch turns to what stands on it."""
        words = max((text_width(line, SMALL_SIZE) for line in self.lines[at]), default=0)
        return self.start[at] + self.dots_width(at) + (words + 10 if words else 2)

    def hidden(self, at: int) -> list[Branch]:
        """What grows on a branch and is not shown."""
        return [self.found[child] for child in self.found[at].children if child not in self.shown]


def _weight(branch: Branch) -> float:
    return _WEIGHTS[2 if branch.tags else int(len(branch.layers) > 1)]
