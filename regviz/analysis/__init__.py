"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.accounting import sizes
from regviz.analysis.bundle import bundle_script
from regviz.analysis.checking import check
from regviz.analysis.comparison import compare_images, compare_registries
from regviz.analysis.composing import composition
from regviz.analysis.consequences import what_if
from regviz.analysis.curves import what_if_curve
from regviz.analysis.diagnosis import doctor
from regviz.analysis.garbage import garbage
from regviz.analysis.growing import forecast, growth
from regviz.analysis.kinship import clusters
from regviz.analysis.layers import layer_counts, layer_sizes
from regviz.analysis.lineage import ancestors, bases, descendants, nearest_base, who_uses
from regviz.analysis.moving import transfer, transfer_matrix
from regviz.analysis.on_disk import steps_on_disk
from regviz.analysis.past import history, stale_tags, tag_history
from regviz.analysis.plan_text import plan_json, plan_script
from regviz.analysis.planning import deletion_plan
from regviz.analysis.reconciliation import reconcile
from regviz.analysis.remade import churn
from regviz.analysis.rows import choose_rows
from regviz.analysis.shared import owner_sets, sharing
from regviz.analysis.stored import states
from regviz.analysis.tags import tag_images
from regviz.analysis.together import delete_together

__all__ = [
    "ancestors",
    "bases",
    "bundle_script",
    "check",
    "choose_rows",
    "churn",
    "clusters",
    "compare_images",
    "compare_registries",
    "composition",
    "delete_together",
    "deletion_plan",
    "descendants",
    "doctor",
    "forecast",
    "garbage",
    "growth",
    "history",
    "layer_counts",
    "layer_sizes",
    "nearest_base",
    "owner_sets",
    "plan_json",
    "plan_script",
    "reconcile",
    "sharing",
    "sizes",
    "stale_tags",
    "states",
    "steps_on_disk",
    "tag_history",
    "tag_images",
    "transfer",
    "transfer_matrix",
    "what_if",
    "what_if_curve",
    "who_uses",
]
