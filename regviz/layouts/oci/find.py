"""Finding layouts and their blobs: a folder is walked, an archive listed flat, with equal results."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.columns import NO_NUMBER
from regviz.layouts.oci.grammar import (
    BLOBS,
    INDEX,
    KNOWN_FILES,
    NO_NAMESPACES,
    SAVED,
    UPLOADS,
    VERSION_FILE,
    join,
    split_digests,
)
from regviz.storage.base import DIRECTORY, FILE, SYMLINK, Stats
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.layouts.oci.pools import Layout, Pools
    from regviz.storage.base import Entries, Listing, Storage, Walkable

_DOCUMENTS = (VERSION_FILE, INDEX, SAVED)
_ELSEWHERE, _ROOT, _UPLOADS, _BLOBS, _POOL, _BENEATH = range(6)


class _Place(NamedTuple):
    """What a directory of a listing is: its kind, the layout's root, and its algorithm (or the foreign directory)."""

    kind: int
    root: bytes
    rest: bytes = b""


def walk(storage: Walkable, root: bytes, pools: Pools, tick: Callable[[int], None], *, nested: bool) -> None:
    """The layout at `root`; with `nested` also those of the directories below it, however deep."""
    pending = [root]
    while pending:
        path = pending.pop()
        tick(1)
        listing = storage.children(path)
        if VERSION_FILE in listing.files or (INDEX in listing.files and BLOBS in listing.directories):
            _walk_layout(storage, path, listing, pools)
        if nested:
            pending += [join(path, name) for name in sorted(listing.directories) if name not in NO_NAMESPACES]


def _walk_layout(storage: Walkable, root: bytes, listing: Listing, pools: Pools) -> None:
    number = pools.number(root)
    layout = pools.layouts[number]
    for name in sorted({*listing.files} - KNOWN_FILES):
        pools.stray(join(root, name))
    names = [name for name in _DOCUMENTS if name in listing.files]
    sizes = storage.stat_many(root, names).sizes.tolist()
    layout.files = {name: (join(root, name), size) for name, size in zip(names, sizes, strict=True) if size >= 0}
    if UPLOADS in listing.directories:
        uploads = sorted(storage.children(join(root, UPLOADS)).files)
        layout.uploads = list(zip(uploads, storage.stat_many(join(root, UPLOADS), uploads).sizes.tolist(), strict=True))
    if BLOBS not in listing.directories:
        return
    top = join(root, BLOBS)
    inside = storage.children(top)
    for name in sorted(inside.files):
        pools.stray(join(top, name))
    for algorithm in sorted(inside.directories):
        directory = join(top, algorithm)
        held = storage.children(directory)
        for name in sorted(held.directories):
            pools.stray(join(directory, name))
        found = sorted(held.files)
        if found:
            nowhere = np.full(len(found), -1, np.int64)
            for name in pools.blobs(number, algorithm, found, storage.stat_many(directory, found), nowhere):
                pools.stray(join(directory, name))


