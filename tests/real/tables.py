"""Rows of a Registry's tables as plain Python values, to compare with what an API answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from regviz.registry import Registry


def rows(table: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of every row, in the table's order; NA is None."""
    values = zip(*(table[column].tolist() for column in columns), strict=True)
    return [tuple(None if pd.isna(value) else value for value in row) for row in values]


def mapping(table: DataFrame, key: str, value: str) -> dict[Any, Any]:
    """One column by another that has each value once."""
    found = dict(rows(table, key, value))
    assert len(found) == len(table), f"{key} has values more than once"
    return found


def only(table: DataFrame, **wanted: str) -> dict[str, Any]:
    """The one row that has these values; NA is None."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1, f"{len(table)} rows with {wanted}"
    return dict(zip(table.columns, rows(table, *table.columns)[0], strict=True))


def moment(text: str) -> datetime:
    """A time as documents write it (RFC 3339), in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written_at(path: Path, registry: Registry) -> datetime:
    """When a file was written, as exactly as the source keeps it: archives keep whole seconds."""
    since = timedelta(microseconds=path.stat().st_mtime_ns // 1000)
    exact = datetime.fromtimestamp(0, UTC) + since
    return exact if registry.source.knows_disk else exact.replace(microsecond=0)
