"""The page on which JupyterLab opens: what there is, with links, so that nobody has to guess from files' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz import share
from regviz.lesson import books, forms
from regviz.manifests.json import load_object, mapping
from regviz.report.execute import read_notebook
from regviz.report.site import introduction, shipped

if TYPE_CHECKING:
    from pathlib import Path

NAME = "start.ipynb"
_MARK = "start-page"
_LEAD = """\
# Container registries, looked into

Open a notebook by its link. **Shift + Enter** runs a cell and goes on to the next. What you change is kept; delete a
notebook, and `regviz lab` brings back the one that ships."""
_LESSONS = """\
## Lessons

Each starts alone, from a small registry that ships with it, and needs neither a network nor Docker. Guess before you
run, then check what you found: the answers are kept beside the notebooks.

| | lesson | the question | minutes |
|---|---|---|---:|"""
_EXPLORATIONS = """\
## Notebooks on any registry

They read what `regviz lab SOURCE` was given, else the small world that ships.

| notebook | what it shows |
|---|---|"""
_END = """\
## When something does not work

`regviz lab --check`, typed in a terminal, says what this machine lacks. Every function explains itself, as in
`help(rv.sizes)`."""


def start_page() -> bytes:
    """The page as a notebook, of what ships: one cell of text.

    Examples
    --------
    >>> b"](report.ipynb)" in start_page()
    True
    """
    import nbformat
    from nbformat.v4 import new_markdown_cell, new_notebook

    parts = [_LEAD]
    folder = share.folder("notebooks")
    numbered = {name[:2]: folder / f"{name}.ipynb" for name in forms.names()}
    lessons = [row for number, path in numbered.items() if (row := _lesson(number, path))]
    if lessons:
        parts.append("\n".join([_LESSONS, *lessons]))
    others = [name for name in shipped() if folder / f"{name}.ipynb" not in numbered.values()]
    parts += ["\n".join([_EXPLORATIONS, *(_exploration(folder, name) for name in others)]), _END]
    # It is made anew each time, so nobody should write into it.
    own = {"editable": False, "deletable": False}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    page = new_notebook(
        cells=[new_markdown_cell("\n\n".join(parts), id="start", metadata=own)],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}, "regviz": {_MARK: True}},
    )
    return f"{nbformat.writes(page)}\n".encode()


def is_start_page(content: bytes) -> bool:
    """Whether a file is such a page, of any version, as JupyterLab may have saved it again.

    Examples
    --------
    >>> is_start_page(start_page()), is_start_page(b"{}"), is_start_page(b"mine")
    (True, False, False)
    """
    return mapping(mapping((load_object(content) or {}).get("metadata")).get("regviz")).get(_MARK) is True


def _lesson(number: str, path: Path) -> str:
    book = books.find(number)
    if book is None:
        return ""
    return f"| {number} | [{_cell(book.title)}]({path.name}) | {_cell(book.question)} | {book.minutes} |"


def _exploration(folder: Path, name: str) -> str:
    said = introduction(name, read_notebook(folder / f"{name}.ipynb"))
    return f"| [{_cell(said.title)}]({name}.ipynb) | {_cell(said.sentence)} |"


def _cell(text: str) -> str:
    """Text in a cell of a table in Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")
