"""Two images side by side, and which of their layers go together: where every cell and word lies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.plot.canvas import Text
from regviz.plot.columns import DEEPEST, FLOOR, HEIGHT, HIGHEST, ROOM, Cell, heights_of, put_words
from regviz.plot.labels import fit, fit_all
from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, RULE, SHARED
from regviz.plot.stacking import Run, images_of, run_mark, run_words
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from regviz.plot.stacking import Image, Layer

SIDES = ("left", "right")
MEANINGS = {
    "digest": "the same bytes",
    "diff_id": "the same content, compressed otherwise",
    "instruction": "made by the same instruction, with other content",
}
_WIDE = 0.36
"""Part of the width that each stack has."""
_SAME, _ONE = "digest", "none"


@dataclass(frozen=True, slots=True)
class Band:
    """What joins two cells that go together: `match` says how; `left` and `right` are their places."""

    match: str
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Pair:
    """What :func:`regviz.plot.compare_images` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    left, right : tuple of Cell
        The layers of both, the base first.
    bands : tuple of Band
        Those of equal digests first, then of equal diff IDs, then of equal instructions.
    texts, turned : tuple of Text
        Words that are read from the left, and from below.
    marks : dict of str to tuple of Mark
        Of ``left``, ``right`` and ``bands``.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float
    left: tuple[Cell, ...] = ()
    right: tuple[Cell, ...] = ()
    bands: tuple[Band, ...] = ()
    texts: tuple[Text, ...] = ()
    turned: tuple[Text, ...] = ()
    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Row:
    """Layers of either image that go together, or of one alone; small ones next to each other are one row."""

    match: str
    layers: tuple[list[Layer], list[Layer]]


def describe_compare_images(table: pd.DataFrame, *, width: float = 720.0, height: float = HEIGHT) -> Pair:
    """Where everything lies in the picture that :func:`regviz.plot.compare_images` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_images` gives it of two images.
    width, height : float
        Points; about `height` for the higher stack, if its layers are not many.

    Raises
    ------
    RegvizError
        There are more than two images.
    """
    images = images_of(table)
    if len(images) > 2:
        raise RegvizError(
            f"two images are drawn side by side, and here are {len(images)}: compare two, or draw plot.grid of all"
        )
    if len(images) < 2:
        title = f"Nothing to compare {images[0].name} with" if images else "There is no image to compare"
        title = fit(title, width, TEXT_SIZE)
        return Pair(title, "", title, width, 0.0)
    grows = height >= HEIGHT
    rows, least = _rows_that_fit(images, min(DEEPEST, max(2, int(height / FLOOR))))
    runs = [
        [Run((side,), row.layers[side], at - 1) for at, row in enumerate(row for row in rows if row.layers[side])]
        for side in range(2)
    ]
    deep = max(len(side) for side in runs)
    sizes = [run.bytes or 0 for side in runs for run in side]
    stacks = [range(len(runs[0])), range(len(runs[0]), len(sizes))]
    height = min(height, max(1, deep) * HIGHEST)
    height = max(height, deep * FLOOR / ROOM) if grows else height
    heights = heights_of(sizes, [stack for stack in stacks if stack], height) if sizes else []
    return _laid_out(table, images, rows, runs, heights, width, least)


def _laid_out(
    table: pd.DataFrame,
    images: Sequence[Image],
    rows: Sequence[_Row],
    runs: Sequence[Sequence[Run]],
    heights: Sequence[float],
    width: float,
    least: int,
) -> Pair:
    wide = width * _WIDE
    highs = heights[: len(runs[0])], heights[len(runs[0]) :]
    base = max(sum(high) for high in highs)
    texts: list[Text] = []
    turned: list[Text] = []
    cells: list[list[Cell]] = []
    marks: dict[str, tuple[Mark, ...]] = {}
    for side in range(2):
        matches = [row.match for row in rows if row.layers[side]]
        drawn, y = [], base
        for run, match, high in zip(runs[side], matches, highs[side], strict=True):
            y -= high
            colour = RULE if not run.there else SHARED if match == _SAME else EXCLUSIVE
            x = side * (width - wide)
            cell = Cell((side,), len(run.layers), run.bytes, run.there, match == _SAME, match, x, y, wide, high, colour)
            put_words(cell, *run_words(run), texts, turned)
            drawn.append(cell)
        cells.append(drawn)
        marks[SIDES[side]] = tuple(
            run_mark(run, images, MEANINGS.get(match, ""), SIDES[side])
            for run, match in zip(runs[side], matches, strict=True)
        )
    bands = _bands(rows)
    marks["bands"] = tuple(
        Mark(MEANINGS[band.match], below=(("left", band.left), ("right", band.right))) for band in bands
    )
    names = fit_all([image.name for image in images], wide, TEXT_SIZE)
    for side, (image, name) in enumerate(zip(images, names, strict=True)):
        x = side * (width - wide) + wide / 2
        size = f"{format_bytes(image.bytes)} in {count_noun(len(image.layers), 'layer')}"
        texts.append(Text(x, base + 6, name, TEXT_SIZE, INK, "center", "top"))
        texts.append(Text(x, base + 20, fit(size, wide, SMALL_SIZE), SMALL_SIZE, MUTED, "center", "top"))
    title = _title(table, images)
    explanation = _explanation(table, least)
    said = "; ".join(f"{image.name}: {format_bytes(image.bytes)}" for image in images)
    joined = {kind: sum(band.match == kind for band in bands) for kind in MEANINGS}
    counted = ", ".join(f"{number} {MEANINGS[kind]}" for kind, number in joined.items() if number) or "none"
    return Pair(
        title,
        explanation,
        f"Two stacks of layers. {said}. Bands between them: {counted}. {explanation}",
        width,
        base + 32,
        tuple(cells[0]),
        tuple(cells[1]),
        bands,
        tuple(texts),
        tuple(turned),
        marks,
    )


