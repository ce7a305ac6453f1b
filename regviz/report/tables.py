"""A pandas table as a plain HTML table, which the page's script makes sortable and searchable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.report.cells import NUMERIC, cell_kind, cells
from regviz.schema import TABLES
from regviz.text import count_noun, escape_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ROWS = 200
"""Rows of a table that a page shows unless told otherwise."""

_SAID = {(column.name, column.about) for table in TABLES.values() for column in table.columns}
_ABOUT = {name: about for name, about in _SAID if sum(name == other for other, _ in _SAID) == 1}


def html_table(
    rows: pd.DataFrame,
    *,
    caption: str,
    limit: int = ROWS,
    largest: str = "",
    command: str = "",
    sums: Sequence[str] = (),
) -> str:
    """A table with its caption and, where it shows only some of the rows, a note that says so.

    Columns without any value are named instead of shown.

    Parameters
    ----------
    rows : pandas.DataFrame
    caption : str
        What the table holds.
    limit : int
        The most rows that are shown.
    largest : str
        A column: the rows where it is largest come first. Left out, the order stays.
    command : str
        The command that prints every row, named in the note.
    sums : sequence of str
        Columns of numbers that add up: those of the rows that are not shown are summed in a last row.

    Examples
    --------
    >>> import pandas as pd
    >>> page = html_table(pd.DataFrame({"tag": ["a", "b", "c"]}), caption="Tags", limit=2)
    >>> page[page.index('<p class="note">') :]
    '<p class="note">Shown are the first 2 of 3 rows.</p></div>'
    """
    if not len(rows):
        return f'<p class="rv-empty">{escape_html(caption)}: none.</p>'
    if largest:
        rows = rows.sort_values(largest, ascending=False, kind="stable", na_position="last")
    empty = [name for name in rows.columns[1:] if rows[name].isna().all()]
    shown = rows.drop(columns=empty).head(limit)
    label, count = escape_html(caption), count_noun(len(rows), "row")
    if empty:
        count += f"; no values in {escape_html(', '.join(map(readable, empty)))}"
    return (
        f'<div class="rv-table"><p class="head"><b>{label}</b> <span>{count}</span></p>'
        f'<div class="scroll" role="group" aria-label="{label}" tabindex="0">'
        f'<table aria-label="{label}" data-rows="{len(rows)}">'
        f"<thead><tr>{_heads(shown)}</tr></thead><tbody>{_body(shown)}</tbody>{_foot(rows, shown, sums)}</table></div>"
        f"{_note(len(shown), len(rows), largest, command)}</div>"
    )


def _heads(rows: pd.DataFrame) -> str:
    return "".join(
        f'<th scope="col"{_head_class(name, rows[name])}{_said(name, rows[name])}{_about(name)}>'
        f"{escape_html(readable(name))}</th>"
        for name in rows.columns
    )


def readable(column: str) -> str:
    """A column's name as words.

    Examples
    --------
    >>> readable("exclusive_bytes"), readable("os")
    ('exclusive bytes', 'OS')
    """
    return "OS" if column == "os" else column.replace("_", " ")


def _head_class(name: str, values: pd.Series[Any]) -> str:
    return ' class="n"' if cell_kind(name, values) in NUMERIC else ""


def _said(name: str, values: pd.Series[Any]) -> str:
    """For a script that writes the rows down: the column's own name, and what its words cannot tell."""
    own = f' data-name="{escape_html(name)}"' if readable(name) != name else ""
    return f'{own} data-kind="flag"' if cell_kind(name, values) == "flag" else own


def _about(name: str) -> str:
    return f' title="{escape_html(_ABOUT[name])}"' if name in _ABOUT else ""


def _body(rows: pd.DataFrame) -> str:
    columns = [cells(rows[name], cell_kind(name, rows[name])) for name in rows.columns]
    return "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))


def _foot(rows: pd.DataFrame, shown: pd.DataFrame, sums: Sequence[str]) -> str:
    """What the rows that are not shown add up to."""
    if not sums or len(shown) == len(rows):
        return ""
    rest = rows.iloc[len(shown) :]
    row = []
    for name in shown.columns:
        kind = cell_kind(name, rows[name])
        said = cells(rest[[name]].sum()[[name]].astype(rows[name].dtype), kind)[0] if name in sums else "<td></td>"
        row.append(said)
    row[0] = f'<th scope="row">{count_noun(len(rest), "other")}</th>'
    return f"<tfoot><tr>{''.join(row)}</tr></tfoot>"


def _note(shown: int, there: int, largest: str, command: str) -> str:
    if shown == there:
        return ""
    order = f", by {readable(largest)}" if largest else ""
    every = f" The other {there - shown:,} are in the output of <code>{escape_html(command)}</code>." if command else ""
    return f'<p class="note">Shown are the first {shown:,} of {there:,} rows{order}.{every}</p>'
