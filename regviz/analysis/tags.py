"""tag_images(): what does each tag name, down to its layers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import reach

if TYPE_CHECKING:
    import pandas as pd

    from regviz.registry import Registry


def tag_images(reg: Registry) -> pd.DataFrame:
    """One row for each layer of each image that a tag reaches.

    An index is passed through to the images that it lists. What a tag reaches without a layer (a chart, an image that is not
    there) has one row whose layer is NA.

    Returns
    -------
    pandas.DataFrame
        repository, tag, manifest (what the tag points to), image (what it reaches; the same, without an index), kind and
        platform of the image, position (0 at the base), layer, blob, blob_bytes, present.

    Examples
    --------
    >>> import regviz as rv
    >>> table = tag_images(rv.read())
    >>> table.loc[table["tag"] == "latest", "repository"].nunique() > 1
    True
    """
    import pandas as pd  # loaded when asked for

    reached = reach(reg)
    manifests = reg.columns("manifests")
    of_tag = reached.tag_manifests.tocoo()
    is_listing = np.diff(reached.child_manifests.indptr) > 0
    is_index = manifests["kind"] == reg.name_code("index")
    ends = ~(is_listing | (is_index & (manifests["present"] == 1)))[of_tag.col]
    tag, image = of_tag.row[ends], of_tag.col[ends]
    codes = manifests["manifest"]
    pairs = reg.tags[["repository", "tag", "manifest"]].iloc[tag].reset_index(drop=True)
    pairs["image"] = pd.array(reg.code_texts("digest", codes[image].astype(np.int32)), dtype="str")
    pairs["kind"] = reg.manifests["kind"].iloc[image].reset_index(drop=True)
    platforms = manifest_platforms(reg)
    pairs["platform"] = pd.array([platforms[at] for at in image.tolist()], dtype="str")
    blobs = reg.blobs[["blob", "blob_bytes", "present"]].astype({"blob": "str"})
    steps = reg.manifest_layers[["manifest", "position", "layer", "blob"]].astype(
        {"manifest": "str", "layer": "str", "blob": "str"}
    )
    steps = steps[steps["layer"].notna()].rename(columns={"manifest": "image"}).merge(blobs, on="blob", how="left")
    table = pairs.astype({"repository": "str", "tag": "str", "manifest": "str", "kind": "str"})
    table = table.merge(steps, on="image", how="left")
    return table.sort_values(["repository", "tag", "image", "position"], ignore_index=True)
