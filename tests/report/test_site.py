"""The site of the notebooks' pages, made of the world that ships."""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from regviz import share
from regviz.errors import RegvizError
from regviz.lesson.forms import names as lesson_names
from regviz.report.site import first_picture, introduction, shipped, site, with_link_back
from tests.conftest import ROOT, site_pages
from tests.helpers import Store
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path


def test_every_notebook_is_in_the_index_with_its_title_a_sentence_and_a_picture(pages: Path) -> None:
    index = parse((pages / "index.html").read_text(encoding="utf-8"))
    notebooks, lessons = index.one("ul", class_="rv-index"), index.all("ol", class_="rv-index")
    entries = [*notebooks.all("li"), *(entry for each in lessons for entry in each.all("li"))]
    names = [entry.one("a").attributes["href"].removesuffix(".html") for entry in entries]
    assert names == site_pages()
    assert [head.text for head in index.all("h2")] == ["Lessons"] * bool(lesson_names())
    assert {path.stem for path in share.folder("notebooks").glob("*.ipynb")} == set(shipped())
    assert shipped()[len(shipped()) - len(lesson_names()) :] == lesson_names()
    pictures = []
    for name, entry in zip(names, entries, strict=True):
        page = parse((pages / f"{name}.html").read_text(encoding="utf-8"))
        title = entry.one("span", class_="name").text
        assert page.one("head").one("title").text == f"{title} · regviz"
        assert [head.text for head in page.all("h1")] == [title]
        assert entry.one("span", class_="sentence").text.endswith((".", "?"))
        picture = entry.one("span", class_="picture")
        assert picture.attributes["aria-hidden"] == "true"  # the link has its title, and the page the figure
        drawn = [svg.one("title").text for svg in page.all("svg", class_="regviz")]
        expected = next((said for said in drawn if said not in pictures), drawn[0])
        pictures.append(picture.one("svg").one("title").text)
        assert pictures[-1] == expected


def test_every_page_leads_back_and_no_cell_failed(pages: Path) -> None:
    for name in site_pages():
        page = parse((pages / f"{name}.html").read_text(encoding="utf-8"))
        assert page.one("header").one("a").attributes["href"] == "index.html"
        assert page.all("figure")
        assert page.all("pre", class_="stderr") == []


def test_pages_load_nothing(pages: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for file in sorted(pages.glob("*.html")):
        monkeypatch.setattr(sys, "argv", ["loads_nothing.py", str(file)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / ".ci" / "loads_nothing.py"), run_name="__main__")
        assert ended.value.code == 0, capsys.readouterr().out


def test_some_notebooks_of_a_source_whose_name_is_no_html(tmp_path: Path) -> None:
    Store(tmp_path / "<b>").image("only", [b"its layer"], "latest")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "own.txt").write_text("mine")
    index = site(tmp_path / "out", tmp_path / "<b>", notebooks=["history"])
    assert sorted(path.name for path in index.parent.iterdir()) == ["history.html", "index.html", "own.txt"]
    lead = parse(index.read_text(encoding="utf-8")).one("p", class_="lead")
    assert "show <b>, which has 1 repository and 1 tag," in " ".join(lead.text.split())


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegvizError, match=r"cannot be written to .*; give another folder"):
        site(tmp_path / "file" / "below")


def test_a_notebook_is_introduced_by_its_first_sentence() -> None:
    first = "# What is *this*?\n\nOne `x` sentence,\nof two lines. Another."
    said = introduction("a", new_notebook(cells=[new_code_cell("1"), new_markdown_cell(first)]))
    assert (said.title, said.sentence) == ("What is <em>this</em>?", "One <code>x</code> sentence, of two lines.")
    about = {"regviz": {"about": "It says so itself."}}
    assert (
        introduction("a", new_notebook(cells=[new_markdown_cell(first)], metadata=about)).sentence
        == about["regviz"]["about"]
    )
    for other in ("no heading", "# A heading alone", ""):
        with pytest.raises(RegvizError, match=r"a\.ipynb must begin with a heading and a sentence"):
            introduction("a", new_notebook(cells=[new_markdown_cell(other)]))


def test_a_picture_is_shown_once_where_there_is_another() -> None:
    svg = '<svg id="a" class="regviz"><title id="t">A</title><rect/></svg>'
    seen: set[str] = set()
    assert first_picture(f"<p>{svg}</p>", seen) == svg
    assert first_picture(f"<p>{svg}</p>{svg.replace('A', 'B')}", seen) == svg.replace("A", "B")
    assert first_picture(f"<p>{svg}</p>", seen) == svg  # there is no other
    assert first_picture('<svg class="other"><title>B</title></svg>', seen) == ""


def test_a_page_without_the_place_for_the_link_is_no_page_of_ours() -> None:
    with pytest.raises(RegvizError, match="no place"):
        with_link_back("<p>another template</p>")
