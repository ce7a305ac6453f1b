"""Two images side by side, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
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
from regviz.plot.columns import GAP
from regviz.plot.grids import hatch_meanings, put_boxes, put_turned
from regviz.plot.pairing import SIDES, Pair, describe_compare_images
from regviz.plot.palette import EXCLUSIVE, MUTED, SHARED
from regviz.plot.shapes import put_shapes
from regviz.plot.style import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from regviz.plot.columns import Cell

_LOOKS: dict[str, dict[str, Any]] = {
    "digest": {"colours": SHARED, "alpha": 0.75},
    "diff_id": {"colours": SHARED, "alpha": 0.35},
    "instruction": {"colours": "none", "edgecolors": MUTED, "linewidths": 0.8, "linestyles": [(0, (3, 2))]},
}


def compare_images(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Two images as stacks of layers, with bands between the layers that go together.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_images` gives it of two images; :func:`regviz.plot.grid` draws more.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Raises
    ------
    RegvizError
        There are more than two images.

    Examples
    --------
    >>> import regviz as rv
    >>> table = rv.compare_images(rv.read(), ["team/web:1.0", "team/web:1.1"])
    >>> compare_images(table).get_title(loc="left")
    'team/web:1.1 is team/web:1.0 built again: 120 KiB of 121 KiB are the same'
    """
    with style():
        if ax is None:
            return _draw(describe_compare_images(table, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        return _draw(describe_compare_images(table, width=width, height=height / 2), ax)


def _draw(told: Pair, ax: Axes | None) -> Axes:
    meanings = _meanings(told)
    above = TEXT_LINE + 12 if meanings else 0
    ax = paper(told, told.width, told.height, ax, above=above, marks=told.marks)
    for match, look in _LOOKS.items():
        bands = [_band(told.left[band.left], told.right[band.right]) for band in told.bands if band.match == match]
        if bands:
            put_shapes(ax, bands, name="bands", **look)
    for name, cells in zip(SIDES, (told.left, told.right), strict=True):
        if cells:
            put_boxes(ax, cells, name)
    put_texts(ax, told.texts)
    put_turned(ax, told.turned)
    if meanings:
        put_legend(ax, [handle for handle, _ in meanings], [words for _, words in meanings], left=0, above=8)
    return ax


def _band(left: Cell, right: Cell) -> Path:
    """From the right edge of one cell to the left edge of the other."""
    start, end = left.x + left.width - GAP / 2, right.x + GAP / 2
    bend = (start + end) / 2
    top, low = left.y + GAP / 2, left.y + left.height - GAP / 2
    other_top, other_low = right.y + GAP / 2, right.y + right.height - GAP / 2
    points = [(start, top), (bend, top), (bend, other_top), (end, other_top), (end, other_low)]
    points += [(bend, other_low), (bend, low), (start, low), (start, top)]
    curve = [Path.CURVE4] * 3
    return Path(points, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])


def _meanings(told: Pair) -> list[tuple[Artist, str]]:
    """What the colours and bands mean, of those that occur."""
    colours, kinds = {cell.colour for cell in told.left + told.right}, {band.match for band in told.bands}
    said: tuple[tuple[bool, Artist, str], ...] = (
        (SHARED in colours, Patch(color=SHARED), "the same bytes in both"),
        (EXCLUSIVE in colours, Patch(color=EXCLUSIVE), "of one alone"),
        *hatch_meanings(told.left + told.right),
        (
            "diff_id" in kinds,
            Patch(facecolor=SHARED, alpha=_LOOKS["diff_id"]["alpha"], linewidth=0),
            "the same content, compressed otherwise",
        ),
        (
            "instruction" in kinds,
            Line2D([], [], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2))),
            "the same instruction, other content",
        ),
    )
    return [(handle, words) for occurs, handle, words in said if occurs]
