"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.ages import stale_tags
from regviz.plot.bars import sizes
from regviz.plot.histogram import layer_sizes
from regviz.plot.lanes import tag_history
from regviz.plot.maps import tag_map
from regviz.plot.past import history
from regviz.plot.readings import growth
from regviz.plot.trees import forest

__all__ = [
    "forest",
    "growth",
    "history",
    "layer_sizes",
    "sizes",
    "stale_tags",
    "tag_history",
    "tag_map",
]
