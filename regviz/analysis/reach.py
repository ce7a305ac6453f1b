"""Which manifests, layers and blobs each tag reaches, as sparse matrices.

A tag reaches its manifest, what an index lists (of all platforms, however deep), and of each of these the
configuration and the layers. A subject is not followed, in either direction: an image does not need its
signature to be pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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


_MANY, _SPARSE = 1 << 12, 8


@dataclass(frozen=True)
class Reach:
    """What is reached from where; rows and columns are rows of the Registry's tables, every entry is 1.

    What is as large as `manifest_layers` is made when it is first asked for.

    Attributes
    ----------
    registry : Registry
    tag_manifests : csr_array
        Tags × manifests: the tag's target and everything its indexes list.
    child_manifests : csr_array
        Manifests × manifests: what an index lists, one step down.
    """

    registry: Registry
    tag_manifests: Incidence
    child_manifests: Incidence

    @cached_property
    def step_manifest(self) -> Numbers:
        """The rows of `manifest_layers`, as rows of `manifests`."""
        return rows_of(columns(self.registry, "manifest_layers")["manifest"], self._keys("manifest"))

    @cached_property
    def step_layer(self) -> Numbers:
        """The same as rows of `layers`; -1 for NA."""
        return rows_of(columns(self.registry, "manifest_layers")["layer"], self._keys("layer"))

    @cached_property
    def step_blob(self) -> Numbers:
        """The same as rows of `blobs`; -1 for NA."""
        return rows_of(columns(self.registry, "manifest_layers")["blob"], self._keys("blob"))

    @cached_property
    def manifest_blobs(self) -> Incidence:
        """Manifests × blobs: its own bytes (not in v1), its configuration, its layers, blobs that it lists."""
        return incidence(*self.owner_blob, (len(self._keys("manifest")), len(self._keys("blob"))))

    @cached_property
    def manifest_layers(self) -> Incidence:
        """Manifests × layers."""
        return incidence(self.step_manifest, self.step_layer, (len(self._keys("manifest")), len(self._keys("layer"))))

    @cached_property
    def layer_blobs(self) -> Incidence:
        """Layers × blobs: the blobs that hold a layer, in any image."""
        return incidence(self.step_layer, self.step_blob, (len(self._keys("layer")), len(self._keys("blob"))))

    @property
    def tag_blobs(self) -> Incidence:
        """Tags × blobs."""
        return through(self.tag_manifests, self.manifest_blobs)

    @property
    def owner_blob(self) -> tuple[Numbers, Numbers]:
        """Each manifest and blob of `manifest_blobs`, as it is met; -1 for NA."""
        references = columns(self.registry, "manifest_references")
        manifest, blob = self._keys("manifest"), self._keys("blob")
        followed = references["role"] != self.registry.name_code("subject")
        lister, listed = rows_of(references["manifest"][followed], manifest), references["child"][followed]
        listed_blob = np.where(rows_of(listed, manifest) < 0, rows_of(listed, blob), -1)  # a BuildKit cache's layers
        every, config = np.arange(len(manifest)), columns(self.registry, "manifests")["config"]
        owned = [rows_of(manifest, blob), rows_of(config, blob), self.step_blob, listed_blob]
        return np.concatenate([every, every, self.step_manifest, lister]), np.concatenate(owned)

    def descend(self, start: Incidence) -> Incidence:
        """Anything × manifests, and all that the manifests list, however deep."""
        return closure(start, self.child_manifests)

    def _keys(self, name: str) -> Array:
        """The keys of the table of manifests, layers or blobs."""
        return columns(self.registry, f"{name}s")[name]


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
    tags, references = columns(reg, "tags"), columns(reg, "manifest_references")
    manifest = columns(reg, "manifests")["manifest"]
    followed = references["role"] != reg.name_code("subject")
    lister, listed = (rows_of(references[name][followed], manifest) for name in ("manifest", "child"))
    children = incidence(lister, listed, (len(manifest), len(manifest)))
    targets = rows_of(tags["manifest"], manifest)
    return Reach(reg, closure(_one_each(targets, len(manifest)), children), children)


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
    if len(codes) > _MANY and keys[0] >= 0 and last < _SPARSE * (len(codes) + len(keys)):  # a look-up beats a search
        rows = np.full(last + 2, -1, np.int32)
        rows[keys[::-1]] = np.arange(len(keys) - 1, -1, -1, dtype=np.int32)  # of equal ones the first
        return rows[np.minimum(codes, last + 1)].astype(np.int64)
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


def closure(start: Incidence, child: Incidence) -> Incidence:
    """Everything reached in any number of steps; ends too where a forged index lists itself."""
    reached = frontier = start
    while frontier.nnz:
        found = through(frontier, child)
        frontier = csr_array(found - found.multiply(reached))
        frontier.eliminate_zeros()
        reached = csr_array(reached + frontier)
    return reached
