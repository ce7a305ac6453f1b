"""A report's page as a whole: a repository chosen for all of it, tables taken along, hostile names, print, axe, and a large figure."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from axe_playwright_python.sync_playwright import Axe

from regviz.analysis import sharing, tag_images
from regviz.cli.output import write_table
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.flow import describe_tag_map
from regviz.read import read
from regviz.report import report
from tests.helpers import Store
from tests.real.exploring import bars, card, forest, lit, marks, point_at, table, tag_map, view_box, watched
from tests.report.conftest import HOSTILE

if TYPE_CHECKING:
    import pandas as pd
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from regviz.registry import Registry

SERIOUS = ("serious", "critical")

pytestmark = pytest.mark.real


# A repository for the whole page


def test_a_repository_is_chosen_in_every_figure_and_table(page: Page, world: Registry) -> None:
    name = "library/nodejs"
    graph, dots = layer_graph(world), describe_forest(layer_graph(world)).dots
    page.get_by_label("Repository", exact=True).fill(name)
    under = set()
    for key, tags in graph.nodes(data="tags"):
        if any(tag.startswith(f"{name}:") for tag in tags):
            under |= {key} | nx.ancestors(graph, key)
    assert lit(forest(page, world), "layers") == {row for row, dot in enumerate(dots) if dot.layers[-1] in under}
    told, of_map = describe_tag_map(tag_images(world)), tag_map(page, world)
    assert {told.tags[row].key.rpartition(":")[0] for row in lit(of_map, "tags")} == {name}
    with_column = page.locator("table", has=page.locator("th", has_text=re.compile("^repository$")))
    assert with_column.count() >= 3
    page.locator("details.numbers").evaluate_all("all => all.forEach(each => { each.open = true })")
    for found in with_column.all():
        heads = [text.strip() for text in found.locator("thead th").all_inner_texts()]
        for row in found.locator("tbody tr:visible").all():
            cells = row.locator("td").all_inner_texts()
            assert name in [cells[at] for at, head in enumerate(heads) if head in ("repository", "other repository")]
    shared = sharing(world)
    pairs = page.locator("table", has=page.locator("th", has_text=re.compile("^other repository$"))).first
    assert pairs.locator("tbody tr:visible").count() == (shared[["repository", "other_repository"]] == name).sum().sum()
    own = (world.tags["repository"] == name).sum()
    tags = table(page, "Tags")
    assert tags.locator("tbody tr:visible").count() == own
    assert tags.get_by_role("status").inner_text() == f"{own} of {len(world.tags)} rows of {name}"
    assert "figures; " in page.locator(".rv-choose").get_by_role("status").inner_text()
    page.get_by_role("button", name="Show all repositories").click()
    assert tags.locator("tbody tr:visible").count() == len(world.tags)
    assert lit(forest(page, world), "layers") == set()
    assert page.locator(".rv-choose").get_by_role("status").inner_text() == ""


def test_a_mark_of_one_repository_offers_it(page: Page, world: Registry) -> None:
    drawn = bars(page, world)
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
    drawn = bars(page, reg)
    assert marks(drawn, "exclusive").count() > 6
    for row in range(6):
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


def test_print_shows_whole_figures_and_no_controls(page: Page, tmp_path: Path, world: Registry) -> None:
    drawn = forest(page, world)
    whole = view_box(drawn)
    drawn.get_by_role("button", name="Zoom in").click()
    point_at(page, marks(drawn, "layers").nth(3))
    page.mouse.down()
    page.mouse.up()
    drawn.locator("svg").evaluate(
        "svg => addEventListener('beforeprint', () => { window.printed = svg.getAttribute('viewBox') })"
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
def test_axe_finds_nothing_serious_while_exploring(
    scheme: Any, chromium: Browser, explored: Path, world: Registry
) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto(explored.as_uri())
    page.get_by_label("Repository", exact=True).fill("team/web")
    tag_map(page, world).locator("svg [tabindex]").focus()
    assert card(tag_map(page, world))
    held(page)
    point_at(page, marks(forest(page, world), "layers").nth(3))
    page.mouse.down()
    page.mouse.up()
    assert forest(page, world).locator(".rv-card.pinned").count() == 1
    held(page)
    context.close()


def held(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in SERIOUS] == []


# A large figure


def test_three_thousand_marks_answer(context: BrowserContext, tmp_path: Path) -> None:
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
    assert marks(page.locator("figure.rv"), "layers").count() > 2_500
    drawn = page.locator("figure.rv")
    point_at(page, marks(drawn, "layers").nth(1_200))
    assert card(drawn)
    drawn.get_by_role("searchbox").first.fill("app1")
    found = lit(drawn, "layers")
    assert 100 < len(found) < marks(drawn, "layers").count()
    assert drawn.locator(".rv-tools").get_by_role("status").inner_text().startswith(f"{len(found):,} of ")
    assert complaints == []
