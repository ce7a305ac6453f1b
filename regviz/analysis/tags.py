"""What each tag names, down to its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import columns, reach, row_counts

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
    reached, manifests = reach(reg), columns(reg, "manifests")
    is_index = (manifests["kind"] == reg.name_code("index")) & (manifests["present"] == 1)
    passed = is_index | (row_counts(reached.child_manifests) > 0)
    ends = reached.tag_manifests.tocoo()
    tag, image = (rows[~passed[ends.col]] for rows in (ends.row, ends.col))
    found = reg.tags[["repository", "tag", "manifest"]].iloc[tag].astype("str").reset_index(drop=True)
    named = reg.manifests[["manifest", "kind"]].astype("str")
    named["platform"] = pd.Series(manifest_platforms(reg), dtype="str")
    found[["image", "kind", "platform"]] = named.iloc[image].reset_index(drop=True)
    steps = reg.manifest_layers[["manifest", "position", "layer", "blob"]].rename(columns={"manifest": "image"})
    steps = steps[steps["layer"].notna()].astype({"image": "str", "layer": "str", "blob": "str"})
    blobs = reg.blobs[["blob", "blob_bytes", "present"]].astype({"blob": "str"})
    table = found.merge(steps.merge(blobs, on="blob", how="left"), on="image", how="left")
    order = ["repository", "tag", "image", "position"]
    return pd.DataFrame(table.sort_values(order, ignore_index=True))
