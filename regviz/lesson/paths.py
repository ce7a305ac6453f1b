"""Shorter ways through the lessons: which sections a path takes, how long they are, and a notebook of just those.

A section of a lesson begins with a heading of the second level. Its cell's metadata say how long it takes
(``regviz.minutes``), and which paths take it (``regviz.path``).
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.lesson import forms

if TYPE_CHECKING:
    import os

    from nbformat import NotebookNode

PATHS = ("45", "90")
"""The paths that there are, by how many minutes they take at most."""

_HEADING = re.compile(r"(?m)^## +(.+?)\s*$")
_KEPT = "key points"


@dataclass(frozen=True)
class Section:
    """A part of a lesson.

    Attributes
    ----------
    heading : str
        Empty for what comes before the first.
    minutes : int or None
        How long it takes; None where it takes none of the lesson's time, as exercises do.
    paths : tuple of str
        The paths that take it.
    cells : tuple of NotebookNode
    """

    heading: str
    minutes: int | None
    paths: tuple[str, ...]
    cells: tuple[NotebookNode, ...]


def sections(notebook: NotebookNode) -> list[Section]:
    """The sections of a lesson's notebook, in order; the first is what comes before all headings.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> own = {"minutes": 4, "path": ["45"]}
    >>> cells = [new_markdown_cell("# A"), new_markdown_cell("## B", metadata={"regviz": own}), new_markdown_cell("c")]
    >>> [(one.heading, one.minutes, one.paths, len(one.cells)) for one in sections(new_notebook(cells=cells))]
    [('', None, (), 1), ('B', 4, ('45',), 2)]
    """
    parts: list[list[NotebookNode]] = [[]]
    for cell in notebook.cells:
        if _heading(cell):
            parts.append([])
        parts[-1].append(cell)
    return [_section(cells) for cells in parts if cells]


def _section(cells: list[NotebookNode]) -> Section:
    heading = _heading(cells[0])
    own = cells[0].metadata.get(forms.OURS, {}) if heading else {}
    return Section(heading, own.get("minutes"), tuple(own.get("path", ())), tuple(cells))


def _heading(cell: NotebookNode) -> str:
    """The first heading of the second level in a cell of prose, mostly its first line; empty where it has none."""
    found = _HEADING.search(cell.source) if cell.cell_type == "markdown" else None
    return found[1] if found else ""


def steps(path: str) -> dict[str, list[Section]]:
    """The sections that a path takes, by the name of each lesson's notebook, in order.

    Parameters
    ----------
    path : {"45", "90"}

    Raises
    ------
    RegvizError
        There is no such path.

    Examples
    --------
    >>> found = steps("45")
    >>> sum(section.minutes for taken in found.values() for section in taken) <= 45
    True
    """
    if path not in PATHS:
        raise RegvizError(f"there is no path of {path} minutes: there are those of {' and '.join(PATHS)}")
    found = {name: [one for one in sections(_read(name)) if path in one.paths] for name in forms.names()}
    return {name: taken for name, taken in found.items() if taken}


def cut(notebook: NotebookNode, path: str) -> NotebookNode:
    """A lesson's notebook with the sections that a path takes, what opens it, its key points and its results.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> taken = new_markdown_cell("## B", metadata={"regviz": {"minutes": 4, "path": ["45"]}})
    >>> whole = new_notebook(cells=[new_markdown_cell("# A"), taken, new_markdown_cell("## C"), new_markdown_cell("d")])
    >>> [cell.source for cell in cut(whole, "45").cells]
    ['# A', '## B']
    """
    cells: list[NotebookNode] = []
    for section in sections(notebook):
        if not section.heading or path in section.paths or section.heading.lower() == _KEPT:
            cells += section.cells
        elif section.minutes is None:  # what follows the lesson: of it, what says how it went
            cells += [cell for cell in section.cells if cell.cell_type == "code" and "lesson." in cell.source]
    made = copy.deepcopy(notebook)
    made.cells = copy.deepcopy(cells)
    return made


def _read(name: str) -> NotebookNode:
    from nbformat import read

    notebook: NotebookNode = read(forms.path_of(name), as_version=4)
    return notebook


def write(path: str, folder: str | os.PathLike[str] = ".") -> list[Path]:
    """Write a notebook for each lesson of a path, with the sections that it takes.

    Parameters
    ----------
    path : {"45", "90"}
    folder : path
        It is made if it is not there.

    Returns
    -------
    list of pathlib.Path
        The files, in order: ``01-push-45.ipynb``.

    Raises
    ------
    RegvizError
        There is no such path, a file is there already, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     all(made.name.endswith("-45.ipynb") for made in write("45", folder))
    True
    """
    from nbformat import writes

    made = {Path(folder) / f"{name}-{path}.ipynb": name for name in steps(path)}
    there = [target for target in made if target.exists()]
    if there:  # said before the first is written
        raise RegvizError(f"{there[0]} is there already, perhaps with answers; give another folder")
    for target, name in made.items():
        text = writes(cut(_read(name), path))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"{text.rstrip()}\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise RegvizError(f"{target} cannot be written: {error.strerror}; give another folder") from error
    return list(made)
