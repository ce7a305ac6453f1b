"""What belongs together by the bytes it shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from regviz.analysis.owned import empty_layer_blobs, owned_blobs, together
from regviz.analysis.reach import groups, through, totals
from regviz.analysis.shared import shared
from regviz.errors import RegvizError

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.members import Grain
    from regviz.registry import Registry


def clusters(reg: Registry, *, by: Grain = "repository", similarity: float = 0.5) -> pd.DataFrame:
    """Repositories (tags, namespaces, …) that belong together by what they share.

    Two are alike where at least `similarity` of the bytes that either reaches are shared by both; a cluster is what is
    connected by such pairs (single linkage).

    Parameters
    ----------
    reg : Registry
    by : {"repository", "tag", "namespace", "manifest", "layer", "platform"}
        What is to be grouped; as in :func:`regviz.sizes`.
    similarity : float
        The least weighted Jaccard index of a pair, above 0 and at most 1.

    Returns
    -------
    pandas.DataFrame
        One row each, cluster by cluster. Beside the key:

        cluster
            Number of its cluster, from 0; that with the most cluster_bytes first.
        members
            How many the cluster has; 1: it is like no other.
        unique_bytes
            Of the distinct blobs that the row reaches.
        cluster_bytes
            Of the distinct blobs that the cluster reaches: what its members take together.

        Layers that change nothing connect nothing, and their bytes count. ``attrs`` has the ``grain``, the
        ``similarity`` and the number of ``clusters``.

    Raises
    ------
    RegvizError
        There is no such grain, or no such similarity.

    Examples
    --------
    A has blobs of 100 and 11 bytes, B of 100 and 7, C one of 20: A and B share 100 of 118 bytes, which is 0.85::

        A  0  2  111  118
        B  0  2  107  118
        C  1  1   20   20

    >>> import regviz as rv
    >>> table = clusters(rv.read())
    >>> bool((table["unique_bytes"] <= table["cluster_bytes"]).all())
    True
    """
    import pandas as pd

    if not 0 < similarity <= 1:
        raise RegvizError(f"a similarity is above 0 and at most 1, and {similarity} is not")
    owned = owned_blobs(reg, by, "clusters")
    kin = owned.without(empty_layer_blobs(reg))
    blob_bytes = kin.blobs @ kin.stored
    edges = []
    for pairs in shared(together(kin), 1):
        either = blob_bytes[pairs.one] + blob_bytes[pairs.other] - pairs.shared_bytes
        alike = pairs.shared_bytes >= similarity * either
        edges.append(np.stack([pairs.one[alike], pairs.other[alike]]))
    one, other = np.concatenate([np.zeros((2, 0), np.int32), *edges], axis=1)
    graph = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(owned.count, owned.count))
    number, of_row = connected_components(graph, directed=False) if owned.count else (0, np.zeros(0, np.int32))
    in_cluster = groups(of_row.astype(np.int64), number)
    taken = totals(through(in_cluster, owned.blobs), owned.stored)
    first = np.full(number, owned.count)
    np.minimum.at(first, of_row, np.arange(owned.count))
    rank = np.empty(number, np.int64)
    rank[np.lexsort((first, -taken))] = np.arange(number)
    unique = owned.blobs @ owned.stored
    order = np.lexsort((np.arange(owned.count), -unique, rank[of_row]))
    made: dict[str, Any] = {
        name: pd.Series([keys[row] for row in order.tolist()], dtype="str") for name, keys in owned.keys.items()
    }
    numbers = {
        "cluster": rank[of_row],
        "members": np.bincount(of_row, minlength=number)[of_row],
        "unique_bytes": unique,
        "cluster_bytes": taken[of_row],
    }
    made |= {name: pd.Series(values[order], dtype="Int64") for name, values in numbers.items()}
    table = pd.DataFrame(made)
    table.attrs |= {"grain": by, "similarity": similarity, "clusters": int(number)}
    return table
