"""The figure of an image's steps: its bars, ids and paths are those of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz import analysis, plot
from regviz.plot.on_disk import describe_steps_on_disk
from regviz.plot.palette import EXCLUSIVE, SHARED, STATES
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import Store
from tests.plot.drawn import hold_legible, hold_marks, texts_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def steps(world: str, image: str) -> pd.DataFrame:
    return analysis.steps_on_disk(read(ROOT / "data" / f"world-{world}.tar.gz"), image)


@pytest.mark.parametrize("world", ["v1", "distribution", "oci", "docker-save-old"])
def test_bars_are_the_bytes_of_the_table(world: str) -> None:
    table = steps(world, "nodejs")
    told = describe_steps_on_disk(table)
    held = table.dropna(subset="blob")
    bars = [*told.bars("own"), *told.bars("shared")]
    bars.sort(key=lambda bar: bar.y)
    assert len(bars) == len(held)
    unit = max(bar.width for bar in bars) / held["bytes"].max()
    assert [bar.width for bar in bars] == [pytest.approx(max(0.8, size * unit)) for size in held["bytes"]]
    drawn = {text.text for text in told.texts}
    keys = held["layer"] if world in ("v1", "docker-save-old") else held["blob"]
    assert {key.rpartition(":")[2][:12] for key in keys} <= drawn
    marks = [mark for each in told.series for mark in each.marks]
    assert {*held["path"].dropna()} <= {line for mark in marks for line in mark.label.split("\n")}
    axes = plot.steps_on_disk(table)
    hold_legible(axes)
    hold_marks(axes)


def test_what_is_shared_is_told_from_what_is_not() -> None:
    table = steps("v1", "team/web:1.1")
    told = describe_steps_on_disk(table)
    assert (len(told.bars("shared")), len(told.bars("own"))) == (
        (table["shared_with"] > 0).sum(),
        (table["shared_with"] == 0).sum(),
    )
    assert {bar.colour for bar in told.bars("shared")} == {SHARED}
    assert {bar.colour for bar in told.bars("own")} == {EXCLUSIVE}
    assert {"a layer of this image alone", "a layer that other images have too"} <= {text.text for text in told.texts}


def test_a_tag_leads_to_what_it_names() -> None:
    told = describe_steps_on_disk(steps("v1", "nodejs"))
    bold = [text.text for text in told.texts if text.bold]
    assert bold == ["6130def116db"] * 2, "the tag, and the topmost of the chain"
    told = describe_steps_on_disk(steps("distribution", "nodejs"))
    bold = [text.text for text in told.texts if text.bold]
    assert bold == ["345b4cfd515b"] * 2, "the tag, and the manifest"


@pytest.mark.parametrize(
    ("world", "title", "without"),
    [
        ("v1", "The 16 steps of nodejs lie in 16 files of layers, 113 KiB", 0),
        ("distribution", "The 16 steps of nodejs lie in 12 files of layers, 113 KiB; 4 steps left no file", 4),
    ],
)
def test_what_it_finds(world: str, title: str, without: int) -> None:
    axes = plot.steps_on_disk(steps(world, "nodejs"))
    assert axes.get_title(loc="left").replace("\n", " ") == title
    texts = texts_of(axes)
    assert texts.count("no file") == without
    assert {"FROM library/base:latest", "built on it", "RUN apt-get install -y nodejs", "23.5 KiB"} <= {*texts}


def test_a_blob_that_is_not_there_is_hollow(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"one", b"two" * 50], "1")
    table = analysis.steps_on_disk(read(tmp_path), "app:1")
    store.blob_path(str(table["blob"].iloc[1])).unlink()
    told = describe_steps_on_disk(analysis.steps_on_disk(read(tmp_path), "app:1"))
    assert [(bar.hollow, bar.colour) for bar in told.bars("own")] == [(False, EXCLUSIVE), (True, STATES["absent"])]
    assert any(text.text.endswith(", not here") for text in told.texts)


def test_of_too_many_steps_the_largest_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [bytes([number]) * 8 + str(number).encode() * number for number in range(100)], "1")
    table = analysis.steps_on_disk(read(tmp_path), "app:1")
    axes = plot.steps_on_disk(table)
    told = describe_steps_on_disk(table)
    bars = told.bars("own")
    assert len(bars) == 60
    assert "41 more steps of less bytes" in texts_of(axes)
    least = sorted(table["bytes"])[:41]
    assert any(f"{sum(least):,} bytes" in mark.label for mark in told.series[0].marks)
    hold_legible(axes)


def test_an_empty_registry(tmp_path: Path) -> None:
    Store(tmp_path)
    axes = plot.steps_on_disk(analysis.steps_on_disk(read(tmp_path)))
    assert axes.get_title(loc="left") == "There is no tagged image"
    hold_legible(axes)
