"""The notebooks' site in a browser that reaches no host: every page opens, for everyone, and every link leads somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.conftest import site_pages

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real

PAGES = ["index", *site_pages()]
SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_asks_for_nothing_and_complains_of_nothing(chromium: Browser, pages: Path, name: str) -> None:
    file = (pages / f"{name}.html").as_uri()
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file)
    page.wait_for_load_state("networkidle")
    assert asked == [file]
    assert said == []
    for width in (1280, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_the_index_leads_to_every_page_and_each_back(chromium: Browser, pages: Path) -> None:
    page = chromium.new_page()
    page.goto((pages / "index.html").as_uri())
    links = page.locator(".rv-index a")
    titles = links.locator(".name").all_inner_texts()
    assert len(titles) == len(PAGES) - 1
    for number, title in enumerate(titles):
        links.nth(number).click()
        assert page.get_by_role("heading", level=1).inner_text() == title
        page.get_by_role("link", name="All notebooks").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Notebooks"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", [name for name in PAGES if not name.startswith("report")]
)  # those have tests of their own
def test_axe_finds_nothing_serious(chromium: Browser, pages: Path, name: str, scheme: str) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]  # axe is put in
    page = context.new_page()
    page.goto((pages / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []
