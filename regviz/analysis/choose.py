"""Choosing tags to delete: by name, by pattern, all but the last few, by age, by repository."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pandas as pd

from regviz.analysis.reach import columns
from regviz.errors import NotKnowableError, RegvizError
from regviz.graph.values import texts
from regviz.schema import NA_INT
from regviz.text import is_like, near, parse_age

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from regviz.registry import Registry

    Mask = NDArray[np.bool_]

_MICROSECOND = dt.timedelta(microseconds=1)


class Choice(TypedDict, total=False):
    """Which tags to delete; see `choose_tags`."""

    tags: Iterable[str] | pd.DataFrame | None
    pattern: str | re.Pattern[str] | None
    keep_last: int | None
    older_than: dt.timedelta | str | None
    repositories: str | Iterable[str] | None
    keep: str | re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tags chosen for deletion.

    Attributes
    ----------
    tags : array of bool
        Rows of `Registry.tags` that were chosen.
    protected : array of bool
        Rows that `keep` protects, chosen otherwise or not.
    undated : array of bool
        Rows that only time could have chosen, and whose time is not known: they are kept.
    """

    tags: Mask
    protected: Mask
    undated: Mask


def choose_tags(
    reg: Registry,
    *,
    tags: Iterable[str] | pd.DataFrame | None = None,
    pattern: str | re.Pattern[str] | None = None,
    keep_last: int | None = None,
    older_than: dt.timedelta | str | None = None,
    repositories: str | Iterable[str] | None = None,
    keep: str | re.Pattern[str] | None = None,
    everything: bool = False,
) -> Chosen:
    """Choose the tags to which everything that is said applies.

    First come `tags`, `repositories` and `pattern`; what `keep` protects is taken out; of what is left, `keep_last`
    spares the youngest of each repository; of the rest, `older_than` spares what is younger.

    Parameters
    ----------
    reg : Registry
    tags : DataFrame or iterable of str, optional
        These tags: a table with the columns repository and tag, or references ``repository:tag``. A repository's
        ``library/`` may be left out.
    pattern : str or re.Pattern, optional
        Tags in which this regular expression is found.
    keep_last : int, optional
        All but the last so many tags of each repository, by when they were pushed. As young as the last of these is
        young enough.
    older_than : timedelta or str, optional
        Tags pushed longer ago than this (``"90d"``), counted from when the source was read.
    repositories : str or iterable of str, optional
        Tags of repositories like one of these globs.
    keep : str or re.Pattern, optional
        Protects tags in which this regular expression is found.
    everything : bool
        Whether to choose all tags, where nothing else is said.

    Returns
    -------
    Chosen

    Raises
    ------
    NotKnowableError
        Only time could choose, and the source does not know when tags were pushed.
    RegvizError
        Nothing was said; a tag is not there; a pattern is no regular expression; a number is below 0.

    Notes
    -----
    Age is that of the push, which the storage itself recorded, never that of the image: builders write what they
    like into ``created``, often 1970. A tag whose time is not known is kept, and counted.

    Examples
    --------
    ``nodejs`` has the tags 0.10, 20 and latest; ``latest`` is protected.

    >>> import regviz as rv
    >>> reg = rv.read()
    >>> chosen = choose_tags(reg, repositories="nodejs", keep="^latest$")
    >>> reg.tags[chosen.tags][["repository", "tag"]].to_numpy().tolist()
    [['library/nodejs', '0.10'], ['library/nodejs', '20']]
    """
    said = {"tags": tags, "pattern": pattern, "keep_last": keep_last, "older_than": older_than}
    if not everything and repositories is None and all(value is None for value in said.values()):
        raise RegvizError(
            f"no tag was chosen: give {', '.join(said)} or repositories "
            "(--tag, --keep-last, --older-than, --repository)"
        )
    held = columns(reg, "tags")
    repository, tag = (texts(reg, "name", held[name]) for name in ("repository", "tag"))
    mask = np.ones(len(tag), np.bool_)
    if tags is not None:
        mask &= _named(reg, repository, tag, tags)
    if repositories is not None:
        globs = [repositories] if isinstance(repositories, str) else list(repositories)
        mask &= np.array([is_like(str(name), globs) for name in repository], np.bool_)
    if pattern is not None:
        mask &= _matching(tag, pattern)
    protected = np.zeros(len(tag), np.bool_) if keep is None else _matching(tag, keep)
    mask &= ~protected
    undated = np.zeros(len(tag), np.bool_)
    if keep_last is not None or older_than is not None:
        _require_times(reg)
        pushed = held["pushed_at"]
        undated = mask & (pushed == NA_INT)
        mask &= ~undated
        if keep_last is not None:
            mask &= ~_youngest(held["repository"], pushed, mask, keep_last)
        if older_than is not None:
            mask &= pushed < _moment(reg) - _age(older_than) // _MICROSECOND
    return Chosen(mask, protected, undated)


