"""The forest of layers as a tree from left to right: where every dot, line and word lies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from regviz.plot.ages import by_age
from regviz.plot.branches import (
    SEVERAL_REPOSITORIES,
    Branch,
    branches,
    by_size,
    choose,
    forest_title,
    repository_bytes,
    short_tag_words,
    tag_words,
)
from regviz.plot.canvas import Text
from regviz.plot.dots import dot_marks
from regviz.plot.labels import fit, fit_all, text_width
from regviz.plot.palette import INK, MUTED, SEVERAL, repository_colours
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx

    from regviz.plot.marks import Mark

Colour = Literal["repository", "age"]

ROWS = 60
LEVELS = 24
MARKS = 3_000
LEAF_ROOM = 250.0
_ROW = 17.0
_LINE = 12.0
_GAP = 14.0
_RADII = (1.8, 12.0)
_MOST_DOTS = 0.6
_WORDS = (54.0, 190.0)
_TREE_GAP = 5.0
_FEWEST_ROWS = 2
_AGE_SAID = "Its colour is when it was made."
_NAMED_WEIGHT = 2.0
"""How much more of the width a layer with a tag gets than one without."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A layer, or a whole run of them where there is no room for each.

    Attributes
    ----------
    layers : tuple of str
    bytes : int
    x, y, radius : float
        Points, from the upper left corner.
    colour : str
        Empty: no tag stands on it.
    """

    layers: tuple[str, ...]
    bytes: int
    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True, slots=True)
class Forest:
    """What :func:`regviz.plot.forest` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    dots : tuple of Dot
    edges : tuple of (float, float, float, float, float)
        x and y where a line leaves a layer, x where it turns, x and y of the layer that stands on it.
    texts : tuple of Text
    marks : tuple of Mark
        What each dot stands for.
    ages : tuple of (str, str)
        Where colours are ages: those of the key, with their words.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float
    dots: tuple[Dot, ...]
    edges: tuple[tuple[float, float, float, float, float], ...]
    texts: tuple[Text, ...]
    marks: tuple[Mark, ...] = ()
    ages: tuple[tuple[str, str], ...] = ()


def describe_forest(
    graph: nx.DiGraph[Any],
    *,
    width: float = 720.0,
    height: float = math.inf,
    rows: int = ROWS,
    colour: Colour = "repository",
) -> Forest:
    """Where everything lies in the picture that :func:`regviz.plot.forest` draws of a layer graph.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it.
    width, height : float
        Points there are; smaller branches are left out until it fits.
    rows : int
        The most branches side by side.
    colour : str
        What colours say: the ``"repository"`` whose tags stand on a layer, or its ``"age"``.
    """
    found = branches(graph)
    told = _Layout(found, width, rows).forest()
    while rows > _FEWEST_ROWS and (told.height > height or len(told.dots) > MARKS):
        too_much = max(told.height / height, len(told.dots) / MARKS)
        rows = max(_FEWEST_ROWS, min(rows - 1, int(rows / too_much)))
        told = _Layout(found, width, rows).forest()
    if colour == "age" and told.dots:
        dots, ages = by_age(graph, told.dots)
        said, seen = f"{told.explanation} {_AGE_SAID}", f"{told.description} {_AGE_SAID}"
        told = replace(told, explanation=said, description=seen, dots=dots, ages=ages)
    return replace(told, marks=dot_marks(graph, told.dots))


