"""What marks an archive that ``docker save`` wrote, and a Docker Engine's own store."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from regviz.manifests.json import load
from regviz.storage.base import DIRECTORY, FILE, MANIFEST_LIMIT
from regviz.text import count_noun, decode_name

if TYPE_CHECKING:
    from regviz.storage.base import Entries, Listing, Searchable, Storage

ARCHIVE, DAEMON = "docker-archive", "docker-daemon"
ID = re.compile(rb"[0-9a-f]{64}|[0-9a-f]{16}")
_ENCODED = rb"(?:[0-9a-f]{64}|[0-9a-f]{16})"
_MARK = re.compile(
    rb"((?:.*?/)?)(?:"
    rb"(?P<manifest>manifest\.json)|(?P<image>" + _ENCODED + rb"/(?:VERSION|layer\.tar))"
    rb"|(?P<store>image/[^/]+/)(?:imagedb|layerdb|repositories\.json)(?:/.*)?|(?P<graph>graph/)" + _ENCODED + rb"/json)"
)
_PATHS_TO_STORE = ((), (b"docker",), (b"lib", b"docker"), (b"var", b"lib", b"docker"))
_LOOKED_INTO = 4
_MOST_CANDIDATES = 50
_DEEPEST = 6


class Mark(NamedTuple):
    """A layout, its root below the storage's, and what told so, for a person."""

    layout: str
    root: bytes
    why: str


def in_folder(storage: Searchable, path: bytes, listing: Listing) -> list[Mark]:
    """What a directory of a folder is: an archive that was unpacked, one or several stores, or nothing."""
    found = [mark for steps in _PATHS_TO_STORE for mark in _stores(storage, path, listing, steps)]
    if {b"imagedb", b"layerdb"} <= {*listing.directories}:
        found.append(_store(path))
    if b"graph" in listing.directories and any(map(_names_of_graph, listing.files)):
        found.append(_graph(path))
    if found:
        return found
    if b"manifest.json" in listing.files:
        place = _join(path, b"manifest.json")
        content = next((data for _, data in storage.read_many([place], [0], MANIFEST_LIMIT)), None)
        if count := _images_listed(content):
            return [_archive(path, count)]
    for name in [name for name in sorted(listing.directories) if ID.fullmatch(name)][:_LOOKED_INTO]:
        inside = storage.children(_join(path, name))
        if {b"VERSION", b"layer.tar"} & {*inside.files, *inside.links}:
            return [_old_archive(path)]
    return []


def _stores(storage: Searchable, path: bytes, listing: Listing, steps: tuple[bytes, ...]) -> list[Mark]:
    """The stores of an engine whose root lies some steps below a directory: one a driver."""
    for step in (*steps, b"image"):
        if step not in listing.directories:
            return []
        path = _join(path, step)
        listing = storage.children(path)
    found = []
    for driver in sorted(listing.directories):
        inside = storage.children(_join(path, driver))
        if b"imagedb" in inside.directories or b"repositories.json" in inside.files:
            found.append(_store(_join(path, driver)))
    return found


def _names_of_graph(name: bytes) -> bool:
    return name.startswith(b"repositories-")


@dataclass(slots=True)
class Marks:
    """Collects what marks a root, from the paths of a flat listing.

    Attributes
    ----------
    stores, graphs, old : set of bytes
        Roots of stores, of stores before 1.10, and of archives before 1.10 (or of later ones, by what these keep for
        the sake of old engines).
    candidates : dict of bytes to (int, int)
        Locator and size of each ``manifest.json``, by the directory it lies in.
    """

    stores: set[bytes] = field(default_factory=set)
    graphs: set[bytes] = field(default_factory=set)
    old: set[bytes] = field(default_factory=set)
    candidates: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def see_batch(self, batch: Entries) -> None:
        """Take the entries of a flat listing."""
        for at, path in enumerate(batch.paths):
            match = _MARK.fullmatch(path)
            if match is not None and match[1].count(b"/") <= _DEEPEST:
                self._see(path, match, batch.types[at], (batch.locators[at], batch.sizes[at]))

    def _see(self, path: bytes, match: re.Match[bytes], kind: int, place: tuple[int, int]) -> None:
        root = match[1].rstrip(b"/")
        if match["store"] and (kind == DIRECTORY or not path.endswith((b"/imagedb", b"/layerdb"))):
            self.stores.add(match[1] + match["store"].rstrip(b"/"))
        elif kind == FILE and match["graph"]:
            self.graphs.add(root)
        elif kind == FILE and match["image"]:
            self.old.add(root)
        elif kind == FILE and match["manifest"] and len(self.candidates) < _MOST_CANDIDATES:
            self.candidates[root] = place

    def found(self, storage: Storage) -> list[Mark]:
        """What they say, the shallowest root first."""
        marks = [_store(root) for root in self.stores] + [_graph(root) for root in self.graphs]
        if not marks:
            roots = [*self.candidates]
            locators = [self.candidates[root][0] for root in roots]
            sizes = [self.candidates[root][1] for root in roots]
            for number, data in storage.read_many(locators, sizes, MANIFEST_LIMIT) if roots else ():
                if count := _images_listed(data):
                    marks.append(_archive(roots[number], count))
            known = {mark.root for mark in marks}
            marks += [_old_archive(root) for root in self.old - known]
        return sorted(marks, key=lambda mark: (mark.root.count(b"/") if mark.root else -1, mark.root))


def _images_listed(content: bytes | None) -> int:
    """How many images a ``manifest.json`` lists; 0 where it is none of ``docker save``."""
    value = load(content) if content else None
    if not isinstance(value, list):
        return 0
    return sum(isinstance(entry, dict) and ("Config" in entry or "Layers" in entry) for entry in value)


def _archive(root: bytes, count: int) -> Mark:
    return Mark(ARCHIVE, root, f"its manifest.json lists {count_noun(count, 'image')} as docker save does")


def _old_archive(root: bytes) -> Mark:
    return Mark(ARCHIVE, root, "it has <id>/VERSION and <id>/layer.tar, as docker save wrote before 1.10")


def _store(root: bytes) -> Mark:
    return Mark(DAEMON, root, f"it has {decode_name(root) or 'imagedb and layerdb'}: a Docker Engine's store")


def _graph(root: bytes) -> Mark:
    return Mark(DAEMON, root, "it has graph/<id>: the store of a Docker Engine before 1.10")


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
