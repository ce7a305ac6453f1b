"""Who shares bytes with whom: pairs, and the exact sets of owners."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.owned import OwnerSets, empty_layer_blobs, owned_blobs, together
from regviz.analysis.reach import column_counts, row_counts
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.members import Grain
    from regviz.analysis.owned import Owned
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

    Rows = NDArray[np.int32]

_BLOCK = 1 << 20
"""Products that are added up at a time: what a block of rows may take of memory."""
_MOST_PAIRS = 100_000_000


class Pairs(NamedTuple):
    """Pairs of rows that share blobs; `one` stands before `other`."""

    one: Rows
    other: Rows
    blobs: NDArray[np.int32]
    shared_bytes: Numbers

    def take(self, rows: NDArray[Any]) -> Pairs:
        """Some of them, in another order."""
        return Pairs(self.one[rows], self.other[rows], self.blobs[rows], self.shared_bytes[rows])


def sharing(reg: Registry, *, by: Grain = "repository", least_bytes: int = 0) -> pd.DataFrame:
    """Which repositories (tags, namespaces, …) share blobs, and how many bytes.

    Parameters
    ----------
    reg : Registry
    by : {"repository", "tag", "namespace", "manifest", "layer", "platform"}
        What shares; as in :func:`regviz.sizes`.
    least_bytes : int
        Leave out pairs that share fewer bytes. Thousands of tags on one base make millions of pairs.

    Returns
    -------
    pandas.DataFrame
        One row a pair that shares, each pair once; what shares the most bytes first. The key's columns, and the
        same of the other one with ``other_`` before the name. Then:

        shared_blobs, shared_bytes
            Blobs that both reach and that lie in the registry, and their bytes.
        jaccard
            shared_blobs over the number of blobs that either reaches: 1 where both are the same.
        weighted_jaccard
            shared_bytes over the bytes of the blobs that either reaches; NA where those have none.

        Layers that change nothing are left out of all four: nearly every old image has one.
        ``attrs`` has the ``grain``, the ``rows`` that could share, and how many ``empty_layers`` were left out.

    Raises
    ------
    RegvizError
        There is no such grain, or there are more pairs than memory should hold.

    See Also
    --------
    regviz.owner_sets : which exact sets of them own how many bytes.
    regviz.clusters : what belongs together.

    Examples
    --------
    A has blobs of 100 and 11 bytes, B those of 100 and 7: they share 1 of 3 blobs, and 100 of 118 bytes.

    >>> import regviz as rv
    >>> pairs = sharing(rv.read())
    >>> bool((pairs["weighted_jaccard"].dropna() <= 1).all())
    True
    """
    import pandas as pd

    owned = owned_blobs(reg, by, "sharing")
    empty = empty_layer_blobs(reg)
    left_out = int((column_counts(owned.blobs)[empty] > 0).sum())
    owned = owned.without(empty) if left_out else owned
    blobs, blob_bytes = row_counts(owned.blobs), owned.blobs @ owned.stored
    pairs = _joined(shared(together(owned), least_bytes), by)
    pairs = pairs.take(np.argsort(-pairs.shared_bytes, kind="stable"))  # equals stay in the order of their keys
    made: dict[str, Any] = {}
    for lead, rows in (("", pairs.one), ("other_", pairs.other)):
        for name, keys in owned.keys.items():
            made[f"{lead}{name}"] = repeated(keys, rows)
    made["shared_blobs"] = pd.Series(pairs.blobs, dtype="Int64")
    made["shared_bytes"] = pd.Series(pairs.shared_bytes, dtype="Int64")
    made["jaccard"] = _over(pairs.blobs, blobs[pairs.one] + blobs[pairs.other] - pairs.blobs)
    either = blob_bytes[pairs.one] + blob_bytes[pairs.other] - pairs.shared_bytes
    made["weighted_jaccard"] = _over(pairs.shared_bytes, either)
    table = pd.DataFrame(made)
    table.attrs |= {"grain": by, "rows": owned.count, "empty_layers": left_out}
    return table


def owner_sets(reg: Registry, *, by: Grain = "repository") -> pd.DataFrame:
    """Which exact sets of repositories (tags, namespaces, …) own how many bytes.

    What a set owns is freed when all of its owners are deleted, and not before.

    Parameters
    ----------
    reg : Registry
    by : {"repository", "tag", "namespace", "manifest", "layer", "platform"}
        What owns; as in :func:`regviz.sizes`.

    Returns
    -------
    pandas.DataFrame
        One row a set, the largest bytes first; every blob that is reached and lies in the registry belongs to one.

        owners
            A tuple of the owners' names in order, of a tag ``repository:tag``; "—" for no namespace or platform.
        owner_count
            How many they are; 1: the bytes are exclusive to it.
        blobs, bytes
            What exactly these, and nobody else, reach.

        By repository, tag, namespace and platform the bytes add up to the ``tagged_bytes`` of
        :func:`regviz.sizes`. ``attrs`` has the ``grain`` and the ``reached_bytes``, their sum.

    Raises
    ------
    RegvizError
        There is no such grain.

    Examples
    --------
    A and B both have a base of 100 bytes; A has a layer of 11 of its own, B one of 7::

        (A, B)  2  1  100
        (A,)    1  1   11
        (B,)    1  1    7

    >>> import regviz as rv
    >>> reg = rv.read()
    >>> int(owner_sets(reg)["bytes"].sum()) == rv.sizes(reg).attrs["tagged_bytes"]
    True
    """
    import pandas as pd

    owned = owned_blobs(reg, by, "owner sets")
    sets, names = together(owned), row_names(owned)
    places = [sorted(sets.owners.indices[start:stop].tolist()) for start, stop in pairwise(sets.owners.indptr.tolist())]
    order = sorted(range(len(places)), key=lambda at: (-int(sets.blob_bytes[at]), len(places[at]), places[at]))
    made: dict[str, Any] = {
        "owners": pd.Series([tuple(names[row] for row in places[at]) for at in order], dtype=object),
        "owner_count": pd.Series([len(places[at]) for at in order], dtype="Int64"),
        "blobs": pd.Series(sets.blobs[order], dtype="Int64"),
        "bytes": pd.Series(sets.blob_bytes[order], dtype="Int64"),
    }
    table = pd.DataFrame(made)
    table.attrs |= {"grain": by, "reached_bytes": int(sets.blob_bytes.sum())}
    return table


def row_names(owned: Owned) -> list[str]:
    """What the rows are called: ``repository:tag``, or the one key there is; "—" where that is NA."""
    return [
        ":".join("—" if part is None else part for part in parts) for parts in zip(*owned.keys.values(), strict=True)
    ]


def shared(sets: OwnerSets, least_bytes: int) -> Iterator[Pairs]:
    """All pairs of rows that share blobs, some at a time; each once.

    Notes
    -----
    The number of shared blobs and their bytes are the entries of A·Aᵀ, where A has a row for each owner and a column
    for each set of blobs that have the same owners. A block of rows is multiplied at a time, with what stands
    behind it: all of A·Aᵀ may be a hundred times as large as A. Both numbers come out of one product, the number of
    blobs in the bits above the bytes, where that fits.
    """
    several = row_counts(sets.owners) > 1
    of_set = sets.owners[np.flatnonzero(several)]
    blobs, blob_bytes = sets.blobs[several], sets.blob_bytes[several]
    by_row = csr_array(of_set.T)
    count = by_row.shape[0]
    shift = int(blob_bytes.sum()).bit_length()
    fits = shift + int(blobs.sum()).bit_length() < 63
    weights = [blobs << shift | blob_bytes] if fits else [blobs, blobs + blob_bytes]  # a sum of 0 would be left out
    costs = np.minimum(by_row @ row_counts(of_set), count)  # what stands in a row of the product, at most
    block = np.cumsum(costs) // _BLOCK
    starts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), count] if count else [0]
    for start, stop in pairwise(starts):
        if not costs[start:stop].any():
            continue
        rows, behind = by_row[start:stop], csr_array(by_row[start:].T)
        one, other, numbers = _above_diagonal(rows, behind, weights)
        both = numbers[0]
        of_blobs, of_bytes = (both >> shift, both & ((1 << shift) - 1)) if fits else (both, numbers[1] - both)
        found = Pairs(one, other, of_blobs.astype(np.int32), of_bytes).take(of_bytes >= least_bytes)
        order = np.argsort(found.one.astype(np.int64) * count + found.other)
        found = found.take(order)
        yield found._replace(one=found.one + np.int32(start), other=found.other + np.int32(start))


def _above_diagonal(rows: Incidence, behind: Incidence, weights: list[Numbers]) -> tuple[Rows, Rows, list[Numbers]]:
    """Entries of a block of the product that are right of the diagonal: rows, columns, and a number a weight."""
    numbers: list[Numbers] = []
    for weight in weights:
        weighted = csr_array((weight[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
        product = csr_array(weighted @ behind)  # of the same structure for every weight, so of the same order
        one = np.repeat(np.arange(product.shape[0], dtype=np.int32), np.diff(product.indptr))
        kept = product.indices > one
        one, other = one[kept], product.indices[kept]
        numbers.append(product.data[kept])
    return one, other, numbers


def _joined(parts: Iterator[Pairs], by: str) -> Pairs:
    """All of them, as long as there are not more than anybody could use."""
    kept: list[Pairs] = []
    count = 0
    for part in parts:
        kept.append(part)
        count += len(part.one)
        if count > _MOST_PAIRS:
            raise RegvizError(
                f"more than {_MOST_PAIRS:,} pairs share blobs by {by}: ask for those that share many bytes "
                "(least_bytes, --least), or by repository or namespace"
            )
    if not kept:
        nothing = np.zeros(0, np.int32)
        return Pairs(nothing, nothing, nothing, np.zeros(0, np.int64))
    one, other, blobs, shared_bytes = map(np.concatenate, zip(*kept, strict=True))
    return Pairs(one, other, blobs, shared_bytes)


def repeated(texts: Sequence[str | None], rows: NDArray[Any]) -> pd.Series[str]:
    """Texts by their places, without an object each; NA where the place is -1."""
    import pandas as pd
    import pyarrow as pa

    places = pa.array(rows, mask=rows < 0)
    return pd.Series(pd.array(pa.array(texts, pa.large_string()).take(places), dtype="str"))


def _over(part: NDArray[Any], whole: Numbers) -> pd.Series[Any]:
    """Shares; NA of nothing."""
    import pandas as pd

    nothing = whole == 0
    return pd.Series(pd.arrays.FloatingArray(part / np.where(nothing, 1, whole), nothing))
