"""Distribution 2.8, the real registry: started on a folder, spoken to by its API, asked for its garbage."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.real.service import LOOPBACK, Answer, request, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA_1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+json"
ACCEPT_ALL = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}, {SCHEMA_1_SIGNED}, {SCHEMA_1}"

EMPTY_LAYER = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
"""A gzip of 1024 zero bytes: what schema 1 has for a step without a layer."""

OK, CREATED, ACCEPTED, NOT_FOUND = 200, 201, 202, 404

_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: "{root}"}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:0", secret: only-for-this-test}}
compatibility: {{schema1: {{enabled: true}}}}
validation: {{manifests: {{urls: {{allow: ["^https://vendor[.]example/"]}}}}}}
"""


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class ServedManifest:
    """A manifest as the API answers it."""

    digest: str
    media_type: str
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def stored(self) -> bytes:
        """The bytes that have the digest: schema 1 is stored without the signatures it is served with.

        What was signed is the first `formatLength` bytes and `formatTail`, both in the protected header
        (JSON Web Signature, as libtrust writes it).
        """
        if self.media_type != SCHEMA_1_SIGNED:
            return self.body
        protected = json.loads(_base64url(self.document["signatures"][0]["protected"]))
        return self.body[: protected["formatLength"]] + _base64url(protected["formatTail"])


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class GarbageCollection:
    """What `garbage-collect --dry-run` prints: what each repository keeps, and what would go."""

    marked_manifests: frozenset[tuple[str, str]]
    marked_blobs: frozenset[str]
    eligible_blobs: frozenset[str]
    eligible_manifests: frozenset[str]


def gc_dry_run(config: Path, *, delete_untagged: bool = False) -> GarbageCollection:
    """Ask Distribution's own collector what it would do to the storage that a configuration names."""
    options = ["--dry-run", *(["-m"] if delete_untagged else [])]
    command = ["docker-registry", "garbage-collect", *options, str(config)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    marked = re.findall(r"^(\S+): marking (manifest|blob) (\S+) ?$", printed, re.MULTILINE)
    eligible = re.findall(r"^(manifest|blob) eligible for deletion: (\S+)$", printed, re.MULTILINE)
    counted = re.search(r"(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion", printed)
    assert counted, printed
    manifests = {(repository, digest) for repository, kind, digest in marked if kind == "manifest"}
    result = GarbageCollection(
        frozenset(manifests),
        frozenset(digest for _, _, digest in marked),
        frozenset(digest for kind, digest in eligible if kind == "blob"),
        frozenset(digest for kind, digest in eligible if kind == "manifest"),
    )
    assert len(result.marked_blobs) == int(counted[1]), printed
    assert len(result.eligible_blobs) == int(counted[2]), printed
    return result


@dataclass(frozen=True, slots=True)
class DistributionServer:
    """A running server and the folder it stores in."""

    port: int
    root: Path
    config: Path

    @property
    def url(self) -> str:
        """Host and port, as they stand in a reference."""
        return f"{LOOPBACK}:{self.port}"

    def reference(self, repository: str, name: str) -> str:
        """`docker://…`, as skopeo and buildah take it; the name is a tag or a digest."""
        return f"docker://{self.url}/{repository}{'@' if ':' in name else ':'}{name}"

    def request(self, method: str, path: str, body: bytes | None = None, *, expect: int = OK, **headers: str) -> Answer:
        """A request below /v2/ that must be answered with the expected status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = request(self.port, method, "/v2/" + path, body, named)
        assert answer.status == expect, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer

    def catalog(self) -> list[str]:
        return self.request("GET", "_catalog?n=1000").json()["repositories"]

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none where the server says null (all deleted) or 404 (never any)."""
        answer = request(self.port, "GET", f"/v2/{repository}/tags/list")
        assert answer.status in {OK, NOT_FOUND}, answer
        return (answer.json().get("tags") or []) if answer.status == OK else []

    def manifest(self, repository: str, reference: str) -> ServedManifest:
        answer = self.request("GET", f"{repository}/manifests/{reference}", Accept=ACCEPT_ALL)
        digest, media_type = answer.header("Docker-Content-Digest"), answer.header("Content-Type")
        return ServedManifest(digest, media_type, answer.body)

    def put_manifest(self, repository: str, tag: str, media_type: str, document: Any) -> str:
        """Push a manifest and return its digest; without a tag it is pushed by that digest."""
        body = json.dumps(document).encode()
        reference = tag or sha256(body)
        answer = self.request(
            "PUT", f"{repository}/manifests/{reference}", body, expect=CREATED, Content_Type=media_type
        )
        return answer.header("Docker-Content-Digest")

    def put_blob(self, repository: str, data: bytes, algorithm: str = "sha256") -> str:
        """Push a blob under a digest of that algorithm, and return the digest."""
        digest = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        begun = self.request("POST", f"{repository}/blobs/uploads/", expect=ACCEPTED)
        path, octets = f"{self._upload_location(begun)}&digest={digest}", "application/octet-stream"
        self.request("PUT", path, data, expect=CREATED, Content_Type=octets)
        return digest

    def leave_upload(self, repository: str, data: bytes) -> str:
        """Begin an upload, send data, never finish; the upload's identifier."""
        begun = self.request("POST", f"{repository}/blobs/uploads/", expect=ACCEPTED)
        self.request("PATCH", self._upload_location(begun), data, expect=ACCEPTED)
        return begun.header("Docker-Upload-UUID")

    def mount_blob(self, repository: str, digest: str, source: str) -> None:
        """Link a blob of another repository without sending it."""
        self.request("POST", f"{repository}/blobs/uploads/?mount={digest}&from={source}", expect=CREATED)

    def delete_manifest(self, repository: str, digest: str) -> None:
        self.request("DELETE", f"{repository}/manifests/{digest}", expect=ACCEPTED)

    @staticmethod
    def _upload_location(answer: Answer) -> str:
        return answer.header("Location").partition("/v2/")[2]


@contextmanager
def distribution(program: str, folder: Path) -> Iterator[DistributionServer]:
    """A server on an empty storage in the folder."""
    root, config = folder / "registry", folder / "config.yml"
    root.mkdir()
    config.write_text(_CONFIG.format(root=root))
    command, listening = [program, "serve", str(config)], rf"listening on {re.escape(LOOPBACK)}:(\d+)"
    with running(command, folder / "server.log", listening=listening, env=os.environ) as port:
        yield DistributionServer(port, root, config)
