"""A listing alone as a storage: names, and where the listing says them lengths and times; no content can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import numpy as np

from regviz.errors import DamagedArchiveError, NotRecognisedError
from regviz.storage.base import FILE, UNREAD, Columns, Counted, Entries, StorageProblem
from regviz.storage.listing.drawn import Drawing
from regviz.storage.listing.formats import RECOMMENDED, Told, tell
from regviz.storage.listing.records import Parsed, count_records, count_texts, read_records
from regviz.storage.listing.s3 import MANIFEST_LIMIT, Inventory, is_inventory, is_object_list, read_object_list
from regviz.storage.spans import Spans
from regviz.storage.tar import below_root
from regviz.text import count_noun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regviz.storage.tar import Source

__all__ = ["RECOMMENDED", "Listing", "open_listing"]

_HEAD = 1 << 18
_BOM, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_SLASH, _DOT = ord("/"), ord(".")
_UP = re.compile(rb"(?:\./)*(?:\.\./)+")
_TOO_MUCH = 0.1


class Reader(Protocol):
    """What reads a listing of one kind.

    Attributes
    ----------
    name : str
        The command that writes it.
    knows_sizes : bool
        Whether it says lengths.
    """

    name: str
    knows_sizes: bool

    def read(self) -> Iterator[Parsed]:
        """The entries, some at a time, from the beginning."""

    def count(self) -> int:
        """How many records there are; nothing is parsed."""

    def left_out(self) -> int:
        """How often it said that it leaves something out."""


def open_listing(source: Source, *, partial: bool = False) -> Listing | None:
    """The listing that a file holds; None where nothing speaks for one.

    Raises
    ------
    NotRecognisedError
        It is a listing that cannot be read; the message says how to list again.
    """
    head = source.read_at(0, _HEAD)
    source.rewind()
    if head.startswith(_UTF16):
        raise NotRecognisedError(f"{source.name} is text in UTF-16, as PowerShell writes it: write it again as UTF-8")
    start = len(_BOM) if head.startswith(_BOM) else 0
    if is_inventory(head):
        content = source.read_at(0, MANIFEST_LIMIT)
        return Listing(source.name, _InventoryReader(Inventory(source.name, content[start:])), partial=partial)
    if is_object_list(head[start:]):
        return Listing(source.name, _ObjectReader(source, start), partial=partial)
    if head[start:].startswith(b'"') and b'","' in head[:1000]:
        raise NotRecognisedError(
            f"{source.name} may be a file of an S3 Inventory, which does not say what its columns are: "
            "give the manifest.json of the inventory"
        )
    told = tell(head[start:], source.name, is_whole=len(head) < _HEAD)
    return None if told is None else Listing(source.name, _RecordReader(source, start, told), partial=partial)


class _InventoryReader:
    name = "S3 Inventory"

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self.knows_sizes = inventory.knows_sizes

    def read(self) -> Iterator[Parsed]:
        return self._inventory.read()

    def count(self) -> int:
        return self._inventory.count()

    def left_out(self) -> int:
        return 0


class _ObjectReader:
    name = "aws s3api list-objects-v2"
    knows_sizes = True

    def __init__(self, source: Source, start: int) -> None:
        self._source, self._start = source, start

    def read(self) -> Iterator[Parsed]:
        return read_object_list(self._source, self._start)

    def count(self) -> int:
        return count_texts(self._source, b'"Key":', self._start)

    def left_out(self) -> int:
        return 0


class _RecordReader:
    def __init__(self, source: Source, start: int, told: Told) -> None:
        self._source, self._start, self._told = source, start, told
        self.name, self.knows_sizes = told.format.name, told.format.knows_sizes
        self._drawing = Drawing()

    def read(self) -> Iterator[Parsed]:
        told = self._told
        blocks = read_records(self._source, told.end, self._start, dos=told.dos)
        if told.format.parse is not None:
            yield from map(told.format.parse, blocks)
            return
        self._drawing = drawing = Drawing()
        for records in blocks:
            yield from drawing.parse(records)
        yield drawing.finish()

    def count(self) -> int:
        return count_records(self._source, self._told.end, self._start)

    def left_out(self) -> int:
        return self._drawing.elided


class Listing:
    """What a listing names.

    Attributes
    ----------
    reader : Reader
        What reads it.
    """

    walkable = False
    by_path = False
    forward_only = False
    knows_disk = False
    names_only = True

    def __init__(self, path: str, reader: Reader, *, partial: bool = False) -> None:
        self.uri = path
        self.reader = reader
        self.complete = True
        self._path, self._partial = path, partial
        self.problems: dict[StorageProblem, None] = {
            StorageProblem("listing-only", b"", f"it is what {reader.name} writes"): None
        }

    def entries(self) -> Iterator[Entries]:
        """Everything that is named, in the listing's order."""
        understood = lost = 0
        try:
            lead: bytes | None = None
            for part in self.reader.read():
                if lead is None and len(part.types):
                    lead = _lead(part.paths[0])
                understood += len(part.types) + part.passed
                lost += part.lost
                if len(part.types):
                    yield Entries(self._columns(part, lead or b""))
        except DamagedArchiveError as error:
            if not self._partial:
                raise
            self.complete = False
            self.problems[StorageProblem("archive-truncated", b"", str(error))] = None
        self._hold(understood, lost)

    def count_objects(self) -> Counted:
        """The records, without a look into them."""
        try:
            return Counted(self.reader.count(), exact=True, how="its records were counted")
        except DamagedArchiveError as error:
            return Counted(0, exact=False, how=f"at least: {error}")

    def link_target(self, path: bytes) -> bytes | None:
        """Where links lead is not asked of listings."""
        del path
        return None

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Nothing can be read."""
        del sizes, limit
        return ((number, None) for number in range(len(locators)))

    def _columns(self, part: Parsed, lead: bytes) -> Columns:
        count = len(part.types)
        columns = Columns(
            _without_slashes(_without(part.paths, lead)),
            part.types,
            part.sizes,
            part.mtimes,
            np.full(count, -1, np.int64),
            np.where((part.types == FILE) & (part.sizes == 0), 0, -1),
            UNREAD,
        )
        return below_root(columns, self._escapes)

    def _escapes(self, path: bytes) -> None:
        self.problems[StorageProblem("path-escapes", path, "it leads out of what is listed")] = None

    def _hold(self, understood: int, lost: int) -> None:
        """Say what was not understood; a file of which that is much is no listing of one kind."""
        if lost > _TOO_MUCH * (understood + lost):
            raise NotRecognisedError(
                f"{self._path} begins as {self.reader.name} writes it, and {lost:,} of its {understood + lost:,} "
                f"records are something else; list again with {RECOMMENDED}"
            )
        said = [f"{count_noun(lost, 'record')} of {understood + lost:,} not understood"] if lost else []
        if left_out := self.reader.left_out():
            said.append(f"it says {count_noun(left_out, 'time')} that it leaves something out")
        if said:
            self.complete = False
            self.problems[StorageProblem("listing-records", b"", "; ".join(said))] = None


def _lead(first: bytes) -> bytes:
    """What stands before all paths where the folder that was listed was named by the way up from another."""
    match = _UP.match(first + b"/")
    return match[0] if match else b""


def _without(paths: Spans, lead: bytes) -> Spans:
    """Paths without what stands before them all; nothing is left of the folder that was listed."""
    if not lead:
        return paths
    cut = np.where(paths.start_with(lead)[0], len(lead), 0)
    is_folder = (paths.lengths == len(lead) - 1) & paths.start_with(lead[:-1])[0]
    return Spans(paths.data, np.where(is_folder, paths.stops - 1, paths.starts + cut), paths.stops)


def _without_slashes(paths: Spans) -> Spans:
    """Paths without one slash, or dot and slash, before them, and without one behind."""
    text = np.frombuffer(paths.data, np.uint8)
    starts, stops = paths.starts, paths.stops
    starts = starts + np.where(text[starts] == _SLASH, 1, 0)
    dotted = (stops - starts >= 2) & (text[starts] == _DOT) & (text[starts + 1] == _SLASH)
    starts = starts + 2 * dotted
    stops = stops - ((stops > starts) & (text[stops - 1] == _SLASH))
    return Spans(paths.data, starts, stops)
