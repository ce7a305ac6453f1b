"""Answers: one question a module, each a function of a Registry that gives a plain pandas table."""

from __future__ import annotations

from regviz.analysis.layer_sizes import layer_sizes
from regviz.analysis.sizes import sizes
from regviz.analysis.tag_images import tag_images

__all__ = ["layer_sizes", "sizes", "tag_images"]
