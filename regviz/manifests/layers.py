"""Layers as manifests list them: descriptors, those that images share once, and what they make of a manifest."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, cast

from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, load_objects, text
from regviz.manifests.memo import Memo

if TYPE_CHECKING:
    import msgspec

    from regviz.columns import Facts


class Layers:
    """Puts the layers of manifests into `descriptors` and `steps`; rows of `descriptors` stand for them."""

    def __init__(self, facts: Facts) -> None:
        self._numbers, self._stage = facts.descriptors.numbers, facts.descriptors.stage
        self._memo = Memo(self._read)
        self._staged = facts.steps.column("descriptor").staged
        self._types: dict[str, int] = {}
        self._is_foreign: list[bool] = []
        self._type_of = array("i", bytes(4 * facts.descriptors.numbered))
        self._kinds: dict[tuple[str, str, frozenset[int]], str] = {}

    def add_raw(self, layers: list[msgspec.Raw]) -> list[int]:
        """Take the layers of one manifest, as they are written; what is no object is left out."""
        rows = self._memo.numbers(map(bytes, layers))
        if -1 in rows:
            rows = [row for row in rows if row >= 0]
        self._staged += rows
        return rows

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
        if None not in layers:
            return [*self._add(layers)]
        return [-1 if layer is None else self._add([layer])[0] for layer in layers]

    def _add(self, layers: list[Document] | list[Document | None], *, throwaway: bool = False) -> range:
        for layer in layers:
            get = cast("Document", layer).get
            media_type = text(get("mediaType"))
            number = self._types.get(media_type)
            if number is None:
                number = self._types[media_type] = len(self._types)
                self._is_foreign.append(mt.is_foreign(media_type))
            self._type_of.append(number)
            foreign = self._is_foreign[number] or bool(get("urls"))
            self._stage((get("digest"), media_type or None, get("size"), foreign, throwaway))
        return self._numbers(len(layers))
