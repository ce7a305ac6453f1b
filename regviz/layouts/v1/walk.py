"""The inventory of a v1 storage in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.layouts.v1.grammar import IMAGES, REPOSITORIES, Role, in_repository, part_ids
from regviz.layouts.v1.inventory import Documents, Inventory, Repository, stray
from regviz.storage.ahead import CHUNK
from regviz.storage.base import MANIFEST_LIMIT, Files, Stats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.common import Tick
    from regviz.storage.base import Walkable

    Numbers = NDArray[np.int64]

_FILES = Files(b"/json", b"/layer", b"/_inprogress")


class Walked(Inventory):
    """The inventory of a folder; with `check` also of the files that only verification needs."""

    def __init__(self, storage: Walkable, root: bytes, facts: Facts, *, check: bool) -> None:
        self._storage, self._facts = storage, facts
        head = root + b"/" if root else b""
        self._images, self._repositories = head + IMAGES, head + REPOSITORIES
        listing = storage.children(self._images)
        names, others = part_ids(listing.directories)
        super().__init__(names, facts)
        for name in others + listing.files:
            stray(facts, self._images + b"/" + name)
        if check and names:
            self.ancestry_sizes[self.rows] = storage.stat_many(self._images, names, b"/ancestry").sizes
            self.has_checksum[self.rows] = storage.stat_many(self._images, names, b"/_checksum").sizes >= 0

    def documents(self) -> Iterator[Documents]:
        """The ``json`` of every image; what lies beside it is looked at on the way.

        They are read in the order in which the system lists them, which is how it has them at hand.
        """
        facts = np.empty((len(Stats._fields), len(self.names)), np.int64)
        marked = np.empty(len(self.names), np.bool_)
        start = 0
        for members in self._storage.members(self._images, self.names, _FILES):
            part = slice(start, start + len(members.documents))
            facts[:, part] = members.facts
            marked[part] = members.marked
            yield Documents(self.rows[part].tolist(), self.names[part], members.documents)
            start = part.stop
        inodes = np.empty(len(self.names), np.int64)
        columns = Stats(self.layer_sizes, self.layer_times, self.allocated, inodes)
        for column, values in zip(columns, facts, strict=True):
            column[self.rows] = values
        self.in_progress[self.rows] = marked
        self._allocate_once(inodes)

    def _allocate_once(self, inodes: Numbers) -> None:
        """Of a file with several names (hard links) the first one has the bytes of its blocks."""
        order = np.argsort(inodes, kind="stable")
        again = order[1:][inodes[order[1:]] == inodes[order[:-1]]]
        self.allocated[again] = 0

    def ancestries(self, rows: list[int], names: list[bytes]) -> Iterator[tuple[int, bytes]]:
        """Row and content of the ``ancestry`` of these images, where there is one that can be read."""
        paths = [b"%s/%s/ancestry" % (self._images, name) for name in names]
        for number, content in self._storage.read_many(paths, self.ancestry_sizes[rows].tolist(), MANIFEST_LIMIT):
            if content is not None:
                yield rows[number], content

    def repositories(self, tick: Tick) -> Iterator[tuple[bytes, Repository]]:
        """Path and files of every repository, in the order of the paths."""
        children, base = self._storage.children, self._repositories
        namespaces = children(base)
        paths: list[bytes] = []
        strays = [base + b"/" + file for file in namespaces.files]
        for namespace in namespaces.directories:
            listing = children(base + b"/" + namespace, listed=True)
            paths += [namespace + b"/" + name for name in listing.directories]
            strays += [base + b"/" + namespace + b"/" + file for file in listing.files]
        for path in strays:
            stray(self._facts, path)
        paths.sort()
        for start in range(0, len(paths), CHUNK):
            for found in self._some_repositories(paths[start : start + CHUNK]):
                yield found
                tick(1)

    def _some_repositories(self, paths: list[bytes]) -> list[tuple[bytes, Repository]]:
        """Some repositories, whose small files are read together: each has but a few."""
        found, base = [(path, Repository()) for path in paths], self._repositories
        small: list[bytes] = []
        belongs: list[tuple[Repository, Role, bytes]] = []
        for path, repository in found:
            for name in self._storage.children(base + b"/" + path, listed=True).files:
                role, tag = in_repository(name)
                if role in (Role.TAG, Role.TAG_METADATA):
                    small.append(path + b"/" + name)
                    belongs.append((repository, role, tag))
                elif role == Role.INDEX:
                    repository.index = (base + b"/" + path + b"/" + name, 0)
                elif role == Role.PRIVATE:
                    repository.private = True
                elif role == Role.FOREIGN:
                    stray(self._facts, base + b"/" + path + b"/" + name)
        contents, times = self._storage.read_links(base, small, b"")
        for (repository, role, tag), content, mtime in zip(belongs, contents, times, strict=True):
            if role == Role.TAG_METADATA:
                repository.metadata[tag] = content
            elif content is not None:
                repository.tags[tag] = (content, mtime)
        return found
