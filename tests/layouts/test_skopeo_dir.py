"""skopeo's directories by hand: what the real ones (tests/real) do not have."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from regviz.manifests.schema1 import signed_payload
from regviz.read import read
from tests.helpers import (
    FORMS,
    OCI_INDEX,
    OCI_MANIFEST,
    assert_same_tables,
    compressed,
    descriptor,
    encode,
    found,
    image_config,
    image_manifest,
    level_times,
    pack,
    rows,
    rules_of,
    sha256,
    sha512,
    write_file,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

VERSION = b"Directory Transport Version: 1.1\n"


def lay(root: Path, manifest: object, *blobs: bytes, version: bytes = VERSION, **more: bytes) -> Path:
    """A directory with these blobs, and other files (``_`` stands for a dot)."""
    content = manifest if isinstance(manifest, bytes) else encode(manifest)
    files = {"version": version, "manifest.json": content, **{sha256(blob)[7:]: blob for blob in blobs}}
    for number, (name, data) in enumerate({**files, **{n.replace("_", "."): d for n, d in more.items()}}.items()):
        write_file(root / name, data, number)
    return root


def image(*layers: bytes) -> tuple[dict[str, Any], list[bytes]]:
    config = image_config(layers)
    return image_manifest(config, map(compressed, layers)), [config, *map(compressed, layers)]


@pytest.mark.parametrize("form", FORMS)
def test_an_index_and_its_images(tmp_path: Path, form: str) -> None:
    """--all: the index is manifest.json, what it lists lies under its digits with a suffix; signatures are no blobs."""
    (one, blobs), (other, more) = image(b"1"), image(b"1", b"2")
    children = [descriptor(encode(document), OCI_MANIFEST) for document in (one, other)]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    root = lay(tmp_path / "storage", index, *blobs, *more)
    for document in (one, other):
        write_file(root / f"{sha256(encode(document))[7:]}.manifest.json", encode(document), 9)
    write_file(root / "signature-1", b"signed", 9)
    write_file(root / f"{children[0]['digest'][7:]}.signature-1", b"signed", 9)
    level_times(root)
    whole = read(root)
    registry = read(pack(root, form, tmp_path), verify=True)
    assert rows(registry.manifests, "manifest", "kind", "present") == sorted(
        [(sha256(encode(index)), "index", True), *((child["digest"], "image", True) for child in children)]
    )
    assert set(registry.blobs["blob"]) == {
        sha256(data) for data in (encode(index), encode(one), encode(other), *blobs, *more)
    }
    assert registry.blobs["present"].all()
    assert len(registry.layers) == 2
    assert rules_of(registry) == []
    assert_same_tables(whole, registry, "blobs.verified")
    verified = registry.blobs[registry.blobs["verified"].notna()]
    assert len(verified) == 5
    assert verified["verified"].all()


def test_blobs_of_sha512(tmp_path: Path) -> None:
    manifest, blobs = image(b"1")
    manifest["layers"][0]["digest"] = sha512(blobs[1])
    root = lay(tmp_path / "storage", manifest, blobs[0])
    write_file(root / sha512(blobs[1])[7:], blobs[1], 9)
    registry = read(root)
    assert rows(registry.manifest_layers, "blob") == [(sha512(blobs[1]),)]
    assert rules_of(registry) == []


@pytest.mark.parametrize("form", ["folder", "tar"])
@pytest.mark.parametrize(
    ("version", "content", "rules"),
    [
        (b"Directory Transport Version: 9\n", encode({"schemaVersion": 2, "manifests": []}), ["layout-version"]),
        (VERSION, b"{", ["manifest-unreadable"]),
        (VERSION, b"", ["manifest-unreadable"]),
        (VERSION, b" " * (4 << 20) + b"{}", ["manifest-oversized"]),
    ],
)
def test_what_is_wrong(tmp_path: Path, version: bytes, content: bytes, rules: list[str], form: str) -> None:
    registry = read(pack(lay(tmp_path / "storage", content, version=version), form, tmp_path))
    assert rules_of(registry) == rules
    assert bool(registry.repositories["complete"].all()) == (rules != ["manifest-oversized"])


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_files_and_links_that_do_not_belong(tmp_path: Path, form: str) -> None:
    manifest, blobs = image(b"1")
    root = lay(tmp_path / "storage", manifest, *blobs, NOTES=b"x", signature_1x=b"x")
    (root / sha256(blobs[1])[7:]).unlink()
    (root / sha256(blobs[1])[7:]).symlink_to("/etc/passwd")
    (root / "directory").mkdir()
    registry = read(pack(root, form, tmp_path))
    assert {(rule, path) for rule, *_, path, _ in found(registry)} == {
        ("foreign-file", "NOTES"),
        ("foreign-file", "signature.1x"),
        ("symbolic-link", sha256(blobs[1])[7:]),
        ("layer-missing", None),
    }


def sign(document: dict[str, Any]) -> tuple[bytes, bytes]:
    """A schema 1 manifest as libtrust signs it (jsonsign.go, PrettySignature), and what was signed."""
    payload = json.dumps(document, indent=3).encode()
    head, tail = payload[:-2], payload[-2:]
    encoded = base64.urlsafe_b64encode(tail).decode().rstrip("=")
    protected = (
        base64.urlsafe_b64encode(encode({"formatLength": len(head), "formatTail": encoded})).decode().rstrip("=")
    )
    signature = json.dumps([{"header": {}, "signature": "x", "protected": protected}], indent=3)
    return head + b',\n   "signatures": ' + signature.encode() + tail, payload


SCHEMA1 = {"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "history": []}


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_schema_1_has_the_digest_of_what_was_signed(tmp_path: Path, form: str) -> None:
    served, payload = sign(SCHEMA1)
    assert json.loads(served)["signatures"]
    registry = read(pack(lay(tmp_path / "storage", served), form, tmp_path))
    assert rows(registry.manifests, "manifest", "kind", "present") == [(sha256(payload), "image", True)]
    assert rows(registry.blobs, "blob", "blob_bytes") == [(sha256(payload), len(payload))]


@pytest.mark.parametrize(
    "protected",
    ["", "e30", "not base64!", 7, base64.b64encode(encode({"formatLength": -1, "formatTail": "fQ"})).decode(),
     base64.b64encode(encode({"formatLength": 1 << 40, "formatTail": "fQ"})).decode(),
     base64.b64encode(encode({"formatLength": True, "formatTail": "fQ"})).decode()],
)  # fmt: skip
def test_forged_signatures_change_nothing(protected: object) -> None:
    forged = encode({**SCHEMA1, "signatures": [{"protected": protected}]})
    assert signed_payload(forged) == forged
