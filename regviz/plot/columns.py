"""The grid of images and the layers they share: where every cell and word lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.plot.canvas import Text
from regviz.plot.labels import fit, fit_all, text_width
from regviz.plot.palette import EXCLUSIVE, GROUND, INK, MUTED, ON_SHARED, RULE, SHARED
from regviz.plot.stacking import deepest, images_of, in_order, run_mark, run_words, runs_that_fit
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from regviz.plot.marks import Mark
    from regviz.plot.stacking import Image, Run

MOST = 24
GAP = 1.5
STRIP = 3.0
_WIDEST = 238.0
_STANDING = 84.0
"""Columns at least so wide have their names below them as they are read; of others they are turned."""
FLOOR = 15.0
DEEPEST = 34
HEIGHT = 340.0
HIGHEST = 90.0
"""Of a cell on average: two layers need not fill a page."""
ROOM = 0.62
"""How much of the height the least height of cells may take; else the picture becomes higher."""
_LINE = 11.5
_PAD = 4.0
_NAME = 170.0
_FEWEST = 46.0
"""Points that are worth an instruction."""
MATCHES = {
    "diff_id": "the same content as another image's, compressed otherwise",
    "instruction": "made by the same instruction as another image's, with other content",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A layer, or small ones together, in the images that have it.

    Attributes
    ----------
    images : tuple of int
        Columns it spans, from the left, without a gap.
    layers : int
        How many layers it is.
    bytes : int, optional
    there : bool
        Whether its blobs lie in the registry, and their bytes are known.
    shared : bool
        Whether several images of the table have its blobs; it may span one column all the same, where another has
        them on other layers.
    match : str
        ``diff_id`` or ``instruction`` where a layer of another image, with another blob, goes with it; else ``none``.
    x, y, width, height : float
        Points; its upper left corner from that of the picture.
    colour : str
    """

    images: tuple[int, ...]
    layers: int
    bytes: int | None
    there: bool
    shared: bool
    match: str
    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Grid:
    """What :func:`regviz.plot.grid` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    images : tuple of str
        References, from the left.
    cells : tuple of Cell
        Each after the one it stands on.
    texts, turned : tuple of Text
        Words that are read from the left, and from below.
    marks : tuple of Mark
        What is said of each cell.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float
    images: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    texts: tuple[Text, ...] = ()
    turned: tuple[Text, ...] = ()
    marks: tuple[Mark, ...] = ()


def describe_grid(table: pd.DataFrame, *, width: float = 720.0, height: float = HEIGHT, most: int = MOST) -> Grid:
    """Where everything lies in the picture that :func:`regviz.plot.grid` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_images` gives it.
    width, height : float
        Points; about `height` for the highest stack, if its layers are not many.
    most : int
        Columns; of more images the largest are drawn.
    """
    every = [image for image in images_of(table) if image.layers]
    title = _title(table, len(every))
    if not every:
        return Grid(title, "", title, width, 0.0)
    kept = sorted(every, key=lambda image: (-image.bytes, image.number))[:most]
    images = in_order(sorted(kept, key=lambda image: image.number))
    return _Layout(images, width, height).grid(title, table, len(every) - len(kept))


class _Layout:
    def __init__(self, images: Sequence[Image], width: float, height: float) -> None:
        self.images, self.width = images, width
        grows = height >= HEIGHT
        self.step = min(_WIDEST, width / len(images))
        self.runs, self.least = runs_that_fit(images, min(DEEPEST, max(2, int(height / FLOOR))))
        deep = deepest(self.runs)
        floor, height = deep * FLOOR, min(height, deep * HIGHEST)
        stacks = [[at for at, run in enumerate(self.runs) if column in run.images] for column in range(len(images))]
        sizes = [run.bytes or 0 for run in self.runs]
        self.heights = heights_of(sizes, stacks, max(height, floor / ROOM) if grows else height)
        tops: list[float] = []
        for run, high in zip(self.runs, self.heights, strict=True):
            tops.append(high + (tops[run.below] if run.below >= 0 else 0.0))
        self.tops, self.base = tops, max(tops)
        self.texts: list[Text] = []
        self.turned: list[Text] = []

    def grid(self, title: str, table: pd.DataFrame, left_out: int) -> Grid:
        """The whole picture."""
        cells = [self._cell(run, at) for at, run in enumerate(self.runs)]
        for run, cell in zip(self.runs, cells, strict=True):
            put_words(cell, *run_words(run), self.texts, self.turned)
        foot = self._put_names()
        explanation = _explanation(table, self.least, left_out, any(cell.shared for cell in cells))
        if any(layer.absent for run in self.runs for layer in run.layers):
            explanation += " What is not there counts with its declared length."
        marks = [run_mark(run, self.images, MATCHES.get(run.match, ""), "cells") for run in self.runs]
        said = "; ".join(
            f"{image.name} {format_bytes(image.bytes)}, {format_bytes(image.shared)} shared"
            for image in self.images[:5]
        )
        more = f"; and {len(self.images) - 5} more" if len(self.images) > 5 else ""
        return Grid(
            title,
            explanation,
            f"{count_noun(len(self.images), 'column')} of layers, side by side. {said}{more}. {explanation}",
            self.width,
            self.base + foot,
            tuple(image.reference for image in self.images),
            tuple(cells),
            tuple(self.texts),
            tuple(self.turned),
            tuple(marks),
        )

    def _cell(self, run: Run, at: int) -> Cell:
        colour = RULE if not run.there else SHARED if run.shared else EXCLUSIVE
        return Cell(
            run.images,
            len(run.layers),
            run.bytes,
            run.there,
            run.shared,
            run.match,
            run.images[0] * self.step,
            self.base - self.tops[at],
            len(run.images) * self.step,
            self.heights[at],
            colour,
        )

    def _put_names(self) -> float:
        """The images' names and sums below their stacks; the height that takes."""
        sums = [f"{format_bytes(image.bytes)}" for image in self.images]
        alone = len(self.images) == 1
        shared = [
            "" if alone else f"{format_bytes(image.shared) if image.shared else 'nothing'} shared"
            for image in self.images
        ]
        top, centre = self.base + 6, self.step / 2
        if self.step >= _STANDING:
            names = fit_all([image.name for image in self.images], self.step - 8, TEXT_SIZE)
            for at in range(len(self.images)):
                x = at * self.step + centre
                self.texts += [
                    Text(x, top, names[at], TEXT_SIZE, INK, "center", "top", bold=False),
                    Text(x, top + 14, sums[at], SMALL_SIZE, MUTED, "center", "top"),
                    Text(x, top + 26, shared[at], SMALL_SIZE, MUTED, "center", "top"),
                ]
            return 6 + 14 + 26
        names = fit_all([image.name for image in self.images], _NAME, TEXT_SIZE)
        lines = [f"{one}, {other}".removesuffix(", ") for one, other in zip(sums, shared, strict=True)]
        aside = min(6.0, self.step / 4)
        for at in range(len(self.images)):
            x = at * self.step + centre
            self.turned += [
                Text(x - aside, top, names[at], TEXT_SIZE, INK, "center", "top"),
                Text(x + aside, top, lines[at], SMALL_SIZE, MUTED, "center", "top"),
            ]
        longest = max(text_width(name, TEXT_SIZE) for name in names)
        return 8 + max(longest, *(text_width(line, SMALL_SIZE) for line in lines))


def put_words(cell: Cell, made_by: str, size: str, texts: list[Text], turned: list[Text]) -> None:
    """What made a cell and its bytes, as far as there is room; what there is no room for is in its mark."""
    colour = {EXCLUSIVE: GROUND, SHARED: ON_SHARED}.get(cell.colour, INK)
    left, room = cell.x + GAP + _PAD + STRIP, cell.width - 2 * GAP - 2 * _PAD - STRIP
    middle, needed = cell.y + cell.height / 2, text_width(size, SMALL_SIZE)
    if cell.height >= 2 * _LINE + 4 and room >= max(_FEWEST, needed):
        texts += [
            Text(left, middle - _LINE / 2, fit(made_by, room, SMALL_SIZE), SMALL_SIZE, colour),
            Text(left, middle + _LINE / 2, size, SMALL_SIZE, colour),
        ]
    elif cell.height >= _LINE and room >= needed:
        beside = room - needed - 10
        if beside >= _FEWEST:
            texts.append(Text(left, middle, fit(made_by, beside, SMALL_SIZE), SMALL_SIZE, colour))
        texts.append(Text(cell.x + cell.width - GAP - _PAD, middle, size, SMALL_SIZE, colour, "right"))
    elif cell.height >= needed + 2 * _PAD and room >= _LINE - 3:
        long = cell.height - 2 * _PAD
        words = f"{size}  {made_by}" if long >= needed + _FEWEST + 10 else size
        turned.append(
            Text(left + room / 2, middle, fit(words, long, SMALL_SIZE), SMALL_SIZE, colour, "center", "center")
        )


def heights_of(sizes: Sequence[int], stacks: Sequence[Sequence[int]], height: float) -> list[float]:
    """As high as their bytes, none lower than a line; so that the highest stack has the height there is.

    Examples
    --------
    Of two that lie on each other one has hardly any bytes, and the height of a line:

    >>> [round(high, 3) for high in heights_of([1, 10**9, 5 * 10**8], [[0, 1], [2]], 115.0)]
    [15.0, 100.0, 50.0]
    """
    floor = min(FLOOR, height / max(len(stack) for stack in stacks))

    def high(unit: float) -> float:
        return max(sum(max(floor, unit * sizes[at]) for at in stack) for stack in stacks)

    low, most = 0.0, height / max(1, *sizes)
    for _ in range(60):
        middle = (low + most) / 2
        low, most = (middle, most) if high(middle) <= height else (low, middle)
    return [max(floor, low * size) for size in sizes]


def _title(table: pd.DataFrame, count: int) -> str:
    """The finding: what the images add up to, and in how many bytes their layers are stored."""
    if not count:
        return "There is no image with layers to compare"
    stored = int(table.attrs["distinct_bytes"])
    logical = sum(int(image["layer_bytes"]) for image in table.attrs["images"])
    if count == 1:
        return f"One image of {count_noun(len(table), 'layer')}: {format_bytes(stored)}"
    if logical == stored:
        return f"No two of {count:,} images share a layer: {format_bytes(stored)}"
    if format_bytes(logical) == format_bytes(stored):
        return (
            f"{count:,} images add up to {format_bytes(logical)}; shared layers save {format_bytes(logical - stored)}"
        )
    return f"{count:,} images add up to {format_bytes(logical)}; sharing layers, they take {format_bytes(stored)}"


def _explanation(table: pd.DataFrame, least: int, left_out: int, shares: bool) -> str:  # noqa: FBT001  # what it says
    text = "Each column is an image, its base at the bottom"
    text += "; what several have on the same layers is one cell across them." if shares else "."
    text += " Heights are bytes"
    basis = table.attrs.get("basis")
    text += {"uncompressed": ", uncompressed", "mixed": ", some of them uncompressed"}.get(str(basis), "")
    text += "; no cell is lower than a line of text."
    if least:
        text += f" Neighbours of less than {format_bytes(least)} each are put together."
    others = left_out + int(table.attrs.get("others", 0))
    return f"{text} Left out: {count_noun(others, 'other image')}." if others else text
