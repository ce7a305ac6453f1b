"""The page that is made of an executed notebook."""

from __future__ import annotations

import base64
import hashlib
import runpy
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from regviz.report.page import render
from tests.conftest import ROOT
from tests.report.reading import Element, parse

if TYPE_CHECKING:
    from pathlib import Path


def page(*cells: Any, title: str = "a registry") -> Element:
    return parse(render(new_notebook(cells=list(cells)), title=title))


def code(source: str, **data: str) -> Any:
    outputs = [new_output("execute_result", data=data, execution_count=1)] if data else []
    return new_code_cell(source, outputs=outputs)


def test_the_policy_names_the_only_script_and_allows_no_address() -> None:
    made = page()
    policy = made.all("meta")[1]
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    rules = dict(rule.split(" ", 1) for rule in policy.attributes["content"].split("; "))
    digest = base64.b64encode(hashlib.sha256(made.one("script").text.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_page_loads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render(new_notebook(cells=[new_markdown_cell("## A")]), title="x"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["loads_nothing.py", str(file)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / ".ci" / "loads_nothing.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


def test_the_page_has_a_language_a_title_and_landmarks() -> None:
    made = page(new_markdown_cell("## A question?"), title="prod <1>")
    assert made.one("html").attributes["lang"] == "en"
    assert made.one("title").text == "prod <1> · regviz"
    assert made.one("h1").text == "prod <1>"
    for landmark in ("header", "main", "footer"):
        made.one(landmark)
    skip = made.one("a", class_="skip")
    assert skip.attributes["href"] == f"#{made.one('main').attributes['id']}"


def test_the_contents_lead_to_every_section() -> None:
    made = page(new_markdown_cell("## Where are *my* bytes?\n\ntext"), new_markdown_cell("### not this\n## Next"))
    links = made.one("nav").all("a")
    assert [link.text for link in links] == ["Where are my bytes?", "Next"]
    assert [link.attributes["href"][1:] for link in links] == [head.attributes["id"] for head in made.all("h2")]
    assert page(new_markdown_cell("no section")).all("nav") == []


def test_a_notebook_with_a_heading_of_its_own_keeps_it() -> None:
    made = page(new_markdown_cell("# Mine"), title="the title")
    assert [head.text for head in made.all("h1")] == ["Mine"]
    assert made.one("title").text == "the title · regviz"


def test_cells_for_the_notebook_only_are_left_out() -> None:
    tag = {"tags": ["notebook-only"]}
    made = page(new_markdown_cell("# Live", metadata=tag), new_code_cell("secret = 1", metadata=tag))
    assert "secret" not in made.one("main").text
    assert [head.text for head in made.all("h1")] == ["a registry"]


def test_code_is_folded_beneath_what_it_shows() -> None:
    cell = page(code("x < 1", **{"text/html": "<p>shown</p>"})).one("div", class_="cell")
    first, last = (child for child in cell.children if isinstance(child, Element))
    assert (first.tag, first.text) == ("p", "shown")
    assert last.has("class", "code")
    assert "open" not in last.attributes
    assert last.one("pre").text.strip() == "x < 1"


@pytest.mark.parametrize(
    ("data", "tag", "text"),
    [
        ({"text/plain": "<b>1</b>"}, "pre", "<b>1</b>"),
        ({"text/markdown": "*so*"}, "em", "so"),
        ({"text/html": "<h4>x</h4>", "text/plain": "y"}, "h4", "x"),
        ({"application/vnd.jupyter.widget-view+json": "{}", "text/plain": "Box()"}, "p", "Here the notebook"),
    ],
)
def test_the_richest_form_of_an_output_is_shown(data: dict[str, str], tag: str, text: str) -> None:
    shown = page(code("x", **data)).one("div", class_="cell").all(tag)
    assert shown[0].text.startswith(text)


def test_a_picture_is_in_the_page_and_has_words() -> None:
    picture = page(code("x", **{"image/png": "iVBORw0KGgo=\n"})).one("img")
    assert picture.attributes["src"] == "data:image/png;base64,iVBORw0KGgo="
    assert picture.attributes["alt"]


def test_what_a_cell_prints_is_text_without_terminal_codes() -> None:
    cell = new_code_cell("print()", outputs=[new_output("stream", name="stdout", text="\x1b[31m<b>red</b>\x1b[0m")])
    shown = page(cell).one("pre", class_="stdout")
    assert shown.text == "<b>red</b>"


def test_a_notebook_is_not_changed_by_its_page() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("## A"), code("x", **{"text/plain": "1"})])
    before = nbformat.writes(notebook)
    render(notebook, title="x")
    assert nbformat.writes(notebook) == before


def test_a_wide_table_scrolls_and_can_be_reached_by_the_keyboard() -> None:
    frame = pd.DataFrame({"a": [1]})
    shown = new_output("display_data", data={"text/html": frame._repr_html_()})
    prose = new_markdown_cell('| a |\n|---|\n| 1 |\n\n<table class="own"><tr><td>2</td></tr></table>')
    read = page(prose, new_code_cell("frame", outputs=[shown]))
    scrolling = read.all("div", class_="scroll")
    assert [len(each.all("table")) for each in scrolling] == [1, 1]
    assert {each.attributes["tabindex"] for each in scrolling} == {"0"}
    assert len(read.all("table")) == 3
