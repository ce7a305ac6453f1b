"""What stands on which base: bases beneath those that they stand on, with bars of bytes; where everything lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit, fit_all, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import MUTED
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, TITLE_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd

ROWS = 25
ROW = 20.0
HEAD = 18.0
_NAME = 230.0
_INDENT, _DEEPEST = 11.0, 7
_COLUMNS = ("images", "repositories")
_APART = 16.0


@dataclass(frozen=True, slots=True)
class Base:
    """A row: a base, and what stands on it.

    Attributes
    ----------
    name : str
        ``repository:tag``, with the platform where several are drawn.
    under : int
        The row of the nearest base drawn that it stands on; -1 where there is none.
    depth : int
        How many of those are below it.
    own, above : int
        Bytes of its own layers, and of the layers on it.
    images, repositories : int
        How many stand on it.
    """

    name: str
    under: int
    depth: int
    own: int
    above: int
    images: int
    repositories: int


@dataclass(frozen=True, slots=True)
class Footing:
    """What :func:`regviz.plot.bases` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    bases : tuple of Base
        The rows.
    marks : tuple of Mark
        One for each of them.
    left, unit : float
        Where the bars begin, and points for a byte.
    branches : tuple of lines
        From each base to those that stand on it, by their corners.
    texts : tuple of Text
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float = 0.0
    bases: tuple[Base, ...] = ()
    marks: tuple[Mark, ...] = ()
    left: float = 0.0
    unit: float = 0.0
    branches: tuple[tuple[tuple[float, float], ...], ...] = ()
    texts: tuple[Text, ...] = ()


def describe_bases(table: pd.DataFrame, *, width: float = 720.0, rows: int = ROWS) -> Footing:
    """Where everything lies in the picture that :func:`regviz.plot.bases` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.bases` gives it.
    width : float
        Points.
    rows : int
        How many are drawn.
    """
    title = _title(table)
    if table.empty:
        return Footing(title, "", title, width)
    return _Layout(table, width, rows).footing(title)


def _title(table: pd.DataFrame) -> str:
    """The finding: how many images stand on a base, and on which one most do."""
    images = int(table.attrs.get("images", -1))
    if table.empty:
        return "No tagged image stands on another" if images else "There is no tagged image"
    most = table.iloc[int(table["images"].to_numpy().argmax())]
    name = fit(drawable(f"{most['repository']}:{most['tag']}"), 300, TITLE_SIZE, bold=True)
    count = int(most["images"])
    if images < 0:
        return f"{count_noun(len(table), 'base')}; {count_noun(count, 'image')} on {name}"
    based = int(table.attrs["images_with_base"])
    stand = "stands" if based == 1 else "stand"
    if len(table) == 1:
        return f"{based:,} of {count_noun(images, 'tagged image')} {stand} on a base: {name}"
    on_one = f"{count:,}" if count < based else "all of them"
    return f"{based:,} of {count_noun(images, 'tagged image')} {stand} on a base; {on_one} on {name}"


