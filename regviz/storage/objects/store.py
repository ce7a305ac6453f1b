"""Object storage as a storage: listed flat, a page at a time as columns, and read by keys, many at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regviz.errors import RegvizError
from regviz.storage.base import BATCH, FILE, INLINE, OTHER, SYMLINK, Columns, Entries, Listing, Stats, StorageProblem
from regviz.storage.besides import UNKNOWN, Kept
from regviz.storage.objects.adapter import A_LINK, NO_FILE, StrangeListingError, is_versioned
from regviz.storage.objects.address import EXTRAS
from regviz.storage.objects.errors import is_absent, is_refused, understood
from regviz.storage.objects.listing import drained, listed
from regviz.storage.spans import Spans
from regviz.storage.tar import safe_path

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from regviz.storage.objects.adapter import Adapter, Page
    from regviz.storage.objects.address import ObjectAddress

_READS = 64
_MOST_WAITING = 64 << 20
"""Bytes that are asked for and were not yet handed on."""
_PAGES_OF_A_DIRECTORY = 10
_MOST_LOOKED = 2000
_ATTEMPTS = 3
_UNUSUAL = ("//", "/.", "\n.", "\n/", "/\n")
"""What stands in every path that is not safe, where paths are lines."""


class _Looked(NamedTuple):
    """What lies as far as the next slash."""

    listing: Listing
    sizes: dict[bytes, int]
    times: dict[bytes, int]


class Objects:
    """The objects below a prefix.

    Keys are paths; there are no directories, and what stands for one (an empty object whose key ends with a slash) is
    left out. No object is asked for singly what a listing says.

    Parameters
    ----------
    address : ObjectAddress
    adapter : Adapter
    """

    walkable = False
    by_path = True
    forward_only = False
    knows_disk = False

    def __init__(self, address: ObjectAddress, adapter: Adapter) -> None:
        self.uri = address.uri
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True
        self._address, self._adapter = address, adapter
        self._below = b""
        self._looked: dict[bytes, _Looked] = {}

    def narrow(self, root: bytes) -> None:
        """List only what lies below a path from now on: a bucket may hold other things, and many."""
        self._below = root + b"/" if root else b""
        self._looked.clear()

    def entries(self) -> Iterator[Entries]:
        """All objects with a safe path."""
        pages = drained(self._adapter.loop, listed(self._adapter, self._address.prefix + _text(self._below)))
        waiting: list[Columns] = []
        count = 0
        try:
            for page in pages:
                columns = self._columns(page)
                count += len(columns.types)
                waiting.append(columns)
                if count >= BATCH:
                    yield Entries(_joined(waiting), by_path=True)
                    waiting, count = [], 0
        except RegvizError:
            raise
        except Exception as error:
            raise understood(error, self._address) from error
        if waiting:
            yield Entries(_joined(waiting), by_path=True)

    def kept_besides(self) -> Sequence[Kept]:
        """Unfinished multipart uploads, and noncurrent versions; nothing where a storage has no such things.

        What may not be asked for is not known, and what Google and Azure keep is not asked for.
        """
        adapter, lead = self._adapter, self._address.prefix + _text(self._below)
        if not is_versioned(adapter):
            return (UNKNOWN, UNKNOWN) if self._address.protocol in EXTRAS else ()
        try:
            return (
                self._run(adapter.multipart_uploads(lead)).result(),
                self._run(adapter.noncurrent_versions(lead)).result(),
            )
        except Exception as error:
            raise understood(error, self._address) from error

    def link_target(self, path: bytes) -> bytes | None:
        """There are no links."""
        del path
        return None

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by path, in the order given; a size of 0 stands for one that is not known."""
        running: deque[tuple[int, int, Future[bytes | None]]] = deque()
        waiting = 0
        wanted = iter(enumerate(zip(locators, sizes, strict=True)))
        try:
            for number, (path, size) in wanted:
                count = min(size or limit, limit)
                running.append((number, count, self._run(self._read(bytes(path), count))))
                waiting += count
                while running and (len(running) >= _READS or waiting > _MOST_WAITING):
                    done, count, future = running.popleft()
                    waiting -= count
                    yield done, future.result()
            while running:
                done, _, future = running.popleft()
                yield done, future.result()
        finally:
            for _, _, future in running:
                future.cancel()

    def children(self, directory: bytes, *, listed: bool = False) -> Listing:
        """What lies in a directory, as far as that takes a few pages."""
        del listed
        return self._look(directory).listing

    def holds_directory(self, directory: bytes, accepts: Callable[[bytes], object]) -> bool:
        """Whether a directory holds one whose name is accepted."""
        return any(map(accepts, self._look(directory).listing.directories))

    def stat_many(self, directory: bytes, names: Sequence[bytes], suffix: bytes = b"") -> Stats:
        """Facts on ``directory/name + suffix`` for each name."""
        sizes, times = [], []
        for name in names:
            above, _, last = _join(directory, name + suffix).rpartition(b"/")
            looked = self._look(above)
            sizes.append(looked.sizes.get(last, -1))
            times.append(looked.times.get(last, 0))
        unknown = np.full(len(names), -1, np.int64)
        return Stats(np.array(sizes, np.int64), np.array(times, np.int64), unknown, unknown)

    def read_links(
        self, directory: bytes, names: Sequence[bytes], suffix: bytes
    ) -> tuple[list[bytes | None], list[int]]:
        """Contents (None where there is none) and times of the small ``directory/name + suffix``."""
        stats = self.stat_many(directory, names, suffix)
        contents: list[bytes | None] = [None] * len(names)
        there = np.flatnonzero(stats.sizes >= 0).tolist()
        paths = [_join(directory, names[at] + suffix) for at in there]
        for number, data in self.read_many(paths, [INLINE] * len(there), INLINE):
            contents[there[number]] = data
        return contents, stats.mtimes.tolist()

    def _look(self, directory: bytes) -> _Looked:
        looked = self._looked.get(directory)
        if looked is None:
            lead = self._address.prefix + _text(directory + b"/" if directory else b"")
            try:
                looked = self._run(self._looked_into(lead)).result()
            except Exception as error:
                raise understood(error, self._address) from error
            if len(self._looked) >= _MOST_LOOKED:
                self._looked.clear()
            self._looked[directory] = looked
        return looked

    async def _looked_into(self, lead: str) -> _Looked:
        looked = _Looked(Listing([], [], []), {}, {})
        skip, pages = len(lead), 0
        async for page in self._adapter.pages(lead, flat=False):
            if not all(key.startswith(lead) for key in (*page.keys, *page.directories)):
                raise StrangeListingError
            names = [_raw(name[skip:].rstrip("/")) for name in page.directories]
            looked.listing.directories.extend(name for name in names if safe_path(name) == name and name)
            for key, size, time in zip(page.keys, page.sizes, page.times.tolist(), strict=True):
                name = _raw(key[skip:])
                if not name or safe_path(name) != name or size == NO_FILE:
                    continue
                if size == A_LINK:
                    looked.listing.links.append(name)
                else:
                    looked.listing.files.append(name)
                    looked.sizes[name], looked.times[name] = size, time
            pages += 1
            if pages == _PAGES_OF_A_DIRECTORY:
                break
        return looked

    def _columns(self, page: Page) -> Columns:
        """A page as columns: paths below the prefix, unsafe ones said and left out."""
        prefix = self._address.prefix
        if not all(key.startswith(prefix) for key in page.keys):
            raise StrangeListingError
        skip = len(_raw(prefix))
        text = "\n".join(["", *page.keys, ""])
        sizes = np.array(page.sizes, np.int64)
        paths = Spans.of([*map(_raw, page.keys)])
        paths = Spans(paths.data + bytes(INLINE), paths.starts + skip, paths.stops)
        columns = Columns(
            paths,
            np.where(sizes >= 0, FILE, np.where(sizes == A_LINK, SYMLINK, OTHER)).astype(np.uint8),
            np.maximum(sizes, 0),
            page.times,
            np.full(len(paths), -1, np.int64),
            np.full(len(paths), -1, np.int64),
        )
        if any(sign in text for sign in _UNUSUAL):
            return self._checked(columns)
        return columns

    def _checked(self, columns: Columns) -> Columns:
        there = np.ones(len(columns.types), np.bool_)
        for at, path in enumerate(columns.paths.tolist()):
            if safe_path(path) == path and path:
                continue
            there[at] = False
            if path[-1:] == b"/" and columns.sizes[at] == 0:
                continue  # what a console makes for a directory
            if safe_path(path) is None:
                self._say("path-escapes", path, "it leads out of the storage")
            elif path:
                self._say("foreign-file", path, "no program that keeps a registry writes such a key")
        return columns.take(there)

    async def _read(self, path: bytes, count: int) -> bytes | None:
        """The beginning of an object; None, and said, where it cannot be read."""
        key = self._address.prefix + _text(path)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._adapter.read(key, count)
            except Exception as error:
                if is_absent(error) or is_refused(error):
                    why = "it is not there any more" if is_absent(error) else "it may not be read"
                    self.complete = False
                    self._say("unreadable", path, why)
                    return None
                if attempt == _ATTEMPTS:
                    raise understood(error, self._address) from error
                await asyncio.sleep(0.2 * attempt)
        return None

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._adapter.loop)

    def _say(self, rule: str, path: bytes, detail: str) -> None:
        self.problems[StorageProblem(rule, path, detail)] = None


def _joined(parts: list[Columns]) -> Columns:
    """Columns of several pages, as one."""
    if len(parts) == 1:
        return parts[0]
    behind = np.cumsum([0, *(len(part.paths.data) for part in parts[:-1])]).tolist()
    paths = Spans(
        b"".join(part.paths.data for part in parts),
        np.concatenate([part.paths.starts + more for part, more in zip(parts, behind, strict=True)]),
        np.concatenate([part.paths.stops + more for part, more in zip(parts, behind, strict=True)]),
    )

    def together(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return Columns(
        paths, together("types"), together("sizes"), together("mtimes"), together("locators"), together("contents")
    )


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
