"""What the dots of the forest stand for: the marks of layers, and of whole runs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.plot.labels import instruction
from regviz.plot.marks import Mark, exact_bytes, in_lines, shortened, some
from regviz.text import count_noun, format_date, short_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx

    from regviz.plot.ancestry import Dot

LAYERS = "layers"
"""The series of the dots."""


def dot_marks(
    graph: nx.DiGraph[Any], dots: Sequence[Dot], owners: Mapping[str, tuple[str, ...]], tags: Mapping[str, int]
) -> tuple[Mark, ...]:
    """What stands for each dot of a forest: its layers, what was built on it, and the dot it stands on.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it.
    dots : sequence of Dot
        With each dot the one of its parent.
    owners : mapping of str to tuple of str
        The repositories whose tags stand on each layer that has a dot.
    tags : mapping of str to int
        How many tags stand on it, its own among them.
    """
    place = {dot.layers[-1]: row for row, dot in enumerate(dots)}
    made = []
    for dot in dots:
        last, parent = dot.layers[-1], next(iter(graph.pred[dot.layers[0]]), None)
        own = tuple(graph.nodes[last].get("tags") or ())
        label = in_lines(*_lines(graph, dot.layers, dot.bytes), *_stand_on_it(own, tags[last]))
        words = (*own, *filter(None, [_digests(graph, dot.layers)]))
        below = () if parent is None else ((LAYERS, place[parent]),)
        made.append(Mark(label, owners[last], words, below))
    return tuple(made)


def _digests(graph: nx.DiGraph[Any], layers: Sequence[str]) -> str:
    """What finds a dot besides its label: the beginnings of the digests of every layer and blob that is not in it."""
    blobs = [blob for layer in layers for blob in graph.nodes[layer].get("blobs") or ()]
    named = [*layers[:-1], *(blobs[1:] if len(layers) == 1 else blobs)]
    return " ".join(short_digest(key).rpartition(":")[2] for key in dict.fromkeys(named))


def _lines(graph: nx.DiGraph[Any], layers: Sequence[str], size: int) -> list[str]:
    said = [graph.nodes[layer] for layer in layers]
    known = any(each.get("bytes") is not None for each in said)
    largest = max(said, key=lambda each: each.get("bytes") or 0)
    text = shortened(instruction(largest.get("created_by")))
    much = exact_bytes(size) if known else "not here"
    created = said[-1].get("created")
    when = f"Created {format_date(created)}" if created is not None else ""
    if len(layers) == 1:
        blobs = [f"Blob {blob}" for blob in (said[0].get("blobs") or ())[:1]]
        return [text, much, when, f"Layer {layers[0]}", *blobs]
    inside = f"largest: {text}" if text else ""
    return [f"{count_noun(len(layers), 'layer')} in a row, {much}", inside, when, f"The last: {layers[-1]}"]


def _stand_on_it(own: Sequence[str], tags: int) -> list[str]:
    if not tags:
        return ["No tag stands on it"]
    lines = [f"Tags: {some(own)}"] if own else []
    if tags > len(own):
        lines.append(f"{count_noun(tags - len(own), 'tag')} further up")
    return lines
