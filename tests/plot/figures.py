"""Every figure of an answer, as a function of a Registry; `test_legible` draws each of every kind of registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz import analysis, graph, plot
from tests.plot.registries import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

    from regviz.analysis.collectors import CollectorName
    from regviz.registry import Registry


def _two(reg: Registry) -> pd.DataFrame:
    """The first and the second of the images that are compared where nobody names any."""
    table = analysis.compare_images(reg)
    names = [image["reference"] for image in table.attrs["images"]]
    return analysis.compare_images(reg, names[:2]) if names[1:] else table


def _pulls(reg: Registry) -> pd.DataFrame:
    """What those images move that are compared where nobody names any."""
    named = [image["reference"] for image in analysis.compare_images(reg).attrs["images"]]
    return analysis.transfer_matrix(reg, named, platform="linux/amd64")


def _since_the_world(reg: Registry) -> pd.DataFrame:
    """What differs from the shipped world; of what is at hand only the empty registry differs from nothing."""
    old = reg if not len(reg.tags) else registry("world-distribution.tar.gz")
    return analysis.compare_registries(old, reg)


def who_collects(reg: Registry) -> tuple[CollectorName, ...]:
    """The collectors of a registry that was read without looking into links."""
    if reg.source.layouts[0] != "distribution":
        return ("v1",)
    return ("reachability", "distribution-2.8", "distribution-2.8-m")


FIGURES: dict[str, Callable[..., Axes]] = {
    "sizes": lambda reg, **on: plot.sizes(analysis.sizes(reg), **on),
    "sizes by tag": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="tag"), **on),
    "sizes by platform": lambda reg, **on: plot.sizes(analysis.sizes(reg, by="platform"), **on),
    "churn": lambda reg, **on: plot.churn(analysis.churn(reg), **on),
    "churn by repository": lambda reg, **on: plot.churn(analysis.churn(reg, by="repository"), **on),
    "compare_images": lambda reg, **on: plot.compare_images(_two(reg), **on),
    "compare_registries": lambda reg, **on: plot.compare_registries(_since_the_world(reg), **on),
    "forest": lambda reg, **on: plot.forest(graph.layer_graph(reg), **on),
    "forest by age": lambda reg, **on: plot.forest(graph.layer_graph(reg), colour="age", **on),
    "tag_map": lambda reg, **on: plot.tag_map(analysis.tag_images(reg), **on),
    "reconcile": lambda reg, **on: plot.reconcile(analysis.reconcile(reg), **on),
    "what_if_curve": lambda reg, **on: plot.what_if_curve(analysis.what_if_curve(reg), **on),
    "what_if": lambda reg, **on: plot.what_if(analysis.what_if(reg, repositories="*"), **on),
    "delete_together": lambda reg, **on: plot.delete_together(analysis.delete_together(reg), **on),
    "grid": lambda reg, **on: plot.grid(analysis.compare_images(reg), **on),
    "transfer_matrix": lambda reg, **on: plot.transfer_matrix(_pulls(reg), **on),
    "states": lambda reg, **on: plot.states(analysis.states(reg), **on),
    "garbage": lambda reg, **on: plot.garbage(analysis.garbage(reg), **on),
    "collectors": lambda reg, **on: plot.collectors(
        [analysis.garbage(reg, collector=who) for who in who_collects(reg)], **on
    ),
    "treemap": lambda reg, **on: plot.treemap(analysis.composition(reg), **on),
    "icicle": lambda reg, **on: plot.icicle(analysis.composition(reg), **on),
    "layer_sizes": lambda reg, **on: plot.layer_sizes(analysis.layer_sizes(reg), **on),
    "layer_counts": lambda reg, **on: plot.layer_counts(analysis.layer_counts(reg), **on),
    "layer_references": lambda reg, **on: plot.layer_references(analysis.layer_sizes(reg), **on),
    "sharing": lambda reg, **on: plot.sharing(analysis.sharing(reg), **on),
    "sharing in bytes": lambda reg, **on: plot.sharing(analysis.sharing(reg), measure="shared_bytes", **on),
    "sharing by tag": lambda reg, **on: plot.sharing(analysis.sharing(reg, by="tag"), **on),
    "history": lambda reg, **on: plot.history(analysis.history(reg), **on),
    "history by day": lambda reg, **on: plot.history(analysis.history(reg, by="day"), **on),
    "tag_history": lambda reg, **on: plot.tag_history(analysis.tag_history(reg), **on),
    "steps_on_disk": lambda reg, **on: plot.steps_on_disk(analysis.steps_on_disk(reg), **on),
    "stale_tags": lambda reg, **on: plot.stale_tags(analysis.stale_tags(reg, older_than="0d"), **on),
    "owner_sets": lambda reg, **on: plot.owner_sets(analysis.owner_sets(reg), **on),
    "owner_sets by tag": lambda reg, **on: plot.owner_sets(analysis.owner_sets(reg, by="tag"), **on),
    "bases": lambda reg, **on: plot.bases(analysis.bases(reg), **on),
}
"""The name of each, and how it is drawn, perhaps on an ``ax``; what needs choices takes such as any registry has."""

UNKNOWABLE: dict[str, frozenset[str]] = {}
"""Figures whose answer refuses some registries, with the names of those in `registries.KINDS`."""
