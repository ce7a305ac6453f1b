"""Tiny images, written as an OCI layout for skopeo to push (image-spec: image-layout, manifest, config)."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.real.distribution import OCI_INDEX, OCI_MANIFEST, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

Descriptor = dict[str, Any]


def tar(files: Mapping[str, str]) -> bytes:
    """A tar of these files, the same bytes on every run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(text.encode()), 1_400_000_000, 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a build; without files it changes only the configuration."""

    created_by: str
    created: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its steps, the first at the base."""

    steps: tuple[Step, ...]
    architecture: str = "amd64"
    variant: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> dict[str, str]:
        return {
            "os": "linux",
            "architecture": self.architecture,
            **({"variant": self.variant} if self.variant else {}),
        }

    def layers(self) -> list[bytes]:
        """The uncompressed tars, the base first."""
        return [tar(step.files) for step in self.steps if step.files]

    def config(self) -> dict[str, Any]:
        history = [
            {
                "created": step.created,
                "created_by": step.created_by,
                **({} if step.files else {"empty_layer": True}),
            }
            for step in self.steps
        ]
        return {
            "created": self.steps[-1].created,
            "author": "regviz tests",
            **self.platform,
            "config": {"Cmd": ["/bin/sh"], "Labels": dict(self.labels)},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in self.layers()]},
            "history": history,
        }


class OciLayout:
    """An OCI layout in a folder, written as it is filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: list[Descriptor] = []
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def add(self, tag: str, *images: Image) -> str:
        """Store one image, or several as an index, under a tag; the reference to it, as skopeo takes it."""
        entries = [self._image(image) for image in images]
        if len(entries) == 1:
            entry = entries[0]
        else:
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
            entry = self._document(OCI_INDEX, document)
        self._entries.append({**entry, "annotations": {"org.opencontainers.image.ref.name": tag}})
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self._entries}))
        return f"oci:{self.folder}:{tag}"

    def _image(self, image: Image) -> Descriptor:
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self._document(OCI_CONFIG, image.config()),
            "layers": [self._blob(OCI_LAYER, gzip.compress(layer, mtime=0)) for layer in image.layers()],
        }
        return {**self._document(OCI_MANIFEST, document), "platform": image.platform}

    def _document(self, media_type: str, document: Any) -> Descriptor:
        return self._blob(media_type, json.dumps(document).encode())

    def _blob(self, media_type: str, data: bytes) -> Descriptor:
        digest = sha256(data)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}
