"""What the rows of `sizes` should be, worked out a second time: a storage's own files, JSON, sets of Python.

Nothing here uses regviz.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

Files = dict[str, bytes]
Reached = dict["tuple[str, str]", set[str]]

_V2_BLOB = re.compile(r"blobs/(sha\d+)/[0-9a-f]{2}/([0-9a-f]+)/data$")
_V2_TAG = re.compile(r"repositories/(.+)/_manifests/tags/([^/]+)/current/link$")
_V2_REVISION = re.compile(r"repositories/.+/_manifests/revisions/sha\d+/[0-9a-f]+/link$")
_V2_LINK = re.compile(r"repositories/.+/_(?:manifests/revisions|layers)/(sha512)/([0-9a-f]+)/link$")
_V1_LAYER = re.compile(r"images/([0-9a-f]+)/layer$")
_V1_TAG = re.compile(r"repositories/([^/]+/[^/]+)/tag_([^/]+)$")


@dataclass
class Truth:
    """Blobs with their bytes, and what each tag reaches; `named` has what is declared of blobs not there."""

    stored: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    tags: Reached = field(default_factory=dict)
    layers: set[str] = field(default_factory=set)

    @property
    def tagged_bytes(self) -> int:
        return self.bytes_of(set().union(*self.tags.values())) if self.tags else 0

    def bytes_of(self, blobs: set[str]) -> int:
        return sum(self.stored.get(blob, 0) for blob in blobs)

    def rows(self, groups: Mapping[Hashable, set[tuple[str, str]]]) -> dict[Hashable, dict[str, int]]:
        """The byte columns of rows that stand for sets of tags."""
        reached = {
            row: set().union(*(self.tags[tag] for tag in tags)) if tags else set() for row, tags in groups.items()
        }
        owners: dict[str, int] = defaultdict(int)
        for blobs in reached.values():
            for blob in blobs:
                owners[blob] += 1
        return {
            row: {
                "logical_bytes": sum(self.bytes_of(self.tags[tag]) for tag in groups[row]),
                "unique_bytes": self.bytes_of(blobs),
                "exclusive_bytes": self.bytes_of({blob for blob in blobs if owners[blob] == 1}),
                "shared_bytes": self.bytes_of({blob for blob in blobs if owners[blob] > 1}),
                "layer_bytes": self.bytes_of(blobs & self.layers),
                "absent_bytes": sum(self.named.get(blob, 0) for blob in blobs if blob not in self.stored),
            }
            for row, blobs in reached.items()
        }

    def shares(self, groups: Mapping[Hashable, set[tuple[str, str]]]) -> dict[Hashable, Fraction]:
        """The exact amortised bytes of rows that stand for sets of tags."""
        reached = {
            row: set().union(*(self.tags[tag] for tag in tags)) if tags else set() for row, tags in groups.items()
        }
        return {
            row: sum(
                (
                    Fraction(self.stored.get(blob, 0), sum(blob in other for other in reached.values()))
                    for blob in blobs
                ),
                Fraction(0),
            )
            for row, blobs in reached.items()
        }


def whole_shares(shares: Mapping[Hashable, Fraction]) -> dict[Hashable, int]:
    """Shares in whole bytes, by the largest remainder; of equal ones the first key's comes first."""
    whole = {row: int(share) for row, share in shares.items()}
    order = sorted(shares, key=lambda row: (-(shares[row] - whole[row]), row))
    for row in order[: int(sum(shares.values())) - sum(whole.values())]:
        whole[row] += 1
    return whole


def files_of(source: Path) -> Files:
    """The regular files of an archive or a folder."""
    if source.is_dir():
        return {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    found = {}
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                found[member.name] = content.read()
    return found


def truth_of(source: Path) -> Truth:
    """What is true of a storage, of either layout."""
    files = files_of(source)
    return _v2(files) if any(_V2_BLOB.search(path) for path in files) else _v1(files)


def _v1(files: Files) -> Truth:
    truth = Truth()
    for path, content in files.items():
        if match := _V1_LAYER.search(path):
            truth.stored[match[1]] = len(content)
            truth.layers.add(match[1])
    ancestry = {
        path.split("/")[-2]: json.loads(content) for path, content in files.items() if path.endswith("/ancestry")
    }
    for path, content in files.items():
        if match := _V1_TAG.search(path):
            truth.tags[unquote(match[1]), match[2]] = set(ancestry[content.decode()])
    return truth


def _v2(files: Files) -> Truth:
    truth = Truth()
    contents = {
        f"{match[1]}:{match[2]}": content for path, content in files.items() if (match := _V2_BLOB.search(path))
    }
    truth.stored = {digest: len(content) for digest, content in contents.items()}
    canonical = {f"{m[1]}:{m[2]}": content.decode() for path, content in files.items() if (m := _V2_LINK.search(path))}
    for path, content in files.items():
        if match := _V2_TAG.search(path):
            reached: set[str] = set()
            _follow(content.decode(), contents, canonical, reached, truth)
            truth.tags[match[1], match[2]] = reached
        elif _V2_REVISION.search(path):  # what an untagged image has as a layer is one wherever it is met
            _follow(content.decode(), contents, canonical, set(), truth)
    return truth


def _follow(
    digest: str, contents: Mapping[str, bytes], canonical: Mapping[str, str], reached: set[str], truth: Truth
) -> None:
    """Put a manifest's blobs, and those of everything it lists, into `reached`."""
    digest = canonical.get(digest, digest)
    reached.add(digest)
    is_document = contents.get(digest, b"")[:1] == b"{"  # an index may list layers, as BuildKit's caches do
    document: dict[str, Any] = json.loads(contents[digest]) if is_document else {}
    for layer, step in zip(document.get("fsLayers", []), document.get("history", []), strict=True):
        reached.add(layer["blobSum"])
        if not json.loads(step["v1Compatibility"]).get("throwaway"):
            truth.layers.add(layer["blobSum"])
    is_image = "image" in document.get("config", {}).get("mediaType", "") and not document.get("artifactType")
    for descriptor in [document["config"], *document["layers"]] if "config" in document else []:
        blob = canonical.get(descriptor["digest"], descriptor["digest"])
        reached.add(blob)
        truth.named[blob] = descriptor["size"]
        kind = descriptor["mediaType"]
        if is_image and ("image.layer" in kind or "image.rootfs" in kind):
            truth.layers.add(blob)
    for entry in document.get("manifests", []):
        truth.named[canonical.get(entry["digest"], entry["digest"])] = entry["size"]
        _follow(entry["digest"], contents, canonical, reached, truth)
