"""A Distribution storage in a folder, walked: directories are listed only where their names are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.layouts.distribution.grammar import (
    BLOBS,
    HEX_LENGTHS,
    LAYERS,
    LINK_LENGTH,
    MANIFESTS,
    REPOSITORIES,
    REVISIONS,
    SECTIONS,
    TAGS,
    UPLOADS,
    algorithm_text,
    is_encoded,
)
from regviz.layouts.distribution.inventory import split_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.storage.base import Walkable

_PREFIX_WIDTH = 2


class Walk:
    """One walk.

    Parameters
    ----------
    storage : Storage
    root : bytes
        Path of the ``v2`` directory; empty where it is the storage's own root.
    inventory : Inventory
        Where everything goes.
    tick : callable
        Told how many directories were done, now and then.
    """

    def __init__(self, storage: Walkable, root: bytes, inventory: Inventory, tick: Callable[[int], None]) -> None:
        self._storage, self._inventory, self._tick = storage, inventory, tick
        self._root = root + b"/" if root else b""

    def blobs(self) -> None:
        """The store of blobs: every digest's directory, and the length of its data."""
        top = self._storage.children(self._root + BLOBS)
        self._strays(self._root + BLOBS, top.files)
        for algorithm in sorted(top.directories):
            directory = self._root + BLOBS + b"/" + algorithm
            listing = self._storage.children(directory)
            self._strays(directory, listing.files)
            for prefix in sorted(listing.directories):
                self._blobs_below(directory + b"/" + prefix, algorithm, prefix)
                self._tick(1)

    def _blobs_below(self, directory: bytes, algorithm: bytes, prefix: bytes) -> None:
        listing = self._storage.children(directory)
        self._strays(directory, listing.files)
        names, others = split_names(algorithm, listing.directories)
        if len(prefix) != _PREFIX_WIDTH or any(name[:_PREFIX_WIDTH] != prefix for name in names):
            others += [name for name in names if name[:_PREFIX_WIDTH] != prefix]
            names = [name for name in names if name[:_PREFIX_WIDTH] == prefix]
        for name in others:
            self._inventory.bad_name(directory + b"/" + name)
        if names:
            facts = self._storage.stat_many(directory, names, b"/data")
            self._inventory.blobs(algorithm, names, facts)

    def repositories(self) -> None:
        """Every directory below ``repositories`` that has a part of a repository."""
        pending = [b""]
        while pending:
            path = pending.pop()
            directory = self._root + REPOSITORIES + (b"/" + path if path else b"")
            listing = self._storage.children(directory)
            self._strays(directory, listing.files)
            sections = [name for name in listing.directories if name in SECTIONS]
            pending += [path + b"/" + name if path else name for name in listing.directories if name[:1] != b"_"]
            if sections and path:
                self._repository(path, directory, sections)
                self._tick(1)

    def _repository(self, path: bytes, directory: bytes, sections: list[bytes]) -> None:
        row = self._inventory.repository(path)
        if LAYERS in sections:
            self._inventory.mark(row, "has_layers")
            for algorithm, where, names in self._digests(directory + b"/" + LAYERS):
                self._layers(row, algorithm, where, names)
        if MANIFESTS in sections:
            self._inventory.mark(row, "has_manifests")
            parts = self._storage.children(directory + b"/" + MANIFESTS).directories
            self._inventory.links_of(row, revisions=REVISIONS in parts, tags=TAGS in parts)
            if REVISIONS in parts:
                for algorithm, where, names in self._digests(directory + b"/" + MANIFESTS + b"/" + REVISIONS):
                    self._revisions(row, algorithm, where, names)
            if TAGS in parts:
                self._tags(row, directory + b"/" + MANIFESTS + b"/" + TAGS)
        if UPLOADS in sections:
            self._uploads(row, directory + b"/" + UPLOADS)

    def _digests(self, directory: bytes) -> Iterator[tuple[bytes, bytes, list[bytes]]]:
        """Algorithms below a directory: their name, path and the digests' directories.

        What is no registered algorithm is the first part of an old one of several (``tarsum/v1/sha256``).
        """
        pending = [(b"", name) for name in sorted(self._storage.children(directory).directories)]
        while pending:
            above, name = pending.pop(0)
            path = above + b"/" + name if above else name
            names = self._storage.children(directory + b"/" + path).directories
            if name in HEX_LENGTHS:
                yield algorithm_text(path), directory + b"/" + path, names
            elif path.count(b"/") < _PREFIX_WIDTH:
                pending += [(path, below) for below in sorted(names)]

    def _layers(self, row: int, algorithm: bytes, where: bytes, names: list[bytes]) -> None:
        if self._inventory.links == "stat" and algorithm == b"sha256":
            good, _ = split_names(algorithm, names)
            self._inventory.unchecked_layers(row, algorithm, good)
            return
        for name, content, mtime in self._opened(algorithm, where, split_names(algorithm, names)[0]):
            self._inventory.layer_link(row, algorithm, name, content, mtime)

    def _revisions(self, row: int, algorithm: bytes, where: bytes, names: list[bytes]) -> None:
        names, _ = split_names(algorithm, names)
        if self._inventory.links == "open" or algorithm != b"sha256":
            odd: Sequence[bytes] = names
        else:
            facts = self._storage.stat_many(where, names, b"/link")
            whole = np.flatnonzero(facts.sizes == LINK_LENGTH)
            good = names if len(whole) == len(names) else [names[i] for i in whole.tolist()]
            self._inventory.revisions(row, algorithm, good, facts.mtimes[whole])
            odd = [names[i] for i in np.flatnonzero((facts.sizes >= 0) & (facts.sizes != LINK_LENGTH)).tolist()]
        if odd:
            contents, times = self._storage.read_links(where, odd, b"/link")
            for name, content, mtime in zip(odd, contents, times, strict=True):
                if content is not None:  # an empty directory is no revision: the manifest was deleted
                    self._inventory.revision(row, algorithm, name, content, mtime)

    def _opened(self, algorithm: bytes, where: bytes, names: list[bytes]) -> Iterator[tuple[bytes, bytes | None, int]]:
        """Links that have a file, with their content where it must be known, and their time."""
        read: Sequence[bytes] = names
        if self._inventory.links == "check" and algorithm == b"sha256":
            facts = self._storage.stat_many(where, names, b"/link")
            for at in np.flatnonzero(facts.sizes == LINK_LENGTH).tolist():
                yield names[at], None, int(facts.mtimes[at])
            read = [names[i] for i in np.flatnonzero((facts.sizes >= 0) & (facts.sizes != LINK_LENGTH)).tolist()]
        if read:
            contents, times = self._storage.read_links(where, read, b"/link")
            for name, content, mtime in zip(read, contents, times, strict=True):
                if content is not None:
                    yield name, content, mtime

    def _tags(self, row: int, directory: bytes) -> None:
        listing = self._storage.children(directory)
        self._strays(directory, listing.files)
        names = listing.directories
        contents, times = self._storage.read_links(directory, names, b"/current/link")
        encoded = [content[7:] if content and is_encoded(b"sha256", content[7:]) else b"" for content in contents]
        # nearly every tag was pushed once, and link counts tell so without a listing
        lone = self._storage.lone_link_times(directory, list(zip(names, encoded, strict=True)))
        histories = [
            self._history(directory + b"/" + name + b"/index")
            if when is None
            else [(f"sha256:{digest.decode()}", when)]
            for name, digest, when in zip(names, encoded, lone, strict=True)
        ]
        self._inventory.tags(row, names, contents, times, histories)

    def _history(self, index: bytes) -> list[tuple[str, int]]:
        """Digests of a tag's index whose links are there, and their times."""
        found = []
        for algorithm, where, names in self._digests(index):
            good, _ = split_names(algorithm, names)
            facts = self._storage.stat_many(where, good, b"/link") if good else None
            for at, name in enumerate(good):
                if facts is not None and facts.sizes[at] >= 0:
                    found.append((f"{algorithm.decode()}:{name.decode()}", int(facts.mtimes[at])))
        return found

    def _uploads(self, row: int, directory: bytes) -> None:
        names = self._storage.children(directory).directories
        if names:
            sizes = self._storage.stat_many(directory, names, b"/data").sizes.tolist()
            starts, _ = self._storage.read_links(directory, names, b"/startedat")
            for name, size, start in zip(names, sizes, starts, strict=True):
                self._inventory.upload(row, name, size, start)

    def _strays(self, directory: bytes, files: list[bytes]) -> None:
        for name in files:
            self._inventory.stray(directory + b"/" + name)
