"""What a class guessed, each guess as a multiple of the truth: a row a prediction, a dot a guess."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit, wrap
from regviz.plot.marks import Mark, in_lines, shortened
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, RULE, SHARED
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, said_alone, shares, spans_free, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

NEAR = 2.0
"""A guess is near the truth within this factor."""

_FARTHEST = 1e4
_MOST = 3_000
_POINT, _PITCH = 5.0, 6.0
_LEAST, _HIGHEST = 30.0, 150.0
_AXIS = 20.0
_LEFT = 0.42
_TICKS = (1.0, 2.0, 10.0, 100.0, 1000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess.

    Attributes
    ----------
    name : str
        Whose it is.
    value, truth : float
    """

    name: str
    value: float
    truth: float

    @property
    def factor(self) -> float:
        """How many times the truth it is, within 10,000 to both sides; what has no factor stands at an end."""
        if self.value == self.truth:
            return 1.0
        if self.value <= 0 or self.truth <= 0:
            return _FARTHEST if self.value > self.truth else 1 / _FARTHEST
        return min(max(self.value / self.truth, 1 / _FARTHEST), _FARTHEST)

    @property
    def is_near(self) -> bool:
        """Whether it is within a factor of two."""
        return 1 / NEAR <= self.factor <= NEAR


@dataclass(frozen=True, slots=True)
class Row:
    """The guesses of one prediction.

    Attributes
    ----------
    id, asks, unit : str
    guesses : tuple of Guess
        From the smallest factor.
    """

    id: str
    asks: str
    unit: str
    guesses: tuple[Guess, ...]

    @property
    def truth(self) -> str:
        """The truth, or that each has one of their own."""
        found = {guess.truth for guess in self.guesses}
        return said(found.pop(), self.unit) if len(found) == 1 else "each their own"


