"""A folder, walked with as few system calls as the answer needs."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

import numpy as np

from regviz import native
from regviz.errors import AccessDeniedError
from regviz.native import directories
from regviz.storage.ahead import CHUNK, adaptively, one_ahead
from regviz.storage.base import BATCH, DIRECTORY, FILE, OTHER, SYMLINK, Entries, Listing, Stats
from regviz.storage.chunks import Chunks, join
from regviz.storage.lone import alone_in_index
from regviz.storage.members import read_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.native.directories import Repositories, Tags
    from regviz.storage.base import Files, Members, Whole

_ENTRIES = 4096  # of a listing that are held at a time: each is four times as large as its name
_MEMBERS, _DOCUMENTS = 512, 1024  # looked at together: fewer cost calls, more fall out of the processor's cache
_KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}


class Folder(Chunks):
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
            if not listed and os.path.islink(self.path(directory)):
                self.say("symbolic-link", directory, "not followed")
                return listing
            if (found_natively := directories.list_names(self.path(directory))) is not None:
                return Listing(*found_natively, [])
            with os.scandir(self.path(directory)) as scan:
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
            with os.scandir(self.path(directory)) as scan:
                return any(accepts(entry.name) and entry.is_dir(follow_symlinks=False) for entry in scan)
        except OSError:  # whoever reads it says so
            return False

    def link_target(self, path: bytes) -> bytes | None:
        """What a symbolic link says; None where there is none."""
        with suppress(OSError):
            return os.readlink(self.path(path))
        return None

    def stat_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes = b"") -> Stats:
        """Facts on ``directory/name + suffix`` for each name."""
        with self.opened(directory) as place:
            parts = [*adaptively(partial(self.stat_chunk, place, suffix), names)]
        return Stats(*(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)))

    def measure_links(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> tuple[list[int], list[int]]:
        """Lengths (-1 where there is no file) and times of ``directory/name + suffix``."""
        facts = self.stat_many(directory, names, suffix)
        return facts.sizes.tolist(), facts.mtimes.tolist()

    def exist_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes) -> NDArray[np.bool_]:
        """Whether there is a ``directory/name + suffix``, for each name."""
        with self.opened(directory) as place:
            parts = adaptively(partial(self.exist_chunk, place, suffix), names)
            return np.fromiter(chain.from_iterable(parts), np.bool_, len(names))

    def members(self, directory: bytes, names: Sequence[bytes], files: Files) -> Iterator[Members]:
        """Three files of each ``directory/name``, some directories at a time and in the order given."""
        with self.opened(directory) as place:
            parent = place and place.descriptor
            yield from adaptively(lambda chunk: read_members(self, parent, directory, chunk, files), names, _MEMBERS)

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by path, in the order given; cheapest where neighbours lie near one another."""
        wanted = list(zip(cast("Sequence[bytes]", locators), sizes, strict=True))
        return enumerate(chain.from_iterable(adaptively(partial(self.read_chunk, limit), wanted)))

    def read_whole(self, paths: Sequence[bytes], most: int) -> Iterator[Whole | None]:
        """Contents of regular files of 1 to `most` bytes, and facts on them; of any other file nothing is said."""
        chunks = adaptively(partial(self.read_whole_chunk, most), paths, _DOCUMENTS)
        yield from one_ahead(chunks) if len(paths) > CHUNK else chunks

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents (None where there is no file) and times of ``directory/name + suffix``, small files all."""
        contents: list[bytes | None] = []
        times: list[int] = []
        with self.opened(directory) as place:
            for some, of_them in adaptively(partial(self.read_link_chunk, place, suffix), names):
                contents += some
                times += of_them
        return contents, times

    def lone_digests(self, directory: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """For each tag whether ``index/sha256/<hex>``, with its file ``link``, is all that its index holds.

        Where a file system counts the directories in a directory among its links, no listing is needed to know.
        """
        with self.opened(directory) as place:
            if place is None:
                return [False] * len(tags)
            return [*chain.from_iterable(adaptively(partial(alone_in_index, place.descriptor, place.head), tags))]

    def repositories(self, directory: bytes, paths: Sequence[bytes], links: str) -> Repositories | None:
        """What lies in directories below one; of more links and tags than are looked at in one go nothing is said."""
        with self.opened(directory) as place:
            if place is None or place.descriptor is None:
                return None
            return directories.repositories(place.descriptor, paths, most=CHUNK, links=links)

    def plain_tags(self, directory: bytes, names: Sequence[bytes]) -> Tags | None:
        """How often these tags in a directory were pushed."""
        with self.opened(directory) as place:
            if not names or place is None or place.descriptor is None or not native.is_there():
                return None
            parts = [*adaptively(partial(directories.tags_of, place.descriptor, CHUNK), names)]
        every, pushes, digests, histories = zip(*parts, strict=True)
        found, history = (
            directories.Digests(*map(np.concatenate, zip(*some, strict=True))) for some in (digests, histories)
        )
        return directories.Tags(b"".join(every), np.concatenate(pushes), found, history)

    def entries(self) -> Iterator[Entries]:
        """Everything, depth first, sorted by name."""
        batch = Entries()
        pending = [b""]
        while pending:
            directory = pending.pop()
            listing = self.children(directory)
            for kind, names in ((SYMLINK, listing.links), (FILE, listing.files)):
                if not names:
                    continue
                names.sort()
                facts = self.stat_many(directory, names)
                for name, size, mtime in zip(names, facts.sizes.tolist(), facts.mtimes.tolist(), strict=True):
                    self._put(
                        batch, join(directory, name), kind if kind == SYMLINK or size >= 0 else OTHER, size, mtime
                    )
            for name in sorted(listing.directories, reverse=True):
                pending.append(join(directory, name))
                self._put(batch, join(directory, name), DIRECTORY, 0, 0)
            if len(batch.paths) >= BATCH:
                yield batch
                batch = Entries()
        yield batch

    def usage(self) -> Iterator[list[tuple[bytes, int, int, int, int]]]:
        """Everything, a directory at a time; the root itself comes first."""
        top = os.stat(self.root)
        yield [(b"", DIRECTORY, top.st_size, getattr(top, "st_blocks", 0) * 512, -1)]
        pending = [b""]
        while pending:
            directory = pending.pop()
            batch = []
            try:
                with os.scandir(self.path(directory)) as scan:
                    for entry in scan:
                        facts = entry.stat(follow_symlinks=False)
                        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), OTHER)
                        path = join(directory, entry.name)
                        several = kind != DIRECTORY and facts.st_nlink > 1
                        identity = facts.st_dev << 64 | facts.st_ino if several else -1
                        batch.append((path, kind, facts.st_size, getattr(facts, "st_blocks", 0) * 512, identity))
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
            self.say("symbolic-link", join(directory, name), "not followed")
        others = {*directories, *links}
        return Listing(directories, [entry.name for entry in found if entry.name not in others], links)
