"""What marks OCI layouts and zot storages, in a folder and in a listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regviz.layouts.oci.grammar import (
    BLOBS,
    INDEX,
    NO_NAMESPACES,
    SAVED,
    UPLOADS,
    VERSION_FILE,
    ZOT_MARKS,
    join,
    split_digests,
)
from regviz.layouts.oci.index import INDEX_LIMIT, has_entries
from regviz.storage.base import FILE
from regviz.text import decode_name

if TYPE_CHECKING:
    from regviz.storage.base import Entries, Storage, Walkable

_MOST_DIRECTORIES = 2000
_NAMED = 3
_MARKS = frozenset((VERSION_FILE, INDEX, SAVED, UPLOADS, *ZOT_MARKS))


class Marked(NamedTuple):
    """What lies there: ``oci`` (one), ``oci-layouts`` (several) or ``zot``; the root; and the reason, for a person."""

    layout: str
    root: bytes
    why: str


class Marks:
    """Collects what marks layouts, from names in whatever order.

    Examples
    --------
    >>> marks = Marks()
    >>> for name in (b"oci-layout", b"index.json", b"blobs"):
    ...     marks.see(b"backup/web", name)
    >>> marks.found()
    Marked(layout='oci', root=b'backup/web', why='it has oci-layout and index.json')
    """

    def __init__(self) -> None:
        self._here: dict[bytes, set[bytes]] = {}
        self._indexes: dict[bytes, tuple[bytes | int, int]] = {}
        self._directory = b""

    def see(self, directory: bytes, name: bytes, place: tuple[bytes | int, int] | None = None) -> None:
        """Take a name that lies in a directory; of an ``index.json`` also its locator and size."""
        self._here.setdefault(directory, set()).add(name)
        if name == INDEX and place is not None:
            self._indexes[directory] = place

    def see_batch(self, batch: Entries) -> None:
        """Take the entries of a flat listing."""
        for at, path in enumerate(batch.paths):
            directory, _, name = path.rpartition(b"/")
            if name in _MARKS:
                place = (batch.locators[at], batch.sizes[at]) if batch.types[at] == FILE else None
                self.see(directory, name, place)
            elif directory != self._directory:
                self._directory = directory
                above, _, algorithm = directory.rpartition(b"/")
                root, _, last = above.rpartition(b"/")
                if last == BLOBS and split_digests(algorithm, (name,))[0]:
                    self.see(root, BLOBS)

    def walk(self, storage: Walkable) -> None:
        """Take the names of a folder, breadth first, and so far as is needed to tell one layout from many."""
        pending = [b""]
        for looked, path in enumerate(pending):
            listing = storage.children(path)
            for name in _MARKS.intersection(listing.files + listing.directories):
                place = (
                    (join(path, INDEX), storage.stat_many(path, (INDEX,)).sizes.tolist()[0]) if name == INDEX else None
                )
                self.see(path, name, place)
            if BLOBS in listing.directories:
                self.see(path, BLOBS)
            if len(self._roots()) > _NAMED or looked >= _MOST_DIRECTORIES:
                break
            pending += [join(path, name) for name in sorted(listing.directories) if name not in NO_NAMESPACES]

    def forget_saved(self, storage: Storage) -> None:
        """Leave those to `docker save` whose index lists nothing beside a ``manifest.json`` (docker 25.0)."""
        doubtful = [root for root in self._roots() if SAVED in self._here[root] and root in self._indexes]
        places = [self._indexes[root] for root in doubtful]
        found = storage.read_many([place for place, _ in places], [size for _, size in places], INDEX_LIMIT)
        for at, data in found:
            if data is not None and not has_entries(data):
                del self._here[doubtful[at]]

    def found(self) -> Marked | None:
        """What the layouts are together; None where there is none."""
        roots = self._roots()
        if not roots:
            return None
        shown = ", ".join(decode_name(root) or "." for root in roots[:_NAMED]) + (", …" if len(roots) > _NAMED else "")
        above = [at for at, names in self._here.items() if names & ZOT_MARKS and any(_is_within(r, at) for r in roots)]
        if above or any(UPLOADS in self._here[root] for root in roots):
            root = max(above, key=len, default=b"")
            marks = sorted(self._here[root] & ZOT_MARKS) if above else [UPLOADS]
            return Marked("zot", root, f"it has zot's {', '.join(map(decode_name, marks))}, and OCI layouts: {shown}")
        if len(roots) > 1:
            return Marked("oci-layouts", b"", f"it has several OCI layouts: {shown}")
        names = self._here[roots[0]]
        why = " and ".join(decode_name(name) for name in (VERSION_FILE, INDEX, BLOBS) if name in names)
        why = why.replace(f" and {decode_name(BLOBS)}", "") if INDEX in names and VERSION_FILE in names else why
        saved = "; the manifest.json beside them is docker save's, of the same images" if SAVED in names else ""
        return Marked("oci", roots[0], f"it has {why}{saved}")

    def _roots(self) -> list[bytes]:
        """Where layouts lie, the shallowest first."""
        roots = [at for at, names in self._here.items() if VERSION_FILE in names or {INDEX, BLOBS} <= names]
        return sorted(roots, key=lambda root: (root.count(b"/") + bool(root), root))


def _is_within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")
