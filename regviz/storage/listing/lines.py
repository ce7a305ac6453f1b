"""Listings whose lines are looked at one by one: paths, ``tar -tv``, ``find -ls``, ``gsutil ls -l``, ``rclone lsl``."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.stamps import parse_stamps
from regviz.storage.base import DIRECTORY, FILE, NO_SIZE, OTHER, SYMLINK
from regviz.storage.listing.records import PADDING, Parsed
from regviz.storage.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.storage.listing.records import Records

_KINDS = {b"-": FILE, b"C": FILE, b"h": FILE, b"d": DIRECTORY, b"l": SYMLINK}
_ESCAPED = re.compile(rb'\\([0-7]{3}|[abfnrtv\\ "])')
_ESCAPES = dict(zip(b'abfnrtv\\ "', b'\a\b\f\n\r\t\v\\ "', strict=True))
_MODE = rb"([-dlhbcpsCDMVSNL])[-rwxsStT]{9}[.+@]?"
_TAR = re.compile(
    _MODE + rb" +\S{1,256}/\S{1,256} +(\d+|\d+,\d+) \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)? (.+)", re.DOTALL
)
_CLOCK = rb"\d\d:\d\d(?::\d\d(?:\.\d+)?(?: [+-]\d{4})?)?"
_DAY = rb"(?:[A-Z][a-z]{2} +\d{1,2} +(?:\d\d:\d\d|\d{4,})|\d{4}-\d\d-\d\d(?: " + _CLOCK + rb")?)"
_LS = re.compile(rb"(?: *\d+ +\d+ )? *" + _MODE + rb" +\d+ +\S+ +\S+ +(\d+|\d+, *\d+) +" + _DAY + rb" (.+)", re.DOTALL)
_GSUTIL = re.compile(rb" *(\d+)  (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)  gs://[^/]+/(.+)", re.DOTALL)
_RCLONE = re.compile(rb" *(\d+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} (.+)", re.DOTALL)
_DIGITS = 18
_TOTAL = re.compile(rb"TOTAL: \d+ objects, \d+ bytes.*|total \d+")
_ALGORITHM, _HEX, _ID = rb"[a-z0-9+._-]+", rb"[0-9a-f]{32,}", rb"(?:[0-9a-f]{64}|[0-9a-f]{16})"
_FILES = re.compile(
    rb"(?:.*/)?(?:"
    rb"_(?:layers|manifests|referrers)/(?:.+/)?(?:current|[0-9a-f]{32,})/link"
    rb"|_uploads/[^/]+/(?:data|startedat|hashstates/[^/]+/\d+)"
    rb"|blobs/" + _ALGORITHM + rb"/[0-9a-f]{2}/" + _HEX + rb"/data"
    rb"|blobs/" + _ALGORITHM + rb"/" + _HEX + rb""
    rb"|images/" + _ID + rb"/[^/]+"
    rb"|repositories/[^/_][^/]*/[^/]+/(?:_index_images|_images_list|_private|json|tag_[^/]+|[^/]+_json)"
    rb"|" + _ID + rb"/(?:VERSION|json|layer\.tar)"
    rb"|oci-layout|index\.json|manifest\.json|repositories\.json|version|scheduler-state\.json"
    rb")",
    re.DOTALL,
)


class Entry(NamedTuple):
    """What a line says."""

    path: bytes
    kind: int
    size: int
    when: str = ""
    """Its time as RFC 3339 writes it, where the zone is known."""


def parse_paths(records: Records) -> Parsed:
    """Paths alone, as ``find``, ``find -print0``, ``tar -t`` and ``rclone lsf -R`` write them.

    They do not say what is a directory: what stands before its own entries is one, and what ends in ``/``. Of all
    others those are files that some layout keeps there.

    Examples
    --------
    >>> from regviz.storage.listing.records import Records
    >>> digest = b"ab" * 32
    >>> parse_paths(Records(Spans.of([b"blobs/sha256/ab/" + digest, b"images/" + digest + b"/json"]))).types.tolist()
    [1, 0]
    """
    paths = records.texts.tolist()
    types = [
        DIRECTORY if path[-1:] == b"/" or below.startswith(path + b"/") or not is_known_file(path) else FILE
        for path, below in pairwise([*paths, b""])
    ]
    kinds = np.array(types, np.uint8)
    sizes = np.where(kinds == FILE, np.int64(NO_SIZE), 0)
    return Parsed(records.texts, kinds, sizes, np.zeros(len(paths), np.int64), records.lost)


def is_known_file(path: bytes) -> bool:
    """Whether some layout keeps a file, and no directory, at a path like this."""
    return _FILES.fullmatch(path) is not None


def parse_each(records: Records, understand: Callable[[bytes], Entry | None]) -> Parsed:
    """Lines of which each is understood by itself."""
    found: list[Entry] = []
    lost, passed = records.lost, 0
    for line in records.texts.tolist():
        entry = understand(line)
        if entry is not None:
            found.append(entry)
        elif _TOTAL.fullmatch(line) or not line.strip():
            passed += 1
        else:
            lost += 1
    return parsed(found, lost, passed)


def parsed(found: list[Entry], lost: int, passed: int = 0) -> Parsed:
    """Entries as columns."""
    paths = Spans.of([entry.path for entry in found])
    paths = Spans(paths.data + PADDING, paths.starts, paths.stops)
    types, sizes = (np.array([entry[at] for entry in found], np.int64) for at in (1, 2))
    mtimes = parse_stamps([entry.when for entry in found])
    mtimes[mtimes == NO_SIZE] = 0  # the same number stands for no time
    return Parsed(paths, types.astype(np.uint8), np.where(types == FILE, sizes, 0), mtimes, lost, passed)


def of_tar(line: bytes) -> Entry | None:
    r"""A line of GNU tar's ``tar -tv``; its times are local, to the minute, in a zone that it does not say.

    Examples
    --------
    >>> of_tar(b"-rw-r--r-- root/root        71 2014-05-13 23:00 ./a\\\\b")
    Entry(path=b'./a\\b', kind=0, size=71, when='')
    """
    match = _TAR.fullmatch(line)
    return None if match is None else _entry(match[1], match[2], match[3])


def of_ls(line: bytes) -> Entry | None:
    """A line of ``find -ls``, of ``ls -l`` with whole paths, or of bsdtar's ``tar -tv``."""
    match = _LS.fullmatch(line)
    return None if match is None else _entry(match[1], match[2], match[3])


