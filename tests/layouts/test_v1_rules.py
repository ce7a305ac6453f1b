"""Every rule that a v1 storage can break, broken once, and alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.helpers import V1Store, encode, found, image_id, read_store
from tests.layouts.cases import DEEP, Case, Cases, Row, assert_broken, row

if TYPE_CHECKING:
    from pathlib import Path

CASES = Cases()
ONE, TWO, THREE, FOUR = (image_id(number) for number in range(1, 5))
SHORT = "27cf784147099545"
APP = "library/app"


@CASES.add("v1-image-missing")
def a_tag_on_nothing(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.tag(APP, "gone", THREE)
    return [row(repository=APP, manifest=THREE)]


@CASES.add("v1-json-missing")
def an_image_without_json(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE))
    (store.root / f"images/{TWO}/json").unlink()
    return [row(manifest=TWO)]


@CASES.add("v1-json-unreadable")
def images_whose_json_is_none(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE))
    for name, content in ((ONE, b""), (TWO, b"{")):
        store.file(f"images/{name}/json", content)
    return [row(manifest=ONE, detail="0 bytes"), row(manifest=TWO, detail="1 bytes")]


@CASES.add("v1-id-mismatch")
def an_image_with_anothers_id(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.file(f"images/{TWO}/json", encode({"id": THREE, "parent": ONE}))
    store.file(f"images/{ONE}/json", encode({}))
    return [row(manifest=ONE, detail="none"), row(manifest=TWO, detail=THREE)]


@CASES.add("v1-layer-missing")
def an_image_without_a_layer(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    (store.root / f"images/{ONE}/layer").unlink()
    return [row(manifest=ONE, blob=f"v1:{ONE}")]


@CASES.add("v1-in-progress")
def uploads_that_died(store: V1Store) -> list[Row]:
    """After the json, within the layer, before the checksum; a tag may point there all the same."""
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE))
    for name in (ONE, TWO, THREE):
        store.file(f"images/{name}/_inprogress", b"true")
    (store.root / f"images/{ONE}/layer").unlink()
    (store.root / f"images/{ONE}/_checksum").unlink()
    return [row(manifest=name) for name in (ONE, TWO, THREE)]


@CASES.add("v1-parent-missing")
def a_chain_with_a_gap(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE))
    shutil.rmtree(store.root / f"images/{TWO}")
    return [row(manifest=THREE, detail=TWO)]


@CASES.add("v1-parent-cycle")
def images_that_are_each_others_parents(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE, FOUR))
    store.file(f"images/{ONE}/json", encode({"id": ONE, "parent": THREE}))
    return [row(manifest=ONE, detail="3 images")]


@CASES.add("v1-parent-cycle")
def an_image_that_is_its_own_parent(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE))
    store.file(f"images/{ONE}/json", encode({"id": ONE, "parent": ONE}))
    return [row(manifest=ONE, detail="1 images")]


@CASES.add("v1-ancestry-differs", links="check")
def ancestries_that_are_wrong(store: V1Store) -> list[Row]:
    """One too short, one too long, one of strangers."""
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE, FOUR))
    for name, chain in ((TWO, [TWO]), (THREE, [THREE, TWO, ONE, FOUR]), (FOUR, [ONE, TWO, THREE, FOUR])):
        store.file(f"images/{name}/ancestry", encode(chain))
    said = {
        TWO: "1 ids in the file, 2 by json",
        THREE: "4 ids in the file, 3 by json",
        FOUR: "4 ids in the file, 4 by json",
    }
    return [row(manifest=name, detail=detail) for name, detail in said.items()]


@CASES.add("v1-ancestry-missing", links="check")
def an_image_without_ancestry(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    (store.root / f"images/{ONE}/ancestry").unlink()
    return [row(manifest=ONE)]


@CASES.add("v1-ancestry-unreadable", links="check")
def ancestries_that_are_no_lists(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO, THREE))
    for name, content in ((ONE, b"[1]"), (TWO, b"{}"), (THREE, b'["latest"]')):
        store.file(f"images/{name}/ancestry", content)
    return [row(manifest=n, detail=f"{size} bytes") for n, size in ((ONE, 3), (TWO, 2), (THREE, 10))]


@CASES.add("v1-checksum-missing", links="check")
def an_image_of_a_mirror(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    (store.root / f"images/{ONE}/_checksum").unlink()
    return [row(manifest=ONE)]


@CASES.add("v1-name-twice")
def a_name_quoted_once_and_twice(store: V1Store) -> list[Row]:
    """0.8.1 began to quote what was quoted already: an upgraded server has both."""
    store.tag("a/b%252Fc", "latest", store.chain(ONE, TWO))
    store.tag("a/b%2Fc", "latest", TWO)
    return [row(repository="a/b%2Fc", path="repositories/a/b%2Fc", detail="a/b/c")]


@CASES.add("v1-name-twice")
def a_tag_quoted_and_not(store: V1Store) -> list[Row]:
    """The same from 0.8.1 on for tags: what was pushed again after the upgrade lies beside what was pushed before."""
    store.tag(APP, "1.0+x", store.chain(ONE))
    store.tag(APP, "1.0%2Bx", store.image(TWO, [ONE]))
    return [row(repository=APP, path=f"repositories/{APP}/tag_1.0%2Bx", detail="tag 1.0+x")]


@CASES.add("v1-tag-malformed")
def tags_that_hold_no_id(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    for tag, content in (
        ("a", b""),
        ("b", b"latest"),
        ("c", TWO.upper().encode()),
        ("d", b"{}"),
        ("e", b"x" * 9999),
        ("f_json", b"[]"),
    ):
        store.tag(APP, tag, content)
    said = {"a": "''", "b": "'latest'", "c": repr(TWO.upper()), "d": "'{}'", "e": "longer than an id", "f_json": "'[]'"}
    return [row(repository=APP, detail=f"tag {tag}: {text}") for tag, text in said.items()]


@CASES.add("v1-tag-ambiguous")
def the_metadata_of_a_tag_that_begins_with_an_underscore(store: V1Store) -> list[Row]:
    store.tag(APP, "_x", store.chain(ONE, TWO))
    store.file(f"repositories/{APP}/tag_x_json", encode({"last_update": 1399996308}))
    return [row(repository=APP, path=f"repositories/{APP}/tag_x_json")]


@CASES.add("v1-index-drift", "v1-orphan")
def an_index_that_only_grew(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.image(THREE, [TWO, ONE])
    store.index(APP, [{"id": name} for name in (ONE, TWO, THREE)])
    return [row(repository=APP, detail="1 of 3 images")]


@CASES.add("v1-index-unreadable")
def indexes_that_are_no_lists(store: V1Store) -> list[Row]:
    chain = store.chain(ONE, TWO)
    contents = {
        "library/a": {},
        "library/b": None,
        "library/c": [{"id": ONE}, 7, {}, {"id": None}],
        "library/d": [{"id": ONE}, {}],
    }
    for name, content in contents.items():
        store.tag(name, "latest", chain)
        store.index(name, content)
    return [
        row(repository="library/a"),
        row(repository="library/b"),
        row(repository="library/c", detail="3 entries without an id"),
        row(repository="library/d", detail="1 entry without an id"),
    ]


@CASES.add("v1-index-duplicate")
def an_index_with_a_row_a_tag(store: V1Store) -> list[Row]:
    """What clients sent with the first push: a row for each image and each of its tags."""
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.index(
        APP, [{"id": ONE, "Tag": "latest"}, {"id": TWO, "Tag": "latest"}, {"id": TWO, "Tag": "1.0"}, {"id": TWO}]
    )
    store.tag("library/twice", "latest", ONE)
    store.index("library/twice", [{"id": ONE}, {"id": ONE}])
    return [row(repository=APP, detail="2 entries"), row(repository="library/twice", detail="1 entry")]


@CASES.add("v1-index-missing-image")
def an_index_that_names_what_is_not_there(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.index(APP, [{"id": ONE}, {"id": THREE}, {"id": SHORT}])
    return [row(repository=APP, detail="2 images")]


@CASES.add("v1-orphan")
def images_that_no_tag_reaches(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    store.image(THREE, [TWO, ONE])
    store.image(FOUR, [THREE, TWO, ONE])
    return [row(manifest=THREE), row(manifest=FOUR)]


@CASES.add("digest-malformed")
def parents_that_are_no_ids(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.image(ONE))
    store.tag(APP, "other", store.image(TWO))
    store.file(f"images/{ONE}/json", encode({"id": ONE, "parent": "../x"}))
    store.file(f"images/{TWO}/json", encode({"id": TWO, "parent": ["x"]}))
    return [row(manifest=ONE, detail="'../x'"), row(manifest=TWO, detail="['x']")]


@CASES.add("foreign-file")
def files_that_do_not_belong(store: V1Store) -> list[Row]:
    store.tag(APP, "latest", store.chain(ONE, TWO))
    paths = ["images/.DS_Store", "images/not-an-id/json", f"repositories/{APP}/notes", f"repositories/{APP}/_other"]
    for path in paths:
        store.file(path)
    return [
        row(path=path) for path in sorted(["images/not-an-id", *(path for path in paths if "not-an-id" not in path)])
    ]


@pytest.mark.parametrize(("case", "form"), CASES.with_forms())
def test_rule(case: Case, form: str, tmp_path: Path) -> None:
    assert_broken(case, V1Store(tmp_path / "storage"), form, tmp_path)


def test_a_parent_that_is_nested_too_deeply_to_be_shown(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "storage")
    store.tag(APP, "latest", store.image(ONE))
    store.file(f"images/{ONE}/json", b'{"id": "%s", "parent": %s}' % (ONE.encode(), DEEP))
    assert [problem[:3] for problem in found(read_store(store))] == [("digest-malformed", None, ONE)]
