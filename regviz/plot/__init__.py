"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.curves import delete_together, what_if_curve
from regviz.plot.counts import layer_counts, layer_references
from regviz.plot.heat import sharing
from regviz.plot.changes import compare_registries
from regviz.plot.deletion import what_if
from regviz.plot.grids import grid
from regviz.plot.histogram import layer_sizes
from regviz.plot.leftovers import collectors, garbage, states
from regviz.plot.maps import tag_map
from regviz.plot.matrix import transfer_matrix
from regviz.plot.pairs import compare_images
from regviz.plot.remaking import churn
from regviz.plot.trees import forest
from regviz.plot.waterfall import reconcile

__all__ = [
    "collectors",
    "delete_together",
    "forest",
    "layer_counts",
    "layer_references",
    "churn",
    "compare_images",
    "compare_registries",
    "forest",
    "grid",
    "garbage",
    "layer_sizes",
    "reconcile",
    "sharing",
    "sizes",
    "states",
    "tag_map",
    "what_if",
    "what_if_curve",
    "transfer_matrix",
]
