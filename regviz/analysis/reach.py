"""Which manifests, layers and blobs each tag reaches, as sparse matrices.

A tag reaches its manifest, what an index lists (of all platforms, however deep), and of each of these the
configuration and the layers. A subject is not followed, in either direction: an image does not need its
signature to be pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]
    Numbers = NDArray[np.int64]
    Incidence = csr_array[Any, tuple[int, int]]


_DENSE = 8


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
        Manifests × blobs: its own bytes (in v1 a manifest is no blob), its configuration, its layers, blobs
        that it lists. Not its children, nor what they have.
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
    step_manifest: Numbers
    step_layer: Numbers
    step_blob: Numbers

    @property
    def tag_blobs(self) -> Incidence:
        """Tags × blobs."""
        return through(self.tag_manifests, self.manifest_blobs)

    def descend(self, start: Incidence) -> Incidence:
        """Anything × manifests, and all that the manifests list, however deep."""
        return _closure(start, self.child_manifests)


def reach(reg: Registry) -> Reach:
    """Work out what a registry's tags reach.

    Notes
    -----
    A v1 image that has a tag has its whole ancestry in `manifest_layers`, so the layers of every tag are
    there in both layouts.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> reach(reg).tag_blobs.shape == (len(reg.tags), len(reg.blobs))
    True
    """
    tags, references, steps = (columns(reg, name) for name in ("tags", "manifest_references", "manifest_layers"))
    manifests = columns(reg, "manifests")
    manifest, blob, layer = (
        manifests["manifest"],
        columns(reg, "blobs")["blob"],
        columns(reg, "layers")["layer"],
    )
    step_manifest, step_layer = rows_of(steps["manifest"], manifest), rows_of(steps["layer"], layer)
    step_blob = rows_of(steps["blob"], blob)

    followed = references["role"] != reg.name_code("subject")
    lister, listed = rows_of(references["manifest"][followed], manifest), references["child"][followed]
    listed_manifest = rows_of(listed, manifest)
    listed_blob = np.where(listed_manifest < 0, rows_of(listed, blob), -1)  # a BuildKit cache lists layers
    children = incidence(lister, listed_manifest, (len(manifest), len(manifest)))

    every = np.arange(len(manifest))
    owner = np.concatenate([every, every, step_manifest, lister])
    owned = [rows_of(manifest, blob), rows_of(manifests["config"], blob), step_blob, listed_blob]
    targets = rows_of(tags["manifest"], manifest)
    return Reach(
        tag_manifests=_closure(_one_each(targets, len(manifest)), children),
        child_manifests=children,
        manifest_blobs=incidence(owner, np.concatenate(owned), (len(manifest), len(blob))),
        manifest_layers=incidence(step_manifest, step_layer, (len(manifest), len(layer))),
        layer_blobs=incidence(step_layer, step_blob, (len(layer), len(blob))),
        step_manifest=step_manifest,
        step_layer=step_layer,
        step_blob=step_blob,
    )


def columns(reg: Registry, table: str) -> Mapping[str, Array]:
    """The arrays of a table."""
    return reg.columns(table)


def rows_of(codes: Array, keys: Array) -> Numbers:
    """Rows of codes in a sorted column of keys; -1 for NA and for a code that is not there.

    Examples
    --------
    >>> rows_of(np.array([7, 3, -1, 5]), np.array([3, 5, 8])).tolist()
    [-1, 0, -1, 1]
    >>> rows_of(np.array([99]), np.array([3, 5, 8])).tolist()
    [-1]
    """
    if not len(keys):
        return np.full(len(codes), -1, np.int64)
    last = int(keys[-1])
    if keys[0] >= 0 and last < _DENSE * len(codes):  # a table of all codes is quicker than a search for each
        rows = np.full(last + 2, -1, np.int64)
        rows[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
        found: Numbers = rows[np.minimum(codes, last + 1)]
        return found
    row = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
    return np.where(keys[row] == codes, row, -1)


def incidence(rows: Array, across: Array, shape: tuple[int, int]) -> Incidence:
    """A matrix with 1 at each pair of row and column, however often it is named; pairs with -1 are left out.

    Examples
    --------
    >>> incidence(np.array([0, 0, 1]), np.array([2, 2, -1]), (2, 3)).toarray().tolist()
    [[0, 0, 1], [0, 0, 0]]
    """
    both = (rows >= 0) & (across >= 0)
    return _ones(csr_array((np.ones(int(both.sum()), np.int64), (rows[both], across[both])), shape=shape))


def groups(row: Numbers, count: int) -> Incidence:
    """Rows × members, from the row of each member."""
    return incidence(row, np.arange(len(row)), (count, len(row)))


def through(first: Incidence, second: Incidence) -> Incidence:
    """What is reached in two steps; 1 however many ways there are.

    Examples
    --------
    >>> tags = incidence(np.array([0, 0]), np.array([0, 1]), (1, 2))
    >>> images = incidence(np.array([0, 1]), np.array([2, 2]), (2, 3))
    >>> through(tags, images).toarray().tolist()
    [[0, 0, 1]]
    """
    return _ones(csr_array(first @ second))


def totals(matrix: Incidence, values: Array) -> Numbers:
    """For each row the sum of the values of its columns."""
    summed: Numbers = matrix @ np.asarray(values, np.int64)
    return summed


def row_counts(matrix: Incidence) -> Numbers:
    """How many columns each row has."""
    return np.diff(matrix.indptr).astype(np.int64)


def column_counts(matrix: Incidence) -> Numbers:
    """How many rows each column has."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.int64)


def _one_each(across: Numbers, width: int) -> Incidence:
    return incidence(np.arange(len(across)), across, (len(across), width))


def _ones(matrix: Incidence) -> Incidence:
    matrix.sum_duplicates()
    matrix.data = np.ones_like(matrix.data)
    return matrix


def _closure(start: Incidence, child: Incidence) -> Incidence:
    """Everything reached in any number of steps; ends too where a forged index lists itself."""
    reached = frontier = start
    while frontier.nnz:
        found = through(frontier, child)
        frontier = csr_array(found - found.multiply(reached))
        frontier.eliminate_zeros()
        reached = csr_array(reached + frontier)
    return reached
