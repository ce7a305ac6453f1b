"""What tags reach as a treemap: areas are bytes, repositories hold their tags, and those their layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from regviz.plot.canvas import (
    MARGIN,
    WIDTH,
    Text,
    axes_size,
    paper,
    put_texts,
)
from regviz.plot.labels import ELLIPSIS, fit, text_width
from regviz.plot.nested import Part, height_for, title_of, together, tree_of
from regviz.plot.palette import INK, MUTED
from regviz.plot.shapes import put_series, rectangle
from regviz.plot.style import SMALL_SIZE, style
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from regviz.plot.marks import Mark

    Rect = tuple[float, float, float, float]

_SHADES = (0.5, 0.4, 0.3)
"""Of one tag after the other: opaque enough to be told apart, faint enough for text in both modes."""
_FAINTER, _SHARED = 0.08, 0.16
_GAP = 0.6
_EDGES = {0: 1.6, 1: 0.8}
_MANY = 80
"""Outlines that are not finer yet."""
_SIZES = {0: SMALL_SIZE, 1: SMALL_SIZE, 2: 7.0, 3: 6.5}
_FEWEST = 5
"""Letters without which a label says nothing."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle, from its left upper corner, in points.

    Attributes
    ----------
    left, top, right, bottom : float
    bytes : int
    colour : str
    shade : float
        How opaque it is.
    mark : Mark
    """

    left: float
    top: float
    right: float
    bottom: float
    bytes: int
    colour: str
    shade: float
    mark: Mark


@dataclass(frozen=True, slots=True)
class Tiles:
    """What :func:`treemap` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
    tiles : tuple of Tile
        What is not divided further; they do not overlap, and fill the whole.
    outlines : tuple of (level, rectangle)
        Of namespaces (0) and repositories (1).
    texts : tuple of Text
    """

    title: str
    explanation: str
    description: str
    width: float = 0.0
    height: float = 0.0
    tiles: tuple[Tile, ...] = ()
    outlines: tuple[tuple[int, Rect], ...] = ()
    texts: tuple[Text, ...] = ()


def describe_treemap(table: pd.DataFrame, *, width: float = WIDTH - 2 * MARGIN, height: float | None = None) -> Tiles:
    """Where everything lies in the picture that :func:`treemap` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.composition` gives it.
    width, height : float
        Points; left out, it is lower where there are few tags.
    """
    whole, title = tree_of(table), title_of(table)
    height = height_for(table) if height is None else height
    if not whole.bytes:
        return Tiles(title, "", f"{title}.", width)
    explanation = (
        "Areas are bytes; each blob is divided among the tags that reach it, so that together they are what is stored "
        "once. Outlines are repositories, the largest in colours of their own; in them tags, darker and fainter "
        f"in turn, and their layers.{together(whole)}"
    )
    made = _Layout(width, height)
    made.put(whole, (0.0, 0.0, width, height), ())
    repositories = sorted((part for part in whole.every() if part.level == 1), key=lambda part: -part.bytes)
    said = "; ".join(f"{part.label} {format_bytes(part.bytes)}" for part in repositories[:5])
    description = f"A treemap of {count_noun(len(made.tiles), 'rectangle')}. The largest repositories: {said}."
    found = tuple(made.tiles), tuple(made.outlines), tuple(made.texts)
    return Tiles(title, explanation, description, width, height, *found)


class _Layout:
    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.tiles: list[Tile] = []
        self.outlines: list[tuple[int, Rect]] = []
        self.texts: list[Text] = []

    def put(self, part: Part, rect: Rect, taken: tuple[Rect, ...], shade: float = _SHADES[0]) -> bool:
        """Put a part and what is in it; say whether anything in it has a label."""
        left, top, right, bottom = rect
        if part.level in _EDGES and part.parts == 1:
            self.outlines.append((part.level, rect))
        named = None
        if part.level in (1, 2, 3) or (part.level == 0 and not part.inner):
            named = self._label(part, rect, taken)
            taken = (*taken, named) if named else taken
        if not part.inner:
            opacity = _SHARED if part.parts > 1 else shade
            self.tiles.append(Tile(left, top, right, bottom, part.bytes, part.colour, opacity, part.mark))
            return named is not None
        before = len(self.texts)
        labelled = False
        for at, (inner, place) in enumerate(
            zip(part.inner, squarified([each.bytes for each in part.inner], rect), strict=True)
        ):
            within = (
                _SHADES[at % len(_SHADES)]
                if inner.level == 2
                else shade - _FAINTER * (at % 2 if inner.level == 3 else 0)
            )
            labelled |= self.put(inner, place, taken, within)
        if part.level == 0 and not labelled and len(self.texts) == before:
            labelled = self._label(part, rect, taken) is not None
        return labelled or named is not None

    def _label(self, part: Part, rect: Rect, taken: Sequence[Rect]) -> Rect | None:
        """Write what a part is called into its upper left corner, below what stands there; say where, if it fits."""
        size, bold = _SIZES[part.level], part.level < 2
        left, top, right, bottom = rect[0] + 3, rect[1] + 2, rect[2] - 3, rect[3] - 2
        high = size * 1.25
        if bottom - top < high or right - left < 3 * size:
            return None
        text = fit(part.label, right - left, size, bold=bold)
        if len(text) < min(_FEWEST, len(part.label)) or (ELLIPSIS in text and len(text) < 2 * _FEWEST):
            return None
        wide, amount = text_width(text, size, bold=bold), format_bytes(part.bytes)
        long = wide + 5 + text_width(amount, size)
        if ELLIPSIS in text or part.level > 2 or long > right - left:
            long, amount = wide, ""
        while top + high <= bottom:
            box = (left, top, left + long, top + high)
            met = [other[3] for other in taken if _meet(box, other)]
            if not met:
                self.texts.append(Text(left, top + high / 2, text, size, bold=bold))
                if amount:  # by itself: a name may be written from right to left
                    self.texts.append(Text(left + wide + 5, top + high / 2, amount, size))
                return box
            top = max(met) + 0.5
        return None


def squarified(sizes: Sequence[int], rect: Rect) -> list[Rect]:
    """Divide a rectangle in proportion to sizes, into parts as square as can be, in the order they have.

    Parameters
    ----------
    sizes : sequence of int
        More than 0 each; best the largest first.
    rect : tuple of float
        Left, top, right and bottom.

    Notes
    -----
    Rows are laid along the shorter side; one ends where another part would make the least square of it worse [1]_.

    References
    ----------
    .. [1] M. Bruls, K. Huizing, J. J. van Wijk, "Squarified Treemaps", Data Visualization 2000.

    Examples
    --------
    >>> squarified([2, 1, 1], (0, 0, 4, 2))
    [(0.0, 0.0, 2.0, 2.0), (2.0, 0.0, 4.0, 1.0), (2.0, 1.0, 4.0, 2.0)]
    """
    left, top, right, bottom = map(float, rect)
    scale = (right - left) * (bottom - top) / sum(sizes)
    areas = [size * scale for size in sizes]
    made: list[Rect] = []
    start = 0
    while start < len(areas):
        side = min(right - left, bottom - top)
        end, total, worst = start, 0.0, float("inf")
        while end < len(areas):
            more = total + areas[end]
            large, small = max(areas[start], areas[end]), min(areas[start], areas[end])
            ratio = (
                max(side * side * large / (more * more), more * more / (side * side * small)) if side and small else 1.0
            )
            if ratio > worst:
                break
            end, total, worst = end + 1, more, ratio
        along_left = bottom - top <= right - left  # a column at the left, or a row at the top
        thick = (
            right - left if end == len(areas) and along_left else bottom - top if end == len(areas) else total / side
        )
        at = top if along_left else left
        stop = bottom if along_left else right
        for place in range(start, end):
            to = stop if place == end - 1 else at + (areas[place] / total * side if total else 0.0)
            made.append((left, at, left + thick, to) if along_left else (at, top, to, top + thick))
            at = to
        left, top = (left + thick, top) if along_left else (left, top + thick)
        start = end
    return made


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def treemap(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What tags reach, by repository, tag and layer, as areas.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.composition` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import composition
    >>> table = composition(rv.read())
    >>> len(treemap(table).marks["tiles"]) == len(table)
    True
    """
    with style():
        if ax is None:
            return _draw(describe_treemap(table), None)
        width, height = axes_size(ax)
        return _draw(describe_treemap(table, width=width, height=height), ax)


def _draw(told: Tiles, ax: Axes | None) -> Axes:
    above, is_any = 6 if told.tiles or ax is not None else 0, bool(told.tiles)
    ax = paper(told, told.width, told.height, ax, above=above, explorable=is_any)
    if not told.tiles:
        return ax
    paths = [
        rectangle(tile.left, tile.top, max(tile.right - _GAP, tile.left + 0.2), max(tile.bottom - _GAP, tile.top + 0.2))
        for tile in told.tiles
    ]
    put_series(
        ax,
        "tiles",
        paths,
        [to_rgba(tile.colour, tile.shade) for tile in told.tiles],
        [tile.mark for tile in told.tiles],
    )
    for level, wide in _EDGES.items():
        edges = [_around(rect) for at, rect in told.outlines if at == level]
        look: dict[str, Any] = {"color": INK if level == 0 else MUTED, "linewidth": wide / (1 + (len(edges) > _MANY))}
        ax.add_collection(LineCollection(edges, clip_on=False, **look), autolim=False)
    put_texts(ax, told.texts)
    return ax


def _around(rect: Rect) -> list[tuple[float, float]]:
    left, top, right, bottom = (at - _GAP / 2 for at in rect)
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
