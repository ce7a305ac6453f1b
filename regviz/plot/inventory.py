"""What stands on which base, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection
from matplotlib.patches import Patch

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    axes_size,
    paper,
    put_legend,
    put_texts,
)
from regviz.plot.footing import HEAD, ROW, ROWS, Footing, describe_bases
from regviz.plot.palette import MUTED, SEVERAL, STATES
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_BAR = 12.0
_THIN = 0.8
_LEGEND = ("its own layers", "layers on it")


def bases(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bases, and how many images, repositories and bytes stand on each.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.bases` gives it. Its first rows are drawn, each under the base that it stands on.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import bases as answer
    >>> table = answer(rv.read())
    >>> len(bases(table).collections[0].get_paths()) == len(table)
    True
    """
    with style():
        if ax is None:
            return _draw(describe_bases(table, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        rows = min(ROWS, max(1, int((height - HEAD) / ROW)))
        return _draw(describe_bases(table, width=width, rows=rows), ax)


def _draw(told: Footing, ax: Axes | None) -> Axes:
    above, marks = TEXT_LINE + 12 if told.bases else 0, {"own": told.marks, "on": told.marks} if told.bases else {}
    ax = paper(told, told.width, told.height, ax, above=above, marks=marks)
    if not told.bases:
        return ax
    own, on_it = [], []
    for at, base in enumerate(told.bases):
        y, middle = HEAD + (at + 0.5) * ROW, told.left + base.own * told.unit
        own.append(_box(told.left, middle, y))
        on_it.append(_box(middle, middle + base.above * told.unit, y))
    put_shapes(ax, own, SEVERAL, "own")
    put_shapes(ax, on_it, STATES["tagged"], "on")
    ax.add_collection(LineCollection(told.branches, colors=MUTED, linewidths=0.8, clip_on=False), autolim=False)
    put_texts(ax, told.texts)
    put_legend(ax, [Patch(color=SEVERAL), Patch(color=STATES["tagged"])], _LEGEND, left=0, above=8)
    return ax


def _box(left: float, right: float, y: float) -> Path:
    """A bar, seen even where it is nearly nothing."""
    return rectangle(left, y - _BAR / 2, max(right, left + _THIN), y + _BAR / 2)
