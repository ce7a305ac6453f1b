"""What a Distribution collector sees of a storage, as arrays: nothing here depends on what is deleted before.

Digests count as they are written: a collector marks ``sha512:…`` where a manifest says so, and finds no such blob.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.collectors.verdict import Abort, find, pairs, pick
from regviz.analysis.reach import columns, incidence, rows_of
from regviz.analysis.states import links_elsewhere
from regviz.graph.values import texts
from regviz.manifests.media_types import SCHEMA1, SCHEMA1_SIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.analysis.collectors.verdict import Array, Flags, Numbers
    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

UNREADABLE = (
    "manifest-unreadable",
    "manifest-unknown",
    "manifest-version",
    "manifest-artifact-kind",
    "manifest-oversized",
    "blob-empty",
    "unreadable",
)
"""Rules of manifests that no collector can read."""
_BROKEN_LINKS = ("empty", "malformed", "missing")
_MALFORMED = -2
_ALGORITHMS = ("sha256", "sha384", "sha512")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DOMAIN = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?"
_NAME = re.compile(rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*")
"""What servers take a directory for; the first part may be that of a host (reference/regexp.go)."""
_LONGEST_NAME = 255


class Seen:
    """A storage as a collector sees it.

    Attributes
    ----------
    names : list of str
        Repositories, in the order of their rows.
    walk : dict of str to array of int
        For each part that makes a repository (``_layers``, ``_manifests``) the place of every repository in the walk;
        -1 where it has no such part, and is not seen.
    repository, manifest : array of int
        Of each revision link the row of its repository and of its manifest.
    ingested : array of int
        For each revision link the revision that it makes a collector look at: itself, or none (-1).
    document : array of int
        For each revision link the row of the manifest whose content lies there.
    served : array of bool
        For each revision link whether that content is there.
    lists : csr_array
        Manifests × blobs: what each lists, one level down.
    lists_manifests : csr_array
        Manifests × manifests, the same.
    needs : csr_array
        Manifests × blobs: what lies under what they list; a sha512 link leads to a sha256.
    own_blob, config : array of int
        For each manifest the row of its blob, and of its configuration's.
    elsewhere : (array of int, array of int)
        Of damaged links the blob that they should lead to, and that to which they do: a configuration that lies
        under the latter may be written as the former.
    present : array of bool
        For each blob.
    """

    def __init__(self, reg: Registry) -> None:
        self.reg = reg
        repositories = columns(reg, "repositories")
        self._repository_codes = repositories["repository"]
        self.names = [str(name) for name in texts(reg, "name", repositories["repository"])]
        self.walk = {
            "_layers": self._order(repositories["has_layers"] == 1, "_layers"),
            "_manifests": self._order(repositories["has_manifests"] == 1, "_manifests"),
        }
        blobs = columns(reg, "blobs")
        self.blob, self.present = blobs["blob"], blobs["present"] == 1
        self.manifest_code = columns(reg, "manifests")["manifest"]
        self.own_blob = rows_of(self.manifest_code, self.blob)
        self._revisions()
        self._lists()
        self._links()
        self.tag_repository, self.tag_manifest, self.tag_state = self._tags()
        self.no_tags = self._repositories_with("tags-missing")

    def _order(self, visible: Flags, part: str) -> Numbers:
        place = np.full(len(self.names), -1, np.int64)
        rows = np.flatnonzero(visible)
        walked = sorted(rows.tolist(), key=lambda row: [part.encode() for part in (*self.names[row].split("/"), part)])
        place[walked] = np.arange(len(walked))
        return place

    def _bad(self, states: Array) -> Flags:
        return np.isin(states, [_MALFORMED, *(self.reg.name_code(state) for state in _BROKEN_LINKS)])

    def _as_servers_see(self, states: Array, target: Array) -> Array:
        """States of links: one to a digest of an algorithm that servers do not know is malformed to them.

        Digests are sorted by their texts, so nearly all lie between the first and the last of sha256.
        """
        is_named = np.zeros(int(target.max(initial=-1)) + 2, np.bool_)  # the last for NA
        is_named[target] = True
        codes = np.flatnonzero(is_named[:-1])
        known = [bisect_left(codes, text, key=self._text) for text in ("sha256:", "sha256;")]
        others = np.concatenate([codes[: known[0]], codes[known[1] :]])
        strange = [code for code in others.tolist() if self._text(code).partition(":")[0] not in _ALGORITHMS]
        return np.where(np.isin(target, strange), _MALFORMED, states) if strange else states

    def _text(self, code: int) -> str:
        return self.reg.code_texts("digest", np.array([code], np.int32))[0]

    def _revisions(self) -> None:
        linked = columns(self.reg, "repository_manifests")
        self.repository = rows_of(linked["repository"], self._repository_codes)
        self.manifest = rows_of(linked["manifest"], self.manifest_code)
        keys = pairs(linked["repository"], linked["manifest"])
        target, strange = self._targets(keys, linked["manifest"])
        self.revision_state = self._as_servers_see(linked["link_state"], target)
        if strange:
            self.revision_state = self.revision_state.copy()
            self.revision_state[strange] = _MALFORMED
        good = ~self._bad(self.revision_state)
        self.document = rows_of(target, self.manifest_code)
        self.served = good & pick(self.present, pick(self.own_blob, self.document, -1))
        row = find(pairs(linked["repository"], target), keys)
        self.ingested = np.where(good & pick(self.served, row), row, -1)
        self._revision_keys = keys

    def _targets(self, keys: Numbers, target: Array) -> tuple[Array, list[int]]:
        """What revision links hold, of those that name another digest by their problems; and rows of strange ones."""
        problems, strange = columns(self.reg, "problems"), list[int]()
        rows = np.flatnonzero(problems["rule"] == self.reg.name_code("revision-link-mismatch"))
        if not len(rows):
            return target, strange
        target = target.copy()
        places = find(pairs(problems["repository"][rows], problems["manifest"][rows]), keys)
        for row, detail in zip(places.tolist(), texts(self.reg, "text", problems["detail"][rows]), strict=True):
            held = str(detail).strip("'")
            if row >= 0:
                target[row] = self.reg.key_code(held)
                strange += [] if held.partition(":")[0] in _ALGORITHMS else [row]
        return target, strange

    def _lists(self) -> None:
        manifests, steps = columns(self.reg, "manifests"), columns(self.reg, "manifest_layers")
        references = columns(self.reg, "manifest_references")
        listed = references["role"] != self.reg.name_code("subject")
        owner = np.concatenate(
            [self.manifest_code, steps["manifest"], references["manifest"][listed]], dtype=np.int64, casting="unsafe"
        )
        digest = np.concatenate([manifests["config"], steps["digest"], references["child"][listed]])
        owner = rows_of(owner, self.manifest_code)
        shape = len(self.manifest_code), len(self.blob)
        self.lists: Incidence = incidence(owner, rows_of(digest, self.blob), shape)
        self.config = rows_of(manifests["config"], self.blob)
        self.elsewhere = links_elsewhere(self.reg)
        lies = np.concatenate([manifests["config"], steps["blob"], references["child"][listed]])
        is_same = bool((lies == digest).all())
        self.needs: Incidence = self.lists if is_same else incidence(owner, rows_of(lies, self.blob), shape)
        shape = len(self.manifest_code), len(self.manifest_code)
        self.lists_manifests: Incidence = incidence(owner, rows_of(digest, self.manifest_code), shape)

    def _links(self) -> None:
        links = columns(self.reg, "repository_blobs")
        self.link_repository = rows_of(links["repository"], self._repository_codes)
        self.link_state = self._as_servers_see(links["link_state"], links["blob"])
        self.link_keys = pairs(links["repository"], links["link"])
        self.link_blob = rows_of(links["link"], self.blob)
        good = ~self._bad(self.link_state)
        held = rows_of(links["blob"], self.blob)
        row = find(pairs(links["repository"], links["blob"]), self.link_keys)
        there = good & (row >= 0) & pick(good, row) & pick(self.present, pick(held, row, -1))
        self.link_listed = np.where(there, row, -1)
        """For each layer link the one whose digest a collector lists: its own, or that which a sha512 leads to."""

    def _tags(self) -> tuple[Numbers, Numbers, Array]:
        tags = columns(self.reg, "tags")
        repository = rows_of(tags["repository"], self._repository_codes)
        states = self._as_servers_see(tags["link_state"], tags["manifest"])
        return repository, rows_of(tags["manifest"], self.manifest_code), states

    def _repositories_with(self, rule: str) -> Flags:
        problems = columns(self.reg, "problems")
        found = problems["repository"][problems["rule"] == self.reg.name_code(rule)]
        return np.isin(self._repository_codes, found)

    def revision_of(self, repository: Numbers, manifest: Numbers) -> Numbers:
        """Rows of revision links, by rows of repositories and of manifests; -1 where there is none."""
        return find(
            pairs(pick(self._repository_codes, repository, -1), pick(self.manifest_code, manifest, -1)),
            self._revision_keys,
        )

    def link_of(self, repository: Numbers, blob: Numbers) -> Numbers:
        """Rows of layer links, by rows of repositories and of blobs; -1 where there is none."""
        return find(pairs(pick(self._repository_codes, repository, -1), pick(self.blob, blob, -1)), self.link_keys)

    def unreadable(self, *, schema1: bool) -> Mapping[int, str]:
        """Rows of manifests that are there and that a collector cannot read, with the rule that says so."""
        problems, found = columns(self.reg, "problems"), dict[int, str]()
        for rule in UNREADABLE:
            rows = problems["rule"] == self.reg.name_code(rule)
            for column in ("manifest", "blob"):
                for row in rows_of(problems[column][rows], self.manifest_code).tolist():
                    found.setdefault(row, rule)
        if not schema1:
            media_types = [self.reg.name_code(kind) for kind in (SCHEMA1, SCHEMA1_SIGNED)]
            old = np.isin(columns(self.reg, "manifests")["media_type"], [code for code in media_types if code >= 0])
            found |= dict.fromkeys(np.flatnonzero(old).tolist(), "")
        found.pop(-1, None)
        return found

    def state_is(self, states: Array, wanted: str) -> Flags:
        """Which links are in a state."""
        code = self.reg.name_code(wanted)
        found: Flags = (states >= 0) & (states == code)
        return found | (states == _MALFORMED) if wanted == "malformed" else found

    def digest(self, manifest: int) -> str:
        """Digest of a row of manifests."""
        return self.reg.code_texts("digest", self.manifest_code[[manifest]])[0]

    def invalid_name(self, place: Numbers) -> int:
        """The first repository of a walk whose name a server refuses; -1 where there is none."""
        bad = [
            row
            for row, name in enumerate(self.names)
            if place[row] >= 0 and (len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None)
        ]
        return min(bad, key=lambda row: int(place[row]), default=-1)

    def sweep_abort(self) -> Abort | None:
        """What stops a collector when it looks for blobs."""
        problems = columns(self.reg, "problems")
        rows = np.flatnonzero(problems["rule"] == self.reg.name_code("blob-path-invalid"))
        if not len(rows):
            return None
        path = min(str(path) for path in texts(self.reg, "text", problems["path"][rows]))
        reason = f"{path} in the store of blobs is no digest; it stops when all is marked, before a blob is deleted"
        return Abort(reason, "blob-path-invalid", subject=path, sweeping=True)
