"""What a storage can do: walk, list flat, measure, read. Paths are bytes below the root, parts joined by ``/``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard

import numpy as np

from regviz.storage.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.native import Texts
    from regviz.native.directories import Repositories, Tags

FILE, DIRECTORY, SYMLINK, OTHER = 0, 1, 2, 3
MANIFEST_LIMIT = 4 << 20
"""Bytes of the largest document that is read: Distribution's own limit for a manifest (handlers/manifests.go)."""
INLINE = 512
BATCH = 8192
NO_SIZE = int(np.iinfo(np.int64).min)
"""The length of a file that a listing names without it; NA in tables."""
LARGE = bytes(INLINE)
"""Stands for the content of a file that should be small and is not: nobody takes it for good."""
UNREAD = b"(of this a listing has only the name)"
"""Stands for a content that the source does not have; told by identity."""


class Listing(NamedTuple):
    """What lies in one directory. A symbolic link stands in `links`, whatever it points to: none is followed."""

    directories: list[bytes]
    files: list[bytes]
    links: list[bytes]


class Stats(NamedTuple):
    """Facts on files, one element each; size -1 where there is no regular file."""

    sizes: NDArray[np.int64]
    mtimes: NDArray[np.int64]
    allocated: NDArray[np.int64]
    inodes: NDArray[np.int64]


class Whole(NamedTuple):
    """Contents of some files, and facts on them."""

    contents: Texts
    good: NDArray[np.bool_]
    """Which of those that were asked for these are."""
    facts: Stats


class Files(NamedTuple):
    """Three files that each of some directories may hold, named with the ``/`` before them."""

    document: bytes
    """It is read."""
    measured: bytes
    """Its facts are taken."""
    mark: bytes
    """Whether it is there."""


class Members(NamedTuple):
    """What was found of :class:`Files`, one element a directory; None where there was no document to read."""

    documents: list[bytes | None]
    facts: Stats
    marked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch of a flat listing as arrays, one element an entry.

    Attributes
    ----------
    paths : Spans
    types, sizes, mtimes, locators : arrays
        As the lists of :class:`Entries`.
    contents : array of int
        Where the content of a small file begins in the buffer of `paths`; -1 where it did not pass by.
    absent : bytes
        What stands for a content that did not pass by: `LARGE` or `UNREAD`.
    """

    paths: Spans
    types: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    mtimes: NDArray[np.int64]
    locators: NDArray[np.int64]
    contents: NDArray[np.int64]
    absent: bytes = LARGE

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """The entries at these rows."""
        return Columns(
            self.paths.take(rows),
            self.types[rows],
            self.sizes[rows],
            self.mtimes[rows],
            self.locators[rows],
            self.contents[rows],
            self.absent,
        )

    def content(self, at: int) -> bytes | None:
        """Content of one entry, where it passed by."""
        start = self.contents[at]
        return None if start < 0 else self.paths.data[start : start + self.sizes[at]]

    def small(self, at: int) -> bytes:
        """Content of a file that should be small; `absent` where it did not pass by."""
        content = self.content(at)
        return self.absent if content is None else content


class Entries:
    """A batch of a flat listing, one element an entry, in the storage's own order: as lists and as :meth:`columns`.

    A storage makes either, and the other is made of it when someone asks.

    Parameters
    ----------
    columns : Columns, optional
        What the lists say; without it they are empty, to be filled.
    by_path : bool
        Their storage is one that is read by paths.

    Attributes
    ----------
    locators : list of (bytes or int)
        What :meth:`Storage.read_many` takes.
    inline : list of (bytes or None)
        The content of files of at most `INLINE` bytes where it passed by anyway.
    """

    def __init__(self, columns: Columns | None = None, *, by_path: bool = False) -> None:
        self._columns = columns
        self._by_path = by_path

    def __len__(self) -> int:
        return len(self.paths if self._columns is None else self._columns.types)

    @cached_property
    def paths(self) -> list[bytes]:
        """Below the storage's root, without ``.``, ``..`` and doubled slashes."""
        return [] if self._columns is None else self._columns.paths.tolist()

    @cached_property
    def types(self) -> list[int]:
        """`FILE`, `DIRECTORY`, `SYMLINK` or `OTHER`."""
        return [] if self._columns is None else self._columns.types.tolist()

    @cached_property
    def sizes(self) -> list[int]:
        """Bytes of a file, 0 for what is none; `NO_SIZE` where a listing does not say."""
        return [] if self._columns is None else self._columns.sizes.tolist()

    @cached_property
    def mtimes(self) -> list[int]:
        """Microseconds since 1970; 0 where the time is not known."""
        return [] if self._columns is None else self._columns.mtimes.tolist()

    @cached_property
    def locators(self) -> list[Any]:
        """What :meth:`Storage.read_many` takes."""
        if self._by_path:
            return self.paths
        return [] if self._columns is None else self._columns.locators.tolist()

    @cached_property
    def inline(self) -> list[bytes | None]:
        """Contents that passed by."""
        return [] if self._columns is None else [self._columns.content(at) for at in range(len(self))]

    def columns(self) -> Columns:
        """The same as arrays."""
        if self._columns is None:
            texts = Spans.of([*self.paths, *(content or b"" for content in self.inline)])
            count = len(self.paths)
            passed_by = np.array([content is not None for content in self.inline], np.bool_)
            return Columns(
                texts.take(np.arange(count)),
                np.array(self.types, np.uint8),
                np.array(self.sizes, np.int64),
                np.array(self.mtimes, np.int64),
                np.array(self.locators, np.int64),
                np.where(passed_by, texts.starts[count:], -1),
            )
        return self._columns

    def small(self, at: int) -> bytes:
        """Content of a file that should be small; `Columns.absent` where it did not pass by."""
        if self._columns is not None:
            return self._columns.small(at)
        content = self.inline[at]
        return LARGE if content is None else content


