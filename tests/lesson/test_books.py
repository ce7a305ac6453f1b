"""Every lesson that ships: its book, its three forms, and what each must hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest

from regviz import share
from regviz.lesson import books, forms
from regviz.lesson import state as states
from regviz.lesson.book import archive, files
from regviz.lesson.calls import judge
from regviz.lesson.shipped import FOLDER
from regviz.lesson.terms import terms, words
from tests.lesson import holding, running
from tests.lesson.loading import loads
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

    from regviz.lesson.book import Book

NUMBERS = books.numbers()
LESSONS = 11


def shipped(number: str) -> Path:
    return share.folder("notebooks") / f"{next(name for name in forms.names() if name.startswith(number))}.ipynb"


def student(number: str) -> NotebookNode:
    return nbformat.read(shipped(number), as_version=4)


def book_of(number: str) -> Book:
    book = books.find(number)
    assert book is not None
    assert book.number == number
    return book


def test_every_book_has_a_notebook_and_every_lesson_a_book() -> None:
    assert [name[:2] for name in forms.names()] == NUMBERS


def laid_out(number: str) -> str:
    """Code of the notebook that unpacks archives."""
    return " ".join(re.findall(r"lay_out\([^)]*\)", "".join(cell.source for cell in student(number).cells)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_book_says_what_it_must(number: str) -> None:
    book = book_of(number)
    assert holding.book_faults(book) == []
    assert holding.missing_parts(student(number), book) == []
    for name in book.archives:
        assert archive(name).is_file()
        paths = files(name)
        longest = max(len(str(FOLDER / name / path)) for path in paths)
        assert longest < holding.MOST_PATH or name not in laid_out(number)
        assert len({path.lower() for path in paths}) == len(paths)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_known_mistake_is_wrong_and_gives_its_hint(number: str) -> None:
    book = book_of(number)
    assert holding.mistaken_mistakes(book) == []
    for check in book.checks.values():
        for mistake in check.mistakes:
            state, name, shown = judge(check, mistake.value)
            assert (state, name) == (states.WRONG, mistake.name)
            assert mistake.hint in shown.text


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notebook_is_written_as_a_lesson(number: str) -> None:
    notebook = student(number)
    assert holding.out_of_order(notebook) == []
    assert holding.blocked(notebook) == []
    assert holding.undefined_bold(forms.solution(notebook)) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_reader_who_skips_everything_reaches_the_end(number: str, lessons_ran: Path) -> None:
    done = running.both(shipped(number), lessons_ran / number)["student"]
    book = book_of(number)
    checks = [row for row in done.results if row["kind"] == "check"]
    assert [(row["id"], row["state"], row["truth"]) for row in checks] == [
        (id_, states.UNANSWERED, None) for id_ in book.checks
    ]
    predictions = [row for row in done.results if row["kind"] == "prediction"]
    assert [(row["id"], row["state"]) for row in predictions] == [(id_, states.SKIPPED) for id_ in book.predictions]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right_and_quick(number: str, lessons_ran: Path) -> None:
    done = running.both(shipped(number), lessons_ran / number)["solution"]
    wrong = [row for row in done.results if row["kind"] == "check" and row["state"] != states.RIGHT]
    assert wrong == []
    assert {row["state"] for row in done.results if row["kind"] == "prediction"} == {states.GUESSED}
    assert done.seconds < book_of(number).minutes * 60


@pytest.mark.parametrize("number", NUMBERS)
def test_what_the_prose_says_stands_beside_it(number: str, lessons_ran: Path) -> None:
    executed = running.both(shipped(number), lessons_ran / number)["solution"].notebook
    assert holding.unfounded_numbers(executed) == []
    assert holding.untold_figures(executed) == []
    listed = holding.first_listing(executed)
    assert 0 < len(listed) <= holding.MOST_FILES, listed


@pytest.mark.parametrize("number", NUMBERS)
def test_its_page_loads_nothing_and_has_no_cell_for_students(number: str, lessons_ran: Path) -> None:
    ran = running.both(shipped(number), lessons_ran / number)
    html = running.page(ran)
    page = parse(html)
    assert page.all("pre", class_="stderr") == []
    assert len(page.all("h1")) == 1
    text = re.sub(r"[\s*`#]+", "", page.text)
    for cell in holding.student_only(ran["solution"].notebook):
        assert re.sub(r"[\s*`#]+", "", cell.source)[:60] not in text
    assert loads(html) == []


def test_every_term_of_the_glossary_is_used_in_a_lesson() -> None:
    """Once all lessons are there: a term may come before the lesson that needs it."""
    cells = [cell for number in NUMBERS for cell in forms.solution(student(number)).cells]
    prose = " ".join(words(cell.source) for cell in cells if cell.cell_type == "markdown")

    def is_used(word: str) -> bool:
        return re.search(rf"\b{re.escape(words(word))}s?\b", prose) is not None

    unused = [name for name, term in terms().items() if not any(map(is_used, (name, *term.aliases)))]
    assert unused == [] or len(NUMBERS) < LESSONS
