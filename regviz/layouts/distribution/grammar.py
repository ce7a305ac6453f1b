"""The path grammar of Distribution's storage (registry/storage/paths.go), below ``docker/registry/v2``.

::

    blobs/<algorithm>/<first two hex digits>/<hex>/data
    repositories/<name>/_layers/<algorithm>/<hex>/link
    repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link
    repositories/<name>/_manifests/revisions/<algorithm>/<hex>/signatures/<algorithm>/<hex>/link      (2.0 to 2.4)
    repositories/<name>/_manifests/tags/<tag>/current/link
    repositories/<name>/_manifests/tags/<tag>/index/<algorithm>/<hex>/link
    repositories/<name>/_uploads/<id>/{data,startedat,hashstates/<algorithm>/<offset>}
    repositories/<name>/_referrers/subjects/<algorithm>/<hex>/<algorithm>/<hex>/link                  (ORAS' fork)

No part of a repository's name begins with ``_``, so the first part that does ends the name. Tags may have such names.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.pool import KeyPool, hex_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOBS, REPOSITORIES = b"blobs", b"repositories"
LAYERS, MANIFESTS, UPLOADS, REFERRERS = b"_layers", b"_manifests", b"_uploads", b"_referrers"
REVISIONS, TAGS = b"revisions", b"tags"
SECTIONS = frozenset((LAYERS, MANIFESTS, UPLOADS, REFERRERS))
PROXY_MARK = b"scheduler-state.json"
GITLAB_LOCKS = b"docker/registry/lockfiles"

NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
"""Repository names: distribution-spec, section Pulling manifests."""
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
"""Tags: the same."""
LONGEST_NAME = 255
MOST_PARTS = 3  # of an algorithm: tarsum/v1/sha256
HEX_LENGTHS = {b"sha256": 64, b"sha384": 96, b"sha512": 128, b"blake3": 64}
LINK_LENGTH = 71  # "sha256:" and 64 digits, no newline


class Role(IntEnum):
    """What a path is."""

    FOREIGN = 0
    BLOB = 1
    LAYER_LINK = 2
    REVISION_LINK = 3
    SIGNATURE_LINK = 4
    TAG_CURRENT = 5
    TAG_INDEX = 6
    UPLOAD_DATA = 7
    UPLOAD_START = 8
    UPLOAD_STATE = 9
    REFERRER_LINK = 10
    DIRECTORY = 11  # one that the grammar has on the way to a file
    LEAF_EXTRA = 12  # something beside the one file of a digest's directory


class Place(NamedTuple):
    """A path understood; parts that its role does not have are empty."""

    role: Role
    repository: bytes = b""
    algorithm: bytes = b""
    name: bytes = b""
    """Hex digits of a digest, or the identifier of an upload."""
    tag: bytes = b""


_FOREIGN = Place(Role.FOREIGN)
_DIRECTORY = Place(Role.DIRECTORY)


def parse(path: bytes) -> Place:
    """What a path below ``docker/registry/v2`` is.

    Examples
    --------
    >>> digest = b"ab" * 32
    >>> parse(b"blobs/sha256/ab/" + digest + b"/data").role.name
    'BLOB'
    >>> parse(b"repositories/a/b/_manifests/tags/link/current/link")
    Place(role=<Role.TAG_CURRENT: 5>, repository=b'a/b', algorithm=b'', name=b'', tag=b'link')
    """
    head, _, rest = path.partition(b"/")
    if head == BLOBS:
        return _parse_blob(rest)
    if head != REPOSITORIES:
        return _FOREIGN
    if not rest:
        return _DIRECTORY
    if rest[:1] == b"_":
        return _FOREIGN  # a part of a repository without a name
    start = rest.find(b"/_") + 1
    if start == 0:
        return Place(Role.DIRECTORY, rest)  # a directory of the name; for a file the caller knows better
    repository, parts = rest[: start - 1], rest[start:].split(b"/")
    section = parts[0]
    if section == LAYERS:
        return _parse_digest(repository, parts[1:], Role.LAYER_LINK)
    if section == UPLOADS:
        return _parse_upload(repository, parts[1:])
    if section == REFERRERS:
        return Place(Role.REFERRER_LINK if parts[-1] == b"link" else Role.DIRECTORY, repository)
    if section != MANIFESTS:
        return _FOREIGN
    if len(parts) == 1:
        return Place(Role.DIRECTORY, repository)
    if parts[1] == REVISIONS:
        if b"signatures" in parts[4:]:
            return Place(Role.SIGNATURE_LINK if parts[-1] == b"link" else Role.DIRECTORY, repository)
        return _parse_digest(repository, parts[2:], Role.REVISION_LINK)
    return _parse_tag(repository, parts[2:]) if parts[1] == TAGS else _FOREIGN


def algorithm_text(path: bytes) -> bytes:
    """A digest's algorithm from its path, where ``+``, ``.`` and ``;`` stand as ``/`` (paths.go, digestPathComponents).

    Examples
    --------
    >>> algorithm_text(b"sha256"), algorithm_text(b"tarsum/v1/sha256")
    (b'sha256', b'tarsum.v1+sha256')
    """
    head, _, last = path.rpartition(b"/")
    return head.replace(b"/", b".") + b"+" + last if head else last


def blob_path(lead: bytes, digest: str) -> bytes:
    """Path of a digest's data; `lead` is that of the ``v2`` directory, with a slash behind it.

    Examples
    --------
    >>> blob_path(b"docker/registry/v2/", "sha256:0aff")
    b'docker/registry/v2/blobs/sha256/0a/0aff/data'
    """
    algorithm, _, encoded = digest.encode().partition(b":")
    return b"%sblobs/%s/%s/%s/data" % (lead, algorithm, encoded[:2], encoded)


def blob_paths(keys: KeyPool, lead: bytes, codes: NDArray[np.int32]) -> list[bytes]:
    """Paths of many digests' data, as :func:`blob_path` has one.

    Examples
    --------
    >>> keys = KeyPool()
    >>> codes = keys.intern(["sha256:" + "0a" * 32, "sha512:0b"])
    >>> [path[:30] for path in blob_paths(keys, b"", codes)]
    [b'blobs/sha256/0a/0a0a0a0a0a0a0a', b'blobs/sha512/0b/0b/data']
    """
    raw, are_sha256 = keys.raw(codes)
    if not are_sha256.all():
        return [blob_path(lead, digest) for digest in keys.texts(codes)]
    # equally long ones are put together as columns of letters, in a tenth of the time
    digits = hex_digits(raw)
    head, end = (
        np.broadcast_to(np.frombuffer(part, np.uint8), (len(codes), len(part)))
        for part in (lead + b"blobs/sha256/", b"/data\0")
    )
    letters = np.concatenate([head, digits[:, :2], end[:, :1], digits, end], axis=1)
    return letters.tobytes().split(b"\0")[:-1]


def is_encoded(algorithm: bytes, name: bytes) -> bool:
    """Whether a directory's name can be the hex digits of a digest of this algorithm."""
    width = HEX_LENGTHS.get(algorithm)
    return (width is None or len(name) == width) and name.isalnum() and not name.strip(b"0123456789abcdef")


