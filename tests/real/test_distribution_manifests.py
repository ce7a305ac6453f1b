"""What manifests and configurations in Distribution's storage say, against the server's API and skopeo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.distribution import SCHEMA_1, SCHEMA_1_SIGNED
from tests.real.tables import mapping, moment, only, rows

if TYPE_CHECKING:
    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content

pytestmark = pytest.mark.real

PLATFORM = ("os", "architecture", "variant")


def labels(registry: Registry, manifest: str) -> dict[str, str | None]:
    return mapping(registry.labels[registry.labels["manifest"] == manifest], "key", "value")


def platform(document: Any) -> list[str | None]:
    return [document.get(field) or None for field in PLATFORM]


def test_manifests_are_those_that_are_served_or_were_until_they_were_deleted(
    registry: Registry, answers: Answers
) -> None:
    assert mapping(registry.manifests, "manifest", "kind") == answers.kinds
    assert set(rows(registry.manifests, "present", "in_progress")) == {(True, None)}


def test_media_types(registry: Registry, answers: Answers) -> None:
    found = mapping(registry.manifests, "manifest", "media_type")
    for served in answers.known.values():
        if served.media_type == SCHEMA_1_SIGNED:  # stored unsigned, and without a word on its type
            assert found[served.digest] in {SCHEMA_1, SCHEMA_1_SIGNED}
        else:
            assert found[served.digest] == served.media_type


def test_configuration_type_and_subject_are_those_of_the_document(registry: Registry, answers: Answers) -> None:
    for digest, served in answers.known.items():
        row, document = only(registry.manifests, manifest=digest), served.document
        assert row["config"] == document.get("config", {}).get("digest")
        assert row["subject"] == document.get("subject", {}).get("digest")
        kind = answers.kinds[digest]
        if kind in {"image", "index"}:
            assert row["artifact_type"] is None
        elif kind != "attestation":  # without an artifactType it is the configuration's (distribution-spec, referrers)
            assert row["artifact_type"] == document.get("artifactType", document["config"]["mediaType"])


def test_references_are_the_entries_of_indexes_and_the_subjects(
    registry: Registry, answers: Answers, content: Content
) -> None:
    columns = ("manifest", "position", "child", "role", *PLATFORM, "media_type", "attests")
    expected: list[tuple[Any, ...]] = []
    for digest, served in sorted(answers.known.items()):
        document = served.document
        entries = document.get("manifests", [])
        for position, entry in enumerate(entries):
            attests = content.attested.get(entry["digest"])
            role, where = "attestation" if attests else "child", platform(entry.get("platform", {}))
            expected.append((digest, position, entry["digest"], role, *where, entry["mediaType"], attests))
        if subject := document.get("subject"):
            nowhere = (None, None, None)
            row = (digest, len(entries), subject["digest"], "subject", *nowhere, subject["mediaType"], None)
            expected.append(row)
    assert rows(registry.manifest_references, *columns) == expected
    platforms = {row[4:7] for row in expected}
    assert {("linux", "arm", "v7"), ("linux", "arm64", "v8"), ("linux", "amd64", None)} <= platforms


def test_declared_bytes_are_what_descriptors_declare(registry: Registry, answers: Answers, content: Content) -> None:
    declared = {content.sha512.get(d["digest"], d["digest"]): d["size"] for d in answers.descriptors()}
    expected = {blob: declared.get(blob) for (blob,) in rows(registry.blobs, "blob")}
    assert declared.keys() <= expected.keys()
    assert mapping(registry.blobs, "blob", "declared_bytes") == expected


def test_blobs_have_a_type_that_a_descriptor_gives_them(registry: Registry, answers: Answers, content: Content) -> None:
    given: dict[str, set[str]] = {}
    for descriptor in answers.descriptors():
        blob = content.sha512.get(descriptor["digest"], descriptor["digest"])
        given.setdefault(blob, set()).add(descriptor["mediaType"])
    found = mapping(registry.blobs, "blob", "media_type")
    assert all(found[blob] in types for blob, types in given.items())


def test_blobs_are_of_the_kind_that_manifests_make_them(registry: Registry, answers: Answers, content: Content) -> None:
    expected = dict.fromkeys(answers.known, "manifest")
    for digest, kind in answers.kinds.items():
        document = answers.known[digest].document
        if "config" in document:
            expected[document["config"]["digest"]] = "config"
        for layer in (*document.get("layers", ()), *document.get("fsLayers", ())):
            written = layer.get("digest") or layer["blobSum"]
            expected[content.sha512.get(written, written)] = "layer" if kind == "image" else "other"
    found = mapping(registry.blobs, "blob", "kind")
    assert {blob: found[blob] for blob in expected} == expected


def test_platforms_of_an_image_are_those_of_its_configuration(registry: Registry, answers: Answers) -> None:
    for digest, config in answers.filesystem_images():
        row = only(registry.manifests, manifest=digest)
        assert [row[field] for field in PLATFORM] == platform(config)
        assert row["os_version"] == config.get("os.version")


def test_what_is_no_image_has_no_platform(registry: Registry, answers: Answers) -> None:
    """Among them a signature and an attestation with a configuration of an image's type: they run nowhere."""
    for digest, kind in answers.kinds.items():
        if kind != "image":
            row = only(registry.manifests, manifest=digest)
            assert [row[field] for field in (*PLATFORM, "os_version")] == [None] * 4


def test_schema_1_is_what_its_last_step_says(registry: Registry, answers: Answers) -> None:
    for digest, served in answers.schema_1().items():
        last = json.loads(served.document["history"][0]["v1Compatibility"])
        row = only(registry.manifests, manifest=digest)
        assert [row[field] for field in PLATFORM] == platform(last)
        assert (row["created_at"], row["author"]) == (moment(last["created"]), last["author"])
        assert labels(registry, digest) == last["config"]["Labels"]


def test_what_configurations_tell(registry: Registry, answers: Answers) -> None:
    for digest, config in answers.filesystem_images():
        row = only(registry.manifests, manifest=digest)
        assert row["author"] == config.get("author")
        assert row["created_at"] == (moment(config["created"]) if "created" in config else None)
        assert labels(registry, digest) == ((config.get("config") or {}).get("Labels") or {})


def test_history_pairs_steps_with_layers(registry: Registry, answers: Answers) -> None:
    table = registry.history
    columns = ("step", "created_by", "created_at", "author", "comment", "empty", "position")
    for digest, config in answers.filesystem_images():
        expected, position = [], 0
        for number, step in enumerate(config.get("history", [])):
            empty = step.get("empty_layer", False)
            told = (step["created_by"], moment(step["created"]), step.get("author"), step.get("comment"))
            expected.append((number, *told, empty, None if empty else position))
            position += not empty
        assert rows(table[table["manifest"] == digest], *columns) == expected


def test_history_of_schema_1_has_a_step_for_every_layer(registry: Registry, answers: Answers) -> None:
    table = registry.history
    for digest, served in answers.schema_1().items():
        entries = [json.loads(entry["v1Compatibility"]) for entry in reversed(served.document["history"])]
        expected = [
            (
                number,
                " ".join(entry.get("container_config", {}).get("Cmd", [])) or None,
                *(moment(entry["created"]), entry.get("author"), entry.get("throwaway", False), number),
            )
            for number, entry in enumerate(entries)
        ]
        steps = table[table["manifest"] == digest]
        assert rows(steps, "step", "created_by", "created_at", "author", "empty", "position") == expected
