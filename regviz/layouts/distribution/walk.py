"""A Distribution storage in a folder, walked: directories are listed only where their names are needed."""

from __future__ import annotations

import re
from itertools import chain, compress, repeat
from operator import not_
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.grammar import (
    BLOBS,
    HEX_LENGTHS,
    LAYERS,
    LINK_LENGTH,
    MANIFESTS,
    REPOSITORIES,
    REVISIONS,
    SECTIONS,
    TAG,
    TAGS,
    UPLOADS,
    algorithm_text,
)
from regviz.layouts.distribution.inventory import sha256_digits, split_names
from regviz.pool import raw_digests
from regviz.storage.base import Stats
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.storage.base import Walkable

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]

_PREFIX_WIDTH = 2
_TAGS = re.compile(rf"(?:{TAG.pattern}\0)*".encode())
_MANY = 1 << 13  # digests that are handed over together: a few at a time cost calls, more cost memory


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
        self._layer_links = _Gathered(self._take_layers)
        self._revision_links = _Gathered(self._take_revisions)
        self._tags_pushed_once = _Gathered(self._take_tags)

    def blobs(self, measured: Iterable[tuple[Codes, Stats]] = ()) -> None:
        """The store of blobs: every digest's directory, and the length of its data.

        `measured` are those that were measured already: codes, and what lstat says of their data.
        """
        known = np.zeros(len(self._inventory.facts.keys), np.bool_)
        for codes, facts in measured:
            self._inventory.measured_blobs(codes, facts)
            known[codes] = True
        top = self._storage.children(self._root + BLOBS)
        self._strays(self._root + BLOBS, top.files)
        for algorithm in sorted(top.directories):
            directory = self._root + BLOBS + b"/" + algorithm
            listing = self._storage.children(directory, listed=True)
            self._strays(directory, listing.files)
            some: list[tuple[list[bytes], Codes, Stats]] = []
            for prefix in sorted(listing.directories):
                names = self._digests_below(directory + b"/" + prefix, algorithm, prefix)
                codes = self._inventory.facts.keys.intern_names(names, algorithm + b":")
                is_new = np.ones(len(codes), np.bool_)
                was_there = codes < len(known)
                is_new[was_there] = ~known[codes[was_there]]
                new = np.flatnonzero(is_new)
                if len(new):
                    if len(new) < len(names):
                        names = [names[at] for at in new.tolist()]
                    below = directory + b"/" + prefix
                    some.append((names, codes[new], self._storage.stat_many(below, names, b"/data")))
                if sum(len(codes) for _, codes, _ in some) >= _MANY:
                    self._take_blobs(algorithm, some)
                    some = []
                self._tick(1)
            if some:
                self._take_blobs(algorithm, some)

    def _take_blobs(self, algorithm: bytes, some: list[tuple[list[bytes], Codes, Stats]]) -> None:
        names, codes, facts = zip(*some, strict=True)
        self._inventory.blobs(algorithm, [*chain.from_iterable(names)], np.concatenate(codes), _together(facts))

    def _digests_below(self, directory: bytes, algorithm: bytes, prefix: bytes) -> list[bytes]:
        """Digests that lie where they belong; what else lies there is said."""
        listing = self._storage.children(directory, listed=True)
        self._strays(directory, listing.files)
        names, others = split_names(algorithm, listing.directories)
        if len(prefix) != _PREFIX_WIDTH or not all(map(bytes.startswith, names, repeat(prefix))):
            others += [name for name in names if name[:_PREFIX_WIDTH] != prefix]
            names = [name for name in names if name[:_PREFIX_WIDTH] == prefix]
        for name in others:
            self._inventory.bad_name(directory + b"/" + name)
        return names

    def repositories(self) -> None:
        """Every directory below ``repositories`` that has a part of a repository."""
        pending = [b""]
        while pending:
            path = pending.pop()
            directory = self._root + REPOSITORIES + (b"/" + path if path else b"")
            listing = self._storage.children(directory, listed=bool(path))
            self._strays(directory, listing.files)
            sections = [name for name in listing.directories if name in SECTIONS]
            pending += [path + b"/" + name if path else name for name in listing.directories if name[:1] != b"_"]
            if sections and path:
                self._repository(path, directory, sections)
                self._tick(1)
        for gathered in (self._layer_links, self._revision_links, self._tags_pushed_once):
            gathered.hand_over()

    def _repository(self, path: bytes, directory: bytes, sections: list[bytes]) -> None:
        row = self._inventory.repository(path, has_layers=LAYERS in sections, has_manifests=MANIFESTS in sections)
        if LAYERS in sections:
            layers, measured = directory + b"/" + LAYERS, self._inventory.links == "check"
            if not self._are_whole(row, layers, self._layer_links, measured=measured):
                for algorithm, where, names in self._digests(layers, listed=True):
                    self._layers(row, algorithm, where, names)
        if MANIFESTS in sections:
            manifests = directory + b"/" + MANIFESTS
            parts = self._storage.children(manifests, listed=True).directories
            self._inventory.links_of(row, revisions=REVISIONS in parts, tags=TAGS in parts)
            if REVISIONS in parts:
                revisions = manifests + b"/" + REVISIONS
                if not self._are_whole(row, revisions, self._revision_links, measured=True):
                    for algorithm, where, names in self._digests(revisions, listed=True):
                        self._revisions(row, algorithm, where, names)
            if TAGS in parts:
                self._tags(row, manifests + b"/" + TAGS)
        if UPLOADS in sections:
            self._uploads(row, directory + b"/" + UPLOADS)

    def _are_whole(self, row: int, directory: bytes, links: _Gathered, *, measured: bool) -> bool:
        """Gather the links of a directory that are all as they should be, if they are."""
        found = None if self._inventory.links == "open" else self._storage.whole_links(directory, measured=measured)
        if found is None:
            return False
        links.add(row, found.raw, *([found.times] if measured else []))
        return True

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
            elif path.count(b"/") < _PREFIX_WIDTH:
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

    def _whole_links(self, row: int, where: bytes, names: list[bytes], links: _Gathered) -> list[bytes]:
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
        found = self._storage.plain_tags(directory)
        if found is None:
            listing = self._storage.children(directory, listed=True)
            self._strays(directory, listing.files)
            names = listing.directories
            found = self._storage.plain_tags(directory, names)
        else:
            names = found.names.split(b"\0")[:-1]
        if found is not None and _TAGS.fullmatch(found.names) is not None:
            once = found.once.tolist()
            self._tags_pushed_once.add(row, [*map(bytes.decode, compress(names, once))], *found.digests)
            names = [*compress(names, map(not_, once))]
        self._each_tag(row, directory, names)

    def _each_tag(self, row: int, directory: bytes, names: list[bytes]) -> None:
        if not names:
            return
        texts = decode_name(b"/".join(names)).split("/")
        contents, times = self._storage.read_links(directory, names, b"/current/link")
        digits = sha256_digits(contents)
        # nearly every tag was pushed once, and link counts tell so without a listing
        lone = self._storage.lone_digests(directory, list(zip(names, digits, strict=True)))
        plain = [alone and TAG.fullmatch(text) is not None for alone, text in zip(lone, texts, strict=True)]
        self._tags_pushed_once.add(
            row,
            [*compress(texts, plain)],
            raw_digests([*compress(digits, plain)]),
            np.array(times, np.int64)[plain],
        )
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

    def _take_tags(self, rows: Codes, texts: list[str], raw: Raw, times: Numbers) -> None:
        tags = self._inventory.facts.names.codes(texts)
        found = rows, tags, self._inventory.facts.keys.intern_raw(raw), times
        self._inventory.listed_tags(*found)
        self._inventory.listed_history(*found, np.ones(len(tags), np.bool_))

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


class _Gathered:
    """What was found in one repository after the other, handed over together once that pays.

    `take` is given the repositories' rows and any columns, an element for each thing found.
    """

    def __init__(self, take: Callable[..., None]) -> None:
        self._take = take
        self._forget()

    def _forget(self) -> None:
        self._rows: list[int] = []
        self._counts: list[int] = []
        self._columns: list[tuple[Any, ...]] = []
        self._count = 0

    def add(self, row: int, *columns: list[str] | NDArray[Any]) -> None:
        """What one repository has: arrays, or lists of texts."""
        self._rows.append(row)
        self._counts.append(len(columns[0]))
        self._columns.append(columns)
        self._count += len(columns[0])
        if self._count >= _MANY:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over what there is."""
        if self._count:
            columns = (
                np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [*chain.from_iterable(parts)]
                for parts in zip(*self._columns, strict=True)
            )
            self._take(np.repeat(np.array(self._rows, np.int32), self._counts), *columns)
        self._forget()


def _together(parts: Sequence[Stats]) -> Stats:
    return Stats(*map(np.concatenate, zip(*parts, strict=True)))
