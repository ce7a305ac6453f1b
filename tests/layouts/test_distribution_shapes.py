"""Paths understood many at a time against the grammar, entry by entry."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.layouts.distribution.grammar import LAYERS, MANIFESTS, REVISIONS, TAGS, Role, parse
from regviz.layouts.distribution.shapes import (
    CURRENT,
    INDEX,
    TAG,
    WITHIN,
    is_repository,
    linked,
    repository_of,
    shapes_of,
)
from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK, Columns
from regviz.storage.spans import Spans

GOOD = ["0123456789abcdef" * 4, "ab" * 32, "00" * 32]
HEX = st.sampled_from(
    [
        *GOOD * 3,
        GOOD[0].upper(),
        GOOD[0][:63],
        GOOD[0] + "0",
        GOOD[0][:63] + "g",
        GOOD[0][:63] + "/",
        "ab",
        "_" + GOOD[0][1:],
    ]
)
PARTS = st.sampled_from(
    ["a", "b-1", "link", "data", "current", "index", "tags", "sha256", "blobs", "repositories", "A", "é", "x" * 150, "_x",
        "_layers", "_manifests", "_uploads", "revisions", "latest", "v1.0", GOOD[0], "data.tmp", "\udcff", "\\xff"]
)  # fmt: skip
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
LEAVES = st.sampled_from(
    ["", "", "/link", "/link", "/data", "/links", "/link/link", "/xlink", "/signatures/sha256/" + GOOD[1] + "/link"]
)
ALGORITHMS = st.sampled_from(["sha256", "sha256", "sha256", "sha512", "SHA256", "tarsum/v1/sha256", "x/sha256"])
PATHS = st.one_of(
    st.builds("repositories/{}/_layers/{}/{}{}".format, NAMES, ALGORITHMS, HEX, LEAVES),
    st.builds("repositories/{}/_manifests/revisions/{}/{}{}".format, NAMES, ALGORITHMS, HEX, LEAVES),
    st.builds("repositories/{}/_manifests/tags/{}/index/{}/{}{}".format, NAMES, PARTS, ALGORITHMS, HEX, LEAVES),
    st.builds("repositories/{}/_manifests/tags/{}{}".format, NAMES, PARTS,
        st.sampled_from(["", "/current/link", "/current", "/index", "/index/sha256", "/index/link", "/current/link/link", "/x"])),
    st.builds("repositories/{}{}".format, NAMES,
        st.sampled_from(["", "/_layers", "/_layers/sha256", "/_manifests", "/_manifests/revisions",
            "/_manifests/revisions/sha256", "/_manifests/tags", "/_uploads/u/data", "/_layers/link"])),
    st.builds(lambda hex_, prefix, leaf: f"blobs/sha256/{hex_[:2] if prefix is None else prefix}/{hex_}{leaf}", HEX,
        st.sampled_from([None, None, None, "ab", "zz", "a"]), LEAVES.map(lambda leaf: leaf.replace("link", "data"))),
    NAMES,
    st.builds("repositories/{}/{}{}".format, st.sampled_from(["index/sha256", "_layers/sha256", "_manifests/revisions/sha256"]), HEX, LEAVES),
    st.builds("repositories/a/_layers/sha256{}{}{}".format, st.sampled_from("-0_"), HEX, LEAVES),
    st.builds("repositories/{}".format, NAMES.map(lambda name: name.replace("/a", "_"))),
)  # fmt: skip
ENTRIES = st.lists(
    st.tuples(PATHS, st.sampled_from([FILE, FILE, FILE, DIRECTORY, DIRECTORY, SYMLINK, OTHER])), max_size=30
)

Meaning = tuple[object, ...]


def by_shapes(paths: list[bytes], types: list[int], root: bytes) -> dict[int, Meaning]:
    """What is said of each entry that has a shape."""
    shapes = shapes_of(Spans.of(paths), np.array(types, np.uint8), root)
    assert shapes.below.tolist() == [path.startswith(root) for path in paths]
    said: dict[int, Meaning] = {}

    def say(row: int, *meaning: object) -> None:
        assert row not in said
        said[row] = meaning

    def rows(found: Any) -> Any:
        names = [raw.tobytes().hex().encode() for raw in found.raw]
        return zip(found.rows.tolist(), found.is_file.tolist(), names, found.heads.tolist(), strict=True)

    for row, is_file, name, _ in rows(shapes.blobs):
        say(row, "blob" if is_file else "directory of a blob", name)
    for row, is_file, name, repository in rows(shapes.layers):
        if is_repository(repository):
            say(row, "layer" if is_file else "directory of a layer", repository, name)
    for row, is_file, name, repository in rows(shapes.revisions):
        if is_repository(repository):
            say(row, *(("revision", repository, name) if is_file else ("part", repository, MANIFESTS, REVISIONS)))
    names = iter([raw.tobytes().hex().encode() for raw in shapes.tags.raw])
    for row, kind, head in zip(
        *(column.tolist() for column in (shapes.tags.rows, shapes.tags.kinds, shapes.tags.heads)), strict=True
    ):
        name = next(names) if kind == INDEX else b""
        above, _, tag = head.rpartition(b"/")
        if repository := repository_of(above):
            meanings = {
                TAG: ("tag", repository, tag),
                CURRENT: ("current", repository, tag),
                INDEX: ("index", repository, tag, name),
                WITHIN: ("part", repository, MANIFESTS, TAGS),
            }
            say(row, *meanings[kind])
    assert next(names, None) is None
    for found in shapes.on_the_way:
        for row, repository in zip(found.rows.tolist(), found.heads.tolist(), strict=True):
            if is_repository(repository):
                say(row, "part", repository, *found.part)
    return said


def by_grammar(path: bytes, kind: int) -> Meaning:
    """The same by the grammar; nothing of what has no shape."""
    place = parse(path)
    repository, tag, name = place.repository, place.tag, place.name
    is_sha256 = place.algorithm == b"sha256" and re.fullmatch(b"[0-9a-f]{64}", name) is not None
    if kind == FILE:
        if place.role == Role.TAG_CURRENT:
            return "current", repository, tag
        links = {
            Role.BLOB: ("blob", name),
            Role.LAYER_LINK: ("layer", repository, name),
            Role.REVISION_LINK: ("revision", repository, name),
            Role.TAG_INDEX: ("index", repository, tag, name),
        }
        return links.get(place.role, ()) if is_sha256 else ()
    if kind != DIRECTORY or place.role != Role.DIRECTORY:
        return ()
    if path.startswith(b"blobs/"):
        return ("directory of a blob", name) if is_sha256 and path.split(b"/")[2] == name[:2] else ()
    section, *parts = path.removeprefix(b"repositories/" + repository + b"/").split(b"/")
    if section == LAYERS:
        return ("directory of a layer", repository, name) if is_sha256 else ("part", repository, LAYERS)
    if section != MANIFESTS or not parts:
        return ("part", repository, section)
    return (
        ("tag", repository, tag) if parts[0] == TAGS and len(parts) == 2 else ("part", repository, MANIFESTS, parts[0])
    )


@pytest.mark.parametrize("root", [b"", b"docker/registry/v2/", b"repositories/"])
@settings(max_examples=300)
@given(ENTRIES)
def test_shapes_say_what_the_grammar_says(root: bytes, entries: list[tuple[str, int]]) -> None:
    """And every link of a sha256 digest, and every current link, has a shape: none of them is looked for singly."""
    paths = [path.encode("utf-8", "surrogateescape") for path, _ in entries]
    types = [kind for _, kind in entries]
    said = by_shapes([root + path for path in paths], types, root)
    for row, (path, kind) in enumerate(zip(paths, types, strict=True)):
        if row in said or kind == FILE:
            assert said.get(row, ()) == by_grammar(path, kind)


def test_paths_outside_the_root_have_no_shape() -> None:
    inside = b"docker/registry/v2/blobs/sha256/ab/" + b"ab" * 32 + b"/data"
    paths = [inside, b"x/" + inside, inside[7:], b"docker/registry/v2"]
    assert by_shapes(paths, [FILE] * 3 + [DIRECTORY], b"docker/registry/v2/").keys() == {0}


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (b"sha256:" + b"0f" * 32, True),
        (b"sha256:" + b"0f" * 31 + b"0F", False),
        (b"sha256:" + b"0f" * 31 + b"0g", False),
        (b"sha512:" + b"0f" * 32, False),
        (b"sha256:" + b"0f" * 32 + b"\n", False),
        (b"sha256:" + b"0f" * 31 + b"0", False),
        (b"", False),
        (None, False),
    ],
)
def test_what_a_link_holds(content: bytes | None, good: bool) -> None:  # noqa: FBT001
    size = 71 if content is None else len(content)
    data = b"path" + (content or b"")
    one = np.array([size])
    columns = Columns(
        Spans(data, np.array([0]), np.array([4])),
        np.array([FILE], np.uint8),
        one,
        one,
        one,
        np.array([-1 if content is None else 4]),
    )
    raw, is_link = linked(columns, np.array([0]))
    assert is_link.tolist() == [good]
    assert not good or raw.tobytes() == b"\x0f" * 32
