"""collapse_chains() on forests of every shape."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.graph import collapse_chains, layer_graph
from regviz.read import read
from tests.conftest import ROOT


@st.composite
def forests(draw: st.DrawFn) -> nx.DiGraph[int]:
    """A forest; each node's parent is an earlier one, in whatever order they are added."""
    count = draw(st.integers(0, 30))
    # most nodes stand on the one before, or there would be no runs
    parents = [draw(st.sampled_from([None, n - 1, n - 1, n - 1, *range(n)])) if n else None for n in range(count)]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for node in draw(st.permutations(range(count))):
        graph.add_node(
            node,
            bytes=draw(st.none() | st.integers(0, 2**62)),
            uncompressed_bytes=draw(st.none() | st.integers(0, 2**62)),
            created_by=f"step {node}",
            created=None,
            depth=1,
            empty=draw(st.booleans()),
            basis="chain",
            diff_id=None,
            blobs=tuple(draw(st.lists(st.sampled_from("abc"), unique=True))),
            images=draw(st.sampled_from([(), (), ("sha256:1",)])),
            tags=draw(st.sampled_from([(), (), (), ("a:1",)])),
        )
    graph.add_edges_from((parent, node) for node, parent in enumerate(parents) if parent is not None)
    return graph


def _is_inner(graph: nx.DiGraph[int], node: int) -> bool:
    return graph.out_degree(node) == 1 and not graph.nodes[node]["tags"] and not graph.nodes[node]["images"]


@given(forests())
def test_every_layer_is_in_one_run(graph: nx.DiGraph[int]) -> None:
    collapsed = collapse_chains(graph)
    assert sorted(layer for _, layers in collapsed.nodes(data="layers") for layer in layers) == sorted(graph)
    for node, data in collapsed.nodes(data=True):
        assert data["count"] == len(data["layers"])
        assert data["layers"][-1] == node
        assert list(nx.utils.pairwise(data["layers"])) == [
            e for e in nx.utils.pairwise(data["layers"]) if e in graph.edges
        ]


@given(forests())
def test_runs_are_the_longest_and_only_of_what_nobody_names(graph: nx.DiGraph[int]) -> None:
    collapsed = collapse_chains(graph)
    run_of = {layer: node for node, layers in collapsed.nodes(data="layers") for layer in layers}
    for parent, child in graph.edges:
        together = _is_inner(graph, parent) and _is_inner(graph, child)
        assert (run_of[parent] == run_of[child]) == together


@given(forests())
def test_edges_are_those_between_runs(graph: nx.DiGraph[int]) -> None:
    collapsed = collapse_chains(graph)
    run_of = {layer: node for node, layers in collapsed.nodes(data="layers") for layer in layers}
    between = {(run_of[a], run_of[b]) for a, b in graph.edges}
    assert set(collapsed.edges) == {(a, b) for a, b in between if a != b}


@given(forests(), st.sampled_from(["bytes", "uncompressed_bytes"]))
def test_sums_are_kept_exactly(graph: nx.DiGraph[int], name: str) -> None:
    collapsed = collapse_chains(graph)
    known = [value for _, value in graph.nodes(data=name) if value is not None]
    assert sum(value for _, value in collapsed.nodes(data=name) if value is not None) == sum(known)
    for _, data in collapsed.nodes(data=True):
        parts = [graph.nodes[layer][name] for layer in data["layers"]]
        assert (data[name] is None) == all(part is None for part in parts)
    unknown = [value for _, value in graph.nodes(data="bytes") if value is None]
    assert sum(lost for _, lost in collapsed.nodes(data="unknown")) == len(unknown)


@given(forests())
def test_a_run_says_what_its_last_layer_says(graph: nx.DiGraph[int]) -> None:
    for node, data in collapse_chains(graph).nodes(data=True):
        for name in ("created_by", "depth", "tags", "images", "basis"):
            assert data[name] == graph.nodes[node][name]
        assert data["empty"] == all(graph.nodes[layer]["empty"] for layer in data["layers"])
        assert set(data["blobs"]) == {blob for layer in data["layers"] for blob in graph.nodes[layer]["blobs"]}


@given(forests())
def test_the_graph_is_left_as_it_was(graph: nx.DiGraph[int]) -> None:
    before = graph.copy()
    collapse_chains(graph)
    assert nx.utils.graphs_equal(graph, before)
    assert list(graph) == list(before)


def test_the_article_becomes_a_run_of_fifteen_and_its_top() -> None:
    """Sixteen layers in a chain, of which only the last has a name."""
    graph: nx.DiGraph[int] = nx.path_graph(16, create_using=nx.DiGraph)
    nx.set_node_attributes(graph, {15: {"tags": ("library/nodejs:latest",)}})
    collapsed = collapse_chains(graph)
    assert dict(collapsed.nodes(data="count")) == {14: 15, 15: 1}
    assert list(collapsed.edges) == [(14, 15)]


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_the_shipped_world_keeps_its_names(layout: str) -> None:
    graph = layer_graph(read(ROOT / "data" / f"world-{layout}.tar.gz"))
    collapsed = collapse_chains(graph)
    assert len(collapsed) < len(graph)
    for name in ("tags", "images"):
        assert {n: v for n, v in collapsed.nodes(data=name) if v} == {n: v for n, v in graph.nodes(data=name) if v}


@pytest.mark.parametrize("edges", [[(1, 3), (2, 3)], [(1, 2), (2, 1)]])
def test_what_is_no_forest_is_refused(edges: list[tuple[int, int]]) -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph(edges)
    with pytest.raises(ValueError, match="no forest"):
        collapse_chains(graph)
