"""What each tag names, down to its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import columns, reach, row_counts, rows_of
from regviz.analysis.shared import repeated
from regviz.graph.values import texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import pandas as pd

    from regviz.registry import Registry


def tag_images(reg: Registry) -> pd.DataFrame:
    """One row for each layer of each image that a tag reaches.

    An index is passed through to the images that it lists. What a tag reaches without a layer (a chart, an
    image that is not there) has one row whose layer is NA.

    Returns
    -------
    pandas.DataFrame
        repository, tag, manifest (what the tag points to), image (what it reaches; the same, without an
        index), kind and platform of the image, position (0 at the base), layer, blob, blob_bytes, present.

    Examples
    --------
    Tag ``1`` names an index of two images, of 2 and of 3 layers; tag ``chart`` names a chart::

        1       5 rows: 2 of the one image, at positions 0 and 1, and 3 of the other
        chart   1 row, without a layer

    >>> import regviz as rv
    >>> table = tag_images(rv.read())
    >>> table.loc[table["tag"] == "latest", "repository"].nunique() > 1
    True
    """
    import pandas as pd

    reg.source.require_contents("the layers of images")
    reached, manifests, steps = reach(reg), columns(reg, "manifests"), columns(reg, "manifest_layers")
    is_index = (manifests["kind"] == reg.name_code("index")) & (manifests["present"] == 1)
    passed = is_index | (row_counts(reached.child_manifests) > 0)
    ends = reached.tag_manifests.tocoo()
    tag, image = (rows[~passed[ends.col]].astype(np.int64) for rows in (ends.row, ends.col))
    order = np.lexsort((image, tag))
    tag, image = tag[order], image[order]
    # The steps of each image lie together, the lowest first; an image without any has one row all the same.
    layered = np.flatnonzero(reached.step_layer >= 0)
    first, beyond = (np.searchsorted(reached.step_manifest[layered], image, side) for side in ("left", "right"))
    count = np.maximum(beyond - first, 1)
    pair = np.repeat(np.arange(len(tag)), count)
    place = np.arange(len(pair)) + np.repeat(first - (np.cumsum(count) - count), count)
    step = np.where((beyond > first)[pair], np.append(layered, -1)[place], -1)
    layer, blob = (np.append(rows, -1)[step] for rows in (reached.step_layer, reached.step_blob))
    tag, image = tag[pair], image[pair]
    names = {table: _texts(reg, table) for table in ("manifest", "layer", "blob")}
    tags = reg.tags[["repository", "tag"]].astype("str")
    target = rows_of(columns(reg, "tags")["manifest"], manifests["manifest"])
    position = np.append(steps["position"], NA_INT)[step]
    sizes = np.append(columns(reg, "blobs")["blob_bytes"], NA_INT)[blob]
    present = np.append(columns(reg, "blobs")["present"], -1)[blob]
    kinds = texts(reg, "name", manifests["kind"])
    return pd.DataFrame(
        {
            "repository": repeated(tags["repository"].tolist(), tag),
            "tag": repeated(tags["tag"].tolist(), tag),
            "manifest": repeated(names["manifest"], target[tag]),
            "image": repeated(names["manifest"], image),
            "kind": repeated(kinds, image),
            "platform": repeated(manifest_platforms(reg), image),
            "position": pd.Series(pd.arrays.IntegerArray(position.astype(np.int64), step < 0)),
            "layer": repeated(names["layer"], layer),
            "blob": repeated(names["blob"], blob),
            "blob_bytes": pd.Series(pd.arrays.IntegerArray(sizes.astype(np.int64), sizes == NA_INT)),
            "present": pd.Series(pd.arrays.BooleanArray(present == 1, present < 0)),
        }
    )


def _texts(reg: Registry, name: str) -> list[str | None]:
    """The keys of the table of manifests, layers or blobs."""
    return texts(reg, "digest", columns(reg, f"{name}s")[name])
