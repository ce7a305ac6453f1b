"""The files of an archive or a store of Docker's: by path, with symbolic links resolved inside it and nowhere else."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from regviz.columns import NO_NUMBER
from regviz.storage.base import DIRECTORY, FILE, MANIFEST_LIMIT, SYMLINK, StorageProblem, is_walkable
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage, Walkable

HEAD = 6
"""Bytes that tell how a file is compressed."""
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"))
_MOST_LINKS = 40  # on the way to one file: what Linux follows too (path_resolution(7))
_DEEPEST = 8
_MOST_KEPT = 64 << 20
"""Bytes that are kept of an archive whose every reading begins at its beginning."""


class File(NamedTuple):
    """A regular file: where it lies, and what is known of it."""

    locator: bytes | int
    size: int
    allocated: int
    identity: int
    """Equal for hard links; -1 where that is not known."""


class Files:
    """Everything below a root.

    Parameters
    ----------
    storage : Storage
        What is wrong becomes its problems.
    root : bytes
    tick : callable
    belongs : callable
        Takes a path below the root; says whether it is of any interest, and in a folder whether to go down there.
    expected : callable
        Takes a path; says how many bytes of it are likely to be asked for. Where each reading begins at the storage's
        beginning these are read together, and kept.

    Attributes
    ----------
    files : dict of bytes to File
        Regular files by their path below the root.
    links : dict of bytes to bytes
        Symbolic links, and what they say.
    """

    def __init__(
        self,
        storage: Storage,
        root: bytes,
        tick: Tick,
        belongs: Callable[[bytes], bool],
        expected: Callable[[bytes], int],
    ) -> None:
        self.files: dict[bytes, File] = {}
        self.links: dict[bytes, bytes] = {}
        self._storage = storage
        self._head = root + b"/" if root else b""
        if is_walkable(storage):
            self._walk(storage, b"", tick, belongs)
        else:
            self._list(storage, tick, belongs)
        for path in self.links:
            self.links[path] = storage.link_target(self._head + path) or b""
        self._kept: dict[bytes, bytes] = {}
        if storage.forward_only:
            self._keep(expected)

    def __contains__(self, path: bytes) -> bool:
        return path in self.files

    def __getitem__(self, path: bytes) -> File:
        return self.files[path]

    def shown(self, path: bytes) -> str:
        """A path as problems name it: below the storage's root."""
        return decode_name(self._head + path)

    def say(self, rule: str, path: bytes, detail: str = "") -> None:
        """Record what is wrong with a file."""
        self._storage.problems[StorageProblem(rule, self._head + path, detail)] = None

    def resolve(self, path: bytes) -> bytes:
        """Where a path leads by symbolic links, all of them below the root; empty where that is no file."""
        passed: set[bytes] = set()
        while path in self.links and path not in passed and len(passed) < _MOST_LINKS:
            passed.add(path)
            target = self.links[path]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if target[:1] in (b"", b"/") or path.partition(b"/")[0] == b"..":
                return b""
        return path if path in self.files else b""

    def settle_links(self, *, expected: bool) -> None:
        """Say which links lead nowhere; `expected`: the others are as they should be, else none should be there."""
        for path in self.links:
            if not expected:
                self.say("symbolic-link", path, "not followed")
            else:
                self._storage.problems.pop(StorageProblem("symbolic-link", self._head + path, "not followed"), None)
                if not self.resolve(path):
                    self.say("docker-link-broken", path, f"it says {decode_name(self.links[path])}")

    def read(self, wanted: Sequence[tuple[bytes, int]]) -> Iterator[tuple[int, bytes | None]]:
        """Number and content of files, given by path and the bytes to read at most; None for what cannot be read."""
        sizes = [min(self.files[path].size, most) for path, most in wanted]
        missing = []
        for number, (path, _) in enumerate(wanted):
            kept = self._kept.get(path)
            if kept is not None and len(kept) >= sizes[number]:
                yield number, kept[: sizes[number]]
            else:
                missing.append(number)
        if missing:
            locators = [self.files[wanted[number][0]].locator for number in missing]
            lengths = [sizes[number] for number in missing]
            for place, data in self._storage.read_many(locators, lengths, MANIFEST_LIMIT):
                yield missing[place], None if data is None else data[: lengths[place]]

    def _keep(self, expected: Callable[[bytes], int]) -> None:
        """Read what will be asked for, in one go."""
        wanted, total = [], 0
        for path, file in self.files.items():
            size = min(expected(path), file.size)
            if file.size > MANIFEST_LIMIT or total + size > _MOST_KEPT:
                size = min(size, HEAD)
            if size:
                total += size
                wanted.append((path, size))
        self._kept = {wanted[number][0]: data for number, data in self.read(wanted) if data is not None}

    def content(self, path: bytes) -> bytes | None:
        """Content of one document; None where it is not there, cannot be read or is longer than documents may be."""
        path = self.resolve(path)
        if not path or self.files[path].size > MANIFEST_LIMIT:
            return None
        return next(data for _, data in self.read([(path, MANIFEST_LIMIT)]))

    def _walk(self, storage: Walkable, directory: bytes, tick: Tick, belongs: Callable[[bytes], bool]) -> None:
        place = (self._head + directory).rstrip(b"/")
        listing = storage.children(place)
        head = directory + b"/" if directory else b""
        names = sorted(name for name in listing.files if belongs(head + name))
        facts = storage.stat_many(place, names)
        rows = zip(names, facts.sizes.tolist(), facts.allocated.tolist(), facts.inodes.tolist(), strict=True)
        for name, size, allocated, inode in rows:
            if size >= 0:
                self.files[head + name] = File(self._head + head + name, size, allocated, inode)
        self.links |= dict.fromkeys((head + name for name in listing.links if belongs(head + name)), b"")
        tick(len(names))
        if directory.count(b"/") < _DEEPEST:
            for name in sorted(listing.directories):
                if belongs(head + name):
                    self._walk(storage, head + name, tick, belongs)

    def _list(self, storage: Storage, tick: Tick, belongs: Callable[[bytes], bool]) -> None:
        skip = len(self._head)
        for batch in storage.entries():
            tick(len(batch.paths))
            for path, kind, size, locator in zip(batch.paths, batch.types, batch.sizes, batch.locators, strict=True):
                inside = path[skip:]
                if kind == DIRECTORY or not path.startswith(self._head) or not belongs(inside):
                    continue
                if inside in self.files or inside in self.links:
                    self.say("path-repeated", inside)
                    self.files.pop(inside, None)
                    self.links.pop(inside, None)
                if kind == FILE:
                    self.files[inside] = File(locator, size, NO_NUMBER, locator if isinstance(locator, int) else -1)
                elif kind == SYMLINK:
                    self.links[inside] = b""
                else:
                    self.say("special-file", inside, "not followed")


def compression(head: bytes) -> str:
    r"""How a file that begins so is compressed; ``none``: it is a plain tar, or nothing.

    Examples
    --------
    >>> compression(b"\x1f\x8b\x08\x00\x00\x00"), compression(b"etc/is")
    ('gzip', 'none')
    """
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "none")
