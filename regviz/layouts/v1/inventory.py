"""What a v1 storage holds, by names and sizes, walked in a folder or listed flat in an archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.v1.grammar import ID, IMAGES, REPOSITORIES, Role, parse
from regviz.storage.base import DIRECTORY, FILE, SYMLINK
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.columns import Facts
    from regviz.storage.base import Entries, Storage, Walkable

    Numbers = NDArray[np.int64]

Locator = bytes | int
_UNKNOWN = -1


@dataclass(slots=True)
class Repository:
    """The files of one repository: what they hold, or where they lie."""

    tags: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    metadata: dict[bytes, bytes | None] = field(default_factory=dict)
    index: tuple[Locator, int] | None = None
    private: bool = False


@dataclass(slots=True)
class Inventory:
    """Images as columns, repositories one by one.

    Sizes are -1 for files that are not there, and 0 for files whose length nobody asked for.
    """

    names: list[bytes]
    directory: bytes | None
    """Path of ``images`` in a folder, where a file's locator is its path; None in an archive."""
    json: list[int]
    json_sizes: Numbers
    layer_sizes: Numbers
    layer_times: Numbers
    allocated: Numbers
    in_progress: NDArray[np.bool_]
    ancestry: list[int]
    ancestry_sizes: Numbers
    checksums: NDArray[np.bool_]
    repositories: dict[bytes, Repository]

    def locators(self, file: str, rows: list[int]) -> list[Locator]:
        """Where the ``json`` or ``ancestry`` of these images lies."""
        if self.directory is not None:
            name = file.encode()
            return [b"%s/%s/%s" % (self.directory, self.names[row], name) for row in rows]
        column = self.json if file == "json" else self.ancestry
        return [column[row] for row in rows]


def walk(storage: Walkable, root: bytes, facts: Facts, *, check: bool, tick: Callable[[int], None]) -> Inventory:
    """The inventory of a folder; with `check` also of the files that only verification needs."""
    head = root + b"/" if root else b""
    images = head + IMAGES
    listing = storage.children(images)
    names = sorted(name for name in listing.directories if ID.fullmatch(name))
    for name in {*listing.directories}.difference(names) | {*listing.files}:
        _stray(facts, images + b"/" + name)
    layers = storage.stat_many(images, names, b"/layer") if names else None
    in_progress = storage.exist_many(images, names, b"/_inprogress") if names else np.empty(0, np.bool_)
    tick(len(names))
    nothing = np.empty(0, np.int64)
    unknown = np.zeros(len(names), np.int64)
    inventory = Inventory(
        names=names,
        directory=images,
        json=[],
        json_sizes=unknown,
        layer_sizes=nothing if layers is None else layers.sizes,
        layer_times=nothing if layers is None else layers.mtimes,
        allocated=nothing if layers is None else _once(layers.allocated, layers.inodes),
        in_progress=in_progress,
        ancestry=[],
        ancestry_sizes=storage.stat_many(images, names, b"/ancestry").sizes if check and names else unknown,
        checksums=storage.exist_many(images, names, b"/_checksum")
        if check and names
        else np.ones(len(names), np.bool_),
        repositories={},
    )
    base = head + REPOSITORIES
    namespaces = storage.children(base)
    for file in namespaces.files:
        _stray(facts, base + b"/" + file)
    for namespace in sorted(namespaces.directories):
        repositories = storage.children(base + b"/" + namespace)
        for file in repositories.files:
            _stray(facts, base + b"/" + namespace + b"/" + file)
        for name in sorted(repositories.directories):
            _walk_repository(storage, head, namespace + b"/" + name, inventory, facts)
            tick(1)
    return inventory


def _walk_repository(storage: Walkable, head: bytes, path: bytes, inventory: Inventory, facts: Facts) -> None:
    directory = head + REPOSITORIES + b"/" + path
    files = storage.children(directory).files
    repository = inventory.repositories[path] = Repository()
    places = {name: parse(REPOSITORIES + b"/" + path + b"/" + name) for name in files}
    small = [name for name, place in places.items() if place.role in (Role.TAG, Role.TAG_METADATA)]
    contents, times = storage.read_links(directory, small, b"")
    for name, content, mtime in zip(small, contents, times, strict=True):
        place = places[name]
        if place.role == Role.TAG and content is not None:
            repository.tags[place.tag] = (content, mtime)
        elif place.role == Role.TAG_METADATA:
            repository.metadata[place.tag] = content
    for name, place in places.items():
        if place.role == Role.INDEX:
            repository.index = (directory + b"/" + name, 0)
        elif place.role == Role.PRIVATE:
            repository.private = True
        elif place.role == Role.FOREIGN:
            _stray(facts, directory + b"/" + name)


