"""Layers as manifests list them: descriptors, those that images share once, and what they make of a manifest."""

from __future__ import annotations

from array import array
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, text
from regviz.manifests.memo import Memo, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.facts import Facts

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
        self._memo = Memo(self._read)
        self._column = facts.steps.column("descriptor")
        self._types: dict[str, int] = {}
        self._is_foreign: list[bool] = []
        self._type_of = array("i", bytes(4 * facts.descriptors.numbered))
        self._kinds: dict[tuple[str, str, frozenset[int]], str] = {}

    def add_raw(self, arrays: Sequence[bytes]) -> tuple[list[int], list[Types]]:
        """Take the layers of some manifests, as they are written; returns how many each has, and of which types.

        What is no object is left out.
        """
        rows, counts = without(*self._memo.numbers(arrays))
        self._column.extend_numbers(rows)
        how_many = counts.tolist()
        types = np.frombuffer(self._type_of, np.int32)[rows]
        if len(types) and (types == types[0]).all():
            alike, none = frozenset(types[:1].tolist()), frozenset[int]()
            return how_many, [alike if count else none for count in how_many]
        each = iter(types.tolist())
        return how_many, [frozenset(islice(each, count)) for count in how_many]

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

    def _add(self, layers: list[Document], *, throwaway: bool = False) -> range:
        media_types = [text(layer.get("mediaType")) for layer in layers]
        for media_type in {*media_types}.difference(self._types):
            self._types[media_type] = len(self._types)
            self._is_foreign.append(mt.is_foreign(media_type))
        numbers = [*map(self._types.__getitem__, media_types)]
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
