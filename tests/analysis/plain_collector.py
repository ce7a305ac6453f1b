"""Distribution's garbage collectors once more, one step after the other, on the files of a storage: an oracle.

Written from what the collectors do (garbagecollect.go, linkedblobstore.go, manifeststore.go of 2.8 and 3.x), with a set of
marks and no array. Nothing here uses regviz.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
KNOWN = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
}
LARGEST = 4 << 20


class Stop(Exception):  # noqa: N818  # what a collector does, no error of ours
    """It goes no further."""


@dataclass
class PlainCollector:
    """One run on the ``v2`` directory of a storage.

    Attributes
    ----------
    stops, sweeping : bool
        Whether it stops, and whether all was marked by then.
    blobs : set of str
    dropped : list of (str, str)
        Manifests that ``-m`` passes over, each as often as a link leads to it.
    manifests : set of (str, str)
    links : list of (str, str)
        What it deletes.
    """

    v2: Path
    old: bool
    drops_untagged: bool
    stops: bool = False
    sweeping: bool = False
    blobs: set[str] = field(default_factory=set)
    manifests: set[tuple[str, str]] = field(default_factory=set)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    marked: set[str] = field(default_factory=set)

    def run(self) -> PlainCollector:
        try:
            for name in [*self.repositories(self.v2 / "repositories", "")]:
                self.repository(name)
            self.sweeping = True
            if not self.old:
                self.manifests = {link for link in self.manifests if link[1] not in self.marked}
            self.blobs = {digest for digest in self.stored() if digest not in self.marked}
        except Stop:
            self.stops, self.links = True, []
            if not self.sweeping:
                self.manifests = set()
        return self

    def repositories(self, directory: Path, name: str) -> Iterator[str]:
        for child in sorted(path.name for path in directory.iterdir()):
            if child == ("_layers" if self.old else "_manifests"):
                yield name
            elif not child.startswith("_") and (directory / child).is_dir():
                yield from self.repositories(directory / child, f"{name}/{child}".lstrip("/"))

    def repository(self, name: str) -> None:
        if NAME.fullmatch(name) is None:
            raise Stop
        if (self.v2 / f"repositories/{name}/_manifests/revisions").is_dir():
            for digest in self.linked(name, "_manifests/revisions"):
                self.manifest(name, digest)
        if not self.old:
            if not (self.v2 / f"repositories/{name}/_layers").is_dir():
                raise Stop
            self.links += [(name, digest) for digest in self.linked(name, "_layers") if digest not in self.marked]

    def linked(self, name: str, part: str) -> Iterator[str]:
        """Digests that links hold, of those that the repository has, one by one."""
        for path in sorted((self.v2 / f"repositories/{name}/{part}").rglob("link"), key=lambda path: path.parts):
            held = self.read_link(path)
            if held is not None and self.target(name, part, held) is not None:
                yield held

    def read_link(self, path: Path) -> str | None:
        if not path.is_file():
            return None
        text = path.read_bytes().decode("latin-1")
        if DIGEST.fullmatch(text) is None:
            raise Stop
        return text

    def target(self, name: str, part: str, digest: str) -> str | None:
        """What a digest's own link leads to, if that is stored."""
        held = self.read_link(self.v2 / f"repositories/{name}/{part}/{digest.replace(':', '/')}/link")
        return held if held is not None and self.data(held).is_file() else None

    def data(self, digest: str) -> Path:
        algorithm, encoded = digest.split(":")
        return self.v2 / f"blobs/{algorithm}/{encoded[:2]}/{encoded}/data"

    def manifest(self, name: str, digest: str) -> None:
        if self.drops_untagged:
            tags = self.v2 / f"repositories/{name}/_manifests/tags"
            current = [self.read_link(tag / "current/link") for tag in sorted(tags.iterdir())] if tags.is_dir() else []
            if digest not in current:
                if tags.is_dir():
                    self.manifests.add((name, digest))
                    self.dropped.append((name, digest))
                elif self.old:
                    raise Stop
                return
        self.marked.add(digest)
        self.references(name, digest)

    def references(self, name: str, digest: str) -> None:
        for listed in self.lists(name, digest):
            if self.old:
                self.marked.add(listed)
            elif listed not in self.marked:
                self.marked.add(listed)
                if DIGEST.fullmatch(listed) and self.target(name, "_manifests/revisions", listed) is not None:
                    self.references(name, listed)

    def lists(self, name: str, digest: str) -> list[str]:
        """Digests as a manifest writes them; a subject is none of its references."""
        target = self.target(name, "_manifests/revisions", digest)
        assert target is not None
        data = self.data(target).read_bytes()
        try:
            document: Any = json.loads(data) if len(data) <= LARGEST else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Stop
        version, media_type = document.get("schemaVersion"), document.get("mediaType", "")
        if version == 1 and self.old:
            return [layer["blobSum"] for layer in document["fsLayers"]]
        if version != 2 or media_type not in KNOWN | {""}:
            raise Stop
        if "manifests" in document:
            return [entry["digest"] for entry in document["manifests"]]
        return [entry["digest"] for entry in (document.get("config", {"digest": ""}), *document["layers"])]

    def stored(self) -> Iterator[str]:
        for path in sorted((self.v2 / "blobs").rglob("data")):
            algorithm, prefix, encoded = path.parts[-4:-1]
            digest = f"{algorithm}:{encoded}"
            if prefix != encoded[:2] or DIGEST.fullmatch(digest) is None:
                raise Stop
            yield digest