def _once(allocated: Numbers, inodes: Numbers) -> Numbers:
    """Allocations, of a file with several names (hard links) the first one's only."""
    once = np.zeros(len(allocated), np.int64)
    _, first = np.unique(inodes, return_index=True)
    once[first] = allocated[first]
    return once


class _Flat:
    """Collects what a flat listing tells of each image, in whatever order."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._row: dict[bytes, int] = {}
        self._files: dict[Role, dict[int, tuple[int, int, int]]] = {role: {} for role in Role}
        self.repositories: dict[bytes, Repository] = {}

    def take(self, batch: Entries, at: int, path: bytes) -> None:
        kind, place = batch.types[at], parse(path)
        if kind == DIRECTORY:
            if place.image:
                self._image(place.image)
            elif place.role == Role.FOREIGN and path.count(b"/") == 1:
                _stray(self._facts, batch.paths[at])
            elif place.repository.count(b"/") == 1:
                self.repositories.setdefault(place.repository, Repository())
        elif kind != FILE:
            rule = "symbolic-link" if kind == SYMLINK else "special-file"
            self._facts.problem(rule, path=decode_name(batch.paths[at]), detail="not followed")
        elif place.role == Role.DIRECTORY:
            _stray(self._facts, batch.paths[at])
        elif place.image and place.role != Role.FOREIGN:
            facts = (batch.locators[at], batch.sizes[at], batch.mtimes[at] or NO_TIME)
            files, row = self._files[place.role], self._image(place.image)
            if row in files and place.role != Role.CACHE:  # there are two kinds of these
                self._repeated(batch.paths[at])
            files[row] = facts
        elif place.repository.count(b"/") == 1:
            self._repository(batch, at, path, self.repositories.setdefault(place.repository, Repository()))
        elif not place.image and path.count(b"/") == 1:
            _stray(self._facts, batch.paths[at])

    def _repository(self, batch: Entries, at: int, path: bytes, repository: Repository) -> None:
        place = parse(path)
        if place.role == Role.TAG:
            if place.tag in repository.tags:
                self._repeated(batch.paths[at])
            repository.tags[place.tag] = (batch.small(at), batch.mtimes[at] or NO_TIME)
        elif place.role == Role.TAG_METADATA:
            repository.metadata[place.tag] = batch.inline[at]
        elif place.role == Role.INDEX:
            repository.index = (batch.locators[at], batch.sizes[at])
        elif place.role == Role.PRIVATE:
            repository.private = True
        elif place.role == Role.FOREIGN:
            _stray(self._facts, batch.paths[at])

    def _repeated(self, path: bytes) -> None:
        self._facts.problem("path-repeated", path=decode_name(path))

    def _image(self, name: bytes) -> int:
        return self._row.setdefault(name, len(self._row))

    def inventory(self) -> Inventory:
        names = sorted(self._row)
        rows = [self._row[name] for name in names]
        absent = (_UNKNOWN, -1, NO_TIME)

        def column(role: Role, part: int) -> list[int]:
            files = self._files[role]
            return [files.get(row, absent)[part] for row in rows]

        return Inventory(
            names=names,
            directory=None,
            json=column(Role.JSON, 0),
            json_sizes=np.array(column(Role.JSON, 1), np.int64),
            layer_sizes=np.array(column(Role.LAYER, 1), np.int64),
            layer_times=np.array(column(Role.LAYER, 2), np.int64),
            allocated=np.full(len(names), NO_NUMBER, np.int64),
            in_progress=np.array(column(Role.IN_PROGRESS, 1), np.int64) >= 0,
            ancestry=column(Role.ANCESTRY, 0),
            ancestry_sizes=np.array(column(Role.ANCESTRY, 1), np.int64),
            checksums=np.array(column(Role.CHECKSUM, 1), np.int64) >= 0,
            repositories=dict(sorted(self.repositories.items())),
        )


def listed(storage: Storage, root: bytes, facts: Facts, *, tick: Callable[[int], None]) -> Inventory:
    """The inventory of an archive."""
    head = root + b"/" if root else b""
    flat = _Flat(facts)
    for batch in storage.entries():
        tick(len(batch.paths))
        for at, path in enumerate(batch.paths):
            if path.startswith(head):
                relative = path[len(head) :]
                if relative.startswith((IMAGES + b"/", REPOSITORIES + b"/")):
                    flat.take(batch, at, relative)
    return flat.inventory()


def _stray(facts: Facts, path: bytes) -> None:
    facts.problem("temporary-file" if path.endswith(b".tmp") else "foreign-file", path=decode_name(path))
