"""Tables as a page shows them: every row, or a note that says how many are not shown and where they are."""

from __future__ import annotations

import pandas as pd
import pytest

from regviz.report.tables import html_table, readable
from tests.report.reading import parse


def frame(count: int) -> pd.DataFrame:
    return pd.DataFrame({"tag": [f"t{number}" for number in range(count)], "blob_bytes": range(count)})


def test_a_table_has_its_rows_its_columns_and_its_name() -> None:
    page = parse(html_table(frame(3), caption="Tags"))
    table = page.one("table")
    assert table.attributes["aria-label"] == "Tags"
    assert [(head.text, head.attributes["scope"]) for head in table.all("th")] == [
        ("tag", "col"),
        ("blob bytes", "col"),
    ]
    assert table.rows() == [["t0", "0 B"], ["t1", "1 B"], ["t2", "2 B"]]
    assert page.one("p").text == "Tags 3 rows"
    assert page.all("p", class_="note") == []


def test_rows_left_out_are_counted_and_the_command_that_has_them_is_named() -> None:
    page = parse(html_table(frame(12_000), caption="Tags", limit=200, command="regviz table SOURCE tags"))
    assert len(page.one("table").rows()) == 200
    note = page.one("p", class_="note").text
    assert "first 200 of 12,000 rows" in note
    assert "other 11,800" in note
    assert "regviz table SOURCE tags" in note
    assert page.one("p", class_="head").text == "Tags 12,000 rows"


def test_the_largest_rows_are_those_that_are_shown() -> None:
    page = parse(html_table(frame(10), caption="Tags", limit=2, largest="blob_bytes"))
    assert page.one("table").rows() == [["t9", "9 B"], ["t8", "8 B"]]
    assert "by blob bytes" in page.one("p", class_="note").text


def test_what_is_not_known_comes_last_among_the_largest() -> None:
    rows = pd.DataFrame({"tag": ["a", "b", "c"], "blob_bytes": pd.array([1, None, 2], dtype="Int64")})
    page = parse(html_table(rows, caption="Tags", largest="blob_bytes"))
    assert [row[0] for row in page.one("table").rows()] == ["c", "a", "b"]


def test_a_table_without_rows_says_so() -> None:
    page = parse(html_table(frame(0), caption="Unfinished uploads"))
    assert page.all("table") == []
    assert page.one("p").text == "Unfinished uploads: none."


def test_what_a_script_writes_down_is_said_beside_the_words() -> None:
    rows = pd.DataFrame({"repository": ["a"] * 3, "has_tags": pd.array([True, None, False], dtype="boolean")})
    table = parse(html_table(rows, caption="x", limit=2)).one("table")
    assert table.attributes["data-rows"] == "3"
    heads = [
        {name: value for name, value in head.attributes.items() if name.startswith("data-")} for head in table.all("th")
    ]
    assert heads == [{}, {"data-name": "has_tags", "data-kind": "flag"}]


@pytest.mark.parametrize("caption", ['<script>"x"</script>', "a\u202eb"])
def test_a_hostile_caption_is_text(caption: str) -> None:
    page = parse(html_table(frame(1), caption=caption, limit=0, command=caption))
    assert page.all("script") == []
    assert "\u202e" not in page.text
    assert "\u202e" not in page.one("table").attributes["aria-label"]


def test_columns_are_read_as_words() -> None:
    assert [readable(name) for name in ("os", "media_type", "tag")] == ["OS", "media type", "tag"]


def test_a_category_column_of_a_registry_is_shown_by_its_values() -> None:
    rows = pd.DataFrame({"repository": pd.Categorical(["b", None, "a"])})
    assert parse(html_table(rows, caption="x")).one("table").rows() == [["b"], ["—"], ["a"]]


def test_columns_without_a_value_are_named_instead_of_shown() -> None:
    rows = pd.DataFrame({"layer": [None, None], "diff_id": [None, None], "os": ["linux", None], "subject": [None] * 2})
    page = parse(html_table(rows, caption="Layers"))
    assert [head.text for head in page.all("th")] == ["layer", "OS"]  # what a row is called stays
    assert page.one("p").text == "Layers 2 rows; no values in diff id, subject"


def test_a_long_word_may_be_broken_where_a_part_of_it_ends_and_stays_one_word() -> None:
    said = "application/vnd.docker.distribution.manifest.list.v2+json"
    cell = parse(html_table(pd.DataFrame({"media_type": [said]}), caption="x")).one("td")
    assert cell.text == said
    assert [part for part in cell.children if isinstance(part, str)][-2:] == ["list.", "v2+json"]
