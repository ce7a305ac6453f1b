"""A time axis: calendar periods, where a time lies, and ticks a person reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from regviz.plot.canvas import Text
from regviz.plot.labels import text_width
from regviz.plot.palette import MUTED
from regviz.plot.style import SMALL_SIZE

UNITS = ("day", "week", "month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = (1, 10, 60, 600, 3_600, 6 * 3_600)
"""Seconds between ticks where all lies within some days."""
_LONG = (("day", 1), ("week", 1), ("month", 1), ("quarter", 1), ("year", 1), ("year", 2), ("year", 5), ("year", 20))
_APART = 14.0
_DAY = dt.timedelta(days=1)


def parse_period(name: str) -> dt.date:
    """The first day of a period as :func:`regviz.analysis.history` names it.

    Examples
    --------
    >>> [str(parse_period(name)) for name in ("2024", "2024-05", "2024-W18", "2024-05-13")]
    ['2024-01-01', '2024-05-01', '2024-04-29', '2024-05-13']
    """
    if "W" in name:
        return dt.date.fromisoformat(f"{name}-1")
    return dt.date.fromisoformat(name + "-01-01"[: 10 - len(name)] if len(name) == 4 else f"{name}-01"[:10])


def floor(day: dt.date, unit: str) -> dt.date:
    """The first day of the period that a day lies in.

    Examples
    --------
    >>> [str(floor(dt.date(2024, 5, 15), unit)) for unit in UNITS]
    ['2024-05-15', '2024-05-13', '2024-05-01', '2024-04-01', '2024-01-01']
    """
    if unit == "day":
        return day
    if unit == "week":
        return day - day.weekday() * _DAY
    months = _MONTHS[unit]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def following(day: dt.date, unit: str, count: int = 1) -> dt.date:
    """The first day of the period so many later than the one that begins on a day.

    Examples
    --------
    >>> str(following(dt.date(2024, 10, 1), "quarter")), str(following(dt.date(2024, 12, 30), "week"))
    ('2025-01-01', '2025-01-06')
    """
    if unit in _MONTHS:
        months = day.year * 12 + day.month - 1 + count * _MONTHS[unit]
        return dt.date(months // 12, months % 12 + 1, 1)
    return day + count * (7 if unit == "week" else 1) * _DAY


def name_of(day: dt.date, unit: str) -> str:
    """A period by its first day.

    Examples
    --------
    >>> [name_of(dt.date(2024, 4, 1), unit) for unit in UNITS]
    ['2024-04-01', '2024-W14', '2024-04', '2024-Q2', '2024']
    """
    if unit == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return day.strftime({"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}[unit])


def count_between(first: dt.date, last: dt.date, unit: str) -> int:
    """How many periods there are from that of one day to that of another, both counted.

    Examples
    --------
    >>> count_between(dt.date(2023, 12, 31), dt.date(2024, 2, 1), "month")
    3
    """
    if unit in _MONTHS:
        start, end = (day.year * 12 + day.month - 1 for day in (first, last))
        return end // _MONTHS[unit] - start // _MONTHS[unit] + 1
    return (floor(last, unit) - floor(first, unit)).days // (7 if unit == "week" else 1) + 1


def midnight(day: dt.date) -> dt.datetime:
    """When a day begins, in UTC."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From a time at `left` points to a later one `width` points to the right.

    Examples
    --------
    >>> axis = TimeAxis(dt.datetime(2014, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), 0, 300)
    >>> [text for _, text in axis.ticks()]
    ['2014', '2016', '2018', '2020', '2022', '2024']
    """

    first: dt.datetime
    last: dt.datetime
    left: float
    width: float

    def x(self, moment: dt.datetime) -> float:
        """Where a time lies."""
        return self.left + self.width * ((moment - self.first) / (self.last - self.first))

    def ticks(self) -> list[tuple[float, str]]:
        """Where ticks stand and what they say: the finest steps of the calendar whose words have room."""
        for unit, count in _LONG if self.last - self.first > 3 * _DAY else ():
            found = self._calendar(unit, count)
            if found and self._fit(found):
                return found
        for step in _SHORT if self.last - self.first <= 3 * _DAY else ():
            found = self._clock(step)
            if found and self._fit(found):
                return found
        return self._ends()

    def texts(self, y: float) -> list[Text]:
        """The words of the ticks, centred below them where the edge leaves room."""
        return [Text(x, y, words, SMALL_SIZE, MUTED, "center") for x, words in self.ticks()]

    def _calendar(self, unit: str, count: int) -> list[tuple[float, str]]:
        first = floor(self.first.date(), unit)
        day = first if unit != "year" else first.replace(year=first.year // count * count)
        steps = (self.last.date() - day).days // (365 * count if unit == "year" else 1)
        found: list[tuple[float, str]] = []
        if unit == "day" and steps > self.width / _APART:
            return found
        while midnight(day) <= self.last:
            if midnight(day) >= self.first:
                found.append((self.x(midnight(day)), name_of(day, "day" if unit in ("day", "week") else _named(unit))))
            day = following(day, unit, count)
        return found if len(found) > 1 else []

    def _clock(self, step: int) -> list[tuple[float, str]]:
        seconds = (self.last - self.first).total_seconds()
        if seconds / step > self.width / _APART:
            return []
        start = midnight(self.first.date())
        number = -int(-(self.first - start).total_seconds() // step)
        found = []
        while (moment := start + dt.timedelta(seconds=number * step)) <= self.last:
            found.append((self.x(moment), moment.strftime("%Y-%m-%d %H:%M:%S" if step < 60 else "%Y-%m-%d %H:%M")))
            number += 1
        return found if len(found) > 1 else []

    def _ends(self) -> list[tuple[float, str]]:
        """The two ends by themselves, or the later one alone."""
        last = (self.left + self.width, self.last.strftime("%Y-%m-%d"))
        first = (self.left, self.first.strftime("%Y-%m-%d"))
        return [first, last] if first[1] != last[1] and self._fit([first, last]) else [last]

    @staticmethod
    def _fit(found: list[tuple[float, str]]) -> bool:
        widest = max(text_width(words, SMALL_SIZE) for _, words in found)
        return all(later[0] - one[0] >= widest + _APART for one, later in pairwise(found))


def _named(unit: str) -> str:
    return "month" if unit == "quarter" else unit
