"""The report of a registry: what it says, on every kind of registry, and what it refuses to let through."""

from __future__ import annotations

import runpy
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.read import read
from regviz.report import report, show
from regviz.text import format_bytes
from tests.conftest import ROOT
from tests.helpers import Store
from tests.report.conftest import HOSTILE, SOURCES
from tests.report.reading import drawn_by, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from regviz.registry import Registry
    from tests.report.reading import Element

FIGURES = drawn_by("report")
MIB = 1 << 20


def numbers(page: Element) -> dict[str, str]:
    """The five numbers of the opening."""
    entries = page.one("div", class_="rv-opening").one("dl").all("div")
    return {entry.one("dt").text: entry.all("dd")[0].text for entry in entries}


def table(page: Element, caption: str) -> Element:
    (found,) = (table for table in page.all("table") if table.attributes["aria-label"] == caption)
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_every_registry_has_a_whole_report(
    name: str, page: Callable[[str], Element], source: Callable[[str], Path]
) -> None:
    made, registry = page(name), read(source(name))
    blobs = registry.blobs[registry.blobs["present"]]
    problems = registry.problems["severity"].isin(["error", "warning"]).sum()
    assert numbers(made) == {
        "Stored": format_bytes(int(blobs["blob_bytes"].sum())),
        "Repositories": f"{len(registry.repositories):,}",
        "Tags": f"{len(registry.tags):,}",
        "Images": f"{len(registry.images):,}",
        "Problems": f"{problems:,}",
    }
    said = made.all("p", class_="rv-nothing") + made.all("p", class_="rv-unanswered")
    one_collector = len(show.collectors(registry)) == 1  # there is nothing to compare it with
    assert len(made.all("figure")) + len(said) == FIGURES - one_collector
    assert all(sentence.text[-1] in ".?!" for sentence in said)
    for figure in made.all("figure"):
        drawing = figure.one("svg")
        assert drawing.attributes["role"] == "img"
        labels = drawing.attributes["aria-labelledby"].split()
        parts = {element.attributes["id"]: element.text for tag in ("title", "desc") for element in drawing.all(tag)}
        assert set(labels) == set(parts)
        assert all(text.strip() for text in parts.values())
        assert figure.one("figcaption").text == parts[labels[0]]
    assert "None" not in made.one("div", class_="rv-opening").text


@pytest.mark.parametrize("name", SOURCES)
def test_no_id_is_given_twice_and_every_reference_is_met(name: str, page: Callable[[str], Element]) -> None:
    elements = [page(name)]
    for element in elements:
        elements += [child for child in element.children if not isinstance(child, str)]
    ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in elements:
        assert set(element.attributes.get("aria-labelledby", "").split()) <= set(ids)
        link = element.attributes.get("href", "")
        assert not link or link.removeprefix("#") in ids or link == "data:,", link


@pytest.mark.parametrize("name", SOURCES)
def test_no_report_loads_anything(
    name: str,
    reported: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["loads_nothing.py", str(reported(name))])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / ".ci" / "loads_nothing.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


@pytest.mark.parametrize(("name", "most"), [("world", 1.5 * MIB), ("world_v1", 1.5 * MIB), ("many_tags", 6 * MIB)])
def test_a_report_keeps_its_size(name: str, most: float, reported: Callable[[str], Path]) -> None:
    assert reported(name).stat().st_size <= most


def test_the_tables_are_the_registrys(page: Callable[[str], Element], source: Callable[[str], Path]) -> None:
    made, registry = page("world"), read(source("world"))
    tags = {(row[0], row[1]) for row in table(made, "Tags").rows()}
    assert tags == set(zip(registry.tags["repository"], registry.tags["tag"], strict=True))
    assert [row[0] for row in table(made, "Repositories").rows()] == list(registry.repositories["repository"])
    for caption, key, rows in (
        ("Images", "manifest", registry.images),
        ("Layers", "layer", registry.layers),
        ("Blobs", "blob", registry.blobs),
    ):
        assert {row[0] for row in table(made, caption).rows()} == set(rows[key])


def test_every_problem_has_its_meaning_and_its_places(
    page: Callable[[str], Element], source: Callable[[str], Path]
) -> None:
    made, registry = page("hostile"), read(source("hostile"))
    shown = made.one("div", class_="rv-problems").all("section")
    assert {section.one("p", class_="source").one("code").text for section in shown} == set(registry.problems["rule"])
    severities = ["error", "warning", "info"]
    order = [section.attributes["class"] for section in shown]
    assert order == sorted(order, key=severities.index)
    for section in shown:
        rule = section.one("p", class_="source").one("code").text
        assert len(section.one("table").rows()) == (registry.problems["rule"] == rule).sum()
        assert "What to do:" in section.text


def test_many_tags_are_cut_and_counted(page: Callable[[str], Element]) -> None:
    made = page("many_tags")
    assert len(table(made, "Tags").rows()) == 200
    notes = [note.text for note in made.all("p", class_="note")]
    assert any("first 200 of 12,000 rows" in note and "regviz sizes SOURCE --by tag" in note for note in notes)


