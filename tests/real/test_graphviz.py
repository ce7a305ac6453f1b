"""Graphs as Graphviz itself reads them."""

from __future__ import annotations

import io
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from regviz.graph import collapse_chains, layer_graph, object_graph, write_graph
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import V1Store, image_id
from tests.real.service import require_program

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

pytestmark = pytest.mark.real

HOSTILE = [
    'say "hi"',
    "ends in \\",
    "a\\Nb\\l",
    "<b>html</b>",
    "{a|b}",
    "// comment",
    "größe 日本",
    "a\nb\tc",
    "",
    ";}",
]


@pytest.fixture(scope="module")
def dot() -> str:
    return require_program("dot", "graphviz")


def understood(dot: str, graph: nx.DiGraph[Any]) -> dict[str, Any]:
    """What Graphviz has read, as it says itself; nothing is laid out."""
    written = io.BytesIO()
    write_graph(graph, written, "dot")
    done = subprocess.run([dot, "-Tdot_json"], input=written.getvalue(), check=True, capture_output=True)
    assert done.stderr == b""
    # A node's own name comes first, before an attribute that is called so.
    said: dict[str, Any] = json.loads(done.stdout, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    return said


def held_to(said: dict[str, Any], graph: nx.DiGraph[Any]) -> None:
    names = {node["_gvid"]: node["name"] for node in said["objects"]}
    assert said["directed"]
    assert sorted(names.values()) == sorted(graph.nodes)
    assert sorted((names[edge["tail"]], names[edge["head"]]) for edge in said["edges"]) == sorted(
        (tail, head) for tail, head, *_ in graph.edges
    )


@pytest.mark.parametrize("kind", ["layers", "collapsed", "objects"])
@pytest.mark.parametrize("world", ["v1", "distribution"])
def test_it_has_every_node_and_edge(dot: str, world: str, kind: str) -> None:
    registry = read(ROOT / "data" / f"world-{world}.tar.gz")
    graph = object_graph(registry) if kind == "objects" else layer_graph(registry)
    graph = collapse_chains(graph) if kind == "collapsed" else graph
    held_to(understood(dot, graph), graph)


def test_what_anybody_may_have_written_is_text(dot: str, tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    for number, text in enumerate(HOSTILE):
        parents = [image_id(below) for below in reversed(range(number))]
        store.image(image_id(number), parents, container_config={"Cmd": ["/bin/sh", "-c", text]})
    graph = layer_graph(read(tmp_path))
    said = understood(dot, graph)
    held_to(said, graph)
    made_by = {node["name"]: node.get("created_by") for node in said["objects"]}
    assert len(graph) == len(HOSTILE)
    for number, text in enumerate(HOSTILE):
        if text.isprintable() and "\\" not in text:  # Graphviz leaves \\ as it is but in labels
            assert made_by[image_id(number)] == f"/bin/sh -c {text}"
