"""What keeps each blob: a tag, a manifest that speaks about a tagged one, an untagged manifest, or nothing.

Reached is what a digest leads to, however deep, by what links hold (a sha512 link leads to a sha256), whether a
repository links it or not: what is only lost to one repository is not free for all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from regviz.analysis.reach import Reach, column_counts, columns, groups, incidence, reach, rows_of, through
from regviz.problems import RULES
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

    Flags = NDArray[np.bool_]

STATES: Final = ("tagged", "referenced", "untagged", "unreferenced", "recent", "unknown")
"""The states of a blob that is there; :func:`blob_states` gives their places here."""
TAGGED, REFERENCED, UNTAGGED, UNREFERENCED, RECENT, UNKNOWN = range(len(STATES))
MIN_AGE: Final = dt.timedelta(hours=24)
"""What is younger may belong to a push that is under way."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_BROKEN_LINKS = ("empty", "malformed", "missing")


def blob_states(reg: Registry, *, min_age: dt.timedelta = MIN_AGE) -> NDArray[np.int8]:
    """The state of every blob, as its place in `STATES`; -1 where it is not there.

    Parameters
    ----------
    reg : Registry
    min_age : datetime.timedelta
        How old what nothing leads to must be, before it counts as unreferenced.

    Returns
    -------
    array of int8
        One for each row of `blobs`:

        tagged
            A tag leads to it (or an entry of an index.json, an image of an engine), without a subject.
        referenced
            Only a manifest leads to it whose subject, in the same repository, is tagged or referenced.
        untagged
            Only manifests lead to it that a repository links and no tag reaches; they can be pulled by digest. In
            v1: images that a repository lists.
        unreferenced
            Nothing leads to it.
        recent
            Nothing leads to it yet: it, or a layer link to it, is younger than `min_age`, or an upload that is
            younger is under way in a repository that links it. Where file times are no evidence, nothing is recent.
        unknown
            Nothing that was read leads to it, and not all was read that could: a repository is incomplete, a
            manifest of a repository that links the blob could not be read, names or tags lie elsewhere.

    Raises
    ------
    NotKnowableError
        The source is a listing.

    Examples
    --------
    A store of five blobs: tag ``1`` names the manifest m, which has the configuration c and the layer l; x is older
    than a day, and y is not::

        m, c, l   tagged
        x         unreferenced
        y         recent

    >>> import regviz as rv
    >>> reg = rv.read()
    >>> present = reg.blobs["present"].to_numpy(dtype=bool)
    >>> bool(((blob_states(reg) >= 0) == present).all())
    True
    """
    reg.source.require_contents("the states of blobs")
    reached = reach(reg)
    keeping = Keeping(reg, reached)
    present = columns(reg, "blobs")["present"] == 1
    state = np.full(len(present), UNREFERENCED, np.int8)
    state[recent_blobs(reg, min_age)] = RECENT
    untagged = keeping.linked_blobs()
    open_question, unread = open_questions(reg, reached)
    state[unread] = UNKNOWN
    state[untagged] = UNTAGGED
    if open_question.untagged:
        state[untagged] = UNKNOWN
    if open_question.unreferenced:
        state[~untagged] = UNKNOWN
    state[keeping.referenced_blobs()] = REFERENCED
    state[keeping.tagged_blobs()] = TAGGED
    state[~present] = -1
    return state


