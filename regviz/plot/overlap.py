"""Who shares with whom, as a triangle of pairs with those that share most beside each other: where everything lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from regviz.plot.canvas import Text
from regviz.plot.kin import Pair, Pairs, clustered
from regviz.plot.labels import drawable, fit_all, percent, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import MUTED, ON_SCALE, SCALE
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, TITLE_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["weighted_jaccard", "shared_bytes"]
Line = tuple[tuple[float, float], ...]

MOST = 40
LEAST_ROW = 12.5
SWATCH = (14.0, 10.0)
_ROW, _COLUMN = 24.0, 58.0
_TREE = 46.0
_NAME = 205.0
_KEY = 24.0
_SAID = 5
_TOPS = (8, 16, 24, 40, 56, 80, 100)
"""Per cents where a scale may end."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A pair that shares: `row` stands below `column` in the order of the names."""

    row: int
    column: int
    value: float
    colour: str
    label: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """What :func:`regviz.plot.sharing` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    names : tuple of str
        What is drawn, in its order.
    cells : tuple of Cell
    marks : tuple of Mark
        One for each cell.
    left, top, across, down : float
        Where the triangle begins, and how wide and high a cell is; in points.
    tree : tuple of lines
        What is joined first, left of the triangle; a line is its corners.
    key : tuple of (float, float, str)
        Left and upper edge of the swatches of the scale, and their colours.
    texts : tuple of Text
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float = 0.0
    names: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    marks: tuple[Mark, ...] = ()
    left: float = 0.0
    top: float = 0.0
    across: float = 0.0
    down: float = 0.0
    tree: tuple[Line, ...] = ()
    key: tuple[tuple[float, float, str], ...] = ()
    texts: tuple[Text, ...] = ()


def describe_sharing(
    table: pd.DataFrame,
    *,
    measure: Measure = "weighted_jaccard",
    width: float = 720.0,
    height: float = 600.0,
    most: int = MOST,
) -> Overlap:
    """Where everything lies in the picture that :func:`regviz.plot.sharing` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.sharing` gives it.
    measure : {"weighted_jaccard", "shared_bytes"}
    width, height : float
        Points; about `height` at most.
    most : int
        How many names are drawn.
    """
    pairs = Pairs(table, most)
    title = _title(pairs)
    if not pairs.order:
        return Overlap(title, "", title, width)
    return _Layout(pairs, measure, width, height).overlap(title)


def _title(pairs: Pairs) -> str:
    """The finding: which two share the most bytes."""
    if not pairs.rows:
        return f"There is no {pairs.one}"
    if pairs.rows == 1:
        return f"There is one {pairs.one}, and none that it could share with"
    if not pairs.order:
        return f"No two of {pairs.rows:,} {pairs.many} share any bytes"
    pair = pairs.order[0]
    one, other = fit_all([drawable(pairs.short(name)) for name in (pair.one, pair.other)], 215, TITLE_SIZE)
    return f"{one} and {other} share {percent(pair.bytes, pair.either)} of their bytes ({format_bytes(pair.bytes)})"


class _Layout:
    def __init__(self, pairs: Pairs, measure: Measure, width: float, height: float) -> None:
        self.pairs, self.measure, self.width = pairs, measure, width
        order, self.merges = clustered(pairs.similarity())
        self.place = {leaf: at for at, leaf in enumerate(order)}
        self.names = [pairs.names[leaf] for leaf in order]
        count = len(self.names)
        room = min(_NAME, width / 3)
        self.labels = fit_all([drawable(pairs.short(name)) for name in self.names], room, TEXT_SIZE)
        self.left = _TREE if count > 2 else 0.0
        # A name stands where its row ends and its column begins.
        reaches = [self.width - self.left - 5 - text_width(label, TEXT_SIZE) for label in self.labels]
        self.across = min(_COLUMN, *(reach / at for at, reach in enumerate(reaches) if at))
        drawn = [(self.names[row], self.names[column]) for row in range(count) for column in range(row)]
        self.drawn = [pairs.of[names] for names in drawn if names in pairs.of]
        self.highest = max(map(self._value, self.drawn))
        if measure == "weighted_jaccard":
            self.highest = next(top for top in _TOPS if top >= 100 * self.highest - 1e-9) / 100
        self.key, words = self._key()
        meets = min(text.x - text_width(text.text, SMALL_SIZE) for text in words) - 12
        first = [self.left + at * self.across + text_width(self.labels[at], TEXT_SIZE) for at in (0, 1)]
        self.top = _KEY if max(first) > meets else 0.0
        self.down = max(LEAST_ROW, min(_ROW, (height - self.top) / count))
        self.texts = [*words, *self._names()]

    def overlap(self, title: str) -> Overlap:
        """The whole picture."""
        at = {name: place for place, name in enumerate(self.names)}
        labels, cells = self._labels(), []
        for pair, label in zip(self.drawn, labels, strict=True):
            column, row = sorted((at[pair.one], at[pair.other]))
            step = min(int(self._value(pair) / self.highest * len(SCALE)), len(SCALE) - 1)
            cells.append(Cell(row, column, self._value(pair), SCALE[step], label))
            if label:
                x, y = self.left + (column + 0.5) * self.across, self.top + (row + 0.5) * self.down
                self.texts.append(Text(x, y, label, SMALL_SIZE, ON_SCALE[2 * step >= len(SCALE)], "center"))
        said = "; ".join(
            f"{pair.one} and {pair.other} share {format_bytes(pair.bytes)}, {percent(pair.bytes, pair.either)}"
            for pair in self.pairs.order[:_SAID]
        )
        count = len(self.names)
        return Overlap(
            title,
            self._explanation(),
            f"A triangle of {count:,} {self.pairs.many}, and {count_noun(len(cells), 'pair')} that share bytes. "
            f"Those that share the most: {drawable(said)}. {self._left_out()}".strip(),
            self.width,
            self.top + count * self.down,
            tuple(self.names),
            tuple(cells),
            tuple(map(self._mark, self.drawn)),
            self.left,
            self.top,
            self.across,
            self.down,
            tuple(self._tree()),
            self.key,
            tuple(self.texts),
        )

    def _value(self, pair: Pair) -> float:
        return pair.bytes / pair.either if self.measure == "weighted_jaccard" else float(pair.bytes)

    def _labels(self) -> list[str]:
        """What stands in the cells: as much as there is room for in each of them."""
        if self.measure == "shared_bytes":
            ways = [[format_bytes(pair.bytes) for pair in self.drawn]]
        else:
            shares = [percent(pair.bytes, pair.either) for pair in self.drawn]
            whole = [share.replace("under ", "<").replace("over ", ">") for share in shares]
            ways = [whole, [share.removesuffix(" %") for share in whole]]
        for way in ways:
            if max(text_width(text, SMALL_SIZE) for text in way) + 5 <= self.across:
                return way
        return [""] * len(self.drawn)

    def _names(self) -> list[Text]:
        return [
            Text(self.left + at * self.across + 5, self.top + (at + 0.5) * self.down, label)
            for at, label in enumerate(self.labels)
        ]

    def _key(self) -> tuple[tuple[tuple[float, float, str], ...], list[Text]]:
        """The scale, in the corner that the names leave free."""
        is_share = self.measure == "weighted_jaccard"
        highest = f"{self.highest * 100:.0f} %" if is_share else format_bytes(int(self.highest))
        words = "share of the bytes that either has:" if is_share else "bytes that both have:"
        end = self.width - text_width(highest, SMALL_SIZE) - 4
        start = end - len(SCALE) * SWATCH[0]
        swatches = tuple((start + at * SWATCH[0], 1.0, colour) for at, colour in enumerate(SCALE))
        y = 1.0 + SWATCH[1] / 2
        texts = [
            Text(end + 4, y, highest, SMALL_SIZE, MUTED),
            Text(start - 4, y, f"{words} 0", SMALL_SIZE, MUTED, "right"),
        ]
        return swatches, texts

    def _tree(self) -> list[Line]:
        """Lines that join rows, the farther left the less they share."""
        if not self.left:
            return []
        count = len(self.names)
        lines: list[Line] = []
        base = self.left - 5
        ends = {leaf: (base, self.top + (at + 0.5) * self.down) for leaf, at in self.place.items()}
        farthest = max(far for _, _, far in self.merges) or 1.0
        for number, (one, other, far) in enumerate(self.merges):
            x = base - far / farthest * (base - 1)
            (x1, y1), (x2, y2) = ends[one], ends[other]
            lines.append(((x1, y1), (x, y1), (x, y2), (x2, y2)))
            ends[count + number] = (x, (y1 + y2) / 2)
        return lines

    def _mark(self, pair: Pair) -> Mark:
        said = f"{pair.bytes:,} of {pair.either:,} bytes that either has, {percent(pair.bytes, pair.either)}"
        label = f"{pair.one} and {pair.other}\n{said}\n{count_noun(pair.blobs, 'shared blob')}"
        return Mark(label, pair.repositories)

    def _explanation(self) -> str:
        row = f"A cell is a pair: one {self.pairs.one} stands at the end of its row, the other above its column."
        blank = len(self.drawn) < len(self.names) * (len(self.names) - 1) // 2
        parts = [
            row,
            "Without a cell they share nothing." if blank else "",
            "The tree joins first what shares the most." if self.left else "",
            self._left_out(),
        ]
        return " ".join(part for part in parts if part)

    def _left_out(self) -> str:
        others, none = self.pairs.sharers - len(self.names), self.pairs.rows - self.pairs.sharers
        left = []
        if others:
            most = format_bytes(self.pairs.left_out)
            left.append(f"{count_noun(others, 'other', 'others')} (no pair left out shares more than {most})")
        if none:
            left.append(f"{none:,} that {'shares' if none == 1 else 'share'} nothing")
        return f"Left out: {', '.join(left)}." if left else ""
