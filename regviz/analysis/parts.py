"""What each manifest consists of, as matrices of flags.

The same as `Reach.manifest_blobs` and `Reach.manifest_layers`, for what is asked of a whole registry: an entry takes
five bytes and not twelve, and nothing is sorted. A product of flags is true where there is any way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from regviz.analysis.reach import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

    Array = NDArray[Any]


def blob_flags(reg: Registry) -> Incidence:
    """Manifests × blobs: a manifest's own bytes, its configuration, its layers, blobs that it lists.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis.reach import reach
    >>> reg = rv.read()
    >>> bool((blob_flags(reg) != reach(reg).manifest_blobs.astype(bool)).nnz)
    False
    """
    steps, manifests, references = (columns(reg, n) for n in ("manifest_layers", "manifests", "manifest_references"))
    manifest, blob = manifests["manifest"], columns(reg, "blobs")["blob"]
    lists = references["role"] != reg.name_code("subject")
    lists &= _places(manifest, references["child"]) < 0  # a BuildKit cache lists layers
    every = np.arange(len(manifest), dtype=np.int32)
    owners = every, every, _places(manifest, steps["manifest"]), _places(manifest, references["manifest"][lists])
    blobs = manifest, manifests["config"], steps["blob"], references["child"][lists]
    return _flags(owners, [_places(blob, codes) for codes in blobs], (len(manifest), len(blob)))


def layer_flags(reg: Registry) -> Incidence:
    """Manifests × layers."""
    steps, manifest, layer = columns(reg, "manifest_layers"), columns(reg, "manifests"), columns(reg, "layers")
    owners = [_places(manifest["manifest"], steps["manifest"])]
    layers = [_places(layer["layer"], steps["layer"])]
    return _flags(owners, layers, (len(manifest["manifest"]), len(layer["layer"])))


def flagged(matrix: Incidence) -> Incidence:
    """The same entries as flags."""
    return csr_array((np.ones(matrix.nnz, np.bool_), matrix.indices, matrix.indptr), shape=matrix.shape)


def by_any_way(first: Incidence, second: Incidence) -> Incidence:
    """What is reached in two steps of flags, as flags; an entry for each, in no order.

    Examples
    --------
    >>> ways = csr_array(np.ones((1, 300), np.bool_))
    >>> by_any_way(ways, csr_array(ways.T)).data.tolist()
    [True]
    """
    return csr_array(first @ second)


def holds_layer(reg: Registry) -> NDArray[np.bool_]:
    """For each blob whether it holds a layer of some image."""
    steps, blob = columns(reg, "manifest_layers"), columns(reg, "blobs")["blob"]
    found = np.zeros(len(blob) + 1, np.bool_)  # the last for NA
    found[_places(blob, steps["blob"])[steps["layer"] >= 0]] = True
    return found[:-1]


def empty_blobs(reg: Registry, longest: int) -> NDArray[np.bool_]:
    """For each blob whether it is short and holds a layer that changes nothing, wherever it is one."""
    steps, blobs = columns(reg, "manifest_layers"), columns(reg, "blobs")
    is_empty = steps["empty"] == 1
    short = np.append((blobs["blob_bytes"] <= longest) & (blobs["blob_bytes"] >= 0), np.False_)
    if not (is_empty.any() and short.any()):
        return np.zeros(len(short) - 1, np.bool_)
    blob = _places(blobs["blob"], steps["blob"])
    found, changes = np.zeros((2, len(short)), np.bool_)
    found[blob[is_empty]] = True
    changes[blob[~is_empty]] = True
    return (found & ~changes & short)[:-1]


def _places(keys: Array, codes: Array) -> NDArray[np.int32]:
    """Rows of codes in a sorted column of keys, by a table; -1 for NA and for a code that is not there."""
    most = max(int(keys[-1]) if len(keys) else -1, int(codes.max(initial=-1)))
    row_of = np.full(most + 2, -1, np.int32)  # the last for NA
    row_of[keys] = np.arange(len(keys), dtype=np.int32)
    found: NDArray[np.int32] = row_of[codes]
    return found


def _flags(rows: Any, across: Any, shape: tuple[int, int]) -> Incidence:
    row, column = np.concatenate(rows), np.concatenate(across)
    if (row < 0).any() or (column < 0).any():
        both = (row >= 0) & (column >= 0)
        row, column = row[both], column[both]
    entries = coo_array((np.ones(len(row), np.bool_), (row, column)), shape=shape)
    entries.has_canonical_format = True  # what is named twice may stay: whoever multiplies does not see it
    return csr_array(entries.tocsr())
