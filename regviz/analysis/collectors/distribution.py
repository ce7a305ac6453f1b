"""Distribution's ``registry garbage-collect``, of 2.8 and of 3.x, without and with ``-m``.

Both mark what each linked manifest lists, and delete what is not marked (storage/garbagecollect.go, vacuum.go):

========  ==========================================  ==============================================
step      2.8                                         3.x
========  ==========================================  ==============================================
walks     repositories with ``_layers``               repositories with ``_manifests``
marks     one level                                   children too that the repository links, where
                                                      they are marked for the first time
``-m``    manifests without a tag are not marked,     the same, and keep their links if anything
          and lose their links                        marks them in the end
deletes   blobs                                       blobs, and layer links whose digest is not
                                                      marked when their repository is done
========  ==========================================  ==============================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.collectors.aborts import Aborts
from regviz.analysis.collectors.marking import NEVER, Marking, listed_by
from regviz.analysis.collectors.verdict import Verdict, pick

if TYPE_CHECKING:
    from regviz.analysis.collectors.seen import Seen
    from regviz.analysis.collectors.verdict import Deletion, Flags, Numbers


class DistributionCollector:
    """One of the four, asked any number of times.

    Parameters
    ----------
    seen : Seen
    name : str
        Its name.
    """

    def __init__(self, seen: Seen, name: str) -> None:
        self._seen, self._name = seen, name
        old, self._drops_untagged = name.startswith("distribution-2.8"), name.endswith("-m")
        self._is_old = old
        self._place = seen.walk["_layers" if old else "_manifests"]
        self._is_seen = pick(self._place, seen.repository, -1) >= 0
        self._marking = Marking(seen, self._place, recursive=not old)
        self._aborts = Aborts(seen, self._place, old=old, drops_untagged=self._drops_untagged)
        self._sweep_abort = seen.sweep_abort()
        self._needed_by = seen.needs.T.tocsr()
        self._indexes = seen.lists_manifests.T.tocsr()
        self._tag_revision = seen.revision_of(seen.tag_repository, seen.tag_manifest)

    def collect(self, without: Deletion) -> Verdict:
        """What it does once that was deleted."""
        seen = self._seen
        has_revision = self._tag_revision >= 0
        tag_gone = without.tags | pick(without.manifests, self._tag_revision)
        alive = (seen.ingested >= 0) & self._is_seen & ~without.manifests & ~pick(without.manifests, seen.ingested)
        events = np.flatnonzero(alive)
        looked_at = seen.ingested[events]
        manifests = np.zeros(len(alive), np.bool_)
        dropped = np.empty(0, np.int64)
        if self._drops_untagged:
            tagged = np.zeros(len(alive), np.bool_)
            tagged[self._tag_revision[has_revision & ~tag_gone]] = True
            dropped = looked_at[~tagged[looked_at]]
            manifests[dropped] = True
            looked_at = looked_at[tagged[looked_at]]
        marks = self._marking.mark(looked_at, without)
        stopped = self._aborts.first(without.manifests, tag_gone, events, marks) or self._sweep_abort
        if stopped is not None and not stopped.sweeping:
            manifests[:] = False
        elif not self._is_old:
            # there a repository without tags is passed over, and what is marked in the end keeps its links
            manifests &= ~seen.no_tags[seen.repository] & (marks.marked_at[seen.manifest] == NEVER)
        blobs, links = np.zeros(len(seen.blob), np.bool_), np.zeros(len(seen.link_keys), np.bool_)
        error = None
        if stopped is None:
            error = self._dropped_twice(dropped[manifests[dropped]])
            first_mark = self._marking.first_marks(marks)
            blobs = seen.present & (first_mark == NEVER)
            if not self._is_old:
                links, twice = self._unmarked_links(first_mark)
                error = error or twice
        broken = self._broken(blobs, manifests, links, without)
        return Verdict(self._name, stopped, blobs, manifests, links, broken, error)

    def _dropped_twice(self, dropped: Numbers) -> str | None:
        """Two links of one repository may hold the digest of one manifest, which is gone when its turn comes again."""
        times = np.bincount(dropped, minlength=1)
        if times.max() < 2:
            return None
        name = self._seen.names[self._seen.repository[int(times.argmax())]]
        return f"it deletes a manifest of {name} twice, and ends with an error before any blob is deleted"

    def _unmarked_links(self, first_mark: Numbers) -> tuple[Flags, str | None]:
        """Layer links whose digest was not marked when their repository was done."""
        seen = self._seen
        place = pick(self._place, seen.link_repository, -1)
        marked = pick(first_mark, pick(seen.link_blob, seen.link_listed, -1), int(NEVER))
        gone = seen.link_listed[(seen.link_listed >= 0) & (place >= 0) & (marked > place)]
        links = np.zeros(len(place), np.bool_)
        links[gone] = True
        times = np.bincount(gone, minlength=1)
        if times.max() < 2:
            return links, None
        name = seen.names[seen.link_repository[int(times.argmax())]]
        return links, f"it deletes a layer link of {name} twice, and ends with an error; blobs are deleted by then"

    def _broken(self, blobs: Flags, manifests: Flags, links: Flags, without: Deletion) -> Numbers:
        """Revision links that stay, and lose something that they lead to."""
        seen, own = self._seen, self._seen.own_blob
        loses = (seen.needs @ blobs.astype(np.int64) > 0) | pick(blobs, own)
        broken = pick(loses, seen.document)
        gone = np.flatnonzero(manifests)
        index, of = listed_by(self._indexes, seen.manifest[gone])
        rows = [seen.revision_of(seen.repository[gone][of], index)]
        gone = np.flatnonzero(links & (seen.link_blob >= 0))
        owner, of = listed_by(self._needed_by, seen.link_blob[gone])
        rows.append(seen.revision_of(seen.link_repository[gone][of], owner))
        losing = np.concatenate(rows)
        broken[losing[losing >= 0]] = True
        return np.flatnonzero(broken & seen.served & ~manifests & ~without.manifests)
