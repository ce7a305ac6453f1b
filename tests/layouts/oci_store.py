"""OCI layouts written by hand (image-spec image-layout.md), and read the slow way."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.helpers import OCI_INDEX, OCI_MANIFEST, compressed, encode, image_config, image_manifest, sha256, write_file
from tests.layouts.plain_distribution import chain_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REF = "org.opencontainers.image.ref.name"
CONTAINERD = "io.containerd.image.name"
ABSENT = "sha256:" + "ab" * 32
VERSION = b'{"imageLayoutVersion": "1.0.0"}'


def absent(media_type: str = OCI_MANIFEST, digest: str = ABSENT) -> dict[str, Any]:
    """A descriptor of what lies nowhere."""
    return {"mediaType": media_type, "digest": digest, "size": 7}


class OciStore:
    """A layout, written file by file; `index` writes what was added."""

    def __init__(self, root: Path, *, index: bool = True) -> None:
        self.root = root
        self._files = 0
        self.entries: list[Any] = []
        self.file("oci-layout", VERSION)
        (root / "blobs/sha256").mkdir(parents=True)
        if index:
            self.index()

    def file(self, path: str, data: bytes = b"") -> Path:
        self._files += 1
        return write_file(self.root / path, data, self._files)

    def blob_path(self, digest: str) -> Path:
        return self.root / "blobs" / digest.replace(":", "/")

    def blob(self, data: bytes) -> str:
        digest = sha256(data)
        self.file(f"blobs/{digest.replace(':', '/')}", data)
        return digest

    def index(self, *entries: Any, **more: Any) -> None:
        """Write ``index.json`` with everything added so far, and these entries."""
        self.entries += entries
        self.file("index.json", encode({"schemaVersion": 2, "manifests": self.entries, **more}))

    def document(self, document: object, media_type: str = OCI_MANIFEST) -> dict[str, Any]:
        """A descriptor of a document that is stored."""
        data = document if isinstance(document, bytes) else encode(document)
        return {"mediaType": media_type, "digest": self.blob(data), "size": len(data)}

    def image(self, layers: Iterable[bytes], architecture: str = "amd64", **more: object) -> dict[str, Any]:
        """A descriptor of an image whose layers hold these contents; `more` goes into the manifest."""
        contents = list(layers)
        config = image_config(contents, architecture)
        self.blob(config)
        for content in contents:
            self.blob(compressed(content))
        return self.document(image_manifest(config, map(compressed, contents), **more))

    def image_index(self, *children: dict[str, Any], **more: object) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children), **more}
        return self.document(document, OCI_INDEX)

    def add(self, descriptor: dict[str, Any], *names: str, **more: object) -> str:
        """List a descriptor in the index: once a name, or once without any."""
        for name in names or (None,):
            annotations = {"annotations": {REF: name}} if name is not None else {}
            self.entries.append({**descriptor, **annotations, **more})
        self.index()
        return str(descriptor["digest"])


@dataclass
class PlainLayout:
    """A layout as tarfile and json see it."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def reached(self) -> dict[str, Any]:
        """Documents of every manifest that is there and reached from the index, by digest."""
        found: dict[str, Any] = {}
        wanted = [entry["digest"] for entry in self.entries]
        while wanted:
            digest = wanted.pop()
            if digest in self.blobs and digest not in found:
                found[digest] = json.loads(self.blobs[digest])
                wanted += [child["digest"] for child in found[digest].get("manifests") or []]
        return found

    def chain(self, manifest: Any) -> list[str]:
        """Chain IDs of an image, from the base up (config.md)."""
        diff_ids = json.loads(self.blobs[manifest["config"]["digest"]])["rootfs"]["diff_ids"]
        return [chain_id(diff_ids[: height + 1]) for height in range(len(diff_ids))]


def plain_layout(archive: Path) -> PlainLayout:
    plain = PlainLayout()
    with tarfile.open(archive) as opened:
        for member in opened:
            reader = opened.extractfile(member) if member.isfile() else None
            name = member.name.removeprefix("./")
            if reader is not None and name.startswith("blobs/"):
                plain.blobs[":".join(name.split("/")[1:])] = reader.read()
            elif reader is not None and name == "index.json":
                plain.entries = json.load(reader)["manifests"]
    return plain
