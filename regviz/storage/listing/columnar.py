"""Listings of fixed fields, read as columns: ``find -printf '%y %s %T@ %p'`` and ``aws s3 ls --recursive``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK
from regviz.storage.listing.records import Parsed, numbers
from regviz.storage.spans import Spans, gather

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.storage.listing.records import Records

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_MICROSECONDS = 6
_MILLION = 10**_MICROSECONDS
_TYPES = np.full(256, 255, np.uint8)
_TYPES[np.frombuffer(b"fdl", np.uint8)] = (FILE, DIRECTORY, SYMLINK)
_TYPES[np.frombuffer(b"bcpsDNU?", np.uint8)] = OTHER
_S3_TIME = 20  # "2014-05-13 23:00:00 "
_S3_FIELD = 48
_S3_SHAPE = np.frombuffer(b"0000-00-00 00:00:00 ", np.uint8)
_SPACE, _DOT, _MINUS, _ZERO = b" .-0"


def parse_find(records: Records, separator: bytes) -> Parsed:
    r"""Records of ``find -printf '%y %s %T@ %p'``: type, length, seconds since 1970, path.

    Examples
    --------
    >>> from regviz.storage.listing.records import Records
    >>> said = parse_find(Records(Spans.of([b"f 71 1400000000.5000000000 ./a b/link", b"?"])), b" ")
    >>> said.paths.tolist(), said.sizes.tolist(), said.mtimes.tolist(), said.lost
    ([b'./a b/link'], [71], [1400000000500000], 1)
    """
    texts = records.texts
    data, starts, stops = texts.data, texts.starts, texts.stops
    buffer = np.frombuffer(data, np.uint8)
    places = np.append(np.flatnonzero(buffer == separator[0]), [len(data)] * 3)
    first = np.searchsorted(places, starts)
    one, two, three = places[first], places[first + 1], places[first + 2]
    types = _TYPES[buffer[starts]]
    good = (types != 255) & (one == starts + 1) & (three + 1 < stops)
    one, two, three = (np.where(good, place, starts) for place in (one, two, three))
    sizes, are_numbers = numbers(data, one + 1, two)
    mtimes, are_times = _times(data, two + 1, three)
    good &= are_numbers & are_times
    types, sizes = types[good], sizes[good]
    paths = Spans(data, three[good] + 1, stops[good])
    return Parsed(paths, types, np.where(types == FILE, sizes, 0), mtimes[good], int((~good).sum()) + records.lost)


def _times(data: bytes, starts: Numbers, stops: Numbers) -> tuple[Numbers, Flags]:
    """Seconds with a fraction as µs, rounded down; a time before 1970 too."""
    buffer = np.frombuffer(data, np.uint8)
    before = buffer[np.minimum(starts, len(buffer) - 1)] == _MINUS
    starts = starts + before
    width = min(int((stops - starts).max(initial=1)), 32)
    is_dot = gather(data, starts, max(width, 1)) == _DOT
    dots = starts + is_dot.argmax(axis=1)
    dots = np.where(is_dot.any(axis=1) & (dots < stops), dots, stops)
    whole, good = numbers(data, starts, dots)
    good &= whole < 1 << 42  # microseconds of any more do not fit
    ends = np.minimum(dots + 1 + _MICROSECONDS, stops)
    with_fraction = dots + 1 < stops
    digits = np.where(with_fraction, ends - dots - 1, 0)
    fraction, are_digits = numbers(data, np.where(with_fraction, dots + 1, starts), np.where(with_fraction, ends, dots))
    good &= are_digits
    fraction = np.where(with_fraction, fraction, 0) * 10 ** (_MICROSECONDS - digits)
    rest = stops > ends  # what is finer than that, rounded down
    finer = np.zeros(len(starts), np.bool_)
    if before.any():
        finer = np.array([rest[at] and data[ends[at] : stops[at]].strip(b"0") != b"" for at in range(len(starts))])
    times = np.where(before, -(whole * _MILLION + fraction) - finer, whole * _MILLION + fraction)
    return times, good


def parse_s3_ls(records: Records) -> Parsed:
    """Lines of ``aws s3 ls --recursive``: local time, length in at least ten columns, key.

    The time is that of the machine which asked, in a zone that it does not say, so it is not known.

    Examples
    --------
    >>> from regviz.storage.listing.records import Records
    >>> said = parse_s3_ls(Records(Spans.of([b"2014-05-13 23:00:00         71 a/ b.txt", b"Total Objects: 1"])))
    >>> said.paths.tolist(), said.sizes.tolist(), said.mtimes.tolist(), said.lost, said.passed
    ([b'a/ b.txt'], [71], [0], 0, 1)
    """
    texts = records.texts
    data, starts, stops = texts.data, texts.starts, texts.stops
    rows = gather(data, starts, _S3_FIELD)
    is_digit = rows - np.uint8(_ZERO) < 10
    shape = _S3_SHAPE == _ZERO
    good = np.asarray((is_digit[:, :_S3_TIME] == shape).all(axis=1), np.bool_)
    good &= np.asarray((rows[:, :_S3_TIME] == _S3_SHAPE)[:, ~shape].all(axis=1), np.bool_)
    is_space = rows[:, _S3_TIME:] == _SPACE
    begin = _S3_TIME + (~is_space).argmax(axis=1)
    behind = np.arange(_S3_TIME, _S3_FIELD) > begin[:, None]
    end = _S3_TIME + (is_space & behind).argmax(axis=1)
    good &= (end > begin) & (end - _S3_TIME >= 10) & (starts + end + 1 < stops)
    sizes, are_numbers = numbers(data, starts + begin, starts + np.where(end > begin, end, begin))
    good &= are_numbers
    passed = sum(_is_sum(texts[at]) for at in np.flatnonzero(~good).tolist())
    keys = Spans(data, starts[good] + end[good] + 1, stops[good])
    return of_keys(keys, sizes[good], np.zeros(len(keys), np.int64), int((~good).sum()) - passed + records.lost, passed)


def of_keys(keys: Spans, sizes: Numbers, mtimes: Numbers, lost: int = 0, passed: int = 0) -> Parsed:
    """Objects of a store; a key that ends in ``/`` is what some tools put there for a directory."""
    types = (
        np.where(keys.end_with(b"/")[0], np.uint8(DIRECTORY), np.uint8(FILE)) if len(keys) else np.empty(0, np.uint8)
    )
    return Parsed(keys, types, np.where(types == FILE, sizes, 0), mtimes, lost, passed)


def _is_sum(line: bytes) -> bool:
    """What ``--summarize`` writes at the end."""
    return line.strip().startswith((b"Total Objects:", b"Total Size:")) or not line.strip()
