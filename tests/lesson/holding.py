"""What every lesson must hold: each function says what is wrong with one, and nothing where all is well."""

from __future__ import annotations

import ast
import re
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from regviz.lesson.compare import NotComparableError, same
from regviz.lesson.forms import ANSWER, STUDENT_ONLY
from regviz.lesson.terms import find
from regviz.report.page import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

    from regviz.lesson.book import Book

MOST_FILES = 20
MOST_PATH = 200

_HEADING = re.compile(r"(?m)^(#{1,6})\s+(.+?)\s*#*$")
_FENCED = re.compile(r"(?ms)^```.*?^```$")
_SPAN = re.compile(r"(`+)(?:.|\n)*?\1")
_LINK = re.compile(r"\]\([^)]*\)")
# A reference names a file, a section or a specification, in parentheses.
_REFERENCE = re.compile(
    r"\((?:[^()]|\([^()]*\))*?(?:\.md|\.go|\.py|\bRFC\b|\bspec\b|\bsection\b)(?:[^()]|\([^()]*\))*\)"
)
_NAMED = re.compile(
    r"(?i)\b(?:lessons?|Docker(?: Engine)?|Distribution|docker-registry|registry|server|schema|RFC|SHA|Python|version|"
    r"engine|section|figure|exercise|step)s?\s+(?:(?:before|after|since|until|from|version)\s+)?(?:v?\d[\w.]*(?:(?:,| and| or| to|–|-)\s*)?)+"
)
_YEAR = re.compile(r"\b(?:19[789]\d|20\d\d)s?\b")
_LIST_MARK = re.compile(r"(?m)^\s*\d+[.)]\s")
_NUMBER = re.compile(r"(?<![\w.,#-])\d[\d,]*(?:\.\d+)?(?![\w])(?!\.\d)")
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL)
_BOLD = re.compile(r"<(?:strong|b)>(.*?)</(?:strong|b)>", re.DOTALL)
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_PARTS = ("key points", "exercises", "what this model leaves out")
_GRADES = ("easy", "medium", "open")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def headings(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Level and words of each heading."""
    prose = (_FENCED.sub("", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return [(len(marks), words) for text in prose for marks, words in _HEADING.findall(text)]


def out_of_order(notebook: NotebookNode) -> list[str]:
    """Headings: one of the first level, at the beginning, and none that skips a level."""
    levels = headings(notebook)
    said = [] if levels and levels[0][0] == 1 else ["it does not begin with a heading of the first level"]
    said += [f"a second heading of the first level: {words}" for level, words in levels[1:] if level == 1]
    said += [f"{words!r} skips a level" for (before, _), (level, words) in pairwise(levels) if level > before + 1]
    return said


def missing_parts(notebook: NotebookNode, book: Book) -> list[str]:
    """The fixed parts of a lesson."""
    heads = [words.lower() for _, words in headings(notebook)]
    said = [f"no section {part!r}" for part in _PARTS if part not in heads]
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").lower()
    exercises = text.partition("exercises")[2]
    said += [f"no exercise is called {grade}" for grade in _GRADES if grade not in exercises]
    calls = list(_calls(notebook))
    if not calls or calls[0][0] != "begin":
        said.append("the first call of a lesson is not lesson.begin")
    for kind, wanted in (("check", book.checks), ("predict", book.predictions), ("reveal", book.predictions)):
        called = [id_ for name, id_ in calls if name == kind]
        said += [f"lesson.{kind}({id_!r}) is never called" for id_ in wanted if id_ not in called]
        said += [f"lesson.{kind}({id_!r}) is unknown to the book" for id_ in called if id_ not in wanted]
    if "results" not in [name for name, _ in calls]:
        said.append("lesson.results() is never called")
    for id_ in book.predictions:
        order = [name for name, called in calls if called == id_ and name in ("predict", "reveal")]
        said += [f"{id_} is revealed before it is guessed"] if order[:1] == ["reveal"] else []
    return said


def _calls(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Each call of ``lesson.NAME(ID, …)``, in order."""
    for cell in code_cells(notebook):
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "lesson":
                first = node.args[0] if node.args else None
                yield node.func.attr, str(first.value) if isinstance(first, ast.Constant) else ""


def book_faults(book: Book) -> list[str]:
    """What a book must say of itself."""
    said = [] if 3 <= len(book.checks) <= 6 else [f"it has {len(book.checks)} checks, not 3 to 6"]
    said += [] if book.predictions else ["it has no prediction"]
    said += [] if 0 < book.minutes <= 90 else [f"it takes {book.minutes} minutes"]
    said += [
        f"its {name} are not said" for name in ("objectives", "prerequisites", "archives") if not getattr(book, name)
    ]
    said += (
        []
        if re.search(r"\bhow (?:many|much|large|often|long|far|few)\b|\d", book.question, re.IGNORECASE)
        else ["its question asks for no number"]
    )
    said += [] if book.question.endswith("?") and book.title else ["its question is none, or it has no title"]
    said += [f"{one.id} asks nothing" for one in (*book.checks.values(), *book.predictions.values()) if not one.asks]
    return said


def mistaken_mistakes(book: Book) -> list[str]:
    """Each known wrong answer is wrong, and one that no other is."""
    said = []
    for check in book.checks.values():
        known = [("the truth", check.truth)]
        for mistake in check.mistakes:
            said += [f"{check.id}: {mistake.name} is {other}" for other, value in known if _same(mistake.value, value)]
            known.append((mistake.name, mistake.value))
            said += [] if mistake.hint.strip() else [f"{check.id}: {mistake.name} has no hint"]
    return said


def _same(one: Any, other: Any) -> bool:
    try:
        return same(one, other)
    except NotComparableError:
        return False


def blocked(notebook: NotebookNode) -> list[str]:
    """Cells to complete: each has dots, and a solution without; what is tagged is what has one."""
    said = []
    for number, cell in enumerate(code_cells(notebook), 1):
        solution = cell.metadata.get("regviz", {}).get("solution")
        predicts = "lesson.predict(" in cell.source
        tagged = ANSWER in cell.metadata.get("tags", [])
        if solution is None:
            said += [f"code cell {number} is to complete, and has no solution"] if tagged or predicts else []
            continue
        said += [] if tagged or predicts else [f"code cell {number} has a solution, and is not tagged {ANSWER!r}"]
        said += [] if _has_dots(cell.source) else [f"code cell {number} has no dots to write at"]
        said += [f"the solution of code cell {number} has dots left"] if _has_dots(solution) else []
    return said


def _has_dots(source: str) -> bool:
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(ast.parse(source)))


