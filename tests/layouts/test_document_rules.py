"""Every rule that a manifest or a configuration can break, broken once, and alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz import native
from regviz.manifests import batches
from regviz.read import read
from tests.helpers import (
    OCI_INDEX,
    OCI_MANIFEST,
    Store,
    assert_same_tables,
    compressed,
    descriptor,
    encode,
    found,
    image_config,
    image_manifest,
    rows,
    rules_of,
    sha256,
)
from tests.layouts.cases import DEEP, Case, Cases, Row, assert_broken, row

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

CASES = Cases()


@CASES.add("manifest-unreadable")
def manifests_that_are_no_json_objects(store: Store) -> list[Row]:
    """Among them what GitLab's fixture ``bad-manifest-format`` holds: YAML."""
    contents = [
        b"schemaVersion: 2\nlayers: []\n",
        b"\xef\xbb\xbf{}",
        b'{"schemaVersion": 2',
        b"null",
        b"[1]",
        b'"text"',
        b'{"schemaVersion": NaN}',
        b"[" * 200_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        b"\x1f\x8b\x08",
    ]
    digests = [store.push("a", content, f"t{number}") for number, content in enumerate(contents)]
    rows = [row(manifest=d, detail=f"{len(c)} bytes") for d, c in zip(digests, contents, strict=True)]
    return sorted(rows, key=str)


@CASES.add("manifest-unknown")
def manifests_of_no_known_kind(store: Store) -> list[Row]:
    one = store.push("a", {"schemaVersion": 2, "mediaType": "application/vnd.example+json"}, "one")
    other = store.push("a", {}, "other")
    rows = [
        row(manifest=one, detail="application/vnd.example+json"),
        row(manifest=other, detail="no media type, no known shape"),
    ]
    return sorted(rows, key=str)


@CASES.add("manifest-unknown")
def known_shapes_under_unknown_media_types(store: Store) -> list[Row]:
    """Servers go by the media type alone (manifeststore.go, Get), and read none of these."""
    image = {"schemaVersion": 2, "mediaType": "application/vnd.example+json", "layers": []}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.example+json", "manifests": []}
    rows = [
        row(manifest=store.push("a", each, tag), detail="application/vnd.example+json")
        for each, tag in ((image, "1"), (index, "2"))
    ]
    return sorted(rows, key=str)


@CASES.add("manifest-version")
def manifests_of_no_version(store: Store) -> list[Row]:
    """schemaVersion must be 2 (image-spec manifest.md, image-index.md), a number; artifact manifests have none."""
    shown: dict[str, tuple[str, dict[str, object]]] = {
        "1": ("None", {}),
        "2": ("3", {"schemaVersion": 3}),
        "3": ("'2'", {"schemaVersion": "2"}),
    }
    rows = [
        row(
            manifest=store.push("a", {"mediaType": OCI_MANIFEST, "layers": [], **said}, tag),
            detail=f"schemaVersion {text}",
        )
        for tag, (text, said) in shown.items()
    ]
    store.push("a", {"mediaType": OCI_INDEX, "manifests": [], "schemaVersion": 2}, "good")
    return sorted(rows, key=str)


@CASES.add("manifest-oversized")
def documents_beyond_four_mebibytes(store: Store) -> list[Row]:
    """Distribution takes no manifest above 4 MiB (handlers/manifests.go); the same holds for configurations here."""
    fits = image_manifest(image_config([b"1"]), [compressed(b"1")])
    fits["annotations"] = {"x": "x" * ((4 << 20) - len(encode(fits | {"annotations": {"x": ""}})))}
    too_long = fits | {"annotations": {"x": fits["annotations"]["x"] + "x"}}
    assert (len(encode(fits)), len(encode(too_long))) == (4 << 20, (4 << 20) + 1)
    for data in (image_config([b"1"]), compressed(b"1")):
        store.linked_blob("a", data)
    store.push("a", fits, "fits")
    manifest = store.push("a", too_long, "too-long")
    config = image_config([b"1"], x="x" * (4 << 20))
    store.linked_blob("a", config)
    store.push("a", image_manifest(config, [compressed(b"1")]), "config")
    rows = [row(manifest=manifest, detail="4194305 bytes"), row(blob=sha256(config), detail=f"{len(config)} bytes")]
    return sorted(rows, key=lambda r: (r[1] or "", r[2] or ""))


