"""The storage of a Docker Registry v1, as servers 0.6.5, 0.6.6 and 0.9.1 leave it after the same events.

Notes
-----
docker-registry 0.9.1: docker_registry/images.py, tags.py, index.py, lib/layers.py and lib/checksums.py;
paths: docker-registry-core 2.0.3, core/driver.py. Servers write their own JSON with Python 2.7, whose
dictionaries have no useful order: here ``_index_images`` is sorted by id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote_plus

from regviz.errors import RegvizError
from regviz.world.compress import GZIP_OF_EMPTY_TAR, GZIP_OF_NOTHING
from regviz.world.describe import Image
from regviz.world.encode import go_json
from regviz.world.events import AbortPush, Collect, DeleteTag, MakePrivate, Push
from regviz.world.v1_json import DOCKER_0_9, DOCKER_1_3, user_agent_fields, v1_images
from regviz.world.v1_upload import Upload, announced, file_rows, payload_sum, tarsum

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from regviz.world.events import Event
    from regviz.world.v1_json import Engine, V1Image

    class Tree(Protocol):
        """Files by path: what a writer needs of a :class:`~regviz.world.FileTree`, or of a folder on a disk."""

        def __contains__(self, path: str, /) -> bool: ...

        def __getitem__(self, path: str, /) -> bytes: ...

        def write(self, path: str, data: bytes, at: dt.datetime, /) -> None:
            """Create or overwrite a file."""

        def write_stream(self, path: str, pieces: Iterable[bytes], at: dt.datetime, /) -> None:
            """The same of a file whose content comes in pieces."""

        def remove(self, path: str, at: dt.datetime, /) -> None:
            """Remove a file, if it is there."""


Row = TypeVar("Row", str, dict[str, Any])


@dataclass(frozen=True)
class Age:
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


AGES = {
    "0.6.5": Age(DOCKER_0_9, GZIP_OF_NOTHING, tag_json=False, lists=False, quotings=0),
    "0.6.6": Age(DOCKER_0_9, GZIP_OF_NOTHING, tag_json=True, lists=False, quotings=0),
    "0.9.1": Age(DOCKER_1_3, GZIP_OF_EMPTY_TAR, tag_json=True, lists=True, quotings=1),
}


def age_of(version: str) -> Age:
    """The age of a server.

    Raises
    ------
    RegvizError
        There is none of that version.
    """
    if version not in AGES:
        message = f"no v1 server {version!r} can be imitated; there are {', '.join(AGES)}"
        raise RegvizError(message)
    return AGES[version]


class V1Writer:
    """Replays events into the storage of one registry.

    Parameters
    ----------
    tree : FileTree
        Or what has its ways, on a disk.
    version : {"0.6.5", "0.6.6", "0.9.1"}
        Of the server; 0.6.6 is the article's.

    Raises
    ------
    RegvizError
        If the version is none of these.
    """

    def __init__(self, tree: Tree, version: str) -> None:
        self._tree = tree
        self._age = age_of(version)

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
        uploads = [_upload(image) for image in chain]
        self.receive(event.repository, dict.fromkeys(event.tags, chain[-1].id), uploads, event.at)

    def receive(
        self, repository: str, tags: Mapping[str, str], images: Sequence[Upload], at: dt.datetime
    ) -> dict[str, int]:
        """Change the storage as the server does when images are pushed, and tags put on them.

        Parameters
        ----------
        repository : str
        tags : mapping of str to str
            The ids that they name.
        images : sequence of Upload
            Each after its parent; those that are there are not written again.
        at : datetime

        Returns
        -------
        dict of str to int
            Bytes of the layers that were written, by image.
        """
        self._announce(repository, [image.id for image in images], tags, at)
        written = {}
        for image in images:
            if not self._is_complete(image.id):
                written[image.id] = self._store(image, at)
        for tag, image_id in tags.items():
            self._tag(repository, tag, image_id, at)
        self._list_images(repository, [], at)
        return written

    def _store(self, image: Upload, at: dt.datetime) -> int:
        self._describe(image, at)
        total = payload_sum(image.json)
        pieces = [self._age.empty_layer] if image.members is None else image.sent()
        self._tree.write_stream(f"images/{image.id}/layer", total.passed(pieces), at)
        if self._age.lists:
            self._write(image, "_checksum", json.dumps([total.text]).encode(), at)
        else:
            if image.members is not None:
                self._write(image, "_files", json.dumps(file_rows(image.members())).encode(), at)
            members = image.members() if image.members is not None else ()
            self._write(image, "_checksum", tarsum(image.json, members).encode(), at)
        self._tree.remove(f"images/{image.id}/_inprogress", at)
        return total.size

    def _describe(self, image: Upload, at: dt.datetime) -> None:
        below = self._rows(f"images/{image.parent}/ancestry", str) if image.parent else []
        self._write(image, "_inprogress", b"true", at)
        self._write(image, "json", image.json, at)
        self._write(image, "ancestry", json.dumps([image.id, *below]).encode(), at)

    def _rows(self, path: str, kind: type[Row]) -> list[Row]:
        """A list that the server wrote."""
        try:
            rows = json.loads(self._tree[path])
        except ValueError:
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, kind) for row in rows):
            message = f"{path} is not the list that a server leaves there: this storage is damaged"
            raise RegvizError(message)
        return rows

    def _write(self, image: Upload, name: str, data: bytes, at: dt.datetime) -> None:
        self._tree.write(f"images/{image.id}/{name}", data, at)

    def _is_complete(self, image_id: str) -> bool:
        path = f"images/{image_id}"
        return f"{path}/json" in self._tree and f"{path}/_inprogress" not in self._tree

    def _tag(self, repository: str, tag: str, image_id: str, at: dt.datetime) -> None:
        path = self._repository(repository)
        metadata = json.dumps(user_agent_fields(self._age.engine, at)).encode()
        self._tree.write(f"{path}/tag_{self._quoted(tag)}", image_id.encode(), at)
        if self._age.tag_json:
            self._tree.write(f"{path}/tag{self._quoted(tag)}_json", metadata, at)
        if tag == "latest":
            self._tree.write(f"{path}/json", metadata, at)

    def _announce(self, repository: str, ids: Sequence[str], tags: Mapping[str, str], at: dt.datetime) -> None:
        """The client lists what it is going to push; the first list of a repository is stored as it was sent."""
        path = f"{self._repository(repository)}/_index_images"
        if path in self._tree:
            self._list_images(repository, ids, at)
            return
        self._tree.write(path, go_json(announced(ids, tags)), at)

    def _list_images(self, repository: str, new: Sequence[str], at: dt.datetime) -> None:
        """The union of all pushes, which never shrinks."""
        path = f"{self._repository(repository)}/_index_images"
        ids = {str(row.get("id")) for row in self._rows(path, dict)} | set(new)
        self._tree.write(path, json.dumps([{"id": image_id} for image_id in sorted(ids)]).encode(), at)

    def _abort(self, event: AbortPush) -> None:
        """The client lists what it is going to push, and dies while a layer is on its way."""
        chain = v1_images(event.image, self._age.engine)
        self._announce(event.repository, [image.id for image in chain], {event.tag: chain[-1].id}, event.at)
        arrived = 0
        for image in chain:
            if not image.layer.empty and arrived == event.layers:
                break
            arrived += not image.layer.empty
            if not self._is_complete(image.id):
                self._store(_upload(image), event.at)
        layer = self._age.empty_layer if image.layer.empty else image.layer.blob
        if self._is_complete(image.id) or event.sent >= len(layer):
            message = f"layer {event.layers} cannot arrive in part: it is there, or not longer than {event.sent}"
            raise RegvizError(message)
        self._describe(_upload(image), event.at)
        if event.sent:
            self._write(_upload(image), "layer", layer[: event.sent], event.at)

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


def _upload(image: V1Image) -> Upload:
    layer = image.layer
    return Upload(image.id, image.parent, image.json, lambda: [layer.blob], None if layer.empty else layer.members)
