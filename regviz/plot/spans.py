"""What a registry's past is when it is drawn: spans of time that have room, and what they find."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.plot.labels import percent
from regviz.plot.sheet import PAPER
from regviz.plot.timeline import UNITS, count_between, floor, following, name_of, parse_period
from regviz.text import format_bytes

if TYPE_CHECKING:
    import pandas as pd

_NARROWEST = 3.5
FEWEST = 6
"""Periods that an axis has at least: one bar is no wall."""
VERBS: dict[tuple[str, ...], str] = {("pushed",): "Pushes", ("created",): "Images made"}


@dataclass(frozen=True, slots=True)
class Span:
    """A period as it is drawn: some of the table's, where these would be too narrow.

    Attributes
    ----------
    name : str
        ``2024-05``, ``2024-Q2``; empty for what has no known time.
    start : datetime.date or None
    blobs, added, total : int
        Blobs and bytes that came, and bytes of all that came up to its end.
    tags, exclusive, cost, kept : int
        Tags last pushed; bytes that only one row of the table reaches; their fair share; that of all up to here.
    """

    name: str
    start: dt.date | None
    blobs: int
    added: int
    total: int
    tags: int
    exclusive: int
    cost: int
    kept: int


@dataclass(frozen=True, slots=True)
class Past:
    """The spans of a table, the oldest first, and what is common to all.

    Attributes
    ----------
    spans : tuple of Span
    unit : str
        How long each is.
    grain : str
        How long the table's periods are.
    bases : tuple of str
        What times rest on.
    stored, tagged : int
        Bytes.
    """

    spans: tuple[Span, ...]
    unit: str
    grain: str
    bases: tuple[str, ...]
    stored: int
    tagged: int

    @property
    def dated(self) -> tuple[Span, ...]:
        """Those of a known time."""
        return tuple(span for span in self.spans if span.start)

    @property
    def ends(self) -> tuple[dt.date, dt.date]:
        """The first days of the first and of the last of these."""
        days = [span.start for span in self.spans if span.start]
        return days[0], days[-1]


def past_of(table: pd.DataFrame, width: float = PAPER) -> Past:
    """The spans that have room in a width: years, if need be, of what the table tells by days."""
    grain = str(table.attrs.get("grain", "month"))
    known = table[table["period"].notna()]
    days = [parse_period(name) for name in known["period"].tolist()]
    unit = grain if grain in UNITS else "month"
    if days:
        most = max(FEWEST, int(width / _NARROWEST))
        fit_in = (each for each in UNITS[UNITS.index(unit) :] if count_between(days[0], days[-1], each) <= most)
        unit = next(fit_in, UNITS[-1])
    # A week belongs to the month of its Thursday, as to its year in ISO's calendar.
    moved = [day + dt.timedelta(days=3) if grain == "week" and unit != "week" else day for day in days]
    starts: list[dt.date | None] = [floor(day, unit) for day in moved]
    starts += [None] * (len(table) - len(known))
    names = ["blobs", "added_bytes", "tags", "exclusive_bytes", "amortised_bytes"]
    rows = table[names].astype("int64").to_numpy().tolist()
    sums: dict[dt.date | None, list[int]] = {}
    for start, row in zip(starts, rows, strict=True):
        sums[start] = [one + other for one, other in zip(sums.get(start, [0] * len(names)), row, strict=True)]
    spans, total, kept = [], 0, 0
    for start, (blobs, added, tags, exclusive, cost) in sums.items():
        total, kept = total + added, kept + cost
        name = name_of(start, unit) if start else ""
        spans.append(Span(name, start, blobs, added, total, tags, exclusive, cost, kept))
    bases = tuple(sorted({str(basis) for basis in table["basis"].dropna()}, reverse=True))
    return Past(tuple(spans), unit, grain, bases, total, kept)


def finding(past: Past) -> tuple[str, dt.date | None]:
    """What pushes before some day still cost, and that day; the day that says most."""
    whole, dated = format_bytes(past.stored), past.dated
    if not past.spans:
        return "There is no blob", None
    if not past.stored:
        return "Nothing has a byte that is stored here", None
    if not dated:
        return f"Nothing tells when the {whole} came that are stored", None
    if len(dated) == 1:
        made = "come with images made" if past.bases == ("created",) else "came"
        of = f"All {whole}" if len(past.spans) == 1 else f"{format_bytes(dated[0].added)} of {whole}"
        return f"{of} {made} in {dated[0].name}", None
    first, last = past.ends
    end = following(last, past.unit)
    if not any(span.cost for span in dated):
        half = next(span for span in dated if 2 * span.total >= dated[-1].total)
        return f"Half of the {whole} had come by {half.name}; no tag of a known time reaches any of it", None
    best, cut, before = 0.0, None, 0
    for day in _cuts(first, last, past.unit):
        cost = max((span.kept for span in dated if span.start and span.start < day), default=0)
        weight = cost * ((end - day) / (end - first))
        if weight > best:
            best, cut, before = weight, day, cost
    if cut is None:  # all that is paid for came in the last period
        return f"The pushes of {dated[-1].name} cost {format_bytes(past.tagged)} of the {whole} stored", None
    who = VERBS.get(past.bases, "What was pushed or made")
    share = percent(before, past.stored)
    return f"{who} before {cut_name(cut, past.unit)} still cost {format_bytes(before)}, {share} of what is stored", cut


def _cuts(first: dt.date, last: dt.date, unit: str) -> list[dt.date]:
    """Days at which old and new may be divided: of years, if there are several; else of months; else of periods."""
    of_weeks = unit == "week"
    for each in ("year", "month", unit):
        if UNITS.index(each) >= UNITS.index(unit) and floor(first, each) < floor(last, each):
            break
    day, found = floor(first, each), []
    while (day := following(day, each)) <= last:
        found.append(floor(day, unit) if of_weeks else day)
    return found


def cut_name(cut: dt.date, unit: str) -> str:
    """A day as the coarsest period that begins with it.

    Examples
    --------
    >>> [cut_name(dt.date(2024, month, 1), "month") for month in (1, 5)], cut_name(dt.date(2024, 4, 1), "week")
    (['2024', '2024-05'], '2024-04-01')
    """
    if unit != "week":
        for each in ("year", unit if unit != "day" else "month"):
            if floor(cut, each) == cut:
                return name_of(cut, each)
    return name_of(cut, "day")


def explained(past: Past) -> str:
    """What times rest on, and what the bars leave out."""
    bases: dict[tuple[str, ...], str] = {
        ("pushed",): "Times are the storage's own: when blobs came and tags were last pushed.",
        ("created",): "Times are when images were made, as they say; they may have been pushed much later.",
    }
    basis = bases.get(past.bases, "Times are the storage's own; where it has none, when images were made, as they say.")
    said = [basis, "What was deleted since is in no bar."]
    if past.unit != past.grain:
        said.append(f"The span is long, so each bar has the {past.grain}s of a {past.unit}.")
    unknown = sum(span.added for span in past.spans if not span.start)
    if unknown:
        said.append(f"Of {format_bytes(unknown)} no time is known.")
    return " ".join(said)
