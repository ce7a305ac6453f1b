"""Bytes by repository (or any other grain): what a row has alone, and what it shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
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
from regviz.plot.labels import byte_ticks, drawable, fit, fit_all, format_tick, instruction, percent, text_width
from regviz.plot.marks import Mark, exact_bytes, in_lines
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, SHARED
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.plot.svg import MARKS
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROWS = 25
_SAID = 5
_ROW = 21.0
_NOTED_ROW = 27.0
_BAR = 0.62
_LABEL_WIDTH = 215.0
_LEAST_LABEL = 60.0
_NOUNS = {
    "repository": ("repository", "repositories"),
    "namespace": ("namespace", "namespaces"),
    "tag": ("tag", "tags"),
    "manifest": ("manifest", "manifests"),
    "layer": ("layer", "layers"),
    "platform": ("platform", "platforms"),
}
_NO_KEY = {"namespace": "(no namespace)", "platform": "(no platform)"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the table.

    Attributes
    ----------
    label : str
        Its key, as it can be drawn, not cut.
    exclusive, shared, share : int
        Bytes: of the dark part, of the light part, and where the mark of the fair share stands.
    key : str
        The same key, whole.
    repository : str
        Whose row it is; empty where the rows are no one repository's.
    note : str
        What stands beneath the key: of a layer the instruction that made it.
    """

    label: str
    exclusive: int
    shared: int
    share: int
    key: str = ""
    repository: str = ""
    note: str = ""

    @property
    def value(self) -> str:
        """What stands at its end."""
        whole = self.exclusive + self.shared
        if not whole or not self.shared:
            return format_bytes(whole)
        exclusive = format_bytes(self.exclusive) if self.exclusive else "none"
        if exclusive == format_bytes(whole):
            exclusive = "nearly all"
        return f"{format_bytes(whole)}, {exclusive} exclusive"


@dataclass(frozen=True, slots=True)
class Bars:
    """What :func:`sizes` draws.

    Attributes
    ----------
    title, description : str
    legend : tuple of str
        What the dark part, the light part and the stroke mean; only what is drawn.
    bars : tuple of Bar
        In the table's order.
    rest : str
        What is said of the rows that are left out; empty where there are none.
    """

    title: str
    description: str
    legend: tuple[str, ...]
    bars: tuple[Bar, ...]
    rest: str


def describe_sizes(table: pd.DataFrame, *, rows: int = ROWS) -> Bars:
    """The bars, labels and sentences that :func:`sizes` draws for an answer of :func:`regviz.analysis.sizes`.

    Parameters
    ----------
    table : pandas.DataFrame
    rows : int
        How many bars there is room for; one is given up for a sentence about the others.
    """
    grain = str(table.attrs.get("grain", table.columns[0]))
    one, many = _NOUNS.get(grain, (grain, f"{grain}s"))
    count = len(table)
    shown = count if count <= rows else max(rows - 1, 1)
    head = table.head(shown)
    labels = _labels(head, grain)
    owners = head["repository"].tolist() if "repository" in head else [""] * shown
    values = (head[f"{name}_bytes"].tolist() for name in ("exclusive", "shared", "amortised"))
    bars = tuple(
        Bar(label, int(exclusive), int(shared), int(share), key, owner, note)
        for label, exclusive, shared, share, key, owner, note in zip(
            labels, *values, _keys(head, grain), owners, _notes(head, grain), strict=True
        )
    )
    total = int(table.attrs.get("reached_bytes", table["amortised_bytes"].sum()))
    rest = ""
    if shown < count:
        share = int(table["amortised_bytes"].iloc[shown:].sum())
        others = count_noun(count - shown, f"other {one}", f"other {many}")
        share_of_all = f"{percent(share, total)} of all bytes"
        rest = f"{others}: together {format_bytes(share)} as their fair share, {share_of_all}"
    legend: tuple[str, ...] = (f"bytes that only this {one} reaches",)
    if any(bar.shared for bar in bars):
        legend += ("that others reach too", "its fair share: each blob divided among those that reach it")
    title = _title(table, total, (one, many))
    said = "; ".join(f"{bar.label} {bar.value}" for bar in bars[:_SAID])
    more = f"; and {len(bars) - _SAID} more bars" if len(bars) > _SAID else ""
    description = f"{count_noun(len(bars), 'horizontal bar')} of bytes. {said}{more}. {rest}".strip()
    return Bars(title, description if bars else title, legend, bars, rest)


