"""Which layers are large, who uses them, and how many images have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.owned import empty_layer_blobs, stored_bytes
from regviz.analysis.reach import column_counts, columns, groups, incidence, reach, row_counts, rows_of, through, totals
from regviz.graph.values import numbers, texts

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.reach import Numbers, Reach
    from regviz.registry import Registry


def layer_sizes(reg: Registry) -> pd.DataFrame:
    """One row for each blob that holds a layer, the largest first.

    Returns
    -------
    pandas.DataFrame
        blob, blob_bytes, present; layers (places in the ancestry forest that it fills), images (stacks that
        have it, of those in `manifest_layers`), tags and repositories that reach it; created_by, the
        instruction that made it (of several layers the lowest one's); empty (it changes nothing: nearly every old
        image has one such); saved_bytes, what sharing it saves: ``blob_bytes * (repositories - 1)``, what would be
        needed more if each repository had its own; 0 where it is not there.

    Examples
    --------
    A layer of 100 bytes in 3 repositories is stored once: ``saved_bytes`` is 200. The most shared layers:

    >>> import regviz as rv
    >>> most = layer_sizes(rv.read()).sort_values("saved_bytes", ascending=False)
    >>> int(most["repositories"].iloc[0]) > 1
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
    held_in = reached.layer_blobs.tocoo()
    highest_first = np.lexsort((held_in.row, layers["depth"][held_in.row]))[::-1]
    lowest = np.zeros(len(blobs["blob"]), np.int64)
    lowest[held_in.col[highest_first]] = held_in.row[highest_first]  # what is written last stays
    counts = {name: column_counts(of)[rows] for name, of in users.items()}
    held = np.where((blobs["present"] == 1) & (blobs["blob_bytes"] >= 0), blobs["blob_bytes"], 0)[rows]
    made: dict[str, Any] = {
        "blob": pd.Series(texts(reg, "digest", blobs["blob"][rows]), dtype="str"),
        "blob_bytes": pd.Series(numbers(blobs["blob_bytes"][rows], "bytes"), dtype="Int64"),
        "present": pd.Series(blobs["present"][rows] == 1, dtype="boolean"),
        **{name: pd.Series(values, dtype="Int64") for name, values in counts.items()},
        "created_by": pd.Series(texts(reg, "text", layers["created_by"][lowest[rows]]), dtype="str"),
        "empty": pd.Series(empty_layer_blobs(reg)[rows], dtype="boolean"),
        "saved_bytes": pd.Series(held * np.maximum(counts["repositories"] - 1, 0), dtype="Int64"),
    }
    return pd.DataFrame(made).sort_values(["blob_bytes", "blob"], ascending=[False, True], ignore_index=True)


def layer_counts(reg: Registry) -> pd.DataFrame:
    """One row for each image, those of the most layers first: on how many layers it stands.

    Returns
    -------
    pandas.DataFrame
        manifest, platform
            The image; of v1, one that a tag names or that no other is built on.
        layers
            Filesystem layers on its stack; NA where its manifest does not tell.
        empty_layers
            Those of them that change nothing.
        layer_bytes
            Of the distinct blobs that hold them, and lie there.
        tags, repositories
            Tags that reach it, and their repositories; 0 tags: it may still be pulled by its digest.

        What is no image (an index, a chart, a signature) has no row.

    Examples
    --------
    Image A has layers of 100 and 11 bytes and two tags, B the layer of 100 alone and no tag::

        A  layers 2  layer_bytes 111  tags 2
        B  layers 1  layer_bytes 100  tags 0

    >>> import regviz as rv
    >>> table = layer_counts(rv.read())
    >>> table["layers"].is_monotonic_decreasing
    True
    """
    import pandas as pd

    reg.source.require_contents("the layers of images")
    reached, manifests, layers = reach(reg), columns(reg, "manifests"), columns(reg, "layers")
    kinds = {kind: manifests["kind"] == reg.name_code(kind) for kind in ("v1", "image")}
    stacked, tagged = row_counts(reached.manifest_layers) > 0, column_counts(reached.tag_manifests)
    rows = np.flatnonzero((manifests["present"] == 1) & (kinds["image"] | (kinds["v1"] & (stacked | (tagged > 0)))))
    of_tag = rows_of(columns(reg, "tags")["repository"], columns(reg, "repositories")["repository"])
    owners = through(groups(of_tag, len(columns(reg, "repositories")["repository"])), reached.tag_manifests)
    on_stack = np.where(reached.step_layer >= 0, reached.step_manifest, -1)
    held = incidence(on_stack, reached.step_blob, reached.manifest_blobs.shape)
    counts = {
        "layers": numbers(manifests["layer_count"][rows], "count"),
        "empty_layers": totals(reached.manifest_layers, (layers["empty"] == 1).astype(np.int64))[rows],
        "layer_bytes": totals(held, stored_bytes(reg))[rows],
        "tags": tagged[rows],
        "repositories": column_counts(owners)[rows],
    }
    said = manifest_platforms(reg)
    made: dict[str, Any] = {
        "manifest": pd.Series(texts(reg, "digest", manifests["manifest"][rows]), dtype="str"),
        "platform": pd.Series([said[row] for row in rows.tolist()], dtype="str"),
        **{name: pd.Series(values, dtype="Int64") for name, values in counts.items()},
    }
    return pd.DataFrame(made).sort_values(["layers", "manifest"], ascending=[False, True], ignore_index=True)


def layer_users(reg: Registry, reached: Reach, rows: Numbers) -> dict[str, Any]:
    """Columns on layers for a person: how many tags and repositories stand on each, which alone, what made it.

    Parameters
    ----------
    reg : Registry
    reached : Reach
    rows : array of int
        The layers, as rows of `layers`.
    """
    import pandas as pd

    layers, repository = columns(reg, "layers"), columns(reg, "repositories")["repository"]
    tag_layers = through(reached.tag_manifests, reached.manifest_layers)
    of_tag = rows_of(columns(reg, "tags")["repository"], repository)
    users = through(groups(of_tag, len(repository)), tag_layers)
    count = column_counts(users)
    last = np.zeros(users.shape[1], np.int64)
    last[users.indices] = np.repeat(np.arange(users.shape[0]), row_counts(users))
    alone = np.where(count == 1, np.append(repository, -1)[last], -1)
    return {
        "tags": pd.Series(column_counts(tag_layers)[rows], dtype="Int64"),
        "repositories": pd.Series(count[rows], dtype="Int64"),
        "only_repository": pd.Series(texts(reg, "name", alone[rows]), dtype="str"),
        "empty": pd.Series(layers["empty"][rows] == 1, dtype="boolean"),
        "created_by": pd.Series(texts(reg, "text", layers["created_by"][rows]), dtype="str"),
    }
