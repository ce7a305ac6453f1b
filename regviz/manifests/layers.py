"""Layers as manifests list them: descriptors, those that images share once, and what they make of a manifest."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, load_object, text
from regviz.manifests.memo import Memo

if TYPE_CHECKING:
    import msgspec

    from regviz.columns import Facts


class Layers:
    """Puts the layers of manifests into `descriptors` and `steps`; rows of `descriptors` stand for them."""

    def __init__(self, facts: Facts) -> None:
        self._number = facts.descriptors.number
        self._memo = Memo(self._read)
        self._staged = facts.steps.column("descriptor").staged
        names = ("digest", "media_type", "declared_bytes", "foreign", "throwaway")
        self._columns = [facts.descriptors.column(name).staged for name in names]
        self._types: dict[str, int] = {}
        self._first = facts.descriptors.numbered
        self._type_of = array("i")
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
        rows = [self._add(layer) for layer in layers]
        self._staged += rows
        return rows

    def add_schema1(self, steps: list[tuple[object, bool]]) -> int:
        """Take blobs and whether each is a throwaway; returns how many there are."""
        self._staged += [self._add({"digest": blob}, throwaway=throwaway) for blob, throwaway in steps]
        return len(steps)

    def kind(self, config_type: str, artifact_type: str, rows: list[int]) -> str:
        """What the manifest is that has these layers; see :func:`regviz.manifests.media_types.manifest_kind`."""
        first, type_of = self._first, self._type_of
        asked = (config_type, artifact_type, frozenset([type_of[row - first] for row in rows]))
        kind = self._kinds.get(asked)
        if kind is None:
            types = list(self._types)
            kind = self._kinds[asked] = mt.manifest_kind(
                config_type, artifact_type, frozenset(types[number] for number in asked[2])
            )
        return kind

    def _read(self, data: bytes) -> int:
        layer = load_object(data)
        return -1 if layer is None else self._add(layer)

    def _add(self, layer: Document, *, throwaway: bool = False) -> int:
        media_type = text(layer.get("mediaType"))
        digest, kind, size, foreign, no_layer = self._columns
        digest.append(layer.get("digest"))
        kind.append(media_type or None)
        size.append(layer.get("size"))
        foreign.append(mt.is_foreign(media_type) or bool(layer.get("urls")))
        no_layer.append(throwaway)
        self._type_of.append(self._types.setdefault(media_type, len(self._types)))
        return self._number()
