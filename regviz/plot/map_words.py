"""What the tag map says in words: its title, how it is read and what it leaves out, and what is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plot.labels import drawable
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from regviz.plot.contents import Chosen, Contents


def title(contents: Contents) -> str:
    """The finding: what the tags add up to, and in how many bytes their layers are stored."""
    if not contents.tags:
        return "There is no tag"
    tags, layers = count_noun(len(contents.tags), "tag"), count_noun(len(contents.layers), "layer blob")
    logical, stored = sum(contents.tag_bytes.values()), sum(contents.layers.values())
    if not contents.layers:
        return f"{tags}, and no layer"
    if len(contents.tags) == 1:
        return f"{tags} on {layers}: {format_bytes(stored)}"
    if logical == stored:
        return f"{tags} on {layers}; no two tags share one: {format_bytes(stored)}"
    are = "is" if len(contents.layers) == 1 else "are"
    return f"{tags} add up to {format_bytes(logical)}; their {layers} {are} stored in {format_bytes(stored)}"


def explanation(contents: Contents, chosen: Chosen) -> str:
    """How the picture is read, and what is left out."""
    named = {image for tag in chosen.tags for image in contents.tags[tag]}
    left = [
        count_noun(count, *words)
        for count, words in (
            (len(contents.tags) - len(chosen.tags), ("other tag", "other tags")),
            (len(named) - len(chosen.images), ("smaller image of these", "smaller images of these")),
        )
        if count
    ]
    text = (
        "Tags, their images, the blobs of their layers: heights are bytes; a blob is stored once however many reach it."
    )
    return f"{text} Left out: {', '.join(left)}." if left else text


def description(contents: Contents, chosen: Chosen) -> str:
    """What a reader who does not see the picture should know of it."""
    columns = (
        count_noun(len(chosen.tags), "tag"),
        count_noun(len(chosen.images), "image"),
        count_noun(len(chosen.layers) + len(chosen.small), "layer blob"),
    )
    tag = max(chosen.tags, key=lambda tag: contents.tag_bytes[tag])
    said = f"{', '.join(columns)}. The largest tag is {':'.join(tag)} with {format_bytes(contents.tag_bytes[tag])}"
    uses = {key: sum(key in contents.images[image] for image in chosen.images) for key in chosen.layers}
    if most := max(uses, key=lambda key: (uses[key], contents.layers[key]), default=None):
        images = count_noun(uses[most], "image")
        size = format_bytes(contents.layers[most])
        said += f"; the most used blob, {short_digest(most)} with {size}, is in {images}"
    return drawable(f"{said}.")
