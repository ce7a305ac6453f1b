"""Which exact sets of repositories own how many bytes, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Patch
from matplotlib.path import Path

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    axes_size,
    paper,
    put_legend,
    put_texts,
)
from regviz.plot.palette import EXCLUSIVE, INK, RULE, SHARED
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import style
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
    above, marks = TEXT_LINE + 12 if told.sets else 0, marks_of(told, grain) if told.sets else {}
    ax = paper(told, told.width, told.height, ax, above=above, marks=marks)
    if not told.sets:
        return ax
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
    put_shapes(ax, dots, INK, "dots")


def _put_bars(ax: Axes, told: UpSet) -> None:
    largest = told.sets[0].bytes
    columns = [
        rectangle(x - told.bar / 2, told.foot - told.rise * each.bytes / largest, x + told.bar / 2, told.foot)
        for each, x in zip(told.sets, told.across, strict=True)
    ]
    put_shapes(ax, columns, [EXCLUSIVE if len(each.owners) == 1 else SHARED for each in told.sets], "sets")
    unit = told.reach / max(owner.alone + owner.shared for owner in told.owners)
    rows = list(zip(told.owners, told.down, strict=False))
    whole = [_row(told.left, unit * (owner.alone + owner.shared), y) for owner, y in rows]
    put_shapes(ax, whole, SHARED, "owners")
    # What one has alone lies on the whole, which is pointed at.
    put_shapes(ax, [_row(told.left, unit * owner.alone, y) for owner, y in rows if owner.alone], EXCLUSIVE)


def _put_lines(ax: Axes, lines: Sequence[Sequence[tuple[float, float]]], colour: str, width: float) -> None:
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, clip_on=False), autolim=False)


def _row(left: float, length: float, y: float) -> Path:
    return rectangle(left, y - _THICK / 2, left + length, y + _THICK / 2)
