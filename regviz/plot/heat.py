"""Which repositories share bytes, pair by pair, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection, PolyCollection

from regviz.plot.canvas import (
    MARGIN,
    WIDTH,
    Margins,
    Picture,
    axes_size,
    heading,
    hide_axes,
    new_axes,
    put_heading,
    put_texts,
)
from regviz.plot.overlap import LEAST_ROW, MOST, SWATCH, Measure, Overlap, describe_sharing
from regviz.plot.palette import MUTED
from regviz.plot.style import style
from regviz.plot.svg import MARKS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
    height = max(told.height, 1)
    if ax is None:
        head = heading(told.title, told.explanation, told.width)
        above = 8 if told.cells else 0
        ax = new_axes(told.width, height, Margins(top=MARGIN + head.height + above))
        ax.description = told.description
        put_heading(ax, head, left=0, above=above)
    else:
        height = axes_size(ax)[1]
        put_heading(ax, heading(told.title, "", told.width), left=0, above=4)
    hide_axes(ax, told.width, height)
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
    look: dict[str, Any] = {"linewidths": 0, "clip_on": False}
    pairs = PolyCollection(cells, facecolors=[cell.colour for cell in told.cells], **look)
    pairs.set_gid(f"{MARKS}pairs")
    ax.add_collection(pairs, autolim=False)
    swatches = [_box(x, y, *SWATCH) for x, y, _ in told.key]
    ax.add_collection(PolyCollection(swatches, facecolors=[colour for *_, colour in told.key], **look), autolim=False)
    ax.add_collection(LineCollection(told.tree, colors=MUTED, linewidths=0.8, clip_on=False), autolim=False)
    if isinstance(ax, Picture):
        ax.marks = {"pairs": told.marks}
    put_texts(ax, told.texts)
    return ax


def _box(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
