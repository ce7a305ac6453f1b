"""What tags reach as an icicle: a column for each level, heights are bytes, what is in a part stands at its right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgba

from regviz.plot.canvas import (
    MARGIN,
    WIDTH,
    Text,
    axes_size,
    paper,
    put_texts,
)
from regviz.plot.labels import fit, text_width
from regviz.plot.nested import Part, height_for, merged, title_of, together, tree_of
from regviz.plot.palette import MUTED
from regviz.plot.shapes import put_series, rectangle
from regviz.plot.style import SMALL_SIZE, style
from regviz.plot.tiles import Tile
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_HIGHER = 1.4
_FEW = 20
_HEADS = 16.0
_WIDTHS = {0: 0.17, 1: 0.3, 2: 0.23, 3: 0.3}
_HEADINGS = {0: "namespace", 1: "repository", 2: "tag", 3: "layer or document"}
_SHADES = {0: (0.45, 0.35), 1: (0.5, 0.5), 2: (0.42, 0.32), 3: (0.28, 0.2)}
"""Of neighbours in turn, at each level."""
_SHARED = 0.12
_GAP = 0.5
_THIN = 1.3
"""Points; what is lower shares a part with its neighbours."""
_LINE = 9.5


@dataclass(frozen=True, slots=True)
class Icicle:
    """What :func:`icicle` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
    tiles : tuple of Tile
        Each before what is in it.
    inside : tuple of int
        For each of them the number of that which it is in; -1 for those of the first column.
    texts : tuple of Text
    """

    title: str
    explanation: str
    description: str
    width: float = 0.0
    height: float = 0.0
    tiles: tuple[Tile, ...] = ()
    inside: tuple[int, ...] = ()
    texts: tuple[Text, ...] = ()


def describe_icicle(table: pd.DataFrame, *, width: float = WIDTH - 2 * MARGIN, height: float | None = None) -> Icicle:
    """Where everything lies in the picture that :func:`icicle` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.composition` gives it.
    width, height : float
        Points; left out, it is higher where there are many repositories.
    """
    if height is None:
        height = height_for(table) * (_HIGHER if table.attrs["repositories"] > _FEW else 1)
    whole, title = tree_of(table), title_of(table)
    if not whole.bytes:
        return Icicle(title, "", f"{title}.", width)
    shown = _gathered(whole, (height - _HEADS) / whole.bytes)
    if len(shown.inner) == 1 and shown.inner[0].inner and shown.inner[0].level == 0:  # one namespace says nothing
        shown = replace(shown, inner=shown.inner[0].inner)
    levels = sorted({part.level for part in shown.every()} - {-1})
    edges = np.cumsum([0.0, *(_WIDTHS[level] for level in levels)])
    columns = dict(zip(levels, pairwise((edges / edges[-1] * width).tolist()), strict=True))
    undivided = any(part.level < 3 and part.parts == 1 and not part.inner for part in shown.every())
    explanation = (
        "Heights are bytes; each blob is divided among the tags that reach it, so that each column adds up to what is "
        f"stored once. What stands at the right of a part is in it{' (nothing: too small to be seen)' * undivided}."
        f"{together(shown)}"
    )
    tiles, inside, texts = list[Tile](), list[int](), list[Text]()
    places = {id(shown): -1}
    for part, above, top, bottom, at in _laid(shown, _HEADS, height):
        left, right = columns[part.level]
        shade = _SHARED if part.parts > 1 else _SHADES[part.level][at % 2]
        places[id(part)] = len(tiles)
        inside.append(places[id(above)])
        tiles.append(Tile(left, top, right, bottom, part.bytes, part.colour, shade, part.mark))
        if bottom - top >= _LINE:
            texts += _label(part, left + 3, right - 4, (top + bottom) / 2)
    heads = (Text(columns[level][0] + 3, 6, _HEADINGS[level], SMALL_SIZE, MUTED) for level in levels)
    texts = [text for text in (*heads, *texts) if text.text]
    largest = "; ".join(f"{part.label} {format_bytes(part.bytes)}" for part in shown.inner[:5])
    description = (
        f"An icicle of {count_noun(len(tiles), 'part')} in {count_noun(len(levels), 'column')}. The largest: {largest}."
    )
    return Icicle(title, explanation, description, width, height, tuple(tiles), tuple(inside), tuple(texts))


def _gathered(part: Part, unit: float) -> Part:
    """The same with what is too low to be seen in one part for each parent."""
    high = [inner for inner in part.inner if inner.bytes * unit >= _THIN and inner.parts == 1]
    low = (
        part.inner[len(high) :]
        if high == part.inner[: len(high)]
        else [each for each in part.inner if each not in high]
    )
    kept = [_gathered(inner, unit) for inner in high]
    if len(low) == 1:
        kept.append(replace(low[0], inner=[]))
    elif low:
        kept.append(merged(low))
    if len(kept) == 1 and kept[0].parts > 1:  # nothing in it can be told apart
        kept = []
    return replace(part, inner=kept)


def _laid(part: Part, top: float, bottom: float) -> Iterator[tuple[Part, Part, float, float, int]]:
    """Each part with that which it is in, its upper and lower edge, and its number there."""
    unit = (bottom - top) / part.bytes
    for at, inner in enumerate(part.inner):
        low = top + inner.bytes * unit
        yield inner, part, top, low, at
        yield from _laid(inner, top, low)
        top = low


def _label(part: Part, left: float, right: float, middle: float) -> list[Text]:
    """What a part is called and, where there is room, its bytes: a text of their own, as a name may run to the left."""
    bold, size = part.level < 2 and part.parts == 1, SMALL_SIZE - 0.5
    name = fit(part.label, right - left, size, bold=bold)
    made = [Text(left, middle, name, size, bold=bold)]
    amount = Text(left + text_width(name, size, bold=bold) + 5, middle, format_bytes(part.bytes), size)
    if name == part.label and amount.x + text_width(amount.text, size) <= right:
        made.append(amount)
    return made


def icicle(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What tags reach, by repository, tag and layer, in columns.

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
    >>> axes = icicle(composition(rv.read()))
    >>> axes.marks["parts"][1].below
    (('parts', 0),)
    """
    with style():
        if ax is None:
            return _draw(describe_icicle(table), None)
        width, height = axes_size(ax)
        return _draw(describe_icicle(table, width=width, height=height), ax)


def _draw(told: Icicle, ax: Axes | None) -> Axes:
    above, is_any = 6 if told.tiles or ax is not None else 0, bool(told.tiles)
    ax = paper(told, told.width, told.height, ax, above=above, explorable=is_any)
    if told.tiles:
        colours = [to_rgba(tile.colour, tile.shade) for tile in told.tiles]
        marks = [
            replace(tile.mark, below=(("parts", at),) if at >= 0 else ())
            for tile, at in zip(told.tiles, told.inside, strict=True)
        ]
        put_series(ax, "parts", _paths(told.tiles), colours, marks)
        put_texts(ax, told.texts)
    return ax


def _paths(tiles: Sequence[Tile]) -> list[Path]:
    return [
        rectangle(tile.left, tile.top, tile.right - 2 * _GAP, max(tile.bottom - _GAP, tile.top + _GAP))
        for tile in tiles
    ]
