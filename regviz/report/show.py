"""What a notebook calls to show figures, tables and the parts of a report."""

from __future__ import annotations

from regviz.report import pair
from regviz.report.answered import answered
from regviz.report.display import figure, table
from regviz.report.sections import collectors, colophon, limits, opening, problems
from regviz.report.summary import summary

__all__ = ["answered", "collectors", "colophon", "figure", "limits", "opening", "pair", "problems", "summary", "table"]
