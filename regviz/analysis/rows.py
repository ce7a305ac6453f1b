"""Rows chosen by repository, tag and time of push; the accounting behind a table always knows the whole registry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from regviz.errors import NotKnowableError, RegvizError
from regviz.text import is_like

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    Moment = str | dt.date | pd.Timestamp

_TIMES = ("pushed_at", "last_pushed", "last_pushed_at", "since")


def choose_rows(
    table: pd.DataFrame,
    *,
    repositories: str | Iterable[str] | None = None,
    tag: str | re.Pattern[str] | None = None,
    pushed_from: Moment | None = None,
    pushed_before: Moment | None = None,
    tags: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Choose rows of a table: those to which all that is said applies.

    Rows are chosen, numbers stay: what a repository has exclusively does not change because another is not shown.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns that are asked for: ``repository``, ``tag``, and a time of push.
    repositories : str or iterable of str, optional
        Rows of repositories like one of these globs; ``library/`` may be left out.
    tag : str or re.Pattern, optional
        Rows in whose tag this regular expression is found.
    pushed_from, pushed_before : str, date or Timestamp, optional
        Rows pushed at this moment or later, and before that one; a day begins at midnight UTC. A row whose time is not
        known is not chosen.
    tags : pandas.DataFrame, optional
        Rows of tags that are in this table, such as some of `reg.tags`; of a table without tags, rows of
        repositories that are in it.

    Returns
    -------
    pandas.DataFrame
        The rows in their order, with the table's columns, index and ``attrs``.

    Raises
    ------
    NotKnowableError
        The time of no row is known.
    RegvizError
        The table has nothing to choose by, a pattern is no regular expression, or a time is none.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> tags = choose_rows(reg.tags, repositories="team/*", tag=r"^1\.0$")
    >>> tags[["repository", "tag"]].astype(str).agg(":".join, axis=1).tolist()
    ['team/api:1.0', 'team/web:1.0']
    >>> len(choose_rows(rv.sizes(reg, by="tag"), tags=tags)) == len(tags)
    True
    """
    chosen = pd.Series(True, index=table.index)
    if repositories is not None:
        globs = [repositories] if isinstance(repositories, str) else list(repositories)
        chosen &= _each(table, "repository", lambda name: is_like(name, globs))
    if tag is not None:
        try:
            search = re.compile(tag).search
        except re.error as error:
            raise RegvizError(f"{tag!r} is no regular expression: {error}") from None
        chosen &= _each(table, "tag", lambda name: bool(search(name)))
    if tags is not None:
        chosen &= _among(table, tags)
    if pushed_from is not None or pushed_before is not None:
        pushed = _times(table)
        if pushed_from is not None:
            chosen &= (pushed >= _moment(pushed_from)).fillna(False)
        if pushed_before is not None:
            chosen &= (pushed < _moment(pushed_before)).fillna(False)
    found = table[chosen.to_numpy(dtype=bool)]
    found.attrs = dict(table.attrs)
    return found


def _each(table: pd.DataFrame, column: str, wanted: Callable[[str], bool]) -> pd.Series[bool]:
    """What is found for each name of a column; each name is looked at once."""
    _require(table, column)
    found = {name: wanted(name) for name in table[column].dropna().astype(str).unique()}
    return table[column].astype(object).map(found).fillna(False).astype(bool)


def _among(table: pd.DataFrame, tags: pd.DataFrame) -> pd.Series[bool]:
    _require(table, "repository")
    by = ["repository", "tag"] if "tag" in table.columns else ["repository"]
    keys = pd.MultiIndex.from_frame(tags[by].astype(object))
    return pd.Series(pd.MultiIndex.from_frame(table[by].astype(object)).isin(keys), index=table.index)


def _times(table: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    column = next((name for name in _TIMES if name in table.columns), None)
    if column is None:
        raise RegvizError(
            "a row of this table has no time of a push; choose from reg.tags first, and give those as tags="
        )
    if len(table) and table[column].isna().all():
        raise NotKnowableError(
            "this source does not tell when its tags were pushed; read the storage itself, or an archive that keeps "
            "its files' times, or choose by name"
        )
    return table[column]


def _moment(said: Moment) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(said)
    except ValueError:
        raise RegvizError(f"{said!r} is no time; give for example '2014-05-01'") from None
    if pd.isna(moment):
        raise RegvizError(f"{said!r} is no time; give for example '2014-05-01'")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _require(table: pd.DataFrame, column: str) -> None:
    if column not in table.columns:
        raise RegvizError(
            f"{column} cannot choose here: a row of this table belongs to no {column}; it has the columns "
            f"{', '.join(map(str, table.columns))}"
        )
