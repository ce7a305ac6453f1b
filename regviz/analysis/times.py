"""When things came: by the storage's own times where these are evidence, else by what images say.

An image's `created` is what its builder wrote. Builds that shall give the same bytes again write 1970 or 1980, and a
clock may be wrong, so nothing before Docker's first release and nothing after the reading counts as a time, whoever
says it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regviz.analysis.reach import columns, rows_of
from regviz.errors import RegvizError
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers, Reach
    from regviz.registry import Registry

    Times = NDArray[np.int64]
    Key = tuple[str | None, str | None]

Period = Literal["day", "week", "month", "year"]
FORMATS: dict[Period, str] = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}
FIRST = dt.datetime(2013, 3, 20, tzinfo=dt.UTC)
"""Docker's first public release: an image that says it is older does not say when it was made."""
BASES = (None, "pushed", "created")
"""What a time rests on, by its code: nothing, the storage's file times, what images say."""
NONE, PUSHED, CREATED = range(3)
_SKEW = dt.timedelta(days=1)
_DAY = 86_400_000_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Moments:
    """Times in µs (`NA_INT` where there is none), and what each rests on: a code of `BASES`."""

    when: Times
    basis: NDArray[np.int8]

    def periods(self, by: Period) -> tuple[list[Key], Numbers]:
        """The distinct periods with what they rest on, in order, those of NA last; and the place of each time there."""
        if by not in FORMATS:
            raise RegvizError(f"there is no period {by!r}; give one of {', '.join(FORMATS)}")
        days = np.where(self.when == NA_INT, _NEVER, self.when // _DAY)  # a period is some days, in UTC
        distinct, place = np.unique(days, return_inverse=True)
        names = [None if day == _NEVER else utc(day * _DAY).strftime(FORMATS[by]) for day in distinct.tolist()]
        order = sorted({name for name in names if name is not None})
        rank_of = {name: rank for rank, name in enumerate(order)}
        rank = np.array([len(order) if name is None else rank_of[name] for name in names], np.int64)
        code = np.append(rank, 0)[place] * len(BASES) + self.basis
        used, place = np.unique(code, return_inverse=True)
        periods = [*order, None]
        return [(periods[each // len(BASES)], BASES[each % len(BASES)]) for each in used.tolist()], place

    def followed_by(self, others: Moments) -> Moments:
        """These, and then the others."""
        return Moments(np.concatenate([self.when, others.when]), np.concatenate([self.basis, others.basis]))


def tag_moments(reg: Registry, reached: Reach) -> Moments:
    """When each tag was last pushed, or else its manifest stored; else when the newest of its images was made."""
    pushed, stored = _true(reg, "tags", "pushed_at"), _true(reg, "blobs", "stored_at")
    rows = rows_of(columns(reg, "tags")["manifest"], columns(reg, "blobs")["blob"])
    came = np.append(stored, NA_INT)[rows]
    made = _latest(reached.tag_manifests, _true(reg, "manifests", "created_at"))
    return _first_known(np.where(pushed == NA_INT, came, pushed), made)


def blob_moments(reg: Registry, reached: Reach) -> Moments:
    """When each blob came.

    When it was stored, as its file says; else when the first manifest that has it was linked or tagged; else when the
    first of these images was made.
    """
    manifest = columns(reg, "manifests")["manifest"]
    pushed = np.full(len(manifest), _NEVER, np.int64)
    for table, times in (("repository_manifests", "linked_at"), ("tags", "pushed_at")):
        lines = rows_of(columns(reg, table)["manifest"], manifest)
        pushed = np.minimum(pushed, _first(lines, _true(reg, table, times), len(manifest)))
    made = _true(reg, "manifests", "created_at")
    made = np.where(made == NA_INT, _latest(reached.descend(reached.child_manifests), made), made)
    owners, stored = reached.manifest_blobs.tocoo(), _true(reg, "blobs", "stored_at")
    pushed[pushed == _NEVER] = NA_INT
    linked, built = (_first(owners.col, times[owners.row], len(stored)) for times in (pushed, made))
    return _first_known(
        np.where((stored == NA_INT) & (linked != _NEVER), linked, stored), np.where(built == _NEVER, NA_INT, built)
    )


def _true(reg: Registry, table: str, name: str) -> Times:
    """Times of a column; NA where they cannot be true."""
    said = np.asarray(columns(reg, table)[name], np.int64)
    believed = (said >= micros(FIRST)) & (said <= micros(reg.source.read_at + _SKEW))
    return np.where(believed, said, NA_INT)


def _first_known(pushed: Times, made: Times) -> Moments:
    basis = np.where(pushed != NA_INT, PUSHED, np.where(made != NA_INT, CREATED, NONE)).astype(np.int8)
    return Moments(np.where(pushed != NA_INT, pushed, made), basis)


def _latest(matrix: Incidence, times: Times) -> Times:
    """For each row the latest time of its columns; `NA_INT`, the smallest number, is never later."""
    found, entries = np.full(matrix.shape[0], NA_INT, np.int64), matrix.tocoo()
    np.maximum.at(found, entries.row, times[entries.col])
    return found


def _first(rows: NDArray[Any], times: Times, count: int) -> Times:
    """For each of `count` rows the first of its times; `_NEVER` where it has none."""
    found, known = np.full(count, _NEVER, np.int64), (rows >= 0) & (times != NA_INT)
    np.minimum.at(found, rows[known], times[known])
    return found


def micros(moment: dt.datetime) -> int:
    """A time as a number of µs."""
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))


def utc(micros: int) -> dt.datetime:
    """A time in µs."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)


def latest_moment(reg: Registry) -> dt.datetime | None:
    """When the last thing was stored, linked or tagged, as the storage's own times say."""
    named = (("blobs", "stored_at"), ("repository_manifests", "linked_at"), ("tags", "pushed_at"))
    latest = max((int(at.max()) for at in (_true(reg, *each) for each in named) if len(at)), default=int(NA_INT))
    return None if latest == NA_INT else utc(latest)
