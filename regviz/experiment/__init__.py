"""The article, done for real, on the reader's own engine: ``rv.experiment.Experiment``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from regviz.experiment.plan import STEPS

if TYPE_CHECKING:
    from regviz.experiment.experiment import Experiment
    from regviz.experiment.notebook import begin
    from regviz.experiment.recording import recorded
    from regviz.experiment.sent import moved, plot_moved
    from regviz.experiment.step import Step
    from regviz.experiment.v1 import v1_push

_PUBLIC = {
    "Experiment": "regviz.experiment.experiment",
    "Step": "regviz.experiment.step",
    "begin": "regviz.experiment.notebook",
    "moved": "regviz.experiment.sent",
    "plot_moved": "regviz.experiment.sent",
    "recorded": "regviz.experiment.recording",
    "v1_push": "regviz.experiment.v1",
}
__all__ = ["STEPS", "Experiment", "Step", "begin", "moved", "plot_moved", "recorded", "v1_push"]


def __getattr__(name: str) -> object:
    """Public names are loaded when first used: they need pandas and the docker package."""
    if name not in _PUBLIC:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_PUBLIC[name]), name)
