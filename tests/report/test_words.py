"""The sentences of a report, and what its source could not know."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from regviz.card import Summary
from regviz.read import read
from regviz.report import words
from regviz.source import Source

if TYPE_CHECKING:
    from regviz.registry import Registry

KIB = 1024


def summary(**counts: int) -> Summary:
    nothing = dict.fromkeys(
        ("repositories", "tags", "images", "layers", "blobs", "stored_bytes", "errors", "warnings"), 0
    )
    return Summary(**(nothing | counts))


@pytest.mark.parametrize(
    ("counts", "totals", "sentence"),
    [
        ({}, (0, 0, 0), "This registry is empty: no repository, no tag, no blob."),
        (
            {"repositories": 1, "tags": 1, "blobs": 3, "stored_bytes": 2 * KIB},
            (2 * KIB, 2 * KIB, 1),
            "One tag in 1 repository takes 2.00 KiB.",
        ),
        (
            {"repositories": 3, "tags": 2, "blobs": 3, "stored_bytes": 3 * KIB},
            (2 * KIB, 2 * KIB, 2),
            ("2 tags in 2 repositories share nothing and take 2.00 KiB, and 1.00 KiB more is reached from no tag."),
        ),
        (
            {"repositories": 2, "tags": 3, "blobs": 3, "stored_bytes": 4 * KIB},
            (9 * KIB, 4 * KIB, 2),
            "3 tags in 2 repositories would take 9.00 KiB one by one; sharing brings that to 4.00 KiB.",
        ),
        (
            {"repositories": 1, "blobs": 1, "stored_bytes": KIB},
            (0, 0, 0),
            "No tag is here: 1 repository, and 1.00 KiB in 1 blob that no tag reaches.",
        ),
        (
            {"repositories": 3, "tags": 2, "blobs": 4, "stored_bytes": 7 * KIB},
            (2 * KIB, 2 * KIB, 2, 4 * KIB),
            (
                "2 tags in 2 repositories share nothing and take 2.00 KiB, and 1.00 KiB more is reached from no tag; of "
                "4.00 KiB it is not known what leads there."
            ),
        ),
        (
            {"repositories": 1, "tags": 1, "blobs": 4, "stored_bytes": 6 * KIB},
            (2 * KIB, 2 * KIB, 1, 4 * KIB, False),
            "In what could be read, one tag in 1 repository takes 2.00 KiB; of 4.00 KiB it is not known what leads there.",
        ),
        (
            {"blobs": 2, "stored_bytes": 5 * KIB},
            (0, 0, 0, 5 * KIB, False),
            (
                "In what could be read, no tag is here: 0 repositories, and 5.00 KiB in 2 blobs; of 5.00 KiB it is not known what "
                "leads there."
            ),
        ),
    ],
)
def test_the_opening_says_what_is_there(counts: dict[str, int], totals: tuple[int, ...], sentence: str) -> None:
    assert words.opening(summary(**counts), words.TagTotals(*totals)) == sentence  # type: ignore[arg-type]


def with_source(**what: object) -> Registry:
    registry = read()
    registry.source = replace(registry.source, **what)  # type: ignore[arg-type]
    return registry


@pytest.mark.parametrize(
    ("what", "limit", "says"),
    [
        ({"tags_elsewhere": "the path says harbor"}, "Which manifests are tagged", "The path says harbor"),
        ({"names_in_database": True}, "Names", "GitLab"),
        ({"proxy_cache": True}, "What the cache does not hold", "Absent platforms and layers are normal"),
        ({"knows_untagged": False}, "Manifests without a tag", "lists only what has a tag"),
        ({"knows_all_blobs": False}, "Blobs that nothing refers to", "does not list them"),
        ({"trusts_times": False}, "When things were pushed", "no evidence"),
        ({"links_checked": "stat"}, "Whether each layer link is sound", 'links="check"'),
        ({"knows_disk": False}, "Blocks on the disk", "lengths of content"),
    ],
)
def test_a_limit_is_told_where_it_holds_and_only_there(what: dict[str, object], limit: str, says: str) -> None:
    best = {
        "tags_elsewhere": "",
        "names_in_database": False,
        "proxy_cache": False,
        "knows_untagged": True,
        "knows_all_blobs": True,
        "trusts_times": True,
        "links_checked": "open",
        "knows_disk": True,
    }
    always = {"Who pulls what", "What is inside the layers"}
    assert {name for name, _ in words.limits(with_source(**best))} == always
    told = dict(words.limits(with_source(**(best | what))))
    assert set(told) == always | {limit}
    assert says in told[limit]


def test_a_percent_sign_in_a_source_is_no_format() -> None:
    told = dict(words.limits(with_source(tags_elsewhere="the path says %(x)s 100%")))
    assert "The path says %(x)s 100%" in told["Which manifests are tagged"]


def test_the_layout_is_named() -> None:
    source = Source(uri="x", layouts=("v1",), why="", read_at=dt.datetime.now(dt.UTC))
    assert words.layout_name(source) == "Docker Registry v1 storage"
