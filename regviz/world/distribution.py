"""The storage of a Distribution registry, as server 2.8 leaves it after the same events.

Notes
-----
Paths: distribution v2.8.3, registry/storage/paths.go. A blob that is there already is not written again; a
link that is there already is not pushed again; a deleted manifest leaves its empty directory, its blobs and
its layer links.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.world.collecting import collect
from regviz.world.documents import document
from regviz.world.encode import digest, go_time
from regviz.world.events import AbortPush, Collect, DeleteManifest, DeleteTag, Push

if TYPE_CHECKING:
    import datetime as dt

    from regviz.world.documents import Document, Upload
    from regviz.world.events import Event
    from regviz.world.filetree import FileTree

ROOT = "docker/registry/v2"
_VERSIONS = ("2.8", "3")

# The state of Go's SHA-256 before its first byte, which the server saves when an upload starts: FIPS 180-4,
# section 5.3.3.
_SHA256_START = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
_HASH_STATE_AT_0 = b"sha\x03" + struct.pack(">8I64xQ", *_SHA256_START, 0)


def _path(algorithm_and_hex: str) -> str:
    return algorithm_and_hex.replace(":", "/", 1)


class DistributionWriter:
    """Replays events into the storage of one registry.

    Parameters
    ----------
    tree : FileTree
    version : {"2.8", "3"}
        Of the server: 2.8 refuses to delete a tag, 3 removes it.

    Raises
    ------
    RegvizError
        If the version is none of these.
    """

    def __init__(self, tree: FileTree, version: str) -> None:
        if version not in _VERSIONS:
            message = f"no Distribution server {version!r} can be imitated; there are {', '.join(_VERSIONS)}"
            raise RegvizError(message)
        self._tree = tree
        self._version = version

    def apply(self, event: Event) -> None:
        """Change the storage as the server does when this happens.

        Raises
        ------
        RegvizError
            If a server would have refused, or knows no such thing.
        """
        if isinstance(event, Push):
            self._push(event)
        elif isinstance(event, AbortPush):
            self._abort(event)
        elif isinstance(event, DeleteTag):
            self._delete_tag(event)
        elif isinstance(event, DeleteManifest):
            self._delete_manifest(event)
        elif isinstance(event, Collect):
            self._collect(event)
        else:
            message = f"a Distribution registry knows no {type(event).__name__}; give the event layouts={{'v1'}}"
            raise RegvizError(message)

    def _push(self, event: Push) -> None:
        for tag in event.tags or ("",):
            pushed = document(event.content, event.repository, tag)
            self._manifest(event.repository, pushed, event.at, event.mount_from)
            if tag:
                path = f"{self._tags(event.repository)}/{tag}"
                self._link(f"{path}/index/{_path(pushed.digest)}", pushed.digest, event.at)
                self._link(f"{path}/current", pushed.digest, event.at)

    def _manifest(self, repository: str, pushed: Document, at: dt.datetime, mount_from: str) -> None:
        for child in pushed.children:
            self._manifest(repository, child, at, mount_from)
        for upload in pushed.uploads:
            self._blob(repository, upload, at, mount_from)
        self._store(pushed.data, at)
        self._link(self._revision(repository, pushed.digest), pushed.digest, at)

    def _blob(self, repository: str, upload: Upload, at: dt.datetime, mount_from: str = "") -> None:
        layer = self._layer(repository, upload.digest)
        if upload.data is None or f"{layer}/link" in self._tree:
            return
        stored = digest(upload.data)
        mounted = mount_from and upload.digest == stored and f"{self._layer(mount_from, stored)}/link" in self._tree
        if not mounted:
            uploads = f"{self._repository(repository)}/_uploads"
            self._tree.make_directory(uploads, at)
            self._store(upload.data, at)
            self._link(self._layer(repository, stored), stored, at)
        # A digest of another algorithm links to the sha256 under which the data lies.
        self._link(layer, stored, at)

    def _abort(self, event: AbortPush) -> None:
        """What stays when the server dies too, before it can save the state of its hash again."""
        uploads = [upload for upload in document(event.image, event.repository, event.tag).uploads if upload.data]
        arriving = b"".join(upload.data or b"" for upload in uploads[event.layers : event.layers + 1])
        if event.sent >= len(arriving):
            message = f"upload {event.layers} has {len(arriving)} bytes, and sent={event.sent} is no part of it"
            raise RegvizError(message)
        for upload in uploads[: event.layers]:
            self._blob(event.repository, upload, event.at)
        seed = f"{event.repository} {event.at.isoformat()}".encode()
        name = uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4)
        path = f"{self._repository(event.repository)}/_uploads/{name}"
        self._tree.write(f"{path}/data", arriving[: event.sent], event.at)
        self._tree.write(f"{path}/hashstates/sha256/0", _HASH_STATE_AT_0, event.at)
        self._tree.write(f"{path}/startedat", go_time(event.at.replace(microsecond=0)).encode(), event.at)

    def _delete_tag(self, event: DeleteTag) -> None:
        path = f"{self._tags(event.repository)}/{event.tag}"
        if self._version == "2.8":
            message = f"server 2.8 cannot delete the tag {event.tag}: delete its manifest, or write as server='3'"
            raise RegvizError(message)
        self._must_exist(path, event)
        self._tree.remove(path, event.at)

    def _delete_manifest(self, event: DeleteManifest) -> None:
        gone = document(event.content, event.repository, event.tag).digest
        link = f"{self._revision(event.repository, gone)}/link"
        self._must_exist(link, event)
        self._tree.remove(link, event.at)
        tags = self._tags(event.repository)
        for tag in self._tree.children(tags):
            if self._tree[f"{tags}/{tag}/current/link"] == gone.encode():
                self._tree.remove(f"{tags}/{tag}", event.at)

    def _collect(self, event: Collect) -> None:
        if self._version != "2.8":
            message = f"the collector of server {self._version} cannot be imitated; write as server='2.8'"
            raise RegvizError(message)
        collect(self._tree, ROOT, event.at, delete_untagged=event.delete_untagged)

    def _must_exist(self, path: str, event: DeleteTag | DeleteManifest) -> None:
        if path not in self._tree:
            message = f"{event.repository} has no {path} that {type(event).__name__} could delete"
            raise RegvizError(message)

    def _store(self, data: bytes, at: dt.datetime) -> None:
        algorithm, name = digest(data).split(":")
        path = f"{ROOT}/blobs/{algorithm}/{name[:2]}/{name}/data"
        if path not in self._tree:
            self._tree.write(path, data, at)

    def _link(self, directory: str, target: str, at: dt.datetime) -> None:
        self._tree.write(f"{directory}/link", target.encode(), at)

    def _repository(self, name: str) -> str:
        return f"{ROOT}/repositories/{name}"

    def _layer(self, repository: str, blob: str) -> str:
        return f"{self._repository(repository)}/_layers/{_path(blob)}"

    def _revision(self, repository: str, manifest: str) -> str:
        return f"{self._repository(repository)}/_manifests/revisions/{_path(manifest)}"

    def _tags(self, repository: str) -> str:
        return f"{self._repository(repository)}/_manifests/tags"
