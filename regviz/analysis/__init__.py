"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.accounting import sizes
from regviz.analysis.garbage import garbage
from regviz.analysis.comparison import compare_images, compare_registries
from regviz.analysis.layers import layer_sizes
from regviz.analysis.lineage import ancestors, bases, descendants, nearest_base, who_uses
from regviz.analysis.remade import churn
from regviz.analysis.plan_script import plan_json, plan_script
from regviz.analysis.planning import deletion_plan
from regviz.analysis.tags import tag_images
from regviz.analysis.together import delete_together
from regviz.analysis.what_if import what_if

__all__ = ["garbage", "layer_sizes", "sizes", "tag_images"]
__all__ = [
    "ancestors",
    "bases",
    "churn",
    "compare_images",
    "compare_registries",
    "descendants",
    "layer_sizes",
    "nearest_base",
    "sizes",
    "tag_images",
    "who_uses",
from regviz.analysis.bundle import bundle_script
from regviz.analysis.checking import check
from regviz.analysis.diagnosis import doctor
from regviz.analysis.growing import forecast, growth
from regviz.analysis.layers import layer_sizes
from regviz.analysis.moving import transfer, transfer_matrix
from regviz.analysis.past import history, stale_tags, tag_history
from regviz.analysis.tags import tag_images

__all__ = [
    "bundle_script",
    "check",
    "doctor",
    "forecast",
    "growth",
    "history",
    "layer_sizes",
    "sizes",
    "stale_tags",
    "tag_history",
    "tag_images",
    "transfer",
    "transfer_matrix",
from regviz.analysis.kinship import clusters
from regviz.analysis.layers import layer_sizes
from regviz.analysis.reconciliation import reconcile
from regviz.analysis.shared import owner_sets, sharing
from regviz.analysis.tags import tag_images

__all__ = [
    "clusters",
    "layer_sizes",
    "owner_sets",
    "reconcile",
    "sharing",
    "sizes",
    "tag_images",
__all__ = [
    "delete_together",
    "deletion_plan",
    "layer_sizes",
    "plan_json",
    "plan_script",
    "sizes",
    "tag_images",
    "what_if",
]
