"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.accounting import sizes
from regviz.analysis.consequences import what_if
from regviz.analysis.garbage import garbage
from regviz.analysis.layers import layer_sizes
from regviz.analysis.plan_text import plan_json, plan_script
from regviz.analysis.planning import deletion_plan
from regviz.analysis.tags import tag_images
from regviz.analysis.together import delete_together

__all__ = [
    "delete_together",
    "deletion_plan",
    "garbage",
    "layer_sizes",
    "plan_json",
    "plan_script",
    "sizes",
    "tag_images",
    "what_if",
]
