"""What stops a Distribution collector while it marks: the first thing in its walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.collectors.marking import NEVER
from regviz.analysis.collectors.verdict import Abort, pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.analysis.collectors.marking import Marks
    from regviz.analysis.collectors.seen import Seen
    from regviz.analysis.collectors.verdict import Flags, Numbers

    Cause = tuple[tuple[int, int, int, int], Abort]

_WHAT = {
    "manifest-unreadable": "is no JSON object",
    "manifest-unknown": "is of an unknown media type",
    "manifest-artifact-kind": "is an artifact manifest, which no collector knows",
    "manifest-version": "has another schemaVersion than 2",
    "manifest-oversized": "is larger than 4 MiB",
    "blob-empty": "is empty",
    "unreadable": "cannot be read",
    "": "is of schema 1, which 3.x does not know",
}


class Aborts:
    """Knows all that can stop one of the collectors.

    Parameters
    ----------
    seen : Seen
    place : array of int
        For each repository its place in the walk; -1 for one that is not seen.
    old : bool
        2.8, not 3.x.
    drops_untagged : bool
        ``-m``.
    """

    def __init__(self, seen: Seen, place: Numbers, *, old: bool, drops_untagged: bool) -> None:
        self._seen, self._place = seen, place
        self._is_old, self._drops_untagged = old, drops_untagged
        self._unreadable = seen.unreadable(schema1=old)
        self._always = [*self._names(), *(() if old else self._layers())]

    def first(self, deleted: Flags, tag_gone: Flags, events: Numbers, marks: Marks) -> Abort | None:
        """The first thing that stops it.

        Parameters
        ----------
        deleted, tag_gone : array of bool
            Revision links and tags that are gone.
        events : array of int
            Revision links that it looks into.
        marks : Marks
        """
        causes = [*self._always, *self._revisions(deleted), *self._documents(marks)]
        if self._drops_untagged:
            causes += self._tags(tag_gone, events)
        return min(causes, key=lambda cause: cause[0])[1] if causes else None

    # Each cause has its place in the walk; a repository's manifests come before its layers.

    def _names(self) -> Iterator[Cause]:
        seen = self._seen
        if (row := seen.invalid_name(self._place)) >= 0:
            reason = f"{seen.names[row]} is no valid name of a repository"
            yield (int(self._place[row]), -1, 0, 0), Abort(reason, "name-invalid", seen.names[row], seen.names[row])

    def _states(self, states: Numbers) -> Iterator[tuple[str, Flags]]:
        for state in ("empty", "malformed"):
            yield state, self._seen.state_is(states, state)

    def _revisions(self, deleted: Flags) -> Iterator[Cause]:
        seen = self._seen
        place = pick(self._place, seen.repository, -1)
        for state, is_so in self._states(seen.revision_state):
            for row in np.flatnonzero(is_so & (place >= 0) & ~deleted).tolist():
                name, digest = seen.names[seen.repository[row]], seen.digest(int(seen.manifest[row]))
                reason = f"the link of manifest {digest} in {name} is {state}"
                where = int(place[row]), 0, int(seen.manifest[row]), 0
                yield where, Abort(reason, f"revision-link-{state}", name, digest)

    def _documents(self, marks: Marks) -> Iterator[Cause]:
        seen = self._seen
        for row, rule in self._unreadable.items():
            place = int(marks.read_at[row])
            if place != NEVER:
                [at] = np.flatnonzero(self._place == place).tolist()
                name, digest = seen.names[at], seen.digest(row)
                yield (place, 0, row, 1), Abort(f"manifest {digest} of {name} {_WHAT[rule]}", rule, name, digest)

    def _tags(self, tag_gone: Flags, events: Numbers) -> Iterator[Cause]:
        """With ``-m`` all tags of a repository are read for each of its manifests."""
        seen = self._seen
        first = np.full(len(seen.names), NEVER, np.int64)
        np.minimum.at(first, seen.repository[events], seen.manifest[events])
        if self._is_old:
            for row in np.flatnonzero(seen.no_tags & (first != NEVER)).tolist():
                name = seen.names[row]
                where = int(self._place[row]), 0, int(first[row]), 0
                yield where, Abort(f"{name} has manifests and no tags directory", "tags-missing", name, name)
        tags = seen.reg.columns("tags")["tag"]
        for state, is_so in self._states(seen.tag_state):
            for row in np.flatnonzero(is_so & ~tag_gone & (first[seen.tag_repository] != NEVER)).tolist():
                at = int(seen.tag_repository[row])
                [tag] = seen.reg.code_texts("name", tags[[row]])
                where, name = (int(self._place[at]), 0, int(first[at]), 0), seen.names[at]
                yield where, Abort(f"the link of tag {name}:{tag} is {state}", f"tag-link-{state}", name, tag)

    def _layers(self) -> Iterator[Cause]:
        """3.x reads every layer link, and wants their directory."""
        seen = self._seen
        place = pick(self._place, seen.link_repository, -1)
        for state, is_so in self._states(seen.link_state):
            for row in np.flatnonzero(is_so & (place >= 0)).tolist():
                name = seen.names[seen.link_repository[row]]
                [digest] = seen.reg.code_texts("digest", seen.reg.columns("repository_blobs")["link"][[row]])
                reason = f"the link of layer {digest} in {name} is {state}"
                yield (int(place[row]), 1, row, 0), Abort(reason, f"layer-link-{state}", name, digest)
        for row in np.flatnonzero((self._place >= 0) & (seen.walk["_layers"] < 0)).tolist():
            name = seen.names[row]
            yield (int(self._place[row]), 1, 0, 0), Abort(f"{name} has no _layers directory", "", name, name)
