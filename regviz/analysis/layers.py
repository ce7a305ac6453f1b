"""layer_sizes(): which layers are large, and who uses them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.reach import column_counts, either, incidence, reach, rows_of
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import pandas as pd

    from regviz.registry import Registry


def layer_sizes(reg: Registry) -> pd.DataFrame:
    """One row for each blob that holds a layer, the largest first.

    Returns
    -------
    pandas.DataFrame
        blob, blob_bytes, present; layers (places in the ancestry forest that it fills), images (stacks that have it, of
        `manifest_layers`), tags and repositories that reach it; created_by, the instruction that made it (of several layers
        the lowest one's).

    Examples
    --------
    >>> import regviz as rv
    >>> table = layer_sizes(rv.read())
    >>> table["blob_bytes"].is_monotonic_decreasing
    True
    """
    import pandas as pd  # loaded when asked for

    reached = reach(reg)
    blobs, layers, tags = (reg.columns(name) for name in ("blobs", "layers", "tags"))
    count = len(blobs["blob"])
    rows = np.flatnonzero(column_counts(reached.layer_blobs))
    tag_blobs = reached.tag_blobs
    repository = rows_of(tags["repository"], reg.columns("repositories")["repository"])
    groups = incidence(
        repository, np.arange(len(repository)), (len(reg.columns("repositories")["repository"]), len(repository))
    )
    counts = {
        "layers": reached.layer_blobs,
        "images": incidence(
            np.where(reached.step_layer >= 0, reached.step_manifest, -1), reached.step_blob, reached.manifest_blobs.shape
        ),
        "tags": tag_blobs,
        "repositories": either(groups @ tag_blobs),
    }
    first = np.zeros(count, np.int64)
    of_blob = reached.layer_blobs.tocoo()
    lowest = np.lexsort((of_blob.row, layers["depth"][of_blob.row]))[::-1]
    first[of_blob.col[lowest]] = of_blob.row[lowest]  # the last one written is the lowest
    instruction = layers["created_by"][first[rows]]
    made = instruction >= 0
    texts = iter(reg.code_texts("text", instruction[made].astype(np.int32)))
    length = blobs["blob_bytes"][rows]
    table = pd.DataFrame({"blob": pd.array(reg.code_texts("digest", blobs["blob"][rows].astype(np.int32)), dtype="str")})
    table["blob_bytes"] = pd.arrays.IntegerArray(np.where(length == NA_INT, 0, length), length == NA_INT)
    table["present"] = pd.array(blobs["present"][rows] == 1, dtype="boolean")
    for name, matrix in counts.items():
        table[name] = pd.array(column_counts(matrix)[rows], dtype="Int64")
    table["created_by"] = pd.array([next(texts) if yes else None for yes in made.tolist()], dtype="str")
    return table.sort_values(["blob_bytes", "blob"], ascending=[False, True], ignore_index=True)
