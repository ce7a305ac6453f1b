"""What ``docker save`` writes for clients before 1.10, and lays among a layout's blobs: the JSON of v1 images.

Each layer of each image has one (moby daemon/internal/image/tarexport/save.go, saveLayer). Nothing names them by their
digests, and nothing needs them: they are metadata of the archive, as a v1 registry's ``json`` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.manifests.json import load_object, text
from regviz.pool import is_v1_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.oci.pools import Pools
    from regviz.storage.base import Storage

_LARGEST = 1 << 16


def drop_legacy(storage: Storage, facts: Facts, pools: Pools) -> None:
    """Take the JSON of v1 images out of the blobs that nothing names."""
    stored = facts.stored
    named = np.zeros(len(facts.keys) + 1, np.bool_)
    for rows, name in (
        (facts.manifests, "manifest"),
        (facts.manifests, "config"),
        (facts.references, "child"),
        (facts.descriptors, "digest"),
    ):
        named[rows[name]] = True
    candidates = np.flatnonzero(~named[stored["blob"]] & (stored["stored_bytes"] <= _LARGEST))
    places = _places(storage, facts, pools, candidates)
    legacy = []
    for at, data in storage.read_many(places, stored["stored_bytes"][candidates].tolist(), _LARGEST):
        if data is not None and is_legacy(data):
            legacy.append(candidates[at])
    pools.drop(np.array(legacy, np.int64))


def is_legacy(data: bytes) -> bool:
    """Whether a document is the JSON of a v1 image: it has an id of its own, and no list of layers.

    Examples
    --------
    >>> is_legacy(b'{"id": "%s", "container_config": {}}' % (b"ab" * 32)), is_legacy(b'{"rootfs": {}}')
    (True, False)
    """
    document = load_object(data) or {}
    return is_v1_id(text(document.get("id"))) and "container_config" in document and "rootfs" not in document


def _places(storage: Storage, facts: Facts, pools: Pools, rows: NDArray[np.int64]) -> list[bytes | int]:
    if storage.by_path:
        return [*pools.paths()(facts.stored["blob"][rows])]
    return [*pools.locators()[rows].tolist()]
