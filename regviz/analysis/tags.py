"""What each tag names, down to its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import columns, reach, row_counts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.reach import Array, Numbers, Reach
    from regviz.registry import Registry
    from regviz.schema import Kind


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
    reached, manifests, blobs = reach(reg), columns(reg, "manifests"), columns(reg, "blobs")
    is_index = (manifests["kind"] == reg.name_code("index")) & (manifests["present"] == 1)
    passed = is_index | (row_counts(reached.child_manifests) > 0)
    ends = reached.tag_manifests.tocoo()
    tag, image = (rows[~passed[ends.col]] for rows in (ends.row, ends.col))
    order = np.lexsort((image, tag))  # tables are in the order of their keys
    of_pair, step = _steps(reached, image[order])
    tag, image = tag[order][of_pair], image[order][of_pair]
    layer, blob = (_taken(rows, step, -1) for rows in (reached.step_layer, reached.step_blob))
    length, present = _taken(blobs["blob_bytes"], blob, NA_INT), _taken(blobs["present"], blob, -1)
    position = _taken(columns(reg, "manifest_layers")["position"], step, -1).astype(np.int64)
    texts: dict[str, tuple[Numbers, Kind, str, str]] = {
        "repository": (tag, "name", "tags", "repository"),
        "tag": (tag, "name", "tags", "tag"),
        "manifest": (tag, "digest", "tags", "manifest"),
        "image": (image, "digest", "manifests", "manifest"),
        "kind": (image, "name", "manifests", "kind"),
        "layer": (layer, "digest", "layers", "layer"),
        "blob": (blob, "digest", "blobs", "blob"),
    }
    made: dict[str, Any] = {
        name: _texts(reg, kind, table, column).take(rows, allow_fill=True)
        for name, (rows, kind, table, column) in texts.items()
    }
    made["platform"] = pd.array(manifest_platforms(reg), dtype="str").take(image, allow_fill=True)
    made["position"] = pd.arrays.IntegerArray(position, step < 0)
    made["blob_bytes"] = pd.arrays.IntegerArray(length, length == NA_INT)
    made["present"] = pd.arrays.BooleanArray(present == 1, present < 0)
    order_of_columns = ("repository", "tag", "manifest", "image", "kind", "platform", "position", "layer", "blob")
    return pd.DataFrame({name: made[name] for name in (*order_of_columns, "blob_bytes", "present")})


def _steps(reached: Reach, image: Numbers) -> tuple[Numbers, Numbers]:
    """Each image's layers from the base up: rows of `image` and of `manifest_layers`; -1, once, where it has none."""
    steps = np.flatnonzero(reached.step_layer >= 0)
    owner = reached.step_manifest[steps]
    first, last = np.searchsorted(owner, image), np.searchsorted(owner, image, side="right")
    count = np.maximum(last - first, 1)
    row = np.repeat(np.arange(len(image)), count)
    at = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
    return row, np.where((last > first)[row], np.append(steps, -1)[np.minimum(at, len(steps))], -1)


def _taken(values: Array, rows: Numbers, absent: int) -> Array:
    """Values at rows; where a row is -1, what stands for none."""
    return np.where(rows >= 0, np.append(values, absent)[rows], absent)


def _texts(reg: Registry, kind: Kind, table: str, column: str) -> Any:
    """A column as an array of texts."""
    import pandas as pd

    codes = columns(reg, table)[column]
    used = np.unique(codes[codes >= 0])
    texts = pd.array(reg.code_texts(kind, used), dtype="str")
    return texts.take(np.where(codes >= 0, np.searchsorted(used, codes), -1), allow_fill=True)
