"""What kind of registry lies in a storage, and where its root is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.layouts import nameless
from regviz.layouts.docker import marks as docker
from regviz.layouts.oci.marks import Marks
from regviz.storage.base import FILE, Listing, is_searchable
from regviz.text import decode_name

if TYPE_CHECKING:
    from types import ModuleType

    from regviz.storage.base import Searchable, Storage

_DEEPEST = 6
_MOST_DIRECTORIES = 500
_ENCODED = rb"(?:[0-9a-f]{64}|[0-9a-f]{16})"
_V1_IMAGE = re.compile(rb"((?:.*/)?)images/" + _ENCODED + rb"/(?:json|layer|ancestry|_checksum|_inprogress)")
_V1_REPOSITORY = re.compile(rb"((?:.*?/)?)repositories/[^/_][^/]*/[^/]+/(?:_index_images|_images_list|tag_[^/]+)")
_V2_NAMED = re.compile(rb"((?:.*?/)??docker/registry/v2)(?:/|$)")
_V2_BLOB = re.compile(rb"((?:.*?/)??)blobs/[a-z0-9]+/([0-9a-f]{2})/\2[0-9a-f]{30,}(?:/data)?")
_V2_REPOSITORY = re.compile(rb"((?:.*?/)??)repositories/(?:.+/)?_(?:manifests|layers|uploads)(?:/|$)")
_V1_ID = re.compile(_ENCODED)
_CAPTURE, _TABLE = b"capture.json", b".parquet"  # regviz.capture.files.NAME
_WHY_CAPTURE = "it has capture.json"
_WHY_SKOPEO_DIR = "its version file is that of a directory which skopeo copies an image to"


@dataclass(frozen=True, slots=True)
class Found:
    """A layout and where it lies.

    Attributes
    ----------
    layout : str
        ``v1``, ``distribution``, ``oci`` (one OCI layout), ``oci-layouts`` (several), ``zot``, ``skopeo-dir``,
        ``docker-archive``, ``docker-daemon`` (an engine's store) or ``capture`` (what regviz saved).
    root : bytes
        Path of its root within the storage: what holds ``images`` and ``repositories`` (v1), or ``blobs`` and
        ``repositories`` (Distribution's ``v2`` directory), or ``index.json`` (OCI), or the layouts, or
        ``capture.json``. Empty where it is the storage's own root.
    why : str
        What told so, for a person.
    instead : str
        What to read instead, where this is a store that cannot be read; else empty.
    """

    layout: str
    root: bytes
    why: str
    instead: str = ""


def recognise(storage: Storage) -> list[Found]:
    """The registries in a storage: Distribution before v1 at one root, the shallowest root first.

    Parameters
    ----------
    storage : Storage
        A folder is searched a few levels down, object storage like one, an archive as far as the first registry.
    """
    return _in_folder(storage) if is_searchable(storage) else _in_listing(storage)


def _in_folder(storage: Searchable) -> list[Found]:
    pending: list[tuple[int, bytes]] = [(0, b"")]
    looked = 0
    declined: list[Found] = []
    while pending and looked < _MOST_DIRECTORIES:
        depth, path = pending.pop(0)
        looked += 1
        listing = storage.children(path)
        if _is_capture(listing):
            return _captures(storage, path)
        found = [here for here in (_v2_here(storage, path, listing), _v1_here(storage, path, listing)) if here]
        marks = Marks()
        if b"oci-layout" in listing.files or (b"index.json" in listing.files and b"blobs" in listing.directories):
            marks.walk(storage)
            found += _layouts(storage, marks)
        if b"version" in listing.files and _skopeo().is_here(storage, path, listing.files):
            found.append(Found("skopeo-dir", path, _WHY_SKOPEO_DIR))
        found += _of_docker(docker.in_folder(storage, path, listing), marks)
        if found:
            return found
        if not declined and (store := nameless.is_here(storage, path, listing)):
            declined.append(Found(store.layout, path, store.why, store.instead))
        if depth < _DEEPEST:
            pending += [(depth + 1, _join(path, name)) for name in sorted(listing.directories)]
    return declined


def _skopeo() -> ModuleType:
    """What knows skopeo's directories: it is loaded where there may be one, as it brings all that reads documents."""
    from regviz.layouts import skopeo_dir

    return skopeo_dir


def _is_capture(listing: Listing) -> bool:
    marked = _CAPTURE in listing.files or _CAPTURE in listing.links  # load() refuses a link, and says so
    return marked and not {b"docker", b"blobs", b"images", b"repositories"} & {*listing.directories}


def _captures(storage: Searchable, path: bytes) -> list[Found]:
    """A capture, and those beside it where a folder of several was given."""
    parent, found = path.rpartition(b"/")[0], [path]
    if path:
        beside = [_join(parent, name) for name in sorted(storage.children(parent).directories)[:_MOST_DIRECTORIES]]
        found += [other for other in beside if other != path and _is_capture(storage.children(other))]
    return [Found("capture", root, _WHY_CAPTURE) for root in found]


def _layouts(storage: Storage, marks: Marks) -> list[Found]:
    """OCI layouts; :func:`_of_docker` comes after this."""
    marks.forget_saved(storage)
    marked = marks.found()
    return [Found(*marked)] if marked else []


def _of_docker(found: list[docker.Mark], layouts: Marks) -> list[Found]:
    """Docker's archives and stores, but for archives that are OCI layouts with all that docker save lists."""
    roots = layouts.roots()
    return [Found(*mark) for mark in found if mark.root not in roots]


def _v2_here(storage: Searchable, path: bytes, listing: Listing) -> Found | None:
    names = {*listing.directories}
    for steps in ((b"docker", b"registry", b"v2"), (b"registry", b"v2"), (b"v2",)):
        # a path that ends in the middle of docker/registry/v2 is taken for what it is
        before = b"/".join((b"docker", b"registry", b"v2")[: 3 - len(steps)])
        if before and not (path == before or path.endswith(b"/" + before)) and steps != (b"docker", b"registry", b"v2"):
            continue
        if {b"blobs", b"repositories"} & {*_below(storage, path, listing, steps).directories}:
            inner = _join(path, b"/".join(steps))
            return Found("distribution", inner, f"it has {decode_name(inner)}")
    if not {b"blobs", b"repositories"} & names:
        return None
    may_be_v2 = b"blobs" in names and b"oci-layout" not in listing.files  # whose blobs lie there a million in one
    for algorithm in storage.children(_join(path, b"blobs")).directories if may_be_v2 else []:
        below = _join(path, b"blobs/" + algorithm)
        for prefix in storage.children(below).directories:
            if len(prefix) == 2 and (b"repositories" in names or storage.children(_join(below, prefix)).directories):
                return Found("distribution", path, "it has blobs/<algorithm>/<two digits>/<digest>")
    repositories = _join(path, b"repositories")
    if b"repositories" in names and _has_section(storage, repositories, 0):
        return Found("distribution", path, "its repositories have _manifests, _layers or _uploads")
    return None


def _below(storage: Searchable, path: bytes, listing: Listing, steps: tuple[bytes, ...]) -> Listing:
    """What lies some directories down; nothing where one of them is none, or a link."""
    for step in steps:
        if step not in listing.directories:
            return Listing([], [], [])
        path = _join(path, step)
        listing = storage.children(path)
    return listing


def _has_section(storage: Searchable, path: bytes, depth: int) -> bool:
    names = storage.children(path).directories
    if any(name in (b"_manifests", b"_layers", b"_uploads") for name in names):
        return True
    return depth < _DEEPEST and any(_has_section(storage, _join(path, name), depth + 1) for name in sorted(names)[:4])


def _v1_here(storage: Searchable, path: bytes, listing: Listing) -> Found | None:
    if b"images" in listing.directories and storage.holds_directory(_join(path, b"images"), _V1_ID.fullmatch):
        return Found("v1", path, "it has images/<id> directories")
    if b"repositories" in listing.directories:
        base = _join(path, b"repositories")
        for namespace in sorted(storage.children(base).directories)[:50]:
            for repository in sorted(storage.children(_join(base, namespace)).directories)[:50]:
                files = storage.children(_join(base, namespace + b"/" + repository)).files
                if any(name == b"_index_images" or name.startswith(b"tag_") for name in files):
                    return Found("v1", path, "its repositories have tag_ files")
    return None


def _in_listing(storage: Storage) -> list[Found]:
    """The first registry of an archive; a bare ``blobs`` or ``repositories`` counts only where nothing better comes."""
    weak: Found | None = None
    captures: dict[bytes, set[bytes]] = {}
    marks, saved, copied, stores = Marks(), docker.Marks(), _skopeo().Marks(), nameless.Marks()
    for batch in storage.entries():
        for collector in (marks, saved, copied, stores):
            collector.see_batch(batch)
        for path, kind in zip(batch.paths, batch.types, strict=True):
            if path.endswith((_CAPTURE, _TABLE)):
                directory, _, name = path.rpartition(b"/")
                captures.setdefault(directory, set()).add(_CAPTURE if name == _CAPTURE else _TABLE)
            if b"docker/registry/v2" in path and (match := _V2_NAMED.match(path)):
                named = _better(weak, Found("distribution", match[1], f"it has {decode_name(match[1])}"))
                return named + _layouts(storage, marks)
            if weak is None:
                weak = _weak(path, kind)
        if weak is not None:
            return [weak, *_layouts(storage, marks)]
    roots = sorted(root for root, names in captures.items() if names == {_CAPTURE, _TABLE})
    if roots:
        return [Found("capture", root, _WHY_CAPTURE) for root in roots]
    found = _layouts(storage, marks) + [Found("skopeo-dir", root, _WHY_SKOPEO_DIR) for root in copied.roots()[:1]]
    found += _of_docker(saved.found(storage), marks)
    if not found and stores.met:
        store, root = stores.met
        return [Found(store.layout, root, store.why, store.instead)]
    return found


def _weak(path: bytes, kind: int) -> Found | None:
    # expressions that may begin anywhere are for paths that have what they look for
    if b"blobs/" in path and (match := _V2_BLOB.match(path)):
        if path.endswith(b"/data") or kind != FILE:
            return Found("distribution", match[1].rstrip(b"/"), "it has blobs/<algorithm>/<two digits>/<digest>")
    elif b"repositories/" in path and (match := _V2_REPOSITORY.match(path)):
        return Found("distribution", match[1].rstrip(b"/"), "its repositories have _manifests, _layers or _uploads")
    elif kind == FILE and b"images/" in path and (match := _V1_IMAGE.match(path)):
        return Found("v1", match[1].rstrip(b"/"), "it has images/<id> directories")
    elif kind == FILE and b"repositories/" in path and (match := _V1_REPOSITORY.match(path)):
        return Found("v1", match[1].rstrip(b"/"), "its repositories have tag_ files")
    return None


def _better(weak: Found | None, named: Found) -> list[Found]:
    if weak is None or weak.layout == "distribution" or weak.root.startswith(named.root):
        return [named]
    return [named, weak]


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
