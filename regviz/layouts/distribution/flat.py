"""A Distribution storage in an archive, listed flat: every path is understood by the grammar, in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.distribution.grammar import GITLAB_LOCKS, LINK_LENGTH, PROXY_MARK, Place, Role, parse
from regviz.layouts.distribution.inventory import split_names
from regviz.storage.base import DIRECTORY, FILE, Stats
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.storage.base import Entries, Storage

_Link = tuple[bytes, bytes, bytes]


class Flat:
    """One reading of a flat listing.

    Parameters
    ----------
    storage : Storage
    root : bytes
        Path of the ``v2`` directory; empty where it is the storage's own root.
    inventory : Inventory
        Where everything goes.
    tick : callable
        Told how many entries were done, now and then.

    Attributes
    ----------
    outside : set of bytes
        Paths outside the root that may be marks of a proxy cache or of GitLab.
    """

    def __init__(self, storage: Storage, root: bytes, inventory: Inventory, tick: Callable[[int], None]) -> None:
        self._storage, self._inventory, self._tick = storage, inventory, tick
        self._root = root + b"/" if root else b""
        self.outside: set[bytes] = set()
        self._parts: dict[int, set[bytes]] = {}
        self._layer_names: dict[tuple[int, bytes], list[bytes]] = {}
        self._layer_links: dict[_Link, tuple[bytes | None, int, int]] = {}
        self._revisions: dict[tuple[int, bytes], dict[bytes, tuple[int, int, bytes]]] = {}
        self._tags: dict[tuple[int, bytes], tuple[bytes | None, int]] = {}
        self._history: dict[tuple[int, bytes], dict[str, int]] = {}
        self._uploads: dict[tuple[int, bytes], list[Any]] = {}
        self._awaited = b""  # the digest's directory met last, as long as its data was not
        self._lonely: set[bytes] = set()
        self._invalid: set[bytes] = set()
        self._by_directory = inventory.links == "stat"

    def read(self) -> None:
        """Take every entry below the root."""
        width = len(self._root)
        for batch in self._storage.entries():
            self._tick(len(batch.paths))
            self._blob_batch(batch, width)
        self._hand_over()

    def _blob_batch(self, batch: Entries, width: int) -> None:
        """Blobs of sha256 are handed over at once, everything else is taken singly."""
        root, head = self._root, self._root + b"blobs/sha256/"
        first, last = len(head), len(head) + 3 + 64
        blobs: list[int] = []
        paths, types = batch.paths, batch.types
        for at, path in enumerate(paths):
            if path[:first] == head and path[first : first + 2] == path[first + 3 : first + 5]:
                if path[last:] == b"/data" and types[at] == FILE:
                    blobs.append(at)
                    if self._awaited == path[:last]:
                        self._awaited = b""
                    continue
                if len(path) == last and types[at] == DIRECTORY:
                    if self._awaited:
                        self._lonely.add(self._awaited)
                    self._awaited = path
                    continue
            if path[:width] == root:
                self._entry(batch, at, path[width:])
            elif path[-len(PROXY_MARK) :] == PROXY_MARK or GITLAB_LOCKS in path:
                self.outside.add(path)
        if blobs:
            self._hand_blobs(b"sha256", [paths[at][first + 3 : last] for at in blobs], batch, blobs)

    def _hand_blobs(self, algorithm: bytes, names: list[bytes], batch: Entries, rows: list[int]) -> None:
        good, bad = split_names(algorithm, names)
        if bad:
            self._invalid.update(
                batch.paths[row].removesuffix(b"/data") for row, name in zip(rows, names, strict=True) if name in bad
            )
            rows = [row for row, name in zip(rows, names, strict=True) if name not in bad]
        nothing = np.full(len(rows), NO_NUMBER, np.int64)
        facts = Stats(_column(batch.sizes, rows), _times(batch.mtimes, rows), nothing, np.full(len(rows), -1, np.int64))
        self._inventory.blobs(algorithm, good, facts, _column(batch.locators, rows))

    def _entry(self, batch: Entries, at: int, path: bytes) -> None:
        kind = batch.types[at]
        place = parse(path)
        role = place.role
        if kind == DIRECTORY:
            self._directory(path, place)
        elif kind != FILE:
            if role not in (Role.LEAF_EXTRA, Role.UPLOAD_STATE):
                rule = "symbolic-link" if kind == 2 else "special-file"
                self._inventory.facts.problem(rule, path=decode_name(batch.paths[at]), detail="not followed")
        elif role == Role.LAYER_LINK:
            self._layer_link(batch, at, place)
        elif role == Role.REVISION_LINK:
            row = self._part(place.repository, b"_manifests", b"revisions")
            links = self._revisions.setdefault((row, place.algorithm), {})
            if place.name in links:
                self._inventory.repeated(batch.paths[at])
            links[place.name] = (batch.sizes[at], batch.mtimes[at] or NO_TIME, batch.small(at))
        elif role == Role.TAG_CURRENT:
            row = self._part(place.repository, b"_manifests", b"tags")
            if self._tags.get((row, place.tag), (None, 0))[0] is not None:
                self._inventory.repeated(batch.paths[at])
            self._tags[row, place.tag] = (batch.small(at), batch.mtimes[at] or NO_TIME)
        elif role == Role.TAG_INDEX:
            row = self._part(place.repository, b"_manifests", b"tags")
            self._tags.setdefault((row, place.tag), (None, NO_TIME))
            if split_names(place.algorithm, (place.name,))[0]:
                digest = f"{decode_name(place.algorithm)}:{decode_name(place.name)}"
                self._history.setdefault((row, place.tag), {})[digest] = batch.mtimes[at] or NO_TIME
        elif role in (Role.UPLOAD_DATA, Role.UPLOAD_START):
            upload = self._upload(place)
            if role == Role.UPLOAD_DATA:
                upload[0] = batch.sizes[at]
            else:
                upload[1] = batch.small(at)
        elif role == Role.BLOB:
            self._hand_blobs(place.algorithm, [place.name], batch, [at])
        elif role in (Role.FOREIGN, Role.DIRECTORY):
            self._stray(path, place)

    def _directory(self, path: bytes, place: Place) -> None:
        """Directories say what there is of a repository, also where they are empty."""
        if place.role != Role.DIRECTORY:
            return
        if path.startswith(b"blobs/"):
            if place.name:
                self._lonely.add(self._root + path)
            return
        at = path.find(b"/_")
        if at < 0 or not place.repository:
            return
        parts = path[at + 1 :].split(b"/")
        row = self._part(place.repository, *parts[:2])
        if parts[0] == b"_layers" and place.name and self._by_directory and place.algorithm == b"sha256":
            self._layer_names.setdefault((row, place.algorithm), []).append(place.name)
        elif parts[:2] == [b"_manifests", b"tags"] and len(parts) == 3:
            self._tags.setdefault((row, place.tag), (None, NO_TIME))
        elif parts[0] == b"_uploads" and place.name:
            self._upload(place)

    def _layer_link(self, batch: Entries, at: int, place: Place) -> None:
        row = self._part(place.repository, b"_layers")
        if self._by_directory and place.algorithm == b"sha256":
            self._layer_names.setdefault((row, place.algorithm), []).append(place.name)
            return
        content: bytes | None = batch.small(at)
        if self._inventory.links == "check" and place.algorithm == b"sha256" and batch.sizes[at] == LINK_LENGTH:
            content = None
        self._layer_links[str(row).encode(), place.algorithm, place.name] = (content, batch.mtimes[at] or NO_TIME, row)

    def _part(self, repository: bytes, *parts: bytes) -> int:
        """Row of a repository, of which these parts exist."""
        row = self._inventory.repository(repository)
        self._parts.setdefault(row, set()).update(parts)
        return row

    def _upload(self, place: Place) -> list[Any]:
        row = self._part(place.repository, b"_uploads")
        return self._uploads.setdefault((row, place.name), [-1, None])

    def _stray(self, path: bytes, place: Place) -> None:
        """Files where a walk would list, and see them too."""
        directory = path.rpartition(b"/")[0]
        if path.startswith(b"blobs/"):
            if place.role == Role.DIRECTORY:
                self._inventory.stray(self._root + path)
            else:  # data of a digest that does not belong there
                self._invalid.add(self._root + directory)
        elif path.startswith(b"repositories/"):
            tags = b"repositories/" + place.repository + b"/_manifests/tags"
            if b"/_" not in directory or directory == tags:
                self._inventory.stray(self._root + path)

    def _hand_over(self) -> None:
        inventory = self._inventory
        for digest in inventory.keep_last():
            algorithm, _, encoded = digest.encode().partition(b":")
            inventory.repeated(self._root + b"/".join((b"blobs", algorithm, encoded[:2], encoded, b"data")))
        self._hand_lonely()
        for row, parts in self._parts.items():
            if b"_layers" in parts:
                inventory.mark(row, "has_layers")
            if b"_manifests" in parts:
                inventory.mark(row, "has_manifests")
                inventory.links_of(row, revisions=b"revisions" in parts, tags=b"tags" in parts)
        for (row, algorithm), names in self._layer_names.items():
            inventory.unchecked_layers(row, algorithm, split_names(algorithm, list(dict.fromkeys(names)))[0])
        for (_, algorithm, name), (content, mtime, row) in self._layer_links.items():
            if split_names(algorithm, (name,))[0]:
                inventory.layer_link(row, algorithm, name, content, mtime)
        for (row, algorithm), links in self._revisions.items():
            self._hand_revisions(row, algorithm, links)
        for (row, tag), (content, mtime) in self._tags.items():
            inventory.tags(row, (tag,), (content,), (mtime,), (list(self._history.get((row, tag), {}).items()),))
        for (row, upload), (size, start) in self._uploads.items():
            inventory.upload(row, upload, size, start)

    def _hand_lonely(self) -> None:
        """Directories of digests: those whose data was not met, and those that are no digest's."""
        without_data: dict[bytes, list[bytes]] = {}
        for path in self._lonely | ({self._awaited} if self._awaited else set()):
            _, algorithm, prefix, name = path[len(self._root) :].split(b"/")
            if name[:2] == prefix and split_names(algorithm, (name,))[0]:
                without_data.setdefault(algorithm, []).append(name)
            else:
                self._invalid.add(path)
        for algorithm, names in without_data.items():
            self._inventory.without_data(algorithm, names)
        for path in self._invalid:
            self._inventory.bad_name(path)

    def _hand_revisions(self, row: int, algorithm: bytes, links: dict[bytes, tuple[int, int, bytes]]) -> None:
        inventory = self._inventory
        names, _ = split_names(algorithm, list(links))
        plain = [
            n for n in names if links[n][0] == LINK_LENGTH and algorithm == b"sha256" and inventory.links != "open"
        ]
        inventory.revisions(row, algorithm, plain, np.array([links[n][1] for n in plain], np.int64))
        for name in {*names}.difference(plain):
            inventory.revision(row, algorithm, name, links[name][2], links[name][1])


def _column(values: list[int], rows: list[int]) -> NDArray[np.int64]:
    return np.array([values[row] for row in rows], np.int64)


def _times(values: list[int], rows: list[int]) -> NDArray[np.int64]:
    return np.array([values[row] or NO_TIME for row in rows], np.int64)
