"""Repositories of a Distribution storage in a folder, walked: directories are listed only where names are needed."""

from __future__ import annotations

import re
from itertools import chain, compress
from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.gathered import Gathered
from regviz.layouts.distribution.grammar import (
    HEX_LENGTHS,
    LAYERS,
    LINK_LENGTH,
    MANIFESTS,
    MOST_PARTS,
    REPOSITORIES,
    REVISIONS,
    SECTIONS,
    TAG,
    TAGS,
    UPLOADS,
    algorithm_text,
)
from regviz.layouts.distribution.inventory import sha256_digits, split_names
from regviz.native.directories import LOOKED_AT
from regviz.pool import raw_digests
from regviz.storage.ahead import handfuls_ahead
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.native.directories import Repositories, Tags
    from regviz.storage.base import Walkable

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]

_TAGS_BELOW = b"/" + MANIFESTS + b"/" + TAGS
_TAGS = re.compile(rf"(?:{TAG.pattern}\0)*".encode())


class Walk:
    """One walk through all repositories.

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
        self._layer_links = Gathered(self._take_layers)
        self._revision_links = Gathered(self._take_revisions)
        self._good_tags = Gathered(self._take_tags)
        self._histories = Gathered(self._take_histories)

    def repositories(self) -> None:
        """Every directory below ``repositories`` that has a part of a repository."""
        top = self._root + REPOSITORIES
        listing = self._storage.children(top)
        self._inventory.strays(top, listing.files)
        pending = _paths_below(b"", listing.directories)

        def look(paths: Sequence[bytes]) -> Repositories | None:
            return self._storage.repositories(top, paths, self._inventory.links)

        def take(most: int) -> list[bytes]:
            taken = pending[-most:]
            del pending[-most:]
            return taken

        for paths, found in handfuls_ahead(look, take):
            pending += chain.from_iterable(map(self._alone, paths)) if found is None else self._usual(paths, found)
        for gathered in (self._layer_links, self._revision_links, self._good_tags, self._histories):
            gathered.hand_over()

    def _usual(self, paths: Sequence[bytes], found: Repositories) -> Iterator[bytes]:
        """Take what is as it nearly always is, and look at the rest; paths of more directories, below these."""
        rows = [-1] * len(paths)
        for at, (path, parts) in enumerate(zip(paths, found.parts, strict=True)):
            if parts is None:
                yield from self._alone(path)
                continue
            if parts & SECTIONS:
                rows[at] = self._row(path, parts)
            if at in found.below:
                below, files = found.below[at]
                self._inventory.strays(self._directory(path), files)
                yield from _paths_below(path, below)
        layers, revisions, tags = np.maximum(found.counts[:, :3], 0).T.tolist()
        times = [found.layers.times] if self._inventory.links == "check" else []
        self._layer_links.add_many(rows, layers, found.layers.raw, *times)
        self._revision_links.add_many(rows, revisions, *found.revisions)
        self._take_found_tags(rows, [self._directory(path) + _TAGS_BELOW for path in paths], tags, found.tags)
        for at in np.flatnonzero((found.counts < 0).any(axis=1)).tolist():
            if rows[at] >= 0:
                left = compress(LOOKED_AT, (found.counts[at] < 0).tolist())
                self._look(rows[at], self._directory(paths[at]), (found.parts[at] or frozenset()).intersection(left))

    def _alone(self, path: bytes) -> list[bytes]:
        """Look at one directory, whatever it holds; paths of those below that may be more."""
        directory = self._directory(path)
        listing = self._storage.children(directory, listed=True)
        self._inventory.strays(directory, listing.files)
        parts = SECTIONS.intersection(listing.directories)
        if MANIFESTS in parts:
            below = self._storage.children(directory + b"/" + MANIFESTS, listed=True).directories
            parts |= {REVISIONS, TAGS}.intersection(below)
        if parts:
            self._look(self._row(path, parts), directory, parts)
        return _paths_below(path, listing.directories)

    def _directory(self, path: bytes) -> bytes:
        return self._root + REPOSITORIES + b"/" + path

    def _row(self, path: bytes, parts: frozenset[bytes]) -> int:
        """Row of a new repository that has these parts."""
        has_manifests = MANIFESTS in parts
        row = self._inventory.repository(path, has_layers=LAYERS in parts, has_manifests=has_manifests)
        if has_manifests:
            self._inventory.links_of(row, revisions=REVISIONS in parts, tags=TAGS in parts)
        self._tick(1)
        return row

    def _look(self, row: int, directory: bytes, parts: frozenset[bytes]) -> None:
        """Look at parts of a repository, whatever they hold."""
        manifests = directory + b"/" + MANIFESTS + b"/"
        if LAYERS in parts:
            for algorithm, where, names in self._digests(directory + b"/" + LAYERS, listed=True):
                self._layers(row, algorithm, where, names)
        if REVISIONS in parts:
            for algorithm, where, names in self._digests(manifests + REVISIONS, listed=True):
                self._revisions(row, algorithm, where, names)
        if TAGS in parts:
            self._tags(row, manifests + TAGS)
        if UPLOADS in parts:
            self._uploads(row, directory + b"/" + UPLOADS)

    def _digests(self, directory: bytes, *, listed: bool = False) -> Iterator[tuple[bytes, bytes, list[bytes]]]:
        """Algorithms below a directory: their name, path and the digests' directories.

        What is no registered algorithm is the first part of an old one of several (``tarsum/v1/sha256``).
        """
        pending = [(b"", name) for name in sorted(self._storage.children(directory, listed=listed).directories)]
        while pending:
            above, name = pending.pop(0)
            path = above + b"/" + name if above else name
            names = self._storage.children(directory + b"/" + path, listed=True).directories
            if name in HEX_LENGTHS:
                algorithm = algorithm_text(path)
                yield algorithm, directory + b"/" + path, split_names(algorithm, names)[0]
            elif path.count(b"/") + 1 < MOST_PARTS:
                pending += [(path, below) for below in sorted(names)]

    def _layers(self, row: int, algorithm: bytes, where: bytes, names: list[bytes]) -> None:
        links = self._inventory.links
        if links == "open" or algorithm != b"sha256":
            odd: Sequence[bytes] = names
        elif links == "check":
            odd = self._whole_links(row, where, names, self._layer_links)
        else:
            self._layer_links.add(row, raw_digests(names))
            return
        for name, content, mtime in self._read(where, odd):
            self._inventory.layer_link(row, algorithm, name, content, mtime)

    def _revisions(self, row: int, algorithm: bytes, where: bytes, names: list[bytes]) -> None:
        odd: Sequence[bytes] = names
        if self._inventory.links != "open" and algorithm == b"sha256":
            odd = self._whole_links(row, where, names, self._revision_links)
        for name, content, mtime in self._read(where, odd):
            self._inventory.revision(row, algorithm, name, content, mtime)

    def _whole_links(self, row: int, where: bytes, names: list[bytes], links: Gathered) -> list[bytes]:
        """Gather the links that are as long as they should be; returns those that are not."""
        if not names:
            return []
        sizes, times = self._storage.measure_links(where, names, b"/link")
        if sizes.count(LINK_LENGTH) == len(names):
            links.add(row, raw_digests(names), np.array(times, np.int64))
            return []
        whole = [at for at, size in enumerate(sizes) if size == LINK_LENGTH]
        links.add(row, raw_digests([names[at] for at in whole]), np.array([times[at] for at in whole], np.int64))
        return [name for name, size in zip(names, sizes, strict=True) if size not in (LINK_LENGTH, -1)]

    def _read(self, where: bytes, names: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, int]]:
        """Name, content and time of links; an empty directory is none: what it linked was deleted."""
        if names:
            contents, times = self._storage.read_links(where, names, b"/link")
            for name, content, mtime in zip(names, contents, times, strict=True):
                if content is not None:
                    yield name, content, mtime

    def _tags(self, row: int, directory: bytes) -> None:
        listing = self._storage.children(directory, listed=True)
        self._inventory.strays(directory, listing.files)
        found = self._storage.plain_tags(directory, listing.directories)
        if found is None:
            self._each_tag(row, directory, listing.directories)
        else:
            self._take_found_tags([row], [directory], [len(listing.directories)], found)

    def _take_found_tags(
        self, rows: list[int], directories: Sequence[bytes], counts: Sequence[int], found: Tags
    ) -> None:
        """Take tags of some repositories that were looked at, and look at those that are odd."""
        names, owner = found.names.split(b"\0")[:-1], np.repeat(np.arange(len(rows)), counts)
        pushes = found.pushes if _TAGS.fullmatch(found.names) is not None else np.zeros_like(found.pushes)
        good, several = pushes > 0, pushes > 1
        if good.any():
            texts = [*map(bytes.decode, compress(names, good.tolist()))]
            how_many = np.bincount(owner[good], minlength=len(rows)).tolist()
            self._good_tags.add_many(rows, how_many, texts, *found.digests, ~several[good])
        if several.any():
            each = pushes[several]
            texts = [names[at].decode() for at in np.repeat(np.flatnonzero(several), each).tolist()]
            now = np.repeat(found.digests.raw[several[good]], each, axis=0)
            how_many = np.bincount(owner[several], each, minlength=len(rows)).astype(np.int64).tolist()
            self._histories.add_many(rows, how_many, texts, *found.history, (found.history.raw == now).all(axis=1))
        for at in np.unique(owner[~good]).tolist():
            odd = np.flatnonzero((owner == at) & ~good).tolist()
            self._each_tag(rows[at], directories[at], [names[one] for one in odd])

    def _each_tag(self, row: int, directory: bytes, names: list[bytes]) -> None:
        if not names:
            return
        texts = decode_name(b"/".join(names)).split("/")
        contents, times = self._storage.read_links(directory, names, b"/current/link")
        digits = sha256_digits(contents)
        # nearly every tag was pushed once, and link counts tell so without a listing
        lone = self._storage.lone_digests(directory, list(zip(names, digits, strict=True)))
        plain = [alone and TAG.fullmatch(text) is not None for alone, text in zip(lone, texts, strict=True)]
        raw = raw_digests([*compress(digits, plain)])
        self._good_tags.add(row, [*compress(texts, plain)], raw, np.array(times, np.int64)[plain], raw[:, 0] >= 0)
        others = [at for at, is_plain in enumerate(plain) if not is_plain]
        if others:
            self._inventory.tags(
                row,
                [names[at] for at in others],
                [contents[at] for at in others],
                [times[at] for at in others],
                [() if lone[at] else self._history(directory + b"/" + names[at] + b"/index") for at in others],
            )

    def _history(self, index: bytes) -> list[tuple[str, int]]:
        """Digests of a tag's index whose links are there, and their times."""
        found = []
        for algorithm, where, names in self._digests(index):
            measured = zip(names, *self._storage.measure_links(where, names, b"/link"), strict=True)
            found += [(f"{algorithm.decode()}:{name.decode()}", time) for name, size, time in measured if size >= 0]
        return found

    def _take_layers(self, rows: Codes, raw: Raw, times: Numbers | None = None) -> None:
        codes = self._inventory.facts.keys.intern_raw(raw)
        if times is None:
            self._inventory.listed_layers(rows, codes, np.full(len(codes), NO_TIME), "unchecked")
        else:
            self._inventory.listed_layers(rows, codes, times, "ok")

    def _take_revisions(self, rows: Codes, raw: Raw, times: Numbers) -> None:
        self._inventory.listed_revisions(rows, self._inventory.facts.keys.intern_raw(raw), times)

    def _take_tags(self, rows: Codes, texts: list[str], raw: Raw, times: Numbers, once: Flags) -> None:
        """Tags, and the histories of those that were pushed once."""
        tags, codes = self._inventory.facts.names.codes(texts), self._inventory.facts.keys.intern_raw(raw)
        self._inventory.listed_tags(rows, tags, codes, times)
        current = np.ones(np.count_nonzero(once), np.int8)
        self._inventory.listed_history(rows[once], tags[once], codes[once], times[once], current)

    def _take_histories(self, rows: Codes, texts: list[str], raw: Raw, times: Numbers, current: Flags) -> None:
        tags, codes = self._inventory.facts.names.codes(texts), self._inventory.facts.keys.intern_raw(raw)
        self._inventory.listed_history(rows, tags, codes, times, current.view(np.int8))

    def _uploads(self, row: int, directory: bytes) -> None:
        names = self._storage.children(directory).directories
        if names:
            sizes = self._storage.stat_many(directory, names, b"/data").sizes.tolist()
            starts, _ = self._storage.read_links(directory, names, b"/startedat")
            for name, size, start in zip(names, sizes, starts, strict=True):
                self._inventory.upload(row, name, size, start)


def _paths_below(path: bytes, names: Iterable[bytes]) -> list[bytes]:
    """Paths of directories that may be repositories, or hold some."""
    head = path + b"/" if path else b""
    return [head + name for name in names if name[:1] != b"_"]
