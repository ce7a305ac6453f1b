"""What breaks in a Distribution storage: interrupted writes, full disks, other tools' pushes, old servers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.helpers import OCI_LAYER, OCI_MANIFEST, descriptor, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.random_registry import Maker

    Trouble = Callable[[Maker], None]

OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
NO_DIGESTS = (b"sha256:zz", b"latest", b"sha256:" + b"AB" * 32, b"md5:" + b"0" * 32, b"sha256:" + b"ab" * 32 + b"\n")
"""Contents of links that Go's digest.Parse refuses."""


def _links(made: Maker, part: str) -> list[Path]:
    """Link files below a part of any repository; no reader looks for signatures, which 2.5 dropped."""
    found = made.store.v2.glob(f"repositories/**/{part}/**/link")
    return sorted(path for path in found if path.is_file() and not {"index", "signatures"} & {*path.parts})


def _put(made: Maker, part: str, content: bytes, *, name: str) -> None:
    links = _links(made, part)
    if links:
        made.features.add(name)
        made.random.choice(links).write_bytes(content)


def _blob_gone(made: Maker) -> None:
    made.features.add("missing blob")
    made.random.choice(sorted(made.store.v2.glob("blobs/*/*/*/data"))).unlink()


def _manifest_gone(made: Maker) -> None:
    made.features.add("missing manifest")
    made.store.blob_path(_any_revision(made)[1]).unlink(missing_ok=True)


def _revision_gone(made: Maker) -> None:
    """One that an index or a tag may still name."""
    made.features.add("unlinked manifest")
    repository, digest = _any_revision(made)
    (made.store.v2 / f"repositories/{repository}/_manifests/revisions/{digest.replace(':', '/')}/link").unlink()


def _any_revision(made: Maker) -> tuple[str, str]:
    path = made.random.choice(_links(made, "revisions"))
    repository = "/".join(path.relative_to(made.store.v2 / "repositories").parts[:-5])
    return repository, f"{path.parts[-3]}:{path.parts[-2]}"


def _revision_empty(made: Maker) -> None:
    _put(made, "revisions", b"", name="empty revision link")


def _revision_malformed(made: Maker) -> None:
    _put(made, "revisions", made.random.choice(NO_DIGESTS), name="malformed revision link")


def _revision_mismatch(made: Maker) -> None:
    _put(made, "revisions", _any_revision(made)[1].encode(), name="revision link elsewhere")


def _layer_empty(made: Maker) -> None:
    _put(made, "_layers", b"", name="empty layer link")


def _layer_malformed(made: Maker) -> None:
    _put(made, "_layers", made.random.choice(NO_DIGESTS), name="malformed layer link")


def _layer_mismatch(made: Maker) -> None:
    """Of layers only: a configuration is known by the digest it lies under, not by the one that is written."""
    links = [path for path in _links(made, "_layers") if f"{path.parts[-3]}:{path.parts[-2]}" in made.layer_digests]
    if links:
        made.features.add("layer link elsewhere")
        made.random.choice(links).write_bytes(made.random.choice(links).read_bytes())


def _tag_empty(made: Maker) -> None:
    _put(made, "tags", b"", name="empty tag link")


def _tag_malformed(made: Maker) -> None:
    _put(made, "tags", made.random.choice(NO_DIGESTS), name="malformed tag link")


def _tag_without_link(made: Maker) -> None:
    links = _links(made, "tags")
    if links:
        made.features.add("tag without a link")
        made.random.choice(links).unlink()


def _tag_of_nothing(made: Maker) -> None:
    made.features.add("tag of nothing")
    made.store.tag(made.random.choice(made.repositories), "nothing", "sha256:" + "ab" * 32)


def _tags_gone(made: Maker) -> None:
    """What an object storage has once the last tag was deleted: no directory."""
    tags = sorted(made.store.v2.glob("repositories/**/_manifests/tags"))
    if tags:
        made.features.add("no tags directory")
        shutil.rmtree(made.random.choice(tags))


def _layers_gone(made: Maker) -> None:
    made.features.add("no layers directory")
    shutil.rmtree(made.random.choice(sorted(made.store.v2.glob("repositories/**/_layers"))))


def _odd_manifest(made: Maker, name: str, document: Any) -> None:
    """A document that no server of today takes, tagged or not."""
    made.features.add(name)
    repository = made.random.choice(made.repositories)
    data = document if isinstance(document, bytes) else encode(document)
    digest = made.store.blob(data)
    made.store.revision(repository, digest)
    made.store.directory(made.tag_directory(repository))
    made.store.directory(f"repositories/{repository}/_layers")
    if made.chance(0.6):
        made.store.tag(repository, "odd", digest)


def _unknown_media_type(made: Maker) -> None:
    document = {"schemaVersion": 2, "mediaType": "application/vnd.example.unheard-of+json", "layers": []}
    _odd_manifest(made, "unknown media type", document)


def _unknown_version(made: Maker) -> None:
    _odd_manifest(
        made, "unknown schema version", {"mediaType": OCI_MANIFEST, "config": descriptor(b"{}"), "layers": []}
    )


def _artifact_manifest(made: Maker) -> None:
    content = made.random.randbytes(15)
    made.blob(made.random.choice(made.repositories), content)
    document = {"mediaType": OCI_ARTIFACT, "artifactType": "example/x", "blobs": [descriptor(content, OCI_LAYER)]}
    _odd_manifest(made, "artifact manifest", document)


def _no_json(made: Maker) -> None:
    _odd_manifest(made, "no JSON", made.random.choice((b"not JSON", b'{"schemaVersion":2', b"[]", b"", b"null")))


def _too_large(made: Maker) -> None:
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "annotations": {"x": "x" * (4 << 20)}}
    _odd_manifest(made, "too large", document)


def _digest_cut_short(made: Maker) -> None:
    made.features.add("truncated digest directory")
    made.store.file("blobs/sha256/5b/5bd0/data", b"cut short")


def _digest_misplaced(made: Maker) -> None:
    made.features.add("misplaced digest directory")
    made.store.file(f"blobs/sha256/00/{'ab' * 32}/data", b"elsewhere")


def _digest_without_data(made: Maker) -> None:
    made.features.add("digest directory without data")
    made.store.directory(f"blobs/sha256/ab/{'ab' * 32}")


def _invalid_name(made: Maker) -> None:
    made.features.add("invalid name")
    made.store.image(made.random.choice(("Upper", "zz/-dash", "app/UP")), [b"x"], "1")


TROUBLES: tuple[Trouble, ...] = (
    _blob_gone,
    _blob_gone,
    _manifest_gone,
    _manifest_gone,
    _revision_gone,
    _revision_gone,
    _revision_empty,
    _revision_malformed,
    _revision_mismatch,
    _layer_empty,
    _layer_malformed,
    _layer_mismatch,
    _tag_empty,
    _tag_malformed,
    _tag_without_link,
    _tag_of_nothing,
    _tags_gone,
    _layers_gone,
    _unknown_media_type,
    _unknown_version,
    _artifact_manifest,
    _no_json,
    _too_large,
    _digest_cut_short,
    _digest_misplaced,
    _digest_without_data,
    _invalid_name,
)


def make_trouble(made: Maker) -> None:
    """Break one thing, or a few."""
    for trouble in made.random.sample(TROUBLES, made.random.choice((1, 1, 1, 2, 3))):
        if _links(made, "revisions") and _links(made, "_layers"):
            trouble(made)