def _labels(rows: pd.DataFrame, grain: str) -> list[str]:
    short = short_digest if grain in ("manifest", "layer") else str
    return [drawable(short(key)) for key in _keys(rows, grain)]


def _keys(rows: pd.DataFrame, grain: str) -> list[str]:
    keys = ["repository", "tag"] if grain == "tag" else [grain]
    named = rows[keys].astype(object).where(rows[keys].notna(), _NO_KEY.get(grain, "(none)"))
    return [":".join(map(str, parts)) for parts in named.to_numpy().tolist()]


def _notes(rows: pd.DataFrame, grain: str) -> list[str]:
    """The instructions of layers."""
    if grain != "layer" or "created_by" not in rows:
        return [""] * len(rows)
    return [drawable(instruction(text)) for text in rows["created_by"].fillna("")]


def _title(table: pd.DataFrame, total: int, nouns: tuple[str, str]) -> str:
    """The finding: how few rows have half of the bytes, and how much is shared."""
    one, many = nouns
    count, shares = len(table), table["amortised_bytes"].sort_values(ascending=False)
    if not count:
        return f"There is no {one}"
    if not total or not shares.any():
        return f"No tag of {count_noun(count, one, many)} reaches any bytes"
    if count == 1:
        return f"All {format_bytes(total)} belong to one {one}"
    shared = total - int(table["exclusive_bytes"].sum())
    reached = int(shares.sum())
    tail = f"; {percent(shared, total) if shared else 'nothing'} is shared" if reached == total else ""
    needed = int((shares.cumsum() * 2 < total).sum()) + 1
    if needed > count:
        return f"{count_noun(count, one, many)} have {percent(reached, total)} of {format_bytes(total)}"
    if needed == 1:
        label = _labels(table.loc[[shares.index[0]]], str(table.attrs.get("grain", table.columns[0])))[0]
        largest = percent(int(shares.iloc[0]), total)
        label = fit(label, 260, TEXT_SIZE)
        return f"{label} has {largest} of the {format_bytes(total)} in {count:,} {many}{tail}"
    return f"Half of the {format_bytes(total)} belong to {needed:,} of {count:,} {many}{tail}"


