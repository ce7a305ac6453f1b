"""Bars below each other, each with its name, what explains it, and its value; on one scale of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection
from matplotlib.patches import Patch

from regviz.plot.canvas import (
    HINTING,
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Margins,
    axes_size,
    heading,
    left_of,
    new_axes,
    put_heading,
    put_legend,
)
from regviz.plot.labels import byte_ticks, drawable, fit, format_tick, text_width, wrap
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, MUTED
from regviz.plot.shapes import put_series, rectangle
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_SINGLY = 200
"""Parts of a bar that are told apart."""
_NOTE = 7.5
_NOTE_LINE = _NOTE * 1.3
_LABEL_WIDTH = 300.0
_LEAST_LABEL = 60.0
_BAR = 13.0
_GAP = 9.0
_HAIR = 1.8


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a bar, from byte to byte."""

    start: int
    end: int
    colour: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Row:
    """A bar.

    Attributes
    ----------
    name, note : str
        What stands at its left, and beneath that.
    value : str
        What stands at its end.
    spans : tuple of Span
        Its parts, from the left; none where nothing can be drawn.
    is_sum : bool
        Whether it is the sum of others: its name and value are bold.
    """

    name: str
    note: str
    value: str
    spans: tuple[Span, ...]
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What a figure of bars below each other draws.

    Attributes
    ----------
    title, explanation, description : str
    rows : tuple of Row
    joins : tuple of (int, int)
        At which byte a line leads down from a row, by its number, to the next.
    legend : tuple of (str, str)
        Colours and what they mean, where the names of the rows do not say it.
    """

    title: str
    explanation: str
    description: str
    rows: tuple[Row, ...] = ()
    joins: tuple[tuple[int, int], ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


def spans_of(
    found: pd.DataFrame, colour: str, mark_of: Callable[[Any], Mark], noun: str, words: tuple[str, ...] = ()
) -> tuple[Span, ...]:
    """A bar in parts, the largest row first: so many by themselves, the smaller ones together.

    Parameters
    ----------
    found : pandas.DataFrame
        With a column ``bytes``, all of them known.
    colour : str
    mark_of : callable
        What is said of a row, as ``itertuples`` gives it.
    noun, words : str and tuple of str
        What the smaller ones are called, and found by.
    """
    spans, start = [], 0
    for row in found.sort_values("bytes", ascending=False, kind="stable").head(_SINGLY).itertuples(index=False):
        end = start + int(row.bytes)  # type: ignore[arg-type]  # a column of integers
        spans.append(Span(start, end, colour, mark_of(row)))
        start = end
    if (count := len(found) - _SINGLY) > 0:
        size = int(found["bytes"].sum())
        others = Mark(f"{count_noun(count, f'smaller {noun}')}\n{size - start:,} bytes", words=words)
        spans.append(Span(start, size, colour, others))
    return tuple(spans)


def draw_rows(told: Rows, series: str, ax: Axes | None) -> Axes:
    """Draw the bars; their parts are one series of marks."""
    room = _LABEL_WIDTH if ax is None else max(_LEAST_LABEL, min(_LABEL_WIDTH, (left_of(ax) - 12) / HINTING))
    notes = [wrap(drawable(row.note), room, _NOTE, lines=2) if row.note else "" for row in told.rows]
    names = [fit(drawable(row.name), room, TEXT_SIZE, bold=row.is_sum) for row in told.rows]
    heights = [_height(note) for note in notes]
    above = TEXT_LINE + 12 if told.legend else 8 if told.rows else 0
    if ax is None:
        room = _widest(told, names, notes)
        left = MARGIN + room + 8 if told.rows else MARGIN
        head = heading(told.title, told.explanation, WIDTH - 2 * MARGIN)
        margins = Margins(left, MARGIN, MARGIN + head.height + above, MARGIN + 12 if told.rows else 0)
        ax = new_axes(WIDTH - left - MARGIN, max(1, sum(heights)), margins)
        ax.description = told.description
        put_heading(ax, head, left=left - MARGIN, above=above)
    else:
        left = MARGIN
        put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=above)
        if sum(heights) > axes_size(ax)[1]:  # without the notes it is lower
            notes = [""] * len(notes)
            heights = [_height(note) for note in notes]
    if not told.rows:
        ax.set_axis_off()
        return ax
    squeezed = min(1.0, axes_size(ax)[1] / sum(heights))
    tops = [sum(heights[:at]) * squeezed for at in range(len(heights))]
    ax.set_ylim(sum(heights) * squeezed, 0)
    bar = min(_BAR, min(heights) * squeezed * 0.7)
    _put_bars(ax, told, series, tops, bar)
    _put_names(ax, told, names, notes, [top + bar / 2 for top in tops])
    if told.legend:
        handles, words = zip(*((Patch(color=colour), words) for colour, words in told.legend), strict=True)
        put_legend(ax, handles, words, left=left - MARGIN, above=8)
    return ax


def _widest(told: Rows, names: Sequence[str], notes: Sequence[str]) -> float:
    """The room that names and notes need."""
    widths = [text_width(name, TEXT_SIZE, bold=row.is_sum) for row, name in zip(told.rows, names, strict=True)]
    return max([*widths, *(text_width(line, _NOTE) for note in notes for line in note.split("\n"))], default=0)


def _height(note: str) -> float:
    """Points for a bar with its name and what explains it."""
    return max(_BAR, TEXT_SIZE + 2 + (note.count("\n") + 1) * _NOTE_LINE if note else 0) + _GAP


def _put_bars(ax: Axes, told: Rows, series: str, tops: Sequence[float], bar: float) -> None:
    width = axes_size(ax)[0]
    ends = [end for row in told.rows for span in row.spans for end in (span.start, span.end)]
    longest, lowest = max(1, *ends, 0), min(0, *ends, 0)
    room = max(text_width(row.value, SMALL_SIZE, bold=row.is_sum) for row in told.rows) + 12
    # The widest value stands at the end of the longest bar, at worst.
    ax.set_xlim(lowest, lowest + (longest - lowest) * width / max(width - room, width / 3))
    point = (ax.get_xlim()[1] - lowest) / width
    paths, colours, marks = [], [], []
    for row, top in zip(told.rows, tops, strict=True):
        end = 0.0
        for span in row.spans:
            left, right = sorted((float(span.start), float(span.end)))
            if len(row.spans) > 1 and right - left > 3 * point:
                right -= 0.6 * point  # parts of one colour are told apart
            end = max(end, left + _HAIR * point, right)
            paths.append(rectangle(left, top, max(right, left + _HAIR * point), top + bar))
            colours.append(span.colour)
            marks.append(span.mark)
        look: dict[str, Any] = {"color": INK, "fontweight": "bold"} if row.is_sum else {"color": MUTED}
        place = (end, top + bar / 2)
        ax.annotate(row.value, place, (5, 0), textcoords="offset points", va="center", fontsize=SMALL_SIZE, **look)
    lines = [[(at, tops[number] + bar), (at, tops[number + 1])] for number, at in told.joins]
    ax.add_collection(LineCollection(lines, colors=MUTED, linewidths=0.7), autolim=False)
    put_series(ax, series, paths, colours, marks)
    ticks = byte_ticks(longest) if ends else []
    ax.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    ax.tick_params(axis="x", length=3, pad=3)


def _put_names(ax: Axes, told: Rows, names: Sequence[str], notes: Sequence[str], middles: Sequence[float]) -> None:
    """What each bar is, at the left of the Axes."""
    ax.set_yticks([])
    look: dict[str, Any] = {
        "xycoords": ax.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "annotation_clip": False,
    }
    for row, name, note, middle in zip(told.rows, names, notes, middles, strict=True):
        weight = "bold" if row.is_sum else "normal"
        ax.annotate(name, (0, middle), (-8, 0), va="center_baseline", fontweight=weight, **look)
        if note:
            below = (-8, -(_BAR / 2 + 2))
            ax.annotate(note, (0, middle), below, va="top", color=MUTED, fontsize=_NOTE, linespacing=1.2, **look)
