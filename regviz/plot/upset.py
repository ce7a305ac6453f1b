"""Which exact sets of repositories own how many bytes, as an UpSet chart: where everything lies.

The form is Lex et al.'s, "UpSet: Visualization of Intersecting Sets", IEEE TVCG 20 (2014): a matrix of sets and their
members, with bars beside both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit_all, percent, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, MUTED, SHARED
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.plot.upright import short_count
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ROWS, COLUMNS = 20, 30
LEAST_ROW = 14.0
DOT = 4.0
_ROW, _COLUMN, _LEAST_COLUMN = 18.0, 48.0, 14.0
_NAME = 190.0
_TOTAL = 84.0
_HIGH = 110.0
_SAID = 12
_MANY_OWNERS = 50
_NOUNS = {"repository": "repositories"}


@dataclass(frozen=True, slots=True)
class OwnerSet:
    """A column: a set of owners; `others` counts those that have no row."""

    owners: tuple[str, ...]
    rows: tuple[int, ...]
    others: int
    blobs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Owner:
    """A row: what one reaches alone, and what it shares, in bytes."""

    name: str
    alone: int
    shared: int


@dataclass(frozen=True, slots=True)
class UpSet:
    """What :func:`regviz.plot.owner_sets` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    legend : tuple of (str, str)
        The colours of the bars, and what they mean; only what occurs.
    owners : tuple of Owner
        The rows, what reaches most first.
    sets : tuple of OwnerSet
        The columns, the largest first.
    across, down : tuple of float
        Where the middle of each column, and of each row, lies; a last row counts the owners without one.
    bar : float
        How wide the bars of the columns are.
    foot, rise : float
        Where these bars stand, and how high the first one is.
    left, reach : float
        Where the bars of the rows begin, and how long the longest is.
    texts, upright : tuple of Text
        Texts, and those that read from below.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float = 0.0
    legend: tuple[tuple[str, str], ...] = ()
    owners: tuple[Owner, ...] = ()
    sets: tuple[OwnerSet, ...] = ()
    across: tuple[float, ...] = ()
    down: tuple[float, ...] = ()
    bar: float = 0.0
    foot: float = 0.0
    rise: float = 0.0
    left: float = 0.0
    reach: float = 0.0
    texts: tuple[Text, ...] = ()
    upright: tuple[Text, ...] = ()


def describe_owner_sets(table: pd.DataFrame, *, width: float = 720.0, rows: int = ROWS) -> UpSet:
    """Where everything lies in the picture that :func:`regviz.plot.owner_sets` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.owner_sets` gives it.
    width : float
        Points.
    rows : int
        How many there is room for; one is given up to count the others.
    """
    grain = str(table.attrs.get("grain", "repository"))
    nouns = grain, _NOUNS.get(grain, f"{grain}s")
    found = [
        (tuple(owners), int(blobs), int(size))
        for owners, blobs, size in zip(table["owners"], table["blobs"].tolist(), table["bytes"].tolist(), strict=True)
    ]
    title = _title(found, grain)
    is_of_one = len(found) == 1 and len(found[0][0]) == 1  # which the title has said
    if is_of_one or not any(size for *_, size in found):
        return UpSet(title, "", title, width)
    return _Layout(found, nouns, width, rows).upset(title)


def _title(found: Sequence[tuple[tuple[str, ...], int, int]], one: str) -> str:
    """The finding: how much one alone owns, and the largest set of several."""
    total = sum(size for *_, size in found)
    if not total:
        return f"No {one} reaches any bytes"
    alone = sum(size for owners, _, size in found if len(owners) == 1)
    said = format_bytes(total)
    if len({owner for owners, *_ in found for owner in owners}) == 1:
        return f"All {said} belong to one {one}"
    if alone == total:
        return f"All {said} belong to one {one} each: nothing is shared"
    owners, _, size = max((each for each in found if len(each[0]) > 1), key=lambda each: each[2])
    largest = f"the largest shared set, {format_bytes(size)}, has {len(owners):,} owners"
    if not alone:
        return f"All {said} are shared; {largest}"
    share = percent(alone, total)
    return f"{share[0].upper()}{share[1:]} of the {said} belong to one {one} each; {largest}"


