"""Three forms of one lesson: the student's, which is the notebook that ships, its solution, and what a page shows.

What the other two need stands in the metadata of the student's cells: ``regviz.solution`` is a whole cell's source with
the answer in it, ``regviz.explanation`` is prose that follows it. A cell tagged ``student-only`` is for who is at work.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from regviz import share
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

OURS = "regviz"
SOLUTION, EXPLANATION = "solution", "explanation"
ANSWER, STUDENT_ONLY = "answer", "student-only"
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_MARKUP = re.compile(r"[*`]+")
_NAME = re.compile(r"\d\d-[a-z0-9-]+")


def names() -> list[str]:
    """The notebooks of the lessons that ship, in order, without their suffix.

    Examples
    --------
    >>> names() == sorted(names())
    True
    """
    return sorted(path.stem for path in share.folder("notebooks").glob("*.ipynb") if _NAME.fullmatch(path.stem))


def path_of(number: str) -> Path:
    """The notebook of a lesson.

    Parameters
    ----------
    number : str
        ``"01"``, ``"1"``, or the name of its notebook.

    Raises
    ------
    RegvizError
        No lesson that ships has this number; the message lists those that do.

    Examples
    --------
    >>> path_of("99")
    Traceback (most recent call last):
    regviz.errors.RegvizError: there is no lesson 99: ...
    """
    ours = names()
    for name in ours:
        if number in (name, f"{name}.ipynb") or number.zfill(2) == name[:2]:
            return share.folder("notebooks") / f"{name}.ipynb"
    raise RegvizError(f"there is no lesson {number}: those that ship are {', '.join(ours) or 'none'}")


def is_lesson(notebook: NotebookNode) -> bool:
    """Whether a notebook has answers to make: then it has other forms than the student's.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> cell = new_code_cell("x = ...", metadata={"regviz": {"solution": "x = 1"}})
    >>> is_lesson(new_notebook(cells=[cell])), is_lesson(new_notebook())
    (True, False)
    """
    return any(SOLUTION in _own(cell) for cell in notebook.cells)


def solution(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its solutions put in, and with what explains them.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> own = {"solution": "x = 1", "explanation": "One is the first."}
    >>> made = solution(new_notebook(cells=[new_code_cell("x = ...", metadata={"regviz": own})]))
    >>> [(cell.cell_type, cell.source) for cell in made.cells]
    [('code', 'x = 1'), ('markdown', 'One is the first.')]
    """
    from nbformat.v4 import new_markdown_cell

    made = copy.deepcopy(notebook)
    cells = []
    for cell in made.cells:
        own = _own(cell)
        cells.append(cell)
        if isinstance(own.get(SOLUTION), str):
            cell.source = own[SOLUTION]
        if isinstance(own.get(EXPLANATION), str):
            cells.append(new_markdown_cell(own[EXPLANATION], id=f"{cell.get('id', 'cell')[:56]}-why"))
        left = {name: value for name, value in own.items() if name not in (SOLUTION, EXPLANATION)}
        cell.metadata.pop(OURS, None)
        cell.metadata.update({OURS: left} if left else {})
    made.cells = cells
    return made


def report(notebook: NotebookNode) -> NotebookNode:
    """The form that a page shows: solved, without the cells that make sense only at work.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> cells = [new_markdown_cell("Try it.", metadata={"tags": ["student-only"]}), new_markdown_cell("It is so.")]
    >>> [cell.source for cell in report(new_notebook(cells=cells)).cells]
    ['It is so.']
    """
    made = solution(notebook)
    made.cells = [cell for cell in made.cells if STUDENT_ONLY not in cell.metadata.get("tags", [])]
    return made


def heading(notebook: NotebookNode) -> str:
    r"""The first heading, without markup; empty where there is none.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> heading(new_notebook(cells=[new_markdown_cell("# What *is* this?\n\nIt is a test.")]))
    'What is this?'
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := _HEADING.search(cell.source)):
            return _MARKUP.sub("", found[1]).strip()
    return ""


def _own(cell: NotebookNode) -> dict[str, Any]:
    own = cell.metadata.get(OURS, {})
    return dict(own) if isinstance(own, dict) else {}
