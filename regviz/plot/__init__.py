"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.curves import delete_together, what_if_curve
from regviz.plot.histogram import layer_sizes
from regviz.plot.icicles import icicle
from regviz.plot.leftovers import collectors, garbage, states
from regviz.plot.maps import tag_map
from regviz.plot.tiles import treemap
from regviz.plot.trees import forest
from regviz.plot.waterfall import reconcile

__all__ = [
    "collectors",
    "delete_together",
    "forest",
    "garbage",
    "icicle",
    "layer_sizes",
    "reconcile",
    "sizes",
    "states",
    "tag_map",
    "treemap",
    "what_if_curve",
]