class Keeping:
    """Which manifests are tagged, referenced, linked, and what they lead to.

    Parameters
    ----------
    reg : Registry
    reached : Reach
    """

    def __init__(self, reg: Registry, reached: Reach) -> None:
        self._reg, self._reached = reg, reached
        self._manifest = columns(reg, "manifests")["manifest"]
        self._target = rows_of(columns(reg, "tags")["manifest"], self._manifest)
        linked = columns(reg, "repository_manifests")
        self._linked = rows_of(linked["manifest"], self._manifest)
        self._is_good = ~np.isin(linked["link_state"], [reg.name_code(state) for state in _BROKEN_LINKS])
        self._is_root = self._is_good & (linked["is_root"] == 1)
        self._child = reached.child_manifests.T.tocsr()
        self._blob = reached.manifest_blobs.T.tocsr()
        self._is_v1 = "v1" in reg.source.layouts[0]
        self._elsewhere = links_elsewhere(reg)

    def tagged_blobs(self, tags_gone: Flags | None = None, links_gone: Flags | None = None) -> Flags:
        """What tags and roots lead to, without some tags and links."""
        return self._blobs_of(self._tagged(tags_gone, links_gone))

    def linked_blobs(self, links_gone: Flags | None = None) -> Flags:
        """What anything leads to that a repository links, without some links."""
        return self._blobs_of(self._descend(self._linked[_without(self._is_good, links_gone)]))

    def referenced_blobs(self) -> Flags:
        """What manifests lead to that speak about tagged ones, or about such as speak about them."""
        return self._blobs_of(self._referenced())

    def v1_images(self, tags_gone: Flags | None = None) -> Flags:
        """For each manifest of v1 whether it is an image that a tag leads to, itself or an ancestor of one."""
        layers = columns(self._reg, "layers")["layer"]
        row = rows_of(self._manifest, layers)
        return (row >= 0) & np.append(self._v1_layers(self._tagged(tags_gone, None)), np.False_)[row]

    def _tagged(self, tags_gone: Flags | None, links_gone: Flags | None) -> Flags:
        target = self._target[_without(np.ones(len(self._target), np.bool_), tags_gone)]
        return self._descend(np.append(target, self._linked[_without(self._is_root, links_gone)]))

    def _descend(self, rows: Numbers) -> Flags:
        """Manifests, and all that they list, however deep."""
        found = np.zeros(len(self._manifest), np.bool_)
        found[rows[rows >= 0]] = True
        frontier = found
        while frontier.any():
            frontier = np.asarray(self._child @ frontier.astype(np.int64) > 0) & ~found
            found = found | frontier
        return found

    def _referenced(self) -> Flags:
        reg, repository = self._reg, columns(self._reg, "repositories")["repository"]
        where = rows_of(columns(reg, "repository_manifests")["repository"], repository)
        subject = rows_of(columns(reg, "manifests")["subject"], self._manifest)
        speaking = np.flatnonzero(self._is_good & (subject[self._linked] >= 0))
        referenced = np.zeros(len(self._manifest), np.bool_)
        if not len(speaking):
            return referenced
        shape = len(repository), len(self._manifest)
        of_tag = groups(rows_of(columns(reg, "tags")["repository"], repository), len(repository))
        roots = incidence(where[self._is_root], self._linked[self._is_root], shape)
        kept: Incidence = through(of_tag, self._reached.tag_manifests) + self._reached.descend(roots)
        while len(speaking):
            spoken_of = np.asarray(kept[where[speaking], subject[self._linked[speaking]]]).ravel() > 0
            if not spoken_of.any():
                break
            new = speaking[spoken_of]
            found = self._reached.descend(incidence(where[new], self._linked[new], shape))
            referenced |= column_counts(found) > 0
            kept, speaking = kept + found, speaking[~spoken_of]
        return referenced

    def _blobs_of(self, manifests: Flags) -> Flags:
        found = np.asarray(self._blob @ manifests.astype(np.int64) > 0)
        if self._is_v1:
            layers = self._v1_layers(manifests)
            found |= np.asarray(self._v1_blob @ layers.astype(np.int64) > 0)
        own, held = self._elsewhere
        found[own] |= found[held]
        return found

    def _v1_layers(self, manifests: Flags) -> Flags:
        """Layers of images and of their ancestors: a v1 image is a layer too, of the same key."""
        layers = columns(self._reg, "layers")
        found = np.zeros(len(layers["layer"]), np.bool_)
        parent = rows_of(layers["parent"], layers["layer"])
        frontier = rows_of(self._manifest[manifests], layers["layer"])
        while len(frontier := frontier[frontier >= 0]):
            found[frontier] = True
            frontier = np.unique(parent[frontier])
            frontier = frontier[(frontier >= 0) & ~found[frontier]]
        return found

    @cached_property
    def _v1_blob(self) -> Incidence:
        """Blobs × layers of v1: the file of a layer is called like it."""
        layers, blobs = columns(self._reg, "layers")["layer"], columns(self._reg, "blobs")["blob"]
        codes = [self._reg.key_code(f"v1:{name}") for name in self._reg.code_texts("digest", layers)]
        rows = rows_of(np.array(codes, np.int64), blobs)
        return incidence(rows, np.arange(len(layers)), (len(blobs), len(layers)))


