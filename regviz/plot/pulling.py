"""What pulls move between images, as a matrix: where every cell and word lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit, fit_all, format_tick, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, MUTED, ON_BRIGHT, ON_DARK
from regviz.plot.stacking import exact, reference_text, repository_of
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import UNITS, count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MOST = 30
SCALE = 24
"""Steps of the scale that is drawn."""
ROW = 19.0
_WIDEST = 84.0
_LEFT, _HEAD = 190.0, 150.0
_PAD = 3.0
_BRIGHT = 0.18
"""Relative luminance above which black text has more contrast than white (WCAG 2.2's formula)."""
EMPTY_HOST = "an empty host"
_CLIENTS = {
    "docker": "An engine with graph drivers reuses what it has from the base up.",
    "content-store": "A content store fetches no digest twice.",
}


@dataclass(frozen=True, slots=True)
class Square:
    """What pulling one image moves onto a host that has another.

    Attributes
    ----------
    having, pulled : str
        References; `having` is empty for the empty host.
    bytes : int
    x, y, width, height : float
        Points; its upper left corner from that of the picture.
    colour : str
    """

    having: str
    pulled: str
    bytes: int
    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Pulls:
    """What :func:`regviz.plot.transfer_matrix` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    images : tuple of str
        References, from the left, and from above below the empty host.
    squares : tuple of Square
        Row by row.
    scale : tuple of (str, str)
        What the darkest and the brightest colour of the scale stand for; empty without squares.
    texts, turned : tuple of Text
        Words that are read from the left, and from below.
    marks : tuple of Mark
        What is said of each square.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float
    images: tuple[str, ...] = ()
    squares: tuple[Square, ...] = ()
    scale: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    turned: tuple[Text, ...] = ()
    marks: tuple[Mark, ...] = ()


def describe_transfer_matrix(table: pd.DataFrame, *, width: float = 720.0, most: int = MOST, row: float = ROW) -> Pulls:
    """Where everything lies in the picture that :func:`regviz.plot.transfer_matrix` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.transfer_matrix` gives it.
    width : float
        Points.
    most : int
        Columns; of more images the largest are drawn.
    row : float
        Height of a row, in points.
    """
    cannot = set(table.attrs.get("cannot", {}))
    names = [str(name) for name in table.columns[1:] if name not in cannot]
    kept = [0, *(at for at, name in enumerate(table["having"].tolist()) if at and name not in cannot)]
    moved = table.iloc[kept][names].to_numpy(np.float64) if names else np.zeros((1, 0))
    title = _title(names, moved)
    if not names:
        return Pulls(title, "", title, width, 0.0)
    largest = np.sort(np.argsort(-moved[0], kind="stable")[:most])
    order = largest[clustered(moved[1:][np.ix_(largest, largest)], moved[0][largest])]
    shown = moved[np.append(0, order + 1)][:, order]
    left_out = len(names) - len(order), len(cannot)
    return _laid_out([names[at] for at in order], shown, title, table, left_out, width, row)


def clustered(moved: Matrix, whole: Matrix) -> list[int]:
    """An order in which images that are cheap to pull where the other is are neighbours.

    Examples
    --------
    The first and the third move little where the other is:

    >>> clustered(np.array([[0, 9, 1], [9, 0, 9], [1, 9, 0]]), np.array([9, 9, 9]))
    [1, 2, 0]
    """
    count = len(whole)
    if count < 3:
        return [*range(count)]
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    both = whole[:, np.newaxis] + whole[np.newaxis, :]
    far = np.divide(moved + moved.T, both, out=np.ones_like(both, np.float64), where=both > 0)
    np.fill_diagonal(far, 0.0)
    found = linkage(squareform(far, checks=False), "average", optimal_ordering=True)
    return [int(at) for at in leaves_list(found)]


def _laid_out(
    names: Sequence[str],
    shown: Matrix,
    title: str,
    table: pd.DataFrame,
    left_out: tuple[int, int],
    width: float,
    row: float,
) -> Pulls:
    labels = fit_all([drawable(reference_text(name)) for name in names], min(_LEFT, width / 3), TEXT_SIZE)
    rows = [fit(EMPTY_HOST, min(_LEFT, width / 3), TEXT_SIZE), *labels]
    left = max(text_width(label, TEXT_SIZE) for label in rows) + 8
    step = min(_WIDEST, (width - left) / len(names))
    standing = max(text_width(label, TEXT_SIZE) for label in labels) > step - 4
    heads = fit_all([drawable(reference_text(name)) for name in names], _HEAD, TEXT_SIZE) if standing else labels
    top = (max(text_width(head, TEXT_SIZE) for head in heads) if standing else TEXT_SIZE + 4) + 6
    texts = [Text(left - 6, top + (at + 0.5) * row, label, anchor="right") for at, label in enumerate(rows)]
    turned: list[Text] = []
    for at, head in enumerate(heads):
        x = left + (at + 0.5) * step
        (turned if standing else texts).append(Text(x, top - 4, head, TEXT_SIZE, INK, "center", "bottom"))
    most = float(shown.max(initial=0.0))
    words, unit = _values(shown, step - 2 * _PAD)
    squares, marks = [], []
    for down, having in enumerate(["", *names]):
        for across, pulled in enumerate(names):
            size = int(shown[down, across])
            colour = colour_of(size / most if most else 0.0)
            x, y = left + across * step, top + down * row
            squares.append(Square(having, pulled, size, x, y, step, row, colour))
            marks.append(_mark(having, pulled, size))
            if words:
                ink = ON_BRIGHT if is_bright(colour) else ON_DARK
                texts.append(Text(x + step / 2, y + row / 2, words[down][across], SMALL_SIZE, ink, "center"))
    explanation = _explanation(table, unit if words else "", left_out)
    texts += [Text(left - 6, top - 4, "has ↓, pulls →", SMALL_SIZE, MUTED, "right", "bottom")]
    return Pulls(
        title,
        explanation,
        f"A matrix of {count_noun(len(names) + 1, 'row')} and {count_noun(len(names), 'column')}. {explanation}",
        width,
        top + (len(names) + 1) * row,
        tuple(names),
        tuple(squares),
        ("0", format_tick(int(most)) if int(most) & (int(most) - 1) == 0 else format_bytes(int(most))),
        tuple(texts),
        tuple(turned),
        tuple(marks),
    )


def _values(shown: Matrix, room: float) -> tuple[list[list[str]], str]:
    """What stands in the cells, and its unit if they have one; nothing where not all have room."""
    words = [[format_bytes(int(size)) if size else "0" for size in line] for line in shown]
    if _widest(words) <= room:
        return words, ""
    most = int(shown.max(initial=0.0))
    power = min(max(most.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    # Of less than ten mebibytes the kibibytes tell more, if there is room for four digits.
    for unit in (power - 1, power) if power and most < 10 << 10 * power else (power,):
        words = [[_number(float(size) / (1 << 10 * unit)) for size in line] for line in shown]
        if _widest(words) <= room:
            return words, UNITS[unit]
    return [], ""


def _number(value: float) -> str:
    """Three digits at most; what is not nothing is not called 0.

    Examples
    --------
    >>> [_number(value) for value in (0, 0.004, 0.25, 3.21, 46.54, 1023.0)]
    ['0', '<0.1', '0.2', '3.2', '47', '1023']
    """
    if not value:
        return "0"
    return "<0.1" if value < 0.1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _widest(words: Sequence[Sequence[str]]) -> float:
    return max(text_width(word, SMALL_SIZE) for line in words for word in line)


def colour_of(share: float) -> str:
    """A colour of the scale: the darkest for 0, the brightest for 1."""
    return str(to_hex(colormaps["cividis"](float(share))))


def is_bright(colour: str) -> bool:
    """Whether dark text reads better on a colour.

    Examples
    --------
    >>> is_bright(colour_of(1)), is_bright(colour_of(0))
    (True, False)
    """
    said = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in said)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > _BRIGHT


def _mark(having: str, pulled: str, size: int) -> Mark:
    host = f"a host that has {having}" if having else EMPTY_HOST
    moves = exact(size) if size else "nothing"
    repositories = tuple(dict.fromkeys(filter(None, (repository_of(pulled), repository_of(having)))))
    return Mark(f"{pulled}, pulled onto {host}, moves {moves}", repositories)


def _title(names: Sequence[str], moved: Matrix) -> str:
    """The finding: what the nearest of the others saves."""
    if not names:
        return "There is no image to pull"
    whole = int(moved[0].sum())
    if len(names) == 1:
        return f"Pulling the one image onto an empty host moves {format_bytes(whole)}"
    others = moved[1:] + np.where(np.eye(len(names), dtype=np.bool_), np.inf, 0.0)
    least = int(np.minimum(others.min(axis=0), moved[0]).sum())
    if least == whole:
        return f"None of {len(names):,} images saves bytes where another is pulled: {format_bytes(whole)}"
    pulled = f"Pulling {len(names):,} images moves {format_bytes(whole)} onto empty hosts"
    return f"{pulled}; with the nearest other there, {format_bytes(least)}"


def _explanation(table: pd.DataFrame, unit: str, left_out: tuple[int, int]) -> str:
    text = "A row is what a host has, a column what it pulls then; colours are the bytes which that moves"
    text += f", in the cells in {unit}" if unit else ""
    basis = table.attrs.get("basis")
    text += {"uncompressed": "; layers are uncompressed", "mixed": "; some layers are uncompressed"}.get(str(basis), "")
    text += f". {_CLIENTS.get(str(table.attrs.get('client')), '')}".rstrip()
    said = [
        count_noun(count, *words)
        for count, words in (
            (left_out[0], ("smaller image", "smaller images")),
            (left_out[1], ("that cannot be pulled for this platform", "that cannot be pulled for this platform")),
        )
        if count
    ]
    return f"{text} Left out: {', '.join(said)}." if said else text
