"""Images to be compared: their layers and build steps, as texts and numbers, whatever registry they lie in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regviz.analysis.accounting import plain_tars
from regviz.analysis.reach import columns, rows_of
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Numbers

_CONTENT_HASH = re.compile(r"\b(file|dir|multi):[0-9a-f]{64}\b")
"""What the classic builder, and buildah, write of what ADD and COPY found."""
_USUAL = "linux/amd64"


@dataclass(frozen=True, slots=True)
class Step:
    """One layer of an image: its blob and diff ID, what made it, its bytes (None where they are not known)."""

    position: int
    blob: str | None
    diff_id: str | None
    created_by: str | None
    blob_bytes: int | None
    empty: bool
    plain: bool
    """Whether the bytes are those of an uncompressed tar."""
    absent: bool
    """Whether the blob is known not to lie in the registry."""

    @property
    def instruction(self) -> str | None:
        """What made it, without the hash of what was copied."""
        return instruction(self.created_by)


@dataclass(frozen=True, slots=True)
class Stack:
    """An image as it is compared.

    Attributes
    ----------
    reference, uri, manifest, platform
        How it was asked for, the source it lies in, which image it is.
    steps : list of Step
        Its layers, from the base up.
    layerless : frozenset of str
        Instructions of build steps that made no layer.
    base : str, optional
        Topmost layer of its nearest tagged base.
    base_layers : int
        How many layers that has.
    """

    reference: str
    uri: str
    manifest: str
    platform: str | None
    steps: list[Step]
    layerless: frozenset[str]
    base: str | None
    base_layers: int


def instruction(created_by: str | None) -> str | None:
    """What a build step does, without the hash of what was copied; None where nothing is said.

    Examples
    --------
    >>> instruction("/bin/sh -c #(nop) COPY file:" + "ab" * 32 + " in /srv ")
    '/bin/sh -c #(nop) COPY file: in /srv'
    """
    said = _CONTENT_HASH.sub(r"\1:", created_by or "").strip()
    return said or None


def stacks(asked: Sequence[tuple[Forest, str]], platform: str | None) -> list[Stack]:
    """The images that references mean; of an index, that of one platform.

    Raises
    ------
    RegvizError
        A reference is no image, or an index lists none for the platform.
    """
    offered = [_offered(woods, reference) for woods, reference in asked]
    wanted = platform or _common(offered)
    return [
        stack_of(woods, reference, _chosen(reference, images, wanted, asked_for=platform is not None))
        for (woods, reference), images in zip(asked, offered, strict=True)
    ]


def _offered(woods: Forest, reference: str) -> dict[str | None, int]:
    """The images that a reference stands for, by platform; of two for one platform the first."""
    reg = woods.registry
    code = np.array([reg.key_code(reg.resolve(reference))])
    inside = woods.within(int(rows_of(code, columns(reg, "manifests")["manifest"])[0]))
    inside = inside[woods.is_image[inside]]
    if not len(inside):
        raise RegvizError(f"{reference!r} is no image, and lists none: there are no layers to compare")
    offered: dict[str | None, int] = {}
    for name, row in zip(woods.platforms_of(inside), inside.tolist(), strict=True):
        offered.setdefault(name, row)
    return offered


def _common(offered: list[dict[str | None, int]]) -> str | None:
    """The platform that all can be compared for: where there is a choice, one that all who have the choice share."""
    choices = [images for images in offered if len(images) > 1]
    single = [name for images in offered if len(images) == 1 for name in images]
    for name in (*single, _USUAL, *(name for images in choices for name in images)):
        if all(name in images for images in choices):
            return name
    return None


def _chosen(reference: str, images: dict[str | None, int], wanted: str | None, *, asked_for: bool) -> int:
    if wanted in images:
        return images[wanted]
    if len(images) == 1 and not asked_for:
        return next(iter(images.values()))
    named = ", ".join(sorted(str(name) for name in images))
    missing = f"no image for {wanted}" if asked_for else "several images, and the others none for the same platform"
    raise RegvizError(f"{reference!r} has {missing}; it has {named}: say which platform, or give digests")


def stack_of(woods: Forest, reference: str, image: int) -> Stack:
    """Read one image out of the tables."""
    reg = woods.registry
    code = columns(reg, "manifests")["manifest"][image]
    history = columns(reg, "history")
    rows = slice(*np.searchsorted(history["manifest"], [code, code + 1]).tolist())
    said = texts(reg, "text", history["created_by"][rows])
    made_by = dict(zip(history["position"][rows].tolist(), said, strict=True))
    layerless = {instruction(text) for text, no in zip(said, history["empty"][rows].tolist(), strict=True) if no == 1}
    below = int(np.append(woods.below, -1)[woods.top[image]])
    return Stack(
        reference=reference,
        uri=reg.source.uri,
        manifest=str(woods.picked("manifests", "manifest", np.array([image]))[0]),
        platform=woods.platforms_of(np.array([image]))[0],
        steps=_steps(woods, image, made_by),
        layerless=frozenset(step for step in layerless if step),
        base=woods.picked("layers", "layer", np.array([below]))[0],
        base_layers=int(woods.depth[below]) if below >= 0 else 0,
    )


def places(woods: Forest, image: int) -> tuple[list[int], Numbers, Numbers]:
    """The layers of an image from the base up: positions, and rows of `layers` and of `blobs`."""
    reached = woods.reached
    first, beyond = np.searchsorted(reached.step_manifest, [image, image + 1]).tolist()
    rows = np.arange(first, beyond)[reached.step_layer[first:beyond] >= 0]
    if len(rows):
        position: list[int] = columns(woods.registry, "manifest_layers")["position"][rows].tolist()
        return position, reached.step_layer[rows], reached.step_blob[rows]
    # a v1 image that others stand on, and without a tag
    _, layer, blob = (values[::-1] for values in woods.stacks(np.array([image])))
    return [*range(len(layer))], layer, blob


def _steps(woods: Forest, image: int, made_by: dict[int, str | None]) -> list[Step]:
    """The layers of an image; what made them is what its own history says, else that of the eldest image."""
    reg = woods.registry
    position, layer, blob = places(woods, image)
    layers, blobs = columns(reg, "layers"), columns(reg, "blobs")
    lengths, unpacked = held_bytes(reg)
    is_known = np.append((blobs["blob_bytes"] != NA_INT) | (unpacked & (lengths > 0)), np.False_)[blob].tolist()
    is_absent = np.append(blobs["present"] == 0, np.False_)[blob].tolist()
    is_plain = np.append(plain_tars(reg) | unpacked, np.False_)[blob].tolist()
    return [
        Step(place, key, diff_id, made_by.get(place) or eldest, length if known else None, nothing == 1, plain, absent)
        for place, key, diff_id, eldest, length, known, nothing, plain, absent in zip(
            position,
            woods.picked("blobs", "blob", blob),
            woods.picked("layers", "diff_id", layer),
            texts(reg, "text", layers["created_by"][layer]),
            np.append(lengths, 0)[blob].tolist(),
            is_known,
            layers["empty"][layer].tolist(),
            is_plain,
            is_absent,
            strict=True,
        )
    ]
