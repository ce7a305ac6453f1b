"""How large layers are: the number of their blobs by length, in classes that double."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.plot.labels import format_tick, percent
from regviz.plot.upright import Bar, Upright, draw
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_TICKS = 12


@dataclass(frozen=True, slots=True)
class Bin:
    """Blobs of at least ``2 ** power`` bytes and less than twice that; power -1 has those of 0 bytes.

    Attributes
    ----------
    power : int
    tagged, others : int
        How many of them tags reach, and how many none does.
    """

    power: int
    tagged: int
    others: int

    @property
    def count(self) -> int:
        """How many layers it has."""
        return self.tagged + self.others


@dataclass(frozen=True, slots=True)
class Histogram:
    """What :func:`layer_sizes` draws.

    Attributes
    ----------
    title, explanation, description : str
    bins : tuple of Bin
        Without gaps, the smallest first.
    marks : tuple of (int, str)
        Bytes, and what is said there: the median, and what nine of ten layers do not exceed.
    """

    title: str
    explanation: str
    description: str
    bins: tuple[Bin, ...]
    marks: tuple[tuple[int, str], ...]


def describe_layer_sizes(table: pd.DataFrame) -> Histogram:
    """The bins, marks and sentences that :func:`layer_sizes` draws for an answer of `regviz.analysis`."""
    here = table[table["present"] & table["blob_bytes"].notna()]
    lengths = sorted(int(length) for length in here["blob_bytes"])
    absent = len(table) - len(here)
    it_is = "it is" if absent == 1 else "they are"
    gone = f"Left out, for {it_is} not there: {count_noun(absent, 'blob')}." if absent else ""
    if not lengths:
        title = "There is no layer"
        return Histogram(title, gone, f"{title}. {gone}".strip(), (), ())
    powers = [length.bit_length() - 1 for length in here["blob_bytes"].tolist()]
    counts = Counter(zip(powers, (here["tags"] > 0).tolist(), strict=True))
    bins = [Bin(power, counts[power, True], counts[power, False]) for power in range(min(powers), max(powers) + 1)]
    marks = tuple(
        (length, f"{words} {format_bytes(length)}")
        for length, words in (
            (lengths[(len(lengths) - 1) // 2], "half of the blobs have at most"),
            (lengths[-(-9 * len(lengths) // 10) - 1], "90 % have at most"),
        )
    )
    explanation = "Blobs of layers by their length; each class is twice as wide as the one before."
    title = _title(lengths)
    said = "; ".join(words for _, words in marks)
    return Histogram(
        title, f"{explanation} {gone}".strip(), f"{explanation} {said}. {gone}".strip(), tuple(bins), marks
    )


def _title(lengths: list[int]) -> str:
    """The finding: how few layers have half of the bytes."""
    count, total = len(lengths), sum(lengths)
    if count == 1:
        return f"One layer blob of {format_bytes(total)}"
    summed = needed = 0
    while summed * 2 < total:
        needed += 1
        summed += lengths[-needed]
    if not total:
        return f"All {count:,} layer blobs are empty"
    if needed == 1:
        return f"One of {count:,} layer blobs has {percent(lengths[-1], total)} of the {format_bytes(total)}"
    return f"Half of the {format_bytes(total)} lie in {needed:,} of {count:,} layer blobs"


def layer_sizes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The distribution of layer lengths.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.layer_sizes` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts powers of two: 10 is 1 KiB.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import layer_sizes as answer
    >>> table = answer(rv.read())
    >>> int(sum(bar.get_height() for bar in layer_sizes(table).patches)) == int(table["present"].sum())
    True
    """
    return draw(_upright(describe_layer_sizes(table)), ax)


def _upright(told: Histogram) -> Upright:
    """The same on an axis that counts powers of two."""
    if not told.bins:
        return Upright(told.title, told.explanation, told.description, 0, (), (), ())
    first, last = told.bins[0].power, told.bins[-1].power + 1
    edges = range(first, last + 1, 1 + (last - first) // _TICKS)
    return Upright(
        told.title,
        told.explanation,
        told.description,
        first,
        tuple(Bar(each.tagged, each.others, _lengths(each.power)) for each in told.bins),
        tuple((edge, "0" if edge < 0 else format_tick(1 << edge)) for edge in edges),
        tuple((_place(length), words) for length, words in told.marks),
    )


def _lengths(power: int) -> str:
    return f"{format_tick(1 << power)} to {format_tick(2 << power)}" if power >= 0 else "0 bytes"


def _place(length: int) -> float:
    """Where a length lies on the axis: within its class by its share of it."""
    power = length.bit_length() - 1
    return power + length / (1 << power) - 1 if length else -0.5