def links_elsewhere(reg: Registry) -> tuple[Numbers, Numbers]:
    """Rows of blobs that are there and whose link in some repository names another one, and rows of those.

    What a manifest lists is known by the blob that links lead to. Where a damaged link leads elsewhere, and the blob
    of the link's own digest is there too, that may be what is meant: it is kept with the other.
    """
    links, blobs = columns(reg, "repository_blobs"), columns(reg, "blobs")
    other = np.flatnonzero((links["link"] != links["blob"]) & (links["blob"] >= 0))
    own, held = (rows_of(links[name][other], blobs["blob"]) for name in ("link", "blob"))
    chosen = (own >= 0) & (held >= 0)
    own, held = own[chosen], held[chosen]
    is_there = blobs["present"][own] == 1
    return own[is_there], held[is_there]


def _without(chosen: Flags, gone: Flags | None) -> Flags:
    return chosen if gone is None else chosen & ~gone


def recent_blobs(reg: Registry, min_age: dt.timedelta = MIN_AGE) -> Flags:
    """For each blob whether a push under way may own it, whatever leads to it."""
    blobs, links, uploads = (columns(reg, name) for name in ("blobs", "repository_blobs", "uploads"))
    if not reg.source.trusts_times:
        return np.zeros(len(blobs["blob"]), np.bool_)
    recent = is_recent(blobs["stored_at"], reg, min_age)
    busy = np.unique(uploads["repository"][is_recent(uploads["started_at"], reg, min_age)])
    owned = is_recent(links["linked_at"], reg, min_age) | np.isin(links["repository"], busy)
    rows = rows_of(links["blob"][owned], blobs["blob"])
    recent[rows[rows >= 0]] = True
    return recent


def is_recent(times: Numbers, reg: Registry, min_age: dt.timedelta) -> Flags:
    """Which times are less than `min_age` before the source was read; those that are not known are not."""
    since = (reg.source.read_at - min_age - _EPOCH) // dt.timedelta(microseconds=1)
    found: Flags = (times != NA_INT) & (times > since)
    return found


@dataclass(frozen=True, slots=True)
class Open:
    """What cannot be known of the whole source."""

    untagged: bool
    unreferenced: bool


def open_questions(reg: Registry, reached: Reach) -> tuple[Open, Numbers]:
    """What is unknown altogether, and rows of blobs that an unread manifest may have."""
    source = reg.source
    incomplete = not reg.sees_every_reference
    unread, linked_there = _unread(reg, reached)
    if not source.keeps_links or "v1" in source.layouts[0]:
        incomplete |= unread
    return Open(incomplete or bool(source.tags_elsewhere), incomplete), linked_there


def _unread(reg: Registry, reached: Reach) -> tuple[bool, Numbers]:
    """Whether a manifest that is there was not read, and rows of blobs that repositories link which have such."""
    manifests, blobs = columns(reg, "manifests"), columns(reg, "blobs")["blob"]
    if "v1" in reg.source.layouts[0]:
        return _v1_chain_ends(reg, reached), np.empty(0, np.int64)
    lacking = (manifests["present"] == 1) & (manifests["kind"] < 0)
    linked, links = columns(reg, "repository_manifests"), columns(reg, "repository_blobs")
    row = rows_of(linked["manifest"], manifests["manifest"])
    by_child = reached.child_manifests @ lacking.astype(np.int64) > 0
    concerned = np.unique(linked["repository"][(row >= 0) & (lacking | by_child)[row]])
    rows = rows_of(links["blob"][np.isin(links["repository"], concerned)], blobs)
    return bool(lacking.any()), rows[rows >= 0]


def _v1_chain_ends(reg: Registry, reached: Reach) -> bool:
    """Whether the ancestors of an image that a tag names are not all known."""
    layers, manifests = columns(reg, "layers"), columns(reg, "manifests")
    standing = column_counts(through(reached.tag_manifests, reached.manifest_layers)) > 0
    ends = layers["layer"][standing & (layers["parent"] < 0)]
    rows = rows_of(ends, manifests["manifest"])
    absent = (rows < 0) | (manifests["present"][rows] != 1)
    rules = [reg.name_code(rule) for rule in RULES if rule.startswith("v1-json")]
    problems = columns(reg, "problems")
    unread = problems["manifest"][np.isin(problems["rule"], [rule for rule in rules if rule >= 0])]
    tagged = manifests["manifest"][column_counts(reached.tag_manifests) > 0]
    without_chain = ~np.isin(tagged, columns(reg, "manifest_layers")["manifest"])
    return bool(absent.any() or np.isin(ends, unread).any() or without_chain.any())
