"""What is wrong with the images of a v1 storage, and what their repositories' lists say too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.layouts.v1.chains import read_ancestries
from regviz.manifests.json import load
from regviz.pool import V1_ID, is_v1_id
from regviz.problems import RULES
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import count_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.v1.chains import Chains
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Inventory
    from regviz.layouts.v1.tags import Tags
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]

_BATCH = 512


def read_indexes(storage: Storage, tags: Tags, images: Images, facts: Facts) -> dict[int, Codes]:
    """The images (their rows) that each ``_index_images`` lists, by row of the repository."""
    listed: dict[int, Codes] = {}
    locators, sizes = [locator for _, locator, _ in tags.indexes], [size for *_, size in tags.indexes]
    for number, data in storage.read_many(locators, sizes, MANIFEST_LIMIT):
        row = tags.indexes[number][0]
        name = tags.names[row]
        value = load(data) if data is not None else None
        if not isinstance(value, list):
            facts.problem("v1-index-unreadable", repository=name)
            continue
        ids = [entry.get("id") for entry in value if isinstance(entry, dict)]
        good = [image for image in ids if isinstance(image, str) and is_v1_id(image)]
        if len(good) < len(value):
            detail = f"{count_noun(len(value) - len(good), 'entry', 'entries')} without an id"
            facts.problem("v1-index-unreadable", repository=name, detail=detail)
        keys = np.unique(facts.keys.intern(good, V1_ID))
        if len(keys) < len(good):
            detail = count_noun(len(good) - len(keys), "entry", "entries")
            facts.problem("v1-index-duplicate", repository=name, detail=detail)
        listed[row] = images.rows_of(keys)
    return listed


def verify_indexes(listed: dict[int, Codes], tags: Tags, images: Images, chains: Chains, facts: Facts) -> None:
    """Listed images that are not there, or that no tag of the repository reaches."""
    parents = chains.parent.tolist() if listed else []
    for row, rows in listed.items():
        reached: set[int] = set()
        for target in tags.targets[row].tolist():
            at = target
            while at >= 0 and at not in reached:
                reached.add(at)
                at = parents[at]
        there = rows[rows < images.present].tolist()
        missing, unreached = len(rows) - len(there), len(there) - len(reached.intersection(there))
        if missing:
            facts.problem("v1-index-missing-image", repository=tags.names[row], detail=count_noun(missing, "image"))
        if unreached:
            detail = f"{unreached} of {len(rows)} images"
            facts.problem("v1-index-drift", repository=tags.names[row], detail=detail)


def verify_images(
    inventory: Inventory, images: Images, chains: Chains, tagged: Codes, facts: Facts, *, check: bool
) -> None:
    """Missing files, unfinished uploads, missing parents, orphans; with `check` also ancestry and checksums."""
    unfinished, parents = inventory.in_progress, chains.parent[: images.present]
    _say(facts, "v1-in-progress", images.key[np.flatnonzero(unfinished)])
    incomplete = images.key[np.flatnonzero((inventory.layer_sizes == -1) & ~unfinished)]
    for key in incomplete.tolist() if inventory.has_all_names else ():
        facts.problem("v1-layer-missing", manifest=facts.keys.text(key), blob=f"v1:{facts.keys.text(key)}")
    for row in np.flatnonzero(parents >= images.present).tolist():
        facts.problem("v1-parent-missing", manifest=images.name(row), detail=images.name(int(parents[row])))
    if not inventory.has_contents:
        return  # what stands on what is not known
    _say(facts, "v1-orphan", images.key[np.flatnonzero(~_reached(chains, tagged)[: images.present])])
    if check:
        _verify_ancestry(inventory, images, chains, facts)
        _say(facts, "v1-checksum-missing", images.key[np.flatnonzero(~inventory.has_checksum & ~unfinished)])


def _say(facts: Facts, rule: str, keys: Codes) -> None:
    """One problem for each of many images."""
    problems, count = facts.problems, len(keys)
    if not count:
        return
    problems.key("manifest").extend_numbers(keys)
    problems.key("blob").extend_numbers(np.full(count, -1, np.int32))
    for column, text in (("rule", rule), ("severity", RULES[rule].severity), ("repository", None)):
        problems.text(column).repeat(text, count)
    for column in ("path", "detail"):
        problems.text(column).repeat(None, count)


def _verify_ancestry(inventory: Inventory, images: Images, chains: Chains, facts: Facts) -> None:
    """Each ancestry file against the walk up the parents."""
    _say(facts, "v1-ancestry-missing", images.key[np.flatnonzero(inventory.ancestry_sizes < 0)])
    there = np.flatnonzero(inventory.ancestry_sizes >= 0).tolist()
    names, parents = facts.keys.texts(images.key), chains.parent.tolist()
    for start in range(0, len(there), _BATCH):
        part = there[start : start + _BATCH]
        for row, chain in read_ancestries(inventory, images, facts, part).items():
            at = row
            for name in chain:
                if at < 0 or names[at] != name:
                    break
                at = parents[at]
            else:
                if at < 0:
                    continue
            detail = f"{len(chain)} ids in the file, {chains.depth[row]} by json"
            facts.problem("v1-ancestry-differs", manifest=names[row], detail=detail)


def _reached(chains: Chains, start: Codes) -> NDArray[np.bool_]:
    """For each image whether it is one of `start`, or an ancestor of one."""
    reached = np.zeros(len(chains.parent), np.bool_)
    row = start
    while len(row):
        reached[row] = True
        row = np.unique(chains.parent[row])
        row = row[row >= 0]
        row = row[~reached[row]]
    return reached
