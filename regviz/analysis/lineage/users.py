"""Who uses a layer, a blob, a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.lineage.forest import forest
from regviz.analysis.reach import column_counts, columns, rows_of, totals
from regviz.errors import RegvizError
from regviz.text import short_digest

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Numbers
    from regviz.registry import Registry

_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class _Found:
    """What a reference means: layers, blobs and manifests whose users are wanted."""

    key: str
    kinds: list[str]
    layers: Numbers
    blobs: Numbers
    manifests: Numbers


def who_uses(reg: Registry, what: str) -> pd.DataFrame:
    """Tags that stand on a layer, a blob, or an image.

    Parameters
    ----------
    reg : Registry
    what : str
        A layer (its key: a chain ID or a v1 id), the digest of a blob (a layer's, a configuration's), a diff ID, or
        a manifest, as :meth:`Registry.resolve` takes it (``repository:tag``, a digest). The first digits of a digest
        or id do. An index stands for the images that it lists.

    Returns
    -------
    pandas.DataFrame
        One row for each image that a tag reaches, and that has it; by repository and tag.

        repository, tag
            The tag.
        manifest, platform
            The image, which the tag points to or its index lists. Where `what` is no part of an image (a chart, an
            index without images): the manifest that has it.
        position
            Where it lies in the image's stack, 0 at the base; of an image that is asked for, its topmost layer. Of
            several places the lowest. NA for what is no layer: a configuration, a manifest without layers.
        bytes
            Of the distinct blobs of that image which lie there: manifest, configuration, layers.

        ``attrs`` has the blast radius: ``repositories``, ``tags``, ``images`` (distinct manifests of the table) and
        ``bytes`` (of their distinct blobs: a blob of two images counts once); ``untagged_images``, which have it too
        and which no tag reaches; ``key`` and ``kinds``, what `what` was taken to be.

    Raises
    ------
    RegvizError
        Nothing, or more than one thing, fits; the message lists candidates.

    Examples
    --------
    Two images on a base of 100 bytes, with layers of 10 and 20 and documents of 5 each; base and first are tagged::

        app:1      base 100 + layer 10 + documents 5     115
        base:1     base 100            + documents 5     105
        (untagged) base 100 + layer 20 + documents 5
        together   100 + 10 + 5 + 5                      120   (bytes; 2 tags, 2 images, 1 untagged image)

    >>> import regviz as rv
    >>> users = who_uses(rv.read(), "base:latest")
    >>> users.attrs["tags"] == len(users[["repository", "tag"]].drop_duplicates()) > 1
    True
    """
    import pandas as pd

    reg.source.require_contents("the users of a layer")
    woods = forest(reg)
    found = _find(woods, what)
    manifest, position = _having(woods, found)
    place = np.full(len(woods.top), -1, np.int64)
    place[manifest] = position
    wanted = np.zeros(len(woods.top), np.bool_)
    wanted[manifest] = True
    pairs = woods.reached.tag_manifests.tocoo()
    kept = wanted[pairs.col]
    tag, image = pairs.row[kept].astype(np.int64), pairs.col[kept].astype(np.int64)
    order = np.lexsort((image, tag))
    tag, image = tag[order], image[order]
    distinct, row_of_pair = np.unique(image, return_inverse=True)
    owned = woods.reached.manifest_blobs[distinct]
    made: dict[str, Any] = {
        "repository": pd.Series(woods.tag_texts("repository", tag), dtype="str"),
        "tag": pd.Series(woods.tag_texts("tag", tag), dtype="str"),
        "manifest": pd.Series(woods.picked("manifests", "manifest", image), dtype="str"),
        "platform": pd.Series(woods.platforms_of(image), dtype="str"),
        "position": pd.Series(place[image], dtype="Int64").where(lambda values: values >= 0),
        "bytes": pd.Series(totals(owned, woods.stored)[row_of_pair], dtype="Int64"),
    }
    table = pd.DataFrame(made)
    tagged = np.zeros(len(woods.top), np.bool_)
    tagged[woods.reached.tag_manifests.indices] = True
    table.attrs |= {
        "key": found.key,
        "kinds": found.kinds,
        "repositories": int(table["repository"].nunique()),
        "tags": len(np.unique(tag)),
        "images": len(distinct),
        "bytes": int(woods.stored[column_counts(owned) > 0].sum()),
        "untagged_images": int((wanted & ~tagged & woods.is_image).sum()),
    }
    return table


def _having(woods: Forest, found: _Found) -> tuple[Numbers, Numbers]:
    """Manifests that have what was found, and its lowest position in each; -1 where it is none of its layers."""
    steps, reached = columns(woods.registry, "manifest_layers"), woods.reached
    layers, blobs = (np.zeros(count + 1, np.bool_) for count in (len(woods.parent), len(woods.stored)))  # -1: none
    layers[found.layers], blobs[found.blobs] = True, True
    rows = np.flatnonzero(layers[reached.step_layer] | blobs[reached.step_blob])
    manifest, first = np.unique(reached.step_manifest[rows], return_index=True)  # steps stand from the base up
    position = steps["position"][rows][first].astype(np.int64)
    owned = np.flatnonzero(blobs[reached.manifest_blobs.indices])
    owners = np.searchsorted(reached.manifest_blobs.indptr, owned, "right") - 1
    others = np.setdiff1d(np.concatenate([owners, found.manifests]), manifest)
    return np.concatenate([manifest, others]), np.concatenate([position, np.full(len(others), -1, np.int64)])


def _find(woods: Forest, what: str) -> _Found:
    """What a reference means. A digest that several tables know is looked for in all of them."""
    reg, nothing = woods.registry, np.empty(0, np.int64)
    known = {
        "manifest": columns(reg, "manifests")["manifest"],
        "blob": columns(reg, "blobs")["blob"],
        "layer": columns(reg, "layers")["layer"],
        "diff_id": columns(reg, "layers")["diff_id"],
    }
    code = _code(reg, what, np.unique(np.concatenate([*known.values()])))
    [key] = reg.code_texts("digest", np.array([code], np.int32))
    manifest = int(rows_of(np.array([code]), known["manifest"])[0])
    if manifest >= 0:
        inside = woods.within(manifest)
        tops = woods.top[inside]
        others = inside[tops < 0] if len(inside) else np.array([manifest], np.int64)
        return _Found(key, ["manifest"], np.unique(tops[tops >= 0]), nothing, others)
    blobs, layers = (np.flatnonzero(known[kind] == code) for kind in ("blob", "layer"))
    of_diff_id = np.flatnonzero(known["diff_id"] == code)
    kinds = [kind for kind, rows in (("blob", blobs), ("layer", layers), ("diff_id", of_diff_id)) if len(rows)]
    return _Found(key, kinds, np.union1d(layers, of_diff_id), blobs, nothing)


def _code(reg: Registry, what: str, known: Numbers) -> int:
    """Code of the one key that is meant."""
    exact = reg.key_code(what)
    if exact >= 0 and exact in known:
        return exact
    like = np.intersect1d(reg.codes_like(what), known)
    try:
        code = reg.key_code(reg.resolve(what))
    except RegvizError:
        if len(like) == 1:
            return int(like[0])
        if not len(like):
            raise
    else:
        if code not in like or len(like) == 1:  # a name counts before digits
            return code
    several = ", ".join(short_digest(key) for key in reg.code_texts("digest", like[:_CANDIDATES].astype(np.int32)))
    raise RegvizError(f"{what!r} fits {len(like)} manifests, layers and blobs: {several}; give more digits")