def _parse_blob(rest: bytes) -> Place:
    parts = rest.split(b"/")
    if len(parts) == 4 and parts[3] == b"data":
        return Place(Role.BLOB, b"", parts[0], parts[2]) if parts[2][:2] == parts[1] else _FOREIGN
    if len(parts) <= 3:
        return Place(Role.DIRECTORY, b"", parts[0], parts[2] if len(parts) == 3 else b"")
    return Place(Role.LEAF_EXTRA)


def _parse_digest(repository: bytes, parts: list[bytes], role: Role) -> Place:
    """``<algorithm>/<hex>/link``, and the directories on the way; an algorithm may take several parts."""
    known = next((at for at, part in enumerate(parts[:MOST_PARTS]) if part in HEX_LENGTHS), None)
    if known is None or len(parts) < known + 2:
        return Place(Role.DIRECTORY, repository)
    if len(parts) == known + 2:
        return Place(Role.DIRECTORY, repository, algorithm_text(b"/".join(parts[:-1])), parts[-1])
    if parts[known + 2 :] != [b"link"]:
        return Place(Role.LEAF_EXTRA, repository)
    return Place(role, repository, algorithm_text(b"/".join(parts[:-2])), parts[-2])


def _parse_tag(repository: bytes, parts: list[bytes]) -> Place:
    if len(parts) < 2:
        return Place(Role.DIRECTORY, repository, tag=parts[0] if parts else b"")
    tag, kind = parts[0], parts[1]
    if kind == b"current":
        role = Role.TAG_CURRENT if parts[2:] == [b"link"] else Role.DIRECTORY if len(parts) == 2 else Role.LEAF_EXTRA
        return Place(role, repository, tag=tag)
    if kind == b"index":
        place = _parse_digest(repository, parts[2:], Role.TAG_INDEX)
        return place._replace(tag=tag)
    return Place(Role.LEAF_EXTRA, repository, tag=tag)


def _parse_upload(repository: bytes, parts: list[bytes]) -> Place:
    if len(parts) < 2:
        return Place(Role.DIRECTORY, repository, name=parts[0] if parts else b"")
    kinds = {b"data": Role.UPLOAD_DATA, b"startedat": Role.UPLOAD_START}
    role = kinds.get(parts[1], Role.LEAF_EXTRA) if len(parts) == 2 else Role.LEAF_EXTRA
    return Place(Role.UPLOAD_STATE if parts[1] == b"hashstates" else role, repository, name=parts[0])
