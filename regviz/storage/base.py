"""What a storage can do: walk, list flat, measure, read. Paths are bytes below the root, parts joined by ``/``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

FILE, DIRECTORY, SYMLINK, OTHER = 0, 1, 2, 3
MANIFEST_LIMIT = 4 << 20
"""Bytes of the largest document that is read: Distribution's own limit for a manifest (handlers/manifests.go)."""


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


@dataclass(slots=True)
class Entries:
    """A batch of a flat listing: five columns, one element an entry, in the storage's own order.

    `locators` are what :meth:`Storage.read_many` takes; `inline` holds the content of files of at most `INLINE` bytes
    where it passed by anyway, else None.
    """

    paths: list[bytes] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    mtimes: list[int] = field(default_factory=list)
    locators: list[int] = field(default_factory=list)
    inline: list[bytes | None] = field(default_factory=list)

    def small(self, at: int) -> bytes:
        """Content of a file that should be small; of another, `INLINE` zero bytes, which nobody takes for good."""
        content = self.inline[at]
        return bytes(INLINE) if content is None else content


INLINE = 512
BATCH = 8192


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
    forward_only: bool
    knows_disk: bool
    problems: dict[StorageProblem, None]
    complete: bool

    def entries(self) -> Iterator[Entries]:
        """Everything, in batches, in the storage's own order."""

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents in the storage's own best order: the number of the item, and its bytes.

        None stands for what could not be read; it is said in `problems`. No more than `limit` bytes of an item are
        given. `locators` are paths for a walkable storage, else those of :meth:`entries`.
        """


class Walkable(Storage, Protocol):
    """A storage whose directories can be listed one by one, so that much of it need not be looked at."""

    def children(self, directory: bytes, *, listed: bool = False) -> Listing:
        """What lies in a directory; empty where there is no such directory.

        `listed` says that a listing had it among its `directories`, so that nobody need look whether it is a link.
        """

    def stat_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes = b"") -> Stats:
        """Facts on ``directory/name + suffix`` for each name."""

    def measure_links(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> tuple[list[int], list[int]]:
        """Lengths (-1: no regular file) and times (µs) of ``directory/name + suffix``, where they are few."""

    def exist_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> NDArray[np.bool_]:
        """Whether there is a ``directory/name + suffix``, for each name."""

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents and times (µs) of the small files ``directory/name + suffix``."""

    def lone_digests(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """For names and hex digits whether ``<name>/index`` is cheaply known to hold ``sha256/<hex>/link`` alone."""

    def usage(self) -> Iterator[list[tuple[bytes, int, int, int, int]]]:
        """Everything, a directory at a time: path, type, length, bytes of its disk blocks, inode."""


def is_walkable(storage: Storage) -> TypeGuard[Walkable]:
    """Whether the directories of a storage can be listed one by one."""
    return storage.walkable
