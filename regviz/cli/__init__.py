"""The command line: ``regviz COMMAND SOURCE …``. A command asks the function of its name, and prints what it gives."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""What an interrupted command ends with: 128 and the signal's number, as shells say it."""


def main() -> None:
    """Run the command that the program's arguments name; the process ends with it."""
    try:
        from regviz.cli.app import main as commands
    except KeyboardInterrupt:  # a part of a second goes by until all of them are loaded
        sys.stderr.write("regviz: interrupted\n")
        sys.exit(INTERRUPTED)
    commands(prog_name="regviz")
