"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.grids import grid
from regviz.plot.histogram import layer_sizes
from regviz.plot.maps import tag_map
from regviz.plot.pairs import compare_images
from regviz.plot.trees import forest

__all__ = [
    "compare_images",
    "forest",
    "grid",
    "layer_sizes",
    "sizes",
    "tag_map",
]
