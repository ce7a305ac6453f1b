"""The store of blobs of a Distribution storage in a folder, walked; what was measured already is left alone."""

from __future__ import annotations

from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from regviz.layouts.distribution.gathered import Gathered
from regviz.layouts.distribution.grammar import BLOBS
from regviz.layouts.distribution.inventory import split_names
from regviz.storage.ahead import handfuls_ahead
from regviz.storage.base import Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.storage.base import Listing, Walkable

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

T = TypeVar("T")

_PREFIX_WIDTH = 2
_DIRECTORIES = 4  # that are looked at together: a large store has thousands of digests in each


class _Digests(NamedTuple):
    """Digests in a directory of the store of blobs: their names and codes."""

    directory: bytes
    names: list[bytes]
    codes: Codes


class BlobWalk:
    """One walk through the store of blobs.

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

    def blobs(self, measured: Iterable[tuple[Codes, Stats]] = ()) -> None:
        """The store of blobs: every digest's directory, and the length of its data.

        `measured` are those that were measured already: codes, and what lstat says of their data.
        """
        known = np.zeros(len(self._inventory.facts.keys), np.bool_)
        for codes, facts in measured:
            self._inventory.measured_blobs(codes, facts)
            known[codes] = True
        top = self._storage.children(self._root + BLOBS)
        self._inventory.strays(self._root + BLOBS, top.files)
        for algorithm in sorted(top.directories):
            directory = self._root + BLOBS + b"/" + algorithm
            listing = self._storage.children(directory, listed=True)
            self._inventory.strays(directory, listing.files)
            blobs = Gathered(partial(self._take_blobs, algorithm))
            new = self._new(algorithm, directory, listing.directories, known)
            for some, all_facts in handfuls_ahead(self._facts_on, _taken_from(new)):
                for found, facts in zip(some, all_facts, strict=True):
                    blobs.add(0, found.names, found.codes, *facts)
            blobs.hand_over()

    def _new(self, algorithm: bytes, directory: bytes, prefixes: list[bytes], known: Flags) -> Iterator[_Digests]:
        """Digests in the store of blobs whose codes are not `known`."""

        def listed(some: Sequence[bytes]) -> list[Listing]:
            return [self._storage.children(directory + b"/" + prefix, listed=True) for prefix in some]

        for some, listings in handfuls_ahead(listed, _taken_from(sorted(prefixes))):
            for prefix, listing in zip(some, listings, strict=True):
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

    def _facts_on(self, some: Sequence[_Digests]) -> list[Stats]:
        return [self._storage.stat_many(found.directory, found.names, b"/data") for found in some]

    def _take_blobs(self, algorithm: bytes, _: Codes, names: list[bytes], codes: Codes, *facts: Numbers) -> None:
        self._inventory.blobs(algorithm, names, codes, Stats(*facts))

    def _digests_below(self, directory: bytes, listing: Listing, algorithm: bytes, prefix: bytes) -> list[bytes]:
        """Digests that lie where they belong; what else lies there is said."""
        self._inventory.strays(directory, listing.files)
        names, others = split_names(algorithm, listing.directories)
        if len(prefix) != _PREFIX_WIDTH or not all(map(bytes.startswith, names, repeat(prefix))):
            others += [name for name in names if name[:_PREFIX_WIDTH] != prefix]
            names = [name for name in names if name[:_PREFIX_WIDTH] == prefix]
        for name in others:
            self._inventory.bad_name(directory + b"/" + name)
        return names


def _taken_from(items: Iterable[T]) -> Callable[[int], list[T]]:
    """What takes items from some, a few at a time."""
    left = iter(items)
    return lambda most: [*islice(left, min(most, _DIRECTORIES))]
