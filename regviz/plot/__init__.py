"""Figures: each a function of an answer that gives a matplotlib Axes."""

from __future__ import annotations

from regviz.plot.bars import sizes
from regviz.plot.changes import compare_registries
from regviz.plot.grids import grid
from regviz.plot.histogram import layer_sizes
from regviz.plot.maps import tag_map
from regviz.plot.matrix import transfer_matrix
from regviz.plot.pairs import compare_images
from regviz.plot.remaking import churn
from regviz.plot.trees import forest

__all__ = [
    "churn",
    "compare_images",
    "compare_registries",
    "forest",
    "grid",
    "layer_sizes",
    "sizes",
    "tag_map",
    "transfer_matrix",
]
