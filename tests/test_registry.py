"""The Registry a person holds: tables that are theirs, references that resolve, what it shows of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from regviz.errors import RegvizError
from regviz.read import read
from regviz.schema import TABLES
from tests.conftest import ROOT
from tests.helpers import Store, V1Store, image_id, rows, sha256
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

BASE, TOP = "27cf784147099545", image_id(2)
OUTSIDE = {
    "digest": "category", "name": "category", "text": "str", "count": "Int64", "bytes": "Int64",
    "time": "datetime64[us, UTC]", "flag": "boolean",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Registry:
    return read(ROOT / "data" / "world-distribution.tar.gz", measure=True)


@pytest.fixture(scope="module")
def world_v1() -> Registry:
    return read(ROOT / "data" / "world-v1.tar.gz")


# --- tables


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_an_attribute_with_the_types_of_the_contract(name: str, world: Registry) -> None:
    table = getattr(world, name)
    assert {column: str(dtype) for column, dtype in table.dtypes.items()} == {
        column.name: OUTSIDE[column.kind] for column in TABLES[name].columns
    }
    pd.testing.assert_frame_equal(table, world.table(name))
    keys = rows(table, *TABLES[name].key)
    assert keys == sorted(set(keys))
    for column in TABLES[name].columns:
        if OUTSIDE[column.kind] == "category":
            assert set(table[column.name].cat.categories) == set(table[column.name].dropna())


def test_images_are_what_a_host_can_run(world: Registry, world_v1: Registry) -> None:
    assert set(world.images["kind"]) == {"image"}
    assert set(world_v1.images["kind"]) == {"v1"}
    assert (len(world.images), len(world_v1.images)) == (20, 44)  # data/README.md has 44
    pd.testing.assert_frame_equal(world.table("images"), world.images)


def test_what_is_done_with_a_table_changes_nothing(world: Registry) -> None:
    before = world.tags
    mine = world.tags
    mine["tag"] = "mine"
    mine.loc[0, "pushed_at"] = pd.Timestamp(0, tz="UTC")
    del mine["manifest"]
    pd.testing.assert_frame_equal(world.tags, before)
    assert not any(values.flags.writeable for values in world.columns("tags").values())


def test_a_table_that_there_is_none_of(world: Registry) -> None:
    with pytest.raises(RegvizError, match=r"there is no table 'tgas'; there are blobs, history, images, .*, uploads"):
        world.table("tgas")


# --- references


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for repository in ("app", "library/app", "library/nodejs", "host.example/a/b"):
        store.image(repository, [repository.encode()], "latest", "1.0")
    return store


def test_a_reference_finds_its_manifest(store: Store) -> None:
    registry = read(store.root)
    tags = {(repository, tag): manifest for repository, tag, manifest in rows(registry.tags, "repository", "tag", "manifest")}  # fmt: skip
    for reference, repository in (
        ("app:1.0", "app"),
        ("app", "app"),
        ("library/app:latest", "library/app"),
        ("nodejs:1.0", "library/nodejs"),
        ("nodejs", "library/nodejs"),
        ("host.example/a/b", "host.example/a/b"),
    ):
        assert registry.resolve(reference) == tags[repository, "latest"], reference
    digest = tags["app", "latest"]
    for reference in (digest, digest[7:], digest[7:15], digest[:15], f"app@{digest}", f"whatever@{digest[:20]}"):
        assert registry.resolve(reference) == digest, reference


def test_a_port_is_no_tag(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.image("a/b", [b"1"], "latest")
    registry = read(store.root)
    with pytest.raises(RegvizError, match="a/b:latest"):
        registry.resolve("127.0.0.1:5000/a/b")
    assert registry.resolve("a/b") == digest


def test_what_fits_nothing_or_too_much_is_said_with_candidates(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    one, other = "abcd" + "1" * 60, "abcd" + "2" * 60
    for name in (one, other):
        store.image(name)
        store.tag("library/app", name[4], name)
    registry = read(store.root)
    with pytest.raises(RegvizError, match=r"'abcd' fits 2 manifests: abcd11111111, abcd22222222; give more digits"):
        registry.resolve("abcd")
    assert registry.resolve("abcd2") == other
    with pytest.raises(RegvizError, match=r"'ap:1' is no tag, digest or id of .*; near it are: library/app:1"):
        registry.resolve("ap:1")
    for nowhere_near in ("nothing", "sha256:zz"):
        with pytest.raises(RegvizError, match=r"; its tags are, for example: library/app:1, library/app:2$"):
            registry.resolve(nowhere_near)
    for reference in ("abc", "", ":", "@", "sha256:", "A" * 64, "[", "\x00", "*"):
        with pytest.raises(RegvizError, match="is no tag, digest or id"):
            registry.resolve(reference)


def test_without_tags_none_is_told(tmp_path: Path) -> None:
    V1Store(tmp_path).image("abcd" + "1" * 60)
    with pytest.raises(RegvizError, match=r"'x:1' is no tag, digest or id of [^;]*$"):
        read(tmp_path).resolve("x:1")


def test_a_tag_that_leads_nowhere_is_not_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.tag("a", "x", sha256(b"nobody's"), b"")
    with pytest.raises(RegvizError, match="'a:x' is no tag"):
        read(store.root).resolve("a:x")


# --- stacks


def test_stacks_of_images_with_and_without_a_tag(tmp_path: Path) -> None:
    """`manifest_layers` has those that a tag names or from which nothing descends; any other is the walk up."""
    store = V1Store(tmp_path)
    ids = [BASE, image_id(1), TOP]
    store.chain(*ids)
    store.tag("library/app", "latest", TOP)
    registry = read(store.root)
    assert set(registry.manifest_layers["manifest"]) == {TOP}
    columns = ["position", "layer", "blob", "empty", "created_at", "created_by"]
    for height in (1, 2, 3):
        stack = registry.stack(ids[height - 1])
        assert list(stack) == columns
        assert rows(stack, "position", "layer", "blob") == [(n, ids[n], f"v1:{ids[n]}") for n in range(height)]


def test_the_stack_of_what_is_no_manifest(world: Registry) -> None:
    with pytest.raises(RegvizError, match=r"nodejs is no manifest of .*; reg.resolve\(\) finds one"):
        world.stack("nodejs")


# --- what it shows


def test_the_line(world_v1: Registry) -> None:
    line = repr(world_v1)
    assert re.fullmatch(
        r"<Registry .*world-v1\.tar\.gz \(v1\): 8 repositories, 11 tags, 44 images, 45 layers, "
        r"198 KiB in 44 blobs; 2 warnings>",
        line,
    )


def test_the_card_says_the_same(world_v1: Registry) -> None:
    card = parse(world_v1._repr_html_())
    for number, noun in (("8", "repositories"), ("11", "tags"), ("44", "images"), ("45", "layers"),
                         ("198 KiB", "in 44 blobs"), ("2 warnings", "see reg.problems")):  # fmt: skip
        assert any([part.text for part in cell.all("div")] == [number, noun] for cell in card.all("div")), noun
    assert card.one("strong").text == world_v1.source.uri


def test_the_card_counts_one_of_each(tmp_path: Path) -> None:
    store = Store(tmp_path / "<b>&")
    store.image("a", [b"1"], "latest")
    card = parse(read(store.root)._repr_html_())
    text = " ".join(part.text for part in card.all("div") if not part.all("div"))
    for noun in ("1 repository", "1 tag", "1 image", "1 layer", "in 3 blobs", "no problems neither error nor warning"):
        assert re.search(rf"\b{noun}(?: |$)", text), text
    assert card.all("b") == []
    assert card.one("strong").text == str(store.root)


def test_nobody_can_write_on_a_terminal_by_a_path(tmp_path: Path) -> None:
    store = Store(tmp_path / "\x1b[31m\u202e")
    store.image("a", [b"1"], "latest")
    registry = read(store.root)
    assert repr(registry).isprintable()
    assert parse(registry._repr_html_()).text.replace("\n", "").isprintable()
