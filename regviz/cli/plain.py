"""The cells of a table as plain Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Each column as a list of str, int, float, bool or datetime, None for NA."""
    return {str(name): _plain(frame[name]) for name in frame.columns}


def _plain(column: pd.Series[Any]) -> list[Any]:
    import pandas as pd

    missing = column.isna().tolist()
    values: list[Any] = column.astype(object).tolist()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        values = [
            None if lost else value.to_pydatetime(warn=False) for value, lost in zip(values, missing, strict=True)
        ]
    return [None if lost else value for value, lost in zip(values, missing, strict=True)]
