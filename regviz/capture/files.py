"""Where the files of a capture lie: whatever lists and reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from regviz.storage.base import FILE, SYMLINK, is_walkable
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regviz.storage.base import Storage

NAME = "capture.json"
"""The manifest's file, which marks a capture."""
LARGEST_MANIFEST = 1 << 20
LARGEST_FILE = 4 << 30


class Files(Protocol):
    """The files of one capture.

    Attributes
    ----------
    uri : str
        What a person called it.
    """

    uri: str

    @property
    def sizes(self) -> Mapping[str, int] | None:
        """Lengths of the files there are, by name; None where there is no listing."""

    @property
    def links(self) -> frozenset[str]:
        """Names of symbolic links, of which none is followed."""

    def read(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Contents of at most `limit` bytes, in the best order for where they lie; None for what is not there."""


class StoredFiles:
    """The files of a capture in a storage.

    Parameters
    ----------
    storage : Storage
    root : bytes
        The directory that holds ``capture.json``.
    """

    def __init__(self, storage: Storage, root: bytes) -> None:
        self.uri = storage.uri
        self._storage = storage
        self._places: dict[str, bytes | int] = {}
        self.sizes: dict[str, int] = {}
        links = []
        if is_walkable(storage):
            listing = storage.children(root)
            lengths = storage.stat_many(root, listing.files).sizes.tolist()
            for name, length in zip(listing.files, lengths, strict=True):
                self._put(name, root + b"/" + name if root else name, length)
            links = listing.links
        else:
            below = root + b"/" if root else b""
            for batch in storage.entries():
                for path, kind, size, locator in zip(
                    batch.paths, batch.types, batch.sizes, batch.locators, strict=True
                ):
                    name = path[len(below) :]
                    if path.startswith(below) and b"/" not in name:
                        if kind == FILE:
                            self._put(name, locator, size)
                        elif kind == SYMLINK:
                            links.append(name)
        self.links = frozenset(map(decode_name, links))

    def _put(self, name: bytes, place: bytes | int, size: int) -> None:
        self._places[decode_name(name)] = place
        self.sizes[decode_name(name)] = size

    def read(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Contents, in the storage's own best order."""
        there = [name for name in names if name in self._places]
        yield from ((name, None) for name in names if name not in self._places)
        places, sizes = [self._places[name] for name in there], [self.sizes[name] for name in there]
        for number, data in self._storage.read_many(places, sizes, limit):
            yield there[number], data
