"""What the boxes and ribbons of the tag map stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plot.marks import Mark, exact_bytes, in_lines, some
from regviz.text import count_noun, short_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regviz.plot.contents import Chosen, Contents
    from regviz.plot.flow import Box, Ribbon

_FIRST = 3
"""Images of a tag that are named; all are found."""


def map_marks(
    contents: Contents,
    chosen: Chosen,
    columns: tuple[Sequence[Box], Sequence[Box], Sequence[Box]],
    ribbons: Sequence[Ribbon],
) -> Mapping[str, tuple[Mark, ...]]:
    """What stands for each ribbon, tag, image and layer: tags lead to images, and those to layers.

    Parameters
    ----------
    contents : Contents
    chosen : Chosen
        Its tags are those of the first column.
    columns : tuple of sequence of Box
        Tags, images and layers.
    ribbons : sequence of Ribbon
    """
    names = ("tags", "images", "layers")
    place = {box: (name, row) for name, column in zip(names, columns, strict=True) for row, box in enumerate(column)}
    owners = [frozenset({tag[0]}) for tag in chosen.tags]
    owners_of = dict(zip(columns[0], owners, strict=True)) | {
        box: frozenset(_owners(contents, chosen, box)) for column in columns[1:] for box in column
    }
    below: dict[Box, list[tuple[str, int]]] = {}
    joins = []
    for row, ribbon in enumerate(ribbons):
        below.setdefault(ribbon.left, []).append(("ribbons", row))
        both = owners_of[ribbon.left] & owners_of[ribbon.right]
        left = ribbon.left.key if ribbon.left in columns[0] else short_digest(ribbon.left.key)
        right = short_digest(ribbon.right.key) or ribbon.right.label
        joins.append(Mark(in_lines(f"{left} → {right}"), tuple(sorted(both)), (), (place[ribbon.right],), joins=True))
    tags_of: dict[str, list[str]] = {}
    for tag, images in contents.tags.items():
        for image in images:
            tags_of.setdefault(image, []).append(":".join(tag))
    uses: dict[str, int] = {}
    for layers in contents.images.values():
        for layer in layers:
            uses[layer] = uses.get(layer, 0) + 1

    def mark(box: Box, label: str, words: Sequence[str] = ()) -> Mark:
        return Mark(label, tuple(sorted(owners_of[box])), tuple(words), tuple(below.get(box, ())))

    return {
        "ribbons": tuple(joins),
        "tags": tuple(
            mark(box, _tag(box, contents.tags[tag]), contents.tags[tag])
            for box, tag in zip(columns[0], chosen.tags, strict=True)
        ),
        "images": tuple(mark(box, _image(contents, box, tags_of[box.key]), tags_of[box.key]) for box in columns[1]),
        "layers": tuple(
            mark(box, _layer(contents, box, uses[box.key]))
            if box.key
            else mark(box, _small(box, chosen.small), [" ".join(map(_bare, chosen.small))])
            for box in columns[2]
        ),
    }


def _owners(contents: Contents, chosen: Chosen, box: Box) -> set[str]:
    return set().union(*(contents.owners[key] for key in ([box.key] if box.key else chosen.small)))


def _bare(layer: str) -> str:
    return short_digest(layer).rpartition(":")[2]


def _tag(box: Box, images: Sequence[str]) -> str:
    more = f"and {len(images) - _FIRST:,} more" if len(images) > _FIRST else ""
    named = f"Names {count_noun(len(images), 'image')}, with {exact_bytes(box.bytes)} of layers:"
    return in_lines(box.key, named, *images[:_FIRST], more)


def _image(contents: Contents, box: Box, tags: Sequence[str]) -> str:
    layers = count_noun(len(contents.images[box.key]), "layer")
    of = ", ".join(part for part in (contents.platforms[box.key], layers, exact_bytes(box.bytes)) if part)
    return in_lines(f"Image {box.key}", of, f"Tags: {some(tags)}")


def _layer(contents: Contents, box: Box, images: int) -> str:
    much = "not there" if box.key in contents.absent else exact_bytes(box.bytes)
    return in_lines(f"Blob {box.key}", much, f"In {count_noun(images, 'image')}")


def _small(box: Box, small: Sequence[str]) -> str:
    return in_lines(f"{count_noun(len(small), 'smaller blob')}, {exact_bytes(box.bytes)}")
