"""Which layers are large, and who uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.reach import column_counts, columns, groups, incidence, reach, rows_of, through
from regviz.graph.values import numbers, texts

if TYPE_CHECKING:
    import pandas as pd

    from regviz.registry import Registry


def layer_sizes(reg: Registry) -> pd.DataFrame:
    """One row for each blob that holds a layer, the largest first.

    Returns
    -------
    pandas.DataFrame
        blob, blob_bytes, present; layers (places in the ancestry forest that it fills), images (stacks that
        have it, of those in `manifest_layers`), tags and repositories that reach it; created_by, the
        instruction that made it (of several layers the lowest one's).

    Examples
    --------
    >>> import regviz as rv
    >>> layer_sizes(rv.read())["blob_bytes"].is_monotonic_decreasing
    True
    """
    import pandas as pd

    reg.source.require_contents("the layers of images")
    reached, blobs, layers = reach(reg), columns(reg, "blobs"), columns(reg, "layers")
    repository = columns(reg, "repositories")["repository"]
    of_tag = rows_of(columns(reg, "tags")["repository"], repository)
    tag_blobs = reached.tag_blobs
    on_stack = np.where(reached.step_layer >= 0, reached.step_manifest, -1)
    users = {
        "layers": reached.layer_blobs,
        "images": incidence(on_stack, reached.step_blob, reached.manifest_blobs.shape),
        "tags": tag_blobs,
        "repositories": through(groups(of_tag, len(repository)), tag_blobs),
    }
    rows = np.flatnonzero(column_counts(reached.layer_blobs))
    held = reached.layer_blobs.tocoo()
    highest_first = np.lexsort((held.row, layers["depth"][held.row]))[::-1]
    lowest = np.zeros(len(blobs["blob"]), np.int64)
    lowest[held.col[highest_first]] = held.row[highest_first]  # what is written last stays
    made: dict[str, Any] = {
        "blob": pd.Series(texts(reg, "digest", blobs["blob"][rows]), dtype="str"),
        "blob_bytes": pd.Series(numbers(blobs["blob_bytes"][rows], "bytes"), dtype="Int64"),
        "present": pd.Series(blobs["present"][rows] == 1, dtype="boolean"),
        **{name: pd.Series(column_counts(of)[rows], dtype="Int64") for name, of in users.items()},
        "created_by": pd.Series(texts(reg, "text", layers["created_by"][lowest[rows]]), dtype="str"),
    }
    return pd.DataFrame(made).sort_values(["blob_bytes", "blob"], ascending=[False, True], ignore_index=True)
