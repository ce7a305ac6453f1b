"""Which images of a registry are compared where nobody names any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.reach import columns, totals
from regviz.graph.layers import tag_names

if TYPE_CHECKING:
    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Numbers

MOST = 24
"""As many as stand side by side in a figure."""
USUAL = "linux/amd64"
"""The platform that is taken before others."""


def chosen_images(woods: Forest, platform: str | None = None, most: int = MOST) -> tuple[list[tuple[str, int]], int]:
    """The largest tagged image of each repository, then the second largest of each, and so on; and how many are left.

    An image counts once, under its first name; an index is one image of it, for the platform that is asked for (or
    it is passed over), else for ``linux/amd64`` before others.

    Returns
    -------
    list of (str, int)
        A reference, and the image as a row of `manifests`; in the order of the references.
    int
        Tagged images there are besides.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis.lineage.forest import forest
    >>> images, others = chosen_images(forest(rv.read()), most=3)
    >>> len(images), len({name.partition(":")[0] for name, _ in images}), others > 0
    (3, 3, True)
    """
    tag, image = _of_one_platform(woods, platform)
    image, first = np.unique(image, return_index=True)
    tag = tag[first]
    repository = columns(woods.registry, "tags")["repository"][tag]
    size = totals(woods.reached.manifest_blobs, woods.stored)[image]
    order = np.lexsort((tag, -size, repository))
    turn = np.empty(len(order), np.int64)
    new = np.append(True, repository[order][1:] != repository[order][:-1])[: len(order)]
    starts = np.flatnonzero(new)
    turn[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept = np.lexsort((tag, -size, turn))[:most]
    kept = kept[np.argsort(tag[kept], kind="stable")]
    names = tag_names(woods.registry)
    found = [(names[row], at) for row, at in zip(tag[kept].tolist(), image[kept].tolist(), strict=True)]
    return found, len(image) - len(found)


def _of_one_platform(woods: Forest, platform: str | None) -> tuple[Numbers, Numbers]:
    """Tags, each with one image that has layers; sorted by tag."""
    has_layers = woods.top[woods.image] >= 0
    tag, image = woods.tag[has_layers], woods.image[has_layers]
    wanted = platform or USUAL
    other = np.zeros(len(tag), np.int64)
    asked = np.arange(len(tag)) if platform else np.flatnonzero(np.bincount(tag)[tag] > 1) if len(tag) else tag
    other[asked] = [name != wanted for name in woods.platforms_of(image[asked])]
    if platform:
        tag, image, other = (values[other == 0] for values in (tag, image, other))
    order = np.lexsort((image, other, tag))
    tag, image = tag[order], image[order]
    first = np.append(True, tag[1:] != tag[:-1])[: len(tag)]
    return tag[first], image[first]
