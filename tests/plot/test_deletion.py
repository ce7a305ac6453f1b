"""The figure of a deletion, as data and as drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz.analysis import what_if
from regviz.plot.deletion import describe_what_if
from regviz.plot.palette import STATES
from regviz.read import read
from tests.helpers import Store
from tests.plot.drawn import hold_marks, texts_of
from tests.plot.registries import registry

if TYPE_CHECKING:
    from pathlib import Path

WORLD = "world-distribution.tar.gz"


def test_blobs_are_parts_of_the_bar_of_their_state() -> None:
    table = what_if(registry(WORLD), pattern=".", collector="distribution-2.8")
    told = describe_what_if(table)
    blobs = table[table["kind"] == "blob"].astype({"state": str, "bytes": int})
    bars = [row for row in told.rows if row.name.endswith(" blobs")]
    assert {row.name.removesuffix(" blobs") for row in bars} == set(blobs["state"])
    for row in bars:
        state = row.name.removesuffix(" blobs")
        lengths = sorted(blobs.loc[blobs["state"] == state, "bytes"], reverse=True)
        assert [span.end - span.start for span in row.spans] == lengths
        assert [span.start for span in row.spans] == [sum(lengths[:at]) for at in range(len(lengths))]
        assert {span.colour for span in row.spans} == {STATES[state]}
    values = {row.name: row.value for row in told.rows}
    assert values["tags"] == f"{(table['kind'] == 'tag').sum()}"
    assert "broken" not in table["cause"].tolist()
    assert "indexes" not in values


def test_what_is_lost_and_kept_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"base" * 100, b"one"], "1", "alias")
    store.image("app", [b"base" * 100, b"two"], "2")
    table = what_if(read(tmp_path), pattern="^(1|2)$", keep="^2$")
    told = describe_what_if(table)
    assert told.title.startswith("Deleting 2 tags frees ")
    assert told.title.endswith("; 1 image can be pulled no more")
    assert {row.name: row.note for row in told.rows}["tags"] == "1 of them along with their manifests"
    assert "1 tag is to be kept." in told.explanation


def test_nothing_chosen_and_an_abort_are_titles(tmp_path: Path) -> None:
    Store(tmp_path).image("app", [b"base"], "1")
    told = describe_what_if(what_if(read(tmp_path), pattern="^no tag has this$"))
    assert (told.title, told.rows) == ("No tag would be deleted", ())
    table = what_if(registry(WORLD), tags=["library/nodejs:20"], collector="distribution-2.8")
    table.attrs |= {"abort": "manifest x is of schema 1", "freed_bytes": 0}
    told = describe_what_if(table)
    assert told.title == "Deleting 1 tag frees nothing: Distribution 2.8 stops"
    assert "The collector stops: manifest x is of schema 1." in told.explanation


@pytest.mark.parametrize("chosen", [{"keep_last": 1}, {"pattern": "^1"}])
def test_the_drawing_says_what_was_described(chosen: dict[str, str]) -> None:
    from regviz.plot import what_if as draw

    table = what_if(registry(WORLD), **chosen)
    told = describe_what_if(table)
    axes = draw(table)
    hold_marks(axes)
    assert len(axes.marks["what_if"]) == sum(len(row.spans) for row in told.rows)
    assert {row.value for row in told.rows} <= set(texts_of(axes))
