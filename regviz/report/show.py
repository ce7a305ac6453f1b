"""What a notebook calls to show figures, tables and the parts of a report."""

from __future__ import annotations

from regviz.report.answered import answered
from regviz.report.display import figure, table
from regviz.report.sections import colophon, limits, opening, problems

__all__ = ["answered", "colophon", "figure", "limits", "opening", "problems", "table"]
