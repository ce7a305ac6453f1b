"""The v1 reader on real storages of 2014 and after, against their own ancestry files and what `tarfile` and `json` say."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import FORMS, V1Store, assert_same_tables, encode, image_id, level_times, pack, rows

if TYPE_CHECKING:
    from pathlib import Path

DUMPS = ROOT.parent / "shared" / "dumps"
ARCHIVES = sorted(DUMPS.glob("v1-*.tar"))
without_dumps = pytest.mark.skipif(not ARCHIVES, reason=f"{NO_DUMPS}: there is no {DUMPS}")
ONE, TWO, THREE = (image_id(number) for number in range(1, 4))
BASE = "27cf784147099545"


def files_of(archive: Path) -> dict[str, bytes]:
    """Files by their path from ``images/`` or ``repositories/`` on."""
    found = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            parts = member.name.split("/")
            start = next((n for n, part in enumerate(parts) if part in ("images", "repositories")), None)
            reader = opened.extractfile(member) if member.isfile() and start is not None else None
            if reader is not None:
                found["/".join(parts[start:])] = reader.read()
    return found


@without_dumps
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_every_dump(archive: Path) -> None:
    files = files_of(archive)
    registry = read(archive, links="check")
    images = {path.split("/")[1] for path in files if path.startswith("images/")}
    documents: dict[str, Any] = {name: json.loads(files[f"images/{name}/json"]) for name in images}
    manifests = registry.manifests
    assert {m for m, present in rows(manifests, "manifest", "present") if present} == images
    assert set(rows(registry.layers, "layer", "parent")) == {(n, d.get("parent") or None) for n, d in documents.items()}
    assert set(rows(registry.layers, "layer", "uncompressed_bytes")) == {
        (n, d.get("Size")) for n, d in documents.items()
    }
    assert dict(rows(registry.blobs, "blob", "blob_bytes")) == {
        f"v1:{n}": len(files[f"images/{n}/layer"]) for n in images
    }
    assert dict(rows(manifests, "manifest", "architecture")) == {n: d.get("architecture") for n, d in documents.items()}
    for name, made in rows(registry.layers, "layer", "created_at"):
        assert made == pd.Timestamp(documents[name]["created"]).floor("us")
    tags = {
        (*path.split("/")[1:3], path.split("/")[3].removeprefix("tag_")): data.decode()
        for path, data in files.items()
        if path.startswith("repositories/") and path.split("/")[3].startswith("tag_")
    }
    assert {
        (*repository.split("/"), tag): m for repository, tag, m in rows(registry.tags, "repository", "tag", "manifest")
    } == tags
    for name in images:
        ancestry = json.loads(files[f"images/{name}/ancestry"])
        assert registry.stack(name)["layer"].tolist() == ancestry[::-1]
    shown = registry.manifest_layers.groupby("manifest", observed=True)["layer"].apply(list)
    parents = {document.get("parent") for document in documents.values()}
    assert set(shown.index) == {*tags.values()} | (images - parents)
    for name, stack in shown.items():
        assert stack == json.loads(files[f"images/{name}/ancestry"])[::-1]
    reached = {ancestor for name in tags.values() for ancestor in json.loads(files[f"images/{name}/ancestry"])}
    problems = registry.problems
    assert set(problems[problems["rule"] == "v1-orphan"]["manifest"]) == images - reached
    assert set(problems["rule"]) <= {"v1-orphan", "v1-index-drift", "v1-checksum-missing"}


@without_dumps
def test_the_article() -> None:
    """What the article of 2014 shows: one repository, one tag, sixteen images on each other."""
    registry = read(DUMPS / "v1-article-0.6.6.tar")
    assert rows(registry.tags, "repository", "tag", "pushed_at") == [
        ("library/nodejs", "latest", pd.Timestamp("2026-11-23T07:50:30Z"))
    ]
    assert len(registry.images) == 16
    stack = registry.stack(registry.resolve("nodejs"))
    assert len(stack) == 16
    assert stack["layer"].iloc[0] == BASE


@without_dumps
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_every_form(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "storage", filter="data")
    level_times(tmp_path / "storage")
    whole = read(tmp_path / "storage", links="check")
    for form in FORMS[1:]:
        for prefix in ("", "./"):
            packed = pack(tmp_path / "storage", form, tmp_path, prefix=prefix)
            assert_same_tables(whole, read(packed, links="check"))


# --- what no dump has


def test_times_come_from_the_tags_own_metadata(tmp_path: Path) -> None:
    """Three ages: none (to 0.6.5), ``TAG_json`` (four days of 2014), ``tagTAG_json``; and one that says nothing."""
    store = V1Store(tmp_path)
    for tag in ("old", "between", "new", "silent", "broken"):
        store.tag("library/app", tag, store.chain(ONE))
    store.file("repositories/library/app/between_json", encode({"last_update": 1391040000}))
    store.file("repositories/library/app/tagnew_json", encode({"last_update": 1399996308, "docker_version": "0.9.0"}))
    store.file("repositories/library/app/tagsilent_json", encode({"docker_version": "0.9.0"}))
    store.file("repositories/library/app/tagbroken_json", b"{")
    registry = read(tmp_path)
    times = dict(rows(registry.tags, "tag", "pushed_at"))
    file_times = {tag: (tmp_path / f"repositories/library/app/tag_{tag}").stat().st_mtime for tag in times}
    assert {tag: time.timestamp() for tag, time in times.items()} == file_times | {
        "between": 1391040000,
        "new": 1399996308,
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_metadata_of_a_tag_that_begins_with_an_underscore_looks_like_a_tag(form: str, tmp_path: Path) -> None:
    """``tag`` + ``_x`` + ``_json`` is the file of a tag ``x_json``, which there may be as well."""
    store = V1Store(tmp_path / "storage")
    chain, folder = store.chain(ONE), "repositories/library"
    for tag in ("_x", "x", "_", "_between"):
        store.tag("library/app", tag, chain)
    store.file(f"{folder}/app/tag_x_json", encode({"last_update": 1399996309}))
    store.file(f"{folder}/app/tagx_json", encode({"last_update": 1399996310}))
    store.file(f"{folder}/app/tag__json", encode({"last_update": 1399996311}))
    store.file(f"{folder}/app/_between_json", encode({"last_update": 1391040000}))
    for tag in ("_x", "x_json", "x"):
        store.tag("library/other", tag, chain)
    level_times(store.root)
    times = {
        (repository, tag): time.timestamp()
        for repository, tag, time in rows(read(pack(store.root, form, tmp_path)).tags, "repository", "tag", "pushed_at")
    }
    assert times == {
        ("library/app", "_x"): 1399996309,
        ("library/app", "x"): 1399996310,
        ("library/app", "_"): 1399996311,
        ("library/app", "_between"): 1391040000,
    } | {
        ("library/other", tag): (store.root / f"{folder}/other/tag_{tag}").stat().st_mtime
        for tag in ("_x", "x_json", "x")
    }


def test_names_are_unquoted_once_or_twice(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    chain = store.chain(ONE)
    for name in ("a/b%2Fc", "x/y%252Fz", "plain/name"):
        store.tag(name, "1.0%2Bx", chain)
    registry = read(tmp_path)
    assert rows(registry.repositories, "repository", "namespace", "raw_name") == [
        ("a/b/c", "a", "a/b%2Fc"),
        ("plain/name", "plain", "plain/name"),
        ("x/y/z", "x", "x/y%252Fz"),
    ]
    assert {tag for (tag,) in rows(registry.tags, "tag")} == {"1.0+x"}


def test_a_repository_can_be_private_and_empty(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.tag("a/open", "latest", store.chain(ONE))
    store.file("repositories/a/secret/_private")
    (tmp_path / "repositories/a/empty").mkdir()
    assert rows(read(tmp_path).repositories, "repository", "private", "has_tags") == [
        ("a/empty", False, False),
        ("a/open", False, True),
        ("a/secret", True, False),
    ]


def test_missing_documents_leave_the_chain_whole(tmp_path: Path) -> None:
    """Parents come from json; where that is missing, from the image's own ancestry, or a child's."""
    store = V1Store(tmp_path)
    names = [image_id(number) for number in range(10, 17)]
    store.tag("library/app", "latest", store.chain(*names))
    for gone in (f"images/{names[2]}/json", f"images/{names[4]}/json", f"images/{names[4]}/ancestry"):
        (tmp_path / gone).unlink()
    for form in ("folder", "tar"):
        registry = read(pack(tmp_path, form, tmp_path.parent))
        assert registry.stack(names[-1])["layer"].tolist() == names


def test_documents_of_any_length_are_read_whole(tmp_path: Path) -> None:
    """A configuration of many kilobytes, an index of many images: as a folder no length is known before."""
    store = V1Store(tmp_path)
    store.image(ONE, (), comment="x" * 100_000, os="linux")
    store.tag("library/app", "latest", ONE)
    store.index("library/app", [{"id": image_id(number)} for number in range(2000)])
    registry = read(tmp_path)
    assert rows(registry.manifests[registry.manifests["present"]], "os") == [("linux",)]
    assert len(registry.repository_manifests) == 2000
    assert {rule for (rule,) in rows(registry.problems, "rule")} == {"v1-index-missing-image"}


@pytest.mark.parametrize("content", ["", "\n", " "])
def test_a_tag_may_end_in_blanks(tmp_path: Path, content: str) -> None:
    store = V1Store(tmp_path)
    store.tag("library/app", "latest", store.chain(ONE, TWO, THREE) + content)
    assert read(tmp_path).resolve("app") == THREE


def test_hidden_quantities_are_na_and_never_zero(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.tag("library/app", "latest", store.image(ONE, Size=0))
    store.tag("library/app", "other", store.image(TWO))
    registry = read(tmp_path)
    assert rows(registry.layers, "layer", "uncompressed_bytes", "created_at", "created_by") == [
        (ONE, 0, None, None),
        (TWO, None, None, None),
    ]