def undefined_bold(notebook: NotebookNode) -> list[str]:
    """Bold words outside headings are terms of the glossary."""
    return [f"{word!r} is bold and not in the glossary" for word in bold_words(notebook) if find(word) is None]


def bold_words(notebook: NotebookNode) -> list[str]:
    """Every bold word of the prose, headings apart."""
    words = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            html = re.sub(r"<h\d.*?</h\d>", "", markdown(cell.source), flags=re.DOTALL)
            words += [unescape(_TAG.sub("", found)).strip() for found in _BOLD.findall(html)]
    return words


def unfounded_numbers(executed: NotebookNode) -> list[str]:
    """Each number in the prose stands in the code or the output of the code cells beside it.

    Those are the ones before it, back to the prose before, and the ones after it, up to the prose after. Headings, code,
    references, numbers of lessons and versions, and years are no such numbers.
    """
    cells, said = executed.cells, []
    for at, cell in enumerate(cells):
        if cell.cell_type != "markdown":
            continue
        known = {number for beside in _beside(cells, at) for number in _numbers(_text(beside))}
        said += [
            f"{number} stands in no cell beside: {_around(cell.source, number)}"
            for number in prose_numbers(cell.source)
            if number.replace(",", "") not in known
        ]
    return said


def prose_numbers(source: str) -> list[str]:
    for pattern in (_FENCED, _HEADING, _LIST_MARK, _REFERENCE, _LINK, _SPAN, _NAMED, _YEAR):
        source = pattern.sub(" ", source)
    return [number.rstrip(",") for number in _NUMBER.findall(source)]


