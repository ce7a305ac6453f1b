"""The map from tags over images to layers, drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matplotlib.collections import PathCollection
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
from regviz.plot.flow import BAR, MOST, SLOT, Box, Ribbon, TagMap, describe_tag_map
from regviz.plot.palette import OTHERS, REPOSITORIES, SEVERAL, STATES
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.style import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_RIBBON_OPACITY = 0.22
_HATCH = "////////"


def tag_map(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Which images the tags name, and which layers those share.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.tag_images` gives it. Of many tags the largest of each repository are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import tag_images
    >>> axes = tag_map(tag_images(rv.read()))
    >>> [series.get_gid() for series in axes.collections]
    ['marks:ribbons', 'marks:tags', 'marks:images', 'marks:layers']
    """
    with style():
        if ax is None:
            return _draw(describe_tag_map(table, width=WIDTH - 2 * MARGIN), None)
        width, height = axes_size(ax)
        most = min(MOST, max(2, int(height / SLOT / 2)))
        return _draw(describe_tag_map(table, width=width, height=height / 2, most=most), ax)


def _draw(told: TagMap, ax: Axes | None) -> Axes:
    meanings = _meanings(told)
    above = TEXT_LINE + 12 if meanings else 0
    ax = paper(told, told.width, told.height, ax, above=above, marks=told.marks, explorable=True)
    if not told.tags:
        return ax
    ribbons, shades = [_ribbon(each) for each in told.ribbons], [_shade(each) for each in told.ribbons]
    put_shapes(ax, ribbons, shades, "ribbons", alpha=_RIBBON_OPACITY)
    for name, column in (("tags", told.tags), ("images", told.images), ("layers", told.layers)):
        put_shapes(ax, [_bar(box) for box in column], [box.colour for box in column], name)
    absent = [_hatched(box) for box in told.layers if box.colour == STATES["absent"]]
    if absent:
        look: dict[str, Any] = {
            "facecolors": "none",
            "edgecolors": STATES["absent"],
            "linewidths": 0.6,
            "hatch": _HATCH,
        }
        ax.add_collection(PathCollection(absent, clip_on=False, **look), autolim=False)
    put_texts(ax, told.texts)
    put_legend(ax, [handle for handle, _ in meanings], [words for _, words in meanings], left=0, above=8)
    return ax


def _bar(box: Box) -> Path:
    return rectangle(box.x, box.y, box.x + BAR, box.y + box.height)


def _hatched(box: Box) -> Path:
    """What stands for a box without bytes: seen, and as high as no bytes are."""
    return _bar(replace(box, y=box.y + box.height / 2 - 3, height=6.0))


def _ribbon(ribbon: Ribbon) -> Path:
    """A band that leaves as high as its part of the left box is, and arrives as high as the right box."""
    start, straight, end = ribbon.x, ribbon.bend, ribbon.right.x
    bend, low = (straight + end) / 2, ribbon.y + ribbon.height
    top, bottom = ribbon.to_y, ribbon.to_y + ribbon.to_height
    points = [(start, ribbon.y), (straight, ribbon.y), (bend, ribbon.y), (bend, top), (end, top), (end, bottom)]
    points += [(bend, bottom), (bend, low), (straight, low), (start, low), (start, ribbon.y)]
    curve = [Path.CURVE4] * 3
    return Path(points, [Path.MOVETO, Path.LINETO, *curve, Path.LINETO, *curve, Path.LINETO, Path.CLOSEPOLY])


def _shade(ribbon: Ribbon) -> str:
    """The colour of the repository that has one end of it; grey to the layers that share a box."""
    if not ribbon.right.key:
        return OTHERS
    return ribbon.left.colour if ribbon.right.colour == SEVERAL else ribbon.right.colour


def _meanings(told: TagMap) -> list[tuple[Artist, str]]:
    """What the colours mean, of those that occur."""
    used = {box.colour for column in (told.tags, told.images, told.layers) for box in column}
    said = (
        (bool(used & set(REPOSITORIES)), Patch(color=REPOSITORIES[0]), "of one repository, by its colour"),
        (OTHERS in used, Patch(color=OTHERS), "of one smaller repository"),
        (SEVERAL in used, Patch(color=SEVERAL), "of several"),
        (STATES["absent"] in used, Patch(facecolor="none", edgecolor=STATES["absent"], hatch=_HATCH), "not there"),
    )
    return [(handle, words) for occurs, handle, words in said if occurs]
