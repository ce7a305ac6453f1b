"""Distribution's storage, of every registry since 2015 that keeps files: Docker Registry 2.x, 3.x, Harbor, GitLab."""

from __future__ import annotations

import hashlib
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
from regviz.storage.base import MANIFEST_LIMIT, is_walkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.layouts.common import Options, Tick
    from regviz.registry import Registry, Source
    from regviz.storage.base import Storage, Walkable

    Codes = NDArray[np.int32]

_BATCH = 4096
_HASHES = ("sha256", "sha384", "sha512")


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the storage whose ``v2`` directory lies at `root`."""
    facts = Facts()
    inventory = Inventory(facts, options.links)
    with options.progress("directories" if is_walkable(storage) else "entries", None) as tick:
        if is_walkable(storage):
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
    options.measure_storage(storage, root, source, facts)
    return assemble(facts, options.finish(storage, facts, source))


def _above(root: bytes) -> bytes:
    """Where marks lie: the registry's root directory, that ``docker/registry/v2`` was made in."""
    above = root.removesuffix(b"docker/registry/v2")
    return above if above.endswith(b"/") or not above else above + b"/"


def _marks_around(storage: Walkable, root: bytes) -> set[bytes]:
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
        self._row = np.full(keys + 1, -1, np.int32)
        links, blobs = self._facts.links["link"], self._facts.links["blob"]
        elsewhere = (links != blobs) & (blobs >= 0)
        self._alias = np.arange(keys, dtype=np.int32)
        self._alias[links[elsewhere]] = blobs[elsewhere]
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
            wanted = wanted[np.argsort(facts.keys.ranks()[wanted])]  # in the order of the tables
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
        wanted = facts.manifests["config"][facts.manifests["image"] == 1]
        _, first = np.unique(wanted, return_index=True)
        wanted = wanted[np.sort(first)]  # in the order of the manifests, so that what they say lies in that order too
        wanted = wanted[wanted >= 0]
        with self._options.progress("configurations", len(wanted)) as tick:
            for digest, data in self._contents(wanted, "config", tick):
                reader.read(digest, data)

    def _contents(self, wanted: Codes, role: str, tick: Tick) -> Iterator[tuple[str, bytes]]:
        """Digest and content of each of these blobs that is there, can be read and is no larger than it may be."""
        places = self._place(wanted)
        wanted, places = wanted[places >= 0], places[places >= 0]
        rows = self._row[places]
        if self._locators is not None:
            order = np.argsort(self._locators[rows], kind="stable")
            wanted, places, rows = wanted[order], places[order], rows[order]
        large = self._sizes[rows] > MANIFEST_LIMIT
        for code, row in zip(wanted[large].tolist(), rows[large].tolist(), strict=True):
            digest, detail = self._facts.keys.text(code), f"{self._sizes[row]} bytes"
            if role == "manifest":
                self._facts.problem("manifest-oversized", manifest=digest, detail=detail)
            else:
                self._facts.problem("manifest-oversized", blob=digest, detail=detail)
        wanted, places, rows = wanted[~large], places[~large], rows[~large]
        batch = len(wanted) if self._storage.forward_only else _BATCH
        for start in range(0, len(wanted), max(batch, 1)):
            part = slice(start, start + batch)
            yield from self._batch(wanted[part], places[part], rows[part])
            tick(len(wanted[part]))

    def _batch(self, wanted: Codes, places: Codes, rows: Codes) -> Iterator[tuple[str, bytes]]:
        digests = self._facts.keys.texts(wanted)
        if self._locators is None:
            locators: Sequence[bytes | int] = [self._path(digest) for digest in self._facts.keys.texts(places)]
        else:
            locators = self._locators[rows].tolist()
        for number, data in self._storage.read_many(locators, self._sizes[rows].tolist(), MANIFEST_LIMIT):
            if data:
                if self._options.verify:
                    self._verify(digests[number], data)
                yield digests[number], data
            elif data is None:
                self._facts.problem("unreadable", blob=digests[number])
            else:
                self._facts.problem("blob-empty", blob=digests[number])

    def _verify(self, digest: str, data: bytes) -> None:
        algorithm, _, encoded = digest.partition(":")
        if algorithm in _HASHES:
            found = hashlib.new(algorithm, data).hexdigest()
            self._facts.verified.add(digest, found == encoded)
            if found != encoded:
                self._facts.problem("digest-mismatch", blob=digest, detail=f"its content has {algorithm}:{found}")

    def _place(self, codes: Codes) -> Codes:
        """Keys that the blobs of these digests lie under; -1 where nothing lies."""
        known = codes < len(self._alias)
        places = (
            np.where(known, self._alias[np.where(known, codes, 0)], -1) if len(self._alias) else np.full(len(codes), -1)
        )
        return np.where(self._row[places] >= 0, places, -1).astype(np.int32)

    def _path(self, digest: str) -> bytes:
        algorithm, _, encoded = digest.encode().partition(b":")
        return self._root + b"blobs/" + algorithm + b"/" + encoded[:2] + b"/" + encoded + b"/data"
