"""Distribution's storage: every registry since 2015 that keeps files (Docker Registry 2.x, CNCF Distribution 3.x, Harbor, GitLab)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble import assemble
from regviz.columns import Facts
from regviz.layouts.distribution.flat import Flat
from regviz.layouts.distribution.grammar import GITLAB_LOCKS, PROXY_MARK
from regviz.layouts.distribution.inventory import Inventory
from regviz.layouts.distribution.walk import Walk
from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from regviz.layouts.common import Options
    from regviz.registry import Registry, Source
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the storage whose ``v2`` directory lies at `root`."""
    facts = Facts()
    inventory = Inventory(facts, options.links)
    with options.progress("directories" if storage.walkable else "entries", None) as tick:
        if storage.walkable:
            walk = Walk(storage, root, inventory, tick)
            walk.blobs()
            walk.repositories()
            source = _marked(source, _marks_around(storage, root), root)
        else:
            flat = Flat(storage, root, inventory, tick)
            flat.read()
            source = _marked(source, flat.outside, root)
    inventory.count_inodes_once()
    documents = _Documents(storage, root, inventory, options)
    documents.manifests()
    documents.configs()
    return assemble(facts, options.finish(storage, facts, source))


def _above(root: bytes) -> bytes:
    """Where marks lie: the registry's root directory, that ``docker/registry/v2`` was made in."""
    above = root.removesuffix(b"docker/registry/v2")
    return above if above.endswith(b"/") or not above else above + b"/"


def _marks_around(storage: Storage, root: bytes) -> set[bytes]:
    """Files that may be marks, in a walked storage."""
    above = _above(root)
    locks = above + GITLAB_LOCKS
    found = {above + name for name in storage.children(above.rstrip(b"/")).files}
    return found | {locks + b"/" + name for name in storage.children(locks).files}


def _marked(source: Source, files: set[bytes], root: bytes) -> Source:
    """The source with what lies beside its storage, and changes what absence means."""
    above = _above(root)
    harbor = next((part for part in Path(source.uri).parts if "harbor" in part.lower()), "")
    return replace(
        source,
        proxy_cache=above + PROXY_MARK in files,
        names_in_database=above + GITLAB_LOCKS + b"/database-in-use" in files,
        tags_elsewhere=f"the path says {harbor}" if harbor else "",
    )


class _Documents:
    """Reads manifests, what they refer to, and configurations, each once."""

    def __init__(self, storage: Storage, root: bytes, inventory: Inventory, options: Options) -> None:
        self._storage, self._facts, self._options = storage, inventory.facts, options
        self._root = root + b"/" if root else b""
        self._facts.spill(0)
        keys = len(self._facts.keys)
        self._row = np.full(keys, -1, np.int32)
        stored = self._facts.stored
        self._row[stored["blob"]] = np.arange(len(stored["blob"]), dtype=np.int32)
        self._sizes = np.asarray(stored["stored_bytes"])
        self._locators = np.concatenate(inventory.locators) if inventory.locators else None

    def manifests(self) -> None:
        """Every manifest that a link names, then what those list, until nothing new is named."""
        facts = self._facts
        reader = ManifestReader(facts)
        named = [facts.revisions["manifest"], facts.tags["manifest"], facts.tag_history["manifest"]]
        blob = facts.names.code("blob")
        done = np.empty(0, np.int32)
        while True:
            wanted = np.setdiff1d(np.unique(np.concatenate(named)), done)
            wanted = wanted[wanted >= 0]
            if not len(wanted):
                reader.finish()
                return
            done = np.concatenate([done, wanted])
            with self._options.progress("manifests", len(wanted)) as tick:
                for digest, data in self._contents(wanted, "manifest", tick):
                    reader.read(digest, data)
            facts.spill(0)
            references = facts.references
            named = [references["child"][references["role"] != blob], references["attests"]]

    def configs(self) -> None:
        """The configuration of every image."""
        facts = self._facts
        reader = ConfigReader(facts)
        wanted = np.unique(facts.manifests["config"][facts.manifests["image"] == 1])
        wanted = wanted[wanted >= 0]
        alias = {
            int(link): int(blob)
            for link, blob in zip(facts.links["link"].tolist(), facts.links["blob"].tolist(), strict=True)
            if link != blob and blob >= 0
        } if len(facts.links) else {}
        resolved = {alias.get(code, code): code for code in wanted.tolist()}
        with self._options.progress("configurations", len(wanted)) as tick:
            for digest, data in self._contents(np.array(sorted(resolved), np.int32), "config", tick, resolved):
                reader.read(digest, data)

    def _contents(
        self, wanted: Codes, role: str, tick: Callable[[int], None], names: dict[int, int] | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Digest and content of each of these blobs that is there, can be read and is no larger than it may be."""
        wanted = wanted[wanted < len(self._row)]
        wanted = wanted[self._row[wanted] >= 0]
        rows = self._row[wanted]
        sizes = self._sizes[rows]
        small = sizes <= MANIFEST_LIMIT
        texts = self._facts.keys.texts(wanted)
        for at in np.flatnonzero(~small).tolist():
            self._facts.problem("manifest-oversized", detail=f"{sizes[at]} bytes", **{"manifest" if role == "manifest" else "blob": texts[at]})
        keep = np.flatnonzero(small).tolist()
        locators = [self._path(texts[at]) for at in keep] if self._locators is None else self._locators[rows[small]].tolist()
        for number, data in self._storage.read_many(locators, sizes[small].tolist(), MANIFEST_LIMIT):
            tick(1)
            digest = texts[keep[number]]
            if data is None:
                self._facts.problem("unreadable", blob=digest, path=decode_name(self._path(digest)))
            elif not data:
                self._facts.problem("blob-empty", blob=digest)
            else:
                if names:
                    code = int(wanted[keep[number]])
                    digest = self._facts.keys.text(names.get(code, code))
                yield digest, data

    def _path(self, digest: str) -> bytes:
        algorithm, _, encoded = digest.encode().partition(b":")
        return self._root + b"blobs/" + algorithm + b"/" + encoded[:2] + b"/" + encoded + b"/data"