def _rows_that_fit(images: Sequence[Image], most: int) -> tuple[list[_Row], int]:
    """Rows of which at most so many lie on each other; and the bytes below which layers were put together, or 0."""
    rows = _rows(images, 0)
    if _deepest(rows) <= most:
        return rows, 0
    sizes = sorted({(layer.bytes or 0) + 1 for image in images for layer in image.layers})
    mixed = _deepest(_rows(images, sizes[-1])) > most
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        fits = _deepest(_rows(images, sizes[middle], mixed=mixed)) <= most
        low, high = (low, middle) if fits else (middle + 1, high)
    return _rows(images, sizes[low], mixed=mixed), sizes[low]


def _deepest(rows: Sequence[_Row]) -> int:
    return max(sum(bool(row.layers[side]) for row in rows) for side in range(2))


def _rows(images: Sequence[Image], least: int, *, mixed: bool = False) -> list[_Row]:
    """Rows of the comparison; neighbours of fewer bytes are one, if they match alike or `mixed` says that any may."""
    at = [{layer.row: layer for layer in image.layers} for image in images]
    found: list[_Row] = []
    for number in sorted(at[0].keys() | at[1].keys()):
        here = [side.get(number) for side in at]
        row = _Row(_match(here), tuple([layer] if layer else [] for layer in here))  # type: ignore[arg-type]
        last = found[-1] if found else None
        if last and _small(last, least) and _small(row, least) and (mixed or _alike(last, row)):
            last.match = last.match if last.match == row.match else _ONE
            for side in range(2):
                last.layers[side].extend(row.layers[side])
        else:
            found.append(row)
    return found


def _match(layers: Sequence[Layer | None]) -> str:
    """How the two layers of a row go together; of an answer about more images the row's own word may be of others."""
    one, other = layers
    if one is None or other is None:
        return _ONE
    return _SAME if one.blob and one.blob == other.blob else one.match


def _alike(one: _Row, other: _Row) -> bool:
    return one.match == other.match and all(bool(one.layers[side]) == bool(other.layers[side]) for side in range(2))


def _small(row: _Row, least: int) -> bool:
    return max((layer.bytes or 0 for side in row.layers for layer in side[-1:]), default=0) < least


def _bands(rows: Sequence[_Row]) -> tuple[Band, ...]:
    counts, bands = [0, 0], []
    for row in rows:
        if row.match != _ONE:
            bands.append(Band(row.match, *counts))
        counts = [count + bool(side) for count, side in zip(counts, row.layers, strict=True)]
    order = [*MEANINGS]
    return tuple(sorted(bands, key=lambda band: order.index(band.match)))


def _title(table: pd.DataFrame, images: Sequence[Image]) -> str:
    """The finding: how the second came from the first, and what that means in bytes."""
    one, other = (replace(image, name=fit(image.name, 190, TEXT_SIZE)) for image in images)
    a, b, old, new = one.name, other.name, format_bytes(one.bytes), format_bytes(other.bytes)
    shared = int(table.attrs["shared_bytes"])
    both = f"{format_bytes(shared)} of {new} are the same" if shared else f"none of the {new} are the same"
    said = {
        "same": f"{a} and {b} are the same image: {new}",
        "reconfigured": f"{b} has the layers of {a}, and another configuration: {new}",
        "recompressed": f"{b} has the content of {a}, compressed otherwise: {old} became {new}",
        "derived": f"{b} stands on {a}, and adds {format_bytes(other.bytes - shared)}",
        "base": f"{a} stands on {b}, and adds {format_bytes(one.bytes - shared)}",
        "squashed": f"{b} is {a} squashed: {old} became {new}",
        "unsquashed": f"{b} has the layers that {a} was squashed from: {old} became {new}",
        "rebased": f"{b} is {a} on another base: {both}",
        "rebuilt": f"{b} is {a} built again: {both}",
        "changed": f"{b} has steps of {a} and others: {both}",
        "different": f"{a} and {b} have no step in common: {old} and {new}",
    }
    return said[table.attrs["verdicts"][0]]


def _explanation(table: pd.DataFrame, least: int) -> str:
    text = "Their bases are at the bottom; bands join what goes together. Heights are bytes"
    basis = table.attrs.get("basis")
    text += {"uncompressed": ", uncompressed", "mixed": ", some of them uncompressed"}.get(str(basis), "")
    text += "; no layer is lower than a line of text."
    return f"{text} Neighbours of less than {format_bytes(least)} each are put together." if least else text
