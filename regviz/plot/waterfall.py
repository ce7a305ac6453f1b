"""From the sum of the tags' sizes down to what the disk says: each step a bar where the one before it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection

from regviz.plot.canvas import (
    HINTING,
    MARGIN,
    WIDTH,
    Margins,
    axes_size,
    heading,
    left_of,
    new_axes,
    put_heading,
)
from regviz.plot.labels import byte_ticks, drawable, fit, format_tick, percent, text_width, wrap
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, MUTED, OTHERS, SEVERAL, SHARED, STATES, UNKNOWN
from regviz.plot.shapes import put_series, rectangle
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

MINUS = "\N{MINUS SIGN}"
_NOTE = 7.5
_NOTE_LINE = _NOTE * 1.3
_LABEL_WIDTH = 300.0
_LEAST_LABEL = 60.0
_BAR = 13.0
_GAP = 9.0
_HAIR = 1.8
_UNSEEN = (0.0, 0.0, 0.0, 0.004)  # what is not drawn at all has no mark
_TAGGED = "tagged bytes"
_STORED = "blobs, each once"
_PLACES = {
    "files": "the files take",
    "files and directories": "files and directories take",
    "disk": "on the disk they take",
    "objects": "the objects take",
    "objects, uploads and versions": "the bucket keeps",
}
_COLOURS = {
    "shared within repositories": SHARED,
    "shared across repositories": SHARED,
    "roots without a tag": STATES["tagged"],
    "unknown": UNKNOWN,
    **{state: STATES[state] for state in ("referenced", "untagged", "unreferenced", "recent")},
}


@dataclass(frozen=True, slots=True)
class Rung:
    """A bar of the waterfall.

    Attributes
    ----------
    name, note : str
        What stands at its left, and beneath that.
    bytes : int
        What it adds; of a sum, what it comes to.
    start, end : int or None
        Where it begins and ends, in bytes; None where that is not known: it has no bar.
    is_sum : bool
        Whether it stands for all that was added up.
    colour : str
    rows : int or None
        How many tags, blobs or files that is.
    """

    name: str
    note: str
    bytes: int
    start: int | None
    end: int | None
    is_sum: bool
    colour: str
    rows: int | None = None

    @property
    def value(self) -> str:
        """What stands at its end, with its sign."""
        if self.is_sum:
            return format_bytes(self.bytes)
        return f"{MINUS if self.bytes < 0 else '+'}{format_bytes(abs(self.bytes))}"

    @property
    def mark(self) -> Mark:
        """What a page says of it."""
        exact = f"{self.bytes:,} bytes" if self.is_sum else f"{self.bytes:+,} bytes".replace("-", MINUS)
        many = [count_noun(self.rows, "row")] if self.rows else []
        return Mark("\n".join([self.name, ", ".join([exact, *many]), *([self.note] if self.note else [])]))


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What :func:`reconcile` draws."""

    title: str
    explanation: str
    description: str
    rungs: tuple[Rung, ...] = ()


def describe_reconcile(table: pd.DataFrame) -> Waterfall:
    """The bars and sentences that :func:`reconcile` draws for an answer of :func:`regviz.analysis.reconcile`."""
    steps = table.astype(object).where(table.notna(), None).to_dict("records")
    sums = {step["subtotal"]: step["running_bytes"] for step in steps if step["subtotal"]}
    title = _title(steps, sums)
    if not sums.get(_STORED):
        return Waterfall(title, "", title)
    rungs = [_sum("all tags", steps[0]["bytes"], steps[0]["meaning"], steps[0]["rows"])]
    before: int | None = steps[0]["bytes"]
    for step in steps[1:]:
        after = step["running_bytes"]
        if step["bytes"]:
            start = None if after is None else before
            colour = _COLOURS.get(step["step"], OTHERS)
            known = step["step"], step["meaning"], step["bytes"], start, after
            rungs.append(Rung(*known, is_sum=False, colour=colour, rows=step["rows"]))
        if step["subtotal"] and after is not None and not rungs[-1].is_sum:
            rungs.append(_sum(step["subtotal"], after, "", None))
        before = after
    named = [str(step["step"]) for step in steps[1:] if step["bytes"] is None]
    nothing = sum(1 for step in steps[1:] if step["bytes"] == 0)
    explanation = (
        "In bold: sums, from 0. Between them each step begins where the one before it ended: what would be counted "
        f"more than once is taken off ({MINUS}), what no tag reaches and what files take besides is added (+)."
    )
    if named:
        explanation += f" Not known of this source: {', '.join(named)}."
    if nothing:
        explanation += f" Left out: {count_noun(nothing, 'step')} of 0 bytes."
    said = "; ".join(f"{rung.name} {rung.value}" for rung in rungs)
    return Waterfall(title, explanation, f"{count_noun(len(rungs), 'horizontal bar')} of bytes. {said}.", tuple(rungs))


def _sum(name: str, reached: int, note: str, rows: int | None) -> Rung:
    colour = STATES["tagged"] if name in ("all tags", _TAGGED) else SEVERAL
    return Rung(name, note, reached, 0, reached, is_sum=True, colour=colour, rows=rows)


def _title(steps: Sequence[Mapping[Any, Any]], sums: dict[str, int | None]) -> str:
    """The finding: what sharing saves, and what lies there after all."""
    logical, tagged = int(steps[0]["bytes"]), sums.get(_TAGGED) or 0
    last = next((name for name in reversed(sums) if sums[name] is not None), "")
    taken = f"{_PLACES[last]} {format_bytes(sums[last])}" if last in _PLACES else ""
    if not sums.get(_STORED):
        return f"No blob is stored; {taken}" if taken and sums[last] else "No blob is stored"
    if not logical:
        found = f"No tag reaches any of the {format_bytes(sums[_STORED])} in blobs"
    elif logical == tagged:
        found = f"Tags add up to {format_bytes(logical)} and share nothing"
    else:
        saved = percent(logical - tagged, logical)
        found = f"Tags add up to {format_bytes(logical)}; sharing saves {saved} of it"
    return f"{found}; {taken}" if taken else found


