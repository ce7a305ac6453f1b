"""What a collector keeps, and breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.collectors.verdict import pairs
from regviz.analysis.reach import columns, reach, rows_of
from regviz.graph.values import texts

if TYPE_CHECKING:
    from regviz.analysis.collectors.verdict import Array, Numbers, Verdict
    from regviz.registry import Registry


def what_breaks(reg: Registry, verdict: Verdict) -> list[dict[str, Any]]:
    """What a collector keeps, and breaks; see :func:`garbage`.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis.collectors import collect
    >>> reg = rv.read()
    >>> what_breaks(reg, collect(reg, "distribution-2.8"))
    []
    """
    rows = verdict.broken
    if not len(rows):
        return []
    linked, manifests = columns(reg, "repository_manifests"), columns(reg, "manifests")
    manifest = rows_of(linked["manifest"][rows], manifests["manifest"])
    losses = _Losses(reg, verdict)
    lost = [losses.first(row, at) for row, at in zip(rows.tolist(), manifest.tolist(), strict=True)]
    made: dict[str, list[Any]] = {
        "repository": texts(reg, "name", linked["repository"][rows]),
        "manifest": texts(reg, "digest", linked["manifest"][rows]),
        "kind": texts(reg, "name", manifests["kind"][manifest]),
        "tags": _tags_of(reg, linked["repository"][rows], manifest),
        "lost": [what for what, _ in lost],
        "digest": texts(reg, "digest", np.array([digest for _, digest in lost], np.int32)),
    }
    return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]


def _tags_of(reg: Registry, repositories: Array, manifests: Numbers) -> list[int]:
    """How many tags of a repository lead to a manifest."""
    reaching, of_tag = reach(reg).tag_manifests.tocsc(), columns(reg, "tags")["repository"]
    tags = [reaching.indices[reaching.indptr[at] : reaching.indptr[at + 1]] for at in manifests.tolist()]
    return [int((of_tag[some] == own).sum()) for some, own in zip(tags, repositories.tolist(), strict=True)]


class _Losses:
    """What manifests lose first: themselves, the configuration, a layer, a child, a link to a layer."""

    def __init__(self, reg: Registry, verdict: Verdict) -> None:
        self._linked, self._manifests = columns(reg, "repository_manifests"), columns(reg, "manifests")
        blobs, links = columns(reg, "blobs")["blob"], columns(reg, "repository_blobs")
        self._gone = blobs[verdict.blobs]
        unlinked = verdict.manifests
        self._unlinked = set(pairs(self._linked["repository"][unlinked], self._linked["manifest"][unlinked]).tolist())
        self._links = set(pairs(links["repository"][verdict.links], links["link"][verdict.links]).tolist())
        codes = self._linked["manifest"][verdict.broken]
        steps, references = columns(reg, "manifest_layers"), columns(reg, "manifest_references")
        is_child = references["role"] != reg.name_code("subject")
        self._layers = _Grouped(codes, steps["manifest"], steps["blob"])
        self._children = _Grouped(codes, references["manifest"][is_child], references["child"][is_child])

    def first(self, row: int, manifest: int) -> tuple[str, int]:
        """What a revision link's manifest loses first."""
        code, repository = int(self._linked["manifest"][row]), int(self._linked["repository"][row])
        named = {
            "manifest": np.array([code]),
            "config": self._manifests["config"][[manifest]],
            "layer": self._layers.of(code),
            "child": self._children.of(code),
        }
        for what, digests in named.items():
            gone = digests[np.isin(digests, self._gone)].tolist()
            if what == "child":
                own = pairs(np.full(len(digests), repository), digests).tolist()
                gone += [digest for digest, pair in zip(digests.tolist(), own, strict=True) if pair in self._unlinked]
            if gone:
                return what, gone[0]
        every = np.concatenate([*named.values()])
        own = pairs(np.full(len(every), repository), every).tolist()
        return "link", next((d for d, pair in zip(every.tolist(), own, strict=True) if pair in self._links), -1)


class _Grouped:
    """Values of some owners, by owner."""

    def __init__(self, wanted: Array, owners: Array, values: Array) -> None:
        chosen = np.flatnonzero(np.isin(owners, wanted))
        chosen = chosen[np.argsort(owners[chosen], kind="stable")]
        self._owners, self._values = owners[chosen], values[chosen]

    def of(self, owner: int) -> Array:
        """The values of one."""
        first, behind = np.searchsorted(self._owners, [owner, owner + 1])
        found: Array = self._values[first:behind]
        return found
