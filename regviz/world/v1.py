"""The storage of a Docker Registry v1, as servers 0.6.5, 0.6.6 and 0.9.1 leave it after the same events.

Notes
-----
docker-registry 0.9.1: docker_registry/images.py, tags.py, index.py, lib/layers.py and lib/checksums.py;
paths: docker-registry-core 2.0.3, core/driver.py. Servers write their own JSON with Python 2.7, whose
dictionaries have no useful order: here ``_index_images`` is sorted by id.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from regviz.errors import RegvizError
from regviz.world.compress import GZIP_OF_EMPTY_TAR, GZIP_OF_NOTHING
from regviz.world.describe import Image
from regviz.world.encode import go_json
from regviz.world.events import AbortPush, Collect, DeleteTag, MakePrivate, Push
from regviz.world.v1_json import DOCKER_0_9, DOCKER_1_3, user_agent_fields, v1_images

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from regviz.world.describe import Layer
    from regviz.world.events import Event
    from regviz.world.filetree import FileTree
    from regviz.world.v1_json import Engine, V1Image

_ROW_TYPES = {tarfile.REGTYPE: "f", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "s", tarfile.LNKTYPE: "l"}


@dataclass(frozen=True)
class _Age:
    """What differs between servers, and the docker of their time.

    Attributes
    ----------
    engine : Engine
    empty_layer : bytes
        What that docker uploads for a step that changes no file.
    tag_json : bool
        Whether a tag has metadata of its own, ``tag<TAG>_json``, that is deleted with it.
    lists : bool
        ``_checksum`` is a list of the server's own sums and ``_files`` is made only when somebody asks;
        before, the client's sum stood there as bare text, and ``_files`` was made with the upload.
    quotings : int
        How often a name is quoted on its way to a path.
    """

    engine: Engine
    empty_layer: bytes
    tag_json: bool
    lists: bool
    quotings: int


_AGES = {
    "0.6.5": _Age(DOCKER_0_9, GZIP_OF_NOTHING, tag_json=False, lists=False, quotings=0),
    "0.6.6": _Age(DOCKER_0_9, GZIP_OF_NOTHING, tag_json=True, lists=False, quotings=0),
    "0.9.1": _Age(DOCKER_1_3, GZIP_OF_EMPTY_TAR, tag_json=True, lists=True, quotings=1),
}


class V1Writer:
    """Replays events into the storage of one registry.

    Parameters
    ----------
    tree : FileTree
    version : {"0.6.5", "0.6.6", "0.9.1"}
        Of the server; 0.6.6 is the article's.

    Raises
    ------
    RegvizError
        If the version is none of these.
    """

    def __init__(self, tree: FileTree, version: str) -> None:
        if version not in _AGES:
            message = f"no v1 server {version!r} can be imitated; there are {', '.join(_AGES)}"
            raise RegvizError(message)
        self._tree = tree
        self._age = _AGES[version]

    def apply(self, event: Event) -> None:
        """Change the storage as the server does when this happens.

        Raises
        ------
        RegvizError
            If v1 cannot hold it: an index, an artifact, a digest.
        """
        if isinstance(event, Push):
            self._push(event)
        elif isinstance(event, AbortPush):
            self._abort(event)
        elif isinstance(event, DeleteTag):
            self._delete_tag(event)
        elif isinstance(event, MakePrivate):
            self._tree.write(f"{self._repository(event.repository)}/_private", b"", event.at)
        elif isinstance(event, Collect):
            message = "v1 has no collector: images stay for ever; give the event layouts={'distribution'}"
            raise RegvizError(message)
        else:
            message = "v1 has no manifests to delete; give the event layouts={'distribution'}, or delete a tag"
            raise RegvizError(message)

    def _push(self, event: Push) -> None:
        if not isinstance(event.content, Image):
            message = (
                f"v1 stores images only, and {event.repository} gets an {type(event.content).__name__}: "
                "push one platform's image, or give the event layouts={'distribution'}"
            )
            raise RegvizError(message)
        chain = v1_images(event.content, self._age.engine)
        for image in chain:
            if not self._is_complete(image.id):
                self._store(image, event.at)
        for tag in event.tags:
            self._tag(event.repository, tag, chain[-1].id, event.at)
        self._list_images(event.repository, chain, event.at)

    def _store(self, image: V1Image, at: dt.datetime) -> None:
        layer = self._layer(image.layer)
        self._describe(image, at)
        self._write(image, "layer", layer, at)
        if self._age.lists:
            checksum = hashlib.sha256(image.json + b"\n" + layer).hexdigest()
            self._write(image, "_checksum", json.dumps([f"sha256:{checksum}"]).encode(), at)
        else:
            if not image.layer.empty:
                rows = [_file_row(member) for member, _ in image.layer.members()]
                self._write(image, "_files", json.dumps(rows).encode(), at)
            self._write(image, "_checksum", tarsum(image.json, image.layer.members()).encode(), at)
        self._tree.remove(f"images/{image.id}/_inprogress", at)

    def _describe(self, image: V1Image, at: dt.datetime) -> None:
        below = json.loads(self._tree[f"images/{image.parent}/ancestry"]) if image.parent else []
        self._write(image, "_inprogress", b"true", at)
        self._write(image, "json", image.json, at)
        self._write(image, "ancestry", json.dumps([image.id, *below]).encode(), at)

    def _write(self, image: V1Image, name: str, data: bytes, at: dt.datetime) -> None:
        self._tree.write(f"images/{image.id}/{name}", data, at)

    def _layer(self, layer: Layer) -> bytes:
        return self._age.empty_layer if layer.empty else layer.blob

    def _is_complete(self, image_id: str) -> bool:
        path = f"images/{image_id}"
        return path in self._tree and f"{path}/_inprogress" not in self._tree

    def _tag(self, repository: str, tag: str, image_id: str, at: dt.datetime) -> None:
        path = self._repository(repository)
        metadata = json.dumps(user_agent_fields(self._age.engine, at)).encode()
        self._tree.write(f"{path}/tag_{self._quoted(tag)}", image_id.encode(), at)
        if self._age.tag_json:
            self._tree.write(f"{path}/tag{self._quoted(tag)}_json", metadata, at)
        if tag == "latest":
            self._tree.write(f"{path}/json", metadata, at)

    def _list_images(self, repository: str, chain: list[V1Image], at: dt.datetime) -> None:
        """The union of all pushes, which never shrinks."""
        path = f"{self._repository(repository)}/_index_images"
        known = json.loads(self._tree[path]) if path in self._tree else []
        ids = {row["id"] for row in known} | {image.id for image in chain}
        self._tree.write(path, json.dumps([{"id": image_id} for image_id in sorted(ids)]).encode(), at)

    def _abort(self, event: AbortPush) -> None:
        """The client lists what it is going to push, and dies while a layer is on its way."""
        chain = v1_images(event.image, self._age.engine)
        index = f"{self._repository(event.repository)}/_index_images"
        if index in self._tree:
            self._list_images(event.repository, chain, event.at)
        else:  # the first push of a repository is stored as the client sent it
            rows = [{"id": image.id} for image in chain[:-1]] + [{"id": chain[-1].id, "Tag": event.tag}]
            self._tree.write(index, go_json(rows), event.at)
        arrived = 0
        for image in chain:
            if not image.layer.empty and arrived == event.layers:
                break
            arrived += not image.layer.empty
            if not self._is_complete(image.id):
                self._store(image, event.at)
        layer = self._layer(image.layer)
        if self._is_complete(image.id) or event.sent >= len(layer):
            message = f"layer {event.layers} cannot arrive in part: it is there, or not longer than {event.sent}"
            raise RegvizError(message)
        self._describe(image, event.at)
        if event.sent:
            self._write(image, "layer", layer[: event.sent], event.at)

    def _delete_tag(self, event: DeleteTag) -> None:
        path = self._repository(event.repository)
        tag = self._quoted(event.tag)
        if f"{path}/tag_{tag}" not in self._tree:
            message = f"{event.repository} has no tag {event.tag} that could be deleted"
            raise RegvizError(message)
        self._tree.remove(f"{path}/tag_{tag}", event.at)
        if self._age.tag_json:
            self._tree.remove(f"{path}/tag{tag}_json", event.at)
            if event.tag == "latest":
                self._tree.remove(f"{path}/json", event.at)

    def _repository(self, name: str) -> str:
        namespace, slash, rest = name.partition("/")
        if not slash:
            namespace, rest = "library", name
        return f"repositories/{self._quoted(namespace)}/{self._quoted(quote_plus(rest))}"

    def _quoted(self, name: str) -> str:
        for _ in range(self._age.quotings):
            name = quote_plus(name)
        return name


def tarsum(image_json: bytes, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> str:
    """The sum docker 0.9 made of an image's JSON and its layer, whatever the order of the layer's files.

    Parameters
    ----------
    image_json : bytes
    members : iterable of (tarfile.TarInfo, bytes)
        The headers and contents of the layer's tar.

    Notes
    -----
    moby v0.9.0, utils/tarsum.go: one SHA-256 for each entry, over the fields of its header and its content;
    then one over the JSON and all of these, sorted.
    """
    sums = []
    for member, content in members:
        name = f"{member.name}/" if member.isdir() else member.name
        header = (
            f"name{name}mode{member.mode}uid{member.uid}gid{member.gid}size{member.size}mtime{member.mtime:.0f}"
            f"typeflag{member.type.decode()}linkname{member.linkname}uname{member.uname}gname{member.gname}"
            f"devmajor{member.devmajor}devminor{member.devminor}"
        )
        sums.append(hashlib.sha256(header.encode() + content).hexdigest())
    return f"tarsum+sha256:{hashlib.sha256(image_json + ''.join(sorted(sums)).encode()).hexdigest()}"


def _file_row(member: tarfile.TarInfo) -> list[str | int | bool]:
    """A row of the server's listing of a layer: name, type, deleted, size, mtime, mode, uid, gid."""
    kind = _ROW_TYPES[member.type]
    deleted = False  # true only of names that start with "./.wh.", which docker does not write
    return [member.name, kind, deleted, member.size, int(member.mtime), member.mode, member.uid, member.gid]
