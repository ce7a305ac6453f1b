"""What a v1 storage holds, by names and sizes: of images as columns, of repositories one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.pool import V1_ID
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.common import Tick

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

Locator = bytes | int


@dataclass(slots=True)
class Repository:
    """The files of one repository: what they hold, or where they lie."""

    tags: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    metadata: dict[bytes, bytes | None] = field(default_factory=dict)
    index: tuple[Locator, int] | None = None
    private: bool = False


class Documents(NamedTuple):
    """The ``json`` of some images; None where it cannot be read."""

    rows: Sequence[int]
    names: Sequence[bytes]
    contents: Sequence[bytes | None]


class Inventory(ABC):
    """What lies in a storage. Images have rows, in the order of their names, and that is the order of all columns.

    Sizes are -1 for files that are not there, and 0 for files whose length nobody asked for.

    Attributes
    ----------
    names : sequence of bytes
        Of the directories of images; :meth:`forget_names` empties it.
    rows : array of int
        Row of each of the names.
    keys : array of int
        Key of each image's id.
    layer_sizes, layer_times, allocated, in_progress
        Facts on layer files, and the marks of unfinished uploads, once the documents were read.
    document_sizes, ancestry_sizes, has_checksum
        Facts on the other files; of documents only a listing's are asked for.
    has_contents : bool
        Whether files can be read.
    has_all_names : bool
        Whether a file that was not met is not there; a listing may leave some out.
    """

    has_contents = has_all_names = True

    def __init__(self, names: Sequence[bytes], facts: Facts) -> None:
        count = len(names)
        self.names = names
        facts.keys.expect(2 * count)  # for the images, and for their layers
        keys = facts.keys.intern_names(names, V1_ID)
        self.rows: Codes = facts.keys.ranks()[keys]  # no other keys are known yet
        self.keys: Codes = np.empty(count, np.int32)
        self.keys[self.rows] = keys
        self.layer_sizes: Numbers = np.full(count, -1, np.int64)
        self.layer_times: Numbers = np.full(count, NO_TIME, np.int64)
        self.allocated: Numbers = np.full(count, NO_NUMBER, np.int64)
        self.in_progress: NDArray[np.bool_] = np.zeros(count, np.bool_)
        self.document_sizes: Numbers = np.zeros(count, np.int64)
        self.ancestry_sizes: Numbers = np.zeros(count, np.int64)
        self.has_checksum: NDArray[np.bool_] = np.ones(count, np.bool_)

    def forget_names(self) -> None:
        """The names are keys by now."""
        self.names = []

    @abstractmethod
    def documents(self) -> Iterator[Documents]:
        """The ``json`` of every image that has one, some at a time."""

    @abstractmethod
    def ancestries(self, rows: list[int], names: list[bytes]) -> Iterator[tuple[int, bytes]]:
        """Row and content of the ``ancestry`` of these images, where there is one that can be read."""

    @abstractmethod
    def repositories(self, tick: Tick) -> Iterator[tuple[bytes, Repository]]:
        """Path and files of every repository, in the order of the paths."""


def stray(facts: Facts, path: bytes) -> None:
    """Say that a file does not belong here."""
    facts.problem("temporary-file" if path.endswith(b".tmp") else "foreign-file", path=decode_name(path))
