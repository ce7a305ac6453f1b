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
)
from regviz.layouts.oci.index import INDEX_LIMIT, has_entries
from regviz.storage.base import DIRECTORY, FILE
from regviz.text import decode_name

if TYPE_CHECKING:
    from regviz.storage.base import Entries, Searchable, Storage

_MOST_DIRECTORIES = 2000
_NAMED = 3
_MARKS = frozenset((VERSION_FILE, INDEX, SAVED, BLOBS, UPLOADS, *ZOT_MARKS))
_DIRECTORIES = frozenset((BLOBS, UPLOADS, b"_trivy"))


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
        self._open: dict[bytes, bool] = {}

    def see(self, directory: bytes, name: bytes) -> None:
        """Take a name that lies in a directory."""
        self._here.setdefault(directory, set()).add(name)

    def see_batch(self, batch: Entries) -> None:
        """Take the entries of a flat listing."""
        known = self._open
        for at, path in enumerate(batch.paths):
            directory, _, name = path.rpartition(b"/")
            if directory not in known:
                self._enter(directory)
            if known[directory] and name in _MARKS and batch.types[at] == (DIRECTORY if name in _DIRECTORIES else FILE):
                self.see(directory, name)
                if name == INDEX:
                    self._indexes[directory] = (batch.locators[at], batch.sizes[at])

    def _enter(self, directory: bytes) -> None:
        """A directory of a listing; an archive need not have entries for those."""
        parts = directory.split(b"/") if directory else []
        closed = next((at for at, part in enumerate(parts) if part in NO_NAMESPACES), None)
        self._open[directory] = closed is None
        if closed is not None and parts[closed] in _DIRECTORIES:
            self.see(b"/".join(parts[:closed]), parts[closed])

    def walk(self, storage: Searchable) -> None:
        """Take the names of a folder, breadth first, and so far as is needed to tell one layout from many."""
        pending = [b""]
        for looked, path in enumerate(pending):
            listing = storage.children(path)
            for name in (_MARKS - _DIRECTORIES).intersection(listing.files):
                size = int(storage.stat_many(path, (name,)).sizes[0])
                if size >= 0:
                    self.see(path, name)
                    self._indexes |= {path: (join(path, INDEX), size)} if name == INDEX else {}
            for name in _DIRECTORIES.intersection(listing.directories):
                self.see(path, name)
            if len(self.roots()) > _NAMED or looked >= _MOST_DIRECTORIES:
                break
            pending += [join(path, name) for name in sorted(listing.directories) if name not in NO_NAMESPACES]

    def forget_saved(self, storage: Storage) -> None:
        """Leave those to `docker save` whose index lists nothing beside a ``manifest.json`` (docker 25.0)."""
        doubtful = [root for root in self.roots() if SAVED in self._here[root] and root in self._indexes]
        places = [self._indexes[root] for root in doubtful]
        found = storage.read_many([place for place, _ in places], [size for _, size in places], INDEX_LIMIT)
        for at, data in found:
            if data is not None and not has_entries(data):
                del self._here[doubtful[at]]

    def found(self) -> Marked | None:
        """What the layouts are together; None where there is none."""
        roots = self.roots()
        if not roots:
            return None
        shown = ", ".join(decode_name(root) or "." for root in roots[:_NAMED]) + (", …" if len(roots) > _NAMED else "")
        above = [at for at, names in self._here.items() if names & ZOT_MARKS and any(_is_within(r, at) for r in roots)]
        itself = roots == [b""]  # one repository of zot's, and nothing says what it is called there
        if above or (not itself and any(UPLOADS in self._here[root] for root in roots)):
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

    def roots(self) -> list[bytes]:
        """Where layouts lie, the shallowest first."""
        roots = [at for at, names in self._here.items() if VERSION_FILE in names or {INDEX, BLOBS} <= names]
        return sorted(roots, key=lambda root: (root.count(b"/") + bool(root), root))


def _is_within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")
