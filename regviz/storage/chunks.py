"""What is asked of some files below one directory of a folder, by as few system calls as the answer needs."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from itertools import takewhile
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regviz import native
from regviz.storage.base import INLINE, Stats, Whole
from regviz.storage.complaints import Complaints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_FIRST_READ = 16384
_KIND = 0o170000  # the bits of a mode that tell a regular file from what is none
_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
_READ |= getattr(os, "O_BINARY", 0)

_MODE, _SIZE, _NANOSECONDS, _INODE = map(attrgetter, ("st_mode", "st_size", "st_mtime_ns", "st_ino"))
_BLOCKS = attrgetter("st_blocks") if hasattr(os.stat_result, "st_blocks") else lambda _: 0  # Windows says none
_ABSENT = SimpleNamespace(st_mode=stat.S_IFREG, st_size=-1, st_mtime_ns=0, st_blocks=0, st_ino=0)


class Place(NamedTuple):
    """A directory to look into: its descriptor and an empty head, or no descriptor and its path as head."""

    descriptor: int | None
    head: bytes
    path: bytes
    """Below the root, as problems name it."""


class Chunks(Complaints):
    """Looks at files and reads them, some at a time; what is as it should be natively, where that can be done."""

    root: bytes

    def stat_chunk(self, place: Place | None, suffix: bytes, names: Sequence[bytes]) -> NDArray[np.int64]:
        """Lengths (-1: no regular file), times, bytes allocated and inodes: four rows."""
        if (looked := self._native_facts(place, suffix, names)) is not None:
            return np.array(looked[1:])
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

    def _native_facts(self, place: Place | None, suffix: bytes, names: Sequence[bytes]) -> native.Facts | None:
        """What lstat says of regular files; of what is none, once it was said, a size of -1."""
        if place is None or place.descriptor is None or (facts := native.look(place.descriptor, names, suffix)) is None:
            return None
        for at in np.flatnonzero(facts.modes & _KIND != stat.S_IFREG).tolist():
            facts.sizes[at] = -1
            found = self._look(place, names[at] + suffix)
            if not stat.S_ISREG(found.st_mode):
                self.no_file(join(place.path, names[at] + suffix), found.st_mode)
        return facts

    def _look_chunk(self, place: Place | None, suffix: bytes, names: Sequence[bytes]) -> tuple[list[Any], list[int]]:
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
            self.no_file(join(directory, names[at] + suffix), found[at].st_mode)
        return found, odd

    def _look(self, place: Place, path: bytes) -> os.stat_result | SimpleNamespace:
        try:
            return os.lstat(place.head + path, dir_fd=place.descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return _ABSENT
        except OSError as error:
            self.unreadable(join(place.path, path), error)
            return _ABSENT

    @staticmethod
    def exist_chunk(place: Place | None, suffix: bytes, names: Sequence[bytes]) -> list[bool]:
        """Whether each is there."""
        if place is None:
            return [False] * len(names)
        descriptor, head, _ = place
        return [os.access(head + name + suffix, os.F_OK, dir_fd=descriptor) for name in names]

    def read_link_chunk(
        self, place: Place | None, suffix: bytes, names: Sequence[bytes]
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents and times of small files."""
        contents: list[bytes | None] = [None] * len(names)
        times = [0] * len(names)
        if place is None:
            return contents, times
        descriptor, head, directory = place
        middle, slash, last = suffix.rpartition(b"/")
        odd: Iterable[int] = range(len(names))
        if descriptor is not None and (found := native.read_links(descriptor, names, middle, slash + last, INLINE)):
            contents, times = found
            odd = [at for at, content in enumerate(contents) if content is None]
        for at in odd:
            name = names[at]
            try:
                if middle and not stat.S_ISDIR(mode := os.lstat(head + name + middle, dir_fd=descriptor).st_mode):
                    self.no_file(join(directory, name + middle), mode)
                    continue
                file = os.open(head + name + suffix, _READ, dir_fd=descriptor)
                try:
                    facts = os.fstat(file)
                    if stat.S_ISREG(facts.st_mode):
                        contents[at] = os.read(file, INLINE)
                        times[at] = facts.st_mtime_ns // 1000
                    else:
                        self.no_file(join(directory, name + suffix), facts.st_mode)
                finally:
                    os.close(file)
            except OSError as error:
                self.refused(join(directory, name + suffix), error)
        return contents, times

    def read_whole_chunk(self, most: int, paths: Sequence[bytes]) -> Whole | None:
        """Contents of those that are as usual, and facts on them."""
        with self.opened(b"") as place:  # from the root: no directory on the way may be a link
            if place is not None and place.descriptor is not None:
                found = native.read_whole(place.descriptor, paths, most, _common_directory(paths))
                if found is not None:
                    texts, good, facts = found
                    return Whole(texts, good, Stats(*(column[good] for column in facts[1:])))
        return None

    def read_chunk(self, limit: int, wanted: Sequence[tuple[bytes, int]]) -> list[bytes | None]:
        """Contents of files by their paths, and their lengths where these are known."""
        contents: list[bytes | None] = [None] * len(wanted)
        if not wanted:
            return contents
        common = _common_directory([path for path, _ in wanted])
        start = len(common) + 1 if common else 0
        with self.opened(common) as place:
            if place is None:
                return contents
            descriptor, head, _ = place
            odd: Iterable[int] = range(len(wanted))
            if descriptor is not None and all(size > 0 for _, size in wanted):
                paths, sizes = [path[start:] for path, _ in wanted], [min(size, limit) for _, size in wanted]
                if (found := native.read(descriptor, paths, sizes)) is not None:
                    contents = found
                    odd = [at for at, content in enumerate(contents) if content is None]
            for at in odd:
                path, size = wanted[at]
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
    def opened(self, directory: bytes) -> Iterator[Place | None]:
        """A directory to look into; None where there is none (any more: a registry in use changes), or not for us."""
        path = self.path(directory)
        if os.stat not in os.supports_dir_fd:
            yield Place(None, path + b"/", directory)
            return
        try:
            descriptor = os.open(path, _READ)
        except OSError as error:
            self.refused(directory, error)
            yield None
            return
        try:
            yield Place(descriptor, b"", directory)
        finally:
            os.close(descriptor)

    def path(self, path: bytes) -> bytes:
        """Where something below the root lies."""
        return self.root + b"/" + path if path else self.root


def _common_directory(paths: Sequence[bytes]) -> bytes:
    first, last = min(paths), max(paths)
    parts = zip(first.split(b"/")[:-1], last.split(b"/")[:-1], strict=False)
    return b"/".join(part for part, _ in takewhile(lambda pair: pair[0] == pair[1], parts))


def join(directory: bytes, name: bytes) -> bytes:
    """A name below a directory, which is empty where it is the root."""
    return directory + b"/" + name if directory else name
