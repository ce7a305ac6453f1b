"""Tags that nobody has pushed for long, by their age and by the bytes they keep."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from regviz.plot.canvas import Text
from regviz.plot.labels import byte_ticks, fit, format_tick, percent
from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, MUTED, RULE, SHARED
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, said_alone, shares, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_EDGES = (0.0, 30.0, 90.0, 180.0, 365.0, 730.0, 1_825.0, 3_650.0)
_YEAR = 365
_ROW = 22.0
_LEAST = 11.0
_BAR = 0.62
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Age:
    """The tags of one class of age.

    Attributes
    ----------
    low, high : float
        Days: at least, and less than; infinite for the last class.
    tags, bytes : int
        How many, and the sum of what each alone reaches.
    largest : tuple of (str, int)
        Those that keep most, as ``repository:tag``, with their bytes.
    """

    low: float
    high: float
    tags: int
    bytes: int
    largest: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        if self.low == 0:
            return f"under {_length(self.high)}"
        if self.high == float("inf"):
            return f"{_length(self.low)} and more"
        low, high = _length(self.low), _length(self.high)
        return f"{low.partition(' ')[0] if low[-4:].strip('s') in high else low} to {high}"

    @property
    def value(self) -> str:
        """What stands at its end."""
        return f"{format_bytes(self.bytes)}, {count_noun(self.tags, 'tag')}"


def _length(days: float) -> str:
    if days >= _YEAR and days % _YEAR == 0:
        return count_noun(int(days // _YEAR), "year")
    return f"{days:.4g} days" if days != 1 else "1 day"


def ages_of(table: pd.DataFrame) -> list[Age]:
    """The classes from the youngest that has a tag to the oldest, the youngest first."""
    least = float(table.attrs.get("older_than", 0.0))
    edges = sorted({least, *(edge for edge in _EDGES if edge > least), float("inf")})
    found = []
    days = table["age_days"].astype("float64").clip(lower=least)
    for low, high in pairwise(edges):
        here = table[(days >= low) & (days < high)]
        largest = here.sort_values("exclusive_bytes", ascending=False, kind="stable").head(_NAMED)
        named = zip(largest["repository"], largest["tag"], largest["exclusive_bytes"], strict=True)
        said = tuple((f"{repository}:{tag}", int(kept)) for repository, tag, kept in named)
        found.append(Age(low, high, len(here), int(here["exclusive_bytes"].sum()), said))
    used = [place for place, age in enumerate(found) if age.tags]
    return found[used[0] : used[-1] + 1] if used else []


def describe_stale_tags(table: pd.DataFrame, *, width: float = PAPER, height: float | None = None) -> Sheet:
    """Where everything lies in the picture that :func:`stale_tags` draws.

    Its series are ``ages``, a bar for each class of age, and ``together``: what several of these tags reach, and no
    other.
    """
    ages = ages_of(table)
    unknown = int(table.attrs.get("unknown_tags", 0))
    left_out = f"Left out, for no time of theirs is known: {count_noun(unknown, 'tag')}." if unknown else ""
    title = _title(table, ages)
    if not ages:
        return said_alone(title, width, left_out)
    alone = sum(age.bytes for age in ages)
    together = max(0, int(table.attrs.get("stale_bytes", alone)) - alone)
    rows: list[tuple[str, int, str]] = [(age.name, age.bytes, age.value) for age in ages]
    meanings = [(EXCLUSIVE, "what one tag alone reaches")]
    if together:
        rows.append(("several of these", together, format_bytes(together)))
        meanings.append((SHARED, "what several of these tags reach, and no other tag"))
    boxes, texts, top = key(meanings, width)
    top += 6
    row = _ROW if height is None else max(_LEAST, min(_ROW, (height - top - 16) / len(rows)))
    size = TEXT_SIZE if row > _LEAST + 2 else SMALL_SIZE
    left = min(max(wide(name, size) for name, _, _ in rows) + 8, width / 3)
    room = max(wide(value, SMALL_SIZE) for _, _, value in rows) + 10
    longest = max(1, *(kept for _, kept, _ in rows))
    scale = max(1.0, width - left - room) / longest
    bottom = top + row * len(rows)
    under = []
    for tick in byte_ticks(longest, 5):
        x = left + tick * scale
        under.append(Stroke(((x, top), (x, bottom + 2)), RULE, 0.6))
        texts.append(Text(x, bottom + 9, format_tick(tick), SMALL_SIZE, MUTED, "center" if tick else "left"))
    bars = []
    for place, (name, kept, value) in enumerate(rows):
        middle = top + row * (place + 0.5)
        reach = max(0.8, kept * scale)
        colour = EXCLUSIVE if place < len(ages) else SHARED
        bars.append(Rect(left, middle - row * _BAR / 2, reach, row * _BAR, colour))
        texts.append(Text(left - 8, middle, fit(name, (left - 8) / 1.1, size), size, anchor="right"))
        texts.append(Text(left + reach + 5, middle, value, SMALL_SIZE, MUTED))
    marks = [_told(age) for age in ages]
    marks += [Mark(f"{together:,} bytes that several of these tags reach, and no other tag")] if together else []
    explanation = f"{_basis(table)} {left_out}".strip()
    said = "; ".join(f"{name} {value}" for name, _, value in rows)
    return Sheet(
        title,
        explanation,
        f"{count_noun(len(rows), 'horizontal bar')} of bytes by age. {said}. {explanation}",
        width,
        bottom + 16,
        shares(
            {"ages": bars[: len(ages)], "together": bars[len(ages) :]},
            {"ages": marks[: len(ages)], "together": marks[len(ages) :]},
        ),
        tuple(boxes),
        tuple(under),
        texts=tuple(texts),
    )


def _told(age: Age) -> Mark:
    named = "".join(f"\n{name}: {kept:,} bytes" for name, kept in age.largest)
    label = f"{age.name}: {count_noun(age.tags, 'tag')}, {age.bytes:,} bytes that one tag alone reaches{named}"
    repositories = tuple(dict.fromkeys(name.rpartition(":")[0] for name, _ in age.largest))
    return Mark(label, repositories, tuple(name for name, _ in age.largest))


def _basis(table: pd.DataFrame) -> str:
    bases = set(table["basis"].tolist())
    if bases == {"created"}:
        return "Ages are those of images, as they say; nobody knows when tags were pushed."
    if "created" in bases:
        return "Ages are since the last push; where that is not known, those of images."
    return "Ages are since the last push. No storage records pulls: an old tag may be in use every day."


def _title(table: pd.DataFrame, ages: list[Age]) -> str:
    """The finding: what the tags keep that were asked for; of tags of any age, how old those are that keep half."""
    least = float(table.attrs.get("older_than", 0.0))
    unknown = int(table.attrs.get("unknown_tags", 0))
    if not ages:
        if unknown:
            return f"Of {count_noun(unknown, 'tag')} no age is known"
        return f"No tag is older than {_length(least)}" if least else "There is no tag"
    kept = int(table.attrs.get("stale_bytes", sum(age.bytes for age in ages)))
    tags, whole = count_noun(len(table), "tag"), format_bytes(kept)
    if least:
        alone = "that no other tag reaches" if kept else "that other tags do not reach too"
        keep = "keeps" if len(table) == 1 else "keep"
        return f"{tags} that nobody pushed for {_length(least)} {keep} {whole if kept else 'nothing'} {alone}"
    alone_bytes = sum(age.bytes for age in ages)
    if not alone_bytes:
        return f"{tags}, and none keeps bytes that no other reaches"
    older = 0
    for age in reversed(ages):
        older += age.bytes
        if 2 * older >= alone_bytes:
            share = percent(older, alone_bytes) if older < alone_bytes else "all"
            who = (
                f"tags of {_length(age.low)} and more" if age.low else f"tags under {_length(age.high)} and older ones"
            )
            return f"Of the {format_bytes(alone_bytes)} that one tag alone keeps, {share} is kept by {who}"
    raise AssertionError  # the oldest half of a sum is reached by the last


def stale_tags(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    r"""How old the tags are that nobody pushes any more, and what they keep.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.stale_tags` gives it; with ``older_than="0d"`` it has the tags of any age.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import stale_tags as answer
    >>> axes = stale_tags(answer(rv.read("data/world-v1.tar.gz")))
    >>> axes.get_title(loc="left").replace("\n", " ")
    '11 tags that nobody pushed for 90 days keep 151 KiB that no other tag reaches'
    """
    return paint(lambda width, height: describe_stale_tags(table, width=width, height=height), ax)
