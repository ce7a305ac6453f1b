"""The checks of lessons notice what they are there for: an example passes them, and each way of breaking it is found."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from regviz.lesson import forms
from regviz.lesson.book import Book
from tests.lesson import example, holding, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbformat import NotebookNode

PATH = Path(__file__).with_name("example.ipynb")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, running.Ran]:
    return running.both(PATH, tmp_path_factory.mktemp("example") / "77")


def student() -> NotebookNode:
    return nbformat.read(PATH, as_version=4)


def test_the_example_is_as_it_should_be(ran: dict[str, running.Ran]) -> None:
    notebook, executed = student(), ran["solution"].notebook
    assert holding.book_faults(example.book) == []
    assert holding.mistaken_mistakes(example.book) == []
    assert holding.missing_parts(notebook, example.book) == []
    assert holding.out_of_order(notebook) == []
    assert holding.blocked(notebook) == []
    assert holding.undefined_bold(forms.solution(notebook)) == []
    assert holding.unfounded_numbers(executed) == []
    assert holding.untold_figures(executed) == []


def test_both_forms_ran_and_recorded(ran: dict[str, running.Ran]) -> None:
    states = {form: [row["state"] for row in done.results] for form, done in ran.items()}
    assert states == {"student": ["unanswered"] * 3 + ["skipped"], "solution": ["right"] * 3 + ["guessed"]}
    assert ran["solution"].results[0]["truth"] == 11  # find registry -name 'tag_*' | wc -l
    listed = holding.first_listing(ran["student"].notebook)
    assert listed == [
        f"repositories/library/nodejs/{name}"
        for name in ("_index_images", "json", "tag0.10_json", "tag_0.10", "tag_latest", "taglatest_json")
    ]


def test_a_cell_that_fails_is_said(tmp_path: Path) -> None:
    notebook = student()
    notebook.cells.append(new_code_cell("1 / 0"))
    nbformat.write(notebook, tmp_path / "broken.ipynb")
    with pytest.raises(AssertionError, match="division by zero"):
        running.both(tmp_path / "broken.ipynb", tmp_path / "run")


def cell_with(notebook: NotebookNode, words: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if words in cell.source)


def changed(words: str, *, to: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell = cell_with(notebook, words)
        cell.source = cell.source.replace(words, to)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("## Key points", to="## Points"), "no section 'key points'"),
        (changed("### Open", to="### Hard"), "no exercise is called open"),
        (changed("## What this model leaves out", to="## More"), "no section 'what this model leaves out'"),
        (changed("lesson.begin(book)", to="book"), "the first call of a lesson is not lesson.begin"),
        (changed('lesson.check("77.2", repositories)', to=""), "lesson.check('77.2') is never called"),
        (changed('"77.2"', to='"77.8"'), "lesson.check('77.8') is unknown to the book"),
        (changed('lesson.reveal("77.a")', to=""), "lesson.reveal('77.a') is never called"),
        (changed("lesson.results()", to=""), "lesson.results() is never called"),
    ],
)
def test_a_missing_part_is_noticed(change: Callable[[NotebookNode], None], said: str) -> None:
    notebook = student()
    change(notebook)
    assert said in holding.missing_parts(notebook, example.book)


def test_a_lesson_that_reveals_first_is_noticed() -> None:
    notebook = student()
    cells = [cell_with(notebook, word) for word in ("lesson.predict", "lesson.reveal")]
    cells[0].source, cells[1].source = cells[1].source, cells[0].source
    assert "77.a is revealed before it is guessed" in holding.missing_parts(notebook, example.book)


def test_headings_out_of_order_are_noticed() -> None:
    notebook = student()
    notebook.cells[2].source = "### Deep\n\n```\n# a comment\n```\n\n# Again"
    assert holding.out_of_order(notebook) == ["a second heading of the first level: Again", "'Deep' skips a level"]
    notebook.cells[0].source = "No heading"
    assert holding.out_of_order(notebook)[0] == "it does not begin with a heading of the first level"


def test_answers_without_dots_or_solution_are_noticed() -> None:
    notebook = student()
    cell_with(notebook, "tags = ...").source = "tags = 3"
    cell_with(notebook, "repositories = ...").metadata.regviz.solution = "repositories = ..."
    del cell_with(notebook, "longest = ...").metadata["regviz"]
    cell_with(notebook, "lesson.begin").metadata["regviz"] = {"solution": "x = 1"}
    assert holding.blocked(notebook) == [
        "code cell 1 has a solution, and is not tagged 'answer'",
        "code cell 1 has no dots to write at",
        "code cell 7 has no dots to write at",
        "the solution of code cell 9 has dots left",
        "code cell 10 is to complete, and has no solution",
    ]


def test_bold_that_is_no_term_is_noticed() -> None:
    notebook = student()
    notebook.cells.append(new_markdown_cell("## **Never** mind\n\nThis is **important**, <b>too</b>, and `**code**`."))
    assert holding.undefined_bold(notebook) == [
        "'important' is bold and not in the glossary",
        "'too' is bold and not in the glossary",
    ]


@pytest.mark.parametrize(
    ("prose", "left"),
    [
        ("It takes 1,234 bytes, or 1.21 KiB: 45 % of 2.", ["1,234", "1.21", "45", "2"]),
        ("## 7 ways\n\n1. First\n2. Second, in `8 files`", []),
        (
            "See lessons 01 and 05, Docker 1.10, docker-registry 0.9.1, schema 2, Distribution before 3.0 and lesson 3 in 2014; sha256.",
            [],
        ),
        ("A blob (OCI image-spec 1.1, layout.md, section 4) and (RFC 6838) but (not 9)", ["9"]),
        ("The range 3-5, and 17.", ["3", "17"]),
        ("```\n12\n```\n[a link](page-13.html) and 14", ["14"]),
    ],
)
def test_which_numbers_are_numbers_of_the_prose(prose: str, left: list[str]) -> None:
    assert holding.prose_numbers(prose) == left


def test_a_number_without_its_cell_is_noticed(ran: dict[str, running.Ran]) -> None:
    notebook = copy.deepcopy(ran["solution"].notebook)
    cell_with(notebook, "It has 238 files").source = "It has 238 files and 7,777 more, of 335,018 bytes."
    assert holding.unfounded_numbers(notebook) == [
        "7,777 stands in no cell beside: It has 238 files and 7,777 more, of 335,018 bytes."
    ]
    far = nbformat.v4.new_notebook(
        cells=[
            new_code_cell("x = 5"),
            new_markdown_cell("..."),
            new_code_cell("y = 6"),
            new_markdown_cell("It is 5 or 6."),
        ]
    )
    assert holding.unfounded_numbers(far) == ["5 stands in no cell beside: It is 5 or 6."]


def test_what_a_long_first_listing_is() -> None:
    def listed(text: str) -> int:
        cells = [
            new_code_cell("1", outputs=[new_output("stream", text="one\ntwo\nthree\n")]),
            new_code_cell("2", outputs=[new_output("stream", text=text)]),
        ]
        return len(holding.first_listing(nbformat.v4.new_notebook(cells=cells)))

    assert listed("a\na/b\na/b/c\na/b/d\n") == 2
    assert listed("a/\n├── b\n│   └── c\n└── d\n") == 2
    assert listed("\n".join(f"x/{n}" for n in range(30))) == 30
    assert listed("no list") == 0


def test_figures_without_words_are_noticed() -> None:
    svg = '<svg class="regviz"><title>It is so</title></svg>'

    def said(**data: str) -> list[str]:
        mime = {name.replace("__", "/").replace("_svg", "+svg"): value for name, value in data.items()}
        outputs = [new_output("display_data", data=mime)]
        return holding.untold_figures(nbformat.v4.new_notebook(cells=[new_code_cell("1", outputs=outputs)]))

    assert said(text__html=f'{svg}<details class="numbers"></details>') == []
    assert said(text__html=svg, text__plain="x" * 81) == []
    assert said(text__html=svg) == ["a figure of code cell 1 has no text twin"]
    assert said(text__html='<svg></svg><details class="numbers">') == ["a figure of code cell 1 has no title"]
    assert said(image__png="x") == ["a picture of code cell 1 has no alternative: use show.figure", "it has no figure"]
    assert said(text__html=f'{svg}<details class="numbers"><img src="x">') == ["an image of code cell 1 has no alt"]


def test_faults_of_a_book_are_noticed() -> None:
    book = Book("78", title="", question="Why", minutes=0)
    assert holding.book_faults(book) == [
        "it has 0 checks, not 3 to 6",
        "it has no prediction",
        "it takes 0 minutes",
        "its objectives are not said",
        "its prerequisites are not said",
        "its archives are not said",
        "its question asks for no number",
        "its question is none, or it has no title",
    ]

    @book.check("78.1", asks="")
    def truth() -> int:
        return 4

    @truth.mistake("")
    def equal() -> float:
        return 4.0

    @truth.mistake("Too few.")
    def fewer() -> int:
        return 3

    @truth.mistake("Too few, again.")
    def less() -> int:
        return 3

    assert "78.1 asks nothing" in holding.book_faults(book)
    assert holding.mistaken_mistakes(book) == [
        "78.1: equal is the truth",
        "78.1: equal has no hint",
        "78.1: less is fewer",
    ]
