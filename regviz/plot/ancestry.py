"""The forest of layers as a tree from left to right: where every dot, line and word lies."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from regviz.plot.ages import by_age
from regviz.plot.branches import (
    SEVERAL_REPOSITORIES,
    Branch,
    branches,
    choose,
    roots,
    standing,
)
from regviz.plot.canvas import Text
from regviz.plot.dots import dot_marks
from regviz.plot.labels import text_width
from regviz.plot.palette import INK, MUTED, OTHERS, SEVERAL, repository_colours
from regviz.plot.spacing import GAP, LEAST_RADIUS, Spacing
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.plot.tree_words import (
    forest_explanation,
    forest_title,
    leaf_names,
    leaf_rest,
    name_room,
    others_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx

    from regviz.plot.marks import Mark

Colour = Literal["repository", "age"]

ROWS = 40
HEIGHT = 640.0
"""Points that a forest takes where nobody says how much: what a person overlooks."""
LEVELS = 24
_LEVEL = 100.0
"""Points for each level where not all of them can be shown: names need some."""
MARKS = 3_000
_ROW = 17.0
_LINE = 12.0
_TREE_GAP = 5.0
_MORE_TAGS = re.compile(r" \+[\d,]+$")
_FEWEST_ROWS = 2
_SAID = {
    "repository": "Its colour is the repository whose tags stand on it.",
    "age": "Its colour is when it was made.",
}


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
    repositories : tuple of (str, str)
        Where they are repositories: the colour and the name of each that has one of its own and a dot, the
        largest first.
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
    repositories: tuple[tuple[str, str], ...] = ()


def describe_forest(
    graph: nx.DiGraph[Any],
    *,
    width: float = 720.0,
    height: float = math.inf,
    rows: int | None = None,
    colour: Colour = "repository",
) -> Forest:
    """Where everything lies in the picture that :func:`regviz.plot.forest` draws of a layer graph.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it.
    width, height : float
        Points there are; smaller branches are left out until it fits.
    rows : int, optional
        The most branches side by side; left out, as many as a person overlooks.
    colour : str
        What colours say: the ``"repository"`` whose tags stand on a layer, or its ``"age"``.
    """
    found = branches(graph)
    if rows is None:
        rows, height = ROWS, min(height, HEIGHT)
    under, said = standing(found), _SAID[colour]
    largest = repository_colours({name: sum(found[at].bytes for at in places) for name, places in under.items()})
    colours = {**largest, SEVERAL_REPOSITORIES: SEVERAL, "": ""}
    told = (layout := _Layout(found, colours, width, rows)).forest(said)
    while rows > _FEWEST_ROWS and (told.height > height or len(told.dots) > MARKS):
        too_much = max(told.height / height, len(told.dots) / MARKS)
        rows = max(_FEWEST_ROWS, min(rows - 1, int(rows / too_much)))
        told = (layout := _Layout(found, colours, width, rows)).forest(said)
    if colour == "age" and told.dots:
        dots, ages = by_age(graph, told.dots)
        told = replace(told, dots=dots, ages=ages, repositories=())
    owners, tags = {}, {}
    for at in layout.shown:
        owned = tuple(sorted(name for name, places in under.items() if at in places))
        owners.update(dict.fromkeys(found[at].layers, owned))
        tags.update(dict.fromkeys(found[at].layers, found[at].total_tags))
    return replace(told, marks=dot_marks(graph, told.dots, owners, tags))


class _Layout:
    """Lays out the branches that are shown; each has its own band of the height, so nothing can overlap."""

    def __init__(self, found: Sequence[Branch], colours: Mapping[str, str], width: float, rows: int) -> None:
        self.found, self.colours, self.width = found, colours, width
        self.shown = choose(found, rows, LEVELS)
        if len(self.shown) < len(found) and rows <= ROWS:
            self.shown = choose(found, rows, max(2, int(width / _LEVEL)))
        self.dots: list[Dot] = []
        self.edges: list[tuple[float, float, float, float, float]] = []
        self.texts: list[Text] = []
        self.names: dict[int, str] = {}
        self.at = Spacing(found, self.shown, width)
        self.band = self._bands()

    def forest(self, said: str) -> Forest:
        """The whole picture; `said` is what colours mean."""
        self._name_leaves()
        top = 0.0
        for root in self.at.roots:
            self._put(root, top)
            top += self.band[root] + _TREE_GAP
        if hidden := [self.found[at] for at in roots(self.found) if at not in self.shown]:
            self.texts.append(Text(0, top + _ROW / 2, others_words(hidden, self.width), SMALL_SIZE, MUTED))
            top += _ROW
        elif self.at.roots:
            top -= _TREE_GAP
        title, explanation = forest_title(self.found), self._explanation(said)
        description = f"A tree from left to right. {explanation}" if self.found else title
        own = {self.found[at].repository: self.colours[self.found[at].repository] for at in self.shown}
        named = tuple((colour, name) for name, colour in self.colours.items() if name in own and _is_one(colour))
        drawn = tuple(self.dots), tuple(self.edges), tuple(self.texts)
        return Forest(title, explanation, description, self.width, top, *drawn, repositories=named)

    def _bands(self) -> dict[int, float]:
        bands: dict[int, float] = {}
        for at in sorted(self.shown, reverse=True):
            words = 2 * _LINE if at in self.at.inner and any(self.at.lines[at]) else _ROW
            stacked = sum(bands[child] for child in self.at.children[at])
            stacked += _ROW if at in self.at.inner and self.at.hidden(at) else 0
            bands[at] = max(words, 2 * max(self.at.radii(at)) + 3, stacked)
        return bands

    def _put(self, root: int, top: float) -> None:
        """Put a tree into its band."""
        bands = [(root, top)]
        while bands:
            at, top = bands.pop()
            y, kept, hidden = top + self.band[at] / 2, self.at.children[at], self.at.hidden(at)
            self._put_dots(at, y)
            if not kept:
                self._put_leaf(at, y)
                continue
            self._put_words(at, y)
            taken = sum(self.band[child] for child in kept) + (_ROW if hidden else 0)
            below, turn = top + (self.band[at] - taken) / 2, self.at.turn(at)
            leaves = self.at.start[at] + self.at.dots_width(at)
            for child in kept:
                self.edges.append((leaves, y, turn, self.at.start[child], below + self.band[child] / 2))
                bands.append((child, below))
                below += self.band[child]
            if hidden:
                x = turn + GAP
                self.edges.append((leaves, y, turn, x - 2, below + _ROW / 2))
                text = others_words(hidden, self.width - x - 2)
                self.texts.append(Text(x + 2, below + _ROW / 2, text, SMALL_SIZE, MUTED))

    def _put_dots(self, at: int, y: float) -> None:
        branch, x = self.found[at], self.at.start[at]
        lengths, colour = self.at.dot_bytes(at), self.colours[branch.repository]
        layers = [(layer,) for layer in branch.layers] if len(lengths) == len(branch.layers) else [branch.layers]
        for held, length, radius in zip(layers, lengths, self.at.radii(at), strict=True):
            self.dots.append(Dot(held, length, x + radius, y, radius, colour))
            x += 2 * radius + 2

    def _put_words(self, at: int, y: float) -> None:
        x = self.at.start[at] + self.at.dots_width(at) + 6
        for text, level, off in zip(self.at.lines[at], ("bottom", "top"), (-2, 2), strict=True):
            colour = INK if level == "bottom" and self.found[at].tags else MUTED
            if text:
                self.texts.append(Text(x, y + off, text, SMALL_SIZE, colour, level=level))

    def _name_leaves(self) -> None:
        """Decide how much of the tags stands beside each branch on which nothing shown grows."""
        leaves = [at for at in sorted(self.shown) if at not in self.at.inner]
        rooms = [name_room(self.found[at], self.at.hidden(at), self._room_beside(at)) for at in leaves]
        self.names = dict(zip(leaves, leaf_names([self.found[at] for at in leaves], rooms), strict=True))

    def _room_beside(self, at: int) -> float:
        return self.width - self.at.start[at] - self.at.dots_width(at) - 6

    def _put_leaf(self, at: int, y: float) -> None:
        x = self.at.start[at] + self.at.dots_width(at) + 6
        if self.names[at]:
            self.texts.append(Text(x, y, self.names[at], colour=INK))
            x += text_width(self.names[at], TEXT_SIZE) + 8
        if rest := leaf_rest(self.found[at], self.at.hidden(at), self.width - x):
            self.texts.append(Text(x, y, rest, SMALL_SIZE, MUTED))

    def _explanation(self, said: str) -> str:
        if not self.found:
            return ""
        alike = int((LEAST_RADIUS / self.at.unit) ** 2) if self.at.unit else 0
        return forest_explanation(
            [self.found[at] for at in roots(self.found)],
            [self.found[at] for at in self.shown],
            [dot.bytes for dot in self.dots],
            alike,
            said,
            runs=any(len(dot.layers) > 1 for dot in self.dots),
            short=any(text.text.startswith("×") for text in self.texts),
            tags=any(_MORE_TAGS.search(text.text) for text in self.texts if text.colour == INK),
        )


def _is_one(colour: str) -> bool:
    """Whether a colour is that of one repository alone."""
    return colour not in ("", OTHERS, SEVERAL)
