"""Pairs that share bytes, as a table has them: which of them are drawn, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from regviz.text import short_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

_NOUNS = {"repository": "repositories"}
_NO_KEY = {"namespace": "(no namespace)", "platform": "(no platform)"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two that share bytes.

    Attributes
    ----------
    one, other : str
        Their names.
    bytes, either : int
        Of the blobs that both reach, and of those that one of them reaches at least.
    blobs : int
        How many both reach.
    repositories : tuple of str
        Those that they are or belong to.
    """

    one: str
    other: str
    bytes: int
    either: int
    blobs: int
    repositories: tuple[str, ...]


class Pairs:
    """The pairs of a table that share bytes.

    Attributes
    ----------
    one, many : str
        What the rows of a pair are.
    rows, sharers : int
        How many could share, and how many do.
    order : list of Pair
        Those that share the most bytes first.
    of : dict
        Each pair by its names, either way round.
    left_out : int
        What the largest pair shares that is not drawn, in bytes; known once they were chosen.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        grain = str(table.attrs.get("grain", table.columns[0]))
        self.one, self.many = grain, _NOUNS.get(grain, f"{grain}s")
        self._short = grain in ("manifest", "layer")
        keys = ["repository", "tag"] if grain == "tag" else [grain]
        held = table[table["shared_bytes"] > 0]
        named = [_names(held, [f"{lead}{key}" for key in keys], grain) for lead in ("", "other_")]
        owners: list[list[str]] = [[], []]
        if "repository" in keys:
            owners = [held[f"{lead}repository"].astype("str").tolist() for lead in ("", "other_")]
        numbers = (held[name].tolist() for name in ("shared_bytes", "weighted_jaccard", "shared_blobs"))
        found = [
            Pair(one, other, int(size), round(int(size) / share), int(blobs), tuple(dict.fromkeys(of)))
            for one, other, size, share, blobs, *of in zip(*named, *numbers, *filter(None, owners), strict=True)
        ]
        self.order = sorted(found, key=lambda pair: -pair.bytes)
        self.of = {names: pair for pair in found for names in ((pair.one, pair.other), (pair.other, pair.one))}
        self.sharers = len({name for names in self.of for name in names})
        self.rows = max(int(table.attrs.get("rows", 0)), self.sharers)
        self.left_out = 0

    def short(self, name: str) -> str:
        """A name as it is drawn."""
        return short_digest(name) if self._short else name

    def choose(self, most: int) -> list[str]:
        """The names in the pairs that share the most bytes, in alphabetical order."""
        chosen: set[str] = set()
        for pair in self.order:
            wider = chosen | {pair.one, pair.other}
            if len(wider) > most:
                self.left_out = pair.bytes
                break
            chosen = wider
        return sorted(chosen)

    def similarity(self, names: Sequence[str]) -> NDArray[np.float64]:
        """What each two share, of the bytes that either has."""
        shares = np.eye(len(names))
        for row, one in enumerate(names):
            for column, other in enumerate(names[:row]):
                if pair := self.of.get((one, other)):
                    shares[row, column] = shares[column, row] = pair.bytes / pair.either
        return shares


def clustered(shares: NDArray[np.float64]) -> tuple[list[int], list[tuple[int, int, float]]]:
    """An order in which those that share most lie beside each other; and what is joined one after the other, how far.

    Average linkage. What is joined has the number of its place or, beyond these, of the step that joined it before.

    Examples
    --------
    >>> order, joined = clustered(np.array([[1, 0.1, 0.8], [0.1, 1, 0], [0.8, 0, 1]]))
    >>> order in ([2, 0, 1], [1, 0, 2]), joined[0][:2]
    (True, (0, 2))
    """
    joined = linkage(squareform(1 - shares, checks=False), method="average", optimal_ordering=True)
    return leaves_list(joined).tolist(), [(int(one), int(other), far) for one, other, far, _ in joined.tolist()]


def _names(table: pd.DataFrame, keys: list[str], grain: str) -> list[str]:
    named = table[keys].astype(object).where(table[keys].notna(), _NO_KEY.get(grain, "(none)"))
    return [":".join(map(str, parts)) for parts in named.to_numpy().tolist()]
