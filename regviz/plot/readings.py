"""A registry read several times: what lay there each time, what came and went, and when its disk is full."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.plot.canvas import TEXT_LINE, Text
from regviz.plot.labels import byte_ticks, fit, format_tick
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, MUTED, RULE, SEVERAL, STATES
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, shares, spans_free, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.plot.timeline import TimeAxis
from regviz.text import count_noun, format_bytes, format_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_GROWN, _CHANGED = 170.0, 74.0
_LEAST = 30.0
_NOTE = 13.0
_BAND = 16.0
_TICKS = 16.0
_POINT = 6.0
_SAID = 9
_BAR = 9.0
_FARTHEST = 4
"""How many times as long as what was seen the future is that is drawn."""
_DAY = dt.timedelta(days=1)


def describe_growth(
    table: pd.DataFrame,
    forecast: pd.DataFrame | None = None,
    *,
    width: float = PAPER,
    height: float | None = None,
) -> Sheet:
    """Where everything lies in the picture that :func:`growth` draws.

    Its series are ``stored`` and ``tagged``, a point for each reading, and ``new`` and ``gone``, bars of what came and
    went since the one before.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.growth` gives it, by reading.
    forecast : pandas.DataFrame, optional
        As :func:`regviz.analysis.forecast` gives it for the same readings.
    width, height : float
        Points; left out, as high as it needs.
    """
    if "at" not in table:
        grain = table.attrs.get("grain", table.columns[0])
        raise RegvizError(f"growth is drawn by reading, and this is by {grain}: give rv.growth(readings)")
    return _Layout(table, forecast, width, height).sheet()


class _Layout:
    def __init__(self, table: pd.DataFrame, forecast: pd.DataFrame | None, width: float, height: float | None) -> None:
        self.width = width
        self.table = table.sort_values("at", kind="stable").reset_index(drop=True)
        self.at = [moment.to_pydatetime() for moment in self.table["at"]]
        self.stored = [int(each) for each in self.table["stored_bytes"]]
        self.tagged = [int(each) for each in self.table["tagged_bytes"]]
        self.came = [int(each) for each in self.table["new_bytes"].fillna(0)]
        self.went = [int(each) for each in self.table["gone_bytes"].fillna(0)]
        self.disk = int(forecast.attrs["disk_bytes"]) if forecast is not None else None
        self.lines = _lines(forecast)
        meanings = [(SEVERAL, "bytes that lie there"), (STATES["tagged"], "of them: what tags reach")]
        self.boxes, self.texts, top = key(meanings, width)
        self.top = top + _NOTE + 2
        self.changed_words = [(SEVERAL, "came since the reading before"), (STATES["absent"], "went")]
        _, _, below = key(self.changed_words, width)
        fixed = self.top + _BAND + TEXT_LINE + below + 3 + _NOTE + _TICKS
        self.grown, self.changed = _GROWN, _CHANGED
        if height is not None:
            free = max(2 * _LEAST, height - fixed)
            self.grown, self.changed = free * 0.7, free * 0.3
        self.base = self.top + self.grown
        self.most = max(1, *self.stored, self.disk or 0)
        self._horizontal()

    def _horizontal(self) -> None:
        first, last = self.at[0], self.at[-1]
        self.seen = last
        ahead = [full for _, full in self.lines if full]
        if ahead:
            last = min(max(ahead), last + _FARTHEST * max(last - first, _DAY))
        rest = (last - first) * 0.02
        left = max(wide(format_tick(tick), SMALL_SIZE) for tick in byte_ticks(self.most, 5)) + 6
        ends = [f"{format_bytes(self.stored[-1])} stored", f"{format_bytes(self.tagged[-1])} in tags"]
        right = max(wide(words, TEXT_SIZE) for words in ends) + 8
        self.axis = TimeAxis(first - rest, last + rest, left, max(1.0, self.width - left - right))
        self.end = last

    def _y(self, count: float) -> float:
        return self.base - count / self.most * self.grown

    def sheet(self) -> Sheet:
        """The whole picture."""
        left, right = self.axis.left, self.axis.left + self.axis.width
        under = []
        for tick in byte_ticks(self.most, 5):
            under.append(Stroke(((left, self._y(tick)), (right, self._y(tick))), RULE, 0.6))
            self.texts.append(Text(left - 5, self._y(tick), format_tick(tick), SMALL_SIZE, MUTED, "right"))
        xs = [self.axis.x(moment) for moment in self.at]
        boxes: dict[str, list[Rect]] = {}
        for name, values, colour in (("stored", self.stored, SEVERAL), ("tagged", self.tagged, STATES["tagged"])):
            points = [(x, self._y(value)) for x, value in zip(xs, values, strict=True)]
            under.append(Stroke(tuple(points), colour, 1.8))
            boxes[name] = [Rect(x - _POINT / 2, y - _POINT / 2, _POINT, _POINT, colour) for x, y in points]
        over = self._ahead()
        self._values(xs)
        changes, bottom = self._changes(xs, under)
        boxes |= changes
        for x, words in self.axis.ticks():
            half = wide(words, SMALL_SIZE) / 2
            under.append(Stroke(((x, bottom), (x, bottom + 3)), RULE))
            self.texts.append(
                Text(min(max(x, half), self.width - half), bottom + 10, words, SMALL_SIZE, MUTED, "center")
            )
        marks = {
            "stored": self._told(range(len(xs))),
            "tagged": self._told(range(len(xs))),
            "new": self._told([place for place, count in enumerate(self.came) if count]),
            "gone": self._told([place for place, count in enumerate(self.went) if count]),
        }
        title, explanation = self._title(), self._explanation()
        said = "; ".join(f"{format_date(at)} {format_bytes(b)}" for at, b in zip(self.at, self.stored, strict=True))
        return Sheet(
            title,
            explanation,
            f"Lines through {count_noun(len(xs), 'reading')}, and bars of what came and went. {said}. {explanation}",
            self.width,
            bottom + _TICKS,
            shares(boxes, marks),
            tuple(self.boxes),
            tuple(under),
            tuple(over),
            tuple(self.texts),
        )

    def _values(self, xs: Sequence[float]) -> None:
        """Bytes at the readings where there is room, and what the lines are at their ends."""
        x = xs[-1] + _POINT / 2 + 4
        high, low = self._y(self.stored[-1]), self._y(self.tagged[-1])
        if self.tagged[-1] != self.stored[-1]:
            self.texts.append(
                Text(x, max(low, high + 13), f"{format_bytes(self.tagged[-1])} in tags", TEXT_SIZE, MUTED)
            )
        words = f"{format_bytes(self.stored[-1])} stored"
        taken = [(xs[-1] - 4, self.width)]
        if any(full and full > self.seen for _, full in self.lines):  # those lines begin where it would stand
            x = max(xs[-1] + 3, wide(words, TEXT_SIZE))
            taken = [(x - wide(words, TEXT_SIZE), self.width)]
            self.texts.append(Text(x, high - 10, words, TEXT_SIZE, INK, "right"))
        else:
            self.texts.append(Text(x, high, words, TEXT_SIZE, INK))
        for place in range(len(xs) - 1):
            words = format_bytes(self.stored[place])
            half = wide(words, SMALL_SIZE) / 2
            middle = max(xs[place], self.axis.left + half)
            near = [self.stored[place], *(s for s, at in zip(self.stored, xs, strict=True) if abs(at - middle) < half)]
            room = len(taken) <= _SAID and spans_free(taken, middle - half, middle + half)
            if room and max(near) == self.stored[place]:
                taken.append((middle - half, middle + half))
                self.texts.append(Text(middle, self._y(max(near)) - 9, words, SMALL_SIZE, MUTED, "center"))

    def _ahead(self) -> list[Stroke]:
        """The size of the disk, and the lines that lead to it."""
        if self.disk is None:
            return []
        y, left, right = self._y(self.disk), self.axis.left, self.axis.left + self.axis.width
        words = fit(f"disk: {format_bytes(self.disk)}", (right - left) / 1.1, TEXT_SIZE)
        self.texts.append(Text(left + 3, y - 8, words, SMALL_SIZE))
        found = [Stroke(((left, y), (right, y)), INK, 0.9)]
        start = (self.axis.x(self.seen), self._y(self.stored[-1]))
        for place, (_, full) in enumerate(self.lines):
            if full and full > self.seen:
                share = min(1.0, (self.end - self.seen) / (full - self.seen))
                reached = self.stored[-1] + (self.disk - self.stored[-1]) * share
                end = (self.axis.x(min(full, self.end)), self._y(reached))
                found.append(Stroke((start, end), INK if not place else MUTED, 1.4 if not place else 0.8, dashed=True))
        return found

    def _changes(self, xs: Sequence[float], under: list[Stroke]) -> tuple[dict[str, list[Rect]], float]:
        """Bars of what came, upwards, and of what went, downwards; and where they end."""
        y = self.base + _BAND
        self.texts.append(Text(0, y + TEXT_LINE / 2, "What came and what went", bold=True))
        boxes, texts, y = key(self.changed_words, self.width, y + TEXT_LINE + 3, hollow=STATES["absent"])
        self.boxes += boxes
        self.texts += texts
        largest, deepest = max(self.came), max(self.went)
        unit = self.changed / max(1, largest + deepest)
        zero = y + _NOTE + largest * unit
        under.append(Stroke(((self.axis.left, zero), (self.axis.left + self.axis.width, zero)), RULE))
        new, gone = [], []
        taken: list[tuple[float, float]] = []
        for place, x in enumerate(xs):
            came, went = self.came[place], self.went[place]
            if came:
                new.append(Rect(x - _BAR / 2, zero - came * unit, _BAR, max(0.8, came * unit), SEVERAL))
            if went:
                gone.append(Rect(x - _BAR / 2, zero, _BAR, max(0.8, went * unit), STATES["absent"], hollow=True))
            said = [f"+{format_bytes(came)}"] * bool(came) + [f"\N{MINUS SIGN}{format_bytes(went)}"] * bool(went)
            words = ", ".join(said)
            half = wide(words, SMALL_SIZE) / 2
            middle = min(max(x, self.axis.left + half), self.width - half)
            if said and spans_free(taken, middle - half, middle + half):
                taken.append((middle - half, middle + half))
                near = [c for c, at in zip(self.came, xs, strict=True) if abs(at - middle) < half + _BAR]
                self.texts.append(Text(middle, zero - max(near) * unit - 7, words, SMALL_SIZE, MUTED, "center"))
        return {"new": new, "gone": gone}, zero + deepest * unit + 2

    def _told(self, places: Sequence[int]) -> list[Mark]:
        found = []
        for place in places:
            row: Any = self.table.iloc[place]
            label = (
                f"{self.at[place]:%Y-%m-%d %H:%M} UTC: {row['source']}\n{self.stored[place]:,} bytes in "
                f"{count_noun(int(row['blobs']), 'blob')}; tags reach {self.tagged[place]:,}"
            )
            if place:
                label += f"\n{self.came[place]:,} bytes came since the reading before, {self.went[place]:,} went"
            found.append(Mark(label, words=(str(row["source"]),)))
        return found

    def _title(self) -> str:
        first, last = self.stored[0], self.stored[-1]
        time = _time(self.at[-1] - self.at[0])
        if first == last:
            said = f"{format_bytes(last)} lie there in the last reading as in the first, {time} before"
        else:
            said = (
                f"{'Grew' if last > first else 'Shrank'} from {format_bytes(first)} to {format_bytes(last)} in {time}"
            )
        if self.disk is None:
            return said
        disk = f"the disk of {format_bytes(self.disk)}"
        full = self.lines[0][1]
        if last >= self.disk:
            return f"{said}; {disk} is full"
        if full is None:
            return f"{said}; at this rate {disk} is never full"
        return f"{said}; at this rate {disk} is full on {format_date(full)}"

    def _explanation(self) -> str:
        stored = self.table.attrs.get("basis") == "stored"
        said = ["Times are when the last thing was stored in each reading." if stored else "Times are of the readings."]
        if self.disk is not None and self.lines[0][1]:
            said.append("Dashed: a straight line through the readings, to the day the disk is full.")
            if len(self.lines) > 1:
                said.append("Thin: the ends of its 95 % interval.")
            if any(full and full > self.end for _, full in self.lines):
                said.append("What lies beyond the edge is left out.")
        return " ".join(said)


def _lines(forecast: pd.DataFrame | None) -> list[tuple[str, dt.datetime | None]]:
    """The estimates and when the disk is full by each: the expected one, and of the others those that meet it."""
    if forecast is None:
        return []
    pairs = zip(forecast["estimate"], forecast["full_at"], forecast["full_at"].notna(), strict=True)
    found = [(str(name), full.to_pydatetime() if known else None) for name, full, known in pairs]
    return [found[0], *(each for each in found[1:] if each[1])]


def _time(length: dt.timedelta) -> str:
    days = length / _DAY
    if days >= 730:
        return f"{days / 365.25:.0f} years"
    if days >= 1:
        return count_noun(round(days), "day")
    minutes = length / dt.timedelta(minutes=1)
    if minutes >= 90:
        return f"{minutes / 60:.0f} hours"
    return count_noun(round(minutes), "minute") if minutes >= 1 else "under a minute"


def growth(table: pd.DataFrame, *, forecast: pd.DataFrame | None = None, ax: Axes | None = None) -> Axes:
    """How a registry grew from reading to reading, and when its disk will be full.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.growth` gives it, by reading.
    forecast : pandas.DataFrame, optional
        As :func:`regviz.analysis.forecast` gives it for the same readings.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Raises
    ------
    RegvizError
        The table has rows for something else than readings.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import growth as answer
    >>> old, new = (rv.read(f"data/world-{name}.tar.gz") for name in ("v1", "distribution"))
    >>> growth(answer([old, new])).get_title(loc="left")
    'Grew from 198 KiB to 429 KiB in 10 years'
    """
    return paint(lambda width, height: describe_growth(table, forecast, width=width, height=height), ax)
