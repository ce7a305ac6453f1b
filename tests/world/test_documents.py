"""Manifests: every size, digest and type in them against the bytes they stand for."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from regviz.errors import RegvizError
from regviz.world import (
    Artifact,
    Child,
    Image,
    Index,
    Layer,
    Push,
    cosign_signature,
    document,
    referrers_tag,
    signature_tag,
    small_world,
)
from tests.world.zoo import (
    AMD64,
    APP,
    BASE,
    NOTHING,
    PLAIN,
    REFERRER,
    SHA512,
    UNTYPED,
    UNTYPED_INDEX,
    ZOO,
    ZSTD,
)

if TYPE_CHECKING:
    from regviz.world.describe import Content
    from regviz.world.documents import Document

A3ED95 = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
PUSHES = [event for world in (small_world(), ZOO) for event in world.events if isinstance(event, Push)]
DOCUMENTS = [
    (event.content, document(event.content, event.repository, tag)) for event in PUSHES for tag in event.tags or ("",)
]


def _every(content: Content, described: Document) -> list[tuple[Content, Document]]:
    """A manifest and, of an index, everything it lists."""
    found = [(content, described)]
    if isinstance(content, Index):
        for child, document_of_child in zip(content.children, described.children, strict=True):
            found += _every(child.content, document_of_child)
    return found


EVERY = [pair for content, described in DOCUMENTS for pair in _every(content, described)]


def _hash(data: bytes, algorithm: str) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@pytest.mark.parametrize(("content", "described"), EVERY)
def test_a_manifest_tells_the_truth(content: Content, described: Document) -> None:
    parsed = json.loads(described.data)
    assert described.digest == _hash(described.data, "sha256")
    uploads = {upload.digest: upload.data for upload in described.uploads}
    for name, data in uploads.items():
        assert data is None or name == _hash(data, name.split(":")[0])
    if parsed["schemaVersion"] == 1:
        return
    if "mediaType" in parsed:
        assert parsed["mediaType"] == described.media_type
    blobs = [parsed["config"], *parsed["layers"]] if "layers" in parsed else []
    assert {blob["digest"] for blob in blobs} == set(uploads)
    for blob in blobs:
        data = uploads[blob["digest"]]
        assert (data is None) == ("urls" in blob)
        assert data is None or blob["size"] == len(data)
    for entry, child in zip(parsed.get("manifests", ()), described.children, strict=True):
        assert (entry["digest"], entry["size"]) == (_hash(child.data, "sha256"), len(child.data))
        assert entry["mediaType"] == child.media_type
    if "subject" in parsed:
        assert content.subject is not None
        assert parsed["subject"]["digest"] == document(content.subject).digest


IMAGES = [(content, described) for content, described in EVERY if isinstance(content, Image)]


@pytest.mark.parametrize(("image", "described"), [pair for pair in IMAGES if pair[0].format != "schema1"])
def test_a_config_names_the_uncompressed_layers(image: Image, described: Document) -> None:
    parsed = json.loads(described.data)
    uploads = {upload.digest: upload.data for upload in described.uploads}
    config = json.loads(uploads[parsed["config"]["digest"]] or b"")
    assert (config["architecture"], config["os"]) == (image.architecture, image.os)
    diff_ids = config["rootfs"]["diff_ids"]
    assert len(diff_ids) == len(parsed["layers"])
    for diff_id, layer in zip(diff_ids, parsed["layers"], strict=True):
        blob = uploads[layer["digest"]]
        if blob is not None:
            assert _hash(_uncompressed(blob, layer["mediaType"]), "sha256") == diff_id
    with_files = [step for step in config["history"] if not step.get("empty_layer")]
    assert len(with_files) == len(diff_ids)
    assert len(config["history"]) == len(image.layers)


def _uncompressed(blob: bytes, media_type: str) -> bytes:
    """Decompressed as the media type says, which so is shown to be right."""
    if media_type.endswith("gzip"):
        return gzip.decompress(blob)
    if media_type.endswith("zstd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(blob)
    assert media_type.endswith(".tar")
    with tarfile.open(fileobj=io.BytesIO(blob), mode="r:") as opened:
        assert opened.getnames()
    return blob


def test_an_untyped_manifest_leaves_out_its_type_alone() -> None:
    pairs = (
        (UNTYPED, replace(UNTYPED, format="oci")),
        (UNTYPED_INDEX, replace(UNTYPED_INDEX, format="oci")),
    )
    for untyped, typed in pairs:
        bare, full = json.loads(document(untyped).data), json.loads(document(typed).data)
        assert "mediaType" not in bare
        assert full == bare | {"mediaType": document(untyped).media_type}


def test_digests_of_another_algorithm_stand_in_the_manifest() -> None:
    parsed = json.loads(document(SHA512).data)
    assert {blob["digest"].split(":")[0] for blob in [parsed["config"], *parsed["layers"]]} == {"sha512"}
    assert {len(upload.digest) for upload in document(SHA512).uploads} == {len("sha512:") + 128}


def test_another_compression_keeps_the_image_id() -> None:
    """The small world's zstd image is its gzip image recompressed."""
    tags = small_world().tags("distribution")["team/web"]
    configs = {json.loads(document(tags[tag]).data)["config"]["digest"] for tag in ("2.0", "2.0-zstd")}
    layers = [
        {entry["digest"] for entry in json.loads(document(tags[tag]).data)["layers"]} for tag in ("2.0", "2.0-zstd")
    ]
    assert len(configs) == 1
    assert not layers[0] & layers[1]


