"""What a dump says when it is read with nothing but tarfile, json and hashlib: the oracle of graphs and trees."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_REVISION = re.compile(r"repositories/(.+)/_manifests/revisions/sha256/([0-9a-f]{64})/link")
_TAG = re.compile(r"repositories/(.+?)/_manifests/tags/([^/]+)/current/link")
_BLOB = re.compile(r"blobs/sha256/../([0-9a-f]{64})/data")


def members(path: Path) -> dict[str, bytes | None]:
    """Name → content of every member below the registry's root; None for directories."""
    found: dict[str, bytes | None] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = re.sub(r"^\./|/$", "", member.name)
            file = archive.extractfile(member) if member.isfile() else None
            found[name] = file.read() if file else None
    return found


def below(files: dict[str, bytes | None], directory: str) -> dict[str, bytes | None]:
    """What lies below a directory, wherever that is, by the path from there."""
    paths = [f"/{name}/" for name in files]
    head = next(path[1 : at + len(directory) + 2] for path in paths if (at := path.find(f"/{directory}/")) >= 0)
    return {name[len(head) :]: content for name, content in files.items() if name.startswith(head)}


@dataclass
class PlainV1:
    """A v1 storage."""

    images: dict[str, dict[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """``namespace/repository:tag`` → image id."""

    def ancestry(self, image: str) -> list[str]:
        ids: list[str] = json.loads(self.images[image]["ancestry"])
        return ids

    def json(self, image: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.images[image]["json"])
        return document


def plain_v1(path: Path) -> PlainV1:
    plain = PlainV1()
    files = members(path)
    for name, content in below(files, "images").items():
        image, _, file = name.partition("/")
        if content is not None and file:
            plain.images.setdefault(image, {})[file] = content
    for name, content in below(files, "repositories").items():
        repository, _, file = name.rpartition("/")
        if content is not None and file.startswith("tag_"):
            unquoted = repository.replace("%252F", "/").replace("%2F", "/")
            plain.tags[f"{unquoted}:{file[4:]}"] = content.decode()
    return plain


@dataclass
class PlainDistribution:
    """A Distribution storage whose contents all lie under sha256."""

    blobs: dict[str, bytes]
    revisions: dict[str, set[str]]
    """Repository → digests."""
    tags: dict[str, str]
    """``repository:tag`` → digest."""

    def manifest(self, digest: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.blobs[digest])
        return document

    def children(self, digest: str) -> list[dict[str, Any]]:
        return [child for child in self.manifest(digest).get("manifests") or [] if child["digest"] in self.blobs]

    def is_attestation(self, child: dict[str, Any]) -> bool:
        annotations = child.get("annotations") or {}
        return annotations.get("vnd.docker.reference.type") == "attestation-manifest"

    def diff_ids(self, digest: str) -> list[str]:
        """Diff IDs of an image, base first; empty for what has no configuration of one."""
        manifest = self.manifest(digest)
        config, layers = manifest.get("config") or {}, manifest.get("layers") or []
        if not str(config.get("mediaType", "")).endswith(("container.image.v1+json", "image.config.v1+json")):
            return []
        document = json.loads(self.blobs.get(config["digest"], b"{}"))
        diff_ids: list[str] = (document.get("rootfs") or {}).get("diff_ids") or []
        if len(diff_ids) != len(layers) or not all(".tar" in layer["mediaType"] for layer in layers):
            return []
        return diff_ids

    def chain(self, digest: str) -> list[str]:
        """Chain IDs of an image by image-spec config.md, base first; of schema 1 where other images know its layers."""
        manifest = self.manifest(digest)
        diff_ids = self.diff_ids(digest)
        if manifest.get("schemaVersion") == 1:
            known = {}
            for other in set().union(*self.revisions.values()):
                layers = [layer["digest"] for layer in self.manifest(other).get("layers") or []]
                known |= dict(zip(layers, self.diff_ids(other), strict=False))
            steps = zip(reversed(manifest["fsLayers"]), reversed(manifest["history"]), strict=True)
            blobs = [
                layer["blobSum"] for layer, said in steps if not json.loads(said["v1Compatibility"]).get("throwaway")
            ]
            diff_ids = [known[blob] for blob in blobs] if known.keys() >= set(blobs) else []
        chain = diff_ids[:1]
        for diff_id in diff_ids[1:]:
            chain.append("sha256:" + hashlib.sha256(f"{chain[-1]} {diff_id}".encode()).hexdigest())
        return chain


def plain_distribution(path: Path) -> PlainDistribution:
    files = below(members(path), "docker/registry/v2")
    plain = PlainDistribution({}, {}, {})
    for name, content in files.items():
        if content is None:
            continue
        if match := _BLOB.fullmatch(name):
            plain.blobs[f"sha256:{match[1]}"] = content
        elif match := _REVISION.fullmatch(name):
            plain.revisions.setdefault(match[1], set()).add(f"sha256:{match[2]}")
        elif match := _TAG.fullmatch(name):
            plain.tags[f"{match[1]}:{match[2]}"] = content.decode()
    return plain