def sizes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of bytes by repository, or by whatever the rows of the table are.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.sizes` gives it; its order is kept, and its first rows are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import sizes as answer
    >>> table = answer(rv.read())
    >>> first = sizes(table).patches[0]
    >>> int(first.get_width()) == int(table["exclusive_bytes"][0])
    True
    """
    with style():
        rows = ROWS if ax is None else max(2, int(axes_size(ax)[1] / _ROW))
        return _draw(describe_sizes(table, rows=rows), ax)


def _draw(told: Bars, ax: Axes | None) -> Axes:
    room = _LABEL_WIDTH if ax is None else max(_LEAST_LABEL, min(_LABEL_WIDTH, (left_of(ax) - 12) / HINTING))
    labels = fit_all([bar.label for bar in told.bars], room, TEXT_SIZE)
    left = MARGIN + max((text_width(label, TEXT_SIZE) for label in labels), default=0) + 8
    notes = [fit(bar.note, room, SMALL_SIZE) for bar in told.bars] if ax is None else []
    left = max(left, MARGIN + 8 + max((text_width(note, SMALL_SIZE) for note in notes), default=0))
    row = _NOTED_ROW if any(notes) else _ROW
    height = (max(1, len(told.bars)) + bool(told.rest)) * row
    if ax is None:
        left, above = (left, TEXT_LINE + 12) if told.bars else (MARGIN, 0)
        head = heading(told.title, "", WIDTH - 2 * MARGIN)
        bottom = MARGIN + 12 if told.bars else 0
        margins = Margins(left, MARGIN, MARGIN + head.height + above, bottom)
        ax = new_axes(WIDTH - left - MARGIN, height if told.bars else 1, margins)
        ax.description, ax.marks = told.description, _marks(told)
        put_heading(ax, head, left=left - MARGIN, above=above)
    else:
        left = MARGIN
        put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=TEXT_LINE + 12)
    if not told.bars:
        ax.set_axis_off()
        return ax
    ax.set_ylim(len(told.bars) + bool(told.rest) - 0.5, -0.5)
    _put_bars(ax, told)
    stroke = Line2D([], [], color=INK, marker="|", markersize=9, linewidth=0)
    put_legend(ax, [Patch(color=EXCLUSIVE), Patch(color=SHARED), stroke], told.legend, left=left - MARGIN, above=8)
    ax.set_yticks(range(len(labels)), labels, va="bottom" if any(notes) else "center")
    ax.tick_params(axis="y", length=0, pad=6)
    _put_notes(ax, notes)
    if told.rest:
        room = axes_size(ax)[0]
        ax.text(0, len(told.bars), fit(told.rest, room, TEXT_SIZE), color=MUTED, va="center")
    return ax


def _is_dark(bar: Bar) -> bool:
    """Whether its dark part stands for a mark: any row has one, of no width or not."""
    return bool(bar.exclusive or not bar.shared)


def _marks(told: Bars) -> dict[str, list[Mark]]:
    """Both parts of a bar say the same, and are shown together."""
    marks: dict[str, list[Mark]] = {"exclusive": [], "shared": []}
    for bar in told.bars:
        label = in_lines(
            bar.key,
            f"{exact_bytes(bar.exclusive + bar.shared)} reached",
            f"Exclusive: {exact_bytes(bar.exclusive)}",
            f"Shared: {exact_bytes(bar.shared)}",
            f"Its fair share: {exact_bytes(bar.share)}",
        )
        owners = (bar.repository,) if bar.repository else ()
        below = (("exclusive", len(marks["exclusive"])),) if _is_dark(bar) else ()
        if below:
            marks["exclusive"].append(Mark(label, owners))
        if bar.shared:
            marks["shared"].append(Mark(label, owners, (), below))
    return {name: rows for name, rows in marks.items() if rows}


def _put_notes(ax: Axes, notes: list[str]) -> None:
    """What stands beneath the keys."""
    place = ax.get_yaxis_transform()
    for row, note in enumerate(notes):
        if note:
            ax.annotate(
                note,
                (0, row),
                (-6, -1),
                xycoords=place,
                textcoords="offset points",
                ha="right",
                va="top",
                color=MUTED,
                fontsize=SMALL_SIZE,
                annotation_clip=False,
            )


def _put_bars(ax: Axes, told: Bars) -> None:
    rows = range(len(told.bars))
    dark, light = [bar.exclusive for bar in told.bars], [bar.shared for bar in told.bars]
    look: dict[str, Any] = {"height": _BAR, "linewidth": 0}
    exclusive = ax.barh(rows, dark, color=EXCLUSIVE, **look)
    shared = ax.barh(rows, light, left=dark, color=SHARED, **look)
    for bar, dark_one, light_one in zip(told.bars, exclusive, shared, strict=True):
        if _is_dark(bar):
            dark_one.set_gid(f"{MARKS}exclusive")
        if bar.shared:
            light_one.set_gid(f"{MARKS}shared")
    sharing = [(row, bar.share) for row, bar in enumerate(told.bars) if bar.shared]
    reach = _BAR / 2 + 0.08
    tops, ends = [row - reach for row, _ in sharing], [row + reach for row, _ in sharing]
    ax.vlines([share for _, share in sharing], tops, ends, color=INK, linewidth=1.4)
    width = axes_size(ax)[0]
    room = max(text_width(bar.value, SMALL_SIZE) for bar in told.bars) + 12
    longest = max(1, *(bar.exclusive + bar.shared for bar in told.bars))
    # The widest value stands at the end of the longest bar, at worst.
    ax.set_xlim(0, longest * width / max(width - room, width / 3))
    for row, bar in enumerate(told.bars):
        end = max(bar.exclusive + bar.shared, bar.share)
        ax.annotate(
            bar.value, (end, row), (5, 0), textcoords="offset points", va="center", color=MUTED, fontsize=SMALL_SIZE
        )
    ticks = byte_ticks(longest)
    ax.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    ax.tick_params(axis="x", length=3, pad=3)