def test_schema_1_is_upside_down_and_has_a_layer_for_each_step() -> None:
    """The manifest-v2-1 specification: fsLayers and history, most recent first, of equal length."""
    image = Image((BASE, NOTHING, APP), format="schema1")
    parsed = json.loads(document(image, "some/where", "1").data)
    assert (parsed["name"], parsed["tag"], parsed["architecture"]) == ("some/where", "1", "amd64")
    records = [json.loads(entry["v1Compatibility"]) for entry in parsed["history"]]
    assert [entry["blobSum"] for entry in parsed["fsLayers"]] == [
        _hash(APP.blob, "sha256"),
        A3ED95,
        _hash(BASE.blob, "sha256"),
    ]
    assert [record.get("parent") for record in records] == [records[1]["id"], records[2]["id"], None]
    assert " ".join(records[1]["container_config"]["Cmd"]) == "CMD [sh]"
    assert "signatures" not in parsed


def test_a_docker_manifest_cannot_say_everything() -> None:
    with pytest.raises(RegvizError, match="zstd"):
        document(Image((BASE.recompressed("zstd"),)))
    with pytest.raises(RegvizError, match="subject"):
        document(Image((BASE,), subject=AMD64))


def test_attestations_name_their_image_as_buildkit_does() -> None:
    """BuildKit, docs/attestations/attestation-storage.md."""
    index = json.loads(document(small_world().tags("distribution")["library/nodejs"]["20"]).data)
    images = {entry["digest"]: entry["platform"] for entry in index["manifests"] if "annotations" not in entry}
    attestations = [entry for entry in index["manifests"] if "annotations" in entry]
    assert [platform["architecture"] for platform in images.values()] == ["amd64", "arm64"]
    assert {entry["platform"]["architecture"] for entry in attestations} == {"unknown"}
    assert [entry["annotations"]["vnd.docker.reference.digest"] for entry in attestations] == list(images)
    assert {entry["annotations"]["vnd.docker.reference.type"] for entry in attestations} == {"attestation-manifest"}


def test_signatures_and_referrers_are_found_by_their_tags() -> None:
    digest = document(AMD64).digest
    assert referrers_tag(AMD64) == "sha256-" + digest.removeprefix("sha256:")
    assert signature_tag(AMD64) == referrers_tag(AMD64) + ".sig"
    payload: Any = json.loads(cosign_signature(AMD64, "some/where").layers[0].data)
    assert payload["critical"]["image"]["docker-manifest-digest"] == digest
    listed = json.loads(document(Index((Child(REFERRER),))).data)["manifests"]
    assert listed[0]["artifactType"] == "text/plain"


def test_an_artifact_without_config_has_the_empty_one() -> None:
    """OCI image specification, manifest.md, *Guidance for an Empty Descriptor*: digest and size."""
    config = json.loads(document(Artifact(())).data)["config"]
    assert config == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }


def test_the_zoo_has_every_compression_and_a_foreign_layer_is_never_uploaded() -> None:
    types = {entry["mediaType"] for image in (PLAIN, ZSTD) for entry in json.loads(document(image).data)["layers"]}
    assert types == {
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
    }
    noon = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    foreign = Image((Layer("base", noon, {"a": b"a"}, urls=("https://vendor.example/a",)), APP))
    uploads = document(foreign).uploads
    assert [upload.data is None for upload in uploads] == [True, False, False]
