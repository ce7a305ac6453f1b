"""What a table's cell shows, hides and never lets through."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.report.cells import cell_kind, cells
from tests.report.reading import Element, parse

DIGEST = "sha256:" + "1a2b3c4d5e6f" + "0" * 52


def read_cell(html: str) -> Element:
    (cell,) = parse(html).children
    assert isinstance(cell, Element)
    assert cell.tag == "td"
    return cell


def show(value: object, name: str, dtype: str | None = None) -> Element:
    values = pd.Series([value], dtype=dtype)
    (html,) = cells(values, cell_kind(name, values))
    return read_cell(html)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1364000000, "1.27 GiB"), (2**63 - 1, "8.00 EiB"), (-2048, "-2.00 KiB")],
)
def test_bytes_are_read_in_binary_units_and_are_exact_on_hover(count: int, text: str) -> None:
    cell = show(count, "blob_bytes", "Int64")
    assert cell.text == text
    assert cell.attributes["title"] == f"{count:,} bytes"
    assert int(cell.attributes["data-v"]) == count


def test_numbers_have_separators_and_sort_by_their_value() -> None:
    cell = show(1234567, "layers", "Int64")
    assert (cell.text, cell.attributes["data-v"]) == ("1,234,567", "1234567")
    share = show(2 / 3, "jaccard")
    assert share.text == "0.667"
    assert math.isclose(float(share.attributes["data-v"]), 2 / 3, rel_tol=1e-15)


def test_a_digest_is_shortened_and_copied_whole() -> None:
    cell = show(DIGEST, "manifest")
    assert cell.text == DIGEST  # what a selection copies, and the search looks through
    assert cell.text.removesuffix(cell.one("i").text) == "sha256:1a2b3c4d5e6f"  # what is seen
    assert cell.attributes["title"] == DIGEST


@pytest.mark.parametrize("key", ["27cf784147099545", "v1:" + "ab" * 32, "chain:sha256:" + "cd" * 32])
def test_other_keys_are_shortened_the_same_way(key: str) -> None:
    cell = show(key, "layer")
    seen = cell.text.removesuffix(cell.one("i").text)
    assert key.startswith(seen)
    assert len(seen.rpartition(":")[2]) == 12


def test_a_tag_that_looks_like_a_digest_stays_whole() -> None:
    assert show("ab" * 20, "tag").all("i") == []


def test_times_are_dates_and_exact_on_hover() -> None:
    cell = show(pd.Timestamp("2014-05-13 23:00:01", tz="UTC"), "created_at")
    assert (cell.text, cell.attributes["title"]) == ("2014-05-13", "2014-05-13 23:00:01 UTC")
    assert int(cell.attributes["data-v"]) == dt.datetime(2014, 5, 13, 23, 0, 1, tzinfo=dt.UTC).timestamp()


def test_a_time_is_exact_to_the_microsecond() -> None:
    cell = show(pd.Timestamp("1969-12-31 23:59:58.200001", tz="UTC"), "created_at")
    assert cell.attributes["title"] == "1969-12-31 23:59:58.200001 UTC"
    assert float(cell.attributes["data-v"]) == -1.799999


def test_several_names_are_a_list() -> None:
    assert show(("a:1", "b:<2>"), "tags").text == "a:1, b:<2>"


@pytest.mark.parametrize(("dtype", "name"), [("Int64", "blob_bytes"), ("str", "tag"), ("boolean", "present")])
def test_what_is_not_known_is_a_dash_and_no_zero(dtype: str, name: str) -> None:
    cell = show(None, name, dtype)
    assert cell.text == "—"
    assert "na" in cell.attributes["class"].split()
    assert "data-v" not in cell.attributes


@pytest.mark.parametrize("name", ["nan", "NaT", "<NA>", "None", ""])
def test_a_name_that_looks_like_nothing_is_a_name(name: str) -> None:
    cell = show(name, "tag")
    assert cell.text == name
    assert "na" not in cell.attributes.get("class", "").split()


def test_flags_are_words() -> None:
    assert [show(flag, "present", "boolean").text for flag in (True, False)] == ["yes", "no"]


def test_a_long_text_says_that_it_goes_on() -> None:
    cell = show("x" * 5_000, "created_by")
    assert cell.text == "x" * 160 + "…"
    assert cell.attributes["title"] == "x" * 2_000 + "… (5,000 characters)"


def test_a_name_of_255_characters_may_be_broken_anywhere() -> None:
    name = "a" * 255
    cell = show(name, "repository")
    assert cell.attributes["title"] == name
    assert cell.has("class", "w")


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></table><h1>",
    "&lt;b&gt;",
    "safe\u202egnp.exe",
    "a\u2066b\u2069\u200b",
    "line\nbreak\tand\rmore",
    "\x1b[31mred\x9b0m",
    "]]>--><!--",
]


@pytest.mark.parametrize("name", ["repository", "manifest", "created_by"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_text(text: str, name: str) -> None:
    cell = show(text, name)
    assert [child for child in cell.children if not isinstance(child, str)] == []
    assert set(cell.attributes) <= {"class", "title"}
    for shown in (cell.text, cell.attributes.get("title", "")):
        assert not any(ord(letter) < 32 or letter in "\u202e\u2066\u2069\u200b\x1b\x9b" for letter in shown)
    if "<" in text:
        assert cell.text == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_becomes_one_cell_with_nothing_but_text_in_it(text: str) -> None:
    for name in ("tag", "blob"):
        cell = show(text, name, "str")
        assert all(isinstance(child, str) or child.tag in ("code", "wbr") for child in cell.children)


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_number_of_bytes_is_exact_on_hover(count: int) -> None:
    cell = show(count, "bytes", "Int64")
    assert int(cell.attributes["title"].removesuffix(" bytes").replace(",", "")) == count


def test_several_names_stand_side_by_side() -> None:
    owners = pd.Series([("team/api", "<b>"), ("only",)], dtype=object)
    assert cells(owners, "text") == ["<td>team/api, &lt;b&gt;</td>", "<td>only</td>"]
