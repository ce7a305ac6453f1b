"""The page for paper: what it advises is what the answers say, never more than three things, and honest."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.errors import NotKnowableError
from regviz.report import report, show
from regviz.report.summary import MOST, things_to_do
from regviz.text import format_bytes
from tests.conftest import ROOT
from tests.helpers import Store
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORLDS = [ROOT / "data" / f"world-{name}.tar.gz" for name in ("distribution", "v1")]


def test_each_thing_has_the_bytes_of_its_answer() -> None:
    reg = rv.read(WORLDS[0])
    expected = {
        "stale-tags": rv.stale_tags(reg).attrs["stale_bytes"],
        "churn": rv.churn(reg).attrs["lost_bytes"],
        "garbage": rv.garbage(reg).attrs["freed_bytes"],
    }
    found = {thing.command.split()[1]: thing.bytes for thing in things_to_do(reg, most=9)}
    assert {name: found[name] for name in expected} == expected
    largest = int(rv.sizes(reg)["exclusive_bytes"].max())
    assert ("sizes" in found) == (largest * 3 >= rv.sizes(reg).attrs["tagged_bytes"])


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name)
def test_never_more_than_three_and_what_frees_most_comes_first(world: Path) -> None:
    things = things_to_do(rv.read(world))
    assert 0 < len(things) <= MOST
    sizes = [thing.bytes for thing in things if thing.bytes is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert all(str(world) in thing.command for thing in things)


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name)
def test_the_picture_has_every_repository_or_says_how_many_others_there_are(world: Path) -> None:
    reg = rv.read(world)
    drawn = [text.text for text in parse(show.summary(reg).html).one("svg").all("text")]
    assert set(reg.repositories["repository"]) <= set(drawn)
    assert not any("other" in text and "repositor" in text and text[0].isdigit() for text in drawn)


def young(tmp_path: Path, *layers: bytes) -> rv.Registry:
    """Two repositories that share all they have, pushed a moment ago, so that no tag is old and none stands out."""
    store = Store(tmp_path / "young")
    for name in ("a", "b"):
        store.image(name, list(layers), "1")
    now = dt.datetime.now(dt.UTC).timestamp()
    for place, file in enumerate(sorted((tmp_path / "young").rglob("*"))):
        os.utime(file, (now - 3600 * (place + 2), now - 3600 * (place + 2)))
    return rv.read(tmp_path / "young")


def test_nothing_needs_doing(tmp_path: Path) -> None:
    reg = young(tmp_path, b"layer" * 1000)
    assert things_to_do(reg) == []
    page = parse(show.summary(reg).html)
    assert page.one("h2", id="things-to-do").text == "Nothing needs doing"
    assert page.all("li") == []


def test_what_is_broken_comes_first_and_says_how_often(source: Callable[[str], Path]) -> None:
    reg = rv.read(source("hostile"))
    errors = reg.problems["severity"].eq("error").sum()
    assert errors
    first = things_to_do(reg)[0]
    assert (first.what, first.bytes) == ("Mend what cannot be pulled or read", None)
    assert f"{errors:,} error" in first.why
    assert first.command.startswith("regviz doctor ")


@pytest.mark.parametrize("name", ["world", "world_v1", "hostile", "empty", "one_image"])
def test_the_page_says_what_the_registry_says(name: str, source: Callable[[str], Path], tmp_path: Path) -> None:
    made = report(source(name), tmp_path / "summary.html", summary=True)
    page, reg = parse(made.read_text(encoding="utf-8")), rv.read(source(name))
    numbers = {each.one("dt").text: each.all("dd")[0].text for each in page.one("dl").all("div")}
    stored = int(reg.blobs.loc[reg.blobs["present"], "blob_bytes"].sum())
    assert numbers["Stored"] == format_bytes(stored)
    assert len(numbers) == 5
    things = things_to_do(reg)
    assert len(page.all("li")) == len(things)
    assert len(page.all("figure")) == (len(reg.repositories) > 0)
    assert len(page.all("script")) == 1
    for shown, thing in zip(page.all("li"), things, strict=True):
        assert thing.what in shown.text
        assert thing.bytes is None or format_bytes(thing.bytes) in shown.text


def test_what_a_source_cannot_know_is_no_thing_to_do() -> None:
    reg = rv.read(WORLDS[0])
    every = {thing.command.split()[1] for thing in things_to_do(reg, most=9)}
    reg.source = dataclasses.replace(reg.source, knows_all_blobs=False)
    with pytest.raises(NotKnowableError):
        rv.garbage(reg)
    assert {thing.command.split()[1] for thing in things_to_do(reg, most=9)} == every - {"garbage"}