@CASES.add("manifest-artifact-kind")
def the_artifact_manifest_of_2022(store: Store) -> list[Row]:
    blob = store.linked_blob("a", b"signature")
    digest = store.push(
        "a",
        {
            "mediaType": "application/vnd.oci.artifact.manifest.v1+json",
            "artifactType": "application/vnd.example",
            "blobs": [{"mediaType": "text/plain", "size": 9, "digest": blob}],
        },
        "artifact",
    )
    return [row(manifest=digest)]


@CASES.add("config-unreadable")
def configurations_that_are_no_json_objects(store: Store) -> list[Row]:
    rows = []
    for content in (b"[]", b"{", b"config: none"):
        store.linked_blob("a", content)
        store.linked_blob("a", compressed(content))
        store.push("a", image_manifest(content, [compressed(content)]), "tag")
        rows.append(row(blob=sha256(content), detail=f"{len(content)} bytes"))
    return sorted(rows, key=str)


@CASES.add("digest-malformed")
def descriptors_without_a_digest_that_holds(store: Store) -> list[Row]:
    wrong = [
        "sha256:" + "z" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63, "latest", None, 7, ["x"], {"a": 1}, "sha256:\udcff",
        "../../etc/passwd", "sha512:" + "a" * 64, "sha256:" + "a" * 64 + "\n", "\x00",
    ]  # fmt: skip
    config = image_config([b"1"] * len(wrong))
    store.linked_blob("a", config)
    manifest = image_manifest(config, [])
    manifest["layers"] = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": value} for value in wrong]
    digest = store.push("a", manifest, "latest")
    other = store.push("a", {"schemaVersion": 2, "manifests": [{"digest": "nothing"}, {}]}, "index")
    rows = [row(manifest=digest, detail=repr(value)) for value in wrong]
    return sorted(
        [*rows, row(manifest=other, detail="'nothing'"), row(manifest=other, detail="None")], key=lambda r: (r[1], r[4])
    )


@CASES.add("layers-differ")
def a_configuration_of_another_height(store: Store) -> list[Row]:
    config = image_config([b"1", b"2"])
    for data in (config, compressed(b"1")):
        store.linked_blob("a", data)
    digest = store.push("a", image_manifest(config, [compressed(b"1")]), "latest")
    return [row(manifest=digest, detail="2 diff IDs, 1 layers")]


@CASES.add("sizes-differ")
def a_blob_that_was_shrunk(store: Store) -> list[Row]:
    """As in the fixtures of GitLab's registry, where payloads were made small."""
    store.image("a", [b"1"], "latest")
    layer = sha256(compressed(b"1"))
    store.blob_path(layer).write_bytes(b"shrunk")
    return [row(blob=layer, detail=f"6 bytes stored, {len(compressed(b'1'))} declared")]


