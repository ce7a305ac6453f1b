"""The figures of lessons: what is drawn is what the table says."""

from __future__ import annotations

import pandas as pd

from regviz.lesson.drawings import describe_digests, describe_layouts, digests, layouts

LAYERS = pd.DataFrame(
    {
        "digest": ["sha256:" + "a" * 64, "sha256:" + "b" * 64],
        "blob_bytes": [4_096, 100],
        "diff_id": ["sha256:" + "c" * 64, "sha256:" + "d" * 64],
        "tar_bytes": [10_240, 2_048],
        "chain_id": ["sha256:" + "c" * 64, "sha256:" + "e" * 64],
    }
)
MANIFEST, CONFIG = ("sha256:" + "1" * 64, 500), ("sha256:" + "2" * 64, 400)


def test_every_name_and_every_file_is_drawn_once() -> None:
    told = describe_digests(LAYERS, manifest=MANIFEST, config=CONFIG)
    assert told.title == "7 digests name one image of 2 layers; 4 of them name files"
    written = [text.text for text in told.texts]
    for digit in "abcde12":
        assert written.count(digit * 12) == 1
    assert written.count("the diff ID") == 1  # the base's chain ID
    [files] = told.series
    assert [mark.words[0] for mark in files.marks] == [*LAYERS["digest"], CONFIG[0], MANIFEST[0]]
    assert len(files.boxes) == 4
    for size in ("10.0 KiB", "2.00 KiB", "4.00 KiB", "100 B", "config, 400 B", "manifest, 500 B"):
        assert written.count(size) == 1


def test_nothing_of_it_overlaps_or_leaves_the_sheet() -> None:
    told = describe_digests(LAYERS, manifest=MANIFEST, config=CONFIG)
    boxes = told.series[0].boxes
    for at, box in enumerate(boxes):
        assert box.x >= 0
        assert box.x + box.width <= told.width
        assert box.y + box.height <= told.height
        for other in boxes[at + 1 :]:
            apart = box.x + box.width <= other.x or other.x + other.width <= box.x
            assert apart or box.y + box.height <= other.y or other.y + other.height <= box.y
    assert digests(LAYERS, manifest=MANIFEST, config=CONFIG).marks.keys() == {"contents"}


def test_a_bar_is_as_long_as_its_bytes() -> None:
    table = pd.DataFrame(
        [
            {"layout": "small", "files": 1, "layers": 100, "config": 20, "rest": 0},
            {"layout": "large", "files": 3, "layers": 300, "config": 0, "rest": 60},
        ]
    )
    told = describe_layouts(table)
    assert told.title == "large takes 3.0 times the bytes of small, for one image"
    assert [[(span.start, span.end) for span in row.spans] for row in told.rows] == [
        [(0, 100), (100, 120)],
        [(0, 300), (300, 360)],
    ]
    assert [row.note for row in told.rows] == ["1 file", "3 files"]
    assert len(layouts(table).marks["layouts"]) == 4
