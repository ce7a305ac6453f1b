"""Runs lesson 09, solved, on sources: ``python own.py PLACE SOURCE…``; prints what came of each as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lesson import holding, running

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Run the lesson on each source, in one Python."""
    import nbformat

    from regviz.lesson import forms

    whole = nbformat.read(forms.path_of("09"), as_version=4)
    said = []
    for number, source in enumerate(sys.argv[2:]):
        folder = Path(sys.argv[1]) / str(number)
        folder.mkdir()
        os.chdir(folder)
        os.environ["REGVIZ_SOURCE"] = source
        ran = running.run(forms.solution(whole))
        texts = [text for cell in holding.code_cells(ran["notebook"]) for text in holding.output_texts(cell)]
        said.append({"results": {row["id"]: row for row in ran["results"]}, "text": "\n".join(texts)})
    print(json.dumps(said), file=sys.__stdout__)


def run(place: Path, sources: Sequence[str]) -> list[dict[str, Any]]:
    """What came of the lesson on each source: its results by id, and all that it showed, as text."""
    environment = os.environ | {
        "IPYTHONDIR": str(place / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    command = [sys.executable, str(Path(__file__).resolve()), str(place), *sources]
    ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr[-3000:]
    said: list[dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])
    return said


if __name__ == "__main__":
    main()
