"""A walked v1 folder and a listed archive of it give the same tables, whatever lies in it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.read import read
from tests.helpers import V1Store, assert_same_tables, encode, image_id

IDS = [image_id(number) for number in range(4)] + ["27cf784147099545"]
NAMES = st.sampled_from([*IDS, *IDS, IDS[0].upper(), IDS[0][:20], "x", ".DS_Store"])
FILES = st.sampled_from(
    [
        "json",
        "json",
        "json",
        "layer",
        "ancestry",
        "_checksum",
        "_inprogress",
        "_files",
        "_diff",
        "x",
        "json/x",
        "y.tmp",
        "",
    ]
)
REPOSITORIES = st.sampled_from(
    ["library/app", "library/app", "a/b%2Fc", "a/b%252Fc", "a%2Fb/c", "a/é", "a", "a/b/c", "..x/y", ".a/.b"]
)
ENTRIES = st.sampled_from(
    [
        "tag_latest", "tag_latest", "tag__x", "tag_x_json", "tag_1.0%2Bx", "tag_1.0+x", "tag_", "taglatest_json", "latest_json",
        "tag_x_json_json", "json", "_index_images", "_images_list", "_private", "x", "x.tmp", "_x", "tag_latest/x", "",
    ]
)  # fmt: skip
PLACES = st.one_of(
    st.builds("images/{}/{}".format, NAMES, FILES),
    st.builds("repositories/{}/{}".format, REPOSITORIES, ENTRIES),
    st.sampled_from(["images/file", "repositories/file", "repositories/library/file", "other/x", "images/x.tmp"]),
)
PARENTS = st.none() | st.sampled_from([*IDS, "", "x", 7])
CONTENTS = st.one_of(
    st.builds(lambda name, parent: encode({"id": name, "parent": parent}), st.sampled_from(IDS), PARENTS),
    st.lists(st.sampled_from(IDS), max_size=4).map(encode),
    st.lists(st.sampled_from(IDS).map(lambda name: {"id": name}), max_size=4).map(encode),
    st.sampled_from(
        [*(name.encode() for name in IDS * 2), b"", b"{}", b'{"last_update": 1399996308}', b"null", b"x" * 700]
    ),
    st.sampled_from(IDS).map(lambda name: f" {name}\n".encode()),
)
NODES = st.lists(st.tuples(PLACES, st.none() | CONTENTS), max_size=14)


def lay(root: Path, nodes: list[tuple[str, bytes | None]]) -> None:
    store = V1Store(root)
    store.image(IDS[1], [IDS[0]])
    for place, content in nodes:
        try:
            if content is None:
                (root / place).mkdir(parents=True, exist_ok=True)
            else:
                store.file(place, content or b"")
        except OSError:  # a file stands where a directory should, or the other way round
            continue


@pytest.mark.parametrize("links", ["stat", "check"])
@settings(max_examples=60)
@given(NODES, st.sampled_from(["", "./", "registry/"]))
def test_a_folder_and_its_archive(
    links: Literal["stat", "check"], nodes: list[tuple[str, bytes | None]], prefix: str
) -> None:
    with TemporaryDirectory() as name:
        lay(Path(name) / "storage" / prefix, nodes)
        archive = Path(name) / "storage.tar"
        with tarfile.open(archive, "w") as opened:
            opened.add(Path(name) / "storage", prefix[:2] if prefix == "./" else "")
        assert_same_tables(read(Path(name) / "storage", links=links), read(archive, links=links))
