"""The page of two registries and the page for paper, in a real browser that reaches no host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz import share
from regviz.report import report
from tests.helpers import Store
from tests.report.conftest import hostile

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real

SERIOUS = ("serious", "critical")
A4 = (595, 842)
"""Points."""


def long_names(root: Path) -> Path:
    """Forty repositories whose names and tags are as long as a file system takes, and what is wrong with some."""
    store = Store(root)
    for number in range(40):
        name = f"{'W' * 120}/{'m' * 250}-{number:04}"
        store.image(name, [b"base" * 500, bytes([number]) * 4000 * (number + 1)], f"{'v' * 120}-{number}")
    store.push(f"{'W' * 120}/{'broken' * 40}", b"<html>no json</html>", "x" * 127)
    return root


def source(name: str, root: Path) -> Path:
    if name.startswith("world"):
        return share.folder("data") / f"{name}.tar.gz"
    if name == "empty":
        Store(root)
        return root
    if name == "one image":
        Store(root).image("app", [b"only"], "latest")
        return root
    return {"hostile": hostile, "names of 255 characters": long_names}[name](root)


SOURCES = ("world-distribution", "world-v1", "empty", "one image", "hostile", "names of 255 characters")


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = share.folder("data")
    worlds = [folder / f"world-{name}.tar.gz" for name in ("v1", "distribution")]
    return report(worlds, tmp_path_factory.mktemp("two") / "two.html")


@pytest.fixture(scope="session")
def summed_up(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("summaries")
    return {
        name: report(source(name, folder / name), folder / f"{name}.html", summary=True, title=title)
        for name, title in [(name, None) for name in SOURCES] + [("world-v1", "A title " * 60)]
    }


def hold_quiet(browser: Browser, file: Path, figures: int, *, scheme: str, script: bool = True) -> None:
    """It asks for its file alone, complains of nothing, shows every figure, and axe finds nothing serious."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
    )
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    assert requests == [file.as_uri()]
    assert complaints == []
    assert page.locator("figure svg:visible").count() == figures
    if script:
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in SERIOUS] == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_two_is_quiet_and_can_be_read_by_all(chromium: Browser, two: Path, scheme: str) -> None:
    hold_quiet(chromium, two, 4, scheme=scheme)


def test_the_page_of_two_needs_no_script(chromium: Browser, two: Path) -> None:
    hold_quiet(chromium, two, 4, scheme="light", script=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SOURCES)
def test_the_page_for_paper_is_quiet_and_can_be_read_by_all(
    chromium: Browser, summed_up: dict[str, Path], name: str, scheme: str
) -> None:
    hold_quiet(chromium, summed_up[name], 0 if name == "empty" else 1, scheme=scheme)


@pytest.mark.parametrize("name", SOURCES)
def test_it_prints_on_one_sheet(chromium: Browser, summed_up: dict[str, Path], name: str, tmp_path: Path) -> None:
    context = chromium.new_context(viewport={"width": round(186 / 25.4 * 96), "height": 900})
    page = context.new_page()
    page.goto(summed_up[name].as_uri())
    file = tmp_path / "sheet.pdf"
    page.pdf(path=file, prefer_css_page_size=True)
    pages = re.findall(rb"/Type /Page\b.*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", file.read_bytes(), re.DOTALL)
    assert [(round(float(wide)), round(float(high))) for wide, high in pages] == [A4]
    page.emulate_media(media="print")
    edge = page.locator("body").evaluate("body => body.getBoundingClientRect().right")
    for found in page.locator(".rv-todo li > *, figure svg, figure svg text, .rv-opening dd").all():
        place = found.bounding_box()
        assert place is not None
        assert place["x"] >= -1
        assert place["x"] + place["width"] <= edge + 1
    assert page.locator(".rv-todo h2").inner_text()
    context.close()
