"""A picture as data: boxes in series, lines and texts at points from an upper left corner; and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import PathPatch

from regviz.plot.canvas import (
    HINTING,
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Heading,
    Margins,
    Text,
    axes_size,
    figure_of,
    heading,
    hide_axes,
    new_axes,
    put_heading,
    put_texts,
)
from regviz.plot.labels import fit, text_width
from regviz.plot.palette import MUTED, STATES
from regviz.plot.shapes import rectangle
from regviz.plot.style import TEXT_SIZE, style
from regviz.plot.svg import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from regviz.plot.marks import Mark

PAPER = WIDTH - 2 * MARGIN
"""Points of width that a picture of its own has."""
_HATCH = "////////"
_SWATCH = 9.0
_BETWEEN = 18.0


@dataclass(frozen=True, slots=True)
class Rect:
    """A box; `hollow` is drawn by its outline, hatched: what is not there."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    hollow: bool = False

    @property
    def path(self) -> Path:
        """Its outline."""
        return rectangle(self.x, self.y, self.x + self.width, self.y + self.height)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Boxes of one kind, and what a page says of each."""

    name: str
    boxes: tuple[Rect, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is painted.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    series : tuple of Series
    boxes : tuple of Rect
        Those that stand for nothing in the data: keys of colours.
    under, over : tuple of Stroke
        Lines below the boxes, and above them.
    texts : tuple of Text
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float = 0.0
    series: tuple[Series, ...] = ()
    boxes: tuple[Rect, ...] = ()
    under: tuple[Stroke, ...] = ()
    over: tuple[Stroke, ...] = ()
    texts: tuple[Text, ...] = ()

    def bars(self, name: str) -> tuple[Rect, ...]:
        """The boxes of a series; none where there is no such series."""
        return next((each.boxes for each in self.series if each.name == name), ())


def said_alone(title: str, width: float, explanation: str = "") -> Sheet:
    """A sheet with nothing but its title."""
    return Sheet(title, explanation, f"{title}. {explanation}".strip(), width)


def paint(describe: Callable[[float, float | None], Sheet], ax: Axes | None) -> Axes:
    """Draw what is described for a width, and for a height where an Axes was given.

    Parameters
    ----------
    describe : callable
        Told the width in points and the height, or None where it may be as high as it needs.
    ax : matplotlib.axes.Axes or None
        Where to draw; None for a figure of its own.
    """
    with style():
        if ax is None:
            told = describe(PAPER, None)
            head = heading(told.title, told.explanation, PAPER)
            height = max(told.height, 1.0)
            ax = new_axes(PAPER, height, Margins(top=MARGIN + head.height))
            ax.description = told.description
            ax.marks = {each.name: each.marks for each in told.series}
            put_heading(ax, head, left=0, above=0)
        else:
            width, height = axes_size(ax)
            told = describe(width, height)
            put_heading(ax, _above(ax, told.title, width), left=0, above=0)
        hide_axes(ax, told.width, height)
        _put_strokes(ax, told.under, 0.5)
        for each in told.series:
            _put_boxes(ax, each.boxes, f"{MARKS}{each.name}")
        _put_boxes(ax, told.boxes)
        _put_strokes(ax, told.over, 3.0)
        put_texts(ax, told.texts)
    return ax


def _above(ax: Axes, title: str, width: float) -> Heading:
    """A heading that an Axes has room for: a long title must not leave the figure at its top."""
    lines = heading(title, "", width / HINTING)
    room = (1 - ax.get_position().y1) * figure_of(ax).get_size_inches()[1] * 72
    return lines if lines.height <= room else heading(fit(title, width / HINTING, TEXT_SIZE), "", width)


def _put_boxes(ax: Axes, boxes: Sequence[Rect], gid: str = "") -> None:
    if not boxes:
        return
    fills = ["none" if box.hollow else box.colour for box in boxes]
    edges = [box.colour if box.hollow else "none" for box in boxes]
    look: dict[str, Any] = {"linewidths": 0.8, "clip_on": False}
    if len(boxes) == 1:  # a collection of one is written as a reference to it, which no page can count
        alone = PathPatch(boxes[0].path, facecolor=fills[0], edgecolor=edges[0], linewidth=0.8, clip_on=False)
        alone.set_gid(gid or None)
        ax.add_patch(alone)
    else:
        drawn = PathCollection([box.path for box in boxes], facecolors=fills, edgecolors=edges, **look)
        drawn.set_gid(gid or None)
        ax.add_collection(drawn, autolim=False)
    if hollow := [box.path for box in boxes if box.hollow]:
        absent: dict[str, Any] = {"facecolors": "none", "edgecolors": STATES["absent"], "hatch": _HATCH}
        ax.add_collection(PathCollection(hollow, linewidths=0.0, clip_on=False, **absent), autolim=False)


def _put_strokes(ax: Axes, strokes: Sequence[Stroke], level: float) -> None:
    for dashed in (False, True):
        chosen = [stroke for stroke in strokes if stroke.dashed == dashed]
        if chosen:
            look: dict[str, Any] = {"linestyles": (0, (4, 3)) if dashed else "solid", "clip_on": False, "zorder": level}
            lines = LineCollection(
                [stroke.points for stroke in chosen],
                colors=[stroke.colour for stroke in chosen],
                linewidths=[stroke.width for stroke in chosen],
                **look,
            )
            ax.add_collection(lines, autolim=False)


def key(
    meanings: Iterable[tuple[str, str]], width: float, y: float = 0.0, *, hollow: str = ""
) -> tuple[list[Rect], list[Text], float]:
    """What colours mean, on as many lines as that needs.

    Parameters
    ----------
    meanings : iterable of (str, str)
        A colour and its words each.
    width, y : float
        Points: how wide the lines may be, and where the first begins.
    hollow : str
        The colour that is drawn hollow.

    Returns
    -------
    tuple
        The boxes, the words, and where the next thing may begin.
    """
    boxes: list[Rect] = []
    texts: list[Text] = []
    x = 0.0
    for colour, words in meanings:
        label = fit(words, (width - _SWATCH - 5) / HINTING, TEXT_SIZE)
        needed = _SWATCH + 5 + wide(label, TEXT_SIZE)
        if x and x + needed > width:
            x, y = 0.0, y + TEXT_LINE
        boxes.append(Rect(x, y + 1, _SWATCH, _SWATCH, colour, hollow=colour == hollow))
        texts.append(Text(x + _SWATCH + 5, y + 1 + _SWATCH / 2, label, TEXT_SIZE, MUTED))
        x += needed + _BETWEEN
    return boxes, texts, y + TEXT_LINE if boxes else y


def wide(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text may become, on whatever Axes it is drawn."""
    return text_width(text, size, bold=bold) * HINTING


def spans_free(taken: list[tuple[float, float]], left: float, right: float, apart: float = 4.0) -> bool:
    """Whether nothing on a line is in the way of a text.

    Examples
    --------
    >>> spans_free([(0, 40)], 45, 60), spans_free([(0, 40)], 42, 60)
    (True, False)
    """
    return all(right + apart <= start or left - apart >= end for start, end in taken)


def shares(series: Mapping[str, Sequence[Rect]], marks: Mapping[str, Sequence[Mark]]) -> tuple[Series, ...]:
    """Series of boxes with their marks; those without a box are left out."""
    return tuple(Series(name, tuple(boxes), tuple(marks[name])) for name, boxes in series.items() if boxes)
