"""Graphs written as GraphML, DOT and JSON, and read back by other means."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.errors import RegvizError
from regviz.graph import FORMATS, collapse_chains, layer_graph, object_graph, write_graph
from regviz.read import read
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = ["v1", "distribution"]
KINDS = ["layers", "collapsed", "objects"]


def _written(graph: nx.DiGraph[Any], format_: str) -> bytes:
    file = io.BytesIO()
    write_graph(graph, file, format_)
    return file.getvalue()


@pytest.fixture(params=[(world, kind) for world in WORLDS for kind in KINDS], ids="-".join)
def graph(request: pytest.FixtureRequest) -> nx.DiGraph[Any]:
    world, kind = request.param
    reg = read(ROOT / "data" / f"world-{world}.tar.gz")
    made = object_graph(reg) if kind == "objects" else layer_graph(reg)
    return collapse_chains(made) if kind == "collapsed" else made


def _flat(value: Any) -> Any:
    if isinstance(value, tuple):
        return ", ".join(value)
    return value.isoformat() if isinstance(value, dt.datetime) else value


def test_graphml_is_read_back_by_networkx(graph: nx.DiGraph[Any]) -> None:
    back = nx.read_graphml(io.BytesIO(_written(graph, "graphml")), force_multigraph=graph.is_multigraph())
    assert back.is_directed()
    expected = {node: {k: _flat(v) for k, v in data.items() if v is not None} for node, data in graph.nodes(data=True)}
    assert dict(back.nodes(data=True)) == expected
    edges = [(a, b, {k: v for k, v in data.items() if v is not None}) for a, b, data in graph.edges(data=True)]
    found = [(a, b, {k: v for k, v in data.items() if k != "id"}) for a, b, data in back.edges(data=True)]
    assert sorted(found, key=repr) == sorted(edges, key=repr)


def test_json_is_read_back_by_networkx(graph: nx.DiGraph[Any]) -> None:
    document = json.loads(_written(graph, "json"))
    assert list(document) == ["directed", "multigraph", "graph", "nodes", "edges"]
    back = nx.node_link_graph(document, edges="edges")
    assert isinstance(back, type(graph))

    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else _flat(value)

    assert dict(back.nodes(data=True)) == {
        node: {k: plain(v) for k, v in data.items()} for node, data in graph.nodes(data=True)
    }
    assert list(back.edges(data=True)) == list(graph.edges(data=True))


_DOT_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|->|[A-Za-z_]\w*|[\[\]{};=,]', re.DOTALL)


def _dot_graph(text: str) -> tuple[list[str], list[tuple[str, str]], list[dict[str, str]]]:
    """Nodes, edges, and the attributes of the nodes, by the grammar at graphviz.org/doc/info/lang.html."""
    tokens = _DOT_TOKEN.findall(text)
    assert re.sub(r"\s", "", _DOT_TOKEN.sub("", text)) == "", "something is no token"
    assert tokens[:3] == ["digraph", "regviz", "{"]
    assert tokens[-1] == "}"
    nodes, edges, attributes = [], [], []
    at = 3
    while tokens[at] != "}":
        end = tokens.index(";", at)
        statement, at = tokens[at:end], end + 1
        if statement[1:2] == ["="] or statement[0] == "node":
            continue
        head = _unquoted(statement[0])
        given = statement[statement.index("[") + 1 : -1] if "[" in statement else []
        pairs = {given[i]: _unquoted(given[i + 2]) for i in range(0, len(given), 4)}
        if statement[1] == "->":
            edges.append((head, _unquoted(statement[2])))
        else:
            nodes.append(head)
            attributes.append(pairs)
    return nodes, edges, attributes


def _unquoted(token: str) -> str:
    assert token[0] == token[-1] == '"'
    return re.sub(r'\\(["\\])', r"\1", token[1:-1])


def test_dot_has_every_node_and_edge(graph: nx.DiGraph[Any]) -> None:
    nodes, edges, attributes = _dot_graph(_written(graph, "dot").decode())
    assert nodes == list(graph)
    assert edges == [(head, tail) for head, tail, *_ in graph.edges]
    for data, said in zip((data for _, data in graph.nodes(data=True)), attributes, strict=True):
        assert set(said) == {"label"} | {name for name, value in data.items() if value is not None}
        if data.get("bytes") is not None:
            assert said["bytes"] == str(data["bytes"])


HOSTILE = st.text() | st.sampled_from(
    [
        '"];}',
        "\\",
        '\\"',
        "</node>",
        "<![CDATA[",
        "]]>",
        "\x00\x1b[31m",
        "\ufffe\uffff",
        "\ud800",
        "a\nb",
        "%s",
        "&amp;",
    ]
)


@given(HOSTILE, HOSTILE)
def test_hostile_texts_stay_texts(key: str, said: str) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("top" + key, created_by=said, tags=(said, said), bytes=1)
    graph.add_edge("base", "top" + key)

    back = nx.read_graphml(io.BytesIO(_written(graph, "graphml")))
    assert (len(back), back.number_of_edges()) == (2, 1)
    [(_, data)] = [(node, data) for node, data in back.nodes(data=True) if node != "base"]
    assert set(data) == {"created_by", "tags", "bytes"}

    nodes, edges, _ = _dot_graph(_written(graph, "dot").decode())
    assert (len(nodes), len(edges)) == (2, 1)
    assert nodes[0].isprintable() or not key.isprintable()


PLAIN = st.text(st.characters(min_codepoint=0x20, exclude_categories=["C", "Zl", "Zp"]))


@given(PLAIN)
def test_harmless_texts_come_through_unchanged(said: str) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("a", created_by=said)
    assert nx.read_graphml(io.BytesIO(_written(graph, "graphml"))).nodes["a"] == {"created_by": said}
    assert json.loads(_written(graph, "json"))["nodes"] == [{"id": "a", "created_by": said}]
    _, _, [data] = _dot_graph(_written(graph, "dot").decode())
    assert data["created_by"] == said


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_registry_makes_the_same_bytes(format_: str) -> None:
    first, second = (layer_graph(read(ROOT / "data" / "world-v1.tar.gz")) for _ in range(2))
    assert _written(first, format_) == _written(second, format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_suffix_says_the_format(format_: str, tmp_path: Path) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("a", "b")])
    path = tmp_path / f"layers.{format_.upper()}"
    write_graph(graph, path)
    assert path.read_bytes() == _written(graph, format_)


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"'png'.*graphml, dot, json"):
        write_graph(nx.DiGraph(), tmp_path / "layers.png")
    assert list(tmp_path.iterdir()) == []
