"""The notebooks that ship: how they are kept, and that each runs on any source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_notebook

from regviz import share
from regviz.report.execute import execute
from regviz.report.page import render
from tests.helpers import Store
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

SHIPPED = sorted(path.stem for path in share.folder("notebooks").glob("*.ipynb"))
OURS = ["compare", "garbage-and-what-if", "history", "layer-sharing", "sizes", "tags-and-images"]
OTHER_SOURCES = ["world-v1.tar.gz", "world-oci.tar.gz", "world-docker-save-old.tar.gz", "empty"]
"""All but the shipped world, of which the site is made (`test_site`)."""


def shipped(name: str) -> NotebookNode:
    return nbformat.read(share.folder("notebooks") / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_notebook_carries_no_outputs_and_names_its_kernel(name: str) -> None:
    notebook = shipped(name)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"] == {  # else JupyterLab asks for one
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


@pytest.mark.parametrize("name", OURS)
def test_a_notebook_has_a_question_at_the_head_of_each_section(name: str) -> None:
    notebook = shipped(name)
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[:3] == ["markdown", "markdown", "code"]
    heads = [cell.source.split("\n", 1)[0] for cell in notebook.cells if cell.cell_type == "markdown"]
    assert re.fullmatch(r"# .+\?", heads[0])
    assert all(re.fullmatch(r"###? .+([?]|level by level)", head) for head in heads[2:]), heads
    assert kinds[3:] == ["markdown", "code"] * (len(kinds[3:]) // 2)
    assert "rv.read(" in notebook.cells[2].source or "rv.read_pair(" in notebook.cells[2].source


@pytest.mark.parametrize("kind", OTHER_SOURCES)
def test_every_notebook_runs_on_any_source(kind: str, tmp_path: Path) -> None:
    """One after the other in one kernel, as each begins anew with what it reads."""
    if kind == "empty":
        Store(tmp_path / "storage")
    source = tmp_path / "storage" if kind == "empty" else share.folder("data") / kind
    together = new_notebook(cells=[cell for name in OURS for cell in shipped(name).cells])
    execute(together, name=kind, source=str(source), folder=tmp_path)
    page = parse(render(together, title=kind))
    assert page.all("pre", class_="stderr") == []
    shown = [cell for cell in together.cells if cell.cell_type == "code"]
    silent = [cell.source for cell in shown if not cell.outputs]
    assert silent == []
    if kind != "empty":
        assert len(page.all("figure")) >= 10
