"""The common entries of a flat listing, taken a batch at a time: what they say becomes numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.grammar import BLOBS, LAYERS, LINK_LENGTH, MANIFESTS, REPOSITORIES, REVISIONS, TAGS
from regviz.layouts.distribution.guess import halves, pair
from regviz.layouts.distribution.ledger import Keys, Links, Tags, distinct
from regviz.layouts.distribution.shapes import CURRENT, INDEX, TAG, is_repository, linked, repository_of
from regviz.storage.base import NO_SIZE, UNREAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.layouts.distribution.shapes import Digests, InTags, Shapes
    from regviz.storage.base import Columns
    from regviz.storage.spans import Spans

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]


class Repositories:
    """Rows of repositories, and which of their parts there are."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._rows: dict[bytes, int] = {}
        self._parts: list[set[tuple[bytes, ...]]] = []
        self.names: list[bytes] = []

    def row(self, name: bytes, *part: bytes) -> int:
        """Row of a repository that has this part."""
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = self._inventory.repository(name)
            self.names.append(name)
            self._parts.append(set())
        self._parts[row].add(part)
        return row

    def hand_over(self) -> None:
        """Say which parts each has."""
        for row, parts in enumerate(self._parts):
            sections = {section for section, *_ in parts}
            if LAYERS in sections:
                self._inventory.mark(row, "has_layers")
            if MANIFESTS in sections:
                self._inventory.mark(row, "has_manifests")
                revisions, tags = ((MANIFESTS, part) in parts for part in (REVISIONS, TAGS))
                self._inventory.links_of(row, revisions=revisions, tags=tags)


