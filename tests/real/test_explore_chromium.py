"""The report's figures and tables explored in a real browser: pointed at, walked, searched, pinned, zoomed, linked, taken along."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz import share
from regviz.analysis import tag_images
from regviz.cli.output import write_table
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.flow import describe_tag_map
from regviz.read import read
from regviz.report import report
from tests.helpers import Store
from tests.report.conftest import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page

    from regviz.registry import Registry

pytestmark = pytest.mark.real

SERIOUS = ("serious", "critical")
WORLD = share.folder("data") / "world-distribution.tar.gz"


@pytest.fixture(scope="session")
def world() -> Registry:
    return read(WORLD)


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(WORLD, tmp_path_factory.mktemp("explored") / "world.html")


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, explored: Path) -> Iterator[Page]:
    """The report, watched: it may ask for nothing but itself, and complain of nothing."""
    page, asked, complaints = watched(context)
    page.goto(explored.as_uri())
    yield page
    assert {address.partition("#")[0] for address in asked} == {explored.as_uri()}
    assert complaints == []


def watched(context: BrowserContext) -> tuple[Page, list[str], list[str]]:
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.extend([request.url] if not request.url.startswith("blob:") else []))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, asked, complaints


def figure(page: Page, series: str) -> Locator:
    """The figure that has a series of marks of its own."""
    return page.locator("figure.rv", has=page.locator(f'[data-marks="{series}"]')).first


def forest(page: Page) -> Locator:
    return page.locator("figure.rv", has=page.locator('[data-marks="layers"] > circle')).first


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
    graph, drawn = layer_graph(world), forest(page)
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
    told, drawn = describe_tag_map(answer), figure(page, "ribbons")
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
    from regviz.analysis import sizes

    drawn = figure(page, "shared")
    row = next(row for row in sizes(world).itertuples() if row.shared_bytes)
    point_at(page, marks(drawn, "shared").first)
    said = card(drawn)
    assert said[0] == row.repository
    assert f"Exclusive: {row.exclusive_bytes:,} bytes" in said[2]
    assert f"Shared: {row.shared_bytes:,} bytes" in said[3]
    assert lit(drawn, "exclusive") == lit(drawn, "shared") == {0}


# The keyboard


def test_one_tab_stop_and_the_arrows_lead_on(page: Page) -> None:
    drawn = forest(page)
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
    drawn = forest(page)
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


def test_a_pinned_mark_stays_and_its_digest_is_copied(context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    drawn = forest(page)
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


def view_box(drawn: Locator) -> list[float]:
    return [float(part) for part in (drawn.locator("svg").get_attribute("viewBox") or "").split()]


def test_zoom_by_buttons_wheel_and_keys_keeps_within_the_figure(page: Page) -> None:
    drawn = forest(page)
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


def test_a_link_opens_the_same_view(context: BrowserContext, page: Page) -> None:
    drawn = forest(page)
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
    again = forest(other)
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


# A repository for the whole page


def test_a_repository_is_chosen_in_every_figure_and_table(page: Page, world: Registry) -> None:
    name = "library/nodejs"
    graph, dots = layer_graph(world), describe_forest(layer_graph(world)).dots
    page.get_by_label("Repository", exact=True).fill(name)
    under = set()
    for key, tags in graph.nodes(data="tags"):
        if any(tag.startswith(f"{name}:") for tag in tags):
            under |= {key} | nx.ancestors(graph, key)
    assert lit(forest(page), "layers") == {row for row, dot in enumerate(dots) if dot.layers[-1] in under}
    told, of_map = describe_tag_map(tag_images(world)), figure(page, "ribbons")
    assert {told.tags[row].key.rpartition(":")[0] for row in lit(of_map, "tags")} == {name}
    with_column = page.locator("table", has=page.locator("th", has_text=re.compile("^repository$")))
    assert with_column.count() >= 3
    page.locator("details.numbers").evaluate_all("all => all.forEach(each => { each.open = true })")
    for number in range(with_column.count()):
        shown = with_column.nth(number).locator("tbody tr:visible td:first-child").all_inner_texts()
        assert set(shown) <= {name}
    own = (world.tags["repository"] == name).sum()
    tags = table(page, "Tags")
    assert tags.locator("tbody tr:visible").count() == own
    assert tags.get_by_role("status").inner_text() == f"{own} of {len(world.tags)} rows of {name}"
    assert "figures; " in page.locator(".rv-choose").get_by_role("status").inner_text()
    page.get_by_role("button", name="Show all repositories").click()
    assert tags.locator("tbody tr:visible").count() == len(world.tags)
    assert lit(forest(page), "layers") == set()
    assert page.locator(".rv-choose").get_by_role("status").inner_text() == ""


def test_a_mark_of_one_repository_offers_it(page: Page) -> None:
    drawn = figure(page, "exclusive")
    point_at(page, marks(drawn, "exclusive").nth(2))
    page.mouse.down()
    page.mouse.up()
    name = card(drawn)[0]
    drawn.get_by_role("button", name=f"Only {name}").click()
    assert page.get_by_label("Repository", exact=True).input_value() == name
    assert set(table(page, "Tags").locator("tbody tr:visible td:first-child").all_inner_texts()) == {name}


# Tables taken along


def expected_csv(frame: pd.DataFrame, file: Path) -> str:
    """What regviz's own command writes of these rows; a page has no columns without a value."""
    empty = [name for name in frame.columns[1:] if frame[name].isna().all()]
    write_table(frame.drop(columns=empty), "csv", str(file))
    return file.read_bytes().decode()


