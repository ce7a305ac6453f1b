"""What pulls move between images, drawn as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Text,
    axes_size,
    paper,
    put_texts,
)
from regviz.plot.grids import put_turned
from regviz.plot.labels import text_width
from regviz.plot.palette import MUTED
from regviz.plot.pulling import MOST, ROW, SCALE, Pulls, Square, colour_of, describe_transfer_matrix
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import SMALL_SIZE, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_GAP = 1.0
_NARROWEST = 21.0
_STEP, _BAR = 6.0, 9.0
_LEAST_ROW = 13.0


def transfer_matrix(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What pulling each image moves onto a host that has another, and onto an empty one.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.transfer_matrix` gives it. Of more than 30 images the largest are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> table = rv.transfer_matrix(rv.read(), ["team/web:1.0", "team/web:1.1"])
    >>> transfer_matrix(table).get_title(loc="left")
    'Pulling 2 images moves 256 KiB onto empty hosts; with the nearest other there, 16.6 KiB'
    """
    with style():
        if ax is None:
            return _draw(describe_transfer_matrix(table, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        most = min(MOST, max(2, int(width * 2 / 3 / _NARROWEST)), max(2, int(height * 0.6 / _LEAST_ROW) - 1))
        row = min(ROW, height * 0.6 / (min(most, max(1, len(table.columns) - 1)) + 1))
        return _draw(describe_transfer_matrix(table, width=width, most=most, row=row), ax)


def _draw(told: Pulls, ax: Axes | None) -> Axes:
    above = TEXT_LINE + 14 if told.squares else 0
    ax = paper(told, told.width, told.height, ax, above=above, marks={"pulls": told.marks})
    if told.squares:
        paths, colours = [_box(square) for square in told.squares], [square.colour for square in told.squares]
        put_shapes(ax, paths, colours, "pulls")
        put_texts(ax, told.texts)
        put_turned(ax, told.turned)
        _put_scale(ax, told)
    return ax


def _put_scale(ax: Axes, told: Pulls) -> None:
    """The scale above the matrix, between what its ends stand for."""
    least, most = told.scale
    x, y = text_width(least, SMALL_SIZE) + 5, -TEXT_LINE - 2
    # Each reaches to the end, beneath the next ones: so no seam is seen between two.
    steps = [Square("", "", 0, x + at * _STEP, y - _BAR / 2, (SCALE - at) * _STEP, _BAR, "") for at in range(SCALE)]
    colours = [colour_of(at / (SCALE - 1)) for at in range(SCALE)]
    paths = [_box(step, gap=0.0) for step in steps]
    put_shapes(ax, paths, colours)
    end = x + SCALE * _STEP + 5
    put_texts(ax, [Text(0, y, least, SMALL_SIZE, MUTED), Text(end, y, most, SMALL_SIZE, MUTED)])


def _box(square: Square, gap: float = _GAP) -> Path:
    left, right = square.x + gap / 2, square.x + square.width - gap / 2
    top, low = square.y + gap / 2, square.y + square.height - gap / 2
    return rectangle(left, top, right, low)
