"""The path grammar of Docker Registry v1's storage (docker_registry/core/driver.py), below its ``storage_path``.

::

    images/<id>/json            what the client sent          images/<id>/layer        the bytes as they were sent
    images/<id>/ancestry        ids, self first, base last    images/<id>/_checksum    text, or (from 0.7.0) a list
    images/<id>/_inprogress     an upload not completed       images/<id>/_files, _diff        caches of listings
    repositories/<namespace>/<repository>/_index_images       every image ever pushed here
    repositories/<namespace>/<repository>/_images_list        the same, with token authentication
    repositories/<namespace>/<repository>/tag_<TAG>           the id it points to
    repositories/<namespace>/<repository>/tag<TAG>_json       who pushed it (for four days: <TAG>_json)
    repositories/<namespace>/<repository>/json                the same for the tag latest
    repositories/<namespace>/<repository>/_private            empty: not public
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGES, REPOSITORIES = b"images", b"repositories"
ID = re.compile(rb"[0-9a-f]{64}|[0-9a-f]{16}")
"""Image ids (toolkit.py: 64 hex digits, and 16 are valid too)."""
_TAG, _METADATA = b"tag_", b"_json"
_HEX, _USUAL = b"0123456789abcdef", 64
_NAMES = 1 << 12  # names of tags are few, and their files in every repository


class Role(IntEnum):
    """What a path is."""

    FOREIGN = 0
    DIRECTORY = 1
    JSON = 2
    LAYER = 3
    ANCESTRY = 4
    CHECKSUM = 5
    IN_PROGRESS = 6
    CACHE = 7
    TAG = 8
    TAG_METADATA = 9
    REPOSITORY_METADATA = 10
    INDEX = 11
    IMAGES_LIST = 12
    PRIVATE = 13


class Place(NamedTuple):
    """A path understood; parts that its role does not have are empty."""

    role: Role
    image: bytes = b""
    repository: bytes = b""
    """Path below ``repositories/``, as it is written."""
    tag: bytes = b""


IMAGE_FILES = {
    b"json": Role.JSON,
    b"layer": Role.LAYER,
    b"ancestry": Role.ANCESTRY,
    b"_checksum": Role.CHECKSUM,
    b"_inprogress": Role.IN_PROGRESS,
    b"_files": Role.CACHE,
    b"_diff": Role.CACHE,
}
_REPOSITORY_FILES = {
    b"json": Role.REPOSITORY_METADATA,
    b"_index_images": Role.INDEX,
    b"_images_list": Role.IMAGES_LIST,
    b"_private": Role.PRIVATE,
}


def parse(path: bytes) -> Place:
    """What a file's path below the root is.

    Examples
    --------
    >>> parse(b"repositories/library/nodejs/taglatest_json")
    Place(role=<Role.TAG_METADATA: 9>, image=b'', repository=b'library/nodejs', tag=b'latest')
    >>> parse(b"images/27cf784147099545/json").role.name
    'JSON'
    """
    parts = path.split(b"/")
    if parts[0] == IMAGES:
        if len(parts) < 2 or (len(parts) == 2 and ID.fullmatch(parts[1])):
            return Place(Role.DIRECTORY, parts[1] if len(parts) == 2 else b"")
        if len(parts) == 3 and ID.fullmatch(parts[1]):
            return Place(IMAGE_FILES.get(parts[2], Role.FOREIGN), parts[1])
        return Place(Role.FOREIGN)
    if parts[0] != REPOSITORIES:
        return Place(Role.FOREIGN)
    if len(parts) <= 3:
        return Place(Role.DIRECTORY, b"", b"/".join(parts[1:]))
    if len(parts) > 4:
        return Place(Role.FOREIGN)
    role, tag = in_repository(parts[3])
    return Place(role, b"", b"/".join(parts[1:3]), tag)


@lru_cache(_NAMES)
def in_repository(name: bytes) -> tuple[Role, bytes]:
    """What a file of a repository is, and the tag it is about.

    Examples
    --------
    >>> in_repository(b"tag_latest"), in_repository(b"taglatest_json")
    ((<Role.TAG: 8>, b'latest'), (<Role.TAG_METADATA: 9>, b'latest'))
    """
    role = _REPOSITORY_FILES.get(name)
    if role is not None:
        return role, b""
    if name.startswith(_TAG) and name != _TAG:
        return Role.TAG, name[len(_TAG) :]
    if name.endswith(_METADATA):
        tag = name.removesuffix(_METADATA)
        return Role.TAG_METADATA, tag.removeprefix(b"tag") or tag
    return Role.FOREIGN, b""


def part_ids(names: Sequence[bytes]) -> tuple[Sequence[bytes], list[bytes]]:
    """Image ids among names, and the other names.

    Examples
    --------
    >>> part_ids([b"27cf784147099545", b".DS_Store", b"15cf784147099545"])
    ([b'27cf784147099545', b'15cf784147099545'], [b'.DS_Store'])
    """
    if not b"".join(names).translate(None, _HEX) and {*map(len, names)} == {_USUAL}:  # the usual storage, at a glance
        return names, []
    return [name for name in names if ID.fullmatch(name)], [name for name in names if not ID.fullmatch(name)]


def repository_name(path: bytes) -> str:
    """A repository's name from its path: parts were quoted, once (to 0.8.0) or twice (from 0.8.1).

    Examples
    --------
    >>> repository_name(b"a/b%2Fc"), repository_name(b"a/b%252Fc"), repository_name(b"library/nodejs")
    ('a/b/c', 'a/b/c', 'library/nodejs')
    """
    return clean(unquote(unquote(decode_name(path))))


@lru_cache(_NAMES)
def tag_name(name: bytes) -> str:
    """A tag's name from its file's, quoted once from 0.8.1.

    Examples
    --------
    >>> tag_name(b"1.0%2Bx"), tag_name(b"latest")
    ('1.0+x', 'latest')
    """
    return clean(unquote(decode_name(name)))
