"""Commands for lessons, on an example among those that ship."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from regviz import share
from regviz.lesson import books
from regviz.lesson.terms import terms
from tests.cli.running import done, run
from tests.conftest import ROOT
from tests.lesson import example
from tests.report.reading import parse

if TYPE_CHECKING:
    from regviz.lesson.book import Book

EXAMPLE = ROOT / "tests" / "lesson" / "example.ipynb"


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is the one lesson that ships, and the working folder is empty."""
    folder, find = share.folder, books.find
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "77-example.ipynb").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "work").mkdir()

    def found(number: str) -> Book | None:
        return example.book if number == "77" else find(number)

    monkeypatch.setattr(share, "folder", lambda name: notebooks if name == "notebooks" else folder(name))
    monkeypatch.setattr(books, "find", found)
    monkeypatch.setattr(books, "numbers", lambda: ["77"])
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # where its book is


def test_lessons_are_listed() -> None:
    [record] = json.loads(done("lesson", "list", "--format", "json"))
    assert record == {
        "lesson": "77",
        "title": "How many files has the small world?",
        "question": "How many files are 2 servers' worth?",
        "minutes": 5,
        "checks": 3,
        "predictions": 1,
        "archives": "world-v1",
    }
    assert done("lesson", "list").splitlines()[1].startswith("77 ")


@pytest.mark.parametrize("name", ["77", "77-example", "77-example.ipynb"])
def test_a_solution_is_written(name: str) -> None:
    assert done("lesson", "solution", name) == "77-example-solution.ipynb\n"
    made = nbformat.read("77-example-solution.ipynb", as_version=4)
    nbformat.validate(made)
    assert any("rglob" in cell.source for cell in made.cells)
    assert done("lesson", "solution", name, "-o", "mine.ipynb") == "mine.ipynb\n"
    assert Path("mine.ipynb").read_bytes() == Path("77-example-solution.ipynb").read_bytes()


def test_a_page_is_written() -> None:
    result = run("lesson", "page", "77")
    assert (result.exit_code, result.stdout) == (0, "77-example.html\n"), result.output
    page = parse(Path("77-example.html").read_text(encoding="utf-8"))
    assert len([bold for bold in page.all("b") if bold.text == "Right."]) == 3
    assert not Path("lesson-data").exists()  # it ran somewhere else


def test_the_glossary_is_written() -> None:
    assert done("lesson", "glossary") == "glossary.html\n"
    page = parse(Path("glossary.html").read_text(encoding="utf-8"))
    assert len(page.all("dt")) == len(terms())
    assert done("lesson", "glossary", "-o", "terms.csv") == "terms.csv\n"
    rows = list(csv.DictReader(io.StringIO(Path("terms.csv").read_text(encoding="utf-8"))))
    assert [row["term"] for row in rows] == list(terms())


@pytest.mark.parametrize("command", ["solution", "page"])
def test_a_lesson_that_is_not_there_is_said_in_a_line(command: str) -> None:
    result = run("lesson", command, "12")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "regviz: there is no lesson 12: those that ship are 77-example\n"
    result = run("lesson", command, "77", "-o", "no/such/folder/x.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("regviz: ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["list", "solution", "page", "glossary", "collect"])
def test_every_command_explains_itself(command: str) -> None:
    text = done("lesson", command, "--help")
    assert text.startswith(f"Usage: regviz lesson {command} ")
    assert "..." not in done("lesson", "--help").partition("Commands:")[2]
