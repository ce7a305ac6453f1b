"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.changes import compare_registries
from regviz.plot.counts import layer_counts, layer_references
from regviz.plot.curves import delete_together, what_if_curve
from regviz.plot.deletion import what_if
from regviz.plot.grids import grid
from regviz.plot.guesses import guesses
from regviz.plot.heat import sharing
from regviz.plot.histogram import layer_sizes
from regviz.plot.icicles import icicle
from regviz.plot.inventory import bases
from regviz.plot.lanes import tag_history
from regviz.plot.leftovers import collectors, garbage, states
from regviz.plot.maps import tag_map
from regviz.plot.matrix import transfer_matrix
from regviz.plot.on_disk import steps_on_disk
from regviz.plot.pairs import compare_images
from regviz.plot.past import history
from regviz.plot.readings import growth
from regviz.plot.remaking import churn
from regviz.plot.sets import owner_sets
from regviz.plot.stale import stale_tags
from regviz.plot.tiles import treemap
from regviz.plot.trees import forest
from regviz.plot.waterfall import reconcile

__all__ = [
    "bases",
    "churn",
    "collectors",
    "compare_images",
    "compare_registries",
    "delete_together",
    "forest",
    "garbage",
    "grid",
    "growth",
    "guesses",
    "history",
    "icicle",
    "layer_counts",
    "layer_references",
    "layer_sizes",
    "owner_sets",
    "reconcile",
    "sharing",
    "sizes",
    "stale_tags",
    "states",
    "steps_on_disk",
    "tag_history",
    "tag_map",
    "transfer_matrix",
    "treemap",
    "what_if",
    "what_if_curve",
]
