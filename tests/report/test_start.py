"""The page on which JupyterLab opens leads to every notebook that ships, and to no other."""

from __future__ import annotations

import json
import re
from html import unescape

import nbformat

from regviz import share
from regviz.lesson import lessons
from regviz.report.site import markdown
from regviz.report.start import start_page
from tests.report.reading import parse


def test_every_notebook_has_a_link_and_every_link_a_notebook() -> None:
    page = nbformat.reads(start_page().decode(), as_version=4)
    nbformat.validate(page)
    [cell] = page.cells
    read = parse(markdown(cell.source))
    links = [link.attributes["href"] for link in read.all("a")]
    assert sorted(links) == sorted(path.name for path in share.folder("notebooks").glob("*.ipynb"))
    assert len(read.all("table")) == 2


def test_lessons_say_their_question_and_how_long_they_take() -> None:
    source = "".join(json.loads(start_page())["cells"][0]["source"])
    rows = [re.split(r"\s*(?<!\\)\|\s*", line)[1:-1] for line in source.splitlines() if re.match(r"\| \d\d ", line)]
    said = [(row[0], unescape(row[2]).replace("\\|", "|"), int(row[3])) for row in rows]
    table = lessons()
    assert said == list(zip(table["lesson"], table["question"], table["minutes"], strict=True))


def test_the_page_is_the_same_each_time() -> None:
    """What a person did not change is brought up to date, and what they did is kept: that is told by its bytes."""
    assert start_page() == start_page()
