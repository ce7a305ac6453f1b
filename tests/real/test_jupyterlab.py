"""JupyterLab, started for real: a notebook is run in it, and the live widgets are operated as a person would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from regviz import share
from tests.real.jupyter import PATIENCE, jupyterlab, opened, place_of
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.real

BOOK = "garbage-and-what-if.ipynb"
FIGURES = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """The address of JupyterLab on the world that ships."""
    with jupyterlab(folder, str(share.folder("data") / "world-distribution.tar.gz")) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab: str) -> Iterator[Page]:
    """The notebook, open in JupyterLab, all its cells run."""
    with opened(lab, BOOK) as page:
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
        expect(live(page)).to_be_visible(timeout=PATIENCE)
        expect(code(page)).to_contain_text("rv.read", timeout=PATIENCE)
        yield page


def live(page: Page) -> Locator:
    """The live widgets; asking for them brings the last cell into sight."""
    page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
    return page.locator(".jp-OutputArea .widget-vbox").first


def code(page: Page) -> Locator:
    return page.locator(".widget-html details.code pre")


def figure(page: Page) -> Locator:
    return page.locator(".widget-html figure.rv figcaption")


def test_a_notebook_runs_without_a_question_or_an_error_and_shows_its_figures(page: Page, folder: Path) -> None:
    assert page.locator(".jp-Dialog").count() == 0  # no kernel was asked for
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0, timeout=PATIENCE)
    notebook = nbformat.read(folder / "work" / BOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    shown = [parse(output.data["text/html"]) for output in outputs if "text/html" in output.get("data", {})]
    assert sum(len(html.all("figure")) for html in shown) >= FIGURES
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)


def test_the_first_page_leads_to_a_lesson(page: Page, lab: str) -> None:
    """In a window of its own, as the others go on with theirs."""
    window = page.context.browser.new_page(viewport={"width": 1400, "height": 900}) if page.context.browser else page
    window.set_default_timeout(PATIENCE)
    window.goto(place_of("start.ipynb", lab))
    window.get_by_role("link", name="What a push leaves on disk").click()
    expect(window.get_by_role("tab", name="01-push.ipynb")).to_be_visible(timeout=PATIENCE)
    expect(window.get_by_role("heading", name="What a push leaves on disk")).to_be_visible(timeout=PATIENCE)
    window.close()


def test_a_choice_changes_the_figure_and_the_code(page: Page) -> None:
    before, title = code(page).inner_text(), figure(page).inner_text()
    field = page.get_by_label("Repositories", exact=True)
    field.fill("team/*")
    field.press("Enter")
    expect(code(page)).to_contain_text("repositories=['team/*']", timeout=PATIENCE)
    assert code(page).inner_text() != before
    expect(figure(page)).not_to_have_text(title, timeout=PATIENCE)
    options = page.get_by_label("of these, only").locator("option").all_inner_texts()
    assert options
    assert all(name.startswith("team/") for name in options)


def test_the_keyboard_reaches_every_control_in_turn(page: Page) -> None:
    page.get_by_label("Show", exact=True).focus()
    reached = []
    for _ in range(5):
        reached.append(page.evaluate("document.getElementById(document.activeElement.id)?.labels?.[0]?.innerText"))
        page.keyboard.press("Tab")
    assert reached[:4] == ["Show", "Repositories", "of these, only", "Tags"]


def test_a_deletion_is_asked_about_and_its_code_runs(page: Page) -> None:
    page.get_by_label("Show", exact=True).select_option("What if these tags were deleted?")
    keep = page.get_by_label("Keep the last", exact=True)
    expect(keep).to_be_visible(timeout=PATIENCE)
    keep.fill("1")
    keep.press("Enter")
    expect(code(page)).to_contain_text("keep_last=1", timeout=PATIENCE)
    said = page.locator(".widget-html [role=status]").inner_text()
    names: dict[str, object] = {}
    exec("\n".join(code(page).inner_text().splitlines()[:-1]), names)  # noqa: S102  # as a person would run it
    freed = names["table"].attrs  # type: ignore[attr-defined]
    assert f"Deleting {freed['tags']} tags frees" in said
    assert f"{freed['images_lost']} images can be pulled no more" in said


def test_what_means_nothing_is_one_line(page: Page) -> None:
    tags = page.get_by_label("Tags", exact=True)
    tags.fill("(")
    tags.press("Enter")
    alert = page.locator(".widget-html [role=alert]")
    expect(alert).to_contain_text("no regular expression", timeout=PATIENCE)
    expect(code(page)).to_have_count(0, timeout=PATIENCE)
    tags.fill("")
    tags.press("Enter")
    expect(code(page)).to_contain_text("rv.what_if", timeout=PATIENCE)
