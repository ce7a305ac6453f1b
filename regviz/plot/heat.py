"""Which repositories share bytes, pair by pair, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection

from regviz.plot.canvas import (
    MARGIN,
    WIDTH,
    axes_size,
    paper,
    put_texts,
)
from regviz.plot.overlap import LEAST_ROW, MOST, SWATCH, Measure, Overlap, describe_sharing
from regviz.plot.palette import MUTED
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_GAP = 0.8


def sharing(table: pd.DataFrame, *, measure: Measure = "weighted_jaccard", ax: Axes | None = None) -> Axes:
    """Which repositories (tags, namespaces, …) share bytes, pair by pair, those that share most beside each other.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.sharing` gives it. Of many the 40 in the pairs that share the most bytes are drawn.
    measure : {"weighted_jaccard", "shared_bytes"}
        What colours tell: the share of the bytes that either reaches, or the bytes themselves. What lies beside what
        rests on the shares either way.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Notes
    -----
    The order is that of a hierarchical clustering by the shares of bytes: average linkage, its branches turned so that
    neighbours are alike [1]_.

    References
    ----------
    .. [1] Bar-Joseph, Gifford and Jaakkola, "Fast optimal leaf ordering for hierarchical clustering", 2001.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import sharing as answer
    >>> table = answer(rv.read())
    >>> len(sharing(table).collections[0].get_paths()) == int((table["shared_bytes"] > 0).sum())
    True
    """
    with style():
        if ax is None:
            return _draw(describe_sharing(table, measure=measure, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        most = min(MOST, max(2, int(height / LEAST_ROW) - 2))
        return _draw(describe_sharing(table, measure=measure, width=width, height=height, most=most), ax)


def _draw(told: Overlap, ax: Axes | None) -> Axes:
    above = 4 if ax is not None else 8 if told.cells else 0
    marks = {"pairs": told.marks} if told.cells else {}
    ax = paper(told, told.width, told.height, ax, above=above, marks=marks)
    if not told.cells:
        return ax
    cells = [
        _box(
            told.left + cell.column * told.across,
            told.top + cell.row * told.down,
            told.across - _GAP,
            told.down - _GAP,
        )
        for cell in told.cells
    ]
    put_shapes(ax, cells, [cell.colour for cell in told.cells], "pairs")
    put_shapes(ax, [_box(x, y, *SWATCH) for x, y, _ in told.key], [colour for *_, colour in told.key])
    ax.add_collection(LineCollection(told.tree, colors=MUTED, linewidths=0.8, clip_on=False), autolim=False)
    put_texts(ax, told.texts)
    return ax


def _box(x: float, y: float, width: float, height: float) -> Path:
    return rectangle(x, y, x + width, y + height)
