"""Everything a registry holds and what refers to what: tags, manifests, configurations, layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from regviz.graph.layers import tag_names
from regviz.graph.values import flags, moments, numbers, texts, without_collector
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import networkx as nx
    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]


def tag_key(repository: str, tag: str) -> str:
    """Key of a tag's node: ``tag:REPOSITORY:TAG``, what no digest, and no other tag, can be.

    Examples
    --------
    >>> tag_key("library/nodejs", "latest"), tag_key("a", "b:c") == tag_key("a:b", "c")
    ('tag:library/nodejs:latest', False)
    """
    return f"tag:{quote(repository, safe='/:')}:{quote(tag, safe='')}"


def object_graph(reg: Registry) -> nx.MultiDiGraph[Any]:
    """Tags, manifests and blobs, and what refers to what.

    Parameters
    ----------
    reg : Registry

    Returns
    -------
    networkx.MultiDiGraph
        Every tag, manifest and blob is a node; a blob that is a manifest is one. (Of v1, where every layer is
        an image, those with a tag or without descendants are manifests here; the others are but layers.)
        Keys are ``tag:REPOSITORY:TAG``, digests, v1 ids. Attributes of nodes:

        kind : str
            ``tag``, ``manifest`` or ``blob``.
        name, repository, tag, pushed_at
            Of a tag; its name is ``REPOSITORY:TAG``.
        type : str or None
            Of a manifest its kind (``image``, ``index``, …), of a blob ``config``, ``layer`` or ``other``.
        present : bool
            Whether it lies in this registry.
        bytes : int or None
        media_type : str or None
        artifact_type, platform, created
            Of a manifest.

        Attributes of edges:

        role : str
            ``tag`` (from a tag), ``child``, ``attestation``, ``blob`` (from an index to what it lists),
            ``subject``, ``config``, ``layer``.
        position : int or None
            Place in the list of children, or in the list of layers.

        The same layer twice in one manifest makes two edges.

    Examples
    --------
    >>> import regviz as rv
    >>> graph = object_graph(rv.read())
    >>> [(tag, _, data)] = graph.out_edges("tag:team/cron:1", data=True)
    >>> tag, data["role"]
    ('tag:team/cron:1', 'tag')
    """
    import networkx as nx

    with without_collector():
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(_blob_nodes(reg))
        graph.add_nodes_from(_manifest_nodes(reg))
        graph.add_nodes_from(_tag_nodes(reg))
        graph.add_edges_from(_tag_edges(reg))
        graph.add_edges_from(_reference_edges(reg))
        graph.add_edges_from(_config_edges(reg))
        graph.add_edges_from(_layer_edges(reg))
    return graph


def _blob_nodes(reg: Registry) -> Iterator[tuple[str | None, dict[str, Any]]]:
    columns = reg.columns("blobs")
    for key, kind, present, size, media_type in zip(
        texts(reg, "digest", columns["blob"]),
        texts(reg, "name", columns["kind"]),
        flags(columns["present"]),
        numbers(columns["blob_bytes"], "bytes"),
        texts(reg, "name", columns["media_type"]),
        strict=True,
    ):
        yield key, {"kind": "blob", "type": kind, "present": present, "bytes": size, "media_type": media_type}


def _shown_manifests(reg: Registry) -> Array:
    """Rows of manifests that are nodes: all but the inner images of v1."""
    columns: Mapping[str, Array] = reg.columns("manifests")
    named = [reg.columns("manifest_layers")["manifest"], reg.columns("tags")["manifest"]]
    inner = (columns["kind"] == reg.name_code("v1")) & ~np.isin(columns["manifest"], np.concatenate(named))
    return np.flatnonzero(~inner)


def _manifest_nodes(reg: Registry) -> Iterator[tuple[str | None, dict[str, Any]]]:
    rows = _shown_manifests(reg)
    columns: dict[str, Array] = {name: values[rows] for name, values in reg.columns("manifests").items()}
    blobs: Mapping[str, Array] = reg.columns("blobs")
    sizes = np.full(len(rows), NA_INT, np.int64)
    _, at, places = np.intersect1d(columns["manifest"], blobs["blob"], return_indices=True)
    sizes[at] = blobs["blob_bytes"][places]
    parts = (texts(reg, "name", columns[part]) for part in ("os", "architecture", "variant"))
    for key, kind, present, size, media_type, artifact_type, platform, created in zip(
        texts(reg, "digest", columns["manifest"]),
        texts(reg, "name", columns["kind"]),
        flags(columns["present"]),
        numbers(sizes, "bytes"),
        texts(reg, "name", columns["media_type"]),
        texts(reg, "name", columns["artifact_type"]),
        zip(*parts, strict=True),
        moments(columns["created_at"]),
        strict=True,
    ):
        yield (
            key,
            {
                "kind": "manifest",
                "type": kind,
                "present": present,
                "bytes": size,
                "media_type": media_type,
                "artifact_type": artifact_type,
                "platform": "/".join(filter(None, platform)) or None,
                "created": created,
            },
        )


def _tag_keys(reg: Registry) -> list[str]:
    columns = reg.columns("tags")
    repositories, tags = texts(reg, "name", columns["repository"]), texts(reg, "name", columns["tag"])
    return [tag_key(repository or "", tag or "") for repository, tag in zip(repositories, tags, strict=True)]


def _tag_nodes(reg: Registry) -> Iterator[tuple[str, dict[str, Any]]]:
    columns = reg.columns("tags")
    for key, name, repository, tag, pushed in zip(
        _tag_keys(reg),
        tag_names(reg),
        texts(reg, "name", columns["repository"]),
        texts(reg, "name", columns["tag"]),
        moments(columns["pushed_at"]),
        strict=True,
    ):
        yield key, {"kind": "tag", "name": name, "repository": repository, "tag": tag, "pushed_at": pushed}


Edge = tuple[str | None, str | None, dict[str, Any]]


def _edges(
    reg: Registry, heads: Array, tails: Array, roles: Sequence[str | None], positions: Array | None
) -> Iterator[Edge]:
    places = numbers(positions, "count") if positions is not None else [None] * len(heads)
    for head, tail, role, position in zip(
        texts(reg, "digest", heads), texts(reg, "digest", tails), roles, places, strict=True
    ):
        yield head, tail, {"role": role, "position": position}


def _tag_edges(reg: Registry) -> Iterator[Edge]:
    targets = texts(reg, "digest", reg.columns("tags")["manifest"])
    for key, manifest in zip(_tag_keys(reg), targets, strict=True):
        if manifest is not None:
            yield key, manifest, {"role": "tag", "position": None}


def _reference_edges(reg: Registry) -> Iterator[Edge]:
    columns = reg.columns("manifest_references")
    roles = texts(reg, "name", columns["role"])
    listed = np.where(columns["role"] == reg.name_code("subject"), -1, columns["position"])
    return _edges(reg, columns["manifest"], columns["child"], roles, listed)


def _config_edges(reg: Registry) -> Iterator[Edge]:
    columns: Mapping[str, Array] = reg.columns("manifests")
    rows = np.flatnonzero(columns["config"] >= 0)
    return _edges(reg, columns["manifest"][rows], columns["config"][rows], ["config"] * len(rows), None)


def _layer_edges(reg: Registry) -> Iterator[Edge]:
    columns: Mapping[str, Array] = reg.columns("manifest_layers")
    rows = np.flatnonzero(columns["blob"] >= 0)
    manifests, blobs, positions = (columns[name][rows] for name in ("manifest", "blob", "position"))
    return _edges(reg, manifests, blobs, ["layer"] * len(rows), positions)
