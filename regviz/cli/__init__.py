"""The command line: ``regviz COMMAND SOURCE …``. Commands ask the functions of their names, and print what comes back."""

from __future__ import annotations

from regviz.cli.app import main

__all__ = ["main"]