def downloaded(page: Page, found: Locator) -> tuple[str, str]:
    with page.expect_download() as waiting:
        found.get_by_role("button", name=re.compile("^CSV")).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes().decode()


def test_a_csv_file_is_the_table(page: Page, world: Registry, tmp_path: Path) -> None:
    blobs = world.blobs[["blob", "kind", "media_type", "blob_bytes", "copies", "present", "stored_at"]]
    blobs = blobs.sort_values("blob_bytes", ascending=False, kind="stable", na_position="last")
    assert downloaded(page, table(page, "Blobs")) == ("blobs.csv", expected_csv(blobs, tmp_path / "blobs"))
    layers = world.layers[["layer", "parent", "depth", "diff_id", "empty", "created_at", "created_by"]]
    assert downloaded(page, table(page, "Layers")) == ("layers.csv", expected_csv(layers, tmp_path / "layers"))


def test_rows_are_taken_as_they_are_shown(context: BrowserContext, page: Page, world: Registry, tmp_path: Path) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = table(page, "Repositories")
    found.get_by_role("button", name="repository").click()
    found.get_by_role("button", name="repository").click()
    found.get_by_role("searchbox").fill("team")
    frame = world.repositories.drop(columns="raw_name")
    frame = frame[frame["repository"].str.contains("team")].iloc[::-1]
    _, text = downloaded(page, found)
    wanted = expected_csv(frame, tmp_path / "frame")
    assert text == wanted
    found.get_by_role("button", name="Copy the rows").click()
    page.wait_for_timeout(100)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert list(csv.reader(io.StringIO(copied), delimiter="\t")) == list(csv.reader(io.StringIO(wanted)))
    assert found.get_by_role("status").inner_text() == f"Copied {len(frame)} rows"


# Hostile names, print, and the rest of the page


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    store = Store(folder / "registry")
    names = (*HOSTILE, "]]>--><!--", "=1+1", "-2", '"a",b', "</script><script>window.bad=1</script>")
    for number, name in enumerate(names):
        store.image(name.replace("/", "%2F"), [b"a base", f"layer {number}".encode()], name[:120].replace("/", "|"))
    return report(folder / "registry", folder / "hostile.html")


