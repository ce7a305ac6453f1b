"""How large layers are: the number of their blobs by length, in classes that double."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Margins,
    axes_size,
    heading,
    new_axes,
    put_heading,
    put_legend,
)
from regviz.plot.labels import fit, format_tick, percent, text_width
from regviz.plot.marks import Mark, in_lines
from regviz.plot.palette import INK, OTHERS, STATES
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.plot.svg import MARKS
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_HEIGHT = 190.0
_TICKS = 12
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Bin:
    """Blobs of at least ``2 ** power`` bytes and less than twice that; power -1 has those of 0 bytes.

    Attributes
    ----------
    power : int
    tagged, others : int
        How many of them tags reach, and how many none does.
    """

    power: int
    tagged: int
    others: int

    @property
    def count(self) -> int:
        """How many layers it has."""
        return self.tagged + self.others


@dataclass(frozen=True, slots=True)
class Histogram:
    """What :func:`layer_sizes` draws.

    Attributes
    ----------
    title, explanation, description : str
    bins : tuple of Bin
        Without gaps, the smallest first.
    marks : tuple of (int, str)
        Bytes, and what is said there: the median, and what nine of ten layers do not exceed.
    """

    title: str
    explanation: str
    description: str
    bins: tuple[Bin, ...]
    marks: tuple[tuple[int, str], ...]


def describe_layer_sizes(table: pd.DataFrame) -> Histogram:
    """The bins, marks and sentences that :func:`layer_sizes` draws for an answer of `regviz.analysis`."""
    here = table[table["present"] & table["blob_bytes"].notna()]
    lengths = sorted(int(length) for length in here["blob_bytes"])
    absent = len(table) - len(here)
    it_is = "it is" if absent == 1 else "they are"
    gone = f"Left out, for {it_is} not there: {count_noun(absent, 'blob')}." if absent else ""
    if not lengths:
        title = "There is no layer"
        return Histogram(title, gone, f"{title}. {gone}".strip(), (), ())
    powers = [length.bit_length() - 1 for length in here["blob_bytes"].tolist()]
    counts = Counter(zip(powers, (here["tags"] > 0).tolist(), strict=True))
    bins = [Bin(power, counts[power, True], counts[power, False]) for power in range(min(powers), max(powers) + 1)]
    marks = tuple(
        (length, f"{words} {format_bytes(length)}")
        for length, words in (
            (lengths[(len(lengths) - 1) // 2], "half of the blobs have at most"),
            (lengths[-(-9 * len(lengths) // 10) - 1], "90 % have at most"),
        )
    )
    explanation = "Blobs of layers by their length; each class is twice as wide as the one before."
    title = _title(lengths)
    said = "; ".join(words for _, words in marks)
    return Histogram(
        title, f"{explanation} {gone}".strip(), f"{explanation} {said}. {gone}".strip(), tuple(bins), marks
    )


def _title(lengths: list[int]) -> str:
    """The finding: how few layers have half of the bytes."""
    count, total = len(lengths), sum(lengths)
    if count == 1:
        return f"One layer blob of {format_bytes(total)}"
    summed = needed = 0
    while summed * 2 < total:
        needed += 1
        summed += lengths[-needed]
    if not total:
        return f"All {count:,} layer blobs are empty"
    if needed == 1:
        return f"One of {count:,} layer blobs has {percent(lengths[-1], total)} of the {format_bytes(total)}"
    return f"Half of the {format_bytes(total)} lie in {needed:,} of {count:,} layer blobs"


def layer_sizes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The distribution of layer lengths.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.layer_sizes` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts powers of two: 10 is 1 KiB.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import layer_sizes as answer
    >>> table = answer(rv.read())
    >>> int(sum(bar.get_height() for bar in layer_sizes(table).patches)) == int(table["present"].sum())
    True
    """
    with style():
        return _draw(describe_layer_sizes(table), ax)


def _draw(told: Histogram, ax: Axes | None) -> Axes:
    several = any(each.others for each in told.bins)
    marks = SMALL_SIZE + 4 + 2 * TEXT_LINE  # over the axes: the count of the highest bar, two lines of words
    above = marks + 6 + several * (TEXT_LINE + 6) if told.bins else 0
    if ax is None:
        head = heading(told.title, told.explanation, WIDTH - 2 * MARGIN)
        bottom = MARGIN + 12 if told.bins else 0
        margins = Margins(MARGIN + 4, MARGIN + 4, MARGIN + head.height + above, bottom)
        ax = new_axes(WIDTH - 2 * MARGIN - 8, _HEIGHT if told.bins else 1, margins)
        ax.description, ax.marks = told.description, _marks(told)
        put_heading(ax, head, left=4, above=above)
    else:
        put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=above)
    if not told.bins:
        ax.set_axis_off()
        return ax
    _put_bins(ax, told.bins)
    _put_marks(ax, told)
    if several:
        handles = [Patch(color=STATES["tagged"]), Patch(color=OTHERS)]
        put_legend(ax, handles, ("in tagged images", "in no tagged image"), left=4, above=marks + 6)
    return ax


