"""What manifests and configurations in Distribution's storage say, against the server's API and skopeo."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.answers import is_image_config
from tests.real.distribution import sha256
from tests.real.tables import mapping, only, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content

pytestmark = pytest.mark.real

PLATFORM = ("os", "architecture", "variant")


def chain_ids(diff_ids: list[str]) -> list[str]:
    """Chain IDs from the base up: C1 = D1, Cn = sha256(C(n-1) + " " + Dn) (image-spec config.md)."""
    chain = diff_ids[:1]
    for diff_id in diff_ids[1:]:
        chain.append(sha256(f"{chain[-1]} {diff_id}".encode()))
    return chain


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def filesystem_images(answers: Answers, content: Content) -> Iterator[tuple[str, Any]]:
    """Manifests whose layers are filesystem layers, each with its configuration."""
    for digest, config in answers.configs.items():
        if content.kinds.get(digest, "image") == "image":
            yield digest, config


def stack(registry: Registry, manifest: str) -> list[tuple[Any, ...]]:
    """Position, layer, blob and digest of each layer of a manifest, the base first."""
    table = registry.manifest_layers
    return rows(table[table["manifest"] == manifest], "position", "layer", "blob", "digest")


def test_layers_are_those_the_manifest_lists(registry: Registry, answers: Answers, content: Content) -> None:
    for digest, served in answers.images().items():
        listed = [layer["digest"] for layer in served.document["layers"]]
        stored = [content.sha512.get(layer, layer) for layer in listed]
        found = [(position, blob, written) for position, _, blob, written in stack(registry, digest)]
        assert found == list(zip(range(len(listed)), stored, listed, strict=True))


def test_layers_of_schema_1_are_those_it_lists_from_the_base_up(registry: Registry, answers: Answers) -> None:
    assert answers.schema_1()
    for digest, served in answers.schema_1().items():
        listed = [layer["blobSum"] for layer in reversed(served.document["fsLayers"])]
        assert [blob for _, _, blob, _ in stack(registry, digest)] == listed


def test_declared_bytes_are_what_descriptors_declare(
    registry: Registry, answers: Answers, content: Content
) -> None:
    declared = mapping(registry.blobs, "blob", "declared_bytes")
    descriptors = [
        descriptor
        for served in {**answers.images(), **answers.indexes()}.values()
        for part in ("layers", "manifests", "config", "subject")
        for descriptor in _as_list(served.document.get(part, []))
    ]
    assert len(descriptors) > 50
    for descriptor in descriptors:
        digest = descriptor["digest"]
        assert declared[content.sha512.get(digest, digest)] == descriptor["size"]


def _as_list(part: Any) -> list[Any]:
    return part if isinstance(part, list) else [part]


def test_the_configuration_is_the_image_id(registry: Registry, answers: Answers) -> None:
    config = mapping(registry.manifests, "manifest", "config")
    for digest, served in answers.images().items():
        assert config[digest] == served.document["config"]["digest"]


def test_top_layer_is_the_chain_id_computed_by_hand(
    registry: Registry, answers: Answers, content: Content
) -> None:
    top, count = (mapping(registry.manifests, "manifest", name) for name in ("layer", "layer_count"))
    parent, basis, diff_id, depth = (
        mapping(registry.layers, "layer", name) for name in ("parent", "basis", "diff_id", "depth")
    )
    for digest, config in filesystem_images(answers, content):
        diff_ids = config["rootfs"]["diff_ids"]
        chain = chain_ids(diff_ids)
        assert (top[digest], count[digest]) == (chain[-1], len(chain))
        assert [layer for _, layer, _, _ in stack(registry, digest)] == chain
        assert [parent[layer] for layer in chain] == [None, *chain[:-1]]
        assert [diff_id[layer] for layer in chain] == diff_ids
        assert [depth[layer] for layer in chain] == list(range(1, len(chain) + 1))
        assert {basis[layer] for layer in chain} == {"chain"}


def test_the_same_layers_in_another_format_are_the_same_stack(
    registry: Registry, answers: Answers, content: Content
) -> None:
    """Schema 1 names no diff IDs: they are learnt from the images that share its blobs."""
    top = mapping(registry.manifests, "manifest", "layer")
    for places in content.same_stack:
        manifests = {answers.tags[place] for place in places}
        assert len(manifests) > 1
        assert {top[manifest] for manifest in manifests} == {chain_ids(_diff_ids(answers, manifests))[-1]}


def _diff_ids(answers: Answers, manifests: set[str]) -> list[str]:
    (diff_ids,) = {tuple(answers.configs[m]["rootfs"]["diff_ids"]) for m in manifests if m in answers.configs}
    return list(diff_ids)


def test_no_chain_ends_in_blob_digests(registry: Registry) -> None:
    """Every image here has a configuration, or shares its layers with one that has."""
    assert {basis for (basis,) in rows(registry.layers, "basis")} == {"chain"}


def test_only_filesystem_layers_are_nodes(registry: Registry, answers: Answers, content: Content) -> None:
    expected = {
        layer
        for _, config in filesystem_images(answers, content)
        for layer in chain_ids(config["rootfs"]["diff_ids"])
    }
    assert {layer for (layer,) in rows(registry.layers, "layer")} == expected
    for digest, kind in content.kinds.items():
        has_stack = only(registry.manifests, manifest=digest)["layer"] is not None
        assert has_stack == (kind == "image"), kind


def test_one_layer_may_have_several_blobs(registry: Registry, answers: Answers, content: Content) -> None:
    gzip, zstd = (stack(registry, answers.tags[place]) for place in content.recompressed)
    assert [layer for _, layer, _, _ in gzip] == [layer for _, layer, _, _ in zstd]
    assert {blob for _, _, blob, _ in gzip}.isdisjoint(blob for _, _, blob, _ in zstd)


def test_one_blob_may_be_several_layers(registry: Registry, answers: Answers) -> None:
    twice = stack(registry, answers.tags["a/b/c", "schema2"])
    blobs, layers = [blob for _, _, blob, _ in twice], [layer for _, layer, _, _ in twice]
    assert blobs[0] == blobs[2]
    assert len(set(layers)) == 3


def test_a_foreign_layer_is_a_layer_that_is_not_there(registry: Registry, content: Content) -> None:
    foreign = {blob for blob, is_foreign in rows(registry.manifest_layers, "blob", "foreign") if is_foreign}
    assert foreign == {content.foreign}
    row = only(registry.blobs, blob=content.foreign)
    assert (row["present"], row["blob_bytes"], row["copies"]) == (False, 101_145_811, 0)


def test_kinds(registry: Registry, answers: Answers, content: Content) -> None:
    images = {digest for digest, served in answers.images().items() if is_image_config(served)}
    expected = (
        dict.fromkeys(images | answers.schema_1().keys(), "image")
        | dict.fromkeys(answers.indexes(), "index")
        | content.kinds
    )
    found = mapping(registry.manifests, "manifest", "kind")
    assert {digest: found[digest] for digest in expected} == expected
    assert expected.keys() == {served.digest for served in answers.manifests.values()}


def test_platforms_of_an_index_are_those_it_lists(registry: Registry, answers: Answers) -> None:
    table, seen = registry.manifest_references, set()
    for digest, served in answers.indexes().items():
        found = rows(table[table["manifest"] == digest], "position", "child", "media_type", *PLATFORM)
        listed = []
        for position, entry in enumerate(served.document["manifests"]):
            platform = tuple(entry.get("platform", {}).get(field) or None for field in PLATFORM)
            listed.append((position, entry["digest"], entry["mediaType"], *platform))
            seen.add(platform)
        assert found == listed
    nowhere = (None, None, None)  # the inner index of another
    assert {("linux", "arm", "v7"), ("linux", "arm64", "v8"), ("linux", "amd64", None), nowhere} <= seen


def test_platforms_of_an_image_are_those_of_its_configuration(
    registry: Registry, answers: Answers, content: Content
) -> None:
    for digest, config in filesystem_images(answers, content):
        row = only(registry.manifests, manifest=digest)
        assert [row[field] for field in PLATFORM] == [config.get(field) or None for field in PLATFORM]
        assert row["os_version"] == config.get("os.version")


def test_what_is_no_image_has_no_platform(registry: Registry, content: Content) -> None:
    """A signature and an attestation have a configuration of an image's type; they run nowhere."""
    for digest, kind in content.kinds.items():
        row = only(registry.manifests, manifest=digest)
        assert [row[field] is None for field in ("os", "architecture")] == [kind != "image"] * 2


