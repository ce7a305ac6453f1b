"""Runs a lesson's student and solution forms, one after the other, in one Python: ``python running.py NOTEBOOK PLACE``.

A kernel of its own for each would take most of the time. Cells run in IPython as in a kernel, and what they show is put into
the notebook; a cell that fails ends the run. Each form begins in an empty folder, and ends with what lesson.results() says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tests.together import once

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("student", "solution")


@dataclass(frozen=True)
class Ran:
    """A form that was run: the notebook with its outputs, what the lesson recorded, and the seconds it took."""

    notebook: NotebookNode
    results: list[dict[str, Any]]
    seconds: float


def main() -> None:
    """Run both forms; print the outcome as JSON."""
    import nbformat

    from regviz.lesson import forms

    path, place = Path(sys.argv[1]), Path(sys.argv[2])
    student = nbformat.read(path, as_version=4)
    said = {}
    for form in FORMS:
        folder = place / form
        folder.mkdir()
        os.chdir(folder)
        if form == "solution":
            os.environ["REGVIZ_PAGE"] = "1"  # as for a page
        said[form] = run(forms.solution(student) if form == "solution" else student)
    print(json.dumps(said), file=sys.__stdout__)


def run(notebook: NotebookNode) -> dict[str, Any]:
    """The outcome of one form."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from nbformat.v4 import new_output

    class Hook(DisplayHook):
        """Keeps the value of a cell."""

        kept: ClassVar[list[tuple[dict[str, Any], dict[str, Any]]]] = []

        def write_output_prompt(self) -> None: ...
        def finish_displayhook(self) -> None: ...
        def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
            Hook.kept = [(format_dict, md_dict or {})]

    class Shell(InteractiveShell):
        displayhook_class = Hook
        display_pub_class = CapturingDisplayPublisher

    InteractiveShell.clear_instance()
    shell = Shell.instance(user_ns={"__name__": "__main__"})
    began = time.monotonic()
    for number, cell in enumerate([each for each in notebook.cells if each.cell_type == "code"], 1):
        Hook.kept, shell.display_pub.outputs = [], []
        with capture_output(display=False) as captured:
            ran = shell.run_cell(cell.source, store_history=True)
        if not ran.success:
            raise SystemExit(f"code cell {number} failed: {captured.stdout}{captured.stderr}\n{cell.source}")
        cell.outputs = [
            new_output("stream", name=name, text=text)
            for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr))
            if text
        ]
        for shown in shell.display_pub.outputs:
            cell.outputs.append(new_output("display_data", data=shown["data"], metadata=shown.get("metadata") or {}))
        for data, metadata in Hook.kept:
            cell.outputs.append(new_output("execute_result", data=data, metadata=metadata, execution_count=number))
        cell.execution_count = number
    return {"notebook": notebook, "results": _results(), "seconds": time.monotonic() - began}


def _results() -> list[dict[str, Any]]:
    from regviz import lesson

    rows = json.loads(lesson.results().astype(object).to_json(orient="records", default_handler=str))
    return list(rows)


@cache
def both(path: Path, place: Path) -> dict[str, Ran]:
    """Both forms of a notebook, run in a Python of their own, in an empty folder."""
    from nbformat import from_dict

    done = place.with_suffix(".json")
    with once(done) as wanted:
        if wanted:
            done.write_text(_run(path, place), encoding="utf-8")
    said = json.loads(done.read_text(encoding="utf-8"))
    return {form: Ran(from_dict(one["notebook"]), one["results"], one["seconds"]) for form, one in said.items()}


def _run(path: Path, place: Path) -> str:
    """What a process of its own says of both, as JSON."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(place / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "DOCKER_HOST": f"unix://{place}/no-engine.sock",  # what a lesson does on an engine has tests of its own
    }
    environment.pop("REGVIZ_PAGE", None)
    place.mkdir(parents=True)
    command = [sys.executable, str(Path(__file__).resolve()), str(path), str(place)]
    ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, f"{path.name}: {ran.stderr[-3000:]}"
    return ran.stdout.splitlines()[-1]


def page(ran: dict[str, Ran]) -> str:
    """The page that is made of a solution that was run."""
    from regviz.lesson import forms
    from regviz.report.lessons import LESSON
    from regviz.report.page import render

    made = forms.report(ran["solution"].notebook)
    return render(made, title=forms.heading(made), kind=LESSON)


if __name__ == "__main__":
    main()
