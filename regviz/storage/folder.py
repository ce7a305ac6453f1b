"""A folder, walked with as few system calls as the answer needs."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from regviz.errors import AccessDeniedError
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, OTHER, SYMLINK, Entries, Listing, Stats, StorageProblem
from regviz.storage.members import read_members
from regviz.storage.waiting import idle_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.storage.base import Files, Members

T = TypeVar("T")
U = TypeVar("U")

_CHUNK = 256
_FIRST_READ = 16384
_KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
_LONE = 3  # links of a directory that holds one directory: its name, its ".", the other's ".."
_THREADS = 8
_SLOW_SECONDS = 60e-6  # waiting, for one item: nothing with a warm cache, above 100 µs from a disk
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_READ |= getattr(os, "O_BINARY", 0)


class Folder:
    """The files below a directory. No symbolic link is followed but the root itself."""

    walkable = True
    forward_only = False
    knows_disk = True

    def __init__(self, root: str) -> None:
        self.uri = root
        self.root = os.fsencode(os.path.realpath(root))
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True
        try:
            os.scandir(self.root).close()
        except PermissionError as error:
            message = f"{root} may not be read by this user; run as one who may, for example with sudo"
            raise AccessDeniedError(message) from error

    def children(self, directory: bytes) -> Listing:
        """What lies in a directory; empty where there is none, or a link to one."""
        directories: list[bytes] = []
        files: list[bytes] = []
        links: list[bytes] = []
        path = self._path(directory)
        try:
            if os.path.islink(path):
                self._say("symbolic-link", directory, "not followed")
                return Listing([], [], [])
            others: list[os.DirEntry[bytes]] = []
            with os.scandir(path) as scan:
                for entry in scan:
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(entry.name)
                    else:
                        others.append(entry)
            for entry in others:
                if entry.is_symlink():
                    links.append(entry.name)
                    self._say("symbolic-link", _join(directory, entry.name), "not followed")
                else:
                    files.append(entry.name)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._unreadable(directory, error)
        return Listing(directories, files, links)

    def holds_directory(self, directory: bytes, accepts: Callable[[bytes], object]) -> bool:
        """Whether a directory holds one whose name is accepted; it is listed as far as that one."""
        try:
            with os.scandir(self._path(directory)) as scan:
                return any(accepts(entry.name) and entry.is_dir(follow_symlinks=False) for entry in scan)
        except OSError:  # whoever reads it says so
            return False

    def link_target(self, path: bytes) -> bytes | None:
        """What a symbolic link says; None where there is none."""
        with suppress(OSError):
            return os.readlink(self._path(path))
        return None

    def stat_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes = b"") -> Stats:
        """Facts on ``directory/name + suffix`` for each name."""
        count = len(names)
        facts = np.empty((4, count), np.int64)
        at = 0
        for part in self._adaptively(lambda chunk: self._stat_chunk(directory, chunk, suffix), names):
            width = part.shape[1]
            facts[:, at : at + width] = part
            at += width
        return Stats(*facts)

    def exist_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> NDArray[np.bool_]:
        """Whether there is a ``directory/name + suffix``, for each name."""
        parts = [
            np.array(part, np.bool_)
            for part in self._adaptively(lambda chunk: self._exist_chunk(directory, chunk, suffix), names)
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.bool_)

    def _exist_chunk(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> list[bool]:
        there = os.access
        with self._opened(directory) as place:
            if place is None:
                return [False] * len(names)
            descriptor, head = place
            return [there(head + name + suffix, os.F_OK, dir_fd=descriptor) for name in names]

    def members(self, directory: bytes, names: Sequence[bytes], files: Files) -> Iterator[Members]:
        """Three files of each ``directory/name``, some directories at a time and in the order given."""
        return self._adaptively(lambda chunk: self._members_chunk(directory, chunk, files), names)

    def _members_chunk(self, directory: bytes, names: Sequence[bytes], files: Files) -> Members:
        with self._opened(directory) as place:
            return read_members(self, place and place[0], directory, names, files)

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by path, in the order given."""
        number = 0
        wanted = list(zip(locators, sizes, strict=True))
        for part in self._adaptively(lambda chunk: [self._read(path, size, limit) for path, size in chunk], wanted):
            for data in part:
                yield number, data
                number += 1

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents (None where there is no file) and times of ``directory/name + suffix``, small files all."""
        contents: list[bytes | None] = []
        times: list[int] = []
        for part in self._adaptively(lambda chunk: self._read_link_chunk(directory, chunk, suffix), names):
            for data, mtime in part:
                contents.append(data)
                times.append(mtime)
        return contents, times

    def entries(self) -> Iterator[Entries]:
        """Everything, depth first, sorted by name."""
        batch = Entries()
        pending = [b""]
        while pending:
            directory = pending.pop()
            listing = self.children(directory)
            for kind, names in ((SYMLINK, listing.links), (FILE, listing.files)):
                names.sort()
                facts = self.stat_many(directory, names)
                for name, size, mtime in zip(names, facts.sizes.tolist(), facts.mtimes.tolist(), strict=True):
                    self._put(
                        batch, _join(directory, name), kind if kind == SYMLINK or size >= 0 else OTHER, size, mtime
                    )
            for name in sorted(listing.directories, reverse=True):
                pending.append(_join(directory, name))
                self._put(batch, _join(directory, name), DIRECTORY, 0, 0)
            if len(batch.paths) >= BATCH:
                yield batch
                batch = Entries()
        yield batch

    def lone_link_times(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[int | None]:
        """For each tag the time of ``index/sha256/<hex>/link``, where that is the only entry of its index; else None.

        Where a file system counts the directories in a directory among its links, no listing is needed to know.
        """
        times: list[int | None] = []
        for part in self._adaptively(lambda chunk: self._lone_chunk(directory, chunk), tags):
            times += part
        return times

    def _lone_chunk(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[int | None]:
        times: list[int | None] = []
        is_directory, look = stat.S_ISDIR, os.lstat
        with self._opened(directory) as place:
            if place is None:
                return [None] * len(tags)
            descriptor, head = place
            for name, encoded in tags:
                when = None
                index = head + name + b"/index"
                try:
                    outer = look(index, dir_fd=descriptor)
                    if encoded and outer.st_nlink == _LONE and is_directory(outer.st_mode):
                        inner = look(index + b"/sha256", dir_fd=descriptor)
                        if inner.st_nlink == _LONE and is_directory(inner.st_mode):
                            link = look(index + b"/sha256/" + encoded + b"/link", dir_fd=descriptor)
                            when = link.st_mtime_ns // 1000 if stat.S_ISREG(link.st_mode) else None
                except OSError:  # whatever it is, the listing that follows meets it again
                    pass
                times.append(when)
        return times

    def usage(self) -> Iterator[list[tuple[bytes, int, int, int, int]]]:
        """Everything, a directory at a time; the root itself comes first."""
        top = os.stat(self.root)
        yield [(b"", DIRECTORY, top.st_size, getattr(top, "st_blocks", 0) * 512, top.st_ino)]
        pending = [b""]
        while pending:
            directory = pending.pop()
            batch = []
            try:
                with os.scandir(self._path(directory)) as scan:
                    for entry in scan:
                        facts = entry.stat(follow_symlinks=False)
                        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), OTHER)
                        path = _join(directory, entry.name)
                        batch.append((path, kind, facts.st_size, getattr(facts, "st_blocks", 0) * 512, facts.st_ino))
                        if kind == DIRECTORY:
                            pending.append(path)
            except OSError as error:
                self._unreadable(directory, error)
            yield batch

    @staticmethod
    def _put(batch: Entries, path: bytes, kind: int, size: int, mtime: int) -> None:
        batch.paths.append(path)
        batch.types.append(kind)
        batch.sizes.append(max(size, 0))
        batch.mtimes.append(mtime)
        batch.locators.append(-1)
        batch.inline.append(None)

    def _stat_chunk(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> np.ndarray[tuple[int, int]]:
        rows: list[tuple[int, int, int, int]] = []
        look, regular = os.stat, stat.S_ISREG
        with self._opened(directory) as place:
            descriptor, head = place or (None, b"")
            for name in names if place else ():
                try:
                    s = look(head + name + suffix, dir_fd=descriptor, follow_symlinks=False)
                except (FileNotFoundError, NotADirectoryError):
                    rows.append((-1, 0, 0, 0))
                except OSError as error:
                    self._unreadable(_join(directory, name + suffix), error)
                    rows.append((-1, 0, 0, 0))
                else:
                    size = (
                        s.st_size if regular(s.st_mode) else self._no_file(_join(directory, name + suffix), s.st_mode)
                    )
                    rows.append((size, s.st_mtime_ns // 1000, getattr(s, "st_blocks", 0) * 512, s.st_ino))
        return np.array(rows or [(-1, 0, 0, 0)] * len(names), np.int64).reshape(-1, 4).T

    def _read_link_chunk(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> list[tuple[bytes | None, int]]:
        found: list[tuple[bytes | None, int]] = []
        middle = suffix.rpartition(b"/")[0]
        with self._opened(directory) as place:
            if place is None:
                return [(None, 0)] * len(names)
            parent, head = place
            for name in names:
                try:
                    if middle and not stat.S_ISDIR(mode := os.lstat(head + name + middle, dir_fd=parent).st_mode):
                        self._no_file(_join(directory, name + middle), mode)
                        found.append((None, 0))
                        continue
                    descriptor = os.open(head + name + suffix, _READ, dir_fd=parent)
                except OSError as error:
                    self._refused(_join(directory, name + suffix), error)
                    found.append((None, 0))
                    continue
                try:
                    facts = os.fstat(descriptor)
                    if stat.S_ISREG(facts.st_mode):
                        found.append((os.read(descriptor, INLINE), facts.st_mtime_ns // 1000))
                    else:
                        self._no_file(_join(directory, name + suffix), facts.st_mode)
                        found.append((None, 0))
                except OSError as error:
                    self._unreadable(_join(directory, name + suffix), error)
                    found.append((None, 0))
                finally:
                    os.close(descriptor)
        return found

    @contextmanager
    def _opened(self, directory: bytes) -> Iterator[tuple[int | None, bytes] | None]:
        """A directory to look into: its descriptor and an empty head, or no descriptor and its path as head.

        None where there is none (any more: a registry in use changes), or it may not be read.
        """
        if os.stat not in os.supports_dir_fd:
            yield None, self._path(directory) + b"/"
            return
        try:
            descriptor = os.open(self._path(directory), _READ)
        except OSError as error:
            self._refused(directory, error)
            yield None
            return
        try:
            yield descriptor, b""
        finally:
            os.close(descriptor)

    def _read(self, path: bytes | int, size: int, limit: int) -> bytes | None:
        if isinstance(path, int):
            message = "a folder reads by path"
            raise TypeError(message)
        try:
            descriptor = os.open(self._path(path), _READ)
        except OSError as error:
            self._refused(path, error)
            return None
        known = size > 0
        wanted = min(size, limit) if known else limit
        try:
            data = os.read(descriptor, wanted if known else min(wanted, _FIRST_READ))
            while (
                len(data) < wanted
                and (known or len(data) >= _FIRST_READ)
                and (more := os.read(descriptor, wanted - len(data)))
            ):
                data += more
            if not data and not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
                self._no_file(path, mode)
                return None
        except OSError as error:
            self._refused(path, error)
            return None
        else:
            return data
        finally:
            os.close(descriptor)

    def _adaptively(self, work: Callable[[Sequence[T]], U], items: Sequence[T]) -> Iterator[U]:
        """Work on chunks in order; with threads as long as the disk answers slowly."""
        if len(items) <= _CHUNK:
            yield work(items)
            return
        chunks = _chunked(items)
        for chunk in chunks:
            began = idle_seconds()
            yield work(chunk)
            if max(idle_seconds() - began, 0.0) >= _SLOW_SECONDS * max(len(chunk), 8):
                with ThreadPoolExecutor(_THREADS) as pool:
                    yield from _ahead(pool, work, islice(chunks, 4 * _THREADS))

    def _path(self, path: bytes) -> bytes:
        return self.root + b"/" + path if path else self.root

    def _say(self, rule: str, path: bytes, detail: str) -> None:
        self.problems[StorageProblem(rule, path, detail)] = None

    def _no_file(self, path: bytes, mode: int) -> int:
        """Say what lies where a file should; -1, for a length that there is none of."""
        if stat.S_ISLNK(mode):
            self._say("symbolic-link", path, "not followed")
        elif not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            self._say("special-file", path, "not followed")
        return -1

    def _refused(self, path: bytes, error: OSError) -> None:
        """Say why a path could not be opened, where that is worth saying."""
        if error.errno == errno.ELOOP:
            self._no_file(path, stat.S_IFLNK)
        elif error.errno == errno.ENXIO:
            self._no_file(path, stat.S_IFSOCK)
        elif error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
            self._unreadable(path, error)

    def _unreadable(self, path: bytes, error: OSError) -> None:
        self.complete = False
        self._say("unreadable", path, error.strerror or type(error).__name__)


def _chunked(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))


def _ahead(pool: ThreadPoolExecutor, work: Callable[[Sequence[T]], U], chunks: Iterable[Sequence[T]]) -> Iterator[U]:
    waiting = deque(pool.submit(work, chunk) for chunk in chunks)
    while waiting:
        yield waiting.popleft().result()


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
