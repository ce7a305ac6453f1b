"""A Distribution storage in a folder, walked: directories are listed only where their names are needed."""

from __future__ import annotations

import re
from functools import partial
from itertools import compress, repeat
from operator import not_
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.gathered import Gathered
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
from regviz.storage.ahead import handfuls_ahead
from regviz.storage.base import Stats
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.native.directories import Digests, Tags
    from regviz.storage.base import Listing, Walkable

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]

_PREFIX_WIDTH = 2
_TAGS = re.compile(rf"(?:{TAG.pattern}\0)*".encode())


class _Repository(NamedTuple):
    """A repository that was found: its path, its directory, what lies in that, and what in its manifests."""

    path: bytes
    directory: bytes
    sections: list[bytes]
    parts: list[bytes]

    @property
    def manifests(self) -> bytes:
        return self.directory + b"/" + MANIFESTS


class _Digests(NamedTuple):
    """Digests in a directory of the store of blobs: their names and codes."""

    directory: bytes
    names: list[bytes]
    codes: Codes


class _Common(NamedTuple):
    """Links of a repository's layers and revisions, and its tags; None where it is not as nearly all are."""

    layers: Digests | None
    revisions: Digests | None
    tags: Tags | None


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
        self._layer_links = Gathered(self._take_layers)
        self._revision_links = Gathered(self._take_revisions)
        self._tags_pushed_once = Gathered(self._take_tags)

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
            blobs = Gathered(partial(self._take_blobs, algorithm))
            new = self._new(algorithm, directory, listing.directories, known)
            for found, facts in handfuls_ahead(self._facts_on, new):
                blobs.add(0, found.names, found.codes, *facts)
            blobs.hand_over()

    def _new(self, algorithm: bytes, directory: bytes, prefixes: list[bytes], known: Flags) -> Iterator[_Digests]:
        """Digests in the store of blobs whose codes are not `known`."""

        def listed(prefix: bytes) -> Listing:
            return self._storage.children(directory + b"/" + prefix, listed=True)

        for prefix, listing in handfuls_ahead(listed, sorted(prefixes)):
            below = directory + b"/" + prefix
            names = self._digests_below(below, listing, algorithm, prefix)
            codes = self._inventory.facts.keys.intern_names(names, algorithm + b":")
            is_new = np.ones(len(codes), np.bool_)
            was_there = codes < len(known)
            is_new[was_there] = ~known[codes[was_there]]
            new = np.flatnonzero(is_new)
            if len(new):
                if len(new) < len(names):
                    names = [names[at] for at in new.tolist()]
                yield _Digests(below, names, codes[new])
            self._tick(1)

    def _facts_on(self, found: _Digests) -> Stats:
        return self._storage.stat_many(found.directory, found.names, b"/data")

    def _take_blobs(self, algorithm: bytes, _: Codes, names: list[bytes], codes: Codes, *facts: Numbers) -> None:
        self._inventory.blobs(algorithm, names, codes, Stats(*facts))

    def _digests_below(self, directory: bytes, listing: Listing, algorithm: bytes, prefix: bytes) -> list[bytes]:
        """Digests that lie where they belong; what else lies there is said."""
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
        for repository, common in handfuls_ahead(self._common, self._found()):
            self._repository(repository, common)
            self._tick(1)
        for gathered in (self._layer_links, self._revision_links, self._tags_pushed_once):
            gathered.hand_over()

    def _found(self) -> Iterator[_Repository]:
        pending = [b""]
        while pending:
            path = pending.pop()
            directory = self._root + REPOSITORIES + (b"/" + path if path else b"")
            listing = self._storage.children(directory, listed=bool(path))
            self._strays(directory, listing.files)
            sections = [name for name in listing.directories if name in SECTIONS]
            pending += [path + b"/" + name if path else name for name in listing.directories if name[:1] != b"_"]
            if sections and path:
                manifests = directory + b"/" + MANIFESTS
                parts = self._storage.children(manifests, listed=True).directories if MANIFESTS in sections else []
                yield _Repository(path, directory, sections, parts)

    def _common(self, repository: _Repository) -> _Common:
        """What is as it nearly always is; other threads look, and say nothing."""
        storage, links = self._storage, self._inventory.links
        layers = revisions = tags = None
        if LAYERS in repository.sections and links != "open":
            layers = storage.whole_links(repository.directory + b"/" + LAYERS, measured=links == "check")
        if REVISIONS in repository.parts and links != "open":
            revisions = storage.whole_links(repository.manifests + b"/" + REVISIONS, measured=True)
        if TAGS in repository.parts:
            tags = storage.plain_tags(repository.manifests + b"/" + TAGS)
        return _Common(layers, revisions, tags)

    def _repository(self, repository: _Repository, common: _Common) -> None:
        sections, parts = repository.sections, repository.parts
        has_layers, has_manifests = LAYERS in sections, MANIFESTS in sections
        row = self._inventory.repository(repository.path, has_layers=has_layers, has_manifests=has_manifests)
        if has_manifests:
            self._inventory.links_of(row, revisions=REVISIONS in parts, tags=TAGS in parts)
        if common.layers is not None:
            measured = [common.layers.times] if self._inventory.links == "check" else []
            self._layer_links.add(row, common.layers.raw, *measured)
        elif has_layers:
            for algorithm, where, names in self._digests(repository.directory + b"/" + LAYERS, listed=True):
                self._layers(row, algorithm, where, names)
        if common.revisions is not None:
            self._revision_links.add(row, *common.revisions)
        elif REVISIONS in parts:
            for algorithm, where, names in self._digests(repository.manifests + b"/" + REVISIONS, listed=True):
                self._revisions(row, algorithm, where, names)
        if TAGS in parts:
            self._tags(row, repository.manifests + b"/" + TAGS, common.tags)
        if UPLOADS in sections:
            self._uploads(row, repository.directory + b"/" + UPLOADS)

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

    def _tags(self, row: int, directory: bytes, found: Tags | None) -> None:
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
