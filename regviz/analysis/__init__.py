"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.accounting import sizes
from regviz.analysis.bundle import bundle_script
from regviz.analysis.layers import layer_sizes
from regviz.analysis.moving import transfer, transfer_matrix
from regviz.analysis.tags import tag_images

__all__ = [
    "bundle_script",
    "layer_sizes",
    "sizes",
    "tag_images",
    "transfer",
    "transfer_matrix",
]