def test_platform_of_schema_1_is_that_of_its_last_step(registry: Registry, answers: Answers) -> None:
    for digest, served in answers.schema_1().items():
        last = json.loads(served.document["history"][0]["v1Compatibility"])
        row = only(registry.manifests, manifest=digest)
        assert (row["os"], row["architecture"]) == (last["os"], served.document["architecture"])


def test_a_subject_and_an_attestation_say_what_they_are_about(
    registry: Registry, answers: Answers, content: Content
) -> None:
    edges = rows(registry.manifest_references, "manifest", "child", "role", "attests")
    (image, report), (signed, attestation) = (_about(content, kind) for kind in ("artifact", "attestation"))
    assert only(registry.manifests, manifest=report)["subject"] == image
    assert [edge for edge in edges if edge[0] == report] == [(report, image, "subject", None)]
    index = answers.tags["attested", "latest"]
    assert [edge for edge in edges if edge[0] == index] == [
        (index, signed, "child", None),
        (index, attestation, "attestation", signed),
    ]


def _about(content: Content, kind: str) -> tuple[str, str]:
    """The image that was pushed just before the manifest of that kind, and the manifest."""
    kinds = list(content.kinds.items())
    place = next(number for number, (_, found) in enumerate(kinds) if found == kind)
    image = next(digest for digest, found in reversed(kinds[:place]) if found == "image")
    return image, kinds[place][0]


def test_what_configurations_tell(registry: Registry, answers: Answers) -> None:
    labelled = rows(registry.labels, "manifest", "key", "value")
    for digest, config in answers.configs.items():
        row = only(registry.manifests, manifest=digest)
        assert row["author"] == config.get("author")
        assert row["created_at"] == (moment(config["created"]) if "created" in config else None)
        labels = (config.get("config") or {}).get("Labels") or {}
        assert {key: value for manifest, key, value in labelled if manifest == digest} == labels


def test_history_pairs_steps_with_layers(registry: Registry, answers: Answers) -> None:
    table = registry.history
    for digest, config in answers.configs.items():
        expected, position = [], 0
        for number, step in enumerate(config.get("history", [])):
            empty = step.get("empty_layer", False)
            made = moment(step["created"])
            expected.append((number, step.get("created_by"), made, empty, None if empty else position))
            position += not empty
        steps = table[table["manifest"] == digest]
        assert rows(steps, "step", "created_by", "created_at", "empty", "position") == expected
