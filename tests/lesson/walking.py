"""Walks one path through the lessons, solved, in one Python: ``python walking.py PATH PLACE``; prints what came of it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from tests.lesson import running


def main() -> None:
    """Run what the path takes of each lesson, and print the results of each as JSON."""
    import nbformat

    from regviz.lesson import forms, paths

    path, place = sys.argv[1], Path(sys.argv[2])
    said = {}
    for name in paths.steps(path):
        whole = nbformat.read(forms.path_of(name), as_version=4)
        notebook = forms.solution(paths.cut(whole, path))
        (place / name).mkdir()
        os.chdir(place / name)
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        asked = sorted(set(re.findall(r'lesson\.(?:check|predict)\(\s*"([^"]+)"', code)))
        said[name] = {"asked": asked, "results": running.run(notebook)["results"]}
    print(json.dumps(said), file=sys.__stdout__)


if __name__ == "__main__":
    main()
