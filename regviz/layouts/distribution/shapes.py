"""The common paths of a storage, understood many at a time by how they end.

Nearly every path of a Distribution storage is the directory or the one file of a sha256 digest, or lies in a tag's
directory, and its end of a fixed length says which. What is said here of a path is what :func:`grammar.parse` says of
it; whatever has no such end is left to the grammar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.layouts.distribution.grammar import LAYERS, LINK_LENGTH, MANIFESTS, REVISIONS, TAGS
from regviz.storage.base import DIRECTORY, FILE
from regviz.storage.spans import Spans, equal_the_one_before, gather, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.storage.base import Columns

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]

WITHIN, TAG, CURRENT, INDEX = 1, 2, 3, 4
"""What of a tag: a directory on the way to its links, its own directory, its ``current/link``, a link of its index."""

_HEX = 64
_SLASH = ord("/")
_BLOBS, _REPOSITORIES = b"blobs/sha256/", b"repositories/"
_LAYERS, _REVISIONS = b"/_layers/sha256", b"/_manifests/revisions/sha256"
_CURRENT, _INDEX = b"/current", b"/index"
_ON_THE_WAY = (
    (b"/_layers", (LAYERS,)),
    (b"/_layers/sha256", (LAYERS,)),
    (b"/_manifests", (MANIFESTS,)),
    (b"/_manifests/revisions", (MANIFESTS, REVISIONS)),
    (b"/_manifests/revisions/sha256", (MANIFESTS, REVISIONS)),
    (b"/_manifests/tags", (MANIFESTS, TAGS)),
)
_LINK, _DATA, _CURRENT_LINK, _INDEX_SHA256 = b"/link", b"/data", b"/current/link", b"/index/sha256"


@dataclass(frozen=True, slots=True)
class Digests:
    """Directories and files of digests in one kind of place.

    Attributes
    ----------
    rows : array
        Numbers of the entries.
    is_file : array
        It is the digest's one file (``link`` or ``data``), or else its directory.
    raw : array
        The 32 bytes of each digest.
    heads : Spans
        What may be the name of a repository, if it is one; of blobs nothing.
    """

    rows: Numbers
    is_file: Flags
    raw: Raw
    heads: Spans

    def equal_the_one_before(self) -> Flags:
        """Whether each one's digest is that of the one before."""
        return equal_the_one_before(words(self.raw))

    def take(self, chosen: Flags | Numbers) -> Digests:
        """Those chosen."""
        return Digests(self.rows[chosen], self.is_file[chosen], self.raw[chosen], self.heads.take(chosen))


@dataclass(frozen=True, slots=True)
class InTags:
    """What lies in directories that may be those of tags.

    Attributes
    ----------
    rows : array
        Numbers of the entries.
    kinds : array
        `WITHIN`, `TAG`, `CURRENT` or `INDEX`.
    raw : array
        Of those that are `INDEX`, the 32 bytes of the digest.
    heads : Spans
        What may be ``<name>/_manifests/tags/<tag>``, if it is that; :func:`repository_of` tells.
    """

    rows: Numbers
    kinds: NDArray[np.uint8]
    raw: Raw
    heads: Spans

    def take(self, chosen: Flags) -> InTags:
        """Those chosen."""
        raw = self.raw[chosen[self.kinds == INDEX]]
        return InTags(self.rows[chosen], self.kinds[chosen], raw, self.heads.take(chosen))


class OnTheWay(NamedTuple):
    """Directories of one kind between a repository's own and those of its links: they say which part there is."""

    rows: Numbers
    part: tuple[bytes, ...]
    heads: Spans


@dataclass(frozen=True, slots=True)
class Shapes:
    """Entries by the shape of their paths; `below` are all that lie below the root."""

    below: Flags
    blobs: Digests
    layers: Digests
    revisions: Digests
    tags: InTags
    on_the_way: list[OnTheWay]


