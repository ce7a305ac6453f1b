"""What a listing can know equals what reading the folder knows, and what it cannot know is NA."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import regviz as rv
from regviz.errors import NotKnowableError
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import EPOCH, STORAGE_DUMPS, V2, Store, V1Store, encode, found, image_id, rows, sha256, sha512
from tests.listed import FORMS, Form

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

WORLDS = ("world-distribution", "world-v1", "world-oci")
BY_NAMES = (
    "blob-path-invalid",
    "blob-truncated",
    "foreign-file",
    "link-dangling",
    "manifest-missing",
    "name-invalid",
    "repository-2.8-only",
    "revisions-missing",
    "symbolic-link",
    "tag-link-empty",
    "tag-link-missing",
    "tags-missing",
    "upload-unfinished",
    "upload-without-start",
    "v1-in-progress",
    "v1-json-missing",
    "v1-layer-missing",
)
"""Rules that names, and where there are some lengths, are enough for."""
OF_DIRECTORIES = (
    "blob-truncated",
    "repository-2.8-only",
    "revisions-missing",
    "tags-missing",
    "foreign-file",
    "blob-path-invalid",
)
"""Of these, those that tell of directories too, which an object store has none of; or of files that paths do not show."""


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return folder


def compare(folder: Path, form: Form, listing: Path) -> tuple[Registry, Registry]:
    """Read both, and hold the listing's tables to the folder's."""
    whole, listed = read(folder, times=True), read(listing, times=True)
    assert whole.source.layouts == listed.source.layouts
    assert not listed.source.knows_contents
    assert listed.source.trusts_times == form.times
    assert not listed.source.knows_disk
    assert len(found(listed, "listing-only")) == 1
    if whole.source.layouts == ("oci",):
        _compare_blobs(whole, listed, form)
        return whole, listed
    names = ["repository", "namespace", "raw_name", "private", "has_tags"]
    names += ["has_layers", "has_manifests"] if form.directories else []
    of_folder, of_listing = rows(whole.repositories, *names), rows(listed.repositories, *names)
    assert of_listing == of_folder if form.directories else {*of_listing} <= {*of_folder}
    _compare_blobs(whole, listed, form)
    _compare_tags(whole, listed, form)
    if whole.source.layouts == ("distribution",):
        _compare_links(whole, listed, form)
    else:
        images = whole.manifests[whole.manifests["present"]]
        assert rows(listed.manifests, "manifest", "kind", "in_progress") == rows(
            images, "manifest", "kind", "in_progress"
        )
        assert listed.manifests[["layer_count", "author"]].isna().all(axis=None)
        assert listed.layers[["parent", "depth"]].isna().all(axis=None)
    rules = [rule for rule in BY_NAMES if (form.directories and form.sizes) or rule not in OF_DIRECTORIES]
    if not form.sizes:
        rules.remove("tag-link-empty")
    assert _told(listed, rules) == _told(whole, rules)
    return whole, listed


def _told(registry: Registry, rules: list[str]) -> set[Any]:
    return {tuple(row[:5]) for row in found(registry, *rules)}


def _time(value: Any, form: Form) -> Any:
    """A time as the listing has it: to the µs, or to the second."""
    return value if form.directories or value is None else value.floor("s")


def _compare_blobs(whole: Registry, listed: Registry, form: Form) -> None:
    stored = whole.blobs[whole.blobs["present"]]
    assert rows(listed.blobs[listed.blobs["present"]], "blob", "copies") == rows(stored, "blob", "copies")
    here = listed.blobs[listed.blobs["present"]]
    lengths = rows(here, "blob_bytes")
    assert lengths == (rows(stored, "blob_bytes") if form.sizes else [(None,)] * len(stored))
    times = [(_time(value, form),) for (value,) in rows(stored, "stored_at")]
    assert rows(here, "stored_at") == (times if form.times else [(None,)] * len(stored))


def _compare_tags(whole: Registry, listed: Registry, form: Form) -> None:
    history = whole.tag_history.groupby(["repository", "tag"], observed=True)["manifest"].agg(list).to_dict()
    said = {
        (repository, tag): row
        for repository, tag, *row in rows(whole.tags, "repository", "tag", "manifest", "link_state", "pushed_at")
    }
    keys = rows(listed.tags, "repository", "tag")
    assert keys == rows(whole.tags, "repository", "tag") if form.directories else {*keys} <= {*said}
    v1 = whole.source.layouts == ("v1",)
    for repository, tag, manifest, state, pushed in rows(
        listed.tags, "repository", "tag", "manifest", "link_state", "pushed_at"
    ):
        true, true_state, true_time = said[repository, tag]
        if form.times and true_state != "missing" and not v1:
            assert pushed == _time(true_time, form)
        if state == "missing" or (state == "empty" and form.sizes):
            assert true_state == state
        elif state == "unread":
            assert manifest is None
            assert v1 or true_state != "ok" or len(history[repository, tag]) > 1
        else:
            assert state in ("unchecked", "inferred")
            assert (state == "inferred") == (len(history.get((repository, tag), [manifest])) > 1)
            assert manifest == true or true_state != "ok"
    if not v1:
        pairs = rows(listed.tag_history, "repository", "tag", "manifest")
        assert {*pairs} <= {*rows(whole.tag_history, "repository", "tag", "manifest")}


def _compare_links(whole: Registry, listed: Registry, form: Form) -> None:
    of_folder = {
        tuple(row[:2]): row[2:]
        for row in rows(whole.repository_manifests, "repository", "manifest", "link_state", "linked_at")
    }
    of_listing = rows(listed.repository_manifests, "repository", "manifest", "link_state", "linked_at")
    assert [row[:2] for row in of_listing] == [*of_folder]
    for repository, manifest, state, when in of_listing:
        true_state, true_time = of_folder[repository, manifest]
        if form.sizes and true_state in ("ok", "empty"):
            assert state == true_state
        elif not form.sizes:
            assert state == "unchecked"
        if form.times:
            assert when == _time(true_time, form)
    links = whole.repository_blobs[whole.repository_blobs["link"].astype(str).str.startswith("sha256:")]
    ours = listed.repository_blobs[listed.repository_blobs["link"].astype(str).str.startswith("sha256:")]
    if form.directories:
        assert rows(ours, "repository", "link") == rows(links, "repository", "link")
    else:
        assert {*rows(ours, "repository", "link")} <= {*rows(links, "repository", "link")}
    if form.sizes and form.directories:
        assert rows(listed.uploads, "repository", "upload", "upload_bytes") == rows(
            whole.uploads, "repository", "upload", "upload_bytes"
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("world", WORLDS)
def test_the_shipped_worlds(world: str, form: str, tmp_path: Path) -> None:
    folder = unpacked(ROOT / "data" / f"{world}.tar.gz", tmp_path / "storage")
    _, listed = compare(folder, FORMS[form], FORMS[form].write(folder, tmp_path / "listing"))
    if world == "world-distribution":
        unread = (listed.tags["link_state"] == "unread").sum()
        assert unread == (0 if FORMS[form].times else 2)  # two tags were pushed twice


@pytest.mark.parametrize("form", ["printf-nul", "find", "tar-tv", "s3-ls", "inventory"])
@pytest.mark.parametrize("dump", [*STORAGE_DUMPS, "oci-layout-small.tar"])
def test_real_dumps(dump: str, form: str, tmp_path: Path, shared_dumps: Path) -> None:
    folder = unpacked(shared_dumps / dump, tmp_path / "storage")
    compare(folder, FORMS[form], FORMS[form].write(folder, tmp_path / "listing"))


@pytest.mark.parametrize("form", ["printf-nul", "find"])
def test_broken_registries(form: str, tmp_path: Path, shared_dumps: Path) -> None:
    archives = sorted((shared_dumps / "gc-oracle").glob("*.tar.gz"))[::3]
    assert archives
    for archive in archives:
        folder = unpacked(archive, tmp_path / archive.name)
        compare(folder, FORMS[form], FORMS[form].write(folder, tmp_path / f"{archive.name}.listing"))


# --- tags


def _pushed(root: Path, *times: tuple[int, int]) -> list[str]:
    """A tag that was pushed several times: when each link of the index was written, and each time the current one."""
    store = Store(root)
    digests = [store.push("a/b", {"number": number}, "1.0") for number in range(len(times))]
    tag = store.v2 / "repositories/a/b/_manifests/tags/1.0"
    for digest, (linked, current) in zip(digests, times, strict=True):
        os.utime(tag / "index" / digest.replace(":", "/") / "link", (EPOCH + linked,) * 2)
        os.utime(tag / "current/link", (EPOCH + current,) * 2)
    return digests


def _tag(root: Path, tmp_path: Path, form: str = "printf-nul", **options: Any) -> tuple[Any, ...]:
    listing = FORMS[form].write(root, tmp_path / "listing")
    [tag] = rows(read(listing, **options).tags, "manifest", "link_state")
    return tag


def test_a_tag_of_one_push_is_certain_without_times(tmp_path: Path) -> None:
    [digest] = _pushed(tmp_path / "r", (0, 900))
    assert _tag(tmp_path / "r", tmp_path) == (digest, "unchecked")
    assert _tag(tmp_path / "r", tmp_path, "find") == (digest, "unchecked")


def test_of_several_pushes_the_last_is_told_by_times(tmp_path: Path) -> None:
    digests = _pushed(tmp_path / "r", (0, 1), (500, 501), (300, 501))
    assert _tag(tmp_path / "r", tmp_path) == (digests[1], "inferred")
    assert _tag(tmp_path / "r", tmp_path, "find") == (None, "unread")
    assert rows(read(tmp_path / "listing").tag_history, "current") == [(None,)] * 3


@pytest.mark.parametrize(
    "times",
    [
        ((0, 1), (0, 1)),  # one moment
        ((0, 1), (100, 90)),  # the current link is older than what a push writes before it: a copy
        ((0, 1), (100, 900)),  # long after
        ((0, 1), (100, 109), (99, 109)),  # two of them may be meant
    ],
)
def test_times_that_tell_nothing_leave_a_tag_unread(times: tuple[tuple[int, int], ...], tmp_path: Path) -> None:
    _pushed(tmp_path / "r", *times)
    assert _tag(tmp_path / "r", tmp_path) == (None, "unread")


def test_one_tag_in_order_does_not_vouch_for_a_copy(tmp_path: Path) -> None:
    _pushed(tmp_path / "r", (0, 1), (500, 501))
    store = tmp_path / "r" / V2 / "repositories/a/b/_manifests/tags"
    for number in range(3):  # as cp leaves them: current before index
        digest = "ab" * 32
        for place, when in ((f"c{number}/index/sha256/{digest}/link", 50), (f"c{number}/current/link", 40)):
            (store / place).parent.mkdir(parents=True)
            (store / place).write_text(f"sha256:{digest}")
            os.utime(store / place, (EPOCH + when,) * 2)
    tags = read(FORMS["printf-nul"].write(tmp_path / "r", tmp_path / "listing")).tags
    assert tags.set_index("tag").loc["1.0", "link_state"] == "unread"


def test_odd_tags_are_told_as_far_as_names_tell(tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    digest = store.push("a", {"x": 1}, "good", ".odd")
    store.tag("a", "empty", digest, b"")
    store.file("repositories/a/_manifests/tags/bare/current/link", digest.encode())
    store.directory("repositories/a/_manifests/tags/nothing")
    listed = read(FORMS["printf-lines"].write(store.root, tmp_path / "listing"))
    assert rows(listed.tags, "tag", "manifest", "link_state") == [
        (".odd", None, "unread"),
        ("bare", None, "unread"),
        ("empty", None, "empty"),
        ("good", digest, "unchecked"),
        ("nothing", None, "missing"),
    ]
    assert [row[5] for row in found(listed, "name-invalid")] == ["tag .odd"]


def test_links_that_are_no_usual_ones(tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    manifest = encode({"x": 1})
    digest = store.blob(manifest)
    store.revision("a", digest, sha512(manifest).encode())
    empty = store.blob(b"empty")
    store.revision("a", empty, b"")
    store.layer_link("a", sha512(b"layer"), sha256(b"layer").encode())
    listed = read(FORMS["printf-lines"].write(store.root, tmp_path / "listing"))
    assert {*rows(listed.repository_manifests, "manifest", "link_state")} == {(digest, "unchecked"), (empty, "empty")}
    assert rows(listed.repository_blobs, "link", "blob", "link_state") == [(sha512(b"layer"), None, "unchecked")]


# --- v1


def test_v1_without_contents(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "r")
    base, top = image_id(1), image_id(2)
    store.chain(base, top)
    store.tag("library/a", "latest", top)
    store.tag("library/a", "_x", top)
    store.file("repositories/library/a/tag_x_json", b'{"last_update": 1}')
    (tmp_path / "r/images" / base / "json").unlink()
    listed = read(FORMS["printf-lines"].write(store.root, tmp_path / "listing"))
    assert rows(listed.tags, "tag", "manifest", "link_state") == [("_x", None, "unread"), ("latest", None, "unread")]
    assert rows(listed.blobs, "blob", "kind", "blob_bytes") == sorted(
        (f"v1:{name}", "layer", 5) for name in (base, top)
    )
    assert [row[2] for row in found(listed, "v1-json-missing")] == [base]
    assert not len(listed.manifest_layers)


ARTICLE = """\
/tmp
  /registry
    /repositories
      /library
        /nodejs
          /_index_images
          /taglatest_json
          /json
          /tag_latest
    /images
      /3c089cb4358117fbb7592242eb0395c35b49b4304cce7d6db9fef3d4711e1ba3
        /layer
        /_checksum
        /json
        /ancestry
        /_files
      /6aaafedb78a7064b7e45b43c8edc25f973f03d029be41ebebfcea47e047301fa
      /27cf784147099545
      /...