def said(value: float, unit: str) -> str:
    """A number with its unit.

    Examples
    --------
    >>> said(12_000, "bytes"), said(17.0, "files"), said(2.5, "")
    ('11.7 KiB', '17 files', '2.5')
    """
    if unit == "bytes" and abs(value) < 1 << 62:
        return format_bytes(round(value))
    number = f"{int(value):,}" if float(value).is_integer() and abs(value) < 1 << 62 else f"{value:,.4g}"
    return f"{number} {unit}".rstrip()


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The predictions that somebody guessed and whose truth is known, in order."""
    known = table[table["guess"].notna() & table["truth"].notna()]
    found: dict[str, list[Any]] = {}
    for row in known.itertuples(index=False):
        found.setdefault(str(row.id), []).append(row)
    made = []
    for id_, each in sorted(found.items()):
        guesses = [Guess(str(row.name), float(row.guess), float(row.truth)) for row in each]
        guesses.sort(key=lambda guess: (guess.factor, guess.name))
        made.append(Row(id_, str(each[0].asks), str(each[0].unit), tuple(guesses)))
    return made


def describe_guesses(table: pd.DataFrame, *, width: float = PAPER, height: float | None = None) -> Sheet:
    """Where everything lies in the picture that :func:`guesses` draws.

    Its series are ``near``, a dot for each guess within a factor of two, and ``far``, one for each of the others.
    """
    rows = rows_of(table)
    every = [guess for row in rows for guess in row.guesses]
    if not every:
        return said_alone("Nobody has guessed yet", width)
    near = sum(guess.is_near for guess in every)
    are = "is" if near == 1 else "are"
    title = f"{near:,} of {count_noun(len(every), 'guess', 'guesses')} {are} within a factor of two"
    shown = _shown(rows)
    drawn = sum(len(row.guesses) for row in shown)
    left_out = f"Left out: {len(every) - drawn:,} of the guesses, evenly." if drawn < len(every) else ""
    explanation = f"A dot is a guess, where it stands beside the truth. {left_out}".strip()
    words = [f"{row.id} {row.asks} {_told(row)}" for row in shown]
    picture = _Layout(shown, width, height)
    return Sheet(
        title,
        explanation,
        f"Dots on a logarithmic scale, {count_noun(len(shown), 'row')}. {' '.join(words)} {left_out}".strip(),
        width,
        picture.bottom,
        picture.series(),
        tuple(picture.boxes),
        tuple(picture.under),
        texts=tuple(picture.texts),
    )


def _shown(rows: Sequence[Row]) -> list[Row]:
    """The rows with not too many dots together: where there are more, of each row every n-th."""
    step = math.ceil(sum(len(row.guesses) for row in rows) / _MOST)
    return [replace(row, guesses=row.guesses[::step]) for row in rows]


def _told(row: Row) -> str:
    middle = median(guess.factor for guess in row.guesses)
    return (
        f"The truth: {row.truth}; {count_noun(len(row.guesses), 'guess', 'guesses')}, the middle one {_times(middle)}."
    )


def _times(factor: float) -> str:
    """A factor in words.

    Examples
    --------
    >>> _times(1.0), _times(2.5), _times(0.25)
    ('right', '2.5 times the truth', 'the truth divided by 4')
    """
    if factor == 1:
        return "right"
    if factor > 1:
        return f"{factor:,.3g} times the truth"
    return f"the truth divided by {1 / factor:,.3g}"


class _Layout:
    def __init__(self, rows: Sequence[Row], width: float, height: float | None) -> None:
        meanings = [(EXCLUSIVE, "a guess within a factor of two"), (SHARED, "further off"), (MUTED, "the middle guess")]
        self.boxes, self.texts, top = key(meanings, width)
        self.under: list[Stroke] = []
        self.dots: list[tuple[Rect, Mark, bool]] = []
        values = [row.truth for row in rows]
        self.right = width - max(wide(value, SMALL_SIZE) for value in ("the truth", *values)) - 10
        self.right = max(self.right, width * 0.6)
        self.left = width * _LEFT
        factors = [guess.factor for row in rows for guess in row.guesses]
        self.low, self.high = min(1 / NEAR, *factors) / 1.25, max(NEAR, *factors) * 1.25
        levels = [self._levels(row) for row in rows]
        heights = [min(_HIGHEST, max(_LEAST, _PITCH * (2 * max(map(abs, level)) + 1) + 8)) for level in levels]
        top += 16
        if height is not None:
            scale = max(0.2, (height - top - _AXIS) / sum(heights))
            heights = [each * scale for each in heights]
        self.texts.append(
            Text(width, top - 8, fit("the truth", width - self.right, SMALL_SIZE), SMALL_SIZE, MUTED, "right")
        )
        end = top
        for row, level, high in zip(rows, levels, heights, strict=True):
            self._row(row, level, end, high, width)
            end += high
        self._axis(top, end)
        self.bottom = end + _AXIS

    def _x(self, factor: float) -> float:
        share = math.log(factor / self.low) / math.log(self.high / self.low)
        return self.left + share * (self.right - self.left)

    def _levels(self, row: Row) -> list[int]:
        """How many dots above (or below) the middle of its row each guess stands, so that none covers another."""
        taken: dict[int, float] = {}
        found = []
        for guess in row.guesses:
            x, level = self._x(guess.factor), 0
            while taken.get(level, -math.inf) + _PITCH > x:
                level = -level if level > 0 else 1 - level
            taken[level] = x
            found.append(level)
        return found

    def _row(self, row: Row, levels: Sequence[int], top: float, high: float, width: float) -> None:
        middle = top + high / 2
        pitch = min(_PITCH, (high - 6) / (2 * max(map(abs, levels)) + 1))
        self.under.append(Stroke(((0, top), (width, top)), RULE, 0.6))
        room = (self.left - 12) / 1.1
        head = f"{drawable(row.id)}  "
        lines = 2 if high >= _LEAST else 1
        text = wrap(f"{head}{drawable(shortened(row.asks))}", room, TEXT_SIZE, lines=lines).split("\n")
        size = TEXT_SIZE if high > 11 else SMALL_SIZE
        if high > 8:
            for number, line in enumerate(text):
                self.texts.append(Text(0, middle + 12 * (number - (len(text) - 1) / 2), fit(line, room, size), size))
            value = fit(row.truth, (width - self.right - 4) / 1.1, SMALL_SIZE)
            self.texts.append(Text(width, middle, value, SMALL_SIZE, INK, "right"))
        for guess, level in zip(row.guesses, levels, strict=True):
            x, y = self._x(guess.factor), middle + level * pitch
            colour = EXCLUSIVE if guess.is_near else SHARED
            label = in_lines(
                f"{guess.name}: {said(guess.value, row.unit)}, {_times(guess.factor)}", f"{row.id} {row.asks}"
            )
            dot = Rect(x - _POINT / 2, y - min(_POINT, pitch) / 2, _POINT, min(_POINT, pitch), colour)
            self.dots.append((dot, Mark(label, words=(guess.name,)), guess.is_near))
        x = self._x(median(guess.factor for guess in row.guesses))
        self.under.append(Stroke(((x, top + 3), (x, top + high - 3)), MUTED, 1.6, dashed=True))

    def _axis(self, top: float, end: float) -> None:
        """The truth as a line through all rows, and factors to both sides of it."""
        taken: list[tuple[float, float]] = []
        for tick in sorted({*_TICKS, *(1 / tick for tick in _TICKS)}, key=lambda tick: abs(math.log(tick))):
            if not self.low <= tick <= self.high:
                continue
            x = self._x(tick)
            at_truth = tick == 1
            self.under.append(Stroke(((x, top), (x, end + 3)), INK if at_truth else RULE, 1.2 if at_truth else 0.6))
            words = "truth" if at_truth else f"× {tick:,.0f}" if tick > 1 else f"÷ {1 / tick:,.0f}"
            half = wide(words, SMALL_SIZE) / 2
            if spans_free(taken, x - half, x + half):
                taken.append((x - half, x + half))
                self.texts.append(Text(x, end + 10, words, SMALL_SIZE, INK if at_truth else MUTED, "center"))

    def series(self) -> tuple[Any, ...]:
        """The dots, by whether they are near."""
        near = [(dot, mark) for dot, mark, is_near in self.dots if is_near]
        far = [(dot, mark) for dot, mark, is_near in self.dots if not is_near]
        return shares(
            {"near": [dot for dot, _ in near], "far": [dot for dot, _ in far]},
            {"near": [mark for _, mark in near], "far": [mark for _, mark in far]},
        )


def guesses(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What a class guessed beside the truth, on a logarithmic scale.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.lesson.answers` gives it: of its rows those that have a guess and a truth are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"id": "01.a", "asks": "How many bytes?", "unit": "bytes", "name": "ada", "guess": 900, "truth": 1000}
    >>> guesses(pd.DataFrame([row, row | {"name": "bob", "guess": 50}])).get_title(loc="left")
    '1 of 2 guesses is within a factor of two'
    """
    return paint(lambda width, height: describe_guesses(table, width=width, height=height), ax)
