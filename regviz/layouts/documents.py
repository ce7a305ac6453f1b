"""Manifests and configurations, read from where they lie under their digests; every layout of digests uses this."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np

from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.memory import give_back
from regviz.storage.base import MANIFEST_LIMIT, Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.common import Options, Tick
    from regviz.native import Texts
    from regviz.storage.base import Storage, Walkable

    Codes = NDArray[np.int32]

_BATCH = 4096
_USUAL = 16384  # bytes that hardly any document has; longer ones are read once their length is known
_HASHES = ("sha256", "sha384", "sha512")
_DEEPEST = 100
"""Levels of indexes that list indexes: each is one more pass over the source, and nobody nests more than three."""


class Documents:
    """Reads manifests, what they refer to, and configurations, each once.

    They are read in the order in which they are named: a repository's images repeat most of their layers and steps,
    and what was met a moment ago need not be parsed again.

    Parameters
    ----------
    storage : Storage
    facts : Facts
        Whose `stored` says what lies there, with every link and blob found; results go there too.
    options : Options
    paths : callable
        Takes codes of digests; returns the paths of their blobs, for a storage that is read by paths.
    locators : array of int, optional
        For a storage that is read by locators: one for each row of ``facts.stored``.
    inline : mapping of str to bytes, optional
        Contents that descriptors carry, for what does not lie there.
    """

    def __init__(
        self,
        storage: Storage,
        facts: Facts,
        options: Options,
        *,
        paths: Callable[[Codes], Sequence[bytes]],
        locators: NDArray[np.int64] | None = None,
        inline: Mapping[str, bytes] | None = None,
    ) -> None:
        self._storage, self._facts, self._options = storage, facts, options
        self._inline = inline or {}
        self._paths, self._locators = paths, locators
        self._read = {"manifest": np.zeros(0, np.bool_), "config": np.zeros(0, np.bool_)}
        self._measured: list[tuple[Codes, Stats]] | None = None
        self.locate()

    def locate(self) -> None:
        """Know where what is stored lies, and how long it is."""
        facts = self._facts
        facts.spill(0)
        give_back()
        keys = len(facts.keys)
        self._row = np.full(keys + 1, -1, np.int32)
        links, blobs = facts.links["link"], facts.links["blob"]
        elsewhere = (links != blobs) & (blobs >= 0)
        self._alias = np.arange(keys, dtype=np.int32)
        self._alias[links[elsewhere]] = blobs[elsewhere]
        stored = facts.stored
        self._row[stored["blob"]] = np.arange(len(stored["blob"]), dtype=np.int32)
        self._sizes = np.asarray(stored["stored_bytes"])

    def read_ahead(self, *named: Codes) -> list[tuple[Codes, Stats]]:
        """Read before anything is known to be stored what is as usual: a file is measured as it is opened.

        Returns codes of what was read, and facts on it. The rest is read by the other methods, once it is known what is
        stored; to measure each file before that would take a sixth longer.
        """
        self._measured = []
        self.manifests(*named)
        self.configs()
        measured, self._measured = self._measured, None
        return measured

    def manifests(self, *named: Codes) -> None:
        """Every manifest that is named, then what those list, until nothing new is named."""
        facts = self._facts
        reader = ManifestReader(facts)
        blob = facts.names.code("blob")
        done = np.zeros(0, np.bool_)
        for depth in count():
            wanted = _once(np.concatenate(named))
            done = np.append(done, np.zeros(len(facts.keys) - len(done), np.bool_))
            wanted = wanted[~done[wanted]]
            if depth == _DEEPEST and self._measured is None:
                for digest in facts.keys.texts(wanted):
                    facts.problem("index-too-deep", manifest=digest)
            if not len(wanted) or depth == _DEEPEST:
                break
            done[wanted] = True
            with self._options.progress("manifests", len(wanted)) as tick:
                self._read_with(reader, wanted, "manifest", tick)
            facts.spill(0)
            give_back()
            references = facts.references
            named = references["child"][references["role"] != blob], references["attests"]
        reader.finish()

    def configs(self) -> None:
        """The configuration of every image."""
        facts = self._facts
        reader = ConfigReader(facts)
        wanted = _once(facts.manifests["config"][facts.manifests["image"] == 1])
        with self._options.progress("configurations", len(wanted)) as tick:
            self._read_with(reader, wanted, "config", tick)

    def _read_with(self, reader: ManifestReader | ConfigReader, wanted: Codes, role: str, tick: Tick) -> None:
        """Have a reader read those of these blobs that were not read yet."""
        for each, read in self._read.items():
            self._read[each] = np.append(read, np.zeros(len(self._facts.keys) - len(read), np.bool_))
        wanted = wanted[~self._read[role][wanted]]
        if self._measured is None:
            reader.read_many(self._contents(wanted, role, tick))
        else:
            for keys, documents in self._usual(wanted, role, tick):
                reader.read_texts(keys, documents)

    def _contents(self, wanted: Codes, role: str, tick: Tick) -> Iterator[tuple[int, bytes]]:
        """Key and content of each of these blobs that is there, can be read and is no larger than it may be."""
        places = self._place(wanted)
        if self._inline:
            absent = wanted[places < 0]
            for key, digest in zip(absent.tolist(), self._facts.keys.texts(absent), strict=True):
                if digest in self._inline:
                    yield key, self._inline[digest]
        wanted, places = wanted[places >= 0], places[places >= 0]
        rows = self._row[places]
        large = self._sizes[rows] > MANIFEST_LIMIT
        for code, row in zip(wanted[large].tolist(), rows[large].tolist(), strict=True):
            concerned = {"manifest" if role == "manifest" else "blob": code}
            self._facts.problem("manifest-oversized", **concerned, detail=f"{self._sizes[row]} bytes")
        wanted, places, rows = wanted[~large], places[~large], rows[~large]
        batch = len(wanted) if self._storage.forward_only else _BATCH
        for start in range(0, len(wanted), max(batch, 1)):
            part = slice(start, start + batch)
            yield from self._batch(wanted[part], places[part], rows[part])
            tick(len(wanted[part]))

    def _usual(self, wanted: Codes, role: str, tick: Tick) -> Iterator[tuple[list[int], Texts]]:
        """Keys and contents of those that lie where they should, and are as usual."""
        known = wanted[wanted < len(self._alias)]
        wanted = np.setdiff1d(wanted, known[self._alias[known] != known], assume_unique=True)
        storage, measured = cast("Walkable", self._storage), cast("list[tuple[Codes, Stats]]", self._measured)
        for start in range(0, len(wanted), _BATCH):
            keys = wanted[start : start + _BATCH]
            for whole in storage.read_whole(self._paths(keys), _USUAL):
                if whole is None:
                    return
                some, keys = keys[: len(whole.good)], keys[len(whole.good) :]
                good = some[whole.good]
                new = ~(self._read["manifest"][good] | self._read["config"][good])  # one may be both
                self._read[role][good] = True
                measured.append((good[new], Stats(*(column[new] for column in whole.facts))))
                if self._options.verify:
                    for key, data in zip(good.tolist(), whole.contents.take(np.arange(len(good))), strict=True):
                        self._verify(key, data)
                    self._facts.verified.spill()
                yield good.tolist(), whole.contents
                tick(len(some))

    def _batch(self, wanted: Codes, places: Codes, rows: Codes) -> Iterator[tuple[int, bytes]]:
        keys = wanted.tolist()
        if self._locators is None:
            locators: Sequence[bytes | int] = self._paths(places)
        else:
            locators = self._locators[rows].tolist()
        for number, data in self._storage.read_many(locators, self._sizes[rows].tolist(), MANIFEST_LIMIT):
            if data:
                if self._options.verify:
                    self._verify(keys[number], data)
                yield keys[number], data
            else:
                self._facts.problem("unreadable" if data is None else "blob-empty", blob=keys[number])

    def _verify(self, key: int, data: bytes) -> None:
        algorithm, _, encoded = self._facts.keys.text(key).partition(":")
        if algorithm in _HASHES:
            found = hashlib.new(algorithm, data).hexdigest()
            self._facts.verified.add(key, found == encoded)
            if found != encoded:
                self._facts.problem("digest-mismatch", blob=key, detail=f"its content has {algorithm}:{found}")

    def _place(self, codes: Codes) -> Codes:
        """Keys that the blobs of these digests lie under; -1 where nothing lies."""
        known = codes < len(self._alias)
        places = (
            np.where(known, self._alias[np.where(known, codes, 0)], -1) if len(self._alias) else np.full(len(codes), -1)
        )
        return np.where(self._row[places] >= 0, places, -1).astype(np.int32)


def _once(codes: Codes) -> Codes:
    """Each code once, in the order of their first places; NA is left out."""
    found, first = np.unique(codes, return_index=True)
    return codes[np.sort(first[found >= 0])]