@CASES.add("digest-mismatch", verify=True)
def a_configuration_that_was_changed(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    config = image_config([b"1"])
    changed = config.replace(b"linux", b"minix")
    store.blob_path(sha256(config)).write_bytes(changed)
    return [row(blob=sha256(config), detail=f"its content has {sha256(changed)}")]


@CASES.add("diff-ids-differ")
def two_configurations_that_disagree_on_a_blob(store: Store) -> list[Row]:
    """One blob cannot unpack to two contents."""
    layer = store.linked_blob("a", compressed(b"1"))
    for number, content in enumerate((b"1", b"other")):
        config = image_config([content])
        store.linked_blob("a", config)
        store.push("a", image_manifest(config, [compressed(b"1")]), f"t{number}")
    return [row(blob=layer, detail=", ".join(sorted([sha256(b"1"), sha256(b"other")])))]


def _described(store: Store, *tags: str, **config: object) -> str:
    """An image of one layer, with more in its configuration."""
    made = image_config([b"1"], **config)
    for data in (made, compressed(b"1")):
        store.linked_blob("a", data)
    return store.push("a", image_manifest(made, [compressed(b"1")]), *tags)


@CASES.add("secret-in-history")
def passwords_that_a_build_was_given(store: Store) -> list[Row]:
    """Each text is said once, whatever many images have it."""
    history = [
        {"created_by": "ENV DB_PASSWORD=hunter2 # buildkit", "empty_layer": True},
        {"created_by": "RUN |1 CI=ghp_0123456789abcdefghijABCDEFGHIJ012345 /bin/sh -c make", "comment": "token=abc1"},
    ]
    digests = [
        _described(store, "one", history=history),
        _described(store, "two", history=history, variant="v8"),
        _described(store, "three", author="https://bob:hunter3@example.org"),
    ]
    named, github = "a value whose name says that it is secret", "a token of GitHub"
    first, more = min(digests[:2]), "; 1 more manifest has it"
    return sorted(
        [
            row(manifest=first, detail=f"{named}, in created_by of step 0{more}"),
            row(manifest=first, detail=f"{named}, in comment of step 1{more}"),
            row(manifest=first, detail=f"{github}, in created_by of step 1{more}"),
            row(manifest=digests[2], detail="a password in a URL, in author"),
        ],
        key=str,
    )


@CASES.add("secret-in-label")
def labels_that_hold_secrets(store: Store) -> list[Row]:
    labels = {"com.example.api-key": "2.0", "version": "2.0", "url": "https://bob:hunter2@example.org", "token": "$T"}
    digest = _described(store, "latest", config={"Labels": labels})
    named, url = "a value whose name says that it is secret", "a password in a URL"
    return [
        row(manifest=digest, detail=f"{url}, in label url"),
        row(manifest=digest, detail=f"{named}, in label com.example.api-key"),
    ]


@pytest.mark.parametrize(("case", "form"), CASES.with_forms())
def test_rule(case: Case, form: str, tmp_path: Path) -> None:
    assert_broken(case, Store(tmp_path / "storage"), form, tmp_path)


def read_both_ways(root: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Read natively, where that can be, and in Python; both must find the same."""
    registry = read(root)
    monkeypatch.setattr(native, "library", lambda: None)
    assert_same_tables(registry, read(root))
    return registry


def test_values_that_are_nested_too_deeply_to_be_shown(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    version = store.push("a", b'{"schemaVersion": %s, "layers": []}' % DEEP, "version")
    layer = store.push("a", b'{"schemaVersion": 2, "layers": [{"digest": %s}]}' % DEEP, "layer")
    config = store.push("a", b'{"schemaVersion": 2, "config": {"digest": %s}, "layers": []}' % DEEP, "config")
    child = store.push("a", b'{"schemaVersion": 2, "manifests": [{"digest": %s}]}' % DEEP, "child")
    expected = {("manifest-version", version)} | {("digest-malformed", each) for each in (layer, config, child)}
    assert {(rule, manifest) for rule, _, manifest, *_ in found(read(store.root))} == expected


@pytest.mark.parametrize("nested", [(b"[", b"]", b""), (b'{"a":', b"}", b"1")], ids=["arrays", "objects"])
def test_every_depth_around_that_at_which_decoders_stop(
    nested: tuple[bytes, bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """orjson reads 1,024 levels, of which three are those of a document, of its list and of what stands in that."""
    store, (start, end, inner) = Store(tmp_path / "storage"), nested
    for depth in range(900, 1030):
        deep = start * depth + inner + end * depth
        config = b'{"os": "linux", "history": [{"created_by": "x"}, {"created_by": %s}]}' % deep
        store.linked_blob("a", config)
        layer = encode(descriptor(b"layer"))[:-1] + b', "more": %s}' % deep
        store.push("a", encode(image_manifest(config, [])).replace(b"[]", b"[%s]" % layer), f"t{depth}")
    registry = read_both_ways(store.root, monkeypatch)
    assert sorted(rules_of(registry)) == ["layer-missing"] * 122 + ["manifest-unreadable"] * 8
    assert sorted(rows(registry.manifests, "os"), key=str) == [("linux",)] * 122 + [(None,)] * 8


@pytest.mark.parametrize("beside", [0, batches.FEW])
def test_a_number_of_five_thousand_digits(beside: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a number (RFC 8259, 6), if none that anything could be made of."""
    store, number = Store(tmp_path / "storage"), b"9" * 5000
    for other in range(beside):
        store.image("a", [b"%d" % other], f"t{other}")
    config = image_config([b"layer"])[:-1] + b', "created": %s}' % number
    layer = encode(descriptor(compressed(b"layer")))[:-1] + b', "size": %s}' % number
    for content in (config, compressed(b"layer")):
        store.linked_blob("a", content)
    digest = store.push("a", encode(image_manifest(config, [])).replace(b"[]", b"[%s]" % layer), "latest")
    registry = read_both_ways(store.root, monkeypatch)
    assert rules_of(registry) == []
    assert (digest, "linux", 1) in rows(registry.manifests, "manifest", "os", "layer_count")