class Counted(NamedTuple):
    """How many entries there are, before anything is read.

    A storage that can tell so cheaply has a method ``count_objects() -> Counted``; of any other
    :mod:`regviz.plan` counts the entries for a moment.
    """

    objects: int
    exact: bool
    how: str
    """How it was counted, for a person."""
    breaks_off: bool = False
    """Whether the storage does before its end: it is read with ``partial``."""


@dataclass(frozen=True, slots=True)
class StorageProblem:
    """Something wrong with the storage itself; a reader turns it into a row of ``problems``."""

    rule: str
    path: bytes
    detail: str


class Storage(Protocol):
    """Where bytes lie.

    Attributes
    ----------
    uri : str
        What a person called it.
    walkable : bool
        It is a :class:`Walkable`; :func:`is_walkable` tells the type checker too.
    by_path : bool
        It is :class:`Searchable`: :meth:`read_many` takes paths, and a directory can be looked into.
    forward_only : bool
        Each :meth:`read_many` reads from the beginning: ask for everything at once.
    knows_disk : bool
        It knows the bytes of disk blocks.
    problems : dict
        What is wrong, in the order it was met; a dictionary, because what is looked at twice is wrong once.
    complete : bool
        Everything could be read so far.
    """

    uri: str
    walkable: bool
    by_path: bool
    forward_only: bool
    knows_disk: bool
    problems: dict[StorageProblem, None]
    complete: bool

    def entries(self) -> Iterator[Entries]:
        """Everything, in batches, in the storage's own order."""

    def link_target(self, path: bytes) -> bytes | None:
        """What a symbolic link that :meth:`entries` or `children` met says, as it is written; nothing follows it."""

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents in the storage's own best order: the number of the item, and its bytes.

        None stands for what could not be read; it is said in `problems`. No more than `limit` bytes of an item are
        given. `locators` are paths where the storage is read by those, else those of :meth:`entries`.
        """


class Searchable(Storage, Protocol):
    """A storage in which it can be looked what lies at a path; what object storage can do of a :class:`Walkable`."""

    def children(self, directory: bytes, *, listed: bool = False) -> Listing:
        """What lies in a directory; empty where there is no such directory.

        `listed` says that a listing had it among its `directories`, so that nobody need look whether it is a link.
        """

    def holds_directory(self, directory: bytes, accepts: Callable[[bytes], object]) -> bool:
        """Whether a directory holds one whose name is accepted; it is listed as far as that one."""

    def stat_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes = b"") -> Stats:
        """Facts on ``directory/name + suffix`` for each name."""

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents and times (µs) of the small files ``directory/name + suffix``."""


