"""A Distribution storage in an archive, listed flat: every path is understood by the grammar, in whatever order.

The common shapes are understood many at a time (`shapes`, `together`), every other path singly. Which way a path goes
is told by the path alone, so of what stands twice the last is known to be the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.grammar import (
    GITLAB_LOCKS,
    LAYERS,
    MANIFESTS,
    PROXY_MARK,
    REVISIONS,
    TAGS,
    UPLOADS,
    Place,
    Role,
    is_encoded,
    parse,
)
from regviz.layouts.distribution.shapes import shapes_of
from regviz.layouts.distribution.together import Together
from regviz.storage.base import DIRECTORY, FILE, SYMLINK, with_contents
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.storage.base import Columns, Storage
    from regviz.storage.spans import Spans


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
        self._together = Together(inventory, self._root)
        self._tags, self._repository = self._together.tags, self._together.repositories.row
        # links of other algorithms than sha256: content (None: as it should be) and time
        self._layers: dict[tuple[int, bytes, bytes], tuple[bytes, int]] = {}
        self._revisions: dict[tuple[int, bytes, bytes], tuple[bytes, int]] = {}
        self._uploads: dict[tuple[int, bytes], list[Any]] = {}
        self._lonely: set[bytes] = set()
        self._invalid: set[bytes] = set()

    def read(self) -> None:
        """Take every entry below the root."""
        for batch in self._storage.entries():
            self._tick(len(batch))
            columns = batch.columns()
            shapes = shapes_of(columns.paths, columns.types, self._root)
            columns = with_contents(self._storage, columns, self._together.looked_into(columns, shapes))
            left = np.flatnonzero(self._together.take(columns, shapes))
            columns = with_contents(self._storage, columns, left[_is_short_text(columns.paths.take(left))])
            for at in left.tolist():
                self._entry(columns, at)
            for path in columns.paths.take(~shapes.below).tolist():
                if path[-len(PROXY_MARK) :] == PROXY_MARK or GITLAB_LOCKS in path:
                    self.outside.add(path)
        self._hand_over()

    def _entry(self, columns: Columns, at: int) -> None:
        """Take one entry whose path has no common shape."""
        whole = columns.paths[at]
        path, kind, mtime = whole[len(self._root) :], columns.types[at], int(columns.mtimes[at]) or NO_TIME
        place = parse(path)
        role = place.role
        if kind == DIRECTORY:
            self._directory(path, place)
        elif kind != FILE:
            if role not in (Role.LEAF_EXTRA, Role.UPLOAD_STATE):
                rule = "symbolic-link" if kind == SYMLINK else "special-file"
                self._inventory.facts.problem(rule, path=decode_name(whole), detail="not followed")
        elif role == Role.LAYER_LINK:
            row = self._repository(place.repository, LAYERS)
            self._layers[row, place.algorithm, place.name] = (columns.small(at), mtime)
        elif role == Role.REVISION_LINK:
            row = self._repository(place.repository, MANIFESTS, REVISIONS)
            if (row, place.algorithm, place.name) in self._revisions:
                self._inventory.repeated(whole)
            self._revisions[row, place.algorithm, place.name] = (columns.small(at), mtime)
        elif role == Role.TAG_INDEX:
            tag = self._tags.number(self._repository(place.repository, MANIFESTS, TAGS), place.tag)
            if is_encoded(place.algorithm, place.name):
                self._tags.index(*np.array([[tag], self._codes(place), [mtime]]))
            self._tags.see(np.array([tag]))
        elif role == Role.UPLOAD_DATA:
            self._upload(place)[0] = int(columns.sizes[at])
        elif role == Role.UPLOAD_START:
            self._upload(place)[1] = columns.small(at)
        elif role == Role.BLOB:
            if is_encoded(place.algorithm, place.name):
                self._inventory.listed_blobs(
                    self._codes(place), columns.sizes[[at]], np.array([mtime]), columns.locators[[at]]
                )
            else:
                self._invalid.add(whole.removesuffix(b"/data"))
        elif role in (Role.FOREIGN, Role.DIRECTORY):
            self._stray(path, place)

    def _codes(self, place: Place) -> Any:
        key = f"{decode_name(place.algorithm)}:{decode_name(place.name)}"
        return self._inventory.facts.keys.intern([key])

    def _directory(self, path: bytes, place: Place) -> None:
        """Directories say what there is of a repository, also where they are empty."""
        if place.role != Role.DIRECTORY:
            return
        if path.startswith(b"blobs/"):
            if place.name:
                self._lonely.add(path)
            return
        at = path.find(b"/_")
        if at < 0 or not place.repository:
            return
        parts = path[at + 1 :].split(b"/")
        row = self._repository(place.repository, *parts[:2])
        if parts[:2] == [MANIFESTS, TAGS] and len(parts) == 3:
            self._tags.see(np.array([self._tags.number(row, place.tag)]))
        elif parts[0] == UPLOADS and place.name:
            self._upload(place)

    def _upload(self, place: Place) -> list[Any]:
        row = self._repository(place.repository, UPLOADS)
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
        self._together.hand_over()
        without_data = []
        for path in self._lonely:
            _, algorithm, prefix, name = path.split(b"/")
            if name[:2] == prefix and is_encoded(algorithm, name):
                without_data.append(f"{decode_name(algorithm)}:{decode_name(name)}")
            else:
                self._invalid.add(self._root + path)
        inventory.without_data(inventory.facts.keys.intern(without_data))
        for path in self._invalid:
            inventory.bad_name(path)
        for (row, algorithm, name), (content, mtime) in self._layers.items():
            if is_encoded(algorithm, name):
                inventory.layer_link(row, algorithm, name, content, mtime)
        for (row, algorithm, name), (content, mtime) in self._revisions.items():
            if is_encoded(algorithm, name):
                inventory.revision(row, algorithm, name, content, mtime)
        for (row, upload), (size, start) in self._uploads.items():
            inventory.upload(row, upload, size, start)


def _is_short_text(paths: Spans) -> NDArray[np.bool_]:
    """Whether each is a file that says something in a few bytes: a link, the time an upload began."""
    link, start = paths.end_with(b"/link", b"/startedat")
    return link | start