def test_hostile_names_break_nothing(context: BrowserContext, hostile_page: Path) -> None:
    page, _, complaints = watched(context)
    page.goto(hostile_page.as_uri())
    reg = read(hostile_page.parent / "registry")
    drawn = figure(page, "exclusive")
    for row in range(min(6, marks(drawn, "exclusive").count())):
        point_at(page, marks(drawn, "exclusive").nth(row))
        assert card(drawn)
    for name in ("=1+1", '"a",b', HOSTILE[0].replace("/", "%2F")):
        page.get_by_label("Repository", exact=True).fill(name)
        shown = table(page, "Tags").locator("tbody tr:visible td:first-child").all_inner_texts()
        assert len(shown) == (reg.tags["repository"] == name).sum() > 0
    page.get_by_label("Repository", exact=True).fill("")
    frame = reg.repositories.drop(columns="raw_name")
    text = downloaded(page, table(page, "Repositories"))[1]
    rows = {row["repository"] for row in csv.DictReader(io.StringIO(text))}
    assert {"'=1+1", "'-2", '"a",b', "]]>--><!--"} <= rows
    assert len(rows) == len(frame)
    assert page.evaluate("window.bad") is None
    assert page.locator("script:not([type])").count() == 1
    assert complaints == []


def test_print_shows_whole_figures_and_no_controls(page: Page, tmp_path: Path) -> None:
    drawn = forest(page)
    whole = view_box(drawn)
    drawn.get_by_role("button", name="Zoom in").click()
    point_at(page, marks(drawn, "layers").nth(3))
    page.mouse.down()
    page.mouse.up()
    page.evaluate(
        "addEventListener('beforeprint', () => { window.printed = document.querySelectorAll('figure svg')[1].getAttribute('viewBox') })"
    )
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert [float(part) for part in page.evaluate("window.printed").split()] == pytest.approx(whole)
    assert view_box(drawn)[2] < whole[2]
    page.emulate_media(media="print")
    controls = page.locator(".rv-tools, .rv-choose, .rv-card, .take, input")
    assert controls.count() > 10
    assert controls.evaluate_all("all => all.every(each => !each.checkVisibility())")
    faint = drawn.locator("svg").evaluate(
        "svg => [...svg.querySelectorAll('[data-marks] > *')].filter(mark => getComputedStyle(mark).opacity < 1).length"
    )
    assert faint == 0


def test_without_its_script_there_are_no_controls(chromium: Browser, explored: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(explored.as_uri())
    assert page.locator("figure svg:visible").count() == page.locator("figure").count() >= 4
    assert page.locator(".rv-tools, .rv-choose, .rv-card, .take").count() == 0
    assert "texts" not in page.locator("body").inner_text()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_while_exploring(scheme: Any, chromium: Browser, explored: Path) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto(explored.as_uri())
    page.get_by_label("Repository", exact=True).fill("team/web")
    figure(page, "ribbons").locator("svg [tabindex]").focus()
    assert card(figure(page, "ribbons"))
    held(page)
    point_at(page, marks(forest(page), "layers").nth(3))
    page.mouse.down()
    page.mouse.up()
    assert forest(page).locator(".rv-card.pinned").count() == 1
    held(page)
    context.close()


def held(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []


# A large figure


def test_three_thousand_marks_answer_at_once(context: BrowserContext, tmp_path: Path) -> None:
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from regviz import plot
    from regviz.report import show
    from regviz.report.page import render
    from tests.plot.made import random_forest

    graph = random_forest(10_000, [f"group/app{number}" for number in range(200)])
    shown = show.figure(plot.forest(graph, rows=4_000))
    cell = new_code_cell("x", outputs=[new_output("display_data", data={"text/html": shown.html})])
    file = tmp_path / "large.html"
    file.write_text(render(new_notebook(cells=[cell]), title="large"), encoding="utf-8")
    page, _, complaints = watched(context)
    page.goto(file.as_uri())
    assert marks(forest(page), "layers").count() > 2_500
    spent = page.evaluate(
        """() => {
            const [figure] = figures;
            const took = (what) => { const start = performance.now(); what(); figure.svg.getBoundingClientRect(); return performance.now() - start };
            const at = figure.walk[Math.floor(figure.walk.length / 2)];
            const place = figure.marks[at].element.getBoundingClientRect();
            const move = (x) => figure.svg.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: place.y + 1, pointerType: 'mouse' }));
            return { first: took(() => move(place.x)), hover: took(() => move(place.x - 900)), find: took(() => figure.find('make app1')) };
        }"""
    )
    assert max(spent["hover"], spent["find"]) < 500, spent
    assert complaints == []
