"""What the files of a registry take, by category: the table ``storage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.columns import NO_NUMBER
from regviz.layouts import skopeo_dir
from regviz.layouts.distribution import grammar as distribution
from regviz.layouts.docker.reader import category as docker_category
from regviz.layouts.oci import grammar as oci
from regviz.layouts.v1 import grammar as v1
from regviz.schema import STORAGE_CATEGORIES
from regviz.storage.base import DIRECTORY, NO_SIZE, is_walkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.facts import Facts
    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage

_DISTRIBUTION = {
    distribution.Role.BLOB: "blobs",
    distribution.Role.LAYER_LINK: "links",
    distribution.Role.REVISION_LINK: "links",
    distribution.Role.SIGNATURE_LINK: "links",
    distribution.Role.TAG_CURRENT: "links",
    distribution.Role.TAG_INDEX: "links",
    distribution.Role.REFERRER_LINK: "links",
    distribution.Role.UPLOAD_DATA: "uploads",
    distribution.Role.UPLOAD_START: "uploads",
    distribution.Role.UPLOAD_STATE: "uploads",
}
_V1 = {
    v1.Role.LAYER: "blobs",
    v1.Role.TAG: "links",
    v1.Role.FOREIGN: "other",
    v1.Role.DIRECTORY: "other",
}


def category_of(layout: str, path: bytes) -> str:
    """Category of a file by its path below the layout's root.

    Examples
    --------
    >>> category_of("v1", b"images/27cf784147099545/layer"), category_of("v1", b"images/27cf784147099545/json")
    ('blobs', 'metadata')
    >>> category_of("distribution", b"repositories/a/_uploads/1/data"), category_of("distribution", b"lost")
    ('uploads', 'other')
    >>> category_of("docker-archive", b"repositories"), category_of("docker-daemon", b"repositories.json")
    ('metadata', 'links')
    """
    if layout.startswith("docker-"):
        return docker_category(path)
    if layout == "distribution":
        return _DISTRIBUTION.get(distribution.parse(path).role, "other")
    if layout in ("oci", "oci-layouts", "zot"):
        return oci.category(path)
    if layout == "skopeo-dir":
        return "blobs" if skopeo_dir.parse_file(path) else "metadata"
    return _V1.get(v1.parse(path).role, "metadata")


def measure(storage: Storage, root: bytes, layout: str, facts: Facts, tick: Tick) -> None:
    """Look at every file of a storage, and add the rows of ``storage``.

    Bytes of a folder's disk blocks are those of each inode once; an archive has none.
    """
    head = root + b"/" if root else b""
    files = dict.fromkeys(STORAGE_CATEGORIES, 0)
    apparent = dict.fromkeys(STORAGE_CATEGORIES, 0)
    allocated = dict.fromkeys(STORAGE_CATEGORIES, 0)
    seen: set[int] = set()
    lengths_known = True
    for path, kind, size, blocks, inode in _everything(storage, tick):
        if kind == DIRECTORY:
            category = "directories"
        else:
            category = category_of(layout, path[len(head) :]) if path.startswith(head) else "other"
        files[category] += 1
        lengths_known &= size != NO_SIZE
        apparent[category] += max(size, 0)
        if inode < 0 or inode not in seen:
            allocated[category] += blocks
            seen.add(inode)
    for category in STORAGE_CATEGORIES:
        disk = allocated[category] if storage.knows_disk else NO_NUMBER
        bytes_known = category == "directories" or not files[category] or lengths_known
        facts.storage.add(category, files[category], apparent[category] if bytes_known else NO_NUMBER, disk)


def _everything(storage: Storage, tick: Callable[[int], None]) -> Iterator[tuple[bytes, int, int, int, int]]:
    """Path, kind, length, bytes of blocks and inode (-1 where there is none) of everything."""
    if is_walkable(storage):
        for batch in storage.usage():
            tick(len(batch))
            yield from batch
        return
    for entries in storage.entries():
        tick(len(entries.paths))
        for path, kind, size in zip(entries.paths, entries.types, entries.sizes, strict=True):
            yield path, kind, size, 0, -1
