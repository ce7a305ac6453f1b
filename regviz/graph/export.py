"""Graphs as files for other programs: GraphML, Graphviz' DOT, JSON."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.text import escape_dot, escape_terminal, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import networkx as nx

_LONGEST_LABEL = 60
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


def write_graph(
    graph: nx.DiGraph[Any],
    target: str | os.PathLike[str] | IO[bytes],
    format: str | None = None,  # noqa: A002  # what pandas and matplotlib call it too
) -> None:
    r"""Write a graph.

    What a format cannot hold is left out (None, in GraphML and DOT) or becomes text: tuples are joined with
    ``", "`` in GraphML and DOT and are lists in JSON, times are ISO 8601. Control characters become visible
    (``\x1b``) in GraphML and DOT. The same graph always makes the same bytes.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`~regviz.graph.layer_graph`, :func:`~regviz.graph.collapse_chains` or
        :func:`~regviz.graph.object_graph` makes it.
    target : path or binary file
    format : {"graphml", "dot", "json"}, optional
        Left out, the path's suffix says it.

    Raises
    ------
    RegvizError
        There is no such format.

    Notes
    -----
    JSON is networkx' node-link data, for ``networkx.node_link_graph(json.load(file), edges="edges")``:
    an object with ``directed``, ``multigraph``, ``graph``, ``nodes`` (``id`` and attributes) and ``edges``
    (``source``, ``target`` and attributes; ``key`` tells parallel edges apart).

    Examples
    --------
    >>> import io, regviz as rv
    >>> file = io.BytesIO()
    >>> write_graph(rv.read().layer_graph(), file, "dot")
    >>> file.getvalue()[:7]
    b'digraph'
    """
    name = format or (Path(target).suffix[1:].lower() if isinstance(target, (str, os.PathLike)) else "")
    if name not in FORMATS:
        message = f"there is no graph format {name!r}; there are {', '.join(FORMATS)}"
        raise RegvizError(message)
    if isinstance(target, (str, os.PathLike)):
        with Path(target).open("wb") as file:
            FORMATS[name](graph, file)
    else:
        FORMATS[name](graph, target)


def _plain(value: Any) -> Any:
    """A value as JSON has it, but for times."""
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _flat(value: Any) -> Any:
    """A value as one number, flag or text."""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_plain(part)) for part in value)
    return _plain(value)


def _given(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, _flat(value)) for name, value in data.items() if value is not None)


def _xml_text(value: Any) -> Any:
    """A text of characters that XML 1.0 has (its production Char), anything else as it is."""
    if not isinstance(value, str):
        return value
    return _NOT_IN_XML.sub(lambda match: f"\\u{ord(match.group()):04x}", escape_terminal(value))


def _write_graphml(graph: nx.DiGraph[Any], file: IO[bytes]) -> None:
    import networkx as nx

    said = graph.__class__()
    for node, data in graph.nodes(data=True):
        said.add_node(_xml_text(node), **{k: _xml_text(v) for k, v in _given(data)})
    for number, (head, tail, data) in enumerate(graph.edges(data=True)):
        key = {"key": number} if graph.is_multigraph() else {}  # the edge's id, unique in the file
        said.add_edge(_xml_text(head), _xml_text(tail), **key, **{k: _xml_text(v) for k, v in _given(data)})
    nx.write_graphml_xml(said, file)
    file.write(b"\n")


def _write_dot(graph: nx.DiGraph[Any], file: IO[bytes]) -> None:
    def attributes(pairs: Iterable[tuple[str, str]]) -> str:
        said = ", ".join(f"{name}={value}" for name, value in pairs)
        return f" [{said}]" if said else ""

    def quoted(data: dict[str, Any]) -> list[tuple[str, str]]:
        return [(name, escape_dot(str(value))) for name, value in _given(data)]

    file.write(b'digraph regviz {\n  rankdir=LR;\n  node [shape=box, fontname="sans-serif"];\n')
    for node, data in graph.nodes(data=True):
        pairs = [("label", _label(node, data)), *quoted(data)]
        file.write(f"  {escape_dot(str(node))}{attributes(pairs)};\n".encode())
    for head, tail, data in graph.edges(data=True):
        edge = f"{escape_dot(str(head))} -> {escape_dot(str(tail))}"
        file.write(f"  {edge}{attributes(quoted(data))};\n".encode())
    file.write(b"}\n")


def _label(node: Any, data: dict[str, Any]) -> str:
    """What Graphviz writes into a node: name, instruction, bytes; one line each."""
    lines = [data.get("name") or short_digest(str(node))]
    if data.get("count", 1) > 1:
        lines.append(f"{data['count']} layers up to here")
    lines += [str(data[name]) for name in ("type", "created_by") if data.get(name)]
    if data.get("bytes") is not None:
        lines.append(format_bytes(data["bytes"]))
    lines += data.get("tags", ())
    cut = (line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…" for line in lines)
    return '"' + r"\n".join(escape_dot(line)[1:-1] for line in cut) + '"'


def _write_json(graph: nx.DiGraph[Any], file: IO[bytes]) -> None:
    import orjson

    def dump(name: str, rows: Iterable[dict[str, Any]]) -> None:
        file.write(b',\n"%s": [' % name.encode())
        for number, row in enumerate(rows):
            file.write((b",\n " if number else b"\n ") + orjson.dumps(row, default=str))
        file.write(b"]")

    head = {"directed": True, "multigraph": graph.is_multigraph(), "graph": graph.graph}
    file.write(orjson.dumps(head)[:-1])
    dump("nodes", ({"id": node, **data} for node, data in graph.nodes(data=True)))
    if graph.is_multigraph():
        edges = graph.edges(keys=True, data=True)
        dump("edges", ({"source": u, "target": v, "key": key, **data} for u, v, key, data in edges))
    else:
        dump("edges", ({"source": u, "target": v, **data} for u, v, data in graph.edges(data=True)))
    file.write(b"}\n")


FORMATS: dict[str, Callable[[nx.DiGraph[Any], IO[bytes]], None]] = {
    "graphml": _write_graphml,
    "dot": _write_dot,
    "json": _write_json,
}
"""What :func:`write_graph` writes."""
