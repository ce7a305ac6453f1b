"""Columns of a Registry as lists of Python values, None for NA."""

from __future__ import annotations

import datetime as dt
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.schema import NA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from regviz.registry import Registry
    from regviz.schema import Kind

    Array = NDArray[Any]


def texts(registry: Registry, kind: Kind, codes: Array) -> list[str | None]:
    """Texts of codes; each different one is made once."""
    used = np.unique(codes)
    used = used[used >= 0]
    said: list[str | None] = [*registry.code_texts(kind, used), None]
    places = np.where(codes >= 0, np.searchsorted(used, codes), len(used))
    return [said[place] for place in places.tolist()]


def numbers(values: Array, kind: Kind) -> list[int | None]:
    """Counts or bytes."""
    missing = values == NA[kind]
    found: list[int | None] = values.tolist()
    for row in np.flatnonzero(missing).tolist():
        found[row] = None
    return found


def flags(values: Array) -> list[bool | None]:
    """Flags."""
    return [(False, True, None)[value] for value in values.tolist()]


def moments(values: Array) -> list[dt.datetime | None]:
    """Times, in UTC; None too where the year is beyond what Python's datetime holds."""
    return [
        moment.replace(tzinfo=dt.UTC) if isinstance(moment, dt.datetime) else None
        for moment in values.view("M8[us]").tolist()
    ]


def grouped(owners: Array, members: Array) -> tuple[Array, Array, Array]:
    """Distinct pairs: the owners in order, where the members of each end, and the members in order."""
    order = np.lexsort((members, owners))
    owners, members = owners[order], members[order]
    new = np.ones(len(owners), np.bool_)
    new[1:] = (owners[1:] != owners[:-1]) | (members[1:] != members[:-1])
    owners, members = owners[new], members[new]
    new = np.ones(len(owners), np.bool_)
    new[1:] = owners[1:] != owners[:-1]
    heads = np.flatnonzero(new)
    return owners[heads], np.append(heads[1:], len(owners))[: len(heads)], members


@contextmanager
def without_collector() -> Iterator[None]:
    """Suspend the collector of cycles: it doubles the time of making millions of containers that stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
