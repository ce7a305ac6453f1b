"""Tables written as text, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import click

from regviz.cli.options import binary_output
from regviz.cli.plain import plain_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from regviz.cli.options import TableFormat

TextFormat = Literal["text", "csv", "json", "parquet"]
SUFFIXES: dict[str, TableFormat] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
_OF_TEXT = ("", ".txt")


def write_table(frame: pd.DataFrame, format_: TableFormat | None, output: str | None) -> None:
    """Write a table to a file or to standard output, in a format or that of the file's suffix."""
    chosen = chosen_format(format_, output)
    if chosen == "table":
        from regviz.cli.human import human_table

        write_lines(human_table(frame, terminal_width(output)), output)
        return
    if chosen == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is nothing for a terminal: give -o FILE, or pipe it.")
    with binary_output(output) as file:
        _WRITERS[chosen](frame, file)


def chosen_format(format_: TableFormat | None, output: str | None) -> TableFormat:
    """The format that was asked for, or that of the file's suffix.

    Raises
    ------
    click.UsageError
        Neither says one.
    """
    suffix = Path(output or "").suffix.lower()
    if format_ is None and suffix not in (*SUFFIXES, *_OF_TEXT):
        suffixes = ",".join(each.removeprefix(".") for each in (*SUFFIXES, *_OF_TEXT) if each)
        raise click.UsageError(f"{output} does not say what to write: give --format, or a FILE.{{{suffixes}}}")
    return format_ or SUFFIXES.get(suffix, "table")


def is_for_people(format_: TableFormat | None, output: str | None) -> bool:
    """Whether an answer is written as text."""
    return chosen_format(format_, output) == "table"


def terminal_width(output: str | None) -> int | None:
    """Columns to keep to: those of the terminal, or of the variable COLUMNS; None where there is neither."""
    if output is not None or not (sys.stdout.isatty() or os.environ.get("COLUMNS")):
        return None
    return shutil.get_terminal_size().columns


def write_lines(lines: Iterable[str], output: str | None) -> None:
    """Write text to a file or to standard output."""
    if output is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    with Path(output).open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _write_csv(frame: pd.DataFrame, file: IO[bytes]) -> None:
    from regviz.text import escape_csv, escape_terminal

    to_terminal = file.isatty()

    def cell(value: Any) -> Any:
        value = ", ".join(value) if isinstance(value, tuple) else value
        if isinstance(value, str):
            return escape_csv(escape_terminal(value) if to_terminal else value)
        if isinstance(value, bool):
            return str(value).lower()
        return value.isoformat() if hasattr(value, "isoformat") else value

    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    columns = plain_columns(frame)
    writer.writerow(columns)
    writer.writerows(zip(*([cell(value) for value in values] for values in columns.values()), strict=True))
    text.detach()


def _write_json(frame: pd.DataFrame, file: IO[bytes]) -> None:
    import json

    to_terminal = file.isatty()
    columns = plain_columns(frame)
    for number, row in enumerate(zip(*columns.values(), strict=True)):
        record = json.dumps(dict(zip(columns, row, strict=True)), default=_iso, ensure_ascii=to_terminal)
        file.write((b",\n " if number else b"[\n ") + record.encode())
    file.write(b"\n]\n" if len(frame) else b"[]\n")


def _iso(value: Any) -> str:
    said: str = value.isoformat()
    return said


def _write_parquet(frame: pd.DataFrame, file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file, compression="zstd")


_WRITERS: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}
