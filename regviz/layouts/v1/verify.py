"""What is wrong with the images of a v1 storage, and what their repositories' lists say too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.manifests.json import load
from regviz.pool import V1_ID, is_v1_id
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import count_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.columns import Facts
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Inventory
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_BATCH = 2048


def verify_images(
    images: Images, inventory: Inventory, facts: Facts, targets: dict[int, Numbers], *, check: bool
) -> None:
    """Missing files, unfinished uploads, missing parents, orphans; with `check` also ancestry and checksums."""
    name, present = images.name, images.present
    for row in np.flatnonzero(inventory.in_progress).tolist():
        facts.problem("v1-in-progress", manifest=name(row))
    for row in np.flatnonzero((inventory.layer_sizes < 0) & ~inventory.in_progress).tolist():
        facts.problem("v1-layer-missing", manifest=name(row), blob=f"v1:{name(row)}")
    parents = images.parent[:present]
    for row in np.flatnonzero(parents >= present).tolist():
        facts.problem("v1-parent-missing", manifest=name(row), detail=name(int(parents[row])))
    reached = reached_rows(images, np.concatenate([np.empty(0, np.int64), *targets.values()]))
    for row in np.flatnonzero(~reached[:present]).tolist():
        facts.problem("v1-orphan", manifest=name(row))
    if check:
        _verify_ancestry(images, inventory, facts)
        for row in np.flatnonzero(~inventory.checksums & ~inventory.in_progress).tolist():
            facts.problem("v1-checksum-missing", manifest=name(row))


def _verify_ancestry(images: Images, inventory: Inventory, facts: Facts) -> None:
    """Each ancestry file against the walk up the parents."""
    for row in np.flatnonzero(inventory.ancestry_sizes < 0).tolist():
        facts.problem("v1-ancestry-missing", manifest=images.name(row))
    there = np.flatnonzero(inventory.ancestry_sizes >= 0).tolist()
    parents = images.parent.tolist()
    for start in range(0, len(there), _BATCH):
        for row, chain in images.ancestries(there[start : start + _BATCH]).items():
            at = row
            for name in chain:
                if at < 0 or images.name(at) != name:
                    break
                at = parents[at]
            else:
                if at < 0:
                    continue
            detail = f"{len(chain)} ids in the file, {images.depth[row]} by json"
            facts.problem("v1-ancestry-differs", manifest=images.name(row), detail=detail)


def reached_rows(images: Images, start: Numbers) -> NDArray[np.bool_]:
    """For each image whether it is one of `start`, or an ancestor of one."""
    reached = np.zeros(len(images), np.bool_)
    row = np.unique(start)
    while len(row):
        reached[row] = True
        row = np.unique(images.parent[row])
        row = row[row >= 0]
        row = row[~reached[row]]
    return reached


def find_drift(
    storage: Storage, inventory: Inventory, images: Images, facts: Facts, targets: dict[int, Numbers]
) -> dict[int, Codes]:
    """What ``_index_images`` lists, by row of the repository; what it lists wrongly becomes problems."""
    listed: dict[int, Codes] = {}
    having = [
        (row, r.index) for row, r in zip(targets, inventory.repositories.values(), strict=True) if r.index is not None
    ]
    locators, sizes = [index[0] for _, index in having], [index[1] for _, index in having]
    for number, data in storage.read_many(locators, sizes, MANIFEST_LIMIT):
        row = having[number][0]
        name = facts.names.text(int(facts.repositories["name"][row]))
        value = load(data) if data is not None else None
        if not isinstance(value, list):
            facts.problem("v1-index-unreadable", repository=name)
            continue
        ids = [entry.get("id") for entry in value if isinstance(entry, dict)]
        good = [image for image in ids if isinstance(image, str) and is_v1_id(image)]
        if len(good) < len(value):
            facts.problem(
                "v1-index-unreadable", repository=name, detail=f"{len(value) - len(good)} entries without an id"
            )
        keys = np.unique(facts.keys.intern(good, V1_ID))
        if len(keys) < len(good):
            facts.problem("v1-index-duplicate", repository=name, detail=f"{len(good) - len(keys)} entries")
        rows = images.rows_of(keys)
        reached = reached_rows(images, targets[row])
        missing = int((rows >= images.present).sum())
        unreached = int((~reached[rows[rows < images.present]]).sum())
        if missing:
            facts.problem("v1-index-missing-image", repository=name, detail=count_noun(missing, "image"))
        if unreached:
            facts.problem("v1-index-drift", repository=name, detail=f"{unreached} of {len(keys)} images")
        listed[row] = keys
    return listed
