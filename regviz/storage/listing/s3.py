"""What S3 itself writes: ``aws s3api list-objects-v2`` (JSON), and S3 Inventory (CSV files and a manifest).

Amazon S3 User Guide, "Amazon S3 Inventory": manifest.json lists the files and, as ``fileSchema``, the columns that they
have; a CSV file has no header, and its keys are URL-encoded. API Reference, ListObjectsV2: ``Contents``.
"""

from __future__ import annotations

import codecs
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import numpy as np

from regviz.errors import DamagedArchiveError, NotRecognisedError, SourceNotFoundError
from regviz.stamps import parse_stamps
from regviz.storage.base import BATCH, NO_SIZE
from regviz.storage.listing.columnar import of_keys
from regviz.storage.listing.lines import Entry, parsed
from regviz.storage.listing.records import BLOCK, PADDING, Parsed, count_records, numbers, read_blocks
from regviz.storage.spans import Spans
from regviz.storage.streams import GZIP, Stream, open_gzip
from regviz.storage.tar import PlainFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from regviz.storage.tar import Source

MANIFEST_LIMIT = 1 << 25
_LISTS = ('"Contents"', '"Versions"')
_MOST_FILES = 100_000
_LONGEST_OBJECT = 1 << 20
_OBJECTS = json.JSONDecoder()


def is_object_list(head: bytes) -> bool:
    """Whether a file begins as the answer of ``list-objects-v2``, or of ``list-object-versions``."""
    return head.lstrip()[:1] == b"{" and any(name.encode() in head for name in _LISTS)


