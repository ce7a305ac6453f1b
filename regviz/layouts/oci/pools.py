"""Layouts in a storage, by names and sizes: where walked and flat reading meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.oci.grammar import INDEX, VERSION_FILE, blob_path, split_digests
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.storage.base import Stats

_SHA256 = b"sha256"


@dataclass(slots=True)
class Layout:
    """A layout that was found.

    Attributes
    ----------
    root : bytes
        Path of its directory within the storage.
    files : dict
        Locator and size of those of its documents that are there.
    uploads : list of (bytes, int)
        Unfinished uploads (zot) and their bytes.
    """

    root: bytes
    files: dict[bytes, tuple[bytes | int, int]] = field(default_factory=dict)
    uploads: list[tuple[bytes, int]] = field(default_factory=list)

    @property
    def is_layout(self) -> bool:
        """Whether it has one of the files that make it one."""
        return VERSION_FILE in self.files or INDEX in self.files


class Pools:
    """Takes what a reader finds; the blobs go to ``facts.stored``.

    Parameters
    ----------
    facts : Facts

    Attributes
    ----------
    layouts : list of Layout
        In the order in which they were met; blobs refer to them by number.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.layouts: list[Layout] = []
        self._numbers: dict[bytes, int] = {}
        self._owner: list[NDArray[np.int32]] = []
        self._locators: list[NDArray[np.int64]] = []
        self._inodes: list[NDArray[np.int64]] = []

    def number(self, root: bytes) -> int:
        """The number of the layout at a path."""
        number = self._numbers.get(root)
        if number is None:
            number = self._numbers[root] = len(self.layouts)
            self.layouts.append(Layout(root))
        return number

    def blobs(
        self, layout: int, algorithm: bytes, names: Sequence[bytes], stats: Stats, locators: NDArray[np.int64]
    ) -> list[bytes]:
        """Files of a directory ``blobs/<algorithm>``; a size of -1 says that one is no regular file.

        Returns the names that are no digests.
        """
        names = list(names)
        good, bad = split_digests(algorithm, names)
        if bad:
            kept = {*good}
            rows = np.flatnonzero([name in kept for name in names])
        else:
            rows = np.arange(len(names))
        rows = rows[stats.sizes[rows] != -1]
        if len(rows) < len(names):
            names = [names[row] for row in rows.tolist()]
        stored = self.facts.stored
        stored.key("blob").extend_numbers(self.facts.keys.intern_names(names, algorithm + b":"))
        stored.column("stored_bytes").extend_numbers(stats.sizes[rows])
        stored.column("stored_at").extend_numbers(np.where(stats.mtimes[rows] == 0, NO_TIME, stats.mtimes[rows]))
        stored.column("allocated_bytes").extend_numbers(stats.allocated[rows])
        stored.text("compression").repeat(None, len(rows))
        self._owner.append(np.full(len(rows), layout, np.int32))
        self._locators.append(locators[rows])
        self._inodes.append(stats.inodes[rows])
        return bad

    def stray(self, path: bytes) -> None:
        """Something that the layout does not have."""
        self.facts.problem("foreign-file", path=decode_name(path))

    def keep_layouts(self) -> None:
        """Forget what lies in a ``blobs`` directory of what turned out to be no layout."""
        number = np.cumsum([layout.is_layout for layout in self.layouts], dtype=np.int32) - 1
        good = np.array([layout.is_layout for layout in self.layouts], np.bool_)
        if not good.all():
            owner = self._column(self._owner, np.int32)
            self._keep(good[owner])
            self._owner = [number[self._column(self._owner, np.int32)]]
            self.layouts = [layout for layout in self.layouts if layout.is_layout]

    def keep_last(self) -> list[bytes]:
        """Of each path that an archive has more than once keep the last; returns those paths."""
        blob, owner = self.facts.stored["blob"], self._column(self._owner, np.int32)
        pair = owner.astype(np.int64) << 32 | blob
        _, last = np.unique(pair[::-1], return_index=True)
        last = np.sort(len(pair) - 1 - last)
        if len(last) == len(pair):
            return []
        lost = np.setdiff1d(np.arange(len(pair)), last)
        digests = self.facts.keys.texts(blob[lost])
        roots = [self.layouts[number].root for number in owner[lost].tolist()]
        self._keep(last)
        return sorted({blob_path(root, digest) for root, digest in zip(roots, digests, strict=True)})

    def settle(self) -> None:
        """Make the places of one digest agree, and its disk blocks count once.

        zot's placeholders (0 bytes, where another repository has the blob) are no places; hard links of one file have
        its blocks together; a blob's blocks are those of all its places.
        """
        stored = self.facts.stored
        self._drop_placeholders()
        blob, allocated = stored["blob"], stored["allocated_bytes"]
        inodes = self._column(self._inodes, np.int64)
        places = np.bincount(blob, minlength=len(self.facts.keys))
        _, first = np.unique(inodes, return_index=True)
        counted = inodes < 0
        counted[first] = True
        if counted.all() and not (places > 1).any():
            return
        known = allocated != NO_NUMBER
        total = np.zeros(len(self.facts.keys), np.int64)
        np.add.at(total, blob[counted & known], allocated[counted & known])
        allocated[known] = total[blob[known]]
        times = stored["stored_at"]
        eldest = np.full(len(self.facts.keys), np.iinfo(np.int64).max, np.int64)
        said = times != NO_TIME
        np.minimum.at(eldest, blob[said], times[said])
        times[said] = eldest[blob[said]]

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Forget blobs, by their rows in ``facts.stored``."""
        if len(rows):
            kept = np.ones(len(self.facts.stored), np.bool_)
            kept[rows] = False
            self._keep(kept)

    def locators(self) -> NDArray[np.int64]:
        """One for each row of ``facts.stored``."""
        return self._column(self._locators, np.int64)

    def owners(self) -> NDArray[np.int32]:
        """Number of the layout of each row of ``facts.stored``."""
        return self._column(self._owner, np.int32)

    def paths(self) -> Callable[[NDArray[np.int32]], list[bytes]]:
        """Tells paths of digests; of several places of one that whose row Documents takes, the last."""
        keys, owner_of = self.facts.keys, np.zeros(len(self.facts.keys), np.int32)
        owner_of[self.facts.stored["blob"]] = self.owners()
        roots = [layout.root for layout in self.layouts]

        def paths(codes: NDArray[np.int32]) -> list[bytes]:
            return [
                blob_path(roots[owner], digest)
                for owner, digest in zip(owner_of[codes].tolist(), keys.texts(codes), strict=True)
            ]

        return paths

    def _drop_placeholders(self) -> None:
        blob, size = self.facts.stored["blob"], self.facts.stored["stored_bytes"]
        longest = np.zeros(len(self.facts.keys), np.int64)
        np.maximum.at(longest, blob, size)
        hollow = (size == 0) & (longest[blob] > 0)
        if hollow.any():
            self._keep(~hollow)

    def _keep(self, rows: NDArray[Any]) -> None:
        self.facts.stored.keep(rows)
        self._owner = [self._column(self._owner, np.int32)[rows]]
        self._locators = [self._column(self._locators, np.int64)[rows]]
        self._inodes = [self._column(self._inodes, np.int64)[rows]]

    @staticmethod
    def _column(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
        if len(parts) != 1:
            parts[:] = [np.concatenate([np.empty(0, dtype), *parts])]
        return parts[0]
