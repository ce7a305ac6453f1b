"""The report in a real browser that reaches no host: opened from disk, sorted, searched, printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz import share
from regviz.report import report
from tests.report.reading import drawn_by, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, FloatRect, Locator, Page

pytestmark = pytest.mark.real

FIGURES = drawn_by("report")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session", params=["world-distribution", "world-v1"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a shipped world."""
    folder = tmp_path_factory.mktemp("report")
    return report(share.folder("data") / f"{request.param}.tar.gz", folder / f"{request.param}.html")


class Watched:
    """A page, with what it asked for and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture
def opened(chromium: Browser, file: Path) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    watched.page.goto(file.as_uri())
    yield watched
    context.close()


def figures(file: Path) -> int:
    """How many figures a report has."""
    return len(parse(file.read_text(encoding="utf-8")).all("figure"))


def table(page: Page, caption: str) -> Locator:
    return page.locator(f'table[aria-label="{caption}"]')


def column(found: Locator, number: int) -> list[str]:
    return found.locator(f"tbody tr:visible td:nth-child({number})").all_inner_texts()


def exact(found: Locator, number: int) -> list[int]:
    """Exact bytes of the cells of a column that have any."""
    titles = found.locator(f"tbody td:nth-child({number})[title]").evaluate_all("cells => cells.map(c => c.title)")
    return [int(title.removesuffix(" bytes").replace(",", "")) for title in titles]


def head(found: Locator, name: str) -> tuple[Locator, int]:
    names = [text.strip() for text in found.locator("thead th").all_inner_texts()]
    return found.locator("thead th").nth(names.index(name)), names.index(name) + 1


def test_it_opens_from_its_file_and_asks_for_nothing_else(opened: Watched, file: Path) -> None:
    opened.page.wait_for_load_state("networkidle")
    assert opened.requests == [file.as_uri()]
    assert opened.complaints == []
    assert opened.page.locator("figure svg:visible").count() == figures(file)
    assert (
        figures(file) + opened.page.locator(".rv-nothing, .rv-unanswered").count() >= FIGURES - 1
    )  # one collector alone is not compared


def test_no_script_but_its_own_runs(opened: Watched) -> None:
    opened.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.foreign = 1';
            document.body.append(script);
        }"""
    )
    assert opened.page.evaluate("() => window.foreign") is None
    assert "Content Security Policy" in opened.complaints[0]


def test_nothing_is_wider_than_the_window(opened: Watched) -> None:
    for width in (1280, 800, 400):
        opened.page.set_viewport_size({"width": width, "height": 900})
        assert opened.page.evaluate("document.documentElement.scrollWidth") == width


def test_a_click_sorts_by_the_exact_bytes(opened: Watched) -> None:
    blobs = table(opened.page, "Blobs")
    cell, number = head(blobs, "blob bytes")
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "descending"
    largest_first = exact(blobs, number)
    assert largest_first == sorted(largest_first, reverse=True)
    cell.get_by_role("button").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    assert exact(blobs, number) == sorted(largest_first)
    assert len(set(largest_first)) > 1


def test_the_keyboard_sorts_by_text_and_leaves_one_column_marked(opened: Watched) -> None:
    tags = table(opened.page, "Tags")
    for name in ("tag", "repository"):
        cell, number = head(tags, name)
        cell.get_by_role("button").focus()
        opened.page.keyboard.press("Enter")
        assert cell.get_attribute("aria-sort") == "ascending"
        texts = column(tags, number)
        assert [text.lower() for text in texts] == sorted(text.lower() for text in texts) or name == "tag"
    assert tags.locator("th[aria-sort]").count() == 1


def test_what_is_not_known_stays_last_either_way(opened: Watched) -> None:
    layers = table(opened.page, "Layers")
    cell, number = head(layers, "parent")
    for _ in range(2):
        cell.get_by_role("button").click()
        known = [text != "—" for text in column(layers, number)]
        assert known == sorted(known, reverse=True)
        assert not all(known)