"""  # noqa: S108  # nothing is written there


def test_the_article_as_it_was_printed(tmp_path: Path) -> None:
    """The listing of the article of 2014, with three of its images; of two it shows nothing but the directory."""
    (tmp_path / "article").write_text(ARTICLE, encoding="utf-8")
    listed = read(tmp_path / "article")
    assert listed.source.layouts == ("v1",)
    assert rows(listed.repositories, "repository", "complete") == [("library/nodejs", False)]
    assert rows(listed.tags, "repository", "tag", "manifest") == [("library/nodejs", "latest", None)]
    images = [
        "27cf784147099545",
        "3c089cb4358117fbb7592242eb0395c35b49b4304cce7d6db9fef3d4711e1ba3",
        "6aaafedb78a7064b7e45b43c8edc25f973f03d029be41ebebfcea47e047301fa",
    ]
    assert rows(listed.manifests, "manifest", "kind", "present") == [(image, "v1", True) for image in images]
    assert rows(listed.blobs, "blob", "blob_bytes") == [(f"v1:{images[1]}", None)]
    assert {row[0] for row in found(listed)} == {"listing-only", "listing-records"}
    assert "unknown bytes in 1 blob" in repr(listed)


def test_the_whole_article(tmp_path: Path, shared_dumps: Path) -> None:
    text = (shared_dumps.parent / "article.txt").read_text(encoding="utf-8")
    tree = text[text.index(ARTICLE[:6]) : text.index("      /...\n") + len("      /...\n")]
    (tmp_path / "article").write_text(tree, encoding="utf-8")
    listed = read(tmp_path / "article")
    lines = [line.strip()[1:] for line in tree.splitlines()]
    ids = sorted(line for line in lines if len(line) in (16, 64) and {*line} <= {*"0123456789abcdef"})
    assert len(ids) == 14
    assert [row[0] for row in rows(listed.manifests, "manifest")] == ids


def test_a_tree_that_the_program_tree_draws(tmp_path: Path) -> None:
    lines = [
        ".",
        "├── images",
        "│\u00a0\u00a0 └── 27cf784147099545",
        "│\u00a0\u00a0     ├── json",
        "│\u00a0\u00a0     └── layer",
        "└── repositories",
        "    └── library",
        "        └── a",
        "            └── tag_latest",
        "",
        "5 directories, 3 files",
    ]
    (tmp_path / "tree").write_text("\n".join(lines) + "\n", encoding="utf-8")
    listed = read(tmp_path / "tree")
    assert rows(listed.tags, "repository", "tag") == [("library/a", "latest")]
    assert rows(listed.blobs, "blob", "present") == [("v1:27cf784147099545", True)]
    assert {row[0] for row in found(listed)} == {"listing-only"}


@pytest.mark.parametrize("form", ["printf-nul", "find", "s3-ls"])
@pytest.mark.parametrize("layout", ["oci-layouts", "zot"])
def test_several_layouts(layout: str, form: str, tmp_path: Path) -> None:
    for name in ("one", "team/two"):
        (tmp_path / "r" / name).mkdir(parents=True)
        world = ROOT / "data" / "world-oci.tar.gz"
        subprocess.run(["tar", "-xf", world, "-C", tmp_path / "r" / name, "--strip-components=1"], check=True)
    if layout == "zot":
        (tmp_path / "r" / "one" / ".uploads").mkdir()
        (tmp_path / "r" / "one" / ".uploads" / "x").write_bytes(b"123")
        (tmp_path / "r" / "cache.db").write_bytes(b"x")
    whole, listed = (
        read(tmp_path / "r", times=True),
        read(FORMS[form].write(tmp_path / "r", tmp_path / "l"), times=True),
    )
    assert whole.source.layouts == listed.source.layouts == (layout,)
    _compare_blobs(whole, listed, FORMS[form])
    assert {*rows(listed.blobs, "copies")} == {(2,)}


# --- what cannot be known


def test_answers_that_rest_on_contents_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    store.image("a", [b"layer"], "1")
    listed = read(FORMS["printf-lines"].write(store.root, tmp_path / "listing"))
    for ask in (rv.sizes, rv.layer_sizes, rv.tag_images, rv.layer_graph, rv.garbage):
        with pytest.raises(
            NotKnowableError, match=r"is a listing: .* cannot be told without .* Read the storage itself"
        ):
            ask(listed)
    for options in ({"links": "check"}, {"links": "open"}, {"verify": True}):
        with pytest.raises(NotKnowableError, match="nothing can be looked into"):
            read(tmp_path / "listing", **options)


def test_a_capture_remembers_that_it_was_a_listing(tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    store.image("a", [b"layer"], "1")
    listed = read(FORMS["find"].write(store.root, tmp_path / "listing"))
    listed.save(tmp_path / "saved.regviz")
    again = read(tmp_path / "saved.regviz")
    assert not again.source.knows_contents
    pd.testing.assert_frame_equal(again.tags, listed.tags)


@pytest.mark.parametrize("measured", ["printf-nul", "find"])
def test_storage_is_measured_as_far_as_lengths_are_known(measured: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    store.image("a", [b"layer"], "1")
    listing = FORMS[measured].write(store.root, tmp_path / "listing")
    whole, listed = read(store.root, measure=True).storage, read(listing, measure=True).storage
    files = whole.set_index("category")["files"].drop("directories")
    assert listed.set_index("category")["files"].drop("directories").equals(files)
    blobs = listed.set_index("category").loc["blobs", "apparent_bytes"]
    if FORMS[measured].sizes:
        assert blobs == whole.set_index("category").loc["blobs", "apparent_bytes"]
    else:
        assert pd.isna(blobs)


def test_docker_archives_are_declined(tmp_path: Path) -> None:
    names = [f"{image_id(1)}/VERSION", f"{image_id(1)}/layer.tar", f"{image_id(1)}/json", "repositories"]
    (tmp_path / "listing").write_text("\n".join(names) + "\n", encoding="utf-8")
    with pytest.raises(NotKnowableError, match="is a listing of what regviz calls docker-archive"):
        read(tmp_path / "listing")
