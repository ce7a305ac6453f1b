"""Where images lie in archives of ``docker save`` and in the stores of engines, before 1.10.

::

    <id>/json, layer.tar, VERSION     in an archive, with repositories for the names
    graph/<id>/json, layersize        in a store, with repositories-<driver>; layers lie unpacked, elsewhere
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regviz.layouts.docker.files import HEAD, compression
from regviz.layouts.docker.old import OldImage
from regviz.manifests.json import load_object, mapping
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from regviz.facts import Facts
    from regviz.layouts.common import Options
    from regviz.layouts.docker.files import Files
    from regviz.manifests.json import Document

_ID = rb"([0-9a-f]{64}|[0-9a-f]{16})/"
_SAVED = re.compile(_ID + rb"(json|layer\.tar|VERSION)")
_GRAPH = re.compile(rb"graph/" + _ID + rb"(json|layersize)")
_NAMES_OF_ARCHIVE = frozenset((b"repositories", b"manifest.json"))
_LONGEST_NUMBER = 20
NAMES_OF_GRAPH = b"repositories-"


def in_graph(path: bytes) -> bool:
    """Whether a path below an engine's root is one of its images before 1.10, or on the way to one."""
    parts = path.split(b"/")
    if parts[0] == b"graph":
        return len(parts) < 3 or _GRAPH.fullmatch(path) is not None
    return len(parts) == 1 and path.startswith(NAMES_OF_GRAPH)


def read_saved(files: Files, facts: Facts, options: Options) -> tuple[dict[str, OldImage], Document]:
    """Images and names of an archive."""
    images: dict[str, OldImage] = {}
    wanted: list[tuple[bytes, int]] = []
    owners: list[OldImage] = []
    inodes: set[int] = set()
    for path in sorted(files.files.keys() | files.links.keys()):
        match = _SAVED.fullmatch(path)
        if match is None:
            if path not in _NAMES_OF_ARCHIVE:
                files.say("foreign-file", path)
            continue
        image = images.setdefault(decode_name(match[1]), OldImage())
        target = files.resolve(path)
        if not target or match[2] == b"VERSION":
            continue
        file = files[target]
        if match[2] == b"json":
            if file.size > MANIFEST_LIMIT:
                facts.problem("manifest-oversized", manifest=decode_name(match[1]), detail=f"{file.size} bytes")
                continue
        else:
            image.has_layer, image.layer_bytes = True, file.size
            image.allocated_bytes = 0 if file.identity in inodes and file.allocated >= 0 else file.allocated
            inodes.add(file.identity)
        wanted.append((target, HEAD if match[2] == b"layer.tar" else MANIFEST_LIMIT))
        owners.append(image)
    with options.progress("images", len(images)) as tick:
        for number, data in files.read(wanted):
            if wanted[number][1] == HEAD:
                owners[number].compression = compression(data or b"")
            else:
                owners[number].document = data
                tick(1)
    return images, _names(files, b"repositories")


def read_graph(files: Files, facts: Facts, options: Options) -> tuple[dict[str, OldImage], Document]:
    """Images and names of a store."""
    images: dict[str, OldImage] = {}
    wanted: list[tuple[bytes, int]] = []
    owners: list[OldImage] = []
    for path in sorted(files.files):
        if match := _GRAPH.fullmatch(path):
            image = images.setdefault(decode_name(match[1]), OldImage(has_layer=True))
            limit = MANIFEST_LIMIT if match[2] == b"json" else _LONGEST_NUMBER
            if files[path].size > MANIFEST_LIMIT:
                facts.problem("manifest-oversized", manifest=decode_name(match[1]), detail=f"{files[path].size} bytes")
                continue
            wanted.append((path, limit))
            owners.append(image)
    with options.progress("images", len(images)) as tick:
        for number, data in files.read(wanted):
            if wanted[number][1] == MANIFEST_LIMIT:
                owners[number].document = data
                tick(1)
            elif data is not None and data.strip().isdigit():
                owners[number].uncompressed_bytes = int(data)
    names: Document = {}
    for path in sorted(path for path in files.files if path.startswith(NAMES_OF_GRAPH)):
        for name, tags in mapping(_names(files, path).get("Repositories")).items():
            known = names.setdefault(name, {})
            for tag, target in mapping(tags).items():
                if known.setdefault(tag, target) != target:
                    files.say("docker-name-twice", path, clean(f"{name}:{tag}"))
    return images, names


def _names(files: Files, path: bytes) -> Document:
    """A file of names; empty where there is none, as where images were saved by their ids."""
    if path not in files:
        return {}
    document = load_object(files.content(path) or b"")
    if document is None:
        files.say("docker-names-unreadable", path)
    return document or {}
