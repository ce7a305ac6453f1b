"""The cheat sheet in Chromium: one page of A4 on paper, and nothing of it cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz.lesson.cheatsheet import cheatsheet
from tests.real.exploring import watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real

A4 = 842, 595  # in points, on its side
SERIOUS = {"serious", "critical"}
LEAST_ROOM = 8  # pixels to spare at the foot, as fonts differ from host to host


def test_it_prints_on_one_page_of_a4_and_nothing_is_cut(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "sheet.html"
    file.write_text(cheatsheet(), encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1062, "height": 741})  # 281 by 196 mm, what the margins leave
    page, asked, complaints = watched(context)
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    area = page.evaluate(
        "() => [document.documentElement.scrollWidth, document.querySelector('footer').getBoundingClientRect().bottom]"
    )
    assert area[0] <= 1062
    assert area[1] <= 741 - LEAST_ROOM
    cut = "cells => cells.filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.innerText)"
    assert page.locator("td, th").evaluate_all(cut) == []
    page.pdf(path=tmp_path / "sheet.pdf", prefer_css_page_size=True)
    found = re.findall(
        rb"/Type /Page\b.*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", (tmp_path / "sheet.pdf").read_bytes(), re.DOTALL
    )
    assert [(round(float(wide)), round(float(high))) for wide, high in found] == [A4]
    assert asked == [file.as_uri()]
    assert complaints == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "sheet.html"
    file.write_text(cheatsheet(), encoding="utf-8")
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]  # axe is put in
    page = context.new_page()
    page.goto(file.as_uri())
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []
    context.close()
