"""Growth over time: what came when, and what the pushes of each period still cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plot.canvas import TEXT_LINE, Text
from regviz.plot.labels import byte_ticks, fit, format_tick
from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, OTHERS, RULE, SHARED, STATES
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, said_alone, shares, spans_free, wide
from regviz.plot.spans import FEWEST, VERBS, Past, Span, cut_name, explained, finding, past_of
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.plot.timeline import TimeAxis, count_between, following, midnight
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_GROWN, _COST = 150.0, 96.0
_LEAST = 40.0
_BAND = 18.0
_TICKS = 16.0
_WIDEST = 46.0
_UNKNOWN = 30.0
_THIN = 0.8
_NOTE = 12.0
_SAID = 8


def describe_history(table: pd.DataFrame, *, width: float = PAPER, height: float | None = None) -> Sheet:
    """Where everything lies in the picture that :func:`history` draws.

    Its series are ``stored``, all that lay there by then; ``kept``, of that what tags pushed by then still reach;
    ``exclusive`` and ``shared``, what the pushes of each period cost.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.history` gives it.
    width, height : float
        Points; left out, as high as it needs.
    """
    past = past_of(table, width)
    title, cut = finding(past)
    if not past.dated or not past.stored:
        return said_alone(title, width)
    return _Layout(past, cut, width, height).sheet(title)


class _Layout:
    def __init__(self, past: Past, cut: dt.date | None, width: float, height: float | None) -> None:
        self.past, self.cut, self.width = past, cut, width
        self.costs = past.tagged > 0
        meanings = [(OTHERS, "all that lies there today and had come by then")]
        if self.costs:
            meanings += [(STATES["tagged"], "of it: what the tags last pushed by then still cost")]
        self.boxes, self.texts, top = key(meanings, width)
        self.top = top + 4
        several = [(EXCLUSIVE, f"what the pushes of one {past.grain} alone reach")]
        if past.tagged > sum(span.exclusive for span in past.spans):
            several += [(SHARED, f"their share of what those of several {past.grain}s reach")]
        between = _BAND + 4 + (self._put_key(several, 0.0, draw=False) if self.costs else 0)
        below = between + _TICKS
        self.grown, self.cost = _GROWN, _COST
        if height is not None:
            free = max(2 * _LEAST, height - self.top - _NOTE - below - _BAND)
            self.grown, self.cost = free * 0.6, free * 0.4
        self.grown_base = self.top + _NOTE + self.grown
        self.base = self.grown_base
        if self.costs:
            band = self.grown_base + _BAND
            word = VERBS.get(past.bases, "Pushes").lower() if past.bases != ("created",) else "images"
            words = f"What the {word} of each {past.unit} still cost"
            self.texts.append(Text(0, band + TEXT_LINE / 2, fit(words, width / 1.1, TEXT_SIZE, bold=True), bold=True))
            band = self._put_key(several, band + TEXT_LINE + 3, draw=True)
            self.base = band + _NOTE + self.cost
        self.height = self.base + _TICKS
        self._horizontal()

    def _put_key(self, meanings: Sequence[tuple[str, str]], y: float, *, draw: bool) -> float:
        boxes, texts, bottom = key(meanings, self.width, y)
        if draw:
            self.boxes += boxes
            self.texts += texts
        return bottom

    def _horizontal(self) -> None:
        """The axis: as long as the spans, and never so short that one bar is a wall."""
        past = self.past
        self.largest = max(max(span.total, span.kept) for span in past.spans)
        self.dearest = max(1, *(span.cost for span in past.spans))
        ticks = [format_tick(tick) for each in (self.largest, self.dearest) for tick in byte_ticks(each, 5)]
        left = max(wide(tick, SMALL_SIZE) for tick in ticks) + 6
        self.ends = _ends(past)
        right = max(wide(words, TEXT_SIZE) for words, _, _ in self.ends) + 6
        self.unknown = next((span for span in past.spans if not span.start), None)
        right += _UNKNOWN + 12 if self.unknown else 0
        first, last = past.ends
        slots = count_between(first, last, past.unit)
        spare = max(0, FEWEST - slots) // 2
        first, last = following(first, past.unit, -spare), following(last, past.unit, 1 + spare)
        self.axis = TimeAxis(midnight(first), midnight(last), left, max(1.0, self.width - left - right))

    def sheet(self, title: str) -> Sheet:
        """The whole picture."""
        past = self.past
        boxes: dict[str, list[Rect]] = {"stored": [], "kept": [], "exclusive": [], "shared": []}
        marks: dict[str, list[Mark]] = {name: [] for name in boxes}
        dated = past.dated
        for place, span in enumerate(past.spans):
            left, right, since, until = self._edges(span, dated[place + 1] if place + 1 < len(dated) else None)
            for name, value in (("stored", span.total), ("kept", span.kept)):
                if value:
                    # Neighbours overlap a little: a browser draws no seam between them.
                    reach = until - since + (0.4 if place + 1 < len(dated) else 0)
                    boxes[name].append(self._bar(since, reach, 0, value, self.largest, name))
                    marks[name].append(_told(span, past, name))
            shared = span.cost - span.exclusive
            for name, start, value in (("exclusive", 0, span.exclusive), ("shared", span.exclusive, shared)):
                if value:
                    boxes[name].append(self._bar(left, right - left, start, value, self.dearest, name))
                    marks[name].append(_told(span, past, name))
        under = [*self._grid(self.grown_base, self.grown, self.largest)]
        if self.costs:
            under += self._grid(self.base, self.cost, self.dearest)
            self._values()
        self._end_labels()
        over = self._cut_line()
        ticks = [(x, text) for x, text in self.axis.ticks() if x <= self.axis.left + self.axis.width + 1]
        self._tick_words(ticks)
        under += [Stroke(((x, self.base), (x, self.base + 3)), RULE) for x, _ in ticks]
        explanation = explained(past)
        return Sheet(
            title,
            explanation,
            _description(past, explanation),
            self.width,
            self.height,
            shares(boxes, marks),
            tuple(self.boxes),
            tuple(under),
            tuple(over),
            tuple(self.texts),
        )

    def _edges(self, span: Span, later: Span | None) -> tuple[float, float, float, float]:
        """Where the bar of its cost begins and ends, and from where to where what was stored by then was all."""
        if not span.start:
            left = self.axis.left + self.axis.width + 12
            return left, left + _UNKNOWN, left, left + _UNKNOWN
        left = self.axis.x(midnight(span.start))
        end = self.axis.x(midnight(following(span.start, self.past.unit)))
        until = self.axis.x(midnight(later.start)) if later and later.start else end
        bar = min(_WIDEST, (end - left) - min(1.5, (end - left) * 0.15))
        return (left + end - bar) / 2, (left + end + bar) / 2, left, until

    def _bar(self, x: float, width: float, start: int, value: int, largest: int, name: str) -> Rect:
        colour = {"stored": OTHERS, "kept": STATES["tagged"], "exclusive": EXCLUSIVE, "shared": SHARED}[name]
        base, room = (self.grown_base, self.grown) if name in ("stored", "kept") else (self.base, self.cost)
        high = max(_THIN, value / largest * room)
        return Rect(x, base - start / largest * room - high, width, high, colour)

    def _grid(self, base: float, room: float, largest: int) -> list[Stroke]:
        right = self.axis.left + self.axis.width
        found = []
        for tick in byte_ticks(largest, 5 if room > _COST else 3):
            y = base - tick / largest * room
            found.append(Stroke(((self.axis.left, y), (right, y)), RULE, 0.6))
            self.texts.append(Text(self.axis.left - 5, y, format_tick(tick), SMALL_SIZE, MUTED, "right"))
        return found

    def _values(self) -> None:
        """What the dearest spans cost, over their bars, where nothing is in the way."""
        lines = [self.axis.x(midnight(self.cut))] if self.cut else []
        taken = [(x, x) for x in lines]
        for span in sorted(self.past.spans, key=lambda span: -span.cost):
            left, right, *_ = self._edges(span, None)
            words = format_bytes(span.cost)
            half = wide(words, SMALL_SIZE) / 2
            middle = min(max((left + right) / 2, self.axis.left + half), self.width - half)
            if not span.cost or len(taken) > _SAID or not spans_free(taken, middle - half, middle + half):
                continue
            reach = [
                other.cost
                for other in self.past.spans
                for start, end, *_ in [self._edges(other, None)]
                if start < middle + half and end > middle - half
            ]
            taken.append((middle - half, middle + half))
            y = self.base - max(reach) / self.dearest * self.cost - 6
            self.texts.append(Text(middle, y, words, SMALL_SIZE, MUTED, "center"))

    def _end_labels(self) -> None:
        """What lies there in the end, and what of it tags reach, beside the last bars."""
        x = self._edges(self.past.spans[-1], None)[-1] + 6
        lowest = self.grown_base - 2
        for place, (words, value, colour) in enumerate(reversed(self.ends)):
            later = len(self.ends) - 1 - place
            y = min(lowest, max(self.grown_base - value / self.largest * self.grown, self.top + _NOTE + later * 12))
            self.texts.append(Text(x, y, words, TEXT_SIZE, colour))
            lowest = y - 13

    def _cut_line(self) -> list[Stroke]:
        """Where the title divides old from new."""
        if not self.cut:
            return []
        x = self.axis.x(midnight(self.cut))
        words = f"before {cut_name(self.cut, self.past.unit)}"
        y = self.top + _NOTE / 2 - 1
        if x - self.axis.left > wide(words, SMALL_SIZE) + 6:
            self.texts.append(Text(x - 4, y, words, SMALL_SIZE, INK, "right"))
        else:
            self.texts.append(Text(x + 4, y, f"← {words}", SMALL_SIZE, INK))
        ends = [(self.top, self.grown_base)]
        if self.costs:
            ends.append((self.base - self.cost - _NOTE / 2, self.base))
        return [Stroke(((x, start), (x, end)), INK, 0.9, dashed=True) for start, end in ends]

    def _tick_words(self, ticks: Sequence[tuple[float, str]]) -> None:
        y = self.base + 10
        right = self.axis.left + self.axis.width
        for x, words in ticks:
            half = wide(words, SMALL_SIZE) / 2
            middle = min(max(x, half), (right if self.unknown else self.width) - half)
            self.texts.append(Text(middle, y, words, SMALL_SIZE, MUTED, "center"))
        if self.unknown:
            self.texts.append(Text(right + 12 + _UNKNOWN / 2, y, "no time", SMALL_SIZE, MUTED, "center"))


def _ends(past: Past) -> list[tuple[str, int, str]]:
    found = [(f"{format_bytes(past.stored)} stored", past.stored, INK)]
    if past.tagged and past.tagged < past.stored:
        found.append((f"{format_bytes(past.tagged)} in tags", past.tagged, MUTED))
    return found


def _description(past: Past, explanation: str) -> str:
    dearest = sorted(past.spans, key=lambda span: -span.cost)[:5]
    said = "; ".join(f"{span.name or 'no known time'} {format_bytes(span.cost)}" for span in dearest if span.cost)
    cost = f" Pushes that cost most: {said}." if said else ""
    return (
        f"Two rows of bars over time: what had come by each {past.unit}, up to {format_bytes(past.stored)}; "
        f"what its pushes still cost.{cost} {explanation}"
    )


def _told(span: Span, past: Past, name: str) -> Mark:
    when = span.name or "No time known"
    if name in ("stored", "kept"):
        label = (
            f"{when}: {count_noun(span.blobs, 'blob')} of {span.added:,} bytes came\n"
            f"{span.total:,} bytes by then; {span.kept:,} that tags pushed by then still cost"
        )
    else:
        label = (
            f"{when}: {count_noun(span.tags, 'tag')} last pushed\n{span.cost:,} bytes still cost; "
            f"{span.exclusive:,} that the pushes of no other {past.grain} reach"
        )
    return Mark(label, words=(span.name,) if span.name else ())


def history(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How a registry grew, and what the pushes of each period still cost.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.history` gives it. Where its periods are too many to be told apart, they are drawn
        together by weeks, months, quarters or years.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import history as answer
    >>> axes = history(answer(rv.read()))
    >>> axes.get_title(loc="left")
    'Pushes before 2017 still cost 193 KiB, 45 % of what is stored'
    """
    return paint(lambda width, height: describe_history(table, width=width, height=height), ax)
