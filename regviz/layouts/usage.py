"""What the files of a registry take, by category: the table ``storage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.columns import NO_NUMBER
from regviz.layouts import skopeo_dir
from regviz.layouts.distribution import grammar as distribution
from regviz.layouts.docker.reader import category as docker_category
from regviz.layouts.oci import grammar as oci
from regviz.layouts.v1 import grammar as v1
from regviz.schema import HIDDEN_CATEGORIES, NA, STORAGE_CATEGORIES
from regviz.storage.base import DIRECTORY, FILE, NO_SIZE, is_walkable
from regviz.storage.besides import keeps_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.facts import Facts
    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage

NO_COUNT = NA["count"]
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
        return skopeo_dir.category(path)
    return _V1.get(v1.parse(path).role, "metadata")


def measure(storage: Storage, root: bytes, layout: str, facts: Facts, tick: Tick) -> None:
    """Look at every file of a storage, and add the rows of ``storage``.

    Each file counts once, in length and in blocks; further names of it (hard links) have a category of their own. Bytes
    of disk blocks are a folder's. What object storage keeps and does not list is asked for.
    """
    head = root + b"/" if root else b""
    files = dict.fromkeys(STORAGE_CATEGORIES, 0)
    apparent = dict.fromkeys(STORAGE_CATEGORIES, 0)
    allocated = dict.fromkeys(STORAGE_CATEGORIES, 0)
    seen: set[int] = set()
    lengths_known = True
    for path, kind, size, blocks, identity in _everything(storage, tick):
        if kind == DIRECTORY:
            category = "directories"
        elif identity in seen:
            category = "hard-links"
        elif kind == FILE and path.startswith(head):
            category = category_of(layout, path[len(head) :])
        else:
            category = "other"
        if identity >= 0:
            seen.add(identity)
        files[category] += 1
        lengths_known &= size != NO_SIZE
        apparent[category] += max(size, 0)
        allocated[category] += blocks if category != "hard-links" else 0
    for category in STORAGE_CATEGORIES:
        disk = allocated[category] if storage.knows_disk else NO_NUMBER
        bytes_known = category == "directories" or not files[category] or lengths_known
        facts.storage.add(category, files[category], apparent[category] if bytes_known else NO_NUMBER, disk)
    if keeps_more(storage):
        for category, kept in zip(HIDDEN_CATEGORIES, storage.kept_besides(), strict=False):
            number = NO_COUNT if kept.number is None else kept.number
            length = NO_NUMBER if kept.length is None else kept.length
            facts.storage.add(category, number, length, NO_NUMBER)


def _everything(storage: Storage, tick: Callable[[int], None]) -> Iterator[tuple[bytes, int, int, int, int]]:
    """Path, kind, length, bytes of blocks and identity of everything.

    Names of one file have the same identity; -1 where a file has one name alone.
    """
    if is_walkable(storage):
        for batch in storage.usage():
            tick(len(batch))
            yield from batch
        return
    for entries in storage.entries():
        tick(len(entries.paths))
        places = entries.locators if not storage.by_path else [-1] * len(entries.paths)
        for path, kind, size, place in zip(entries.paths, entries.types, entries.sizes, places, strict=True):
            yield path, kind, size, 0, place if size > 0 else -1
