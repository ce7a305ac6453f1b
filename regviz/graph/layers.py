"""The forest of layers: each filesystem change in its place on a stack, beneath what was built on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.graph.values import flags, grouped, moments, numbers, texts, without_collector
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx as nx
    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]
    Members = tuple[str | None, ...]


def layer_graph(reg: Registry) -> nx.DiGraph[Any]:
    """The layer-ancestry forest, each edge from a layer to one that was built on it.

    Parameters
    ----------
    reg : Registry

    Returns
    -------
    networkx.DiGraph
        A node is a key of `reg.layers`. Its attributes:

        bytes : int or None
            Length of its blob. Where several blobs hold the same layer (recompressed): of the first, in the
            order of digests, that lies in the registry; if none does, of the first whose length is declared.
        uncompressed_bytes : int or None
        created_by : str or None
        created : datetime.datetime or None
            In UTC.
        depth : int
            1 at a base.
        empty : bool
            It changes nothing.
        basis : str
            What its key was computed from: ``v1``, ``chain`` or ``digests``.
        diff_id : str or None
        blobs : tuple of str
            Sorted.
        images : tuple of str
            The manifests whose top it is, sorted; of v1, where every layer is an image, those that have a tag
            or no descendants.
        tags : tuple of str
            ``repository:tag`` of every tag on it, sorted. A tag on an index is on the top of each of its
            images.

    Notes
    -----
    One blob may hold several layers (the same change on other stacks), so the bytes of all nodes can exceed
    those of all blobs.

    Examples
    --------
    >>> import regviz as rv
    >>> graph = layer_graph(rv.read())
    >>> [tags for _, tags in graph.nodes(data="tags") if "library/nodejs:0.10" in tags]
    [('library/nodejs:0.10', 'library/nodejs:latest')]
    """
    import networkx as nx

    reg.source.require_contents("layers and their ancestry")
    columns: Mapping[str, Array] = reg.columns("layers")
    layer, parent = columns["layer"], columns["parent"]
    steps: Mapping[str, Array] = reg.columns("manifest_layers")
    on_stacks = (steps["layer"] >= 0) & (steps["blob"] >= 0)
    blob_layers, blob_ends, blobs = grouped(steps["layer"][on_stacks], steps["blob"][on_stacks])
    with without_collector():
        keys = texts(reg, "digest", layer)
        attributes = [
            {
                "bytes": size,
                "uncompressed_bytes": unpacked,
                "created_by": instruction,
                "created": created,
                "depth": depth,
                "empty": empty,
                "basis": basis,
                "diff_id": diff_id,
                "blobs": held,
                "images": images,
                "tags": tags,
            }
            for size, unpacked, instruction, created, depth, empty, basis, diff_id, held, images, tags in zip(
                _bytes(reg, layer, blob_layers, blob_ends, blobs),
                numbers(columns["uncompressed_bytes"], "bytes"),
                texts(reg, "text", columns["created_by"]),
                moments(columns["created_at"]),
                columns["depth"].tolist(),
                flags(columns["empty"]),
                texts(reg, "name", columns["basis"]),
                texts(reg, "digest", columns["diff_id"]),
                _tuples(layer, blob_layers, blob_ends, texts(reg, "digest", blobs)),
                _images(reg, layer),
                _tags(reg, layer),
                strict=True,
            )
        ]
        graph = nx.DiGraph()
        graph.add_nodes_from(keys)
        # as add_nodes_from would, without a copy of each dictionary
        graph._node.update(zip(keys, attributes, strict=True))  # noqa: SLF001
        children = np.flatnonzero(parent >= 0)
        parents = np.searchsorted(layer, parent[children])
        graph.add_edges_from(
            (keys[above], keys[row]) for above, row in zip(parents.tolist(), children.tolist(), strict=True)
        )
    return graph


def _bytes(reg: Registry, layer: Array, owners: Array, ends: Array, blobs: Array) -> list[int | None]:
    """Length of each layer's blob; see :func:`layer_graph` for which of several."""
    table: Mapping[str, Array] = reg.columns("blobs")
    rows = np.searchsorted(table["blob"], blobs)
    lengths = np.asarray(table["blob_bytes"][rows], np.int64)
    known = lengths != NA_INT
    preference = np.where(known & (table["present"][rows] == 1), 0, np.where(known, 1, 2))
    owner = np.repeat(np.arange(len(owners)), np.diff(ends, prepend=0))
    order = np.lexsort((np.arange(len(blobs)), preference, owner))
    first = order[np.append(0, ends[:-1])] if len(ends) else order
    found = np.full(len(layer), NA_INT, np.int64)
    found[np.searchsorted(layer, owners)] = lengths[first]
    return numbers(found, "bytes")


def _tuples(layer: Array, owners: Array, ends: Array, members: list[str | None]) -> list[Members]:
    """Each layer's part of the members."""
    found: list[Members] = [()] * len(layer)
    start = 0
    for row, end in zip(np.searchsorted(layer, owners).tolist(), ends.tolist(), strict=True):
        found[row] = tuple(members[start:end])
        start = end
    return found


def _images(reg: Registry, layer: Array) -> list[Members]:
    """Each layer's images: those that have a stack of their own in `manifest_layers`."""
    manifests: Mapping[str, Array] = reg.columns("manifests")
    stacked = np.isin(manifests["manifest"], reg.columns("manifest_layers")["manifest"])
    stacked &= manifests["layer"] >= 0
    owners, ends, members = grouped(manifests["layer"][stacked], manifests["manifest"][stacked])
    return _tuples(layer, owners, ends, texts(reg, "digest", members))


def _tags(reg: Registry, layer: Array) -> list[Members]:
    """Each layer's tags: those that reach an image whose top it is."""
    manifests: Mapping[str, Array] = reg.columns("manifests")
    tag, manifest = tagged_manifests(reg)
    top = manifests["layer"][np.searchsorted(manifests["manifest"], manifest)]
    names = tag_names(reg)
    # tags are sorted by repository and tag, which is not the order of "repository:tag"
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    owners, ends, members = grouped(top[top >= 0], rank[tag[top >= 0]])
    return _tuples(layer, owners, ends, [names[order[place]] for place in members.tolist()])


def tag_names(reg: Registry) -> list[str]:
    """``repository:tag`` of each row of `tags`."""
    tags = reg.columns("tags")
    repositories, names = texts(reg, "name", tags["repository"]), texts(reg, "name", tags["tag"])
    return [f"{repository}:{name}" for repository, name in zip(repositories, names, strict=True)]


def tagged_manifests(reg: Registry) -> tuple[Array, Array]:
    """Rows of `tags`, and the manifests each reaches: its target, and what an index lists, however deep."""
    targets: Array = reg.columns("tags")["manifest"]
    references: Mapping[str, Array] = reg.columns("manifest_references")
    listed = references["role"] == reg.name_code("child")
    parents, children = references["manifest"][listed], references["child"][listed]  # sorted by parent
    width = np.int64(1) << 32
    tagged = np.flatnonzero(targets >= 0)
    found = new = tagged * width + targets[tagged]  # a row and a manifest in one number
    while len(new) and len(parents):
        rows, manifests = np.divmod(new, width)
        first, last = np.searchsorted(parents, manifests), np.searchsorted(parents, manifests, "right")
        counts = last - first
        places = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
        new = np.setdiff1d(np.repeat(rows, counts) * width + children[places], found)
        found = np.union1d(found, new)
    rows, manifests = np.divmod(found, width)
    return rows, manifests
