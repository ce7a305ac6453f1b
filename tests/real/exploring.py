"""What the tests of explored pages see and do in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regviz.analysis import sizes, tag_images
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.bars import describe_sizes
from regviz.plot.flow import describe_tag_map

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, FloatRect, Locator, Page

    from regviz.registry import Registry


def watched(context: BrowserContext) -> tuple[Page, list[str], list[str]]:
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.extend([request.url] if not request.url.startswith("blob:") else []))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, asked, complaints


def figure(page: Page, title: str) -> Locator:
    """The figure that finds this."""
    return page.locator("figure.rv", has=page.locator("figcaption", has_text=re.compile(f"^{re.escape(title)}$"))).first


def forest(page: Page, reg: Registry) -> Locator:
    return figure(page, describe_forest(layer_graph(reg)).title)


def tag_map(page: Page, reg: Registry) -> Locator:
    return figure(page, describe_tag_map(tag_images(reg)).title)


def bars(page: Page, reg: Registry) -> Locator:
    return figure(page, describe_sizes(sizes(reg)).title)


def marks(drawn: Locator, series: str) -> Locator:
    return drawn.locator(f'[data-marks="{series}"] > *')


def lit(drawn: Locator, series: str) -> set[int]:
    """The rows of the marks that stand out; empty as well where none is dimmed."""
    found = drawn.locator("svg").evaluate(
        """(svg, series) => svg.matches('.rv-some')
            ? [...svg.querySelectorAll(`[data-marks="${series}"] > *`)].flatMap((mark, row) => mark.matches('.rv-lit') ? [row] : [])
            : []""",
        series,
    )
    return set(found)


def card(drawn: Locator) -> list[str]:
    shown = drawn.locator(".rv-card")
    return shown.locator("b, p").all_inner_texts() if shown.is_visible() else []


def point_at(page: Page, mark: Locator) -> None:
    mark.scroll_into_view_if_needed()
    place = box(mark)
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def box(found: Locator) -> FloatRect:
    place = found.bounding_box()
    assert place is not None
    return place


def settled(page: Page) -> str:
    """The address, once what was done stands in it."""
    page.wait_for_timeout(250)
    return page.url


def table(page: Page, caption: str) -> Locator:
    return page.locator(".rv-table", has=page.locator(f'table[aria-label="{caption}"]'))


def view_box(drawn: Locator) -> list[float]:
    return [float(part) for part in (drawn.locator("svg").get_attribute("viewBox") or "").split()]
