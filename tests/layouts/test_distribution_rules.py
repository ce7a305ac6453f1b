"""Every rule that a Distribution storage's links and blobs can break, broken once, and alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import V2, Store, compressed, image_config, image_manifest, sha256
from tests.layouts.cases import Case, Cases, Row, assert_broken, row

if TYPE_CHECKING:
    from pathlib import Path

CASES = Cases()
ABSENT = sha256(b"absent")
NOBODY = "sha256:" + "0" * 64


def shown(content: bytes) -> str:
    return repr(content)[1:]


def index(*digests: str) -> dict[str, object]:
    media_type = "application/vnd.oci.image.manifest.v1+json"
    return {"schemaVersion": 2, "manifests": [{"mediaType": media_type, "digest": digest} for digest in digests]}


# --- tags


@CASES.add("tag-dangling", "tag-history-dangling")
def a_tag_whose_manifest_was_deleted(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "kept")
    store.tag("a", "gone", ABSENT)
    store.file("repositories/a/_manifests/tags/kept/index/" + ABSENT.replace(":", "/") + "/link", ABSENT.encode())
    assert digest
    return [row(repository="a", manifest=ABSENT, detail="gone")]


@CASES.add("tag-dangling")
def a_tag_on_a_manifest_of_another_repository(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    store.directory("repositories/b/_manifests/revisions")
    store.tag("b", "latest", digest)
    return [row(repository="b", manifest=digest, detail="latest")]


@CASES.add("tag-history-dangling")
def an_earlier_manifest_that_is_gone(store: Store) -> list[Row]:
    new = store.image("a", [b"1"])
    store.tag("a", "latest", ABSENT)
    store.tag("a", "latest", new)
    return [row(repository="a", manifest=ABSENT, detail="latest")]


@CASES.add("tag-link-missing")
def a_tag_without_current(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"])
    store.file("repositories/a/_manifests/tags/x/index/" + digest.replace(":", "/") + "/link", digest.encode())
    return [row(repository="a", detail="tag x: no file")]


@CASES.add("tag-link-empty")
def a_tag_written_in_place(store: Store) -> list[Row]:
    store.tag("a", "x", store.image("a", [b"1"]), b"")
    return [row(repository="a", detail="tag x: ''")]


@CASES.add("tag-link-malformed")
def tags_with_links_that_are_nearly_right(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"])
    wrong = [
        digest.encode() + b"\n",
        digest.upper().encode(),
        digest[7:].encode(),
        b"latest",
        b"sha256:" + b"g" * 64,
        b"\xff\0",
    ]
    for number, content in enumerate(wrong):
        store.tag("a", f"t{number}", digest, content)
    store.tag("a", "t6", digest, b"x" * 9999)
    said = [shown(content) for content in wrong] + ["longer than a link"]
    return [row(repository="a", detail=f"tag t{number}: {text}") for number, text in enumerate(said)]


# --- revisions


@CASES.add("revision-link-empty", "tag-dangling")
def a_revision_written_in_place(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    store.revision("a", digest, b"")
    return [row(repository="a", manifest=digest, detail="''")]


@CASES.add("revision-link-malformed", "tag-dangling")
def a_revision_with_a_newline(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    store.revision("a", digest, digest.encode() + b"\n")
    return [row(repository="a", manifest=digest, detail=shown(digest.encode() + b"\n"))]


@CASES.add("revision-link-mismatch", "tag-dangling", links="open")
def a_revision_that_names_another(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    other = store.image("a", [b"2"])
    store.revision("a", digest, other.encode())
    return [row(repository="a", manifest=digest, detail=shown(other.encode()))]


@CASES.add("manifest-missing")
def a_revision_whose_blob_was_collected(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    store.blob_path(digest).unlink()
    store.blob_path(digest).parent.rmdir()
    return [row(repository="a", manifest=digest)]


@CASES.add("revisions-missing")
def only_tags(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.directory("repositories/b/_manifests/tags")
    return [row(repository="b")]


@CASES.add("tags-missing")
def only_revisions(store: Store) -> list[Row]:
    store.revision("b", store.image("a", [b"1"], "latest"))
    for data in (image_config([b"1"]), compressed(b"1")):
        store.layer_link("b", sha256(data))
    return [row(repository="b")]


# --- layer links


@CASES.add("layer-link-empty", links="check")
def a_layer_link_written_in_place(store: Store) -> list[Row]:
    store.layer_link("a", store.linked_blob("a", b"x"), b"")
    store.directory("repositories/a/_manifests/tags")
    store.directory("repositories/a/_manifests/revisions")
    return [row(repository="a", blob=sha256(b"x"), detail="''")]


@CASES.add("layer-link-malformed", links="check")
def a_layer_link_with_a_newline(store: Store) -> list[Row]:
    digest = store.linked_blob("a", b"x")
    store.layer_link("a", digest, digest.encode() + b"\n")
    store.directory("repositories/a/_manifests/tags")
    store.directory("repositories/a/_manifests/revisions")
    return [row(repository="a", blob=digest, detail=shown(digest.encode() + b"\n"))]


@CASES.add("layer-link-mismatch", links="open")
def a_layer_link_that_names_another(store: Store) -> list[Row]:
    one, other = (store.linked_blob("a", data) for data in (b"x", b"y"))
    store.layer_link("a", one, other.encode())
    store.directory("repositories/a/_manifests/tags")
    store.directory("repositories/a/_manifests/revisions")
    return [row(repository="a", blob=one, detail=shown(other.encode()))]


@CASES.add("link-dangling")
def a_link_that_collection_left(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.layer_link("a", ABSENT)
    return [row(repository="a", blob=ABSENT)]


@CASES.add("layer-unlinked")
def an_image_whose_blobs_another_repository_links(store: Store) -> list[Row]:
    digest = store.image("a", [b"1", b"2"], "latest")
    store.revision("b", digest)
    store.tag("b", "latest", digest)
    store.layer_link("b", sha256(compressed(b"1")))
    unlinked = sorted([sha256(image_config([b"1", b"2"])), sha256(compressed(b"2"))])
    return [row(repository="b", manifest=digest, blob=blob) for blob in unlinked]


@CASES.add("layer-unlinked")
def a_registry_without_any_layer_link(store: Store) -> list[Row]:
    blobs = [store.blob(image_config([b"1"])), store.blob(compressed(b"1"))]
    digest = store.push("a", image_manifest(image_config([b"1"]), [compressed(b"1")]), "latest")
    return [row(repository="a", manifest=digest, blob=blob) for blob in sorted(blobs)]


# --- what manifests refer to


@CASES.add("child-missing")
def a_sparse_index(store: Store) -> list[Row]:
    here = store.image("a", [b"1"])
    digest = store.push("a", index(here, ABSENT), "latest")
    return [row(repository=None, manifest=digest, blob=ABSENT)]


@CASES.add("child-unlinked")
def an_index_whose_child_collection_unlinked(store: Store) -> list[Row]:
    child = store.image("a", [b"1"])
    digest = store.push("a", index(child), "latest")
    (store.v2 / f"repositories/a/_manifests/revisions/{child.replace(':', '/')}/link").unlink()
    return [row(repository="a", manifest=digest, blob=child)]


@CASES.add("config-missing", "link-dangling")
def an_image_whose_configuration_is_gone(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    config = sha256(image_config([b"1"]))
    store.blob_path(config).unlink()
    store.blob_path(config).parent.rmdir()
    return [row(manifest=digest, blob=config)]


@CASES.add("layer-missing", "link-dangling")
def an_image_whose_layer_is_gone(store: Store) -> list[Row]:
    digest = store.image("a", [b"1", b"2"], "latest")
    layer = sha256(compressed(b"2"))
    store.blob_path(layer).unlink()
    store.blob_path(layer).parent.rmdir()
    return [row(manifest=digest, blob=layer)]


@CASES.add("layer-missing")
def a_cache_index_whose_layer_is_gone(store: Store) -> list[Row]:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 9, "digest": ABSENT}
    config = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "size": 1, "digest": store.linked_blob("a", b"{")}
    digest = store.push("a", {"schemaVersion": 2, "manifests": [layer, config]}, "cache")
    return [row(manifest=digest, blob=ABSENT)]


@CASES.add("foreign-layer")
def a_layer_of_windows(store: Store) -> list[Row]:
    config = image_config([b"windows", b"1"])
    manifest = image_manifest(config, [b"windows", compressed(b"1")])
    manifest["layers"][0] |= {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": ["https://example.com/"],
    }  # fmt: skip
    for data in (config, compressed(b"1")):
        store.linked_blob("a", data)
    return [row(manifest=store.push("a", manifest, "latest"), blob=sha256(b"windows"))]


@CASES.add("subject-missing")
def a_signature_that_outlived_its_image(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest", subject={"digest": ABSENT, "size": 1})
    return [row(manifest=digest, blob=ABSENT)]


@CASES.add("proxy-absent")
def a_pull_through_cache(store: Store) -> list[Row]:
    (store.root / "scheduler-state.json").write_text("{}")
    here = store.image("a", [b"1"])
    digest = store.push("a", index(here, ABSENT), "latest")
    absent = sha256(compressed(b"2"))
    config = image_config([b"2"])
    store.linked_blob("a", config)
    image = store.push("a", image_manifest(config, [compressed(b"2")]), "2")
    return sorted([row(manifest=digest, blob=ABSENT), row(manifest=image, blob=absent)], key=str)


# --- the store of blobs


@CASES.add("blob-truncated")
def a_digest_without_data(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.directory(f"blobs/sha256/{ABSENT[7:9]}/{ABSENT[7:]}")
    return [row(blob=ABSENT)]


@CASES.add("blob-path-invalid")
def directories_that_are_no_digests(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.directory("blobs/sha256/5b/5bd0")
    store.file(f"blobs/sha256/zz/{NOBODY[7:]}/data", b"wrong place")
    store.file(f"blobs/sha256/{ABSENT[7:9].upper()}/{ABSENT[7:].upper()}/data", b"upper case")
    upper = f"{V2}/blobs/sha256/{ABSENT[7:9].upper()}/{ABSENT[7:].upper()}"
    return [
        row(path=path) for path in sorted([f"{V2}/blobs/sha256/5b/5bd0", f"{V2}/blobs/sha256/zz/{NOBODY[7:]}", upper])
    ]


@CASES.add("blob-empty")
def a_manifest_of_no_bytes(store: Store) -> list[Row]:
    digest = store.image("a", [b"1"], "latest")
    store.blob_path(digest).write_bytes(b"")
    return [row(blob=digest)]


# --- repositories


@CASES.add("repository-2.8-only")
def a_repository_of_mounted_layers(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.layer_link("b", sha256(compressed(b"1")))
    return [row(repository="b")]


@CASES.add("upload-unfinished")
def an_upload_in_flight(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.file("repositories/a/_uploads/0f-1/data", b"123")
    store.file("repositories/a/_uploads/0f-1/startedat", b"2014-05-13T15:51:48Z")
    store.file("repositories/a/_uploads/0f-1/hashstates/sha256/0", b"state")
    return [row(repository="a", detail="0f-1")]


@CASES.add("upload-without-start")
def an_upload_that_is_never_purged(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    store.file("repositories/a/_uploads/1/data", b"123")
    store.directory("repositories/a/_uploads/2")
    store.file("repositories/a/_uploads/3/startedat", b"")
    return [row(repository="a", detail=name) for name in "123"]


@CASES.add("name-invalid")
def names_that_no_client_may_ask_for(store: Store) -> list[Row]:
    digest = store.image("A/b", [b"1"], "ok", "-bad", "x" * 129)
    assert digest
    said = ["A/b", "tag -bad", "tag " + "x" * 129]
    return [row(repository="A/b", detail=detail) for detail in said]


@CASES.add("names-in-database")
def gitlab_with_its_database(store: Store) -> list[Row]:
    store.blob(b"nameless")
    (store.root / "docker/registry/lockfiles").mkdir()
    (store.root / "docker/registry/lockfiles/database-in-use").write_bytes(b'{"version":1}')
    return [row()]


@CASES.add("temporary-file", "foreign-file")
def leftovers(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    paths = ["blobs/x.tmp", "blobs/sha256/y.tmp", "repositories/a/z.tmp", "repositories/a/_manifests/tags/t.tmp"]
    for path in paths:
        store.file(path)
    store.file("repositories/a/_manifests/tags/not-temporary")
    return [row(path=f"{V2}/{path}") for path in sorted(paths)]


@CASES.add("foreign-file")
def files_that_do_not_belong(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    paths = ["blobs/.DS_Store", "blobs/sha256/x", "blobs/sha256/ab/x", "repositories/x", "repositories/a/_x"]
    for path in paths:
        store.file(path)
    store.file("beside")
    return [row(path=f"{V2}/{path}") for path in sorted(paths)]


@pytest.mark.parametrize(("case", "form"), CASES.with_forms())
def test_rule(case: Case, form: str, tmp_path: Path) -> None:
    assert_broken(case, Store(tmp_path / "storage"), form, tmp_path)
