"""Docker Registry v1's storage (2013 to 2015): the one that the article of 2014 looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble import assemble
from regviz.columns import NO_NUMBER, NO_TIME, Facts
from regviz.layouts.v1.grammar import ID, repository_name, tag_name
from regviz.layouts.v1.images import Images
from regviz.layouts.v1.inventory import listed, walk
from regviz.layouts.v1.tables import Stacks, put_tables
from regviz.layouts.v1.verify import find_drift, verify_images
from regviz.manifests.json import length, load_object
from regviz.pool import V1_ID, V1_LAYER
from regviz.storage.base import is_walkable
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.layouts.common import Options
    from regviz.layouts.v1.inventory import Inventory, Repository
    from regviz.registry import Registry, Source
    from regviz.storage.base import Storage

_LATEST_SECONDS = 1 << 40
_LONGEST_SHOWN = 100


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the storage whose ``images`` and ``repositories`` lie in `root`."""
    facts = Facts(V1_ID, V1_LAYER)
    check = options.links != "stat"
    with options.progress("images" if is_walkable(storage) else "entries", None) as tick:
        if is_walkable(storage):
            inventory = walk(storage, root, facts, check=check, tick=tick)
        else:
            inventory = listed(storage, root, facts, tick=tick)
    images = Images(storage, inventory, facts)
    with options.progress("images", images.present) as tick:
        images.load(tick)
    tags = _Tags(facts, images, decode_name(root))
    for path, repository in inventory.repositories.items():
        tags.take(path, repository)
    tags.resolve()
    listed_ids = find_drift(storage, inventory, images, facts, tags.targets)
    for row, keys in listed_ids.items():
        images.rows_of(keys)
        count = len(keys)
        revisions = facts.revisions
        revisions.column("repository").extend_numbers(np.full(count, row, np.int32))
        revisions.key("manifest").extend_numbers(keys)
        revisions.text("state").repeat("ok", count)
        revisions.column("linked_at").extend_numbers(np.full(count, NO_TIME, np.int64))
        revisions.column("is_root").extend_numbers(np.zeros(count, np.int8))
    _store(facts, inventory)
    verify_images(images, inventory, facts, tags.targets, check=check)
    stacks = Stacks(facts, images, np.unique(np.concatenate([np.empty(0, np.int64), *tags.targets.values()])))
    options.measure_storage(storage, root, source, facts)
    source = options.finish(storage, facts, source)
    tags.set_times()
    return assemble(facts, source, lambda draft: put_tables(draft, stacks, inventory))


def _store(facts: Facts, inventory: Inventory) -> None:
    """The layer files, as blobs."""
    here = np.flatnonzero(inventory.layer_sizes >= 0)
    stored = facts.stored
    stored.key("blob").extend_names([inventory.names[row] for row in here.tolist()], V1_LAYER)
    stored.column("stored_bytes").extend_numbers(inventory.layer_sizes[here])
    stored.column("allocated_bytes").extend_numbers(inventory.allocated[here])
    stored.column("stored_at").extend_numbers(inventory.layer_times[here])
    stored.text("compression").repeat(None, len(here))


class _Tags:
    """Repositories and their tags.

    Attributes
    ----------
    targets : dict of int to array of int
        For each repository (its row) the images (their rows) that its tags point to.
    """

    def __init__(self, facts: Facts, images: Images, root: str) -> None:
        self._facts, self._images = facts, images
        self._place = f"{root}/repositories/" if root else "repositories/"
        self._names: set[str] = set()
        self._tag_names: set[str] = set()
        self._times: list[int] = []
        self._history_times: list[int] = []
        self._tagged: list[tuple[int, str]] = []
        self.targets: dict[int, NDArray[np.int64]] = {}

    def take(self, path: bytes, repository: Repository) -> None:
        facts = self._facts
        raw = decode_name(path)
        name = repository_name(path)
        if name in self._names:  # two ways of quoting one name: the server was upgraded in between
            facts.problem("v1-name-twice", repository=raw, path=self._place + raw, detail=name)
            name = raw
        self._names.add(name)
        row = facts.repository(name, raw, private=int(repository.private))
        self._tag_names.clear()
        for file in sorted(repository.tags, key=lambda file: (b"%" in file, file)):
            target = self._tag(row, name, raw, file, repository)
            if target:
                self._tagged.append((row, target))

    def resolve(self) -> None:
        """Find the images that tags point to, when all were taken."""
        facts = self._facts
        repositories = np.array([row for row, _ in self._tagged], np.int64)
        keys = facts.keys.intern([target for _, target in self._tagged], V1_ID)
        rows = self._images.rows_of(keys)
        for at in np.flatnonzero(rows >= self._images.present).tolist():
            name = facts.names.text(int(facts.repositories["name"][repositories[at]]))
            facts.problem("v1-image-missing", repository=name, manifest=facts.keys.text(int(keys[at])))
        bounds = np.searchsorted(repositories, np.arange(len(self._names) + 1))
        self.targets = {row: rows[bounds[row] : bounds[row + 1]] for row in range(len(self._names))}

    def _tag(self, row: int, name: str, raw: str, file: bytes, repository: Repository) -> str:
        facts = self._facts
        content, mtime = repository.tags[file]
        tag = tag_name(file)
        if tag in self._tag_names:
            path = f"{self._place}{raw}/tag_{decode_name(file)}"
            facts.problem("v1-name-twice", repository=name, path=path, detail=f"tag {tag}")
            tag = decode_name(file)
        self._tag_names.add(tag)
        image = content.strip()
        state = "ok"
        if not ID.fullmatch(image):
            if load_object(content) is not None and file.endswith(b"_json"):
                facts.problem("v1-tag-ambiguous", repository=name, path=f"{self._place}{raw}/tag_{decode_name(file)}")
                return ""
            state = "malformed" if image else "empty"
            shown = clean(repr(image)[1:]) if len(image) <= _LONGEST_SHOWN else "longer than an id"
            facts.problem("v1-tag-malformed", repository=name, detail=f"tag {tag}: {shown}")
        target = image.decode() if state == "ok" else ""
        facts.tags.add(row, tag, target, mtime, state)
        said = _last_update(repository.metadata.get(file))
        self._times.append(said)
        if target:
            facts.tag_history.add(row, tag, target, mtime, 1)
            self._history_times.append(said)
        return target

    def set_times(self) -> None:
        """Where a tag's own metadata say when it was pushed, they are believed rather than file times."""
        for rows, column, said in (
            (self._facts.tags, "pushed_at", self._times),
            (self._facts.tag_history, "last_pushed_at", self._history_times),
        ):
            times = np.array(said, np.int64)
            rows[column][times != NO_TIME] = times[times != NO_TIME]


def _last_update(metadata: bytes | None) -> int:
    """Time of a push (µs) from ``tag<TAG>_json``, whose ``last_update`` is in seconds."""
    document = load_object(metadata) if metadata else None
    seconds = length(document.get("last_update")) if document else -1
    return seconds * 1_000_000 if 0 <= seconds < _LATEST_SECONDS else NO_NUMBER
