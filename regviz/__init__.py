"""Look into a container registry: its tables, its graph, its report, from the bytes on a disk.

>>> import regviz as rv
>>> reg = rv.read()          # the small world that ships with regviz; give a path to read your own
>>> len(reg.tags) > 0
True
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "Registry": "regviz.registry",
    "RegvizError": "regviz.errors",
    "ancestors": "regviz.analysis",
    "bases": "regviz.analysis",
    "bundle_script": "regviz.analysis",
    "check": "regviz.analysis",
    "choose_rows": "regviz.analysis",
    "churn": "regviz.analysis",
    "clusters": "regviz.analysis",
    "compare_images": "regviz.analysis",
    "compare_registries": "regviz.analysis",
    "composition": "regviz.analysis",
    "delete_together": "regviz.analysis",
    "deletion_plan": "regviz.analysis",
    "descendants": "regviz.analysis",
    "doctor": "regviz.analysis",
    "explore": "regviz.explore",
    "forecast": "regviz.analysis",
    "garbage": "regviz.analysis",
    "growth": "regviz.analysis",
    "history": "regviz.analysis",
    "layer_counts": "regviz.analysis",
    "layer_graph": "regviz.graph",
    "layer_sizes": "regviz.analysis",
    "nearest_base": "regviz.analysis",
    "object_graph": "regviz.graph",
    "owner_sets": "regviz.analysis",
    "plan": "regviz.plan",
    "plan_json": "regviz.analysis",
    "plan_script": "regviz.analysis",
    "read": "regviz.read",
    "read_pair": "regviz.pair",
    "reconcile": "regviz.analysis",
    "report": "regviz.report",
    "rules": "regviz.problems",
    "sharing": "regviz.analysis",
    "sizes": "regviz.analysis",
    "stale_tags": "regviz.analysis",
    "states": "regviz.analysis",
    "steps_on_disk": "regviz.analysis",
    "tag_history": "regviz.analysis",
    "tag_images": "regviz.analysis",
    "transfer": "regviz.analysis",
    "transfer_matrix": "regviz.analysis",
    "tree": "regviz.tree",
    "tree_changes": "regviz.tree",
    "what_if": "regviz.analysis",
    "what_if_curve": "regviz.analysis",
    "who_uses": "regviz.analysis",
}
_MODULES = ("analysis", "experiment", "graph", "lesson", "plot", "schema", "world")
__all__ = [
    "Registry",
    "RegvizError",
    "__version__",
    "analysis",
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
    "experiment",
    "explore",
    "forecast",
    "garbage",
    "graph",
    "growth",
    "history",
    "layer_counts",
    "layer_graph",
    "layer_sizes",
    "lesson",
    "nearest_base",
    "object_graph",
    "owner_sets",
    "plan",
    "plan_json",
    "plan_script",
    "plot",
    "read",
    "read_pair",
    "reconcile",
    "report",
    "rules",
    "schema",
    "sharing",
    "sizes",
    "stale_tags",
    "states",
    "steps_on_disk",
    "tag_history",
    "tag_images",
    "transfer",
    "transfer_matrix",
    "tree",
    "tree_changes",
    "what_if",
    "what_if_curve",
    "who_uses",
    "world",
]

if TYPE_CHECKING:
    from regviz import analysis, experiment, graph, lesson, plot, schema, world
    from regviz.analysis import (
        ancestors,
        bases,
        bundle_script,
        check,
        choose_rows,
        churn,
        clusters,
        compare_images,
        compare_registries,
        composition,
        delete_together,
        deletion_plan,
        descendants,
        doctor,
        forecast,
        growth,
        history,
        layer_counts,
        layer_sizes,
        nearest_base,
        owner_sets,
        reconcile,
        sharing,
        sizes,
        stale_tags,
        steps_on_disk,
        tag_history,
        tag_images,
        transfer,
        transfer_matrix,
        what_if_curve,
        who_uses,
    )
    from regviz.analysis.consequences import what_if
    from regviz.analysis.garbage import garbage
    from regviz.analysis.plan_text import plan_json, plan_script
    from regviz.analysis.stored import states
    from regviz.errors import RegvizError
    from regviz.explore import explore
    from regviz.graph import layer_graph, object_graph
    from regviz.pair import read_pair
    from regviz.plan import plan
    from regviz.problems import rules
    from regviz.read import read
    from regviz.registry import Registry
    from regviz.report import report
    from regviz.tree import tree, tree_changes


def __getattr__(name: str) -> object:
    """Public names are loaded when first used, so that ``import regviz`` costs next to nothing."""
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
    elif name in _MODULES:
        value = import_module(f"regviz.{name}")
    else:
        message = f"module 'regviz' has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)


class _Package(ModuleType):
    """The package, where ``plan``, ``read``, ``report`` and ``tree`` are functions, whatever modules were imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