def shapes_of(paths: Spans, types: NDArray[np.uint8], root: bytes) -> Shapes:
    """The shapes of a batch of paths; `root` is the path of ``v2`` with a slash behind it, or nothing."""
    is_file, is_directory = types == FILE, types == DIRECTORY
    below, in_blobs, in_repositories = paths.start_with(root, root + _BLOBS, root + _REPOSITORIES)
    is_data, is_link, is_current = paths.end_with(_DATA, _LINK, _CURRENT_LINK)
    is_digest_file = is_file & ((in_blobs & is_data) | (in_repositories & is_link))
    stops = paths.stops - len(_LINK) * is_digest_file
    digests = np.flatnonzero(is_digest_file | (is_directory & (in_blobs | in_repositories)))
    digests = digests[(stops - paths.starts)[digests] > len(root) + _HEX]
    text = np.frombuffer(paths.data, np.uint8)
    raw, good = _decoded(gather(paths.data, stops[digests] - _HEX, _HEX))
    good &= text[stops[digests] - _HEX - 1] == _SLASH
    digests, raw = digests[good], raw[good]
    heads = Spans(paths.data, paths.starts[digests], stops[digests] - _HEX - 1)
    found = Digests(digests, is_file[digests], raw, heads)

    before = len(root) + len(_REPOSITORIES)
    within = in_blobs[digests] & (heads.lengths == len(root) + len(_BLOBS) + 2)
    first_digits = gather(paths.data, heads.stops - 2, 2) == gather(paths.data, heads.stops + 1, 2)
    within &= first_digits[:, 0] & first_digits[:, 1]
    in_layers, in_revisions, in_index = (
        ended & in_repositories[digests] for ended in heads.end_with(_LAYERS, _REVISIONS, _INDEX_SHA256)
    )
    in_index &= heads.lengths > before + len(_INDEX_SHA256)
    layers = _of_repositories(found.take(in_layers), before, len(_LAYERS))
    revisions = _of_repositories(found.take(in_revisions), before, len(_REVISIONS))

    kinds, tag_stops = np.zeros(len(paths), np.uint8), paths.stops.copy()
    current = is_file & in_repositories & is_current
    kinds[current] = CURRENT
    tag_stops[current] -= len(_CURRENT_LINK)
    others = is_directory & in_repositories
    others[layers.rows] = others[revisions.rows] = False
    directories = np.flatnonzero(others)
    kinds[directories] = TAG
    names = (_CURRENT, _INDEX, _INDEX_SHA256, *(end for end, _ in _ON_THE_WAY))
    ended = dict(zip(names, paths.take(directories).end_with(*names), strict=True))
    for name in (_CURRENT, _INDEX, _INDEX_SHA256):
        inner = directories[ended[name]]
        kinds[inner], tag_stops[inner] = WITHIN, paths.stops[inner] - len(name)
    on_the_way = []
    for end, part in _ON_THE_WAY:
        at = directories[ended[end]]
        at = at[paths.lengths[at] > before + len(end)]
        if len(at):
            kinds[at] = 0
            on_the_way.append(
                OnTheWay(at, part, Spans(paths.data, paths.starts[at] + before, paths.stops[at] - len(end)))
            )
    index = digests[in_index]
    kinds[index] = np.where(is_file[index], INDEX, WITHIN)
    tag_stops[index] = heads.stops[in_index] - len(_INDEX_SHA256)
    rows = np.flatnonzero((kinds > 0) & (tag_stops - paths.starts > before))
    in_tags = Spans(paths.data, paths.starts[rows] + before, tag_stops[rows])
    return Shapes(
        below=below,
        blobs=found.take(within),
        layers=layers,
        revisions=revisions,
        tags=InTags(rows, kinds[rows], raw[in_index & is_file[digests]], in_tags),
        on_the_way=on_the_way,
    )


def linked(columns: Columns, rows: Numbers) -> tuple[Raw, Flags]:
    """The 32 bytes of the sha256 digests that these entries hold, and whether they hold one and nothing else."""
    known = (columns.sizes[rows] == LINK_LENGTH) & (columns.contents[rows] >= 0)
    text = gather(columns.paths.data, np.where(known, columns.contents[rows], 0), LINK_LENGTH)
    raw, good = _decoded(np.ascontiguousarray(text[:, -_HEX:]))
    named: Flags = (text[:, :-_HEX] == np.frombuffer(b"sha256:", np.uint8)).all(axis=1)
    return raw, known & good & named


def repository_of(tags: bytes) -> bytes:
    """The repository whose ``<name>/_manifests/tags`` it is; nothing where it is not that.

    Examples
    --------
    >>> repository_of(b"a/b/_manifests/tags"), repository_of(b"a/_manifests")
    (b'a/b', b'')
    """
    name = tags.removesuffix(b"/_manifests/tags")
    return name if name != tags and is_repository(name) else b""


def is_repository(name: bytes) -> bool:
    """Whether what stands before a part of a repository is its name: no part of it begins with ``_``."""
    return name != b"" and name[:1] != b"_" and b"/_" not in name


def _of_repositories(found: Digests, before: int, behind: int) -> Digests:
    """Those whose heads hold more than what stands before and behind a name, with the names for heads."""
    found = found.take(found.heads.lengths > before + behind)
    heads = Spans(found.heads.data, found.heads.starts + before, found.heads.stops - behind)
    return Digests(found.rows, found.is_file, found.raw, heads)


def _decoded(digits: Raw) -> tuple[Raw, Flags]:
    """Bytes of rows of hex digits, and whether all of a row's are lower-case ones."""
    good = (digits - np.uint8(ord("0")) < 10) | (digits - np.uint8(ord("a")) < 6)
    values = (digits & np.uint8(15)) + np.uint8(9) * (digits >> np.uint8(6))
    pairs = values.view("<u2")  # the first digit of each pair is the low byte here, and the high half of the result
    raw = ((pairs << np.uint16(4)) | (pairs >> np.uint16(8))).astype(np.uint8)
    return raw, np.asarray(good.all(axis=1), np.bool_)