def test_the_search_leaves_the_rows_that_have_every_word(opened: Watched) -> None:
    tags = table(opened.page, "Tags")
    every = tags.locator("tbody tr").count()
    box = opened.page.get_by_role("searchbox", name="Search the rows of Tags", exact=True)
    repository = column(tags, 1)[0]
    tag = column(tags, 2)[0]
    box.fill(f"{repository.upper()} {tag}")
    found = list(zip(column(tags, 1), column(tags, 2), strict=True))
    assert (repository, tag) in found
    assert len(found) < every
    status = opened.page.locator(".rv-table", has=tags).get_by_role("status")
    assert status.inner_text() == f"{len(found)} of {every} rows"
    box.fill("no row has this")
    assert column(tags, 1) == []
    box.fill("")
    assert len(column(tags, 1)) == every
    assert status.inner_text() == ""


def test_a_whole_digest_is_found_and_copied(opened: Watched) -> None:
    blobs = table(opened.page, "Blobs")
    cell = blobs.locator("tbody td.d").first
    whole = cell.get_attribute("title")
    assert whole is not None
    seen = cell.evaluate("cell => cell.querySelector('i').getBoundingClientRect().width")
    assert seen == 0
    copied = cell.evaluate(
        "cell => { const s = getSelection(); s.selectAllChildren(cell); const t = s.toString(); s.empty(); return t }"
    )
    assert copied.strip() == whole
    opened.page.get_by_role("searchbox", name="Search the rows of Blobs", exact=True).fill(whole)
    assert len(column(blobs, 1)) == 1


def test_without_its_script_every_figure_and_table_is_there(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("figure svg:visible").count() == figures(file)
    assert page.get_by_role("searchbox").count() == 0
    assert page.locator("th button").count() == 0
    for summary in page.locator("details > summary").all():
        summary.click()
    tables = page.locator("table")
    assert tables.count() > figures(file)
    for number in range(tables.count()):
        assert tables.nth(number).locator("tbody tr").first.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, chromium: Browser, file: Path) -> None:
    # axe is put into the page by the test, which the page's own policy would refuse.
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []


def test_dark_and_light_differ_in_ground_and_ink(chromium: Browser, file: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(file.as_uri())
        colours = page.evaluate(
            "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
        )
        seen[scheme] = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours]
        context.close()
    assert seen["light"][0] > seen["light"][1]
    assert seen["dark"][0] < seen["dark"][1]


def test_printing_cuts_nothing(chromium: Browser, file: Path) -> None:
    """Laid out on A4 less its margins, 186 mm: what is folded is open, and nothing needs more width."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": round(186 / 25.4 * 96), "height": 900})
    page = context.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    edge = box(page.locator("body"))["width"]
    tables, pictures = page.locator("table").all(), page.locator("figure svg").all()
    assert len(tables) > figures(file) == len(pictures)
    for found in tables + pictures:
        place = box(found)
        assert place["height"] > 0
        assert place["x"] >= -1
        assert place["x"] + place["width"] <= edge + 1
    cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.innerText)"
    assert page.locator("td").count() > 100
    assert page.locator("td, th").evaluate_all(cut) == []
    assert page.locator("details.code, input").evaluate_all("all => all.every(it => !it.checkVisibility())")
    assert page.locator("nav").evaluate("it => it.checkVisibility()")
    context.close()


def test_it_prints_on_pages(opened: Watched, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    opened.page.pdf(path=file, prefer_css_page_size=True)
    pages = re.findall(rb"/Type /Page\b.*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", file.read_bytes(), re.DOTALL)
    assert len(pages) > 2
    assert {(round(float(wide)), round(float(high))) for wide, high in pages} == {(595, 842)}  # A4 in points


def box(found: Locator) -> FloatRect:
    place = found.bounding_box()
    assert place is not None
    return place
