"""Pairs that share bytes, as a table has them: which of them are drawn, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from regviz.text import short_digest

if TYPE_CHECKING:
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
    """The pairs of a table that are drawn: those of the names in the pairs that share the most bytes.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.sharing` gives it.
    most : int
        How many names there is room for.

    Attributes
    ----------
    one, many : str
        What the rows of a pair are.
    rows, sharers : int
        How many could share, and how many do.
    names : list of str
        Those that are drawn, in alphabetical order.
    order : list of Pair
        All pairs of these, those that share the most bytes first.
    of : dict
        Each pair by its names, either way round.
    left_out : int
        What no other pair exceeds, in bytes; 0 where there is none.
    """

    def __init__(self, table: pd.DataFrame, most: int) -> None:
        import pandas as pd

        grain = str(table.attrs.get("grain", table.columns[0]))
        self.one, self.many = grain, _NOUNS.get(grain, f"{grain}s")
        self._short = grain in ("manifest", "layer")
        held = table[(table["shared_bytes"] > 0).to_numpy(bool)]
        held = held.iloc[np.argsort(-held["shared_bytes"].to_numpy(np.int64), kind="stable")]
        one, other = (_names(held, lead, grain) for lead in ("", "other_"))
        self.sharers = len(pd.unique(pd.concat([one, other])))
        self.rows = max(int(table.attrs.get("rows", 0)), self.sharers)
        chosen: set[str] = set()
        self.left_out = 0
        for row, names in enumerate(zip(one, other, strict=True)):
            if len(chosen.union(names)) > most:
                self.left_out = int(held["shared_bytes"].iloc[row])
                break
            chosen.update(names)
        self.names = sorted(chosen)
        drawn = (one.isin(chosen) & other.isin(chosen)).to_numpy(bool)
        columns = [one, other, *(held[name] for name in ("shared_bytes", "weighted_jaccard", "shared_blobs"))]
        if grain in ("repository", "tag"):
            columns += [held["repository"], held["other_repository"]]
        self.order = [
            Pair(one, other, int(size), round(int(size) / share), int(blobs), tuple(dict.fromkeys(of)))
            for one, other, size, share, blobs, *of in zip(*(column[drawn] for column in columns), strict=True)
        ]
        self.of = {names: pair for pair in self.order for names in ((pair.one, pair.other), (pair.other, pair.one))}

    def short(self, name: str) -> str:
        """A name as it is drawn."""
        return short_digest(name) if self._short else name

    def similarity(self) -> NDArray[np.float64]:
        """What each two of the names share, of the bytes that either has."""
        shares = np.eye(len(self.names))
        for row, one in enumerate(self.names):
            for column, other in enumerate(self.names[:row]):
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


def _names(table: pd.DataFrame, lead: str, grain: str) -> pd.Series[str]:
    if grain == "tag":
        return table[f"{lead}repository"].astype("str") + ":" + table[f"{lead}tag"].astype("str")
    return table[f"{lead}{grain}"].astype("str").fillna(_NO_KEY.get(grain, "(none)"))
