"""Images of a v1 storage: their json, their parents, their chains."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, Rows
from regviz.manifests.json import load, load_object, mapping
from regviz.manifests.schema1 import v1_instruction
from regviz.pool import V1_ID, is_v1_id
from regviz.stamps import parse_stamps
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from regviz.columns import Facts
    from regviz.layouts.v1.inventory import Inventory
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_BATCH = 4096


class Images:
    """The images that have a directory, in the order of their names, then those that are only named.

    Attributes
    ----------
    key : array of int
        Key of each image's id.
    present : int
        How many have a directory.
    was_read : array of bool
        Whether its json could be read, for each that has a directory.
    parent : array of int
        Row of the parent; -1 at a base.
    depth : array of int
        Images up to here; 1 at a base.
    """

    def __init__(self, storage: Storage, inventory: Inventory, facts: Facts) -> None:
        self._storage, self._inventory, self._facts = storage, inventory, facts
        self.present = len(inventory.names)
        self.key: Codes = facts.keys.intern_names(inventory.names, V1_ID)
        self.was_read = np.zeros(self.present, np.bool_)
        self.created: Numbers = np.full(self.present, NO_NUMBER, np.int64)
        self.parent: Numbers = np.empty(0, np.int64)
        self.depth: Numbers = np.empty(0, np.int64)
        self._row_of_key: Numbers = np.empty(0, np.int64)
        self.said = Rows(
            facts,
            V1_ID,
            image="row",
            id="id",
            parent="id",
            os="name",
            architecture="name",
            variant="name",
            created_by="text",
            author="text",
            comment="text",
            size="size",
        )
        self.labels = Rows(facts, V1_ID, image="row", key="name", value="value")

    def __len__(self) -> int:
        return len(self.key)

    def name(self, row: int) -> str:
        """Id of an image."""
        return self._facts.keys.text(int(self.key[row]))

    def rows_of(self, keys: Codes) -> Numbers:
        """Rows of ids by their keys, none of them NA; what has no directory is added, and stands alone."""
        self._map()
        new = np.unique(keys[self._row_of_key[keys] < 0])
        if len(new):
            self._row_of_key[new] = np.arange(len(self.key), len(self.key) + len(new))
            self.key = np.concatenate([self.key, new])
            more = len(self.key) - len(self.parent)
            if len(self.parent):
                self.parent = np.concatenate([self.parent, np.full(more, -1, np.int64)])
                self.depth = np.concatenate([self.depth, np.ones(more, np.int64)])
        return self._row_of_key[keys]

    def load(self, tick: Callable[[int], None]) -> None:
        """Read every json, then the chains: parents from json, where that is missing from ancestry."""
        inventory, facts = self._inventory, self._facts
        said = self.said
        names = ("image", "id", "parent", "os", "architecture", "variant", "created_by", "author", "comment", "size")
        image, own_id, parent, os, architecture, variant, created_by, author, comment, size = (
            said.column(name).staged for name in names
        )
        created: list[Any] = []
        for row, data in self._contents("json", np.flatnonzero(inventory.json_sizes >= 0), inventory.json_sizes):
            document = load_object(data)
            if document is None:
                facts.problem("v1-json-unreadable", manifest=self.name(row), detail=f"{len(data)} bytes")
                continue
            get = document.get
            image.append(row)
            own_id.append(get("id"))
            parent.append(get("parent") or "")
            os.append(get("os"))
            architecture.append(get("architecture"))
            variant.append(get("variant"))
            created_by.append(v1_instruction(document))
            author.append(get("author"))
            comment.append(get("comment"))
            size.append(get("Size"))
            created.append(get("created"))
            config = get("config")
            if config and "Labels" in config:
                for key, value in mapping(mapping(config).get("Labels")).items():
                    self.labels.add(row, key, value)
            if len(image) == _BATCH:
                self._take(created)
                tick(_BATCH)
        self._take(created)
        unreadable = np.isin(self.key[: self.present], facts.problems["manifest"])
        for row in np.flatnonzero(~self.was_read & ~unreadable).tolist():
            facts.problem("v1-json-missing", manifest=self.name(row))
        self._complain()
        self._link()

    def _take(self, created: list[Any]) -> None:
        """Turn a batch of what images say of themselves into numbers."""
        rows = np.array(self.said.column("image").staged, np.int64)
        self.was_read[rows] = True
        self.created[rows] = parse_stamps([text if isinstance(text, str) else "" for text in created])
        created.clear()
        self.said.spill()
        self.labels.spill()

    def _complain(self) -> None:
        said, facts = self.said, self._facts
        rows = said["image"]
        for at in np.flatnonzero(said["id"] != self.key[rows]).tolist():
            other = facts.keys.text(int(said["id"][at])) if said["id"][at] >= 0 else "none"
            facts.problem("v1-id-mismatch", manifest=self.name(int(rows[at])), detail=other)
        for at, value in said.key("parent").malformed:
            facts.problem("digest-malformed", manifest=self.name(int(rows[at])), detail=clean(repr(value)[:200]))

    def column(self, name: str, fill: int) -> NDArray[Any]:
        """What images say of themselves, by row; `fill` where they do not."""
        values = self.said[name]
        made = np.full(len(self), fill, values.dtype)
        made[self.said["image"]] = values
        return made

    def _link(self) -> None:
        """Parents by row: from json; where that is missing from ancestry, the image's own or a child's."""
        rows, parents = self.said["image"], self.said["parent"]
        known = parents >= 0
        above = self.rows_of(parents[known])
        parent = [-1] * len(self)
        for row, at in zip(rows[known].tolist(), above.tolist(), strict=True):
            parent[row] = at
        asked: set[int] = set()
        unread = wanted = np.flatnonzero(~self.was_read).tolist()
        while True:
            asked.update(wanted)
            for row, chain in self.ancestries(wanted).items():
                self._follow(row, chain, parent)
            # images without json, and without an ancestry of their own: their children know how it goes on
            untold = {row for row in {*unread, *range(self.present, len(parent))} if parent[row] < 0}
            children: dict[int, int] = {}
            for row in range(self.present) if untold else ():
                if parent[row] in untold and row not in asked:
                    children.setdefault(parent[row], row)
            wanted = sorted(children.values())
            if not wanted:
                break
        self._measure(parent)

    def _follow(self, row: int, chain: list[str], parent: list[int]) -> None:
        """Take the parents that an ancestry file tells, of images whose json does not."""
        if not chain or chain[0] != self.name(row):
            return
        keys = self._facts.keys.intern(chain, V1_ID)
        rows = self.rows_of(keys).tolist()
        parent += [-1] * (len(self) - len(parent))
        for below, above in pairwise(rows):
            if parent[below] < 0 and (below >= self.present or not self.was_read[below]):
                parent[below] = above

    def ancestries(self, rows: list[int]) -> dict[int, list[str]]:
        """The ancestry files of these rows that are there and can be read."""
        inventory = self._inventory
        found: dict[int, list[str]] = {}
        sizes = inventory.ancestry_sizes
        known = [row for row in rows if row < self.present and sizes[row] >= 0]
        for row, data in self._contents("ancestry", np.array(known, np.int64), sizes):
            value = load(data)
            if isinstance(value, list) and all(isinstance(name, str) and is_v1_id(name) for name in value):
                found[row] = value
            else:
                name = self.name(row)
                self._facts.problem("v1-ancestry-unreadable", manifest=name, detail=f"{len(data)} bytes")
        return found

    def _contents(self, file: str, rows: Numbers, sizes: Numbers) -> Iterator[tuple[int, bytes]]:
        """Row and content of each image's file, a batch of them at a time where that costs nothing."""
        batch = max(len(rows), 1) if self._storage.forward_only else _BATCH
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch].tolist()
            lengths = sizes[part].tolist()
            for number, data in self._storage.read_many(self._inventory.locators(file, part), lengths, MANIFEST_LIMIT):
                if data is not None:
                    yield part[number], data

    def _measure(self, parents: list[int]) -> None:
        """Depth of every image; a chain that comes back to itself is cut at its smallest id."""
        depth = [0] * len(parents)
        for start in range(len(parents)):
            while not depth[start]:
                path: list[int] = []
                passed: set[int] = set()
                row = start
                while row >= 0 and not depth[row] and row not in passed:
                    path.append(row)
                    passed.add(row)
                    row = parents[row]
                if row in passed:
                    cycle = path[path.index(row) :]
                    cut = min(cycle, key=self.name)
                    self._facts.problem("v1-parent-cycle", manifest=self.name(cut), detail=f"{len(cycle)} images")
                    parents[cut] = -1
                    continue
                height = depth[row] if row >= 0 else 0
                for image in reversed(path):
                    height += 1
                    depth[image] = height
        self.parent = np.array(parents, np.int64)
        self.depth = np.array(depth, np.int64)

    def _map(self) -> None:
        if len(self._row_of_key) < len(self._facts.keys):
            self._row_of_key = np.full(len(self._facts.keys), -1, np.int64)
            self._row_of_key[self.key] = np.arange(len(self.key))
