"""Images of a v1 storage: what their documents say, and which stands on which where documents are missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.read import read
from tests.helpers import V1Store, encode, found, image_id, pack, rows, rules_of

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE, FOUR, FIVE = (image_id(number) for number in range(1, 6))
SHORT = "27cf784147099545"
FORMS = pytest.mark.parametrize("form", ["folder", "tar", "tar.gz"])


@FORMS
def test_labels(form: str, tmp_path: Path) -> None:
    store = V1Store(tmp_path / "storage")
    labels = {"maintainer": "a", "empty": "", "number": 7, "nothing": None}
    store.tag("library/app", "latest", store.image(ONE, config={"Labels": labels}))
    for name, config in ((TWO, {"Labels": None}), (THREE, None), (FOUR, {"Labels": {"maintainer": "b"}})):
        store.image(name, config=config)
    assert rows(read(pack(store.root, form, tmp_path)).labels, "manifest", "key", "value") == [
        (ONE, "empty", ""),
        (ONE, "maintainer", "a"),
        (ONE, "nothing", None),
        (ONE, "number", None),
        (FOUR, "maintainer", "b"),
    ]


@FORMS
@pytest.mark.parametrize("odd", [5, "Labels", ["Labels", "Cmd"], True, {"Labels": 5, "Cmd": 5}, {"Labels": ["x"]}])
def test_configurations_that_are_none(form: str, odd: object, tmp_path: Path) -> None:
    """They say nothing, and the image beside them is read all the same."""
    store = V1Store(tmp_path / "storage")
    store.image(ONE, config=odd, container_config=odd, os="linux")
    store.tag("library/app", "latest", store.image(TWO, [ONE], container_config={"Cmd": ["make", 7, "all"]}))
    registry = read(pack(store.root, form, tmp_path))
    assert rows(registry.layers, "layer", "created_by") == [(ONE, None), (TWO, "make all")]
    assert rows(registry.manifests, "os") == [("linux",), (None,)]
    assert not len(registry.labels)
    assert not len(registry.problems)


@FORMS
def test_ids_of_both_lengths(form: str, tmp_path: Path) -> None:
    store = V1Store(tmp_path / "storage")
    store.tag("library/app", "latest", store.chain(ONE, SHORT, TWO))
    registry = read(pack(store.root, form, tmp_path), links="check")
    assert rows(registry.layers, "layer", "parent", "depth") == [(ONE, None, 1), (TWO, SHORT, 3), (SHORT, ONE, 2)]
    assert not len(registry.problems)


@FORMS
def test_what_a_first_child_does_not_tell_another_may(form: str, tmp_path: Path) -> None:
    """FOUR stands on what has no document left; its own ancestry is gone, its children's are wrong, gone, and right."""
    store = V1Store(tmp_path / "storage")
    store.image(ONE)
    for name in (TWO, THREE, FIVE):
        store.tag("library/app", name[:4], store.image(name, [FOUR, ONE]))
    store.image(FOUR, [ONE])
    (store.root / f"images/{TWO}/ancestry").write_bytes(encode([TWO, THREE]))
    for gone in (f"{FOUR}/json", f"{FOUR}/ancestry", f"{THREE}/ancestry"):
        (store.root / "images" / gone).unlink()
    registry = read(pack(store.root, form, tmp_path))
    assert rows(registry.layers, "layer", "parent", "depth") == [
        (ONE, None, 1),
        (TWO, FOUR, 3),
        (THREE, FOUR, 3),
        (FOUR, ONE, 2),
        (FIVE, FOUR, 3),
    ]
    assert rules_of(registry) == ["v1-json-missing"]


@FORMS
def test_many_children_of_an_image_that_is_not_there(form: str, tmp_path: Path) -> None:
    """Each is asked once at most, whatever they tell."""
    store = V1Store(tmp_path / "storage")
    children = [image_id(number) for number in range(100, 160)]
    for number, name in enumerate(children):
        store.image(name, [ONE])
        content = [b"{", b"[]", encode([name]), encode([TWO, ONE]), encode([name, TWO])][number % 5]
        store.file(f"images/{name}/ancestry", content)
    registry = read(pack(store.root, form, tmp_path))
    assert rows(registry.layers, "layer", "parent") == [(ONE, None)] + [(name, ONE) for name in sorted(children)]
    unreadable = [problem[2] for problem in found(registry, "v1-ancestry-unreadable")]
    assert unreadable == sorted(children[::5])


@settings(max_examples=200)
@given(st.lists(st.none() | st.integers(0, 9), min_size=10, max_size=10))
def test_depths_and_cycles(tmp_path_factory: pytest.TempPathFactory, parents: list[int | None]) -> None:
    """Of any graph in which each image has one parent: depths by counting, cycles cut at their smallest id."""
    store = V1Store(tmp_path_factory.mktemp("v1"))
    names = [image_id(number) for number in range(10)]
    for number, parent in enumerate(parents):
        store.image(names[number], [] if parent is None else [names[parent]])
    cycles = set()
    for start in range(10):
        path: list[int] = []
        at: int | None = start
        while at is not None and at not in path:
            path.append(at)
            at = parents[at]
        if at is not None:
            cycles.add(frozenset(path[path.index(at) :]))
    kept = list(parents)
    for cycle in cycles:
        kept[min(cycle)] = None
    depths = []
    for start in range(10):
        depth, at = 0, start
        while at is not None:
            depth, at = depth + 1, kept[at]
        depths.append(depth)
    registry = read(store.root)
    meant = [(names[n], None if kept[n] is None else names[kept[n]], depths[n]) for n in range(10)]
    assert rows(registry.layers, "layer", "parent", "depth") == meant
    cut = [(problem[2], problem[5]) for problem in found(registry, "v1-parent-cycle")]
    assert cut == sorted((names[min(cycle)], f"{len(cycle)} images") for cycle in cycles)


def test_blocks_of_a_file_with_two_names_are_counted_once(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    for name in (ONE, TWO, THREE):
        store.tag("library/app", name[:4], store.image(name, layer=b"x" * 5000))
    (tmp_path / f"images/{TWO}/layer").unlink()
    os.link(tmp_path / f"images/{ONE}/layer", tmp_path / f"images/{TWO}/layer")
    blocks = (tmp_path / f"images/{ONE}/layer").stat().st_blocks * 512
    blobs = read(tmp_path).blobs
    assert rows(blobs, "blob", "blob_bytes", "allocated_bytes") == [
        (f"v1:{ONE}", 5000, blocks),
        (f"v1:{TWO}", 5000, 0),
        (f"v1:{THREE}", 5000, blocks),
    ]