class _Layout:
    def __init__(
        self, found: Sequence[tuple[tuple[str, ...], int, int]], nouns: tuple[str, str], width: float, rows: int
    ) -> None:
        self.found, self.width = found, width
        self.one, self.many = nouns
        alone: dict[str, int] = defaultdict(int)
        reached: dict[str, int] = defaultdict(int)
        for owners, _, size in found:
            for owner in owners:
                reached[owner] += size
            if len(owners) == 1:
                alone[owners[0]] += size
        order = sorted(reached, key=lambda name: (-reached[name], name))
        self.count = len(order)
        shown = order if len(order) <= rows else order[: max(1, rows - 1)]
        self.owners = [Owner(name, alone[name], reached[name] - alone[name]) for name in shown]
        self.place = {name: at for at, name in enumerate(shown)}
        short = short_digest if self.one in ("manifest", "layer") else str
        self.labels = fit_all([drawable(short(name)) for name in shown], min(_NAME, width / 3.5), TEXT_SIZE)
        self.totals = [format_bytes(owner.alone + owner.shared) for owner in self.owners]
        self.left = max(text_width(label, TEXT_SIZE) for label in [*self.labels, self._others()]) + 8
        self.reach = min(_TOTAL, width / 8)
        values = max(text_width(text, SMALL_SIZE) for text in self.totals) + 8
        self.matrix = self.left + self.reach + values + 8
        self.sets = self._columns(width - self.matrix)
        self.step = min(_COLUMN, (width - self.matrix) / len(self.sets))

    def _others(self) -> str:
        rest = self.count - len(self.place)
        return count_noun(rest, "other", "others") if rest else ""

    def _columns(self, room: float) -> list[OwnerSet]:
        """As many sets with a row as there is room for."""
        made: list[OwnerSet] = []
        widest = 0.0
        for owners, blobs, size in sorted(self.found, key=lambda each: -each[2]):
            rows = tuple(sorted(self.place[owner] for owner in owners if owner in self.place))
            if not rows or not size:
                continue
            others = len(owners) - len(rows)
            widest = max(widest, text_width(f"{others:,}" if others else "", SMALL_SIZE) + 5)
            if len(made) == COLUMNS or (made and (len(made) + 1) * max(_LEAST_COLUMN, widest) > room):
                break
            made.append(OwnerSet(owners, rows, others, blobs, size))
        return made

    def upset(self, title: str) -> UpSet:
        """The whole picture."""
        values = [format_bytes(each.bytes) for each in self.sets]
        wide = max(text_width(value, SMALL_SIZE) for value in values)
        lies = wide + 6 <= self.step
        above = SMALL_SIZE + 6 if lies else wide + 6
        foot = above + _HIGH
        across = tuple(self.matrix + (at + 0.5) * self.step for at in range(len(self.sets)))
        has_others = any(each.others for each in self.sets)
        slot = _ROW if len(self.owners) <= 12 else LEAST_ROW + 1
        down = tuple(foot + 14 + (at + 0.5) * slot for at in range(len(self.owners) + has_others))
        largest = self.sets[0].bytes
        ends = [foot - _HIGH * each.bytes / largest - 3 for each in self.sets]
        bars = [
            Text(x, end, value, SMALL_SIZE, MUTED, "center", "bottom" if not lies else "baseline")
            for x, end, value in zip(across, ends, values, strict=True)
        ]
        texts = [] if not lies else bars
        longest = max(owner.alone + owner.shared for owner in self.owners)
        for owner, label, total, y in zip(self.owners, self.labels, self.totals, down, strict=False):
            texts.append(Text(self.left - 8, y, label, anchor="right"))
            end = self.left + self.reach * (owner.alone + owner.shared) / longest
            texts.append(Text(end + 4, y, total, SMALL_SIZE, MUTED))
        if has_others:
            texts.append(Text(self.left - 8, down[-1], self._others(), colour=MUTED, anchor="right"))
            for each, x in zip(self.sets, across, strict=True):
                if each.others:
                    label = short_count(each.others, self.step - 2)
                    texts.append(Text(x, down[-1], label, SMALL_SIZE, MUTED, "center"))
        left_out = self._left_out()
        explanation = (
            f"A column is a set of {self.many}, its dots who they are; the bar over it has the bytes that exactly "
            f"these reach. The bars at the left have all bytes of a {self.one}. {left_out}"
        )
        legend = ((EXCLUSIVE, f"of one {self.one} alone"), (SHARED, "of several"))
        occurs = {
            EXCLUSIVE: any(owner.alone for owner in self.owners),
            SHARED: any(owner.shared for owner in self.owners),
        }
        return UpSet(
            title,
            explanation.strip(),
            self._description(left_out),
            self.width,
            down[-1] + slot / 2,
            tuple((colour, words) for colour, words in legend if occurs[colour]),
            tuple(self.owners),
            tuple(self.sets),
            across,
            down,
            min(self.step * 0.72, 26.0),
            foot,
            _HIGH,
            self.left,
            self.reach,
            tuple(texts),
            () if lies else tuple(bars),
        )

    def _left_out(self) -> str:
        rest = len(self.found) - len(self.sets)
        if not rest:
            return ""
        held = sum(size for *_, size in self.found) - sum(each.bytes for each in self.sets)
        total = sum(size for *_, size in self.found)
        hidden = self.count - len(self.owners)
        others = f", and {count_noun(hidden, self.one, self.many)} without a row" if hidden else ""
        share = f" with {format_bytes(held)}, {percent(held, total)} of all" if held else " without bytes"
        return f"Left out: {count_noun(rest, 'other set', 'other sets')}{share}{others}."

    def _description(self, left_out: str) -> str:
        said = "; ".join(f"{format_bytes(each.bytes)} of {_listed(each.owners, 4)}" for each in self.sets[:5])
        sets, owners = count_noun(len(self.sets), "set"), count_noun(len(self.owners), self.one, self.many)
        return f"{sets} of {owners}, by their bytes. {drawable(said)}. {left_out}".strip()


