"""Runs of layers that nobody names, as one node each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.graph.values import without_collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import networkx as nx


def collapse_chains(graph: nx.DiGraph[Any]) -> nx.DiGraph[Any]:
    """A forest of layers in which each unbranched run that bears no name is one node.

    A run is a longest path of nodes that have one child each and neither tags nor images. Where stacks part,
    bear a name or end, nodes stay on their own.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it. It is not changed.

    Returns
    -------
    networkx.DiGraph
        A node has the key and the attributes of the last layer of its run, but for these:

        layers : tuple of str
            The run, from the base up.
        count : int
            How many they are.
        bytes, uncompressed_bytes : int or None
            Sums of what is known; None where nothing is.
        unknown : int
            Layers of the run whose `bytes` are not known.
        empty : bool
            All of them are.
        blobs : tuple of str
            Theirs, in the order of the layers, each once.

    Raises
    ------
    ValueError
        The graph is no forest.

    Examples
    --------
    >>> import regviz as rv
    >>> graph = rv.read().layer_graph()
    >>> small = collapse_chains(graph)
    >>> sum(count for _, count in small.nodes(data="count")) == len(graph) > len(small)
    True
    """
    import networkx as nx

    collapsed = nx.DiGraph()
    with without_collector():
        runs = chains(graph)
        for run in runs.values():
            collapsed.add_node(run[-1], **_together(run, graph.nodes))
        for run in runs.values():
            collapsed.add_edges_from((run[-1], runs[child][-1]) for child in graph.succ[run[-1]])
    return collapsed


def chains(graph: nx.DiGraph[Any]) -> dict[Any, list[Any]]:
    """The runs that :func:`collapse_chains` makes one node of each, by their first node.

    Raises
    ------
    ValueError
        The graph is no forest.
    """
    succ = graph.succ
    if any(len(parents) > 1 for parents in graph.pred.values()):
        raise ValueError("a layer has two parents: this is no forest")
    inner = {
        node
        for node, data in graph.nodes(data=True)
        if len(succ[node]) == 1 and not data.get("tags") and not data.get("images")
    }
    runs: dict[Any, list[Any]] = {}
    for node, parents in graph.pred.items():
        if node in inner and any(parent in inner for parent in parents):
            continue  # not the first of its run
        runs[node] = run = [node]
        while run[-1] in inner and (child := next(iter(succ[run[-1]]))) in inner:
            run.append(child)
    if sum(map(len, runs.values())) != len(graph):
        raise ValueError("a layer is its own ancestor: this is no forest")
    return runs


def _together(run: list[Any], nodes: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    parts = [nodes[node] for node in run]
    return dict(parts[-1]) | {
        "layers": tuple(run),
        "count": len(run),
        "bytes": _sum(part.get("bytes") for part in parts),
        "uncompressed_bytes": _sum(part.get("uncompressed_bytes") for part in parts),
        "unknown": sum(part.get("bytes") is None for part in parts),
        "empty": all(part.get("empty", False) for part in parts),
        "blobs": tuple(dict.fromkeys(blob for part in parts for blob in part.get("blobs", ()))),
    }


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
