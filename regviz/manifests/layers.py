"""Layers as manifests list them: descriptors, those that images share once, and what they make of a manifest."""

from __future__ import annotations

from array import array
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, load_objects, text
from regviz.manifests.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from regviz.facts import Facts


class Layers:
    """Puts the layers of manifests into `descriptors` and `steps`; rows of `descriptors` stand for them."""

    def __init__(self, facts: Facts) -> None:
        self._numbers = facts.descriptors.numbers
        self._columns = [
            facts.descriptors.column(name).staged
            for name in ("digest", "media_type", "declared_bytes", "foreign", "throwaway")
        ]
        self._memo = Memo(self._read)
        self._staged = facts.steps.column("descriptor").staged
        self._types: dict[str, int] = {}
        self._is_foreign: list[bool] = []
        self._type_of = array("i", bytes(4 * facts.descriptors.numbered))
        self._kinds: dict[tuple[str, str, frozenset[int]], str] = {}

    def add_raw(self, lists: Sequence[list[msgspec.Raw]]) -> list[list[int]]:
        """Take the layers of some manifests, as they are written; what is no object is left out."""
        rows = self._memo.numbers(map(bytes, chain.from_iterable(lists)))
        each = iter(rows)
        of_manifests = [[*islice(each, count)] for count in map(len, lists)]
        if -1 in rows:
            of_manifests = [[row for row in some if row >= 0] for some in of_manifests]
            rows = [row for row in rows if row >= 0]
        self._staged += rows
        return of_manifests

    def add(self, layers: list[Document]) -> list[int]:
        """Take the layers of one manifest."""
        rows = self._add(layers)
        self._staged += rows
        return [*rows]

    def add_schema1(self, steps: list[tuple[object, bool]]) -> int:
        """Take blobs and whether each is a throwaway; returns how many there are."""
        for blob, throwaway in steps:
            self._staged += self._add([{"digest": blob}], throwaway=throwaway)
        return len(steps)

    def kind(self, config_type: str, artifact_type: str, rows: list[int]) -> str:
        """What the manifest is that has these layers; see :func:`regviz.manifests.media_types.manifest_kind`."""
        asked = (config_type, artifact_type, frozenset(map(self._type_of.__getitem__, rows)))
        kind = self._kinds.get(asked)
        if kind is None:
            types = list(self._types)
            kind = self._kinds[asked] = mt.manifest_kind(
                config_type, artifact_type, frozenset(types[number] for number in asked[2])
            )
        return kind

    def _read(self, data: list[bytes]) -> list[int]:
        layers = load_objects(data)
        numbers = iter(self._add([layer for layer in layers if layer is not None]))
        return [-1 if layer is None else next(numbers) for layer in layers]

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