def read_object_list(source: Source, start: int) -> Iterator[Parsed]:
    """The objects of such answers, one or more after each other, some at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text, found, lost, passed, inside = "", [], 0, 0, False
    for block in read_blocks(source, start):
        text += decoder.decode(block)
        at = 0
        while True:
            if not inside:
                at = _next_list(text, at)
                if at < 0:
                    text, at = text[-32:], 0  # a name may go on in the next block
                    break
                inside = True
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if at == len(text):
                break
            if text[at] != "{":
                inside = False
                continue
            try:
                value, at = _OBJECTS.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if len(text) - at <= _LONGEST_OBJECT:
                    break  # it goes on in the next block
                raise DamagedArchiveError(f"{source.name} lists what is no object ({error}): write it again") from error
            entry = _object(value)
            lost += entry is None
            passed += entry == ()
            if entry:
                found.append(entry)
            if len(found) >= BATCH:
                yield parsed(found, lost, passed)
                found, lost, passed = [], 0, 0
        text = text[at:]
    if inside:
        raise DamagedArchiveError(f"{source.name} breaks off within a list of objects: write it again")
    yield parsed(found, lost, passed)


def _next_list(text: str, at: int) -> int:
    """The place behind the bracket of the next list of objects; -1 where none begins."""
    places = [place + len(name) for name in _LISTS if (place := text.find(name, at)) >= 0]
    bracket = text.find("[", min(places)) if places else -1
    return bracket + 1 if bracket >= 0 else -1


def _object(value: Any) -> Entry | tuple[()] | None:
    """An object of a list; empty for a version that is not the latest, None for what is no object."""
    if not isinstance(value, dict) or not isinstance(value.get("Key"), str):
        return None
    if value.get("IsLatest") is False:
        return ()
    key, size, when = value["Key"].encode("utf-8", "surrogatepass"), value.get("Size"), value.get("LastModified")
    length = size if isinstance(size, int) and 0 <= size < 1 << 62 else NO_SIZE
    kind = int(key[-1:] == b"/")
    return Entry(key, kind, length, when if isinstance(when, str) else "")


def is_inventory(head: bytes) -> bool:
    """Whether a file is the manifest of an S3 Inventory."""
    return head.lstrip()[:1] == b"{" and b'"fileSchema"' in head and b'"files"' in head


class Inventory:
    """The files of an S3 Inventory, which lie beside its manifest or where the bucket had them.

    Parameters
    ----------
    path : str
        Of the manifest.
    content : bytes
    """

    def __init__(self, path: str, content: bytes) -> None:
        self._path = path
        try:
            said = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DamagedArchiveError(f"{path} is the manifest of an S3 Inventory, and no JSON ({error})") from error
        kind, schema = said.get("fileFormat"), said.get("fileSchema")
        if kind != "CSV" or not isinstance(schema, str):
            raise NotRecognisedError(
                f"{path} is the manifest of an S3 Inventory of {str(kind)[:20]!r} files: make one of CSV files"
            )
        self._columns = [name.strip() for name in schema.split(",")]
        if "Key" not in self._columns or len({*self._columns}) != len(self._columns):
            raise NotRecognisedError(f"{path} has a fileSchema without one Key: {schema[:200]!r}")
        files = said.get("files")
        keys = [file.get("key") for file in files if isinstance(file, dict)] if isinstance(files, list) else []
        self.files = [self._find(key) for key in keys[:_MOST_FILES] if isinstance(key, str)]
        self.knows_sizes = "Size" in self._columns

    def _find(self, key: str) -> str:
        parts = PurePosixPath(key).parts
        name, here = parts[-1] if parts else "", Path(self._path).absolute().parent
        near = [here / name, here / "data" / name, here.parent / "data" / name]
        # <prefix>/<bucket>/<configuration>/data/<file>: a manifest must not have any file of this machine read
        above = (here, *here.parents[: len(parts)]) if parts[-2:-1] == ("data",) else ()
        as_in_the_bucket = [place.joinpath(*parts) for place in above]
        if name.endswith((".csv", ".csv.gz")) and ".." not in parts and not PurePosixPath(key).is_absolute():
            for place in (*near, *as_in_the_bucket):
                if place.is_file() and not place.is_symlink():
                    return str(place)
        raise SourceNotFoundError(
            f"{self._path} lists {key!r}, which lies neither beside it nor in data/: fetch the inventory's files too"
        )

    def read(self) -> Iterator[Parsed]:
        """The objects, some at a time."""
        for path in self.files:
            yield from self._read(path)

    def count(self) -> int:
        """How many rows the files have."""
        return sum(count_records(self._opened(path), b"\n") for path in self.files)

    @staticmethod
    def _opened(path: str) -> Source:
        with open(path, "rb") as file:
            is_gzip = file.read(len(GZIP)) == GZIP
        return Stream(path, open_gzip) if is_gzip else PlainFile(path)

    def _read(self, path: str) -> Iterator[Parsed]:
        import pyarrow as pa
        from pyarrow import csv

        wanted = [
            name for name in ("Key", "Size", "LastModifiedDate", "IsLatest", "IsDeleteMarker") if name in self._columns
        ]
        odd = [0]

        def skip(row: object) -> str:
            del row
            odd[0] += 1
            return "skip"

        try:
            with csv.open_csv(
                path,
                read_options=csv.ReadOptions(column_names=self._columns, block_size=BLOCK, use_threads=False),
                parse_options=csv.ParseOptions(invalid_row_handler=skip),
                convert_options=csv.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.binary()), strings_can_be_null=False
                ),
            ) as reader:
                for batch in reader:
                    lost, odd[0] = odd[0], 0
                    yield _of_batch({name: _spans(batch.column(name)) for name in wanted}, lost)
        except (pa.ArrowInvalid, OSError) as error:
            raise DamagedArchiveError(f"{path} cannot be read as CSV ({str(error)[:200]}): fetch it again") from error


def _spans(column: pa.Array) -> Spans:
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return Spans((data.to_pybytes() if data is not None else b"") + PADDING, places[:-1], places[1:])


def _of_batch(said: dict[str, Spans], lost: int) -> Parsed:
    keys = _decoded(said["Key"])
    count = len(keys)
    chosen = keys.lengths > 0
    lost += int((~chosen).sum())
    for name, wanted in (("IsLatest", b"false"), ("IsDeleteMarker", b"true")):
        if name in said:
            chosen &= ~said[name].start_with(wanted)[0]
    sizes = np.full(count, NO_SIZE)
    if "Size" in said:
        told, good = numbers(said["Size"].data, said["Size"].starts, said["Size"].stops)
        sizes = np.where(good, told, NO_SIZE)
    mtimes = np.zeros(count, np.int64)
    if "LastModifiedDate" in said:
        times = parse_stamps([text.decode("ascii", "replace") for text in said["LastModifiedDate"].tolist()])
        mtimes = np.where(times == NO_SIZE, 0, times)
    passed = count - int(chosen.sum()) - int((keys.lengths == 0).sum())
    return of_keys(keys.take(chosen), sizes[chosen], mtimes[chosen], lost, passed)


def _decoded(keys: Spans) -> Spans:
    """Keys as they are in the bucket: they are URL-encoded, with ``+`` for a space."""
    text = np.frombuffer(keys.data, np.uint8)
    marks = np.flatnonzero((text == ord("%")) | (text == ord("+")))
    if not len(marks):
        return keys
    rows = np.unique(np.searchsorted(keys.stops, marks, "right"))
    return keys.replaced(rows, [unquote_to_bytes(key.replace(b"+", b" ")) for key in keys.take(rows).tolist()])