def _named(
    reg: Registry, repository: list[str | None], tag: list[str | None], wanted: Iterable[str] | pd.DataFrame
) -> Mask:
    """The rows of tags that were named one by one."""
    if isinstance(wanted, str):
        wanted = [wanted]
    if isinstance(wanted, pd.DataFrame):
        wanted = (wanted["repository"].astype(str) + ":" + wanted["tag"].astype(str)).tolist()
    row_of = {f"{name}:{of}": row for row, (name, of) in enumerate(zip(repository, tag, strict=True))}
    mask = np.zeros(len(tag), np.bool_)
    for reference in wanted:
        row = row_of.get(reference, row_of.get(f"library/{reference}"))
        if row is None:
            raise RegvizError(f"{reference!r} is no tag of {reg.source.uri}{near(reference, row_of)}")
        mask[row] = True
    return mask


def _matching(tags: list[str | None], pattern: str | re.Pattern[str]) -> Mask:
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise RegvizError(f"{pattern!r} is no regular expression: {error}") from None
    return np.array([bool(search(str(tag))) for tag in tags], np.bool_)


def _require_times(reg: Registry) -> None:
    """Times of pushes must be known of at least some tags."""
    pushed = columns(reg, "tags")["pushed_at"]
    if len(pushed) and (pushed == NA_INT).all():
        raise NotKnowableError(
            f"{reg.source.uri} does not tell when its tags were pushed, and no other time may decide what is deleted. "
            "Read the storage itself, or an archive that keeps its files' times (with times=True, --times, if those of "
            "a copy are the true ones); or choose by name"
        )


def _youngest(repository: NDArray[np.int32], pushed: NDArray[np.int64], among: Mask, count: int) -> Mask:
    """Of the rows `among`, the last `count` of each repository, and what is as young as the last of these."""
    if count < 0:
        raise RegvizError(f"keep_last is {count}; give a number of tags, 0 or more")
    kept = np.zeros(len(among), np.bool_)
    rows = np.flatnonzero(among)
    if not count or not len(rows):
        return kept
    order = rows[np.lexsort((-pushed[rows], repository[rows]))]
    _, first, of = np.unique(repository[order], return_index=True, return_inverse=True)
    last = np.minimum(first + count, np.append(first[1:], len(order))) - 1
    kept[order] = pushed[order] >= pushed[order[last]][of]
    return kept


def _moment(reg: Registry) -> int:
    """When the source was read, in microseconds."""
    return (reg.source.read_at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // _MICROSECOND


def _age(age: dt.timedelta | str) -> dt.timedelta:
    try:
        found = parse_age(age) if isinstance(age, str) else age
    except ValueError as error:
        raise RegvizError(str(error)) from None
    if found < dt.timedelta(0):
        raise RegvizError(f"older_than is {found}, which lies in the future; give for example '90d'")
    return found
