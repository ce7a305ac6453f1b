"""Times as documents write them, as microseconds since 1970 (UTC)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import numpy as np

from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)
_USUAL = "0000-00-00T00:00:00"  # then a fraction of up to nine digits, and Z
_DIGITS = [place for place, sign in enumerate(_USUAL) if sign == "0"]
_MARKS = [place for place, sign in enumerate(_USUAL) if sign != "0"]
_WRITTEN = np.frombuffer(b"--T::", np.uint8)  # in the places of marks
_WIDTH, _LONGEST = 32, 30
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_YEAR_2 = (dt.datetime(2, 1, 1, tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_YEAR_10000 = (dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND + 1


def parse_stamps(texts: Sequence[str]) -> NDArray[np.int64]:
    """RFC 3339 times of any precision and offset, cut to microseconds.

    The year 1 is Go's "no time" and NA here, as is whatever is no time. Negative years and leap seconds are none.

    Examples
    --------
    >>> parse_stamps(["1970-01-01T00:00:01Z", "2013-06-13T14:03:50.821769-07:00"]).tolist()
    [1000000, 1371157430821769]
    >>> (parse_stamps(["0001-01-01T00:00:00Z", "soon"]) == NA_INT).tolist()
    [True, True]
    """
    texts = list(texts)
    result, usual = _parse_usual(*_grid(texts))
    for row in np.flatnonzero(~usual).tolist():
        result[row] = _parse(texts[row])
    return result


def _grid(texts: list[str]) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """The texts as bytes, and how long they are."""
    try:
        grid = np.array(texts, f"S{_WIDTH}")
    except UnicodeEncodeError:
        grid = np.array([text if text.isascii() else "" for text in texts], f"S{_WIDTH}")
    return grid, np.fromiter(map(len, texts), np.int64, len(texts))


def _parse_usual(grid: NDArray[np.bytes_], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of those texts that have the usual form, and which those are."""
    usual = _usual(grid, lengths)
    result = np.empty(len(grid), np.int64)
    try:
        moments = grid[usual].astype("S26").astype("datetime64[us]").astype(np.int64)
    except ValueError:  # one of them only looks like a time
        usual[:] = False
    else:
        result[usual] = np.where(moments < _YEAR_2, NA_INT, moments)
    return result, usual


def _usual(grid: NDArray[np.bytes_], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which texts have the usual form; these lose their Z."""
    raw = grid.view(np.uint8).reshape(-1, _WIDTH)
    last = lengths - 1
    last[(last < len(_USUAL)) | (last >= _LONGEST)] = 0  # no Z can stand there
    is_digit = raw - ord("0") < 10
    fraction = is_digit[:, len(_USUAL) + 1 :].argmin(axis=1)  # how many digits there are
    usual: NDArray[np.bool_] = is_digit[:, _DIGITS].all(axis=1) & (raw[:, _MARKS] == _WRITTEN).all(axis=1)
    usual &= raw[np.arange(len(raw)), last] == ord("Z")
    in_fraction = (raw[:, len(_USUAL)] == ord(".")) & (fraction > 0) & (fraction + len(_USUAL) + 1 == last)
    usual &= (last == len(_USUAL)) | in_fraction
    raw[usual, last[usual]] = 0
    return usual


def _parse(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None or match[1] == "0000":
        return int(NA_INT)
    try:
        moment = dt.datetime.fromisoformat(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}:{match[6]}+00:00")
    except ValueError:
        return int(NA_INT)
    micro = (moment - _EPOCH) // _MICROSECOND + int(((match[7] or "") + "000000")[:6])
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * 60_000_000
        micro += -offset if match[8] == "+" else offset
    return micro if _YEAR_2 <= micro < _YEAR_10000 else int(NA_INT)
