"""The ancestry forest as arrays: which layer lies on which, which images end where, which of those have a tag.

Chains are exact: a layer is a change in its place on a stack (its key is a chain ID, or the id of a v1 image), so an
image stands on another if and only if the other's topmost layer is one of its own, below its topmost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import columns, incidence, reach, rows_of
from regviz.card import held_bytes
from regviz.graph.values import texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers, Reach
    from regviz.registry import Registry

_UNSET_CLOCK = 315_532_801_000_000
"""1980-01-01T00:00:01Z, in µs: reproducible builds write it, or 0; nothing up to it says when an image was made."""


@dataclass(frozen=True)
class Forest:
    """The ancestry forest of a registry; numbers are rows of its tables, -1 for none.

    Attributes
    ----------
    reached : Reach
    parent, depth : array of int
        Of each layer: the layer below it, and how many layers there are up to it.
    top : array of int
        Of each manifest its topmost layer; -1 where it is no image or has no layers.
    is_image, is_index : array of bool
        Of each manifest.
    tag, image : array of int
        Pairs: a tag, and an image that it reaches; sorted by tag.
    """

    registry: Registry
    reached: Reach
    parent: Numbers
    depth: Numbers
    top: Numbers
    is_image: NDArray[np.bool_]
    is_index: NDArray[np.bool_]
    tag: Numbers
    image: Numbers

    @cached_property
    def ends(self) -> NDArray[np.bool_]:
        """Of each layer whether an image that a tag reaches ends there."""
        ends = np.zeros(len(self.parent), np.bool_)
        tops = self.top[self.image]
        ends[tops[tops >= 0]] = True
        return ends

    @cached_property
    def below(self) -> Numbers:
        """Of each layer the nearest one below it where an image that a tag reaches ends."""
        below = self.parent.copy()
        for _ in range(len(below).bit_length() + 1):  # each round doubles how far is looked
            going = np.flatnonzero(below >= 0)
            going = going[~self.ends[below[going]]]
            if not len(going):
                break
            below[going] = below[below[going]]
        return below

    @cached_property
    def names(self) -> Numbers:
        """Of each layer the pair (a row of `tag` and `image`) that it is called after; -1 where none ends there.

        Of several it is the image that was made first, then the first name. Who only changes a configuration does
        so later than whom it is taken from.
        """
        created = columns(self.registry, "manifests")["created_at"][self.image]
        when = np.where((created == NA_INT) | (created <= _UNSET_CLOCK), np.iinfo(np.int64).max, created)
        order = np.lexsort((self.image, self.tag, when))[::-1]
        order = order[self.top[self.image[order]] >= 0]
        names = np.full(len(self.parent), -1, np.int64)
        names[self.top[self.image[order]]] = order  # what is written last stays
        return names

    @cached_property
    def stored(self) -> Numbers:
        """Bytes of each blob that lies there, 0 of any other."""
        lengths, _ = held_bytes(self.registry)
        return np.where(columns(self.registry, "blobs")["present"] == 1, lengths, 0)

    @cached_property
    def platforms(self) -> list[str | None]:
        """The platform of each manifest."""
        return manifest_platforms(self.registry)

    @cached_property
    def of_tags(self) -> NDArray[np.bool_]:
        """Of each step (a row of `manifest_layers`) whether it is a layer of an image that a tag reaches."""
        tagged = np.zeros(len(self.top), np.bool_)
        tagged[self.image] = True
        return tagged[self.reached.step_manifest] & (self.reached.step_layer >= 0)

    @property
    def tag_images(self) -> Incidence:
        """Tags × manifests: the images that each tag reaches."""
        return incidence(self.tag, self.image, (self.reached.tag_manifests.shape[0], len(self.top)))

    def stacks(self, images: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """The layers of images, and the blob of each: which of the images, the layer, the blob; in no order.

        `manifest_layers` has those of an image with a tag; any other v1 image's are the walk up its parents.
        """
        steps = self.reached.step_manifest
        first, beyond = (np.searchsorted(steps, images, side) for side in ("left", "right"))
        count = beyond - first
        owner = np.repeat(np.arange(len(images)), count)
        step = np.arange(len(owner)) + np.repeat(first - (np.cumsum(count) - count), count)
        kept = self.reached.step_layer[step] >= 0
        owner, step = owner[kept], step[kept]
        found = [(owner, self.reached.step_layer[step], self.reached.step_blob[step])]
        walking = np.flatnonzero((count == 0) & (self.top[images] >= 0))
        layer = self.top[images[walking]]
        held = self.reached.layer_blobs
        while len(layer):
            has_blob = np.diff(held.indptr)[layer] > 0
            blob = np.full(len(layer), -1, np.int64)
            blob[has_blob] = held.indices[held.indptr[layer[has_blob]]]
            found.append((walking, layer, blob))
            layer = self.parent[layer]
            walking, layer = walking[layer >= 0], layer[layer >= 0]
        owners, layers, blobs = (np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True))
        return owners, layers, blobs

    def within(self, manifest: int) -> Numbers:
        """What a manifest stands for: itself, or the images that an index lists, however deep."""
        if not self.is_index[manifest]:
            return np.array([manifest], np.int64)
        own = incidence(np.zeros(1, np.int64), np.array([manifest]), (1, len(self.top)))
        inside = np.sort(self.reached.descend(own).indices.astype(np.int64))
        return inside[self.is_image[inside]]

    def tag_texts(self, column: str, rows: Numbers) -> list[str | None]:
        """Repositories or names of tags; -1 is none."""
        return self.picked("tags", column, rows, kind="name")

    def picked(self, table: str, column: str, rows: Numbers, *, kind: Any = "digest") -> list[str | None]:
        """Texts of some rows of a table; -1 is none."""
        codes = np.append(columns(self.registry, table)[column], np.int32(-1))[rows]
        return texts(self.registry, kind, codes)

    def platforms_of(self, manifests: Numbers) -> list[str | None]:
        """Platforms of some manifests; -1 has none."""
        said = [*self.platforms, None]
        return [said[row] for row in manifests.tolist()]


def forest(reg: Registry) -> Forest:
    """The ancestry forest of a registry.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> len(forest(reg).parent) == len(reg.layers)
    True
    """
    reached, manifests, layers = reach(reg), columns(reg, "manifests"), columns(reg, "layers")
    is_image = np.isin(manifests["kind"], [code for kind in ("v1", "image") if (code := reg.name_code(kind)) >= 0])
    index = reg.name_code("index")
    found = reached.tag_manifests.tocoo()
    kept = is_image[found.col]
    tag, image = found.row[kept].astype(np.int64), found.col[kept].astype(np.int64)
    order = np.lexsort((image, tag))
    return Forest(
        registry=reg,
        reached=reached,
        parent=rows_of(layers["parent"], layers["layer"]),
        depth=layers["depth"].astype(np.int64),
        top=np.where(is_image, rows_of(manifests["layer"], layers["layer"]), -1),
        is_image=is_image,
        is_index=(manifests["kind"] == index) & (index >= 0),
        tag=tag[order],
        image=image[order],
    )
