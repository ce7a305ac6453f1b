"""A histogram, drawn: classes side by side, each with its count above it, and pins with words over all bars."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Margins,
    Picture,
    axes_size,
    heading,
    new_axes,
    put_heading,
    put_legend,
)
from regviz.plot.labels import fit, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, OTHERS, STATES
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.plot.svg import MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

_HEIGHT = 190.0
_FEWEST = 8
_WORDS = ("layer blobs in tagged images", "in no tagged image")


@dataclass(frozen=True, slots=True)
class Bar:
    """A class: as wide as 1 on the axis, in two parts.

    Attributes
    ----------
    tagged, others : int
        How many tags reach, and how many none does.
    words : str
        What the class holds, for who points at it.
    """

    tagged: int
    others: int
    words: str

    @property
    def count(self) -> int:
        """How many it has."""
        return self.tagged + self.others


@dataclass(frozen=True, slots=True)
class Upright:
    """What is drawn of a histogram.

    Attributes
    ----------
    title, explanation, description : str
    first : int
        Where the first class begins on the axis.
    bars : tuple of Bar
        Without gaps, the smallest first.
    ticks : tuple of (float, str)
        Labels on the axis; those there is no room for are left out at even distances.
    pins : tuple of (float, str)
        Two places on the axis, and what is said there.
    words : tuple of str
        What the two parts of a bar are.
    """

    title: str
    explanation: str
    description: str
    first: int
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    pins: tuple[tuple[float, str], ...]
    words: tuple[str, str] = _WORDS


def draw(told: Upright, ax: Axes | None) -> Axes:
    """Draw a histogram on an Axes, or on a figure of its own."""
    with style():
        several = any(each.others for each in told.bars)
        marks = SMALL_SIZE + 4 + 2 * TEXT_LINE  # over the axes: the count of the highest bar, two lines of words
        above = marks + 6 + several * (TEXT_LINE + 6) if told.bars else 0
        if ax is None:
            head = heading(told.title, told.explanation, WIDTH - 2 * MARGIN)
            bottom = MARGIN + 12 if told.bars else 0
            margins = Margins(MARGIN + 4, MARGIN + 4, MARGIN + head.height + above, bottom)
            ax = new_axes(WIDTH - 2 * MARGIN - 8, _HEIGHT if told.bars else 1, margins)
            ax.description = told.description
            put_heading(ax, head, left=4, above=above)
        else:
            put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=above)
        if not told.bars:
            ax.set_axis_off()
            return ax
        _put_bars(ax, told)
        _put_pins(ax, told)
        if several:
            handles = [Patch(color=STATES["tagged"]), Patch(color=OTHERS)]
            put_legend(ax, handles, told.words, left=4, above=marks + 6)
        return ax


def _put_bars(ax: Axes, told: Upright) -> None:
    bars, first = told.bars, told.first
    places = [first + number + 0.5 for number in range(len(bars))]
    tagged = [each.tagged for each in bars]
    blue = ax.bar(places, tagged, width=0.9, color=STATES["tagged"], linewidth=0)
    grey = ax.bar(places, [each.others for each in bars], bottom=tagged, width=0.9, color=OTHERS, linewidth=0)
    if isinstance(ax, Picture):
        ax.marks = {
            "tagged": _marked("tagged", blue.patches, [(each.tagged, told.words[0], each.words) for each in bars]),
            "others": _marked("others", grey.patches, [(each.others, told.words[1], each.words) for each in bars]),
        }
    last = first + len(bars)
    spare = max(0, _FEWEST - (last - first)) / 2  # a single class is no wall
    ax.set_xlim(first - spare - 0.05, last + spare + 0.05)
    ax.set_ylim(0, max(each.count for each in bars))
    room = axes_size(ax)[0] / (last - first + 2 * spare)
    for place, each in zip(places, bars, strict=True):
        if each.count and (label := short_count(each.count, room)):
            top = (place, each.count)
            ax.annotate(label, top, (0, 2), textcoords="offset points", ha="center", fontsize=SMALL_SIZE)
    widest = max(text_width(label, SMALL_SIZE) for _, label in told.ticks)
    apart = (told.ticks[1][0] - told.ticks[0][0] if len(told.ticks) > 1 else 1) * room
    ticks = told.ticks[:: math.ceil((widest + 6) / apart)]
    # At the edges a label may lie in the margin, and not beyond.
    near = {(place, label): min(place - first, last - place) + spare for place, label in ticks}
    ticks = tuple(tick for tick in ticks if near[tick] * room + MARGIN + 4 >= text_width(tick[1], SMALL_SIZE) / 2)
    ax.set_xticks([place for place, _ in ticks], [label for _, label in ticks])
    ax.set_yticks([])
    ax.tick_params(axis="x", length=3, pad=3)


def _marked(name: str, patches: Sequence[Rectangle], rows: Sequence[tuple[int, str, str]]) -> list[Mark]:
    """Name the bars that are seen as marks of a series, and say what they stand for."""
    made = []
    for patch, (count, part, words) in zip(patches, rows, strict=True):
        if count:
            patch.set_gid(f"{MARKS}{name}")
            made.append(Mark(f"{words}: {count:,}\n{part}"))
    return made


def short_count(count: int, room: float) -> str:
    """A count as exact as there is room for; empty where there is none.

    Examples
    --------
    >>> [short_count(1_234_567, room) for room in (60, 36, 24, 8)]
    ['1,234,567', '1.23M', '1M', '']
    """
    unit, letter = (1_000_000, "M") if count >= 1_000_000 else (1_000, "k")
    rounded = [f"{count / unit:.3g}{letter}", f"{count / unit:.0f}{letter}"] if count >= unit else []
    return next((label for label in (f"{count:,}", *rounded) if text_width(label, SMALL_SIZE) <= room), "")


def _put_pins(ax: Axes, told: Upright) -> None:
    """A pin on the bar of each; its words above all bars."""
    width, height = axes_size(ax)
    low, high = ax.get_xlim()
    points = [(place - low) / (high - low) * width for place, _ in told.pins]
    widths = [text_width(words, TEXT_SIZE) for _, words in told.pins]
    rows, sides = _arrange(points, widths, width)
    tallest = max(each.count for each in told.bars)
    for (place, words), row, side, at in zip(told.pins, rows, sides, points, strict=True):
        count = told.bars[math.floor(place) - told.first].count
        top, bottom = height + SMALL_SIZE + 4 + (row + 1) * TEXT_LINE, count / tallest * height + SMALL_SIZE + 6
        upright, ends = ax.get_xaxis_transform(), [bottom / height, top / height]
        ax.plot([place, place], ends, color=INK, linewidth=1, transform=upright, clip_on=False)
        ax.plot([place], [bottom / height], "v", color=INK, markersize=4, transform=upright, clip_on=False)
        ax.annotate(
            fit(words, (width - at if side > 0 else at) - 6, TEXT_SIZE),
            (place, top / height),
            (4 * side, -1),
            xycoords=upright,
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="top",
            annotation_clip=False,
        )


def _arrange(points: list[float], widths: list[float], width: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A row (1 above 0) and a side for the words of each of two marks, so that no words meet the other's line."""
    for rows, sides in itertools.product(((1, 0), (0, 1)), ((1, 1), (-1, 1), (-1, -1), (1, -1))):
        spans = [sorted((at, at + side * (long + 8))) for at, long, side in zip(points, widths, sides, strict=True)]
        lower = rows.index(0)
        met = spans[lower][0] <= points[1 - lower] <= spans[lower][1]
        if not met and all(start >= 0 and end <= width for start, end in spans):
            return rows, sides
    return (1, 0), tuple(1 if at < width / 2 else -1 for at in points)