class Together:
    """Takes those entries of each batch whose paths have a common shape.

    Parameters
    ----------
    inventory : Inventory
    root : bytes
        Path of the ``v2`` directory with a slash behind it; empty where it is the storage's own root.

    Attributes
    ----------
    repositories : Repositories
    tags : Tags
        Both take what is found singly, too.
    """

    def __init__(self, inventory: Inventory, root: bytes) -> None:
        self._inventory, self._root = inventory, root
        self.repositories = Repositories(inventory)
        self.tags = Tags(inventory)
        self._by_directory = inventory.links == "stat"
        self._open_all = inventory.links == "open"
        self._layer_names: list[Numbers] = [np.empty(0, np.int64)]
        self._layers = Links(open_all=inventory.links == "open")
        self._revisions = Links(open_all=inventory.links == "open")
        self._keys = Keys(inventory.facts.keys)
        self._lonely: list[Codes] = [np.empty(0, np.int32)]
        self._lengths_known = True

    def looked_into(self, columns: Columns, shapes: Shapes) -> Numbers:
        """Which entries must be looked into: the current links of tags, and links that are not as they should be."""
        rows = [shapes.tags.rows[shapes.tags.kinds == CURRENT]]
        links = [shapes.revisions] if self._by_directory else [shapes.revisions, shapes.layers]
        for found in links:
            files = found.rows[found.is_file]
            rows.append(files if self._open_all else files[columns.sizes[files] != LINK_LENGTH])
        return np.concatenate(rows)

    def take(self, columns: Columns, shapes: Shapes) -> Flags:
        """Take what can be taken; returns which entries below the root are left."""
        left = shapes.below.copy()
        left[shapes.blobs.rows] = False
        times = np.where(columns.mtimes == 0, NO_TIME, columns.mtimes)
        if len(shapes.blobs.rows):
            self._take_blobs(shapes.blobs, columns, times)
        if len(shapes.layers.rows):
            self._take_layers(*self._known(shapes.layers, left, LAYERS), columns, times)
        if len(shapes.revisions.rows):
            revisions, repositories = self._known(shapes.revisions, left, MANIFESTS, REVISIONS)
            self._take_links(self._revisions, revisions, repositories, columns, times)
        if len(shapes.tags.rows):
            self._take_tags(*self._known_tags(shapes.tags, left), columns, times)
        for directories in shapes.on_the_way:
            for at, name in zip(directories.rows.tolist(), directories.heads.tolist(), strict=True):
                if is_repository(name):
                    self.repositories.row(name, *directories.part)
                    left[at] = False
        return left

    def _take_blobs(self, blobs: Digests, columns: Columns, times: Numbers) -> None:
        with_data = np.zeros(len(blobs.rows), np.bool_)
        with_data[:-1] = (blobs.equal_the_one_before() & blobs.is_file)[1:]
        rows = blobs.rows[blobs.is_file]
        stored = columns.sizes[rows], times[rows], columns.locators[rows]
        self._keys.then(blobs.raw[blobs.is_file], lambda codes: self._inventory.listed_blobs(codes, *stored))
        self._keys.then(blobs.raw[~(blobs.is_file | with_data)], self._lonely.append)

    def _take_layers(self, layers: Digests, repositories: Codes, columns: Columns, times: Numbers) -> None:
        if not self._by_directory:
            self._take_links(self._layers, layers, repositories, columns, times)
            return
        again = layers.equal_the_one_before()  # a directory and the link in it say the same
        again[1:] &= repositories[1:] == repositories[:-1]
        of = repositories[~again]
        self._keys.then(layers.raw[~again], lambda codes: self._layer_names.append(pair(of, codes)))

    def _take_links(self, links: Links, found: Digests, repositories: Codes, columns: Columns, times: Numbers) -> None:
        of, found = repositories[found.is_file], found.take(found.is_file)
        self._lengths_known &= not (columns.sizes[found.rows] == NO_SIZE).any()
        contents, linked_at = links.contents(found, columns), times[found.rows]
        self._keys.then(found.raw, lambda codes: links.add(pair(of, codes), linked_at, contents))

    def _take_tags(self, tags: InTags, numbers: Numbers, columns: Columns, times: Numbers) -> None:
        self.tags.see(numbers[tags.kinds == TAG])
        in_index, current = tags.kinds == INDEX, tags.kinds == CURRENT
        indexed, linked_at = numbers[in_index], times[tags.rows[in_index]]
        self._keys.then(tags.raw, lambda codes: self.tags.index(indexed, codes, linked_at))

        rows, of, pushed_at = tags.rows[current], numbers[current], times[tags.rows[current]]
        raw, is_link = linked(columns, rows)
        told = ~is_link if columns.absent is not UNREAD else ~is_link & (columns.contents[rows] >= 0)
        contents = {at: columns.small(rows[at]) for at in np.flatnonzero(told).tolist()}

        def point(codes: Codes) -> None:
            targets = np.full(len(of), -1, np.int32)
            targets[is_link] = codes
            self.tags.current(of, targets, pushed_at, contents)

        self._keys.then(raw[is_link], point)

    def hand_over(self) -> None:
        """Put everything into the inventory."""
        inventory = self._inventory
        self._keys.flush()
        for digest in inventory.keep_last():
            inventory.repeated(self._root + blob_directory(digest) + b"/data")
        inventory.without_data(np.concatenate(self._lonely))
        self.repositories.hand_over()
        if self._by_directory:
            names = np.concatenate(self._layer_names)
            self._layer_names.clear()
            rows, codes = halves(distinct(names))
            del names
            inventory.listed_layers(rows, codes, np.full(len(rows), NO_TIME), "unchecked")
        layers, revisions = self._layers.settle(), self._revisions.settle()
        state = "ok" if self._lengths_known else "unchecked"
        inventory.listed_layers(*layers.plain(), state)
        inventory.listed_revisions(*revisions.plain(), state)
        for add, links in ((inventory.layer_link, layers), (inventory.revision, revisions)):
            for row, name, content, time in links.others(inventory.facts.keys):
                add(row, b"sha256", name, content, time)
        for row, name in revisions.repeated(inventory.facts.keys):
            self._say_again(row, b"_manifests/revisions/sha256/" + name + b"/link")
        for row, tag in self.tags.hand_over():
            self._say_again(row, b"_manifests/tags/" + tag + b"/current/link")

    def _say_again(self, row: int, path: bytes) -> None:
        self._inventory.repeated(b"/".join((self._root + REPOSITORIES, self.repositories.names[row], path)))

    def _known(self, digests: Digests, left: Flags, *part: bytes) -> tuple[Digests, Codes]:
        """Those in repositories, and the repositories' rows."""

        def row(name: bytes) -> int:
            return self.repositories.row(name, *part) if is_repository(name) else -1

        rows = _by_runs(digests.heads, row).astype(np.int32)
        known = rows >= 0
        if not known.all():
            digests, rows = digests.take(known), rows[known]
        left[digests.rows] = False
        return digests, rows

    def _known_tags(self, tags: InTags, left: Flags) -> tuple[InTags, Numbers]:
        """What lies in tags, and the tags."""
        last, row = b"", -1  # tags of one repository stand together

        def tag(head: bytes) -> int:
            nonlocal last, row
            above, _, tag = head.rpartition(b"/")
            if above != last:
                name = repository_of(above)
                last, row = above, self.repositories.row(name, MANIFESTS, TAGS) if name else -1
            return self.tags.number(row, tag) if row >= 0 else -1

        pairs = _by_runs(tags.heads, tag)
        known = pairs >= 0
        if not known.all():
            tags, pairs = tags.take(known), pairs[known]
        left[tags.rows] = False
        return tags, pairs


def blob_directory(digest: str) -> bytes:
    """Path of a digest's directory in the store of blobs."""
    algorithm, _, encoded = digest.encode().partition(b":")
    return b"/".join((BLOBS, algorithm, encoded[:2], encoded))


def _by_runs(heads: Spans, number: Callable[[bytes], int]) -> Numbers:
    """A number for each; it is asked for once for equal ones that stand together."""
    firsts = np.flatnonzero(heads.differ_from_the_one_before())
    numbers = np.array([number(head) for head in heads.take(firsts).tolist()], np.int64)
    return np.repeat(numbers, np.diff(firsts, append=len(heads)))
