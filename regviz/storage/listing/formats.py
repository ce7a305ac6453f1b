"""Which listing a file is, told by its first records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.errors import NotRecognisedError
from regviz.storage.listing.columnar import parse_find, parse_s3_ls
from regviz.storage.listing.drawn import depth_and_name, is_drawn
from regviz.storage.listing.lines import of_gsutil, of_ls, of_rclone, of_tar, parse_each, parse_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.storage.listing.records import Parsed, Records

RECOMMENDED = r"find ROOT -printf '%y %s %T@ %p\0'"
_LOOKED_AT = 1000
_ENOUGH, _SOME = 0.9, 0.1
_FIND = re.compile(rb"[fdlbcpsDNU?]([ \t])\d+\1-?\d+(?:\.\d+)?\1.+", re.DOTALL)
_S3 = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [ \d]{9}\d+ .+", re.DOTALL)
_PATH = re.compile(rb"\.|\.?\.?/?(?:[^\x00-\x1f\x7f/]+/)+(?:[^\x00-\x1f\x7f/]+)?|/?[^\x00-\x1f\x7f/ ]+", re.DOTALL)
_ROUNDED = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+(?:\.\d+)? (?:Bytes|[KMGTP]iB) .+|[-dl][rwxsStT-]{9}.* \d+(?:\.\d)?[KMGT] .+",
    re.DOTALL,
)
_PREFIX = re.compile(rb" +PRE .+/")
_TOTAL = re.compile(rb"total \d+")


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of listing.

    Attributes
    ----------
    name : str
        The command that writes it.
    matches : callable
        Whether a record is one of it.
    parse : callable or None
        Makes columns of records; None for a drawn tree, whose lines depend on those before.
    knows_sizes : bool
        Whether it says lengths.
    """

    name: str
    matches: Callable[[bytes], object]
    parse: Callable[[Records], Parsed] | None
    knows_sizes: bool = True


def _is_path(record: bytes) -> bool:
    return _PATH.fullmatch(record) is not None and record != b".."


FORMATS = (
    Format("find -printf '%y %s %T@ %p'", _FIND.fullmatch, lambda records: parse_find(records, b" ")),
    Format("aws s3 ls --recursive", _S3.fullmatch, parse_s3_ls),
    Format("tar -tv", of_tar, lambda records: parse_each(records, of_tar)),
    Format("find -ls", of_ls, lambda records: parse_each(records, of_ls)),
    Format("gsutil ls -lr", of_gsutil, lambda records: parse_each(records, of_gsutil)),
    Format("rclone lsl", of_rclone, lambda records: parse_each(records, of_rclone)),
    Format("a drawn tree", is_drawn, None, knows_sizes=False),
    Format("paths, as find and tar -t print them", _is_path, parse_paths, knows_sizes=False),
)
_FIND_TABS = Format(FORMATS[0].name, _FIND.fullmatch, lambda records: parse_find(records, b"\t"))


@dataclass(frozen=True, slots=True)
class Told:
    """How a listing is to be read.

    Attributes
    ----------
    format : Format
    end : bytes
        What ends a record.
    dos : bool
        Whether lines end as Windows writes them.
    """

    format: Format
    end: bytes
    dos: bool


def tell(head: bytes, name: str, *, is_whole: bool) -> Told | None:
    """What the beginning of a file shows it to be; None where nothing speaks for a listing.

    Parameters
    ----------
    head : bytes
        Without a byte order mark.
    name : str
        What to call the file.
    is_whole : bool
        Whether nothing follows.

    Raises
    ------
    NotRecognisedError
        It is a listing that cannot be read: of several kinds, of rounded lengths, of one directory only.
    """
    end = b"\0" if b"\0" in head else b"\n"
    records = head.split(end)
    if not is_whole or not records[-1]:
        records.pop()  # it may go on
    dos = end == b"\n" and bool(records) and all(record.endswith(b"\r") for record in records)
    records = [record.removesuffix(b"\r") if dos else record for record in records[:_LOOKED_AT]]
    records = [record for record in records if record.strip()]
    if not records:
        return None
    if any(map(_ROUNDED.fullmatch, records[:50])):
        raise NotRecognisedError(
            f"{name} is a listing with rounded lengths (KiB, M): list again without --human-readable, -h"
        )
    if any(map(_PREFIX.fullmatch, records[:50])):
        raise NotRecognisedError(f"{name} lists one level of a bucket (PRE): list again with aws s3 ls --recursive")
    if any(map(_TOTAL.fullmatch, records)):
        raise NotRecognisedError(f"{name} is what ls -l writes of single directories: list again with {RECOMMENDED}")
    formats = FORMATS if end == b"\n" else (FORMATS[0], FORMATS[-1])
    counts = [_count(format_, records) for format_ in formats]
    best = max(range(len(formats) - 1), key=counts.__getitem__)
    if counts[best] >= _ENOUGH * len(records):
        chosen = formats[best]
        return Told(_FIND_TABS if chosen is FORMATS[0] and _has_tabs(records) else chosen, end, dos)
    if counts[best] >= _SOME * len(records):
        raise NotRecognisedError(
            f"{name} is no listing of one kind: of its first {len(records):,} records {counts[best]:,} are those of "
            f"{formats[best].name}, and the others are not; list again with {RECOMMENDED}"
        )
    are_paths = counts[-1] >= _ENOUGH * len(records) and _speaks_for_paths(records)  # nearly anything may be one
    return Told(formats[-1], end, dos) if are_paths else None


def _count(format_: Format, records: list[bytes]) -> int:
    """How many records are of a format; the first line of a drawn tree is its root, whatever it is called."""
    count = sum(map(bool, map(format_.matches, records)))
    if format_.parse is None:
        if not any(said and said[0] for said in map(depth_and_name, records)):
            return 0
        count += not format_.matches(records[0])
    return count


def _speaks_for_paths(records: list[bytes]) -> bool:
    """Anything may be a path; most of a listing's have several parts."""
    return 2 * sum(b"/" in record.strip(b"/") for record in records) >= len(records)


def _has_tabs(records: list[bytes]) -> bool:
    match = next(filter(None, map(_FIND.fullmatch, records)))
    return bool(match[1] == b"\t")
