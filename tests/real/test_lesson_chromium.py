"""Lesson 01 as a learner has it: `regviz lab` in a folder of one's own, in Chromium, with answers written into cells."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from regviz.lesson import books
from tests.real.jupyter import PATIENCE, jupyterlab, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.real

BOOK = "01-push.ipynb"
FIGURES = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lesson")


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    """The lesson, open in JupyterLab as `regviz lab` starts it without a source; nothing was run."""
    with jupyterlab(folder) as address, opened(address, BOOK) as page:
        yield page


def cell(page: Page, id_: str) -> Locator:
    """The code cell that asks something; it is scrolled to, as JupyterLab draws what is in sight alone."""
    found = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=f'("{id_}"')).first
    panel = page.locator(".jp-WindowedPanel-outer").first
    panel.evaluate("panel => panel.scrollTo(0, 0)")
    while not found.count():
        before = panel.evaluate("panel => panel.scrollTop")
        panel.evaluate("panel => panel.scrollBy(0, 400)")
        page.wait_for_timeout(50)  # it draws in its own time
        assert panel.evaluate("panel => panel.scrollTop") > before, f"no cell has {id_}"
    found.scroll_into_view_if_needed()
    return found


def answer(page: Page, id_: str, source: str) -> Locator:
    """Write a cell anew, and run it; what it shows."""
    found = cell(page, id_)
    found.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    return found.locator(".jp-OutputArea-output").last


def test_nobody_is_asked_anything_and_all_cells_run(page: Page, folder: Path) -> None:
    assert page.locator(".jp-Dialog").count() == 0
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
    expect(cell(page, "01.6").locator(".rv-answer.unanswered")).to_contain_text("Not answered yet", timeout=PATIENCE)
    outputs = saved(page, folder)
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    shown = "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
    assert shown.count("<svg") == FIGURES
    book = books.find("01")
    assert book is not None
    for check in book.checks.values():  # nothing gives an answer away
        assert check.why not in shown


def saved(page: Page, folder: Path) -> list[nbformat.NotebookNode]:
    """The outputs of the notebook, once it is saved with every cell run: cells below the last question may still run."""
    page.keyboard.press("Escape")
    until = time.monotonic() + PATIENCE / 1000
    while True:
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0, timeout=PATIENCE)
        notebook = nbformat.read(folder / "work" / BOOK, as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if all(cell.execution_count for cell in cells):
            return [output for cell in cells for output in cell.outputs]
        assert time.monotonic() < until, "not every cell was run"
        page.wait_for_timeout(200)


def test_a_guess_is_kept_until_the_truth_is_shown(page: Page) -> None:
    """Of a lesson that is begun anew: where the truth was shown, a guess would count no more."""
    begun = answer(page, "01", 'lesson.begin("01", fresh=True)')
    expect(begun.locator(".question")).to_contain_text("How many files does it write?")
    expect(answer(page, "01.a", 'lesson.predict("01.a", 6)').locator(".rv-answer.guessed")).to_contain_text(
        "Kept: 6 files"
    )
    reveal = cell(page, "01.a").locator("xpath=following::*[contains(@class, 'jp-CodeCell')][2]")
    reveal.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(reveal.locator(".rv-reveal")).to_contain_text("19 files")
    expect(reveal.locator(".rv-reveal")).to_contain_text("6 files")


def test_a_wrong_answer_meets_its_hint_and_then_a_right_one(page: Page) -> None:
    wrong = (
        'stored = sum(path.stat().st_size for path in files if path.name == "layer")\n\nlesson.check("01.1", stored)'
    )
    expect(answer(page, "01.1", wrong).locator(".rv-answer.wrong")).to_contain_text(
        "Those are the bytes of the layers."
    )
    right = wrong.replace(' if path.name == "layer"', "")
    expect(answer(page, "01.1", right).locator(".rv-answer.right")).to_contain_text("Right.")
    by_hand = 'digest = hashlib.sha256(top_layer).hexdigest()\n\nlesson.check("01.3", digest)'
    expect(answer(page, "01.3", by_hand).locator(".rv-answer.right")).to_contain_text("Right.")


def test_the_results_say_what_was_done(page: Page, folder: Path) -> None:
    panel = page.locator(".jp-WindowedPanel-outer").first
    panel.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
    last = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text="lesson.results()")).first
    last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(last.locator(".jp-OutputArea")).to_contain_text("guessed", timeout=PATIENCE)
    expect(last.locator(".jp-OutputArea")).to_contain_text("unanswered")
    assert [output for output in saved(page, folder) if output.output_type == "error"] == []
    kept = json.loads((folder / "work" / "lesson-data" / "results-01.json").read_text(encoding="utf-8"))["records"]
    assert {id_: record["state"] for id_, record in kept.items() if record["state"] != "unanswered"} == {
        "01.1": "right",
        "01.3": "right",
        "01.a": "guessed",
    }
    assert (kept["01.1"]["first"], kept["01.1"]["mistake"], kept["01.1"]["attempts"]) == ("wrong", "layers_alone", 2)