def _around(source: str, number: str) -> str:
    at = source.find(number)
    return " ".join(source[max(0, at - 30) : at + 30].split())


def _beside(cells: list[NotebookNode], at: int) -> Iterator[NotebookNode]:
    """The nearest code cells before and after, with those that touch them."""
    for order in (range(at - 1, -1, -1), range(at + 1, len(cells))):
        met = False
        for other in order:
            if cells[other].cell_type == "code":
                met = True
                yield cells[other]
            elif met:
                break


def _numbers(text: str) -> set[str]:
    return {found.rstrip(".,").replace(",", "").replace("_", "") for found in re.findall(r"\d[\d,_]*(?:\.\d+)?", text)}


def _text(cell: NotebookNode) -> str:
    return "\n".join([cell.source, *output_texts(cell)])


def output_texts(cell: NotebookNode) -> list[str]:
    """What the outputs of a cell say, without markup."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        texts += [
            output.get("text", ""),
            data.get("text/plain", ""),
            unescape(_TAG.sub(" ", data.get("text/html", ""))),
        ]
    return [text for text in texts if text]


def first_listing(executed: NotebookNode) -> list[str]:
    """The files of the first tree or list of files that a lesson prints."""
    for cell in code_cells(executed):
        for output in cell.outputs:
            lines = str(output.get("text") or output.get("data", {}).get("text/plain", "")).splitlines()
            if len(lines) >= 3 and sum(bool(re.search(r"[/├└│]", line)) for line in lines) * 2 >= len(lines):
                return _leaves(lines)
    return []


def _leaves(lines: list[str]) -> list[str]:
    """Lines that nothing lies below: by their indent, or by their path."""
    deep = [len(re.match(r"[\s│├└─|`-]*", line)[0]) for line in lines] + [0]  # type: ignore[index]
    paths = [line.split()[-1] for line in lines if line.strip()]
    if len(set(deep[:-1])) > 1:
        return [line for at, line in enumerate(lines) if line.strip() and deep[at + 1] <= deep[at]]
    return [path for path in paths if not any(other.startswith(f"{path.rstrip('/')}/") for other in paths)]


def untold_figures(executed: NotebookNode) -> list[str]:
    """A lesson has a figure, and each says in words what it shows."""
    said, figures = [], 0
    for number, cell in enumerate(code_cells(executed), 1):
        for output in cell.outputs:
            data = output.get("data", {})
            html = data.get("text/html", "")
            pictures = _SVG.findall(html) + ([data["image/svg+xml"]] if "image/svg+xml" in data else [])
            figures += len(pictures)
            said += [
                f"a figure of code cell {number} has no title"
                for svg in pictures
                if not re.search(r"<title[^>]*>[^<]", svg)
            ]
            said += [f"a figure of code cell {number} has no text twin" for _ in pictures if not _has_twin(html, data)]
            said += [
                f"a picture of code cell {number} has no alternative: use show.figure"
                for kind in data
                if kind.startswith("image/") and kind != "image/svg+xml"
            ]
            said += [
                f"an image of code cell {number} has no alt"
                for tag in re.findall(r"<img\b[^>]*>", html)
                if not re.search(r'\balt="[^"]', tag)
            ]
    return said + ([] if figures else ["it has no figure"])


def _has_twin(html: str, data: dict[str, Any]) -> bool:
    """A table beneath, or a text of some length that stands for it."""
    return 'class="numbers"' in html or len(data.get("text/plain", "")) > 80


def student_only(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if STUDENT_ONLY in cell.metadata.get("tags", [])]
