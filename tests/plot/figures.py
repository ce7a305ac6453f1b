"""Every figure of an answer, as a function of a Registry; `test_legible` draws each of every kind of registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz import analysis, graph, plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

FIGURES: dict[str, Callable[..., Axes]] = {
    "sizes": lambda reg, **on: plot.sizes(analysis.sizes(reg), **on),
    "sizes by tag": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="tag"), **on),
    "sizes by platform": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="platform"), **on),
    "forest": lambda reg, **on: plot.forest(graph.layer_graph(reg), **on),
    "tag_map": lambda reg, **on: plot.tag_map(analysis.tag_images(reg), **on),
    "layer_sizes": lambda reg, **on: plot.layer_sizes(analysis.layer_sizes(reg), **on),
    "layer_counts": lambda reg, **on: plot.layer_counts(analysis.layer_counts(reg), **on),
    "layer_references": lambda reg, **on: plot.layer_references(analysis.layer_sizes(reg), **on),
    "sharing": lambda reg, **on: plot.sharing(analysis.sharing(reg), **on),
    "sharing in bytes": lambda reg, **on: plot.sharing(analysis.sharing(reg), measure="shared_bytes", **on),
    "sharing by tag": lambda reg, **on: plot.sharing(analysis.sharing(reg, by="tag"), **on),
    "owner_sets": lambda reg, **on: plot.owner_sets(analysis.owner_sets(reg), **on),
    "owner_sets by tag": lambda reg, **on: plot.owner_sets(analysis.owner_sets(reg, by="tag"), **on),
    "bases": lambda reg, **on: plot.bases(analysis.bases(reg), **on),
}
"""The name of each, and how it is drawn, perhaps on an ``ax``; what needs choices takes such as any registry has."""

UNKNOWABLE: dict[str, frozenset[str]] = {}
"""Figures whose answer refuses some registries, with the names of those in `registries.KINDS`."""