class _Layout:
    def __init__(self, table: pd.DataFrame, width: float, rows: int) -> None:
        self.table, self.width = table, width
        head = table.head(rows)
        self.rows: list[dict[str, Any]] = [
            {str(key): value for key, value in row.items()} for row in head.astype(object).to_dict("records")
        ]
        self.many_platforms = len({row["platform"] for row in self.rows if isinstance(row["platform"], str)}) > 1
        self.under = self._under()
        self.order = self._order()

    def _under(self) -> list[int]:
        """For each row the nearest one drawn that it stands on."""
        drawn = {row["layer"]: at for at, row in enumerate(self.rows)}
        below = dict(zip(self.table["layer"], self.table["base_layer"], strict=True))
        found = []
        for row in self.rows:
            layer = row["base_layer"]
            while layer in below and layer not in drawn:
                layer = below[layer]
            found.append(drawn.get(layer, -1))
        return found

    def _order(self) -> list[int]:
        """Bases before those that stand on them; else as the table has them."""
        on: dict[int, list[int]] = {}
        for at, under in enumerate(self.under):
            on.setdefault(under, []).append(at)
        order: list[int] = []
        waiting = on.get(-1, [])[::-1]
        while waiting:
            at = waiting.pop()
            order.append(at)
            waiting += on.get(at, [])[::-1]
        return order

    def _bases(self) -> list[Base]:
        place = {at: number for number, at in enumerate(self.order)} | {-1: -1}
        made: list[Base] = []
        for at in self.order:
            row, under = self.rows[at], place[self.under[at]]
            name = f"{row['repository']}:{row['tag']}"
            if self.many_platforms and isinstance(row["platform"], str):
                name += f" ({row['platform']})"
            numbers = (int(row[key]) for key in ("base_bytes", "bytes", "images", "repositories"))
            made.append(Base(drawable(name), under, made[under].depth + 1 if under >= 0 else 0, *numbers))
        return made

    def footing(self, title: str) -> Footing:
        """The whole picture."""
        bases = self._bases()
        room = min(_NAME, self.width / 3)
        indents = [min(base.depth, _DEEPEST) * _INDENT for base in bases]
        labels = fit_all([base.name for base in bases], [room - indent for indent in indents], TEXT_SIZE)
        middles = [HEAD + (at + 0.5) * ROW for at in range(len(bases))]
        texts = [Text(indent, y, label) for indent, y, label in zip(indents, middles, labels, strict=True)]
        edge = max(indent + text_width(label, TEXT_SIZE) for indent, label in zip(indents, labels, strict=True))
        for key in _COLUMNS:
            said = [f"{getattr(base, key):,}" for base in bases]
            edge += _APART + max(text_width(key, SMALL_SIZE), *(text_width(text, TEXT_SIZE) for text in said))
            texts.append(Text(edge, HEAD / 2 - 2, key, SMALL_SIZE, MUTED, "right"))
            texts += [Text(edge, y, text, anchor="right") for y, text in zip(middles, said, strict=True)]
        left = edge + _APART
        values = [f"{format_bytes(base.own)} + {format_bytes(base.above)}" for base in bases]
        widest = max(text_width(value, SMALL_SIZE) for value in values)
        longest = max(1, *(base.own + base.above for base in bases))
        unit = max(self.width - left - widest - 6, 10.0) / longest
        for base, y, value in zip(bases, middles, values, strict=True):
            texts.append(Text(left + (base.own + base.above) * unit + 5, y, value, SMALL_SIZE, MUTED))
        explanation = (
            "Tagged images that others are built on: the bytes of their own layers, and of all layers on them. "
            f"{'One that stands on another is indented below it. ' if any(indents) else ''}{self._left_out()}"
        ).strip()
        first = "; ".join(
            f"{base.name}: {count_noun(base.images, 'image')}, {format_bytes(base.above)} on it" for base in bases[:5]
        )
        return Footing(
            title,
            explanation,
            f"{count_noun(len(bases), 'base')}, each with what stands on it. {first}. {self._left_out()}".strip(),
            self.width,
            HEAD + len(bases) * ROW,
            tuple(bases),
            tuple(map(self._mark, range(len(bases)), bases)),
            left,
            unit,
            tuple(_branches(bases, indents, middles)),
            tuple(texts),
        )

    def _left_out(self) -> str:
        rest = self.table.iloc[len(self.rows) :]
        if rest.empty:
            return ""
        most = format_bytes(int(rest["bytes"].max()))
        none = "with" if len(rest) == 1 else "none with more than"
        return f"Left out: {count_noun(len(rest), 'other base', 'other bases')}, {none} {most} on it."

    def _mark(self, number: int, base: Base) -> Mark:
        row = self.rows[self.order[number]]
        on_it = f"{count_noun(base.images, 'image')} in {count_noun(base.repositories, 'repository', 'repositories')}"
        lines = [
            f"{row['repository']}:{row['tag']}" + (f" {row['platform']}" if isinstance(row["platform"], str) else ""),
            f"its own: {base.own:,} bytes in {count_noun(int(row['layers']), 'layer')}",
            f"on it: {base.above:,} bytes, {on_it}",
        ]
        if int(row["names"]) > 1:
            lines.append(f"{int(row['names']):,} tags name this stack")
        below = (("own", base.under),) if base.under >= 0 else ()
        return Mark("\n".join(lines), (str(row["repository"]),), (str(row["manifest"]), str(row["layer"])), below)


def _branches(bases: list[Base], indents: list[float], middles: list[float]) -> list[tuple[tuple[float, float], ...]]:
    """A line down from each base to the last one that is indented under it, and one from there to each of these."""
    lines: list[tuple[tuple[float, float], ...]] = []
    last: dict[int, int] = {}
    for at, base in enumerate(bases):
        if base.under >= 0 and indents[at] > indents[base.under]:
            last[base.under] = at
            lines.append(((indents[base.under] + 3, middles[at]), (indents[at] - 2, middles[at])))
    for under, at in last.items():
        x = indents[under] + 3
        lines.append(((x, middles[under] + ROW * 0.36), (x, middles[at])))
    return lines
