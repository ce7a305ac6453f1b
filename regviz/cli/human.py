"""A table for people: aligned, in the width there is, bytes and digests as they are read."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.cli.plain import plain_columns
from regviz.pool import is_digest
from regviz.text import count_noun, escape_terminal, format_bytes
from regviz.tree.text import shorten_digests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

_GAP = 2
_NARROWEST = 20
_PATHS = ("path", "link")
"""Columns of paths; a table of links has digests in the second."""


@dataclass(slots=True)
class _Column:
    name: str
    header: list[str]
    cells: list[str]
    right: bool
    width: int

    def line(self, text: str) -> str:
        cut = _cut(text, self.width)
        space = " " * (self.width - _width(cut))
        return space + cut if self.right else cut + space


def human_table(frame: pd.DataFrame, width: int | None) -> Iterator[str]:
    """The lines of a table: a header, the rows, and what is not shown.

    Columns without any value are left out; where the width does not do, texts are cut, then columns left out from the
    right. The last line says so. Numbers are bytes in columns called so, and in all of a table whose unit they are.

    Parameters
    ----------
    frame : pandas.DataFrame
    width : int or None
        Columns of the terminal; None for as many as it takes.

    Yields
    ------
    str
        A line, without control characters whatever the table holds.
    """
    columns: list[_Column] = []
    empty: list[str] = []
    in_bytes = frame.attrs.get("unit") == "bytes"
    for name, values in plain_columns(frame).items():
        if values and columns and all(value is None for value in values):
            empty.append(name)
        else:
            columns.append((_bytes_column if in_bytes else _column)(name, values))
    hidden = [] if width is None else _fit(columns, width)
    height = max(len(column.header) for column in columns)
    for line in range(height):
        words = ([""] * (height - len(column.header)) + column.header for column in columns)
        yield _joined(column.line(word[line]) for column, word in zip(columns, words, strict=True))
    for row in range(len(frame)):
        yield _joined(column.line(column.cells[row]) for column in columns)
    notes = [count_noun(len(frame), "row")]
    notes += [f"no values in {', '.join(empty)}"] if empty else []
    notes += [f"no room for {', '.join(hidden)}: --format csv has them"] if hidden else []
    yield ""
    yield "; ".join(notes)


def _column(name: str, values: list[Any]) -> _Column:
    is_bytes = name == "bytes" or name.endswith("_bytes") or name.startswith("bytes_")
    cells = [_path(value) if name in _PATHS else _cell(value, is_bytes=is_bytes) for value in values]
    numbers = any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return _Column(name, [name], cells, numbers, max(map(_width, [name, *cells])))


def _joined(cells: Iterable[str]) -> str:
    return (" " * _GAP).join(cells).rstrip()


def _bytes_column(name: str, values: list[Any]) -> _Column:
    """A column of a table whose unit is bytes, whatever it is called."""
    made = _column(f"{name}_bytes", values)
    made.name, made.header, made.width = name, [name], max(map(_width, [name, *made.cells]))
    return made


def _cell(value: Any, *, is_bytes: bool) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_bytes(value) if is_bytes else f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, tuple):
        return ", ".join(_cell(each, is_bytes=False) for each in value)
    return shorten_digests(escape_terminal(str(value)), "")


def _path(value: Any) -> str:
    """A path, whole: it is to be found."""
    return escape_terminal(value) if isinstance(value, str) and not is_digest(value) else _cell(value, is_bytes=False)


def _fit(columns: list[_Column], width: int) -> list[str]:
    """Narrow the columns to a width, their headers first; returns the names of those that had to go."""
    if _excess(columns, width) > 0:
        for column in columns:
            column.header = column.name.split("_")
            column.width = max(map(_width, [*column.header, *column.cells]))
    hidden: list[str] = []
    while True:
        excess = _excess(columns, width)
        if excess <= 0:
            return hidden[::-1]
        texts = [column for column in columns if not column.right and column.width > _NARROWEST]
        if sum(column.width - _NARROWEST for column in texts) < excess and len(columns) > 1:
            hidden.append(columns.pop().name)
            continue
        if not texts:
            return hidden[::-1]
        widest = max(texts, key=lambda column: column.width)
        widest.width -= 1


def _excess(columns: list[_Column], width: int) -> int:
    return sum(column.width + _GAP for column in columns) - _GAP - width


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) != 0 for sign in text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while text and _width(text) > width - 1:
        text = text[:-1]
    return text + "…"
