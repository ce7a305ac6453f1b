"""Lesson 09 on sources of every kind: it goes on where one cannot tell, and the truth is that source's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest

import regviz as rv
from regviz.lesson import forms
from regviz.lesson.book import archive, files
from regviz.lesson.books import book_09
from tests.lesson import own

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = ("09.1", "09.2", "09.3", "09.4")
NEEDED, UNNEEDED, CHOSEN, NEWEST = "09.a", "09.b", "09.c", "09.d"


def test_the_lesson_is_right_on_every_kind_of_source(tmp_path: Path) -> None:
    names = ("world-v1", "world-oci", "shop")
    listing = tmp_path / "listing.txt"
    lines = [f"{len(content)} ./{path}" for path, content in files("shop").items()]
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    capture = tmp_path / "world.regviz"
    rv.read(archive("world-distribution")).save(capture)
    sources = [*(str(archive(name)) for name in names), str(capture), str(listing)]
    v1, oci, shop, captured, stood_in = own.run(tmp_path, sources)
    for each in (v1, oci, shop, captured, stood_in):
        assert {id_: each["results"][id_]["state"] for id_ in CHECKS} == dict.fromkeys(CHECKS, "right")
    # Hand counts of the shop: 4,559 and 2,660 bytes alone and a base of 8,240; each repository has one tag, which stays.
    assert [shop["results"][id_]["truth"] for id_ in (NEEDED, UNNEEDED, CHOSEN, NEWEST)] == [15_459, 0, 15_459, 0]
    assert shop["results"]["09.4"]["truth"] == 4_559
    assert shop["results"]["09.3"]["truth"] == "shop/cart:1"
    assert oci["results"][NEWEST]["truth"] is None
    assert "does not tell when its tags were pushed" in oci["text"]
    assert captured["results"][NEWEST]["truth"] == stood_in["results"][NEWEST]["truth"]
    assert "the small world stands in" in stood_in["text"]
    assert "stands in" not in captured["text"]
    assert (
        v1["results"][NEEDED]["truth"] == 154_890
    )  # layer files of all that tags stand on, counted by tarfile and json


def test_no_other_lesson_reads_what_the_learner_named() -> None:
    """Their answers are those of archives that ship, also in a laboratory that was opened on another registry."""
    for name in forms.names():
        code = [cell.source for cell in nbformat.read(forms.path_of(name), as_version=4).cells]
        assert name[:2] == "09" or "rv.read()" not in "\n".join(code), name


@pytest.fixture
def forgotten() -> object:
    """Afterwards the lesson judges by the small world again."""
    yield None
    book_09.use(rv.read(archive("world-distribution")))


def test_answers_are_judged_by_the_registry_that_was_named_last(forgotten: object) -> None:
    del forgotten
    most, needed = book_09.book.checks["09.3"], book_09.book.predictions[NEEDED]
    book_09.use(rv.read(archive("world-distribution")))
    assert (most.truth, most.mistakes[0].value) == ("team/web:2.0-zstd", "team/web:1.0")
    assert needed.truth == 383_078
    book_09.use(rv.read(archive("shop")))
    assert (most.truth, most.mistakes[0].value, needed.truth) == ("shop/cart:1", "shop/cart:1", 15_459)