def of_gsutil(line: bytes) -> Entry | None:
    """A line of ``gsutil ls -lr``, whose times are in UTC.

    Examples
    --------
    >>> of_gsutil(b"        71  2014-05-13T23:00:00Z  gs://bucket/a")
    Entry(path=b'a', kind=0, size=71, when='2014-05-13T23:00:00Z')
    """
    match = _GSUTIL.fullmatch(line)
    return None if match is None else _object(match[3], match[1], match[2].decode())


def of_rclone(line: bytes) -> Entry | None:
    """A line of ``rclone lsl``, whose times are local.

    Examples
    --------
    >>> of_rclone(b"       71 2014-05-13 23:00:00.000000000 a/b c")
    Entry(path=b'a/b c', kind=0, size=71, when='')
    """
    match = _RCLONE.fullmatch(line)
    return None if match is None else _object(match[2], match[1], "")


def _object(key: bytes, size: bytes, when: str) -> Entry:
    return Entry(key, DIRECTORY if key[-1:] == b"/" else FILE, int(size) if len(size) <= _DIGITS else NO_SIZE, when)


def _entry(mode: bytes, size: bytes, path: bytes) -> Entry:
    kind = _KINDS.get(mode, OTHER)
    if kind == SYMLINK:
        path = path.partition(b" -> ")[0]
    if mode == b"h":
        path = path.rpartition(b" link to ")[0] or path
    path = _ESCAPED.sub(_unescaped, path) if b"\\" in path else path
    known = kind == FILE and mode != b"h" and len(size) <= _DIGITS
    return Entry(path, kind, int(size) if known else NO_SIZE)


def _unescaped(match: re.Match[bytes]) -> bytes:
    said = match[1]
    return bytes([int(said, 8) & 255 if len(said) > 1 else _ESCAPES[said[0]]])
