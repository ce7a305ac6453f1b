"""Who stands on what, worked out a second time: a storage's own files, JSON, tuples and sets of Python.

Nothing here uses regviz.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.analysis.oracle import _V1_LAYER, _V1_TAG, _V2_BLOB, _V2_LINK, _V2_TAG, files_of
from tests.helpers import MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST, SCHEMA2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Tag = tuple[str, str]

_IMAGE = ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json")
_REVISION = re.compile(r"repositories/(.+)/_manifests/revisions/(sha\d+)/([0-9a-f]+)/link$")
_MANIFEST = (SCHEMA2, MANIFEST_LIST, OCI_MANIFEST, OCI_INDEX)
_LAYER = ("application/vnd.docker.image.rootfs.", "application/vnd.oci.image.layer.")


@dataclass(frozen=True)
class Picture:
    """An image: the layers of its stack, as keys that say all that lies below, and the blob of each."""

    manifest: str
    keys: tuple[str, ...]
    blobs: tuple[str, ...]
    diff_ids: tuple[str | None, ...]
    positions: tuple[int, ...]
    documents: frozenset[str]
    said: tuple[str | None, ...] = ()
    platform: tuple[str | None, ...] = ()

    def stands_on(self, other: Picture) -> bool:
        """Whether the other's whole stack is the beginning of this one's, which has more."""
        return 0 < len(other.keys) < len(self.keys) and self.keys[: len(other.keys)] == other.keys


@dataclass
class Woods:
    """Images by their manifests, and those that each tag reaches; lengths of what is stored."""

    stored: dict[str, int] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    tags: dict[Tag, set[str]] = field(default_factory=dict)
    targets: dict[Tag, str] = field(default_factory=dict)
    """What each tag points to."""
    reached: dict[Tag, set[str]] = field(default_factory=dict)
    """All manifests that each tag reaches, of any kind."""
    owned: dict[str, set[str]] = field(default_factory=dict)
    """Blobs of each manifest, its own bytes with them."""
    served: dict[str, set[str]] = field(default_factory=dict)
    """Manifests that each repository serves: what its tags reach, and what it links."""

    def pairs(self) -> Iterator[tuple[Tag, Picture]]:
        for tag, manifests in self.tags.items():
            for manifest in manifests:
                yield tag, self.pictures[manifest]

    @property
    def tagged(self) -> set[Picture]:
        return {picture for _, picture in self.pairs()}

    def bytes_of(self, blobs: set[str]) -> int:
        return sum(self.stored.get(blob, 0) for blob in blobs)


def woods_of(source: Path) -> Woods:
    """The images of a storage, of either layout."""
    files = files_of(source)
    return _v2(files) if any(_V2_BLOB.search(path) for path in files) else _v1(files)


def _v1(files: dict[str, bytes]) -> Woods:
    woods = Woods()
    for path, content in files.items():
        if match := _V1_LAYER.search(path):
            woods.stored[f"v1:{match[1]}"] = len(content)
    for path, content in files.items():
        if path.endswith("/ancestry"):
            name = path.split("/")[-2]
            keys = tuple(reversed(json.loads(content)))
            blobs = tuple(f"v1:{key}" for key in keys)
            places = tuple(range(len(keys)))
            woods.pictures[name] = Picture(name, keys, blobs, (None,) * len(keys), places, frozenset())
            woods.owned[name] = set(blobs)
    for path, content in files.items():
        if match := _V1_TAG.search(path):
            tag = unquote(match[1]), match[2]
            woods.targets[tag] = content.decode()
            woods.tags[tag] = woods.reached[tag] = {content.decode()}
    return woods


def _v2(files: dict[str, bytes]) -> Woods:
    contents = {f"{m[1]}:{m[2]}": content for path, content in files.items() if (m := _V2_BLOB.search(path))}
    canonical = {f"{m[1]}:{m[2]}": content.decode() for path, content in files.items() if (m := _V2_LINK.search(path))}
    woods = Woods({digest: len(content) for digest, content in contents.items()})
    pending: list[str] = []
    for path in files:
        if match := _REVISION.search(path):
            digest = f"{match[2]}:{match[3]}"
            pending.append(canonical.get(digest, digest))
            woods.served.setdefault(match[1], set()).add(pending[-1])
    seen: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        if match := _V2_TAG.search(path):
            target = canonical.get(content.decode(), content.decode())
            woods.targets[match[1], match[2]] = target
            woods.reached[match[1], match[2]] = {target}
            pending.append(target)
    while pending:
        digest = pending.pop()
        if digest not in contents or digest in seen:
            continue
        seen[digest] = json.loads(contents[digest])
        pending += _children(seen[digest], canonical)
    configs = {digest: _config(document, contents, canonical) for digest, document in seen.items()}
    learned: dict[str, str] = {}
    for digest, document in seen.items():
        told = configs[digest].get("rootfs", {}).get("diff_ids", [])
        layers = document.get("layers", [])
        if _is_image(document) and len(told) == len(layers):
            blobs = [canonical.get(layer["digest"], layer["digest"]) for layer in layers]
            learned |= dict(zip(blobs, told, strict=True))
    for digest, document in seen.items():
        woods.owned[digest] = {digest} | {
            canonical.get(each["digest"], each["digest"])
            for each in [
                *([document["config"]] if "config" in document else []),
                *document.get("layers", []),
                *(entry for entry in document.get("manifests", []) if entry["mediaType"] not in _MANIFEST),
            ]
        }
        if "fsLayers" in document or _is_image(document):
            woods.pictures[digest] = _picture(digest, document, configs[digest], learned, canonical)
            woods.owned[digest] |= set(woods.pictures[digest].blobs)
        if "fsLayers" in document:
            woods.owned[digest] |= {layer["blobSum"] for layer in document["fsLayers"]}
    for tag, start in woods.reached.items():
        below = list(start)
        while below:
            document = seen.get(below.pop(), {})
            new = set(_children(document, canonical))
            below += new - woods.reached[tag]
            woods.reached[tag] |= new
        woods.served.setdefault(tag[0], set()).update(woods.reached[tag])
        woods.tags[tag] = {digest for digest in woods.reached[tag] if digest in woods.pictures}
    return woods


def _children(document: dict[str, Any], canonical: dict[str, str]) -> list[str]:
    """Manifests that an index lists; a cache of BuildKit lists layers."""
    listed = [entry for entry in document.get("manifests", []) if entry["mediaType"] in _MANIFEST]
    return [canonical.get(entry["digest"], entry["digest"]) for entry in listed]


def _config(document: dict[str, Any], contents: dict[str, bytes], canonical: dict[str, str]) -> dict[str, Any]:
    digest = document.get("config", {}).get("digest", "")
    if not _is_image(document) or canonical.get(digest, digest) not in contents:
        return {}
    read: dict[str, Any] = json.loads(contents[canonical.get(digest, digest)])
    return read


def _is_image(document: dict[str, Any]) -> bool:
    if document.get("config", {}).get("mediaType") not in _IMAGE or document.get("artifactType"):
        return False
    kinds = [layer["mediaType"] for layer in document.get("layers", [])]
    return all(kind.startswith(_LAYER) for kind in kinds)


def _picture(
    digest: str, document: dict[str, Any], config: dict[str, Any], learned: dict[str, str], canonical: dict[str, str]
) -> Picture:
    platform: tuple[str | None, ...] = tuple(config.get(name) for name in ("os", "architecture", "variant"))
    history = config.get("history") or []
    if "fsLayers" in document:
        steps = [json.loads(entry["v1Compatibility"]) for entry in document["history"]][::-1]
        layers = [layer["blobSum"] for layer in document["fsLayers"]][::-1]
        kept = [place for place, step in enumerate(steps) if not step.get("throwaway")]
        blobs = tuple(layers[place] for place in kept)
        said: list[str | None] = [
            " ".join((steps[place].get("container_config") or {}).get("Cmd") or []) or None for place in kept
        ]
        documents = frozenset({digest})
        platform = tuple(steps[-1].get(name) for name in ("os", "architecture", "variant"))
    else:
        blobs = tuple(canonical.get(layer["digest"], layer["digest"]) for layer in document["layers"])
        kept = list(range(len(blobs)))
        made = [entry.get("created_by") for entry in history if not entry.get("empty_layer")]
        said = made if len(made) == len(blobs) else [None] * len(blobs)
        config_digest = document["config"]["digest"]
        documents = frozenset({digest, canonical.get(config_digest, config_digest)})
    told = config.get("rootfs", {}).get("diff_ids", [])
    if len(told) != len(blobs):
        told = [learned.get(blob) for blob in blobs]
    elements = told if None not in told else list(blobs)
    keys: list[str] = []
    for element in elements:
        text = f"{keys[-1]} {element}" if keys else ""
        keys.append(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if text else element)
    return Picture(digest, tuple(keys), blobs, tuple(told), tuple(kept), documents, tuple(said), platform)
