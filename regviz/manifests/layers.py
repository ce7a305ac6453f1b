"""Layers as manifests list them: descriptors, those that images share once, and what they make of a manifest."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.manifests import media_types as mt
from regviz.manifests.found import look_through, values_of
from regviz.manifests.json import Document, text
from regviz.manifests.memo import Memo, decoding, without
from regviz.native import Bounds, Texts
from regviz.native.documents import ANYTHING, MISSING, Members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.native.documents import Listed

    Codes = NDArray[np.int32]
    Counts = NDArray[np.int64]

_WANTED = Members({"digest": '"', "mediaType": '"', "size": ANYTHING, "urls": MISSING})

Types = frozenset[int]
"""Media types of a manifest's layers, as numbers."""


class Layers:
    """Puts the layers of manifests into `descriptors` and `steps`; rows of `descriptors` stand for them."""

    def __init__(self, facts: Facts) -> None:
        self._numbers = facts.descriptors.numbers
        self._columns = [
            facts.descriptors.column(name).staged
            for name in ("digest", "media_type", "declared_bytes", "foreign", "throwaway")
        ]
        self._facts = facts
        self._memo, self._media_types = Memo(), Memo()
        self._column = facts.steps.column("descriptor")
        self._types: dict[str, int] = {}
        self._is_foreign: list[bool] = []
        self._type_of = array("i", bytes(4 * facts.descriptors.numbered))
        self._kinds: dict[tuple[str, str, frozenset[int]], str] = {}

    def add_raw(self, arrays: Sequence[bytes]) -> tuple[list[int], list[Types]]:
        """Take the layers of some manifests, as they are written; returns how many each has, and of which types.

        What is no object is left out.
        """
        counts, sets, types = self._taken(*self._memo.numbers(arrays, self._read))
        return counts.tolist(), [types[at] for at in sets.tolist()]

    def add_found(self, text: bytes, layers: Listed) -> tuple[Counts, Counts, list[Types]]:
        """The same for layers that stand in a text: how many, and which one of some sets of types each manifest has."""
        return self._taken(*self._memo.numbers_in(text, layers, self._add_found))

    def _taken(self, numbers: Codes, counts: Counts) -> tuple[Counts, Counts, list[Types]]:
        rows, counts = without(numbers, counts)
        self._column.extend_numbers(rows)
        types = np.frombuffer(self._type_of, np.int32)[rows]
        if len(types) and (types == types[0]).all():
            return counts, (counts > 0).astype(np.int64), [frozenset[int](), frozenset(types[:1].tolist())]
        raw, ends = types.tobytes(), np.cumsum(counts) * types.itemsize
        said = [raw[start:end] for start, end in pairwise([0, *ends.tolist()])]
        place = {each: number for number, each in enumerate(dict.fromkeys(said))}
        sets = [frozenset(np.frombuffer(each, np.int32).tolist()) for each in place]
        return counts, np.array([place[each] for each in said], np.int64), sets

    def add(self, layers: list[Document]) -> tuple[int, Types]:
        """Take the layers of one manifest; returns how many there are, and of which types."""
        rows = self._add(layers)
        self._column.staged += rows
        return len(rows), frozenset(map(self._type_of.__getitem__, rows))

    def add_schema1(self, steps: list[tuple[object, bool]]) -> int:
        """Take blobs and whether each is a throwaway; returns how many there are."""
        for blob, throwaway in steps:
            self._column.staged += self._add([{"digest": blob}], throwaway=throwaway)
        return len(steps)

    def kind(self, config_type: str, artifact_type: str, types: Types) -> str:
        """What the manifest is that has these layers; see :func:`regviz.manifests.media_types.manifest_kind`."""
        asked = (config_type, artifact_type, types)
        kind = self._kinds.get(asked)
        if kind is None:
            names = list(self._types)
            kind = self._kinds[asked] = mt.manifest_kind(
                config_type, artifact_type, frozenset(names[number] for number in types)
            )
        return kind

    def _read(self, layers: list[Any]) -> list[int]:
        numbers = iter(self._add([layer for layer in layers if isinstance(layer, dict)]))
        return [next(numbers) if isinstance(layer, dict) else -1 for layer in layers]

    def _add_found(self, text: bytes, layers: Bounds) -> Codes:
        """Take layers that stand in a text, those natively that are as nearly all are; returns their numbers."""
        found, good = look_through(Texts(text, layers), _WANTED)
        digests, are_digests = found.digests("digest")
        good &= are_digests
        plain, descriptors = found.only(good), self._facts.descriptors
        descriptors.key("digest").extend_raw(digests[good])
        types = self._media_types.of(text, plain.bounds("mediaType"), decoding(self._type_numbers))
        self._type_of.frombytes(types.tobytes())
        names = np.array(self._facts.names.codes([*self._types]), np.int32)
        descriptors.column("media_type").extend_numbers(names[types])
        descriptors.column("declared_bytes").extend_numbers(plain.sizes("size"))
        descriptors.column("foreign").extend_numbers(np.array(self._is_foreign, np.int8)[types])
        descriptors.column("throwaway").extend_numbers(np.zeros(len(types), np.int8))
        numbers = np.empty(len(good), np.int32)
        numbers[good] = self._numbers(len(types))
        if not good.all():
            numbers[~good] = self._read(values_of(text, Bounds(layers.starts[~good], layers.ends[~good])))
        return numbers

    def _type_numbers(self, media_types: list[Any]) -> list[int]:
        """Numbers of media types."""
        for media_type in {*media_types}.difference(self._types):
            self._types[media_type] = len(self._types)
            self._is_foreign.append(mt.is_foreign(media_type))
        return [*map(self._types.__getitem__, media_types)]

    def _add(self, layers: list[Document], *, throwaway: bool = False) -> range:
        media_types = [text(layer.get("mediaType")) for layer in layers]
        numbers = self._type_numbers(media_types)
        self._type_of.extend(numbers)
        digest, kind, declared_bytes, foreign, throwaways = self._columns
        digest += [layer.get("digest") for layer in layers]
        kind += media_types
        declared_bytes += [layer.get("size") for layer in layers]
        foreign += [
            self._is_foreign[number] or bool(layer.get("urls")) for number, layer in zip(numbers, layers, strict=True)
        ]
        throwaways += [throwaway] * len(layers)
        return self._numbers(len(layers))