def test_hostile_names_are_text(page: Callable[[str], Element]) -> None:
    made = page("hostile")
    assert [each.attributes for each in made.all("script") if not each.has("type", "application/json")] == [{}]
    assert made.all("img") == []
    assert made.all("html")[0].text.count("\u202e") == 0
    elements = [made]
    for element in elements:
        elements += [child for child in element.children if not isinstance(child, str)]
        assert not any(name.startswith("on") for name in element.attributes), element.attributes
        assert "\u202e" not in "".join(element.attributes.values())
    shown = {row[0] for row in table(made, "Repositories").rows()}
    assert "right\\u202eleft" in shown
    assert {"&lt;img src=x onerror=alert(1)&gt;", "日本語-עברית", "$x^2$"} <= shown
    assert any(name.startswith("a" * 160) for name in shown)
    assert len(HOSTILE) < len(shown)


def test_an_empty_registry_says_so(page: Callable[[str], Element]) -> None:
    made = page("empty")
    assert made.one("p", class_="lead").text == "This registry is empty: no repository, no tag, no blob."
    assert "Tags: none." in made.one("main").text


def test_the_source_and_its_limits_are_told(page: Callable[[str], Element], source: Callable[[str], Path]) -> None:
    limits = page("world").one("div", class_="rv-limits").text
    assert str(source("world")) in limits
    assert "Who pulls what" in limits


def test_a_registry_that_was_read_is_reported_as_it_is(tmp_path: Path, source: Callable[[str], Path]) -> None:
    registry: Registry = read(source("one_image"))
    made = report(registry, tmp_path / "one.html", title="Mine & yours")
    text = made.read_text(encoding="utf-8")
    assert "<title>Mine &amp; yours · regviz</title>" in text
    assert str(source("one_image")) in text
    assert list(tmp_path.iterdir()) == [made]


def test_the_steps_to_the_disk_end_in_what_its_files_take(
    page: Callable[[str], Element], source: Callable[[str], Path]
) -> None:
    """The source is read with its files measured, and the capture that leads to the notebook carries that."""
    made = page("world")
    steps = {row[0] for found in made.all("table") for row in found.rows() if "tags" in row[0]}
    assert "tags" in steps
    assert "were not measured" not in made.one("main").text
    with tarfile.open(source("world")) as archive:
        files = sum(member.size for member in archive if member.isreg())
    cells = [cell for found in made.all("table") for row in found.all("tr") for cell in row.all("td")]
    assert f"{files:,} bytes" in {cell.attributes.get("title") for cell in cells}


def test_a_listing_has_a_report_that_says_what_it_cannot_tell(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("app", [b"its layer"], "1")
    names = sorted(path for path in store.root.rglob("*") if path.is_file())
    rows = [f"f {path.stat().st_size} 1700000000.0 {path.relative_to(store.root)}\0" for path in names]
    (tmp_path / "listing").write_text("".join(rows), encoding="utf-8")
    made = parse(report(tmp_path / "listing", tmp_path / "out.html").read_text(encoding="utf-8"))
    lead = made.one("p", class_="lead").text
    assert lead.startswith("A listing of files: it names 1 repository, 1 tag and 3 blobs of ")
    assert numbers(made)["Images"] == "—"
    said = [sentence.text for sentence in made.all("p", class_="rv-unanswered")]
    assert len(said) >= FIGURES - 1
    assert "is a listing: " in said[0]
    assert all(sentence.endswith(".") for sentence in said)
    assert {*said[1:]} == {"Not known here: a listing names files, and does not have what is in them."}
    assert {row[1] for row in table(made, "Tags").rows()} == {"1"}


def test_rows_that_are_cut_are_summed(page: Callable[[str], Element], source: Callable[[str], Path]) -> None:
    made, registry = page("many_tags"), read(source("many_tags"))
    blobs = table(made, "Blobs")
    shown = [int(cell.attributes["data-v"]) for row in blobs.one("tbody").all("tr") for cell in row.all("td")[3:4]]
    foot = blobs.one("tfoot")
    assert foot.one("th").text == f"{len(registry.blobs) - len(shown):,} others"
    (rest,) = (int(cell.attributes["data-v"]) for cell in foot.all("td") if "data-v" in cell.attributes)
    assert sum(shown) + rest == registry.blobs["blob_bytes"].sum()


def test_what_is_cut_says_so_everywhere(page: Callable[[str], Element]) -> None:
    """No table of the page has fewer rows than it says without a note beside it."""
    cut = 0
    for block in page("many_tags").all("div", class_="rv-table"):
        said = int(block.one("p", class_="head").one("span").text.split()[0].replace(",", ""))
        shown = len(block.one("table").rows())
        notes = [note.text for note in block.all("p", class_="note")]
        assert any(f"first {shown:,} of {said:,} rows" in note for note in notes) == (shown < said)
        cut += shown < said
    assert cut > 5
