"""Runs lesson 01 as a learner gets it, every answer still to come: `python first_lesson.py`, in a folder of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import regviz
from regviz import share
from regviz.report.execute import execute, read_notebook


def main() -> int:
    shared = share.folder("notebooks")
    if "_share" not in shared.parts:
        print(f"this runs a checkout, {regviz.__file__}, and no installed wheel", file=sys.stderr)
        return 1
    notebook = read_notebook(shared / "01-push.ipynb")
    execute(notebook, name="01-push.ipynb", source=share.shipped_world(), folder=Path())
    kept = json.loads(Path("lesson-data/results-01.json").read_text(encoding="utf-8"))["records"]
    states = {entry["state"] for entry in kept.values()}
    print(f"lesson 01 ran to its end: {len(kept)} checks and predictions, {', '.join(sorted(states))}")
    return 0 if states == {"skipped", "unanswered"} else 1


if __name__ == "__main__":
    sys.exit(main())
