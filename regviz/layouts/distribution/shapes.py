"""The common paths of a storage, understood many at a time by how they end.

Nearly every path of a Distribution storage is the directory or the one file of a sha256 digest, or lies in a tag's
directory, and its end of a fixed length says which. What is said here of a path is what :func:`grammar.parse` says of
it; whatever has no such end is left to the grammar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regviz.layouts.distribution.grammar import LINK_LENGTH
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
        What may be ``<name>/_manifests/tags/<tag>``, if it is that; :func:`split_tag` tells.
    """

    rows: Numbers
    kinds: NDArray[np.uint8]
    raw: Raw
    heads: Spans

    def take(self, chosen: Flags) -> InTags:
        """Those chosen."""
        raw = self.raw[chosen[self.kinds == INDEX]]
        return InTags(self.rows[chosen], self.kinds[chosen], raw, self.heads.take(chosen))


@dataclass(frozen=True, slots=True)
class Shapes:
    """Entries by the shape of their paths; `below` are all that lie below the root."""

    below: Flags
    blobs: Digests
    layers: Digests
    revisions: Digests
    tags: InTags


def shapes_of(paths: Spans, types: NDArray[np.uint8], root: bytes) -> Shapes:
    """The shapes of a batch of paths; `root` is the path of ``v2`` with a slash behind it, or nothing."""
    is_file, is_directory = types == FILE, types == DIRECTORY
    in_blobs = paths.start_with(root + _BLOBS)
    in_repositories = paths.start_with(root + _REPOSITORIES)
    is_digest_file = is_file & ((in_blobs & paths.end_with(_DATA)) | (in_repositories & paths.end_with(_LINK)))
    stops = paths.stops - len(_LINK) * is_digest_file
    digests = np.flatnonzero(is_digest_file | (is_directory & (in_blobs | in_repositories)))
    digests = digests[(stops - paths.starts)[digests] > len(root) + _HEX]
    text = np.frombuffer(paths.data, np.uint8)
    raw, good = _decoded(gather(paths.data, stops[digests] - _HEX, _HEX))
    good &= text[stops[digests] - _HEX - 1] == _SLASH
    digests, raw = digests[good], raw[good]
    heads = Spans(paths.data, paths.starts[digests], stops[digests] - _HEX - 1)
    found = Digests(digests, is_file[digests], raw, heads)

    within = in_blobs[digests] & (heads.lengths == len(root) + len(_BLOBS) + 2)
    first_digits = gather(paths.data, heads.stops - 2, 2) == gather(paths.data, heads.stops + 1, 2)
    within &= first_digits[:, 0] & first_digits[:, 1]
    before = len(root) + len(_REPOSITORIES)
    in_index = in_repositories[digests] & heads.end_with(_INDEX_SHA256)
    layers = _in_repository(found, in_repositories, before, _LAYERS)
    revisions = _in_repository(found, in_repositories, before, _REVISIONS)

    kinds = np.zeros(len(paths), np.uint8)
    tag_stops = paths.stops.copy()
    current = np.flatnonzero(is_file & in_repositories)
    current = current[paths.take(current).end_with(_CURRENT_LINK)]
    kinds[current], tag_stops[current] = CURRENT, paths.stops[current] - len(_CURRENT_LINK)
    others = is_directory & in_repositories
    others[layers.rows] = others[revisions.rows] = False
    directories = np.flatnonzero(others)
    kinds[directories] = TAG
    for name in (_CURRENT, _INDEX, _INDEX_SHA256):
        inner = directories[paths.take(directories).end_with(name)]
        kinds[inner], tag_stops[inner] = WITHIN, paths.stops[inner] - len(name)
    index = digests[in_index]
    kinds[index], tag_stops[index] = np.where(is_file[index], INDEX, WITHIN), heads.stops[in_index] - len(_INDEX_SHA256)
    rows = np.flatnonzero((kinds > 0) & (tag_stops - paths.starts > before))
    return Shapes(
        below=in_repositories | paths.start_with(root),
        blobs=found.take(within),
        layers=layers,
        revisions=revisions,
        tags=InTags(
            rows,
            kinds[rows],
            raw[in_index & is_file[digests]],
            Spans(paths.data, paths.starts[rows] + before, tag_stops[rows]),
        ),
    )


def linked(columns: Columns, rows: Numbers) -> tuple[Raw, Flags]:
    """The 32 bytes of the sha256 digests that these entries hold, and whether they hold one and nothing else."""
    known = (columns.sizes[rows] == LINK_LENGTH) & (columns.contents[rows] >= 0)
    text = gather(columns.paths.data, np.where(known, columns.contents[rows], 0), LINK_LENGTH)
    raw, good = _decoded(np.ascontiguousarray(text[:, -_HEX:]))
    named: Flags = (text[:, :-_HEX] == np.frombuffer(b"sha256:", np.uint8)).all(axis=1)
    return raw, known & good & named


def split_tag(head: bytes) -> tuple[bytes, bytes]:
    """Repository and tag of ``<name>/_manifests/tags/<tag>``; nothing of what is not that.

    Examples
    --------
    >>> split_tag(b"a/b/_manifests/tags/latest"), split_tag(b"a/_manifests/tags")
    ((b'a/b', b'latest'), (b'', b''))
    """
    above, _, tag = head.rpartition(b"/")
    name = above.removesuffix(b"/_manifests/tags")
    return (name, tag) if name != above and is_repository(name) else (b"", b"")


def is_repository(name: bytes) -> bool:
    """Whether what stands before a part of a repository is its name: no part of it begins with ``_``."""
    return name != b"" and name[:1] != b"_" and b"/_" not in name


def _in_repository(found: Digests, in_repositories: Flags, before: int, end: bytes) -> Digests:
    """Those whose heads end so, with the heads cut to the repository's name."""
    heads = found.heads
    chosen = in_repositories[found.rows] & heads.end_with(end) & (heads.lengths > before + len(end))
    taken = found.take(chosen)
    name = Spans(heads.data, taken.heads.starts + before, taken.heads.stops - len(end))
    return Digests(taken.rows, taken.is_file, taken.raw, name)


def _decoded(digits: Raw) -> tuple[Raw, Flags]:
    """Bytes of rows of hex digits, and whether all of a row's are lower-case ones."""
    good = (digits - np.uint8(ord("0")) < 10) | (digits - np.uint8(ord("a")) < 6)
    values = (digits & np.uint8(15)) + np.uint8(9) * (digits >> np.uint8(6))
    pairs = values.view("<u2")  # the first digit of each pair is the low byte here, and the high half of the result
    raw = ((pairs << np.uint16(4)) | (pairs >> np.uint16(8))).astype(np.uint8)
    return raw, good.all(axis=1)
