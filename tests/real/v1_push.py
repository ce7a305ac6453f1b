"""A push by the v1 protocol, as docker 1.x did it: nothing else that can be installed today speaks it any more.

It fills the server that readers are tested with, which must owe nothing to regviz's own client, and breaks off in the
middle where that client never would.

The order is the protocol's: the repository announces its images, then each image comes, base first, as json,
layer and checksum, then the tags, then the images once more (docker-registry 0.9.1, index.py and images.py).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.real.images import tar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.real.service import Answer
    from tests.real.v1_server import V1Server

USER_AGENT = "docker/1.3.3 go/go1.3.3 git-commit/d344625 kernel/3.16.0 os/linux arch/amd64"
NO_CHANGE = bytes.fromhex("1f8b080000096e8800ff010000ffff0000000000000000")
"""What docker sent for a step that changes no file: a gzip of nothing."""

OK, NO_CONTENT, NOT_FOUND = 200, 204, 404


@dataclass(frozen=True, slots=True)
class V1Image:
    """One image of the v1 model: one step of a build, with the image it stands on."""

    id: str
    parent: str
    created: str
    command: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **({"parent": self.parent} if self.parent else {}),
            "created": self.created,
            "container_config": {"Cmd": list(self.command)},
            "docker_version": "1.3.3",
            "author": "A. Person <person@example.org>",
            "config": {"Cmd": ["/bin/sh"]},
            "architecture": "amd64",
            "os": "linux",
            "Size": self.size,
        }

    @property
    def json(self) -> bytes:
        return json.dumps(self.document, separators=(",", ":")).encode()

    @property
    def size(self) -> int:
        """Bytes of the files, uncompressed, as the engine counted them."""
        return sum(len(text.encode()) for text in self.files.values())

    @property
    def layer(self) -> bytes:
        """The layer as it is sent."""
        return gzip.compress(tar(self.files), mtime=0) if self.files else NO_CHANGE


def push(server: V1Server, repository: str, tags: Mapping[str, str], images: Sequence[V1Image]) -> None:
    """Push images, each after its parent, and name some of them by tags."""
    announced = [{"id": image.id} for image in images]
    tagged = [{"id": image, "Tag": tag} for tag, image in tags.items()]
    _send(server, f"repositories/{repository}/", announced + tagged, X_Docker_Token="true")  # noqa: S106  asks for a token
    for image in images:
        if server.request("GET", f"images/{image.id}/json").status == NOT_FOUND:
            push_json(server, image)
            push_layer(server, image)
            push_checksum(server, image)
    for tag, identifier in tags.items():
        _send(server, f"repositories/{repository}/tags/{tag}", identifier)
    _send(server, f"repositories/{repository}/images", announced, expect=NO_CONTENT)


def push_json(server: V1Server, image: V1Image) -> None:
    """The first of three requests that make an image; until the third it is in progress."""
    _put(server, f"images/{image.id}/json", image.json, Content_Type="application/json")


def push_layer(server: V1Server, image: V1Image) -> None:
    _put(server, f"images/{image.id}/layer", image.layer, Content_Type="application/octet-stream")


def push_checksum(server: V1Server, image: V1Image) -> None:
    payload = hashlib.sha256(image.json + b"\n" + image.layer).hexdigest()
    _put(server, f"images/{image.id}/checksum", b"", X_Docker_Checksum_Payload=f"sha256:{payload}")


def _send(server: V1Server, path: str, document: Any, *, expect: int = OK, **headers: str) -> None:
    body = json.dumps(document).encode()
    _put(server, path, body, expect=expect, Content_Type="application/json", **headers)


def _put(server: V1Server, path: str, body: bytes, *, expect: int = OK, **headers: str) -> Answer:
    answer = server.request("PUT", path, body, User_Agent=USER_AGENT, **headers)
    assert answer.status == expect, f"PUT {path}: {answer.status} {answer.body[:300]!r}"
    return answer
