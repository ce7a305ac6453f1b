"""Manifests and configurations of a live registry, each read once: from the cache, or a repository that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.live import fetch
from regviz.live.crew import each
from regviz.live.pairs import first_of_each, join, pack, without
from regviz.live.referrers import Referrers
from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.columns import Facts
    from regviz.layouts.common import Options
    from regviz.live.cache import Cache
    from regviz.live.fetch import Fetched, Wanted
    from regviz.live.http import Client
    from regviz.live.pairs import Codes, Pairs

_BATCH = 4096
_DEEPEST = 100
"""How many steps are followed from what a tag leads to: a server could make up more for ever."""


class Documents:
    """Reads what repositories serve.

    A *pair* is a repository (its row) and a key (its code) in one number; see :mod:`regviz.live.pairs`.

    Parameters
    ----------
    client : Client
    cache : Cache
    options : Options
    facts : Facts
        Where everything goes.
    repositories : list of str
        Their names, as the registry has them, by row.

    Attributes
    ----------
    gone : set of int
        Pairs of which the registry said that it does not have them, of blobs.
    """

    def __init__(self, client: Client, cache: Cache, options: Options, facts: Facts, repositories: list[str]) -> None:
        self._client, self._cache, self._options, self._facts = client, cache, options, facts
        self._repositories = repositories
        self._reader = ManifestReader(facts)
        self._read: set[bytes] = set()
        self._unread: set[int] = set()
        self._referrers = Referrers(client)
        self.gone: set[int] = set()

    def serve(self, row: int, digest: str, linked_at: int = NO_TIME) -> bool:
        """Take down that a repository serves a manifest; whether that was not read yet."""
        self._facts.revisions.add(row, digest, "unchecked", linked_at, 0)
        return _short(digest) not in self._read

    def take_manifest(self, found: Fetched) -> None:
        """Take a manifest that was fetched, once."""
        short = _short(found.digest)
        if found.data is not None and short not in self._read:
            self._read.add(short)
            self._keep(found)
            self._reader.read(found.digest, found.data)

    def fail(self, row: int, found: Fetched) -> None:
        """Take down what went wrong: its repository is not whole, and it is taken as there, but not read."""
        facts = self._facts
        name = clean(self._repositories[row])
        facts.problem(found.rule, repository=name, blob=found.digest, detail=clean(found.detail))
        facts.repositories.column("complete").set(row, 0)
        if found.digest:
            if found.rule == "digest-mismatch":
                facts.verified.add(found.digest, False)
            self._unread.add(facts.keys.code(found.digest))

    def follow(self) -> None:
        """Read every manifest that is served, what those list, and what refers to them, until nothing is new."""
        self._once()
        revisions = self._facts.revisions
        known: Pairs = np.unique(pack(revisions["repository"], revisions["manifest"]))
        self._fetch(self._not_read(known), "manifests", served=True)
        for _ in range(_DEEPEST):
            found = without(self._listed(), known)
            if not len(found):
                found = without(self._referring(), known)
                if not len(found):
                    break
            known = np.union1d(known, found)
            self._fetch(found, "manifests that others lead to", served=False)
        else:
            self._facts.problem("pages-broken", detail=f"manifests lead to others without an end ({_DEEPEST} steps)")
            self._facts.repositories["complete"][:] = 0
        self._reader.finish()
        self._once()

    def configs(self) -> None:
        """Read the configuration of every image."""
        facts = self._facts
        facts.spill(0)
        reader = ConfigReader(facts)
        images = facts.manifests["image"] == 1
        owner, config = facts.manifests["manifest"][images], facts.manifests["config"][images]
        at, row = join(owner, facts.revisions["manifest"], facts.revisions["repository"])
        wanted = pack(row, config[at])
        kept = set(np.intersect1d(config, facts.stored["blob"]).tolist())  # a configuration that is a manifest too
        failed: dict[int, tuple[int, Fetched]] = {}
        for pair, found in self.ask_each(np.unique(wanted[config[at] >= 0]), fetch.blob, "configurations"):
            code, where = int(pair >> 32), int(pair & 0xFFFFFFFF)
            if found.gone:
                self.gone.add(pair)
            if found.data is None:
                failed.setdefault(code, (where, found))
                continue
            failed.pop(code, None)
            if code not in kept:
                self._keep(found)
            reader.read(found.digest, found.data)
        for where, found in failed.values():
            if not found.gone:
                self.fail(where, found)

    def unread(self) -> Codes:
        """Keys of what is served, or was to be read, and could not be."""
        return np.setdiff1d(np.array(sorted(self._unread), np.int32), self._facts.stored["blob"])

    def ask_each(
        self, pairs: Pairs, work: Callable[[Client, Wanted], Fetched], noun: str
    ) -> Iterator[tuple[int, Fetched]]:
        """Ask for each key once, a repository that has it; where that fails, the next one."""
        texts = self._facts.keys.texts
        while len(pairs):
            first = first_of_each(pairs)
            now, later = pairs[first], pairs[~first]
            failed: list[int] = []
            with self._options.progress(noun, len(now)) as tick:
                for start in range(0, len(now), _BATCH):
                    part = now[start : start + _BATCH]
                    digests = texts((part >> 32).astype(np.int32))
                    asked: dict[Wanted, int] = {}
                    for pair, digest in zip(part.tolist(), digests, strict=True):
                        data = self._cache.get(digest) if work is not fetch.blob_size else None
                        if data is not None:
                            tick(1)
                            yield pair, fetch.Fetched(digest, data, verified=True)
                        else:
                            row = pair & 0xFFFFFFFF
                            asked[fetch.Wanted(row, self._repositories[row], digest)] = pair
                    for wanted, found in each(lambda w: work(self._client, w), asked, self._client.connections):
                        tick(1)
                        if found.rule:
                            failed.append(asked[wanted] >> 32)
                        yield asked[wanted], found
            pairs = later[np.isin(later >> 32, failed)]

    def _fetch(self, pairs: Pairs, noun: str, *, served: bool) -> None:
        """Read the manifests of pairs; if they are not `served` already, they are where they can be read."""
        is_read = np.isin(pairs >> 32, self._facts.stored["blob"])
        shared = pairs[is_read]
        gone: set[int] = set()
        failed: dict[int, tuple[int, Fetched]] = {}
        for pair, found in self.ask_each(pairs[~is_read], fetch.manifest, noun):
            if found.data is not None:
                self.take_manifest(found)
                failed.pop(pair >> 32, None)
            elif found.gone and not served:
                gone.add(pair)
            else:
                if found.gone:
                    found.rule, found.detail = "answer-failed", f"it is listed, and not served: {found.detail}"
                failed.setdefault(pair >> 32, (pair & 0xFFFFFFFF, found))
        for row, found in failed.values():
            self.fail(row, found)
        if served:
            return
        more = np.concatenate([shared, pairs[~is_read]])
        more = more[~np.isin(more, np.fromiter(gone, np.int64, len(gone)))]
        lost = np.array(sorted({pair >> 32 for pair in gone} - self._unread), np.int64)
        absent = np.setdiff1d(lost, self._facts.stored["blob"])
        more = more[~np.isin(more >> 32, absent)]
        revisions = self._facts.revisions
        revisions.column("repository").extend_numbers(more & 0xFFFFFFFF)
        revisions.column("manifest").extend_numbers(more >> 32)
        revisions.text("state").repeat("unchecked", len(more))
        revisions.column("linked_at").extend_numbers(np.full(len(more), NO_TIME, np.int64))
        revisions.column("is_root").extend_numbers(np.zeros(len(more), np.int8))

    def _keep(self, found: Fetched) -> None:
        data = found.data or b""
        size = len(data) if found.verified else NO_NUMBER
        self._facts.stored.add(found.digest, size, NO_NUMBER, NO_TIME, None)
        if found.verified:
            self._facts.verified.add(found.digest, True)
            self._cache.put(found.digest, data)

    def _not_read(self, pairs: Pairs) -> Pairs:
        failed = np.fromiter(self._unread, np.int64, len(self._unread))
        return pairs[~np.isin(pairs >> 32, np.concatenate([failed, self._facts.stored["blob"]]))]

    def _listed(self) -> Pairs:
        """What is listed by what a repository serves, and so should be served by it."""
        facts = self._facts
        facts.spill(0)
        references = facts.references
        here = (references["role"] != facts.names.code("blob")) & (references["child"] >= 0)
        owner = facts.manifests["manifest"][references["manifest"][here]]
        at, row = join(owner, facts.revisions["manifest"], facts.revisions["repository"])
        return np.unique(pack(row, references["child"][here][at]))

    def _referring(self) -> Pairs:
        """What a registry says refers to the manifests that its repositories serve."""
        facts = self._facts
        facts.spill(0)
        served = pack(facts.revisions["repository"], facts.revisions["manifest"])
        asked = self._referrers.not_asked(np.unique(served))
        found: list[int] = []
        digests = facts.keys.texts((asked >> 32).astype(np.int32))
        wanted = [
            fetch.Wanted(row, self._repositories[row], digest)
            for row, digest in zip((asked & 0xFFFFFFFF).tolist(), digests, strict=True)
        ]
        for subject, answer in self._referrers.ask(wanted, self._options):
            if answer.problem is not None:
                rule, detail = answer.problem.rule, f"referrers: {answer.problem}"
                self._facts.problem(
                    rule, repository=clean(subject.repository), manifest=subject.reference, detail=clean(detail)
                )
                self._facts.repositories.column("complete").set(subject.row, 0)
            found += [facts.keys.code(digest) << 32 | subject.row for digest in answer.digests]
        return np.unique(np.array(found, np.int64))

    def _once(self) -> None:
        """Keep one row for each manifest that a repository serves, with its time if any has one."""
        revisions = self._facts.revisions
        pairs = pack(revisions["repository"], revisions["manifest"])
        order = np.lexsort((-revisions["linked_at"], pairs))  # NA, the least of all, comes last
        revisions.keep(np.sort(order[np.concatenate(([True], pairs[order][1:] != pairs[order][:-1]))[: len(order)]]))


def _short(digest: str) -> bytes:
    """A digest in less room."""
    encoded = digest.removeprefix("sha256:")
    try:
        return bytes.fromhex(encoded)
    except ValueError:
        return digest.encode()
