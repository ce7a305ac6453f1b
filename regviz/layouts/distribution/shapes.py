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
_NO_BYTE = 256
_BYTE_OF_DIGITS = np.full(1 << 16, _NO_BYTE, np.uint16)
_BYTE_OF_DIGITS[np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), "<u2")] = np.arange(256)
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
    below, in_blobs, in_repositories = paths.start_with(root, root + _BLOBS, root + _REPOSITORIES)
    is_file, is_directory = types == FILE, types == DIRECTORY
    blobs = np.flatnonzero(in_blobs & (is_file | is_directory))
    links = np.flatnonzero(in_repositories & (is_file | is_directory))
    stored = _in_blobs(paths, blobs, is_file, root)
    found = _digests(paths, links, is_file, _LINK)
    if not len(links):  # mostly so: blobs stand together, and so do links
        return Shapes(below, stored, found, found, InTags(links, types[links], found.raw, found.heads), [])
    before = len(root) + len(_REPOSITORIES)
    in_layers, in_revisions, in_index = found.heads.end_with(_LAYERS, _REVISIONS, _INDEX_SHA256)
    layers = _of_repositories(found.take(in_layers), before, len(_LAYERS))
    revisions = _of_repositories(found.take(in_revisions), before, len(_REVISIONS))
    in_index &= found.heads.lengths > before + len(_INDEX_SHA256)
    others = np.zeros(len(paths), np.bool_)
    others[links] = True
    others[layers.rows] = others[revisions.rows] = False
    tags, on_the_way = _in_tags(paths, np.flatnonzero(others), is_file, found.take(in_index), before)
    return Shapes(below, stored, layers, revisions, tags, on_the_way)


def _digests(paths: Spans, rows: Numbers, is_file: Flags, leaf: bytes) -> Digests:
    """Those of the entries that are a digest's directory, or the leaf in it; with all that stands before for heads."""
    paths, is_file = paths.take(rows), is_file[rows]
    if not len(rows):
        return Digests(rows, is_file, np.empty((0, _HEX // 2), np.uint8), paths)
    [is_leaf] = paths.end_with(leaf)
    stops = paths.stops - len(leaf) * is_file
    at = np.flatnonzero((is_leaf | ~is_file) & (stops - paths.starts > _HEX))
    at = at[np.frombuffer(paths.data, np.uint8)[stops[at] - _HEX - 1] == _SLASH]
    raw, good = _decoded(gather(paths.data, stops[at] - _HEX, _HEX))
    if not good.all():
        at, raw = at[good], raw[good]
    heads = Spans(paths.data, paths.starts[at], stops[at] - _HEX - 1)
    return Digests(rows[at], is_file[at], raw, heads)


def _in_blobs(paths: Spans, rows: Numbers, is_file: Flags, root: bytes) -> Digests:
    """Blobs that lie where they belong: below the first two of their digits."""
    found = _digests(paths, rows, is_file, _DATA)
    if not len(found.rows):
        return found
    stops = found.heads.stops
    same = gather(paths.data, stops - 2, 2).view("<u2") == gather(paths.data, stops + 1, 2).view("<u2")
    return found.take((found.heads.lengths == len(root) + len(_BLOBS) + 2) & same.ravel())


def _in_tags(paths: Spans, rows: Numbers, is_file: Flags, index: Digests, before: int) -> tuple[InTags, list[OnTheWay]]:
    """What of the other entries may lie in tags; and the directories that lead to links of any kind."""
    kinds, stops = np.zeros(len(paths), np.uint8), paths.stops.copy()
    files, directories = rows[is_file[rows]], rows[~is_file[rows]]
    [is_current] = paths.take(files).end_with(_CURRENT_LINK)
    kinds[files[is_current]] = CURRENT
    stops[files[is_current]] -= len(_CURRENT_LINK)
    kinds[directories] = TAG
    names = (_CURRENT, _INDEX, _INDEX_SHA256, *(end for end, _ in _ON_THE_WAY))
    ended = dict(zip(names, paths.take(directories).end_with(*names), strict=True))
    for name in (_CURRENT, _INDEX, _INDEX_SHA256):
        inner = directories[ended[name]]
        kinds[inner] = WITHIN
        stops[inner] -= len(name)
    on_the_way = []
    for end, part in _ON_THE_WAY:
        if ended[end].any():
            at = directories[ended[end]]
            at = at[paths.lengths[at] > before + len(end)]
            kinds[at] = 0
            heads = Spans(paths.data, paths.starts[at] + before, paths.stops[at] - len(end))
            on_the_way.append(OnTheWay(at, part, heads))
    kinds[index.rows] = np.where(index.is_file, INDEX, WITHIN)
    stops[index.rows] = index.heads.stops - len(_INDEX_SHA256)
    rows = np.flatnonzero((kinds > 0) & (stops - paths.starts > before))
    heads = Spans(paths.data, paths.starts[rows] + before, stops[rows])
    return InTags(rows, kinds[rows], index.raw[index.is_file], heads), on_the_way


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
    values = _BYTE_OF_DIGITS.take(digits.view("<u2"))
    good = np.ones(len(values), np.bool_)
    if values.size and values.max() == _NO_BYTE:
        good = np.asarray((values != _NO_BYTE).all(axis=1), np.bool_)
    return values.astype(np.uint8), good
