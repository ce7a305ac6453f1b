"""The tables of a Registry while they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.spread import SpreadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.schema import Columns

    Codes = NDArray[np.int32]


class Draft:
    """Facts on their way to tables: codes are those of `facts` still, rows in any order.

    Attributes
    ----------
    facts : Facts
    tables : dict of str to columns
        What is done.
    spread : dict of str to SpreadColumns
        Tables that are spread over manifests, which stand in the order of their keys.
    layer_blobs : array of int
        Blobs that hold layers, whether they stand on a stack or not; those on stacks need not be among them.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.tables: dict[str, Columns] = {}
        self.spread: dict[str, SpreadColumns] = {}
        self.layer_blobs: Codes = np.empty(0, np.int32)
        facts.spill(0)
        self._alias = self._links_elsewhere()

    def layers(self) -> SpreadColumns:
        """The table ``manifest_layers``, which is done, to look at in parts."""
        spread = self.spread.get("manifest_layers")
        return SpreadColumns({**self.tables["manifest_layers"]}) if spread is None else spread

    def resolve(self, digests: Codes) -> Codes:
        """The key that a digest's blob lies under: a sha512 link leads to the sha256 (linkedblobstore.go)."""
        return self._alias[digests] if len(self._alias) else digests

    def _links_elsewhere(self) -> Codes:
        links, blobs = self.facts.links["link"], self.facts.links["blob"]
        other = np.flatnonzero((links != blobs) & (blobs >= 0))
        if not len(other):
            return np.empty(0, np.int32)
        alias = np.append(np.arange(len(self.facts.keys), dtype=np.int32), np.int32(-1))
        alias[links[other]] = blobs[other]
        return alias
