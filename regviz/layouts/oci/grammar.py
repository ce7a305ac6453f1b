"""Names in OCI image layouts: paths, and what the references of an ``index.json`` mean.

image-spec image-layout.md:

    oci-layout
    index.json
    blobs/<algorithm>/<encoded>

zot (pkg/storage) keeps one layout a repository, each with ``.uploads/`` beside its ``blobs/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regviz.layouts.distribution.grammar import is_encoded
from regviz.pool import is_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION_FILE, INDEX, BLOBS = b"oci-layout", b"index.json", b"blobs"
SAVED, SAVED_NAMES = b"manifest.json", b"repositories"
"""What ``docker save`` adds to a layout."""
UPLOADS = b".uploads"
ZOT_MARKS = frozenset((b"cache.db", b"meta.db", b"_trivy", b"_restore_complete"))
"""What zot keeps at its root (pkg/storage/constants, pkg/meta, pkg/extensions)."""
NO_NAMESPACES = frozenset((BLOBS, UPLOADS, b".sync", b"_trivy", b"ingest", b"lost+found"))
"""Directories in which no layout lies: zot's own (pkg/storage/imagestore), containerd's and oras' unfinished writes."""
KNOWN_FILES = frozenset((VERSION_FILE, INDEX, SAVED, SAVED_NAMES, *ZOT_MARKS))
_SUFFIXES = (".gz", ".zst", ".tgz", ".tzst", ".tar", ".zip", ".oci")
_DIGITS = b"0123456789abcdef"


class Name(NamedTuple):
    """What a reference names; an empty repository is the layout's own, an empty tag is none."""

    repository: str
    tag: str


NAMELESS = Name("", "")


def parse_reference(text: str) -> Name:
    """A reference as tools write it: a bare tag, a name with a tag, a name with a digest, or a name alone.

    Where a name stands alone every client takes it for the tag ``latest``, and so it is here. A text without ``/``
    and ``:`` is a tag: that is what skopeo, oras, umoci, zot and docker write.

    Examples
    --------
    >>> parse_reference("1.0"), parse_reference("localhost:5020/team/web:1.1")
    (Name(repository='', tag='1.0'), Name(repository='localhost:5020/team/web', tag='1.1'))
    >>> parse_reference("127.0.0.1:5055/multi"), parse_reference("base@sha256:" + "ab" * 32)
    (Name(repository='127.0.0.1:5055/multi', tag='latest'), Name(repository='base', tag=''))
    """
    head, at, digest = text.rpartition("@")
    named_by_digest = bool(at) and is_digest(digest)
    if named_by_digest:
        text = head
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        if named_by_digest:
            return Name(text, "")
        return Name(text, "latest") if "/" in text else Name("", text)
    return Name(name, "" if named_by_digest else tag)


def own_name(root: str, uri: str) -> str:
    """The repository of a layout's entries that do not name theirs: what its directory or archive is called.

    Parameters
    ----------
    root : str
        Where the layout lies within the source; empty where it is the source.
    uri : str
        The source.

    Examples
    --------
    >>> own_name("", "/backup/web-1.0.tar.gz"), own_name("layouts/web", "/backup/all.tar"), own_name("", "/srv/web.v2/")
    ('web-1.0', 'web', 'web.v2')
    """
    path = (root or uri).rstrip("/")
    name = path.rpartition("/")[2]
    while not root and (suffix := next((end for end in _SUFFIXES if name.lower().endswith(end)), "")):
        name = name[: -len(suffix)]
    return name or "layout"


def split_digests(algorithm: bytes, names: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """File names that can be digests of an algorithm, and those that cannot.

    Examples
    --------
    >>> split_digests(b"sha256", [b"ab" * 32, b"README"])[1]
    [b'README']
    """
    if algorithm == b"sha256" and {*map(len, names)} <= {64} and not b"".join(names).translate(None, _DIGITS):
        return list(names), []
    good = [name for name in names if is_encoded(algorithm, name)]
    return good, [] if len(good) == len(names) else sorted({*names}.difference(good))


def blob_path(root: bytes, digest: str) -> bytes:
    """Path of a blob in the layout at `root`.

    Examples
    --------
    >>> blob_path(b"web", "sha512:0aff"), blob_path(b"", "sha256:0aff")
    (b'web/blobs/sha512/0aff', b'blobs/sha256/0aff')
    """
    algorithm, _, encoded = digest.encode().partition(b":")
    return join(root, b"blobs/%s/%s" % (algorithm, encoded))


def category(path: bytes) -> str:
    """Category of a file in the table ``storage``, by its path below the root of one layout or many.

    Examples
    --------
    >>> category(b"blobs/sha256/" + b"ab" * 32), category(b"team/web/index.json"), category(b"web/.uploads/0a")
    ('blobs', 'metadata', 'uploads')
    """
    parts = path.split(b"/")
    if len(parts) >= 3 and parts[-3] == BLOBS and not split_digests(parts[-2], parts[-1:])[1]:
        return "blobs"
    if UPLOADS in parts[:-1]:
        return "uploads"
    return "metadata" if parts[-1] in KNOWN_FILES or parts[0] in ZOT_MARKS else "other"


def join(directory: bytes, name: bytes) -> bytes:
    """A path below a directory; an empty directory is the storage itself."""
    return directory + b"/" + name if directory and name else directory or name
