"""Notebooks run on a registry and exported as one HTML file, and JupyterLab on the notebooks that ship."""

from __future__ import annotations

from regviz.report.build import report

__all__ = ["report"]
