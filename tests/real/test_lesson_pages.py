"""The page of each lesson in a browser that reaches no host: it opens for everyone, at any width, and complains of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz import share
from regviz.lesson import forms
from tests.lesson import running

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real

SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("name", forms.names())
def test_a_page_opens_for_everyone(chromium: Browser, lessons_ran: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "page.html"
    ran = running.both(share.folder("notebooks") / f"{name}.ipynb", lessons_ran / name[:2])
    file.write_text(running.page(ran), encoding="utf-8")
    asked: list[str] = []
    said: list[str] = []
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]  # axe is put in
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
        found = Axe().run(page).response["violations"]
        context.close()
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []
    assert asked == [file.as_uri()] * 2
    assert said == []
