"""The three forms of a lesson, its page and the glossary's, as a person meets them; one lesson goes through a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from regviz import share
from regviz.errors import RegvizError
from regviz.lesson import forms
from regviz.lesson.terms import terms
from regviz.report import report
from regviz.report.lessons import LESSON, glossary_page
from regviz.report.page import render
from tests.conftest import ROOT
from tests.lesson.loading import loads
from tests.report.reading import Element, parse

EXAMPLE = Path(__file__).with_name("example.ipynb")


def student() -> nbformat.NotebookNode:
    return nbformat.read(EXAMPLE, as_version=4)


def test_the_solution_has_the_answers_and_what_explains_them() -> None:
    made = forms.solution(student())
    nbformat.validate(made)
    text = json.dumps(made)
    assert "..." not in "".join(cell.source for cell in made.cells if cell.cell_type == "code")
    assert "Each of the 11 tags is a file" in text
    assert '"solution"' not in text
    assert [cell.source for cell in made.cells if "student-only" in cell.metadata.get("tags", [])] != []
    assert student() == nbformat.read(EXAMPLE, as_version=4)  # the student's stays as it is


def test_the_page_is_the_solution_without_what_is_for_students() -> None:
    made = forms.report(student())
    assert "Work through the cells" not in json.dumps(made)
    assert len(made.cells) == len(forms.solution(student()).cells) - 1
    nbformat.validate(made)


def test_a_notebook_that_is_no_lesson_stays_as_it_is() -> None:
    for path in share.folder("notebooks").glob("*.ipynb"):
        if path.stem not in forms.names():
            notebook = nbformat.read(path, as_version=4)
            assert not forms.is_lesson(notebook)
            assert forms.report(notebook) == notebook


def test_cells_with_metadata_that_nobody_foresaw() -> None:
    odd = [
        new_code_cell("x = ...", metadata={"regviz": "text"}),
        new_code_cell("y = ...", metadata={"regviz": {"solution": 3, "explanation": [], "other": 1}}),
        new_markdown_cell("", metadata={"tags": []}),
    ]
    made = forms.report(new_notebook(cells=odd))
    assert [cell.source for cell in made.cells] == ["x = ...", "y = ...", ""]
    assert made.cells[1].metadata == {"regviz": {"other": 1}}


def test_a_lesson_that_is_not_there_is_said() -> None:
    with pytest.raises(RegvizError, match="there is no lesson 77: those that ship are"):
        forms.path_of("77")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The example through a real kernel, as `regviz report --notebook` makes it."""
    folder = tmp_path_factory.mktemp("page")
    own = folder / "example.ipynb"
    own.write_bytes(EXAMPLE.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # where its book is
        made = report(ROOT / "data" / "world-v1.tar.gz", folder / "page.html", notebook=own)
    assert (folder / "lesson-data" / "results-77.json").is_file()
    return made.read_text(encoding="utf-8")


def test_a_lesson_as_a_page(page: str) -> None:
    read = parse(page)
    assert read.one("head").one("title").text == "How many files has the small world? · regviz"
    assert read.one("header").one("p", class_="kind").text == "Lesson"
    assert loads(page) == []
    assert read.all("pre", class_="stderr") == []
    assert [head.text for head in read.all("b") if head.text == "Right."] == ["Right."] * 3
    assert "Work through the cells" not in read.text
    assert "Each of the 11 tags is a file" in read.text
    assert len(read.all("div", class_="code")) == len([cell for cell in student().cells if cell.cell_type == "code"])
    assert "A guess:" in read.text
    assert "Run on to see" not in read.text
    assert read.all("svg", class_="regviz")


def test_its_terms_are_explained_where_they_stand_and_at_the_end(page: str) -> None:
    read = parse(page)
    links = read.all("a", class_="term")
    assert [link.text for link in links] == ["tag", "repository"]
    for link in links:
        assert link.attributes["title"] == terms()[link.text].definition
        target = link.attributes["href"].removeprefix("#")
        [told] = [dt for dt in read.all("dt") if dt.attributes.get("id") == target]
        assert told.text == link.text
    assert read.all("h2")[-1].text == "Words of this lesson"
    assert "Words of this lesson" in [link.text for link in read.one("nav").all("a")]


def test_bold_in_headings_and_words_that_are_no_terms_are_left_alone() -> None:
    cells = [new_markdown_cell("# The **tag**\n\n**Never**, a **tag** and **<i>digests</i>**.")]
    read = parse(render(new_notebook(cells=cells), title="x", kind=LESSON))
    assert [link.text for link in read.all("a", class_="term")] == ["tag", "digests"]
    assert [bold.text for bold in read.all("strong")] == ["tag", "Never", "tag", "digests"]


def test_a_page_without_terms_has_no_list_of_them() -> None:
    read = parse(render(new_notebook(cells=[new_markdown_cell("# Nothing")]), title="x", kind=LESSON))
    assert read.all("h2") == []
    assert read.all("dt") == []


def test_the_glossary_is_a_page() -> None:
    html = glossary_page()
    read = parse(html)
    assert loads(html) == []
    assert [dt.text for dt in read.all("dt")] == list(terms())
    ids = [element.attributes["id"] for element in every(read) if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    assert all(link.attributes["href"].removeprefix("#") in ids for link in read.one("main").all("a"))


def every(element: Element) -> list[Element]:
    children = [child for child in element.children if isinstance(child, Element)]
    return [*children, *(below for child in children for below in every(child))]
