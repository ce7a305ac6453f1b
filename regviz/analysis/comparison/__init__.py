"""Two images or many on one grid, and two registries."""

from __future__ import annotations

from regviz.analysis.comparison.images import compare_images
from regviz.analysis.comparison.registries import compare_registries

__all__ = ["compare_images", "compare_registries"]
