"""The tables that a v1 storage's images make: manifests, layers and their stacks, history, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER
from regviz.pool import V1_LAYER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.columns import Facts
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Inventory
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_EMPTY_LAYERS = (14, 20, 23, 29, 31, 32, 42, 45, 46, 1024)
"""Lengths of layers that change nothing: nothing or an empty tar, compressed by gzip, bzip2 or xz; an empty tar."""


class Stacks:
    """Images with their chains, as arrays.

    Attributes
    ----------
    key, blob : array of int
        Keys of the ids and of their layer files, by row of `Images`.
    shown : array of int
        Rows of the images whose whole stacks the tables have: those with a tag, and those without descendants.
    owner, member : array of int
        One element a layer of each shown stack, from the base up: place in `shown`, row of the layer.
    """

    def __init__(self, facts: Facts, images: Images, tagged: Numbers) -> None:
        self.images = images
        self.key: Codes = images.key
        self.blob: Codes = facts.keys.with_prefix(images.key, V1_LAYER)
        is_parent = np.zeros(len(images), np.bool_)
        is_parent[images.parent[images.parent >= 0]] = True
        is_shown = ~is_parent
        is_shown[tagged] = True
        shown = np.flatnonzero(is_shown)
        self.shown: Numbers = shown[np.argsort(facts.keys.ranks()[self.key[shown]])]
        height = images.depth[self.shown]
        last = np.cumsum(height) - 1
        self.owner: Codes = np.repeat(np.arange(len(self.shown), dtype=np.int32), height)
        self.member: Codes = np.empty(len(self.owner), np.int32)
        at, row = last.copy(), self.shown.copy()
        while len(row):
            self.member[at] = row
            row = images.parent[row]
            going = row >= 0
            at, row = at[going] - 1, row[going]
        self.position: Codes = np.arange(len(self.owner), dtype=np.int32) - (last - height + 1)[self.owner].astype(
            np.int32
        )


def put_tables(draft: Draft, stacks: Stacks, inventory: Inventory) -> None:
    """Put the tables into the draft."""
    images, facts = stacks.images, draft.facts
    count = len(images)
    beyond = count - images.present
    names = ("os", "architecture", "variant", "created_by", "author", "comment")
    codes = {name: images.column(name, -1) for name in names}
    created = np.concatenate([images.created, np.full(beyond, NO_NUMBER, np.int64)])
    in_progress = np.concatenate([inventory.in_progress.astype(np.int8), np.full(beyond, -1, np.int8)])
    layer_bytes = np.concatenate([inventory.layer_sizes, np.full(beyond, -1, np.int64)])
    empty = np.isin(layer_bytes, _EMPTY_LAYERS).astype(np.int8)
    parent = np.append(stacks.key, np.int32(-1))[images.parent]
    present = np.zeros(count, np.int8)
    present[: images.present] = 1
    unsaid = np.full(count, -1, np.int32)
    draft.tables["layers"] = {
        "layer": stacks.key,
        "basis": np.full(count, facts.names.code("v1"), np.int32),
        "parent": parent,
        "depth": images.depth,
        "diff_id": unsaid,
        "empty": empty,
        "uncompressed_bytes": images.column("size", NO_NUMBER),
        "created_at": created,
        "created_by": codes["created_by"],
    }
    draft.tables["manifests"] = {
        "manifest": stacks.key,
        "kind": np.where(present == 1, facts.names.code("v1"), -1).astype(np.int32),
        "media_type": unsaid,
        "artifact_type": unsaid,
        "present": present,
        "in_progress": in_progress,
        "config": unsaid,
        "layer": stacks.key,
        "layer_count": images.depth,
        "os": codes["os"],
        "architecture": codes["architecture"],
        "variant": codes["variant"],
        "os_version": unsaid,
        "created_at": created,
        "author": codes["author"],
        "subject": unsaid,
    }
    _put_stacks(draft, stacks, empty, created, codes)
    draft.tables["labels"] = {
        "manifest": stacks.key[images.labels["image"]],
        "key": images.labels["key"],
        "value": images.labels["value"],
    }
    draft.tables["manifest_references"] = {
        name: np.empty(0, np.int32)
        for name in ("manifest", "position", "child", "role", "os", "architecture", "variant", "media_type", "attests")
    }


def _put_stacks(draft: Draft, stacks: Stacks, empty: NDArray[np.int8], created: NDArray[Any], codes: Columns) -> None:
    manifest = stacks.key[stacks.shown][stacks.owner]
    member = stacks.member
    count = len(member)
    draft.tables["manifest_layers"] = {
        "manifest": manifest,
        "position": stacks.position,
        "layer": stacks.key[member],
        "blob": stacks.blob[member],
        "digest": np.full(count, -1, np.int32),
        "empty": empty[member],
        "foreign": np.zeros(count, np.int8),
    }
    draft.tables["history"] = {
        "manifest": manifest,
        "step": stacks.position,
        "created_at": created[member],
        "created_by": codes["created_by"][member],
        "author": codes["author"][member],
        "comment": codes["comment"][member],
        "empty": np.zeros(count, np.int8),
        "position": stacks.position,
    }
