"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.accounting import sizes
from regviz.analysis.garbage import garbage
from regviz.analysis.kinship import clusters
from regviz.analysis.layers import layer_sizes
from regviz.analysis.reconciliation import reconcile
from regviz.analysis.shared import owner_sets, sharing
from regviz.analysis.tags import tag_images

__all__ = [
    "clusters",
    "garbage",
    "layer_sizes",
    "owner_sets",
    "reconcile",
    "sharing",
    "sizes",
    "tag_images",
]
