"""The grid of images and the layers they share, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
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
from regviz.plot.columns import GAP, MOST, STRIP, Cell, Grid, describe_grid
from regviz.plot.palette import EXCLUSIVE, GROUND, INK, RULE, SHARED, STATES
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from regviz.plot.canvas import Text

DASHES = (0, (1.0, 1.0))
_HATCH = "///"
_NARROWEST = 28.0


def grid(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Images side by side, and the layers they share as cells across them.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_images` gives it. Of more than 24 images the largest are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> axes = grid(rv.compare_images(rv.read()))
    >>> axes.get_title(loc="left")
    '16 images add up to 974 KiB; sharing layers, they take 265 KiB'
    """
    with style():
        if ax is None:
            return _draw(describe_grid(table, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        most = min(MOST, max(2, int(width / _NARROWEST)))
        return _draw(describe_grid(table, width=width, height=height / 2, most=most), ax)


def _draw(told: Grid, ax: Axes | None) -> Axes:
    meanings = _meanings(told.cells)
    above = TEXT_LINE + 12 if meanings else 0
    marks, is_any = {"cells": told.marks}, bool(told.cells)
    ax = paper(told, told.width, told.height, ax, above=above, marks=marks, explorable=is_any)
    if told.cells:
        put_boxes(ax, told.cells, "cells")
        _put_strips(ax, told.cells)
        put_texts(ax, told.texts)
        put_turned(ax, told.turned)
        put_legend(ax, [handle for handle, _ in meanings], [words for _, words in meanings], left=0, above=8)
    return ax


def put_boxes(ax: Axes, cells: Sequence[Cell], name: str) -> None:
    """Draw cells as one series; hatched where they are not there, or their bytes are not known."""
    put_shapes(ax, [_box(cell) for cell in cells], [cell.colour for cell in cells], name)
    unknown: dict[str, Any] = {"facecolors": "none", "edgecolors": STATES["absent"], "linewidths": 0.6, "hatch": _HATCH}
    if hatched := [_box(cell) for cell in cells if not cell.there]:
        ax.add_collection(PathCollection(hatched, clip_on=False, **unknown), autolim=False)


def _put_strips(ax: Axes, cells: Sequence[Cell]) -> None:
    """Say on the left edges of cells how they match others."""
    for match, line in (("diff_id", "solid"), ("instruction", DASHES)):
        for colour, strip in ((EXCLUSIVE, GROUND), (SHARED, EXCLUSIVE), (RULE, INK)):
            found = [_strip(cell) for cell in cells if cell.match == match and cell.colour == colour]
            if found:
                look: dict[str, Any] = {"colors": strip, "linewidths": STRIP, "linestyles": [line], "clip_on": False}
                ax.add_collection(LineCollection(found, **look), autolim=False)


def put_turned(ax: Axes, texts: Sequence[Text]) -> None:
    """Draw texts that are read from below."""
    for text in texts:
        ax.text(
            text.x,
            text.y,
            text.text,
            ha=text.anchor,
            va=text.level,
            color=text.colour,
            fontsize=text.size,
            rotation=90,
            rotation_mode="default",
        )


def _box(cell: Cell) -> Path:
    gap = min(GAP / 2, cell.height / 6)
    left, right = cell.x + GAP / 2, cell.x + cell.width - GAP / 2
    top, low = cell.y + gap, cell.y + cell.height - gap
    return rectangle(left, top, right, low)


def _strip(cell: Cell) -> list[tuple[float, float]]:
    x, inset = cell.x + GAP + STRIP, min(3.0, cell.height / 5)
    return [(x, cell.y + inset), (x, cell.y + cell.height - inset)]


def hatch_meanings(cells: Sequence[Cell]) -> list[tuple[bool, Artist, str]]:
    """What the hatch means, of what occurs."""
    unknown, absent = any(cell.bytes is None for cell in cells), any(not c.there and c.bytes is not None for c in cells)
    words = " or ".join(word for occurs, word in ((absent, "not there"), (unknown, "size unknown")) if occurs)
    return [(bool(words), Patch(facecolor=RULE, edgecolor=STATES["absent"], hatch=_HATCH), words)]


def _meanings(cells: Sequence[Cell]) -> list[tuple[Artist, str]]:
    """What the colours and strips mean, of those that occur."""
    matches, shares = {cell.match for cell in cells}, any(cell.colour == SHARED for cell in cells)
    look: dict[str, Any] = {"color": EXCLUSIVE, "linewidth": STRIP}
    said = (
        (shares and any(cell.colour == EXCLUSIVE for cell in cells), Patch(color=EXCLUSIVE), "of one image"),
        (shares, Patch(color=SHARED), "of several"),
        *hatch_meanings(cells),
        ("diff_id" in matches, Line2D([], [], **look), "same content, compressed otherwise"),
        ("instruction" in matches, Line2D([], [], linestyle=DASHES, **look), "same instruction, other content"),
    )
    return [(handle, words) for occurs, handle, words in said if occurs]
