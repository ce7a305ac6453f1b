"""The tables that a v1 storage's images make: manifests, layers and their stacks, history, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER
from regviz.spread import Picked, Places, Repeated, SpreadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.layouts.v1.chains import Chains
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Inventory

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_EMPTY_LAYERS = (14, 20, 23, 29, 31, 32, 42, 45, 46)
"""Lengths of layers that change nothing: nothing or an empty tar, compressed by gzip, bzip2 or xz."""
_EMPTY_TAR = 1024
"""Length of a tar of no member; a compressed layer may have it too, so the image must say that it adds nothing."""


def put_tables(draft: Draft, inventory: Inventory, images: Images, chains: Chains, blobs: Codes, tagged: Codes) -> None:
    """Put the tables into the draft.

    Parameters
    ----------
    draft : Draft
    inventory, images, chains
        What was found.
    blobs : array of int
        Keys of the images' layer files.
    tagged : array of int
        Rows of the images that tags point to.
    """
    count = len(images)
    said = {name: _padded(values, count) for name, values in images.said.items()}
    layer_bytes = _padded(inventory.layer_sizes, count, -1)
    empty = ((layer_bytes == _EMPTY_TAR) & (said["size"] == 0)).astype(np.int8)
    for length in _EMPTY_LAYERS:
        empty |= layer_bytes == length
    is_present = np.arange(count) < images.present
    unsaid = np.broadcast_to(np.int32(-1), count)
    draft.tables["layers"] = {
        "layer": images.key,
        "basis": np.broadcast_to(np.int32(draft.facts.names.code("v1")), count),
        "parent": np.append(images.key, np.int32(-1))[chains.parent],
        "depth": chains.depth,
        "diff_id": unsaid,
        "empty": empty,
        "uncompressed_bytes": said["size"],
        "created_at": said["created"],
        "created_by": said["created_by"],
    }
    draft.tables["manifests"] = {
        "manifest": images.key,
        "kind": np.where(is_present, draft.facts.names.code("v1"), -1).astype(np.int32),
        "media_type": unsaid,
        "artifact_type": unsaid,
        "present": is_present.astype(np.int8),
        "in_progress": _padded(inventory.in_progress.astype(np.int8), count, -1),
        "config": unsaid,
        "layer": images.key,
        "layer_count": chains.depth,
        "os": said["os"],
        "architecture": said["architecture"],
        "variant": said["variant"],
        "os_version": unsaid,
        "created_at": said["created"],
        "author": said["author"],
        "subject": unsaid,
    }
    if not inventory.has_contents:
        draft.layer_blobs = blobs[: images.present]  # there are no stacks to tell
    _put_stacks(draft, images, chains, tagged, blobs, {**said, "empty": empty})
    draft.tables["labels"] = {
        "manifest": images.key[images.labels["image"]],
        "key": images.labels["key"],
        "value": images.labels["value"],
    }
    nothing = np.empty(0, np.int32)
    references = ("manifest", "position", "child", "role", "os", "architecture", "variant", "media_type", "attests")
    draft.tables["manifest_references"] = dict.fromkeys(references, nothing)


def _put_stacks(
    draft: Draft, images: Images, chains: Chains, tagged: Codes, blobs: Codes, said: dict[str, NDArray[Any]]
) -> None:
    """The stacks and histories of the images that have a tag, and of those without descendants."""
    is_shown = np.ones(len(images), np.bool_)
    is_shown[chains.parent[chains.parent >= 0]] = False
    is_shown[tagged] = True
    shown = np.flatnonzero(is_shown & (chains.depth > 0)).astype(np.int32)
    shown = shown[draft.facts.keys.argsort(images.key[shown])]
    height = chains.depth[shown]
    member = _members(chains, shown, height)
    manifest, position = Repeated(images.key[shown], height), Places(height)
    false = np.broadcast_to(np.int8(0), len(member))
    draft.spread["manifest_layers"] = SpreadColumns(
        {
            "manifest": manifest,
            "position": position,
            "layer": Picked(images.key, member),
            "blob": Picked(blobs, member),
            "digest": Repeated(np.array([-1], np.int32), np.array([len(member)], np.int32)),
            "empty": Picked(said["empty"], member),
            "foreign": false,
        }
    )
    draft.spread["history"] = SpreadColumns(
        {
            "manifest": manifest,
            "step": position,
            "created_at": Picked(said["created"], member),
            "created_by": Picked(said["created_by"], member),
            "author": Picked(said["author"], member),
            "comment": Picked(said["comment"], member),
            "empty": false,
            "position": position,
        }
    )


def _members(chains: Chains, images: Codes, height: Codes) -> Codes:
    """The rows of the layers of some images, one image after the other, from the base up."""
    beyond = np.cumsum(height, dtype=np.int64)
    member = np.empty(int(beyond[-1]) if len(beyond) else 0, np.int32)
    at, row = beyond - 1, images
    while len(row):
        member[at] = row
        row = chains.parent[row]
        going = row >= 0
        at, row = at[going] - 1, row[going]
    return member


def _padded(values: NDArray[Any], count: int, fill: int | None = None) -> NDArray[Any]:
    """A column of what is there, as long as all that is named."""
    if len(values) == count:
        return values
    absent = fill if fill is not None else NO_NUMBER if values.dtype == np.int64 else -1
    return np.append(values, np.full(count - len(values), absent, values.dtype))