def _listed(owners: Sequence[str], most: int = _SAID) -> str:
    """Names, the first ones at least."""
    rest = len(owners) - most
    more = f" and {count_noun(rest, 'other', 'others')}" if rest > 0 else ""
    return ", ".join(owners[:most]) + more


def marks_of(told: UpSet, grain: str) -> dict[str, list[Mark]]:
    """What the marks stand for: columns, rows, what of these one has alone, and the dots in their order."""
    names = [owner.name for owner in told.owners]

    def owned_by(owners: Sequence[str]) -> tuple[str, ...]:
        if grain not in ("repository", "tag"):
            return ()
        few = owners if len(owners) <= _MANY_OWNERS else [owner for owner in owners if owner in names]
        return tuple(dict.fromkeys(owner.rpartition(":")[0] if grain == "tag" else owner for owner in few))

    sets, dots = [], []
    for at, each in enumerate(told.sets):
        exact = f"{each.bytes:,} bytes in {count_noun(each.blobs, 'blob')}"
        whose = "alone" if len(each.owners) == 1 else f"of exactly these {len(each.owners):,}"
        sets.append(Mark(f"{exact}, {whose}: {_listed(each.owners)}", owned_by(each.owners)))
        for row in each.rows:
            also = len(each.owners) - 1
            beside = f", with {count_noun(also, 'other', 'others')}" if also else ", alone"
            below = (("sets", at), ("owners", row))
            dots.append(Mark(f"{names[row]}\n{exact}{beside}", owned_by([names[row]]), below=below))
    owners = [
        Mark(
            f"{owner.name}\n{owner.alone + owner.shared:,} bytes, {owner.alone:,} of them alone",
            owned_by([owner.name]),
        )
        for owner in told.owners
    ]
    return {"sets": sets, "owners": owners, "dots": dots}
