"""Which exact sets of repositories own how many bytes, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.patches import Patch
from matplotlib.path import Path

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Margins,
    Picture,
    axes_size,
    heading,
    hide_axes,
    new_axes,
    put_heading,
    put_legend,
    put_texts,
)
from regviz.plot.palette import EXCLUSIVE, INK, RULE, SHARED
from regviz.plot.style import style
from regviz.plot.svg import MARKS
from regviz.plot.upset import DOT, LEAST_ROW, ROWS, UpSet, describe_owner_sets, marks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_THICK = 9.0


def owner_sets(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Which exact sets of repositories (tags, namespaces, …) own how many bytes.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.owner_sets` gives it. Drawn are the 20 owners that reach the most bytes, and the
        largest sets of these.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import owner_sets as answer
    >>> axes = owner_sets(answer(rv.read()))
    >>> sorted({series.get_gid() for series in axes.collections} - {None})
    ['marks:dots', 'marks:owners', 'marks:sets']
    """
    with style():
        grain = str(table.attrs.get("grain", "repository"))
        if ax is None:
            return _draw(describe_owner_sets(table, width=WIDTH - 2 * MARGIN), grain, None)
        width, height = axes_size(ax)
        rows = min(ROWS, max(2, int((height - 180) / (LEAST_ROW + 2))))
        return _draw(describe_owner_sets(table, width=width, rows=rows), grain, ax)


def _draw(told: UpSet, grain: str, ax: Axes | None) -> Axes:
    height, above = max(told.height, 1), TEXT_LINE + 12 if told.sets else 0
    if ax is None:
        head = heading(told.title, told.explanation, told.width)
        ax = new_axes(told.width, height, Margins(top=MARGIN + head.height + above))
        ax.description = told.description
        put_heading(ax, head, left=0, above=above)
    else:
        height = axes_size(ax)[1]
        put_heading(ax, heading(told.title, "", told.width), left=0, above=above)
    hide_axes(ax, told.width, height)
    if not told.sets:
        return ax
    if isinstance(ax, Picture):
        ax.marks = marks_of(told, grain)
    _put_matrix(ax, told)
    _put_bars(ax, told)
    put_texts(ax, told.texts)
    for text in told.upright:
        place: dict[str, Any] = {"ha": "center", "va": "bottom", "rotation": "vertical"}
        ax.text(text.x, text.y, text.text, color=text.colour, fontsize=text.size, **place)
    handles = [Patch(color=colour) for colour, _ in told.legend]
    put_legend(ax, handles, [words for _, words in told.legend], left=0, above=8)
    return ax


def _put_matrix(ax: Axes, told: UpSet) -> None:
    rows = told.down[: len(told.owners)]
    start, end = told.across[0] - told.bar / 2 - 4, told.across[-1] + told.bar / 2 + 4
    _put_lines(ax, [((start, y), (end, y)) for y in rows], RULE, 0.8)
    joined = [
        ((x, rows[each.rows[0]]), (x, rows[each.rows[-1]]))
        for each, x in zip(told.sets, told.across, strict=True)
        if len(each.rows) > 1
    ]
    _put_lines(ax, joined, INK, 1.6)
    places = [(x, rows[row]) for each, x in zip(told.sets, told.across, strict=True) for row in each.rows]
    circle = Path.unit_circle()
    corners = np.asarray(circle.vertices)
    dots = [Path(corners * DOT + place, circle.codes) for place in places]
    series = PathCollection(dots, facecolors=INK, linewidths=0, clip_on=False)
    series.set_gid(f"{MARKS}dots")
    ax.add_collection(series, autolim=False)


def _put_bars(ax: Axes, told: UpSet) -> None:
    largest = told.sets[0].bytes
    columns = [
        _box(x - told.bar / 2, told.foot - told.rise * each.bytes / largest, x + told.bar / 2, told.foot)
        for each, x in zip(told.sets, told.across, strict=True)
    ]
    _put(ax, columns, [EXCLUSIVE if len(each.owners) == 1 else SHARED for each in told.sets], "sets")
    unit = told.reach / max(owner.alone + owner.shared for owner in told.owners)
    rows = list(zip(told.owners, told.down, strict=False))
    whole = [_row(told.left, unit * (owner.alone + owner.shared), y) for owner, y in rows]
    _put(ax, whole, SHARED, "owners")
    # What one has alone lies on the whole, which is pointed at.
    _put(ax, [_row(told.left, unit * owner.alone, y) for owner, y in rows if owner.alone], EXCLUSIVE, "")


def _put(ax: Axes, boxes: Sequence[Sequence[tuple[float, float]]], colour: Any, name: str) -> None:
    series = PolyCollection(boxes, facecolors=colour, linewidths=0, clip_on=False)
    if name:
        series.set_gid(f"{MARKS}{name}")
    ax.add_collection(series, autolim=False)


def _put_lines(ax: Axes, lines: Sequence[Sequence[tuple[float, float]]], colour: str, width: float) -> None:
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, clip_on=False), autolim=False)


def _row(left: float, length: float, y: float) -> list[tuple[float, float]]:
    return _box(left, y - _THICK / 2, left + length, y + _THICK / 2)


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
