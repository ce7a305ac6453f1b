"""What tables show to be wrong when they are held against each other."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.assemble.steps import spread
from regviz.sorting import stable_order, unlike_last
from regviz.spread import parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.source import Source

    Codes = NDArray[np.int32]


def find_problems(draft: Draft, source: Source) -> None:
    """Add what references that lead nowhere tell, to ``facts.problems``."""
    finder = _Finder(draft, source)
    finder.tags()
    finder.manifests()
    finder.blobs()
    finder.repositories()


_ELSEWHERE = {
    "child-missing": "child-elsewhere",
    "manifest-missing": "blob-elsewhere",
    "config-missing": "blob-elsewhere",
    "layer-missing": "blob-elsewhere",
}
"""What absence is called where the specification lets blobs lie in another store (image-spec image-layout.md)."""


class _Pairs:
    """Pairs of a repository and a key, codes less than `keys`, to tell which others are not among them."""

    def __init__(self, repository: Codes, key: Codes, keys: int) -> None:
        self._repository, self._key, self._keys = repository, key, keys
        self._one = np.full(keys, -1, np.int32)  # a repository of each key; few keys have two
        self._one[key] = repository

    def lack(self, repository: Codes, key: Codes) -> NDArray[np.bool_]:
        """For each of other pairs whether it is not there."""
        lacking: NDArray[np.bool_] = self._one[key] != repository
        rest = np.flatnonzero(lacking)
        if len(rest):
            wanted = self._pair(repository[rest], key[rest])
            lacking[rest] = self._sorted[np.searchsorted(self._sorted, wanted)] != wanted
        return lacking

    @cached_property
    def _sorted(self) -> NDArray[np.int64]:
        pairs = np.append(self._pair(self._repository, self._key), np.iinfo(np.int64).max)
        pairs.sort()
        return pairs

    def _pair(self, repository: Codes, key: Codes) -> NDArray[np.int64]:
        pairs = repository.astype(np.int64)
        pairs *= self._keys
        pairs += key
        return pairs


class _Finder:
    def __init__(self, draft: Draft, source: Source) -> None:
        self._facts, self._tables, self._source = draft.facts, draft.tables, source
        self._draft = draft
        keys = len(draft.facts.keys) + 1
        blobs, manifests = draft.tables["blobs"], draft.tables["manifests"]
        self._present = np.zeros(keys, np.bool_)
        self._present[blobs["blob"][blobs["present"] == 1]] = True
        self._present[manifests["manifest"][manifests["present"] == 1]] = True
        served = draft.tables["repository_manifests"]
        # a live registry's links are taken from what it answers
        good = (served["link_state"] == self._code("ok")) | (served["link_state"] == self._code("unchecked"))
        repository, manifest = served["repository"][good], served["manifest"][good]
        self._served = _Pairs(repository, manifest, keys)
        order = stable_order([manifest, repository])
        repository, manifest = repository[order], manifest[order]
        once = unlike_last([manifest, repository])
        self._serves = repository[once]  # for each manifest in turn: who serves it
        served_somewhere, counts = np.unique(manifest[once], return_counts=True)
        self._first = np.zeros(keys + 1, np.int32)
        self._first[served_somewhere + 1] = counts
        np.cumsum(self._first, out=self._first)
        # a digest that only a sparse or caching registry would lack is no error there
        self._absence = "proxy-absent" if source.proxy_cache else ""
        self._elsewhere = _ELSEWHERE if source.may_be_sparse else {}

    def tags(self) -> None:
        """Tags and their histories that lead to nothing served."""
        tags = self._tables["tags"]
        lost = (tags["manifest"] >= 0) & self._served.lack(tags["repository"], tags["manifest"])
        for row in np.flatnonzero(lost).tolist():
            self._say("tag-dangling", tags, row, detail=self._name(tags["tag"][row]))
        history = self._tables["tag_history"]
        past = (history["current"] == 0) & self._served.lack(history["repository"], history["manifest"])
        for row in np.flatnonzero(past).tolist():
            self._say("tag-history-dangling", history, row, detail=self._name(history["tag"][row]))

    def manifests(self) -> None:
        """Manifests that are named, and absent or not served."""
        served = self._tables["repository_manifests"]
        lost = (served["link_state"] == self._code("ok")) & ~self._present[served["manifest"]]
        for row in np.flatnonzero(lost).tolist():
            self._say("manifest-missing", served, row)
        references = self._tables["manifest_references"]
        role, child = references["role"], references["child"]
        is_subject, is_blob = role == self._code("subject"), role == self._code("blob")
        absent = ~self._present[child]
        for row in np.flatnonzero(absent & is_subject).tolist():
            self._say("subject-missing", references, row, blob=child[row])
        for row in np.flatnonzero(absent & is_blob).tolist():
            self._say(self._absence or "layer-missing", references, row, blob=child[row])
        for row in np.flatnonzero(absent & ~is_subject & ~is_blob).tolist():
            self._say(self._absence or "child-missing", references, row, blob=child[row])
        if not self._source.keeps_links:
            return
        here = np.flatnonzero(~absent & ~is_subject & ~is_blob)
        index_of, repository_of = self._serving(references["manifest"][here])
        unlinked = self._served.lack(repository_of, child[here[index_of]])
        for at in np.flatnonzero(unlinked).tolist():
            row = int(here[index_of[at]])
            self._say(self._absence or "child-unlinked", references, row, blob=child[row], repository=repository_of[at])

    def blobs(self) -> None:
        """Configurations and layers that are absent, or not linked where the image is served."""
        manifests, layers = self._tables["manifests"], self._draft.layers()
        read = manifests["kind"] >= 0
        config = manifests["config"]
        for row in np.flatnonzero(read & (config >= 0) & ~self._present[config]).tolist():
            self._say(self._absence or "config-missing", manifests, row, blob=config[row])
        for part in layers.parts():
            blob = layers.part("blob", part)
            absent = np.flatnonzero((blob >= 0) & ~self._present[blob])
            if not len(absent):
                continue
            owner, foreign = (layers.part(name, part)[absent].tolist() for name in ("manifest", "foreign"))
            for key, manifest, is_foreign in zip(blob[absent].tolist(), owner, foreign, strict=True):
                rule = "foreign-layer" if is_foreign == 1 else self._absence or "layer-missing"
                self._facts.problem(self._elsewhere.get(rule, rule), manifest=manifest, blob=key)
        links = self._tables["repository_blobs"]
        dangling = (links["blob"] >= 0) & ~self._present[links["blob"]]
        if not self._source.keeps_links:  # there one that nobody checked only tells where a blob lay
            dangling &= links["link_state"] == self._code("ok")
        for row in np.flatnonzero(dangling).tolist():
            self._say("link-dangling", links, row, blob=links["blob"][row])
        if self._source.keeps_links:
            self._unlinked_blobs()

    def _unlinked_blobs(self) -> None:
        """Each blob of each image that a repository serves needs a layer link of that repository."""
        manifests, layers = self._tables["manifests"], self._draft.layers()
        links = self._tables["repository_blobs"]
        linked = _Pairs(links["repository"], links["link"], len(self._present))
        said: set[tuple[int, int]] = set()
        for part in parts(len(manifests["manifest"])):
            owners, blobs = (manifests[name][part] for name in ("manifest", "config"))
            self._find_unlinked(owners, blobs, blobs, linked, said)
        for part in layers.parts():
            owners, blobs, lies = (layers.part(name, part) for name in ("manifest", "digest", "blob"))
            self._find_unlinked(owners, blobs, lies, linked, said)

    def _find_unlinked(
        self, owners: Codes, blobs: Codes, lies: Codes, linked: _Pairs, said: set[tuple[int, int]]
    ) -> None:
        """Say which of some images' blobs (their digests, and where those lie) no serving repository links to."""
        here = np.flatnonzero((lies >= 0) & self._present[lies])
        owners, blobs = owners[here], blobs[here]
        row_of, repository_of = self._serving(owners)
        for at in np.flatnonzero(linked.lack(repository_of, blobs[row_of])).tolist():
            row, repository = row_of[at], int(repository_of[at])
            pair = repository, int(blobs[row])
            if pair in said:
                continue
            said.add(pair)
            self._facts.problem(
                self._absence or "layer-unlinked",
                repository=self._name(repository),
                manifest=int(owners[row]),
                blob=int(blobs[row]),
            )

    def repositories(self) -> None:
        """Repositories that only one generation of servers lists; tags that may lie elsewhere."""
        repositories = self._tables["repositories"]
        only_old = (repositories["has_layers"] == 1) & (repositories["has_manifests"] == 0)
        for row in np.flatnonzero(only_old).tolist():
            self._say("repository-2.8-only", repositories, row)
        if self._source.tags_elsewhere:
            self._facts.problem("tags-elsewhere", detail=self._source.tags_elsewhere)
        if self._source.names_in_database:
            self._facts.problem("names-in-database")

    def _serving(self, manifests: Codes) -> tuple[Codes, Codes]:
        """For each manifest each repository that serves it: the number in `manifests`, and the repository."""
        start = self._first[manifests]
        number, place = spread(self._first[manifests + 1] - start)
        place += start[number]
        return number, self._serves[place]

    def _code(self, word: str) -> int:
        return self._facts.names.code(word)

    def _name(self, code: int) -> str | None:
        return self._facts.names.text(int(code)) if code >= 0 else None

    def _say(
        self,
        rule: str,
        table: Mapping[str, NDArray[Any]],
        row: int,
        *,
        blob: int = -1,
        repository: int = -1,
        detail: str | None = None,
    ) -> None:
        if "repository" in table:
            repository = int(table["repository"][row])
        manifest = int(table["manifest"][row]) if "manifest" in table else -1
        rule = self._elsewhere.get(rule, rule)
        self._facts.problem(rule, repository=self._name(repository), manifest=manifest, blob=int(blob), detail=detail)
