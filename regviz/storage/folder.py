"""A folder, walked with as few system calls as the answer needs."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice, takewhile
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from regviz.errors import AccessDeniedError
from regviz.storage.ahead import adaptively
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, OTHER, SYMLINK, Entries, Listing, Stats
from regviz.storage.complaints import Complaints
from regviz.storage.lone import alone_in_index
from regviz.storage.members import read_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.storage.base import Files, Members

_ENTRIES = 4096  # of a listing that are held at a time: each is four times as large as its name
_FIRST_READ = 16384
_KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_READ |= getattr(os, "O_BINARY", 0)

_MODE, _SIZE, _NANOSECONDS, _INODE = map(attrgetter, ("st_mode", "st_size", "st_mtime_ns", "st_ino"))
_BLOCKS = attrgetter("st_blocks") if hasattr(os.stat_result, "st_blocks") else lambda _: 0  # Windows says none
_ABSENT = SimpleNamespace(st_mode=stat.S_IFREG, st_size=-1, st_mtime_ns=0, st_blocks=0, st_ino=0)


class _Place(NamedTuple):
    """A directory to look into: its descriptor and an empty head, or no descriptor and its path as head."""

    descriptor: int | None
    head: bytes
    path: bytes
    """Below the root, as problems name it."""


class Folder(Complaints):
    """The files below a directory. No symbolic link is followed but the root itself."""

    walkable = True
    by_path = True
    forward_only = False
    knows_disk = True

    def __init__(self, root: str) -> None:
        super().__init__()
        self.uri = root
        self.root = os.fsencode(os.path.realpath(root))
        try:
            os.scandir(self.root).close()
        except PermissionError as error:
            message = f"{root} may not be read by this user; run as one who may, for example with sudo"
            raise AccessDeniedError(message) from error

    def children(self, directory: bytes, *, listed: bool = False) -> Listing:
        """What lies in a directory; empty where there is none, or a link to one, which `listed` says it is not."""
        listing = Listing([], [], [])
        try:
            if not listed and os.path.islink(self._path(directory)):
                self.say("symbolic-link", directory, "not followed")
                return listing
            with os.scandir(self._path(directory)) as scan:
                while found := [*islice(scan, _ENTRIES)]:
                    for kind, names in zip(listing, self._listing(directory, found), strict=True):
                        kind.extend(names)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self.unreadable(directory, error)
        return listing

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
        with self._opened(directory) as place:
            parts = [*adaptively(partial(self._stat_chunk, place, suffix), names)]
        return Stats(*(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)))

    def measure_links(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> tuple[list[int], list[int]]:
        """Lengths (-1 where there is no file) and times of ``directory/name + suffix``: `stat_many` for a few."""
        sizes: list[int] = []
        times: list[int] = []
        with self._opened(directory) as place:
            for some, of_them in adaptively(partial(self._measure_chunk, place, suffix), names):
                sizes += some
                times += of_them
        return sizes, times

    def exist_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> NDArray[np.bool_]:
        """Whether there is a ``directory/name + suffix``, for each name."""
        with self._opened(directory) as place:
            parts = adaptively(partial(self._exist_chunk, place, suffix), names)
            return np.fromiter(chain.from_iterable(parts), np.bool_, len(names))

    def members(self, directory: bytes, names: Sequence[bytes], files: Files) -> Iterator[Members]:
        """Three files of each ``directory/name``, some directories at a time and in the order given."""
        with self._opened(directory) as place:
            parent = place and place.descriptor
            yield from adaptively(lambda chunk: read_members(self, parent, directory, chunk, files), names)

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by path, in the order given; cheapest where neighbours lie near one another."""
        wanted = list(zip(cast("Sequence[bytes]", locators), sizes, strict=True))
        return enumerate(chain.from_iterable(adaptively(partial(self._read_chunk, limit), wanted)))

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents (None where there is no file) and times of ``directory/name + suffix``, small files all."""
        contents: list[bytes | None] = []
        times: list[int] = []
        with self._opened(directory) as place:
            for some, of_them in adaptively(partial(self._read_link_chunk, place, suffix), names):
                contents += some
                times += of_them
        return contents, times

    def lone_digests(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """For each tag whether ``index/sha256/<hex>``, with its file ``link``, is all that its index holds.

        Where a file system counts the directories in a directory among its links, no listing is needed to know.
        """
        with self._opened(directory) as place:
            if place is None:
                return [False] * len(tags)
            return [*chain.from_iterable(adaptively(partial(alone_in_index, place.descriptor, place.head), tags))]

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
                self.unreadable(directory, error)
            yield batch

    @staticmethod
    def _put(batch: Entries, path: bytes, kind: int, size: int, mtime: int) -> None:
        batch.paths.append(path)
        batch.types.append(kind)
        batch.sizes.append(max(size, 0))
        batch.mtimes.append(mtime)
        batch.locators.append(-1)
        batch.inline.append(None)

    def _listing(self, directory: bytes, found: list[os.DirEntry[bytes]]) -> Listing:
        try:
            directories = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
            if len(directories) == len(found):
                return Listing(directories, [], [])
            links = [entry.name for entry in found if entry.is_symlink()]
        except OSError as error:  # where a listing does not say what its entries are
            self.unreadable(directory, error)
            return Listing([], [], [])
        for name in links:
            self.say("symbolic-link", _join(directory, name), "not followed")
        others = {*directories, *links}
        return Listing(directories, [entry.name for entry in found if entry.name not in others], links)

    def _stat_chunk(self, place: _Place | None, suffix: bytes, names: Sequence[bytes]) -> NDArray[np.int64]:
        found, odd = self._look_chunk(place, suffix, names)
        facts = np.empty((4, len(found)), np.int64)
        facts[0] = np.fromiter(map(_SIZE, found), np.int64, len(found))
        try:
            facts[1] = np.fromiter(map(_NANOSECONDS, found), np.int64, len(found)) // 1000
        except OverflowError:  # after 2262 they need more than 64 bits
            facts[1] = [one.st_mtime_ns // 1000 for one in found]
        facts[2] = np.fromiter(map(_BLOCKS, found), np.int64, len(found)) * 512
        facts[3] = np.fromiter(map(_INODE, found), np.uint64, len(found)).view(np.int64)
        facts[0, odd] = -1
        return facts

    def _measure_chunk(
        self, place: _Place | None, suffix: bytes, names: Sequence[bytes]
    ) -> tuple[list[int], list[int]]:
        found, odd = self._look_chunk(place, suffix, names)
        sizes = [*map(_SIZE, found)]
        for at in odd:
            sizes[at] = -1
        return sizes, [one.st_mtime_ns // 1000 for one in found]

    def _look_chunk(self, place: _Place | None, suffix: bytes, names: Sequence[bytes]) -> tuple[list[Any], list[int]]:
        """What lstat says of each, and which of them are there and no regular files."""
        if place is None:
            return [_ABSENT] * len(names), []
        descriptor, head, directory = place
        look = os.lstat
        found: list[Any]
        try:
            found = [look(head + name + suffix, dir_fd=descriptor) for name in names]
        except OSError:
            found = [self._look(place, name + suffix) for name in names]
        if all(map(stat.S_ISREG, {*map(_MODE, found)})):
            return found, []
        odd = [at for at, one in enumerate(found) if not stat.S_ISREG(one.st_mode)]
        for at in odd:
            self.no_file(_join(directory, names[at] + suffix), found[at].st_mode)
        return found, odd

    def _look(self, place: _Place, path: bytes) -> os.stat_result | SimpleNamespace:
        try:
            return os.lstat(place.head + path, dir_fd=place.descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return _ABSENT
        except OSError as error:
            self.unreadable(_join(place.path, path), error)
            return _ABSENT

    @staticmethod
    def _exist_chunk(place: _Place | None, suffix: bytes, names: Sequence[bytes]) -> list[bool]:
        if place is None:
            return [False] * len(names)
        descriptor, head, _ = place
        return [os.access(head + name + suffix, os.F_OK, dir_fd=descriptor) for name in names]

    def _read_link_chunk(
        self, place: _Place | None, suffix: bytes, names: Sequence[bytes]
    ) -> tuple[list[bytes | None], list[int]]:
        contents: list[bytes | None] = [None] * len(names)
        times = [0] * len(names)
        if place is None:
            return contents, times
        descriptor, head, directory = place
        middle = suffix.rpartition(b"/")[0]
        for at, name in enumerate(names):
            try:
                if middle and not stat.S_ISDIR(mode := os.lstat(head + name + middle, dir_fd=descriptor).st_mode):
                    self.no_file(_join(directory, name + middle), mode)
                    continue
                file = os.open(head + name + suffix, _READ, dir_fd=descriptor)
                try:
                    facts = os.fstat(file)
                    if stat.S_ISREG(facts.st_mode):
                        contents[at] = os.read(file, INLINE)
                        times[at] = facts.st_mtime_ns // 1000
                    else:
                        self.no_file(_join(directory, name + suffix), facts.st_mode)
                finally:
                    os.close(file)
            except OSError as error:
                self.refused(_join(directory, name + suffix), error)
        return contents, times

    def _read_chunk(self, limit: int, wanted: Sequence[tuple[bytes, int]]) -> list[bytes | None]:
        contents: list[bytes | None] = [None] * len(wanted)
        if not wanted:
            return contents
        common = _common_directory([path for path, _ in wanted])
        start = len(common) + 1 if common else 0
        with self._opened(common) as place:
            if place is None:
                return contents
            descriptor, head, _ = place
            for at, (path, size) in enumerate(wanted):
                most = size if 0 < size < limit else limit
                try:
                    file = os.open(head + path[start:], _READ, dir_fd=descriptor)
                    try:
                        data = os.read(file, most if size > 0 else min(limit, _FIRST_READ))
                        contents[at] = data if len(data) == most else self._rest(file, data, path, most, known=size > 0)
                    finally:
                        os.close(file)
                except OSError as error:
                    self.refused(path, error)
        return contents

    def _rest(self, file: int, data: bytes, path: bytes, most: int, *, known: bool) -> bytes | None:
        """The whole of a file whose length was not known, or is not what it was."""
        while len(data) < most and (known or len(data) >= _FIRST_READ) and (more := os.read(file, most - len(data))):
            data += more
        if not data and not stat.S_ISREG(mode := os.fstat(file).st_mode):
            self.no_file(path, mode)
            return None
        return data

    @contextmanager
    def _opened(self, directory: bytes) -> Iterator[_Place | None]:
        """A directory to look into; None where there is none (any more: a registry in use changes), or not for us."""
        path = self._path(directory)
        if os.stat not in os.supports_dir_fd:
            yield _Place(None, path + b"/", directory)
            return
        try:
            descriptor = os.open(path, _READ)
        except OSError as error:
            self.refused(directory, error)
            yield None
            return
        try:
            yield _Place(descriptor, b"", directory)
        finally:
            os.close(descriptor)

    def _path(self, path: bytes) -> bytes:
        return self.root + b"/" + path if path else self.root


def _common_directory(paths: Sequence[bytes]) -> bytes:
    first, last = min(paths), max(paths)
    parts = zip(first.split(b"/")[:-1], last.split(b"/")[:-1], strict=False)
    return b"/".join(part for part, _ in takewhile(lambda pair: pair[0] == pair[1], parts))


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
