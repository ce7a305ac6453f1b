"""The command line: ``regviz COMMAND SOURCE …``. A command asks the function of its name, and prints what it gives."""

from __future__ import annotations

from regviz.cli.app import main

__all__ = ["main"]
