"""A museum of broken registries: small storages, each whole but for one thing that goes wrong in life.

``data/museum.toml`` is the catalogue: how it comes about, which rules find it, what a client sees, what to do.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from regviz.world.build import Build
from regviz.world.contents import noise, prose
from regviz.world.describe import Image, Layer, index_of, program
from regviz.world.distribution import ROOT, DistributionWriter
from regviz.world.documents import document
from regviz.world.encode import digest
from regviz.world.events import AbortPush, Collect, DeleteManifest, DeleteTag, Push
from regviz.world.filetree import FileTree
from regviz.world.v1 import V1Writer
from regviz.world.v1_json import DOCKER_0_9, v1_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.world.describe import Content
    from regviz.world.events import Event

_THEN = dt.datetime(2014, 3, 27, 10, 30, tzinfo=dt.UTC)
_PUSHED = _THEN.replace(year=2016)
_BROKEN = dt.datetime(2016, 4, 1, 3, 12, tzinfo=dt.UTC)
_APP = "app"
_BASE = Layer(
    "",
    _THEN - dt.timedelta(days=7),
    {"bin/sh": program(noise("museum sh", 600)), "usr/share/doc/notice": prose("museum notice", 900)},
    comment="Imported from -",
)


@dataclass(frozen=True)
class Room:
    """One broken registry.

    Attributes
    ----------
    layout : {"distribution", "v1"}
    tree : FileTree
        What lies there.
    names : dict
        Digests and ids by what the catalogue calls them: ``manifest``, ``config``, ``layer`` …
    content : Image or Index, optional
        What ``app:latest`` would be, were nothing broken.
    """

    layout: str
    tree: FileTree
    names: dict[str, str]
    content: Content | None = None


_ROOMS: dict[str, Callable[[], Room]] = {}


def museum() -> dict[str, Room]:
    """Every room by its name, in the order of the catalogue.

    Examples
    --------
    >>> rooms = museum()
    >>> rooms["layer-missing"].names["layer"] in str(list(rooms["layer-missing"].tree))
    False
    >>> max(len(list(room.tree)) for room in rooms.values()) <= 20
    True
    """
    return {name: make() for name, make in _ROOMS.items()}


def _room(make: Callable[[], Room]) -> Callable[[], Room]:
    _ROOMS[make.__name__.strip("_").replace("_", "-")] = make
    return make


# -------------------------------------------------------------------------------------------- Distribution


@cache
def _image(name: str = "app", architecture: str = "amd64") -> Image:
    """An image of a base and one layer on it."""
    build = Build(_THEN - dt.timedelta(hours=1))
    build.run(f"install {name}", {f"usr/bin/{name}": program(noise(f"museum {name} {architecture}", 500))})
    build.set(f"CMD [{name}]", Cmd=[name])
    return Image((_BASE, *build.layers), architecture)


def _storage(*events: Event) -> FileTree:
    tree = FileTree(_PUSHED)
    writer = DistributionWriter(tree, "2.8")
    for event in events:
        writer.apply(event)
    return tree


def _pushed(content: Content | None = None, *tags: str) -> Push:
    return Push(repository=_APP, at=_PUSHED, content=content or _image(), tags=tags or ("latest",))


def _whole(content: Image | None = None) -> Room:
    """A registry of one image that has nothing wrong."""
    pushed = document(content or _image())
    uploads = [upload.digest for upload in pushed.uploads]
    names = {"manifest": pushed.digest, "base": uploads[0], "layer": uploads[1], "config": uploads[-1]}
    return Room("distribution", _storage(_pushed(content)), names, content or _image())


def _blob(key: str) -> str:
    algorithm, encoded = key.split(":")
    return f"{ROOT}/blobs/{algorithm}/{encoded[:2]}/{encoded}"


def _in_app(path: str) -> str:
    return f"{ROOT}/repositories/{_APP}/{path}"


def _link(section: str, key: str) -> str:
    return _in_app(f"{section}/{key.replace(':', '/', 1)}/link")


_CURRENT = _in_app("_manifests/tags/latest/current/link")


@_room
def _layer_missing() -> Room:
    room = _whole()
    room.tree.remove(_blob(room.names["layer"]), _BROKEN)
    return room


@_room
def _config_missing() -> Room:
    room = _whole()
    room.tree.remove(_blob(room.names["config"]), _BROKEN)
    return room


@_room
def _layer_cut_short() -> Room:
    room = _whole()
    path = f"{_blob(room.names['layer'])}/data"
    room.tree.write(path, room.tree[path][:200], _BROKEN)
    return room


@_room
def _layer_of_nothing() -> Room:
    room = _whole()
    room.tree.write(f"{_blob(room.names['layer'])}/data", b"", _BROKEN)
    return room


@_room
def _manifest_of_nothing() -> Room:
    room = _whole()
    room.tree.write(f"{_blob(room.names['manifest'])}/data", b"", _BROKEN)
    return room


@_room
def _manifest_cut_short() -> Room:
    room = _whole()
    path = f"{_blob(room.names['manifest'])}/data"
    room.tree.write(path, room.tree[path][:300], _BROKEN)
    return room


@_room
def _byte_flipped() -> Room:
    room = _whole()
    path = f"{_blob(room.names['config'])}/data"
    data = bytearray(room.tree[path])
    at = data.index(b"amd64")
    data[at] ^= 0b1  # an a becomes a `
    room.tree.write(path, bytes(data), _BROKEN)
    return room


@_room
def _blob_path_cut_short() -> Room:
    room = _whole()
    room.tree.write(f"{ROOT}/blobs/sha256/5b/5bd0/data", b"what a script left", _BROKEN)
    return room


@_room
def _tag_to_nowhere() -> Room:
    room = _whole()
    absent = digest(b"a manifest that never came")
    room.tree.write(_CURRENT, absent.encode(), _BROKEN)
    return replace(room, names=room.names | {"absent": absent})


@_room
def _tag_to_a_deleted_manifest() -> Room:
    """What a deletion leaves that was done by hand, or died before it came to the tags."""
    room = _whole()
    room.tree.remove(_link("_manifests/revisions", room.names["manifest"]), _BROKEN)
    return room


@_room
def _tag_link_empty() -> Room:
    room = _whole()
    room.tree.write(_CURRENT, b"", _BROKEN)
    return room


@_room
def _tag_link_shouting() -> Room:
    room = _whole()
    algorithm, encoded = room.names["manifest"].split(":")
    room.tree.write(_CURRENT, f"{algorithm}:{encoded.upper()}".encode(), _BROKEN)
    return room


@_room
def _layer_link_crossed() -> Room:
    room = _whole()
    room.tree.write(_link("_layers", room.names["layer"]), room.names["base"].encode(), _BROKEN)
    return room


@_room
def _layer_unlinked() -> Room:
    room = _whole()
    room.tree.remove(_link("_layers", room.names["layer"]).removesuffix("/link"), _BROKEN)
    return room


@_room
def _manifest_deleted() -> Room:
    """Two images under one repository, one of them deleted by its digest: what that leaves."""
    gone, kept = _image(), _image("other")
    events = (
        _pushed(gone, "gone"),
        _pushed(kept),
        DeleteManifest(repository=_APP, at=_BROKEN, content=gone),
    )
    uploads = [upload.digest for upload in document(gone).uploads]
    names = {"manifest": document(gone).digest, "layer": uploads[1], "config": uploads[-1]}
    return Room("distribution", _storage(*events), names, kept)


@_room
def _index_collected() -> Room:
    """What ``garbage-collect -m`` of 2.8 leaves of an image for two platforms."""
    amd64, arm64 = _image(), _image("app", "arm64")
    both = index_of(amd64, arm64)
    events = (_pushed(both), Collect(at=_BROKEN, delete_untagged=True))
    children = {"amd64": document(amd64).digest, "arm64": document(arm64).digest}
    layer = document(amd64).uploads[0].digest
    names = children | {"index": document(both).digest, "layer": layer}
    return Room("distribution", _storage(*events), names, both)


@_room
def _upload_left_behind() -> Room:
    events = (_pushed(), AbortPush(repository="worker", at=_BROKEN, image=_image("worker"), layers=1, sent=120))
    return Room("distribution", _storage(*events), {}, _image())


@_room
def _layer_elsewhere() -> Room:
    foreign = replace(_BASE, urls=("https://vendor.example/base.tar.gz",))
    image = replace(_image(), layers=(foreign, *_image().layers[1:]))
    return _whole(image)


# ------------------------------------------------------------------------------------------------------ v1


def _v1(*events: Event) -> Room:
    tree = FileTree(_THEN)
    writer = V1Writer(tree, "0.6.6")
    push = Push(repository=_APP, at=_THEN, content=_v1_image())
    for event in events or (push,):
        writer.apply(event)
    ids = [image.id for image in v1_images(_v1_image(), DOCKER_0_9)]
    return Room("v1", tree, dict(zip(("base", "layer"), ids, strict=True)))


@cache
def _v1_image(name: str = "app") -> Image:
    return replace(_image(name), layers=_image(name).layers[:2])


@_room
def _v1_parent_missing() -> Room:
    room = _v1()
    room.tree.remove(f"images/{room.names['base']}", _BROKEN)
    return room


@_room
def _v1_ancestry_crossed() -> Room:
    room = _v1()
    path = f"images/{room.names['layer']}/ancestry"
    room.tree.write(path, f'["{room.names["layer"]}"]'.encode(), _BROKEN)
    return room


@_room
def _v1_upload_died() -> Room:
    """The client died in its last layer; somebody set the tag all the same."""
    room = _v1(AbortPush(repository=_APP, at=_THEN, image=_v1_image(), layers=1, sent=150))
    room.tree.write("repositories/library/app/tag_latest", room.names["layer"].encode(), _BROKEN)
    return room


@_room
def _v1_tag_to_nowhere() -> Room:
    room = _v1()
    room.tree.remove(f"images/{room.names['layer']}", _BROKEN)
    return room


@_room
def _v1_images_of_nobody() -> Room:
    """A tag was deleted; images never are, and the list of them only grows."""
    push = Push(repository=_APP, at=_THEN, content=_v1_image())
    old = Push(repository=_APP, at=_THEN, content=_v1_image("old"), tags=("old",))
    return _v1(old, push, DeleteTag(repository=_APP, at=_THEN + dt.timedelta(days=1), tag="old"))