class Flat:
    """One reading of a flat listing.

    Parameters
    ----------
    storage : Storage
    root : bytes
        Where the layout lies, or what holds several.
    pools : Pools
        Where everything goes.
    tick : callable
        Told how many entries were done, now and then.
    nested : bool
        Whether layouts may lie below the root, too.
    """

    def __init__(
        self, storage: Storage, root: bytes, pools: Pools, tick: Callable[[int], None], *, nested: bool
    ) -> None:
        self._storage, self._root, self._pools, self._tick, self._nested = storage, root, pools, tick, nested
        self._places: dict[bytes, _Place] = {}
        self._repeated: set[bytes] = set()
        self._strays: dict[tuple[bytes, str], bytes | None] = {}
        self._hollow: set[bytes] = set()

    def read(self) -> None:
        """Take every entry below the root."""
        for batch in self._storage.entries():
            self._tick(len(batch.paths))
            self._batch(batch)
        pools = self._pools
        with_blobs = {place.root for place in self._places.values() if place.kind in (_POOL, _BLOBS, _BENEATH)}
        for layout in pools.layouts:
            if VERSION_FILE not in layout.files and layout.root not in with_blobs | self._hollow:
                layout.files = {}  # an index.json alone is some other program's
        pools.keep_layouts()
        for path in sorted(self._repeated.union(pools.keep_last())):
            pools.facts.problem("path-repeated", path=decode_name(path))
        known = {layout.root for layout in pools.layouts}
        for (path, rule), root in self._strays.items():
            if root is None or root in known:
                if rule == "foreign-file":
                    pools.stray(path)
                else:
                    pools.facts.problem(rule, path=decode_name(path), detail="not followed")

    def _batch(self, batch: Entries) -> None:
        blobs: dict[bytes, list[int]] = {}
        types, places = batch.types, self._places
        for at, path in enumerate(batch.paths):
            directory, _, name = path.rpartition(b"/")
            place = places.get(directory) or self._place(directory)
            if place.kind == _POOL and types[at] == FILE:
                blobs.setdefault(directory, []).append(at)
            elif place.kind != _ELSEWHERE:
                self._other(batch, at, place, name)
        for directory, rows in blobs.items():
            self._hand_over(batch, directory, rows)

    def _place(self, directory: bytes) -> _Place:
        """What a directory is, kept for the next entry that lies in it."""
        place = self._places[directory] = self._understand(directory)
        return place

    def _understand(self, directory: bytes) -> _Place:
        if self._may_be(directory):
            return _Place(_ROOT, directory)
        parts = directory.split(b"/")
        for at, part in enumerate(parts):
            if part not in (BLOBS, UPLOADS):
                continue
            root, below = b"/".join(parts[:at]), parts[at + 1 :]
            if not self._may_be(root):
                continue
            if part == UPLOADS:
                return _Place(_UPLOADS if not below else _ELSEWHERE, root)
            if len(below) < 2:
                return _Place(_POOL if below else _BLOBS, root, below[0] if below else b"")
            return _Place(_BENEATH, root, b"/".join(parts[: at + 3]))
        return _Place(_ELSEWHERE, b"")

    def _may_be(self, root: bytes) -> bool:
        """Whether a layout may lie in a directory, or something between the root and a layout."""
        if root == self._root or not self._nested:
            return root == self._root
        if self._root and not root.startswith(self._root + b"/"):
            return False
        return not NO_NAMESPACES.intersection(root[len(self._root) :].split(b"/"))

    def _hand_over(self, batch: Entries, directory: bytes, rows: list[int]) -> None:
        place = self._places[directory]
        width = len(directory) + 1
        stats = Stats(
            _column(batch.sizes, rows),
            _column(batch.mtimes, rows),
            np.full(len(rows), NO_NUMBER, np.int64),
            np.full(len(rows), -1, np.int64),
        )
        names = [batch.paths[at][width:] for at in rows]
        number = self._pools.number(place.root)
        by_path = self._storage.by_path
        locators = np.full(len(rows), -1, np.int64) if by_path else _column(batch.locators, rows)
        for name in self._pools.blobs(number, place.rest, names, stats, locators):
            self._strays[join(directory, name), "foreign-file"] = place.root

    def _other(self, batch: Entries, at: int, place: _Place, name: bytes) -> None:
        """An entry that is no blob."""
        kind, path = batch.types[at], batch.paths[at]
        if place.kind == _BENEATH:
            self._strays[place.rest, "foreign-file"] = place.root
        elif kind == DIRECTORY:
            if place.kind == _POOL:
                self._strays[path, "foreign-file"] = place.root
            elif place.kind == _ROOT and name == BLOBS:
                self._hollow.add(place.root)
        elif kind == SYMLINK:
            self._strays[path, "symbolic-link"] = None if place.kind == _ROOT else place.root
        elif place.kind == _UPLOADS:
            self._layout(place).uploads.append((name, batch.sizes[at] if kind == FILE else -1))
        elif place.kind == _POOL:
            self._strays[path, "special-file"] = place.root
            if split_digests(place.rest, (name,))[1]:
                self._strays[path, "foreign-file"] = place.root
        elif place.kind == _ROOT and kind == FILE and name in _DOCUMENTS:
            files = self._layout(place).files
            if name in files:
                self._repeated.add(path)
            files[name] = (batch.locators[at], batch.sizes[at])
        elif place.kind == _BLOBS or name not in KNOWN_FILES:
            self._strays[path, "foreign-file"] = place.root

    def _layout(self, place: _Place) -> Layout:
        return self._pools.layouts[self._pools.number(place.root)]


def _column(values: list[int], rows: list[int]) -> NDArray[np.int64]:
    return np.array([values[row] for row in rows], np.int64)
