"""Stores whose names lie in a database: recognised by their paths, and declined with the reason and a way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.base import FILE

if TYPE_CHECKING:
    from regviz.storage.base import Entries, Listing, Searchable

_HEX = rb"[0-9a-f]{64}(?:[0-9a-f]{64})?"
_UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OVER_ITS_API = "read the registry over its API, or copy its images into an OCI layout (skopeo copy) and read that"
_BRANCHES = 4


class Store(NamedTuple):
    """A kind of store.

    Attributes
    ----------
    layout : str
    way : tuple of bytes
        Patterns of the directories that lead to its files, and of a file.
    why : str
        What told so, and why it is not read.
    instead : str
        What to read.
    """

    layout: str
    way: tuple[bytes, ...]
    why: str
    instead: str

    @property
    def sign(self) -> bytes:
        """Pattern of a whole path."""
        return rb"(?P<root>(?:.*/)?)" + b"/".join(self.way)


_NEXUS = (
    "it has content/…/<uuid>.bytes and .properties: a blob store of Sonatype Nexus, whose names lie in its database",
    _OVER_ITS_API,
)
STORES = (
    Store(
        "containerd",
        (rb"io\.containerd\.content\.v1\.content", b"blobs", b"[a-z0-9]+", _HEX),
        "it has io.containerd.content.v1.content/blobs: containerd's content store, whose names lie in a database "
        "(io.containerd.metadata.v1.bolt/meta.db)",
        "save the images (ctr images export, nerdctl save, docker save) and read the archive",
    ),
    Store(
        "quay",
        (b"sha256", b"[0-9a-f]{2}", b"[0-9a-f]{64}"),
        "it has sha256/<two digits>/<digest> files: Quay's storage, whose names lie in its SQL database",
        _OVER_ITS_API,
    ),
    Store("nexus", (b"content", rb"vol-\d+", rb"chap-\d+", _UUID + rb"\.(?:bytes|properties)"), *_NEXUS),
    Store("nexus", (b"content", rb"\d{4}", *((rb"\d\d",) * 4), _UUID + rb"\.(?:bytes|properties)"), *_NEXUS),
    Store(
        "artifactory",
        (b"filestore", b"[0-9a-f]{2}", b"[0-9a-f]{40}"),
        "it has filestore/<two digits>/<sha1>: the file store of JFrog Artifactory, whose names lie in its database",
        _OVER_ITS_API,
    ),
    Store(
        "podman",
        (b"(?:overlay2?|vfs|btrfs|zfs|aufs|devicemapper)-images", rb"images\.json"),
        "it has <driver>-images/images.json: the local store of podman, buildah and CRI-O, which keeps layers unpacked",
        "save the images (podman save --format oci-archive) and read the archive",
    ),
    Store(
        "blobs",
        (b"blobs", b"sha(?:256|512)", _HEX),
        "it has blobs/<algorithm>/<digest> files, and neither oci-layout nor index.json: blobs without names",
        "read the whole OCI layout, or save the images out of the store that these blobs belong to",
    ),
)
_SIGNS = re.compile(b"|".join(b"(?:%s)" % store.sign.replace(b"(?P<root>", b"(?:") for store in STORES))


class Marks:
    """Collects what marks such stores in a flat listing: the first of them.

    Attributes
    ----------
    met : tuple of (Store, bytes) or None
        What it is, and where.
    """

    def __init__(self) -> None:
        self.met: tuple[Store, bytes] | None = None

    def see_batch(self, batch: Entries) -> None:
        """Take the entries of a flat listing."""
        for path, kind in zip(batch.paths, batch.types, strict=True) if self.met is None else ():
            if kind == FILE and _SIGNS.fullmatch(path):
                self.met = understand(path)
                return


def understand(path: bytes) -> tuple[Store, bytes] | None:
    """The store that a file at this path lies in, and its root.

    Examples
    --------
    >>> store, root = understand(b"var/lib/quay/sha256/ab/" + b"ab" * 32)
    >>> store.layout, root
    ('quay', b'var/lib/quay')
    """
    for store in STORES:
        if match := re.fullmatch(store.sign, path):
            return store, match["root"].rstrip(b"/")
    return None


def is_here(storage: Searchable, path: bytes, listing: Listing) -> Store | None:
    """The store that lies in a directory; None where there is none."""
    return next((store for store in STORES if _leads(storage, path, listing, store.way)), None)


def _leads(storage: Searchable, path: bytes, listing: Listing, way: tuple[bytes, ...]) -> bool:
    """Whether directories of these names lead to a file; of many that fit a few are looked into."""
    names = listing.files if len(way) == 1 else sorted(listing.directories)
    fitting = [name for name in names if re.fullmatch(way[0], name)]
    if len(way) == 1:
        return bool(fitting)
    for name in fitting[:_BRANCHES]:
        below = path + b"/" + name if path else name
        if _leads(storage, below, storage.children(below), way[1:]):
            return True
    return False