class Walkable(Searchable, Protocol):
    """A storage whose directories can be listed one by one, so that much of it need not be looked at."""

    def measure_links(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> tuple[list[int], list[int]]:
        """Lengths (-1: no regular file) and times (µs) of ``directory/name + suffix``, where they are few."""

    def exist_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> NDArray[np.bool_]:
        """Whether there is a ``directory/name + suffix``, for each name."""

    def members(self, directory: bytes, names: Sequence[bytes], files: Files) -> Iterator[Members]:
        """Three files of each ``directory/name``, some directories at a time and in the order given."""

    def read_whole(self, paths: Sequence[bytes], most: int) -> Iterator[Whole | None]:
        """Contents of regular files of 1 to `most` bytes, some files at a time, in the order given, and facts on them.

        Of any other file nothing is said: whoever needs it asks again. None says that nothing can be read so.
        """

    def lone_digests(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """For names and hex digits whether ``<name>/index`` is cheaply known to hold ``sha256/<hex>/link`` alone."""

    def repositories(self, directory: bytes, paths: Sequence[bytes], links: str) -> Repositories | None:
        """What lies in the directories of these paths below one, that listings had, where it is cheap to know."""

    def plain_tags(self, directory: bytes, names: Sequence[bytes]) -> Tags | None:
        """What these tags in a directory were pushed with, where it is cheap to know; None where that is not so."""

    def usage(self) -> Iterator[list[tuple[bytes, int, int, int, int]]]:
        """Everything, a directory at a time: path, type, length, bytes of its disk blocks, identity.

        Names of one file have the same identity; -1 stands for what has no other name.
        """


def is_searchable(storage: Storage) -> TypeGuard[Searchable]:
    """Whether it can be looked what lies at a path of a storage."""
    return storage.by_path


def has_contents(storage: Storage) -> bool:
    """Whether contents can be read; a listing has the names alone (its attribute `names_only` is true)."""
    return not getattr(storage, "names_only", False)


def is_walkable(storage: Storage) -> TypeGuard[Walkable]:
    """Whether the directories of a storage can be listed one by one."""
    return storage.walkable


def with_contents(storage: Storage, columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """The columns with the contents of the small files at these rows, which are read where none passed by.

    An archive's contents pass by in its listing; those of a storage that is read by paths have to be asked for.
    """
    if not storage.by_path:
        return columns
    small = (columns.types[rows] == FILE) & (columns.sizes[rows] <= INLINE) & (columns.contents[rows] < 0)
    rows = rows[small]
    if not len(rows):
        return columns
    found = {}
    for number, data in storage.read_many(columns.paths.take(rows).tolist(), columns.sizes[rows].tolist(), INLINE):
        if data is not None and len(data) == columns.sizes[rows[number]]:
            found[int(rows[number])] = data
    texts = Spans.of([*found.values()])
    contents = columns.contents.copy()
    contents[[*found]] = texts.starts + len(columns.paths.data)
    paths = Spans(columns.paths.data + texts.data + bytes(INLINE), columns.paths.starts, columns.paths.stops)
    return replace(columns, paths=paths, contents=contents)
