"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.counts import layer_counts, layer_references
from regviz.plot.heat import sharing
from regviz.plot.histogram import layer_sizes
from regviz.plot.inventory import bases
from regviz.plot.maps import tag_map
from regviz.plot.sets import owner_sets
from regviz.plot.trees import forest

__all__ = [
    "bases",
    "forest",
    "layer_counts",
    "layer_references",
    "layer_sizes",
    "owner_sets",
    "sharing",
    "sizes",
    "tag_map",
]
