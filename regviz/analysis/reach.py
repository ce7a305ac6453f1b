"""Which manifests, layers and blobs each tag reaches, as sparse matrices.

A tag reaches its manifest, what an index lists (of all platforms, however deep), and of each of these the configuration and
the layers. A subject is not followed, in either direction: an image does not need its signature to be pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.registry import Registry

    Rows = NDArray[np.int64]
    Incidence = csr_array[np.int64, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is reached from where; rows and columns are rows of the Registry's tables, every entry is 1.

    Attributes
    ----------
    tag_manifests : csr_array
        Tags × manifests: the tag's target and everything its indexes list.
    child_manifests : csr_array
        Manifests × manifests: what an index lists, one step down.
    manifest_blobs : csr_array
        Manifests × blobs: its own bytes (in v1 a manifest is no blob), its configuration, its layers, blobs that it lists.
        Not its children, nor what they have.
    manifest_layers : csr_array
        Manifests × layers.
    layer_blobs : csr_array
        Layers × blobs: the blobs that hold a layer, in any image.
    step_manifest, step_layer, step_blob : array of int
        The rows of `manifest_layers`, as rows of `manifests`, `layers` and `blobs`; -1 for NA.
    """

    tag_manifests: Incidence
    child_manifests: Incidence
    manifest_blobs: Incidence
    manifest_layers: Incidence
    layer_blobs: Incidence
    step_manifest: Rows
    step_layer: Rows
    step_blob: Rows

    @property
    def tag_blobs(self) -> Incidence:
        """Tags × blobs."""
        return either(self.tag_manifests @ self.manifest_blobs)

    def descend(self, start: Incidence) -> Incidence:
        """Anything × manifests, and all that the manifests list, however deep; ends where a forged index lists itself."""
        return _closure(start, self.child_manifests)


def reach(reg: Registry) -> Reach:
    """Work out what a registry's tags reach.

    Notes
    -----
    A v1 image that has a tag has its whole ancestry in `manifest_layers`, so the layers of every tag are there in both
    layouts.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> reach(reg).tag_blobs.shape == (len(reg.tags), len(reg.blobs))
    True
    """
    manifests, blobs, layers = (reg.columns(name) for name in ("manifests", "blobs", "layers"))
    tags, steps, references = (reg.columns(name) for name in ("tags", "manifest_layers", "manifest_references"))

    def of_manifest(codes: NDArray[np.generic]) -> Rows:
        return rows_of(codes, manifests["manifest"])

    def of_blob(codes: NDArray[np.generic]) -> Rows:
        return rows_of(codes, blobs["blob"])

    count, blob_count, layer_count = len(manifests["manifest"]), len(blobs["blob"]), len(layers["layer"])
    every = np.arange(count)
    step_manifest, step_blob = of_manifest(steps["manifest"]), of_blob(steps["blob"])
    step_layer = rows_of(steps["layer"], layers["layer"])
    followed = references["role"] != reg.name_code("subject")
    lister, listed = of_manifest(references["manifest"][followed]), references["child"][followed]
    listed_manifest = of_manifest(listed)
    listed_blob = np.where(listed_manifest < 0, of_blob(listed), -1)  # a BuildKit cache lists layers
    child = incidence(lister, listed_manifest, (count, count))
    return Reach(
        tag_manifests=_closure(
            incidence(np.arange(len(tags["tag"])), of_manifest(tags["manifest"]), (len(tags["tag"]), count)), child
        ),
        child_manifests=child,
        manifest_blobs=incidence(
            np.concatenate([every, every, step_manifest, lister]),
            np.concatenate([of_blob(manifests["manifest"]), of_blob(manifests["config"]), step_blob, listed_blob]),
            (count, blob_count),
        ),
        manifest_layers=incidence(step_manifest, step_layer, (count, layer_count)),
        layer_blobs=incidence(step_layer, step_blob, (layer_count, blob_count)),
        step_manifest=step_manifest,
        step_layer=step_layer,
        step_blob=step_blob,
    )


def rows_of(codes: NDArray[np.generic], keys: NDArray[np.generic]) -> Rows:
    """Rows of codes in a sorted column of keys; -1 for NA and for a code that is not there.

    Examples
    --------
    >>> rows_of(np.array([7, 3, -1, 5]), np.array([3, 5, 8])).tolist()
    [-1, 0, -1, 1]
    """
    if not len(keys):
        return np.full(len(codes), -1, np.int64)
    row = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
    return np.where(keys[row] == codes, row, -1)


def incidence(rows: Rows, columns: Rows, shape: tuple[int, int]) -> Incidence:
    """A matrix with 1 at each pair, however often it is named; pairs with -1 are left out.

    Examples
    --------
    >>> incidence(np.array([0, 0, 1]), np.array([2, 2, -1]), (2, 3)).toarray().tolist()
    [[0, 0, 1], [0, 0, 0]]
    """
    both = (rows >= 0) & (columns >= 0)
    matrix = csr_array((np.ones(int(both.sum()), np.int64), (rows[both], columns[both])), shape=shape)
    return either(matrix)


def either(matrix: Incidence) -> Incidence:
    """A product of incidence matrices with 1 wherever it is not zero."""
    matrix.sum_duplicates()
    matrix.data = np.ones_like(matrix.data)
    return matrix


def column_counts(matrix: Incidence) -> Rows:
    """How many rows have each column."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


def _closure(start: Incidence, child: Incidence) -> Incidence:
    reached = frontier = start
    while frontier.nnz:
        found = either(frontier @ child)
        frontier = found - found.multiply(reached).tocsr()
        frontier.eliminate_zeros()
        reached = reached + frontier
    return reached
