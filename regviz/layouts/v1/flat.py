"""The inventory of a v1 storage in an archive, whose members come in any order."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.v1.grammar import ID, IMAGE_FILES, IMAGES, REPOSITORIES, Role, parse
from regviz.layouts.v1.inventory import Documents, Inventory, Repository, stray
from regviz.storage.base import DIRECTORY, FILE, MANIFEST_LIMIT, SYMLINK, Entries, has_contents, with_contents
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage

    Numbers = NDArray[np.int64]

_READ, _GIVEN = 4096, 256  # documents that are asked for, and handed on, together


class _Files:
    """Files of one role, as columns, in the order of their coming."""

    def __init__(self) -> None:
        self.rows, self.locators, self.sizes, self.times = array("i"), array("q"), array("q"), array("q")

    def add(self, row: int, locator: int, size: int, time: int) -> None:
        """Add one."""
        self.rows.append(row)
        self.locators.append(locator)
        self.sizes.append(size)
        self.times.append(time)

    def by_row(self, values: array[int], place: NDArray[np.int32], absent: int) -> Numbers:
        """A column in the order of the images; of a path that comes twice the last one stays."""
        made = np.full(len(place), absent, np.int64)
        made[place[np.array(self.rows, np.int32)]] = np.array(values, np.int64)
        return made


class _Collector:
    """Collects what members tell of each image and each repository."""

    def __init__(self, facts: Facts, *, by_path: bool) -> None:
        self._facts, self._by_path = facts, by_path
        self._seen: list[int] = []  # of each image, a bit a role
        self.row: dict[bytes, int] = {}
        self.files = {role: _Files() for role in {*IMAGE_FILES.values()}}
        self.repositories: dict[bytes, Repository] = {}

    def take(self, batch: Entries, root: bytes) -> None:
        """Take a batch; `root` stands before each path that matters, with its ``/``."""
        images, repositories = root + IMAGES + b"/", root + REPOSITORIES + b"/"
        types, row = batch.types, self.row
        for at, path in enumerate(batch.paths):
            if path.startswith(images):
                name, _, file = path[len(images) :].partition(b"/")
                role = IMAGE_FILES.get(file)
                if role is not None and types[at] == FILE and (name in row or ID.fullmatch(name)):
                    self._file(batch, at, role, name)
                    continue
            elif not path.startswith(repositories):
                continue
            self._other(batch, at, path[len(root) :])

    def _file(self, batch: Entries, at: int, role: Role, name: bytes) -> None:
        row, bit = self._image(name), 1 << role
        if self._seen[row] & bit and role != Role.CACHE:  # there are two kinds of these
            self._repeated(batch.paths[at])
        self._seen[row] |= bit
        locator = -1 if self._by_path else batch.locators[at]
        self.files[role].add(row, locator, batch.sizes[at], batch.mtimes[at] or NO_TIME)

    def _other(self, batch: Entries, at: int, path: bytes) -> None:
        kind, place = batch.types[at], parse(path)
        if kind == DIRECTORY:
            if place.image:
                self._image(place.image)
            elif place.role == Role.FOREIGN and path.count(b"/") == 1:
                stray(self._facts, batch.paths[at])
            elif place.repository.count(b"/") == 1:
                self.repositories.setdefault(place.repository, Repository())
        elif kind != FILE:
            rule = "symbolic-link" if kind == SYMLINK else "special-file"
            self._facts.problem(rule, path=decode_name(batch.paths[at]), detail="not followed")
        elif place.role == Role.DIRECTORY:
            stray(self._facts, batch.paths[at])
        elif place.repository.count(b"/") == 1:
            self._in_repository(batch, at, path, self.repositories.setdefault(place.repository, Repository()))
        elif not place.image and path.count(b"/") == 1:
            stray(self._facts, batch.paths[at])

    def _in_repository(self, batch: Entries, at: int, path: bytes, repository: Repository) -> None:
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
            stray(self._facts, batch.paths[at])

    def _repeated(self, path: bytes) -> None:
        self._facts.problem("path-repeated", path=decode_name(path))

    def _image(self, name: bytes) -> int:
        row = self.row.setdefault(name, len(self.row))
        if row == len(self._seen):
            self._seen.append(0)
        return row


class Listed(Inventory):
    """The inventory of an archive."""

    def __init__(self, storage: Storage, root: bytes, facts: Facts, tick: Tick) -> None:
        found = _Collector(facts, by_path=storage.by_path)
        self._root = root + b"/" if root else b""
        for batch in storage.entries():
            tick(len(batch.paths))
            found.take(_looked_into(storage, batch, self._root), self._root)
        super().__init__(sorted(found.row), facts)
        self._storage, self._repositories = storage, found.repositories
        self.has_contents = has_contents(storage)
        self.has_all_names = self.has_contents or storage.complete
        place = np.empty(len(self.names), np.int32)
        place[[found.row[name] for name in self.names]] = np.arange(len(place), dtype=np.int32)
        documents, ancestries, layers = (found.files[role] for role in (Role.JSON, Role.ANCESTRY, Role.LAYER))
        self._document_locators = documents.by_row(documents.locators, place, -1)
        self.document_sizes = documents.by_row(documents.sizes, place, -1)
        self._ancestry_locators = ancestries.by_row(ancestries.locators, place, -1)
        self.ancestry_sizes = ancestries.by_row(ancestries.sizes, place, -1)
        self.layer_sizes = layers.by_row(layers.sizes, place, -1)
        self.layer_times = layers.by_row(layers.times, place, NO_TIME)
        for role, there in ((Role.IN_PROGRESS, self.in_progress), (Role.CHECKSUM, self.has_checksum)):
            there[:] = found.files[role].by_row(found.files[role].sizes, place, -1) != -1

    def documents(self) -> Iterator[Documents]:
        """The ``json`` of every image that has one, in the archive's best order."""
        there = np.flatnonzero(self.document_sizes != -1)
        asked = len(there) if self._storage.forward_only else _READ
        rows: list[int] = []
        contents: list[bytes | None] = []
        for start in range(0, len(there), max(asked, 1)):
            part = there[start : start + asked]
            names = [self.names[row] for row in part.tolist()] if self._storage.by_path else []
            places = self._places(names, self._document_locators[part], b"json")
            sizes = self.document_sizes[part].tolist()
            of_number = part.tolist()
            for number, content in self._storage.read_many(places, sizes, MANIFEST_LIMIT):
                rows.append(of_number[number])
                contents.append(content)
                if len(rows) == _GIVEN:
                    yield Documents(rows, [self.names[row] for row in rows], contents)
                    rows, contents = [], []
        yield Documents(rows, [self.names[row] for row in rows], contents)

    def ancestries(self, rows: list[int], names: list[bytes]) -> Iterator[tuple[int, bytes]]:
        """Row and content of the ``ancestry`` of these images, where there is one that can be read."""
        there = [at for at, row in enumerate(rows) if self.ancestry_sizes[row] >= 0]
        rows = [rows[at] for at in there]
        places = self._places([names[at] for at in there], self._ancestry_locators[rows], b"ancestry")
        sizes = self.ancestry_sizes[rows].tolist()
        for number, content in self._storage.read_many(places, sizes, MANIFEST_LIMIT):
            if content is not None:
                yield rows[number], content

    def _places(self, names: Sequence[bytes], locators: Numbers, file: bytes) -> list[bytes | int]:
        """What to read of these images."""
        if self._storage.by_path:
            return [b"/".join((self._root + IMAGES, name, file)) for name in names]
        return [*locators.tolist()]

    def repositories(self, tick: Tick) -> Iterator[tuple[bytes, Repository]]:
        """Path and files of every repository, in the order of the paths."""
        for path in sorted(self._repositories):
            yield path, self._repositories.pop(path)
            tick(1)


def _looked_into(storage: Storage, batch: Entries, root: bytes) -> Entries:
    """A batch with the contents of tags and what is said beside them, where these did not pass by."""
    if not storage.by_path:
        return batch
    columns, lead = batch.columns(), len(root)
    [in_repositories] = columns.paths.start_with(root + REPOSITORIES + b"/")
    rows = np.flatnonzero(in_repositories)
    roles = [parse(path[lead:]).role for path in columns.paths.take(rows).tolist()]
    wanted = np.array([role in (Role.TAG, Role.TAG_METADATA) for role in roles], np.bool_)
    return Entries(with_contents(storage, columns, rows[wanted]), by_path=True)
