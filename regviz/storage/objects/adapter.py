"""What is asked of an implementation of fsspec: pages of a listing, and the beginning of an object."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray

    from regviz.storage.besides import Kept

_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


A_LINK, NO_FILE = -1, -2
"""Instead of a size: it is a symbolic link, or something else that no one reads."""


class Range(NamedTuple):
    """Keys behind `after`, and none behind `until`; where one is empty, there is no such bound."""

    after: str = ""
    until: str = ""


EVERYTHING = Range()


class Page(NamedTuple):
    """A part of a listing, as long as nobody keeps it."""

    keys: Sequence[str]
    sizes: Sequence[int]
    times: NDArray[np.int64]
    """Microseconds since 1970; 0 where the time is not known."""
    directories: Sequence[str]
    """Of a listing as far as the next slash: what more than one key may begin with, with that slash."""
    more: bool
    """There is another page."""


class StrangeListingError(Exception):
    """A server says that there is more and gives the same again, or gives what it was not asked for."""


class Adapter(Protocol):
    """One bucket, or what stands for one.

    Attributes
    ----------
    loop : event loop
        Where its coroutines run.
    has_ranges : bool
        It lists from any key to any other.
    """

    loop: asyncio.AbstractEventLoop
    has_ranges: bool

    def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        """Keys that begin so, in order; all of them, or those as far as the next slash."""

    async def read(self, key: str, count: int) -> bytes:
        """At most so many bytes from an object's beginning.

        Raises
        ------
        FileNotFoundError
            It is not there.
        """


class Versioned(Adapter, Protocol):
    """One that can tell what it keeps besides the objects that it lists."""

    async def multipart_uploads(self, prefix: str) -> Kept:
        """Multipart uploads that were neither completed nor aborted, and the bytes of their parts."""

    async def noncurrent_versions(self, prefix: str) -> Kept:
        """Versions of objects that were overwritten or deleted, and their bytes."""


def is_versioned(adapter: Adapter) -> TypeGuard[Versioned]:
    """Whether an adapter can tell what is kept besides."""
    return hasattr(adapter, "noncurrent_versions")


def microseconds(times: Sequence[Any]) -> NDArray[np.int64]:
    """Times as implementations give them: text (RFC 3339, in UTC), seconds or `datetime`; 0 for what is none.

    Examples
    --------
    >>> microseconds(["1970-01-01T00:00:01.5Z", datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC), 3.0, None]).tolist()
    [1500000, 2000000, 3000000, 0]
    """
    if times and all(isinstance(time, str) and _TEXT.fullmatch(time) for time in times):
        try:
            return np.array([time[:-1] for time in times], "datetime64[us]").astype(np.int64)
        except ValueError:
            pass  # a thirteenth month
    return np.array([_microseconds(time) for time in times], np.int64)


def _microseconds(time: Any) -> int:
    try:
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        if isinstance(time, datetime):
            whole = time.replace(microsecond=0, tzinfo=time.tzinfo or UTC).timestamp()
            return int(whole) * 1_000_000 + time.microsecond
        return int(float(time) * 1_000_000) if time else 0
    except (TypeError, ValueError, OverflowError):
        return 0