class _Layout:
    """Lays out the branches that are shown; each has its own band of the height, so nothing can overlap."""

    def __init__(self, found: Sequence[Branch], width: float, rows: int) -> None:
        self.found, self.width = found, width
        self.shown = choose(found, rows, LEVELS)
        self.colours = {**repository_colours(repository_bytes(found)), SEVERAL_REPOSITORIES: SEVERAL, "": ""}
        self.roots = [at for at in by_size(found) if found[at].parent < 0 and at in self.shown]
        self.children = {at: [c for c in found[at].children if c in self.shown] for at in self.shown}
        self.inner = {at for at, kept in self.children.items() if kept}
        self.dots: list[Dot] = []
        self.edges: list[tuple[float, float, float, float, float]] = []
        self.texts: list[Text] = []
        self.room = self._rooms(room := width - min(LEAF_ROOM, width / 2))
        self.whole = {at for at in self.shown if self._has_room(at)}
        self.largest_radius = min(_RADII[1], max(2 * _RADII[0], min(self.room.values(), default=room) / 5))
        most = max((max(self._dot_bytes(at)) for at in self.shown), default=0)
        self.unit = self.largest_radius / math.sqrt(most) if most else 0.0
        self.lines: dict[int, tuple[str, str]] = {}
        self.start: dict[int, float] = {}
        self.names: dict[int, str] = {}
        self.rest: dict[int, str] = {}
        for root in self.roots:
            for stretch in (3.0, 2.5, 2.1, 1.8, 1.6, 1.4, 1.3, 1.2, 1.1, 1.0):  # few lines need it all
                if self._place(root, stretch) <= room:
                    break
        self.band = self._bands()

    def forest(self) -> Forest:
        """The whole picture."""
        self._name_leaves()
        top = 0.0
        for root in self.roots:
            self._put(root, top)
            top += self.band[root] + _TREE_GAP
        hidden_roots = [at for at, branch in enumerate(self.found) if branch.parent < 0 and at not in self.shown]
        if hidden_roots:
            self.texts.append(Text(0, top + _ROW / 2, self._others(hidden_roots, self.width), SMALL_SIZE, MUTED))
            top += _ROW
        elif self.roots:
            top -= _TREE_GAP
        title = forest_title(self.found)
        explanation = self._explanation()
        description = f"A tree from left to right. {explanation}" if self.found else title
        return Forest(
            title, explanation, description, self.width, top, tuple(self.dots), tuple(self.edges), tuple(self.texts)
        )

    def _place(self, root: int, stretch: float) -> float:
        """Decide how wide everything in a tree is and where it starts.

        Returns where the words of the last level begin that begin most to the right.
        """
        end, waiting = 0.0, [(root, 2.0)]
        while waiting:
            at, self.start[at] = waiting.pop()
            if at in self.inner:
                self.lines[at] = self._lines(at, self.room[at] * stretch)
                turn = self._turn(at)
                waiting += [(child, turn + _GAP) for child in self.children[at]]
            else:
                end = max(end, self.start[at] + self._dots_width(at))
        return end

    def _rooms(self, room: float) -> dict[int, float]:
        """The width, divided among the levels of the longest way that leads through a branch; names take more of it."""
        weight = {at: _NAMED_WEIGHT if self.found[at].tags else 1.0 for at in self.inner}
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
        room = self.room.get(at, LEAF_ROOM / 4) * _MOST_DOTS
        return count == 1 or count * 2 * (_RADII[0] + 1) <= room - 2 * _RADII[1]

    def _dot_bytes(self, at: int) -> Sequence[int]:
        """Bytes of the dots of a branch: of its layers, or of all together."""
        branch = self.found[at]
        return branch.layer_bytes if at in self.whole else (branch.bytes,)

    def _radii(self, at: int) -> list[float]:
        return [max(_RADII[0], self.unit * math.sqrt(length)) for length in self._dot_bytes(at)]

    def _dots_width(self, at: int) -> float:
        radii = self._radii(at)
        return 2 * sum(radii) + 2 * (len(radii) - 1)

    def _lines(self, at: int, width: float) -> tuple[str, str]:
        """What stands above and below the line that leaves a branch, as wide as there is room."""
        branch = self.found[at]
        room = min(_WORDS[1], width - self._dots_width(at) - _GAP - 10)
        count = f"×{len(branch.layers):,}" if len(branch.layers) > 1 else ""
        size = branch.length
        much = f"{count}  {size}" if count else size
        below = next((line for line in (much, count) if text_width(line, SMALL_SIZE) <= room), "")
        if branch.tags:
            return short_tag_words(branch.tags, room, SMALL_SIZE), below
        return (fit(branch.instruction, room, SMALL_SIZE) if room >= _WORDS[0] else ""), below

    def _turn(self, at: int) -> float:
        """Where the line from a branch turns to what stands on it."""
        words = max((text_width(line, SMALL_SIZE) for line in self.lines[at]), default=0)
        return self.start[at] + self._dots_width(at) + (words + 10 if words else 2)

    def _bands(self) -> dict[int, float]:
        bands: dict[int, float] = {}
        for at in sorted(self.shown, reverse=True):
            words = 2 * _LINE if at in self.inner and any(self.lines[at]) else _ROW
            stacked = sum(bands[child] for child in self.children[at])
            stacked += _ROW if at in self.inner and self._hidden(at) else 0
            bands[at] = max(words, 2 * max(self._radii(at)) + 3, stacked)
        return bands

    def _hidden(self, at: int) -> list[int]:
        return [child for child in self.found[at].children if child not in self.shown]

    def _put(self, root: int, top: float) -> None:
        """Put a tree into its band."""
        bands = [(root, top)]
        while bands:
            at, top = bands.pop()
            y, kept, hidden = top + self.band[at] / 2, self.children[at], self._hidden(at)
            self._put_dots(at, y)
            if not kept:
                self._put_leaf(at, y)
                continue
            self._put_words(at, y)
            taken = sum(self.band[child] for child in kept) + (_ROW if hidden else 0)
            below, turn = top + (self.band[at] - taken) / 2, self._turn(at)
            leaves = self.start[at] + self._dots_width(at)
            for child in kept:
                self.edges.append((leaves, y, turn, self.start[child], below + self.band[child] / 2))
                bands.append((child, below))
                below += self.band[child]
            if hidden:
                x = turn + _GAP
                self.edges.append((leaves, y, turn, x - 2, below + _ROW / 2))
                text = self._others(hidden, self.width - x)
                self.texts.append(Text(x + 2, below + _ROW / 2, text, SMALL_SIZE, MUTED))

    def _put_dots(self, at: int, y: float) -> None:
        branch, x = self.found[at], self.start[at]
        lengths, colour = self._dot_bytes(at), self.colours[branch.repository]
        layers = [(layer,) for layer in branch.layers] if len(lengths) == len(branch.layers) else [branch.layers]
        for held, length, radius in zip(layers, lengths, self._radii(at), strict=True):
            self.dots.append(Dot(held, length, x + radius, y, radius, colour))
            x += 2 * radius + 2

    def _put_words(self, at: int, y: float) -> None:
        x = self.start[at] + self._dots_width(at) + 6
        for text, level, off in zip(self.lines[at], ("bottom", "top"), (-2, 2), strict=True):
            colour = INK if level == "bottom" and self.found[at].tags else MUTED
            if text:
                self.texts.append(Text(x, y + off, text, SMALL_SIZE, colour, level=level))

    def _name_leaves(self) -> None:
        """Decide how much of the tags and of the rest stands beside each branch on which nothing shown grows."""
        leaves = [at for at in sorted(self.shown) if at not in self.inner]
        rooms, texts = [], []
        for at in leaves:
            branch, room = self.found[at], self.width - self.start[at] - self._dots_width(at) - 6
            count = f"×{len(branch.layers):,}" if len(branch.layers) > 1 else ""
            hidden = self._hidden(at)
            others = self._others(hidden, room) if hidden else ""
            parts = (count, branch.length, others, branch.instruction)
            self.rest[at] = "  ".join(part for part in parts if part)
            rooms.append(max(room * 0.6, room - text_width(self.rest[at], SMALL_SIZE) - 8))
            texts.append(tag_words(branch.tags))
        self.names = dict(zip(leaves, fit_all(texts, rooms, TEXT_SIZE), strict=True))

    def _put_leaf(self, at: int, y: float) -> None:
        x = self.start[at] + self._dots_width(at) + 6
        if self.names[at]:
            self.texts.append(Text(x, y, self.names[at], colour=INK))
            x += text_width(self.names[at], TEXT_SIZE) + 8
        rest = fit(self.rest[at], self.width - x, SMALL_SIZE)
        if rest:
            self.texts.append(Text(x, y, rest, SMALL_SIZE, MUTED))

    def _others(self, hidden: Sequence[int], room: float) -> str:
        layers = sum(self.found[at].total_layers for at in hidden)
        size = sum(self.found[at].total_bytes for at in hidden)
        tags = sum(self.found[at].total_tags for at in hidden)
        tagged = f", {count_noun(tags, 'tag')}" if tags else ""
        words = ("more branch", "more branches") if self.found[hidden[0]].level else ("more base", "more bases")
        much = f"{count_noun(layers, 'layer')}, {format_bytes(size)}{tagged}"
        text = f"+ {count_noun(len(hidden), *words)}: {much}"
        return fit(text, room, SMALL_SIZE)

    def _explanation(self) -> str:
        if not self.found:
            return ""
        largest = format_bytes(max(dot.bytes for dot in self.dots))
        text = f"Each layer stands on the one to its left. The area of a dot is its bytes; the largest has {largest}."
        hidden = [branch for at, branch in enumerate(self.found) if at not in self.shown]
        if hidden:
            layers = sum(len(branch.layers) for branch in hidden)
            size = sum(branch.bytes for branch in hidden)
            text += f" Left out: {count_noun(layers, 'layer')} of smaller branches, {format_bytes(size)}."
        return text
