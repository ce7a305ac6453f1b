"""The same events told to real servers over HTTP: what the writers must leave is what these leave."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from typing import TYPE_CHECKING

from regviz.world import AbortPush, Collect, DeleteManifest, DeleteTag, Image, MakePrivate, Push, document
from regviz.world.compress import GZIP_OF_EMPTY_TAR
from regviz.world.v1_json import DOCKER_1_3, v1_images
from tests.real.distribution import SCHEMA_1_SIGNED
from tests.real.service import request

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.world import FileTree
    from regviz.world.documents import Document, Upload
    from regviz.world.events import Event
    from regviz.world.v1_json import V1Image
    from tests.real.distribution import DistributionServer
    from tests.real.v1_server import V1Server

OK, CREATED, ACCEPTED, NO_CONTENT, NOT_FOUND = 200, 201, 202, 204, 404
UUID = re.compile(r"_uploads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STARTED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def left_by(root: Path) -> dict[str, bytes | None]:
    """What a server left: every file's bytes by path, and None for every directory."""
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def written_in(tree: FileTree) -> dict[str, bytes | None]:
    """The same of what a writer wrote."""
    return {path: tree[path] for path in tree} | dict.fromkeys(tree.directories)


def unequal(left: dict[str, bytes | None], written: dict[str, bytes | None]) -> dict[str, str]:
    """The paths that differ, with what is there; uploads lose their random name, and when they started."""
    left, written = _nameless(left), _nameless(written)
    found = {}
    for path in sorted(left.keys() | written.keys()):
        if path not in left or path not in written:
            found[path] = "only left by the server" if path in left else "only written"
        elif left[path] != written[path]:
            found[path] = f"{(left[path] or b'')[:400]!r} != {(written[path] or b'')[:400]!r}"
    return found


def _nameless(files: dict[str, bytes | None]) -> dict[str, bytes | None]:
    named = {UUID.sub("_uploads/UUID", path): content for path, content in files.items()}
    return {
        path: b"a time" if content and path.endswith("/startedat") and STARTED.fullmatch(content) else content
        for path, content in named.items()
    }


# --------------------------------------------------------------------------------------------- Distribution


def tell_distribution(server: DistributionServer, event: Event, signer: DistributionServer) -> None:
    """Do to a Distribution server what the event says.

    A schema 1 manifest must come signed: the signer is a server that has it, and signs what it serves.
    """
    if isinstance(event, Push):
        for tag in event.tags or ("",):
            pushed = document(event.content, event.repository, tag)
            signed = signer.manifest(event.repository, tag).body if pushed.media_type == SCHEMA_1_SIGNED else b""
            _put_document(server, event, pushed, tag, signed)
    elif isinstance(event, AbortPush):
        _abort_upload(server, event)
    elif isinstance(event, DeleteManifest):
        gone = document(event.content, event.repository, event.tag)
        server.delete_manifest(event.repository, gone.digest)
    elif isinstance(event, Collect):
        options = ["--delete-untagged"] if event.delete_untagged else []
        command = ["docker-registry", "garbage-collect", *options, str(server.config)]
        subprocess.run(command, check=True, capture_output=True)
    else:
        raise TypeError(event)


def _put_document(
    server: DistributionServer, event: Push, pushed: Document, tag: str = "", signed: bytes = b""
) -> None:
    for child in pushed.children:
        _put_document(server, event, child)
    for upload in pushed.uploads:
        _put_blob(server, event.repository, upload, event.mount_from)
    path = f"{event.repository}/manifests/{tag or pushed.digest}"
    body = signed or pushed.data
    answer = server.request("PUT", path, body, expect=CREATED, Content_Type=pushed.media_type)
    assert answer.header("Docker-Content-Digest") == pushed.digest


def _put_blob(server: DistributionServer, repository: str, upload: Upload, mount: str) -> None:
    if upload.data is None:
        return
    head = request(server.port, "HEAD", f"/v2/{repository}/blobs/{upload.digest}")
    if head.status == OK:
        return
    if mount and request(server.port, "HEAD", f"/v2/{mount}/blobs/{upload.digest}").status == OK:
        server.mount_blob(repository, upload.digest, mount)
        return
    server.put_blob(repository, upload.data, upload.digest.split(":")[0])


def _abort_upload(server: DistributionServer, event: AbortPush) -> None:
    """Only as far as the upload's start."""
    uploads = document(event.image).uploads
    for upload in uploads[: event.layers]:
        _put_blob(server, event.repository, upload, "")
    server.request("POST", f"{event.repository}/blobs/uploads/", expect=ACCEPTED)


# ------------------------------------------------------------------------------------------------------- v1


def tell_v1(server: V1Server, event: Event) -> None:
    """Do to a v1 server 0.9.1 what the event says, as docker 1.3 does it."""
    if isinstance(event, Collect):
        raise TypeError(event)  # there is no such thing
    name = event.repository
    if isinstance(event, Push):
        assert isinstance(event.content, Image)
        chain = v1_images(event.content, DOCKER_1_3)
        tagged = [{"id": chain[-1].id, "Tag": tag} for tag in event.tags]
        _put(server, f"repositories/{name}/", json.dumps([{"id": image.id} for image in chain] + tagged))
        for image in chain:
            if server.request("GET", f"images/{image.id}/json").status == NOT_FOUND:
                _put_image(server, image)
        for tag in event.tags:
            _put(server, f"repositories/{name}/tags/{tag}", json.dumps(chain[-1].id))
        _put(server, f"repositories/{name}/images", "[]", expect=NO_CONTENT)
    elif isinstance(event, AbortPush):
        _abort_v1(server, event)
    elif isinstance(event, DeleteTag):
        assert server.request("DELETE", f"repositories/{name}/tags/{event.tag}").status == OK
    elif isinstance(event, MakePrivate):
        _put(server, f"repositories/{name}/properties", '{"access": "private"}')
    else:
        raise TypeError(event)


def _put_image(server: V1Server, image: V1Image) -> None:
    layer = _layer(image)
    _put(server, f"images/{image.id}/json", image.json)
    _put(server, f"images/{image.id}/layer", layer)
    checksum = "sha256:" + hashlib.sha256(image.json + b"\n" + layer).hexdigest()
    _put(server, f"images/{image.id}/checksum", b"", X_Docker_Checksum_Payload=checksum)


def _layer(image: V1Image) -> bytes:
    return GZIP_OF_EMPTY_TAR if image.layer.empty else image.layer.blob


def _abort_v1(server: V1Server, event: AbortPush) -> None:
    """As far as the JSON of the image whose layer does not come."""
    chain = v1_images(event.image, DOCKER_1_3)
    rows = [{"id": image.id} for image in chain[:-1]] + [{"id": chain[-1].id, "Tag": event.tag}]
    _put(server, f"repositories/{event.repository}/", json.dumps(rows, separators=(",", ":")))
    arrived = 0
    for image in chain:
        if not image.layer.empty and arrived == event.layers:
            _put(server, f"images/{image.id}/json", image.json)
            return
        arrived += not image.layer.empty
        if server.request("GET", f"images/{image.id}/json").status == NOT_FOUND:
            _put_image(server, image)


def _put(server: V1Server, path: str, body: str | bytes, *, expect: int = OK, **headers: str) -> None:
    docker = DOCKER_1_3
    agent = f"docker/{docker.version} go/{docker.go_version} kernel/{docker.kernel} os/linux arch/amd64"
    data = body.encode() if isinstance(body, str) else body
    answer = server.request("PUT", path, data, User_Agent=agent, **headers)
    assert answer.status == expect, f"PUT {path}: {answer.status} {answer.body[:300]!r}"
