"""The report's figures explored in a real browser: pointed at, walked, searched, pinned, zoomed, opened again by a link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest

from regviz.analysis import sizes, tag_images
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.flow import describe_tag_map
from tests.real.exploring import (
    bars,
    box,
    card,
    forest,
    lit,
    marks,
    point_at,
    settled,
    table,
    tag_map,
    view_box,
    watched,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from regviz.registry import Registry

pytestmark = pytest.mark.real


# What a mark says and what belongs to it


def test_every_mark_of_every_figure_has_its_words(page: Page) -> None:
    blocks = page.locator("figure.rv > script.rv-marks")
    assert blocks.count() >= 4
    assert blocks.count() == page.locator("figure.rv .rv-tools").count()
    counts = page.evaluate(
        """() => figures.map(figure => [figure.marks.length, figure.marks.filter(mark => mark.element && mark.lines[0]).length])"""
    )
    assert all(said == drawn > 0 for drawn, said in counts)


def test_a_pointer_shows_the_whole_description_and_what_stands_on_what(page: Page, world: Registry) -> None:
    graph, drawn = layer_graph(world), forest(page, world)
    dots = describe_forest(graph).dots
    for row in (0, len(dots) // 3, len(dots) - 1):
        dot = dots[row]
        point_at(page, marks(drawn, "layers").nth(row))
        said = " ".join(card(drawn))
        assert f"{dot.bytes:,} bytes" in said
        assert dot.layers[-1] in said
        related = nx.ancestors(graph, dot.layers[0]) | set(dot.layers) | nx.descendants(graph, dot.layers[-1])
        assert lit(drawn, "layers") == {at for at, each in enumerate(dots) if each.layers[-1] in related}
    page.mouse.move(1, 1)
    assert card(drawn) == []
    assert lit(drawn, "layers") == set()


def test_a_tag_leads_over_its_images_to_their_layers(page: Page, world: Registry) -> None:
    answer = tag_images(world)
    told, drawn = describe_tag_map(answer), tag_map(page, world)
    for row in (1, 7):
        key = told.tags[row].key
        point_at(page, marks(drawn, "tags").nth(row))
        assert card(drawn)[0] == key
        rows = answer[answer["repository"] + ":" + answer["tag"] == key]
        images, blobs = set(rows["image"]), set(rows["blob"].dropna())
        shown = {box.key for box in told.layers}
        assert {told.images[at].key for at in lit(drawn, "images")} == images
        expected = (blobs & shown) | ({""} if blobs - shown else set())
        assert {told.layers[at].key for at in lit(drawn, "layers")} == expected
        assert lit(drawn, "tags") == {row}
        steps = {(key, image) for image in images}
        stored = rows.dropna(subset="blob")
        steps |= {(row.image, row.blob if row.blob in shown else "") for row in stored.itertuples()}
        assert {(told.ribbons[at].left.key, told.ribbons[at].right.key) for at in lit(drawn, "ribbons")} == steps


def test_both_parts_of_a_bar_say_the_row_of_the_table(page: Page, world: Registry) -> None:

    drawn = bars(page, world)
    row = next(row for row in sizes(world).itertuples() if row.shared_bytes)
    point_at(page, marks(drawn, "shared").first)
    said = card(drawn)
    assert said[0] == row.repository
    assert f"Exclusive: {row.exclusive_bytes:,} bytes" in said[2]
    assert f"Shared: {row.shared_bytes:,} bytes" in said[3]
    assert lit(drawn, "exclusive") == lit(drawn, "shared") == {0}


# The keyboard


def test_one_tab_stop_and_the_arrows_lead_on(page: Page, world: Registry) -> None:
    drawn = forest(page, world)
    count = marks(drawn, "layers").count()
    assert drawn.locator("svg [tabindex]").count() == 1
    drawn.locator("svg [tabindex]").focus()
    first = card(drawn)
    assert first
    page.keyboard.press("ArrowRight")
    assert card(drawn) != first
    assert drawn.get_by_role("status").last.inner_text() == ". ".join(card(drawn))
    seen = [card(drawn)[0]]
    for _ in range(count):
        page.keyboard.press("ArrowDown")
        seen.append(card(drawn)[0])
    assert seen[-1] == seen[-2]  # the last stays
    page.keyboard.press("Home")
    assert card(drawn) == first
    page.keyboard.press("Enter")
    focused = drawn.locator("svg [tabindex]")
    assert focused.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Tab")
    assert drawn.locator(".rv-card button").first.evaluate("button => button === document.activeElement")
    page.keyboard.press("Escape")
    assert card(drawn) == []
    assert focused.evaluate("mark => mark === document.activeElement")
    assert focused.get_attribute("aria-pressed") == "false"


# Search


def test_search_counts_dims_and_goes_on(page: Page, world: Registry) -> None:
    drawn = forest(page, world)
    graph = layer_graph(world)
    dots = describe_forest(graph).dots
    field = drawn.get_by_role("searchbox").first
    status = drawn.locator(".rv-tools").get_by_role("status")

    def expected(has: Any) -> set[int]:
        return {row for row, dot in enumerate(dots) if has(dot)}

    tagged = expected(lambda dot: any("team/web:1.1" in tag for tag in graph.nodes[dot.layers[-1]]["tags"]))
    field.fill("TEAM/web:1.1")
    assert lit(drawn, "layers") == tagged != set()
    inner = next(layer for dot in dots if len(dot.layers) > 1 for layer in dot.layers[:-1])
    field.fill(inner)  # whole, though it has no dot of its own
    assert lit(drawn, "layers") == expected(lambda dot: inner in dot.layers)
    field.fill("npm install")
    found = lit(drawn, "layers")
    assert len(found) > 1
    assert status.inner_text() == f"{len(found)} of {len(dots)} marks"
    visited = []
    for _ in range(len(found) + 1):
        page.keyboard.press("Enter")
        visited.append(card(drawn))
    assert visited[0] == visited[-1]
    assert len({tuple(each) for each in visited}) == len(found)
    field.fill("no such thing")
    assert status.inner_text() == f"0 of {len(dots)} marks"
    field.fill("")
    assert status.inner_text() == ""
    assert lit(drawn, "layers") == set()


# Pinned, zoomed, and opened again


def test_a_pinned_mark_stays_and_its_digest_is_copied(context: BrowserContext, page: Page, world: Registry) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    drawn = forest(page, world)
    point_at(page, marks(drawn, "layers").nth(3))
    page.mouse.down()
    page.mouse.up()
    said, stands_out = card(drawn), lit(drawn, "layers")
    point_at(page, marks(drawn, "layers").nth(9))
    assert card(drawn) == said
    assert lit(drawn, "layers") == stands_out
    [digest] = re.findall(r"sha256:[0-9a-f]{64}", next(line for line in said if "sha256:" in line))
    drawn.get_by_role("button", name=f"Copy {digest}").click()
    page.wait_for_timeout(100)
    assert page.evaluate("navigator.clipboard.readText()") == digest
    drawn.get_by_role("button", name="Close").click()
    assert card(drawn) == []


def test_zoom_by_buttons_wheel_and_keys_keeps_within_the_figure(page: Page, world: Registry) -> None:
    drawn = forest(page, world)
    whole, size = view_box(drawn), box(drawn.locator("svg"))
    drawn.get_by_role("button", name="Zoom in").click()
    once = view_box(drawn)
    assert once[2] == pytest.approx(whole[2] / 1.5, rel=0.01)
    assert once[2] / once[3] == pytest.approx(whole[2] / whole[3], rel=0.01)
    assert box(drawn.locator("svg"))["height"] == pytest.approx(size["height"], abs=1)
    mark = marks(drawn, "layers").nth(4)
    point_at(page, mark)
    before = box(mark)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert view_box(drawn)[2] < once[2]
    after = box(mark)  # what the pointer is on stays under it
    assert after["x"] + after["width"] / 2 == pytest.approx(before["x"] + before["width"] / 2, abs=3)
    place = box(drawn.locator("svg"))
    start = view_box(drawn)
    page.mouse.move(place["x"] + 300, place["y"] + 150)
    page.mouse.down()
    page.mouse.move(place["x"] + 200, place["y"] + 100, steps=4)
    page.mouse.up()
    moved = view_box(drawn)
    assert moved[0] - start[0] == pytest.approx(100 * start[2] / place["width"], rel=0.1)
    assert card(drawn) == [] or not drawn.locator(".rv-card.pinned").count()
    drawn.locator(".scroll").first.focus()
    page.keyboard.press("ArrowLeft")
    assert view_box(drawn)[0] < moved[0]
    page.keyboard.press("+")
    assert view_box(drawn)[2] < moved[2]
    for _ in range(12):
        page.keyboard.press("-")
    assert view_box(drawn) == pytest.approx(whole)
    page.keyboard.press("+")
    page.keyboard.press("0")
    assert view_box(drawn) == pytest.approx(whole)
    page.mouse.wheel(0, 200)  # without a key held, the page scrolls
    assert view_box(drawn) == pytest.approx(whole)


def test_a_link_opens_the_same_view(context: BrowserContext, page: Page, world: Registry) -> None:
    drawn = forest(page, world)
    drawn.get_by_role("searchbox").first.fill("node")
    drawn.get_by_role("button", name="Zoom in").click()
    visible = marks(drawn, "layers").nth(8)
    visible.evaluate("mark => mark.dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    page.get_by_label("Repository", exact=True).fill("team/web")
    address = settled(page)
    link = drawn.get_by_role("link", name="Link to this view")
    assert link.get_attribute("href") == "#" + address.partition("#")[2]
    other, _, complaints = watched(context)
    other.goto(address)
    again = forest(other, world)
    assert view_box(again) == pytest.approx(view_box(drawn), abs=0.2)
    assert card(again) == card(drawn) != []
    assert lit(again, "layers") == lit(drawn, "layers")
    assert again.get_by_role("searchbox").first.input_value() == "node"
    assert other.get_by_label("Repository", exact=True).input_value() == "team/web"
    assert table(other, "Tags").locator("tbody tr:visible").count() == 7
    assert settled(other) == address
    other.evaluate("location.hash = '#view?repository=team%2Fapi'")
    other.wait_for_timeout(100)
    assert other.get_by_label("Repository", exact=True).input_value() == "team/api"
    assert complaints == []


@pytest.mark.parametrize(
    "fragment",
    [
        "figure=rv-figure-2&box=NaN,1e999,-5&pin=layers:99999&find=%3Cimg%20src=x%3E",
        "figure=__proto__&pin=constructor:0&repository=%3Cscript%3Ealert(1)%3C/script%3E",
        "figure=rv-figure-2&pin=&box=,,&find=" + "x" * 9000,
        "%E0%A4%A&&==&figure=rv-figure-2&box=0,0,0",
    ],
    ids=["numbers", "names", "long", "broken"],
)
def test_a_link_is_not_trusted(context: BrowserContext, explored: Path, fragment: str) -> None:
    page, _, complaints = watched(context)
    page.goto(f"{explored.as_uri()}#view?{fragment}")
    settled(page)
    assert complaints == []
    assert page.locator("figure svg:visible").count() >= 4
    assert page.locator("img, script:not([type])").count() == 1
    assert len(page.get_by_role("searchbox").nth(1).input_value()) <= 200