def _marks(told: Histogram) -> dict[str, list[Mark]]:
    """What stands for each part of a bar that has any height."""
    marks: dict[str, list[Mark]] = {"tagged": [], "others": []}
    for each in told.bins:
        low, high = (1 << each.power, (2 << each.power) - 1) if each.power >= 0 else (0, 0)
        width = f"{low:,} to {high:,} bytes" if low < high else count_noun(low, "byte")
        for name, count, where in (
            ("tagged", each.tagged, "in tagged images"),
            ("others", each.others, "in no tagged image"),
        ):
            if count:
                marks[name].append(Mark(in_lines(f"{count_noun(count, 'blob')} of {width}", where.capitalize())))
    return {name: rows for name, rows in marks.items() if rows}


def _put_bins(ax: Axes, bins: tuple[Bin, ...]) -> None:
    places = [each.power + 0.5 for each in bins]
    tagged = [each.tagged for each in bins]
    below = ax.bar(places, tagged, width=0.9, color=STATES["tagged"], linewidth=0)
    above = ax.bar(places, [each.others for each in bins], bottom=tagged, width=0.9, color=OTHERS, linewidth=0)
    for each, tagged_one, other_one in zip(bins, below, above, strict=True):
        if each.tagged:
            tagged_one.set_gid(f"{MARKS}tagged")
        if each.others:
            other_one.set_gid(f"{MARKS}others")
    first, last = bins[0].power, bins[-1].power + 1
    spare = max(0, _FEWEST - (last - first)) / 2  # a single class is no wall
    ax.set_xlim(first - spare - 0.05, last + spare + 0.05)
    ax.set_ylim(0, max(each.count for each in bins))
    room = axes_size(ax)[0] / (last - first + 2 * spare)
    for each in bins:
        if each.count:
            label = f"{each.count:,}"
            if text_width(label, SMALL_SIZE) > room:
                label = f"{each.count / 1000:.3g}k"
            top = (each.power + 0.5, each.count)
            ax.annotate(label, top, (0, 2), textcoords="offset points", ha="center", fontsize=SMALL_SIZE)
    step = 1 + (last - first) // _TICKS
    edges = range(first, last + 1, step)
    ax.set_xticks(edges, ["0" if edge < 0 else format_tick(1 << edge) for edge in edges])
    ax.set_yticks([])
    ax.tick_params(axis="x", length=3, pad=3)


def _put_marks(ax: Axes, told: Histogram) -> None:
    """A pin on the bar of each mark; its words above all bars."""
    width, height = axes_size(ax)
    low, high = ax.get_xlim()
    places = [_place(length) for length, _ in told.marks]
    points = [(place - low) / (high - low) * width for place in places]
    widths = [text_width(words, TEXT_SIZE) for _, words in told.marks]
    rows, sides = _arrange(points, widths, width)
    tallest = max(each.count for each in told.bins)
    for (_, words), place, row, side, at in zip(told.marks, places, rows, sides, points, strict=True):
        count = next(each.count for each in told.bins if math.floor(place) == each.power)
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


def _place(length: int) -> float:
    """Where a length lies on the axis: within its class by its share of it."""
    power = length.bit_length() - 1
    return power + length / (1 << power) - 1 if length else -0.5


def _arrange(points: list[float], widths: list[float], width: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A row (1 above 0) and a side for the words of each of two marks, so that no words meet the other's line."""
    for rows, sides in itertools.product(((1, 0), (0, 1)), ((1, 1), (-1, 1), (-1, -1), (1, -1))):
        spans = [sorted((at, at + side * (long + 8))) for at, long, side in zip(points, widths, sides, strict=True)]
        lower = rows.index(0)
        met = spans[lower][0] <= points[1 - lower] <= spans[lower][1]
        if not met and all(start >= 0 and end <= width for start, end in spans):
            return rows, sides
    return (1, 0), tuple(1 if at < width / 2 else -1 for at in points)