def reconcile(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    r"""The waterfall from the sum of the tags' sizes to what the storage takes.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.reconcile` gives it. Steps of 0 bytes have no bar.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import reconcile as answer
    >>> axes = reconcile(answer(rv.read(measure=True)))
    >>> axes.marks["steps"][0].label.split("\n")[0]
    'all tags'
    """
    with style():
        return _draw(describe_reconcile(table), ax)


def _draw(told: Waterfall, ax: Axes | None) -> Axes:
    room = _LABEL_WIDTH if ax is None else max(_LEAST_LABEL, min(_LABEL_WIDTH, (left_of(ax) - 12) / HINTING))
    names = [drawable(rung.name) for rung in told.rungs]
    notes = [wrap(drawable(rung.note), room, _NOTE, lines=2) if rung.note else "" for rung in told.rungs]
    heights = [_height(note) for note in notes]
    if ax is None:
        left = MARGIN + room + 8 if told.rungs else MARGIN
        above = 8 if told.rungs else 0
        head = heading(told.title, told.explanation, WIDTH - 2 * MARGIN)
        margins = Margins(left, MARGIN, MARGIN + head.height + above, MARGIN + 12 if told.rungs else 0)
        ax = new_axes(WIDTH - left - MARGIN, max(1, sum(heights)), margins)
        ax.description = told.description
        put_heading(ax, head, left=left - MARGIN, above=above)
    else:
        put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=8)
        if sum(heights) > axes_size(ax)[1]:  # without the notes it is lower
            notes = [""] * len(notes)
            heights = [_height(note) for note in notes]
    if not told.rungs:
        ax.set_axis_off()
        return ax
    squeezed = min(1.0, axes_size(ax)[1] / sum(heights))
    heights = [height * squeezed for height in heights]
    ax.set_ylim(sum(heights), 0)
    tops = [sum(heights[:at]) for at in range(len(heights))]
    _put_rungs(ax, told, tops, heights)
    _put_names(ax, told, names, tops, notes, room)
    return ax


def _height(note: str) -> float:
    """Points for a bar with its name and what explains it."""
    return max(_BAR, TEXT_SIZE + 2 + (note.count("\n") + 1) * _NOTE_LINE if note else 0) + _GAP


def _put_rungs(ax: Axes, told: Waterfall, tops: list[float], heights: list[float]) -> None:
    width = axes_size(ax)[0]
    longest = max(1, *(max(rung.start or 0, rung.end or 0) for rung in told.rungs))
    lowest = min(0, *(min(rung.start or 0, rung.end or 0) for rung in told.rungs))
    room = max(text_width(rung.value, SMALL_SIZE, bold=rung.is_sum) for rung in told.rungs) + 12
    # The widest value stands at the end of the longest bar, at worst.
    ax.set_xlim(lowest, lowest + (longest - lowest) * width / max(width - room, width / 3))
    point = (ax.get_xlim()[1] - lowest) / width
    high = min(_BAR, min(heights) * 0.7)
    paths, joins = [], []
    colours: list[Any] = [rung.colour if rung.end is not None else _UNSEEN for rung in told.rungs]
    for at, (rung, top) in enumerate(zip(told.rungs, tops, strict=True)):
        left, right = sorted((float(rung.start or 0), float(rung.end or 0)))
        right = max(right, left + _HAIR * point)  # what is small is seen all the same
        paths.append(rectangle(left, top, right, top + high))
        if at + 1 < len(tops) and rung.end is not None and told.rungs[at + 1].end is not None:
            joins.append([(rung.end, top + high), (rung.end, tops[at + 1])])
        middle = (right, top + high / 2)
        ax.annotate(
            rung.value,
            middle,
            (5, 0),
            textcoords="offset points",
            va="center",
            color=INK if rung.is_sum else MUTED,
            fontsize=SMALL_SIZE,
            fontweight="bold" if rung.is_sum else "normal",
        )
    ax.add_collection(LineCollection(joins, colors=MUTED, linewidths=0.7), autolim=False)
    put_series(ax, "steps", paths, colours, [rung.mark for rung in told.rungs])
    ticks = byte_ticks(longest)
    ax.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    ax.tick_params(axis="x", length=3, pad=3)


def _put_names(ax: Axes, told: Waterfall, names: list[str], tops: list[float], notes: list[str], room: float) -> None:
    """What each bar is, at the left of the Axes."""
    ax.set_yticks([])
    for rung, name, top, note in zip(told.rungs, names, tops, notes, strict=True):
        look: dict[str, Any] = {
            "xycoords": ax.get_yaxis_transform(),
            "textcoords": "offset points",
            "ha": "right",
            "annotation_clip": False,
        }
        ax.annotate(
            fit(name, room, TEXT_SIZE, bold=rung.is_sum),
            (0, top + _BAR / 2),
            (-8, 0),
            va="center_baseline",
            fontweight="bold" if rung.is_sum else "normal",
            **look,
        )
        if note:
            below = -(_BAR / 2 + 2)
            ax.annotate(
                note, (0, top + _BAR / 2), (-8, below), va="top", color=MUTED, fontsize=_NOTE, linespacing=1.2, **look
            )
