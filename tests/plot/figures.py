"""Every figure of an answer, as a function of a Registry; `test_legible` draws each of every kind of registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz import analysis, graph, plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from regviz.analysis.collectors import CollectorName
    from regviz.registry import Registry


def who_collects(reg: Registry) -> tuple[CollectorName, ...]:
    """The collectors of a registry that was read without looking into links."""
    if reg.source.layouts[0] != "distribution":
        return ("v1",)
    return ("reachability", "distribution-2.8", "distribution-2.8-m")


FIGURES: dict[str, Callable[..., Axes]] = {
    "sizes": lambda reg, **on: plot.sizes(analysis.sizes(reg), **on),
    "sizes by tag": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="tag"), **on),
    "sizes by platform": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="platform"), **on),
    "forest": lambda reg, **on: plot.forest(graph.layer_graph(reg), **on),
    "tag_map": lambda reg, **on: plot.tag_map(analysis.tag_images(reg), **on),
    "reconcile": lambda reg, **on: plot.reconcile(analysis.reconcile(reg), **on),
    "what_if_curve": lambda reg, **on: plot.what_if_curve(analysis.what_if_curve(reg), **on),
    "delete_together": lambda reg, **on: plot.delete_together(analysis.delete_together(reg), **on),
    "states": lambda reg, **on: plot.states(analysis.states(reg), **on),
    "garbage": lambda reg, **on: plot.garbage(analysis.garbage(reg), **on),
    "collectors": lambda reg, **on: plot.collectors(
        [analysis.garbage(reg, collector=who) for who in who_collects(reg)], **on
    ),
    "treemap": lambda reg, **on: plot.treemap(analysis.composition(reg), **on),
    "icicle": lambda reg, **on: plot.icicle(analysis.composition(reg), **on),
    "layer_sizes": lambda reg, **on: plot.layer_sizes(analysis.layer_sizes(reg), **on),
}
"""The name of each, and how it is drawn, perhaps on an ``ax``; what needs choices takes such as any registry has."""

UNKNOWABLE: dict[str, frozenset[str]] = {}
"""Figures whose answer refuses some registries, with the names of those in `registries.KINDS`."""
