"""What an image says of itself in its ``json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field, json

from regviz.manifests.json import load_object, mapping
from regviz.manifests.schema1 import v1_instruction

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(Struct, gc=False):
    """What of ``container_config`` is wanted."""

    cmd: Any = field(default=None, name="Cmd")


class Configuration(Struct, gc=False):
    """What of ``config`` is wanted."""

    labels: Any = field(default=None, name="Labels")


class Image(Struct, gc=False):
    """What of an image's document is wanted: values as they stand there, whatever they are."""

    id: Any = None
    parent: Any = None
    created: Any = None
    os: Any = None
    architecture: Any = None
    variant: Any = None
    author: Any = None
    comment: Any = None
    size: Any = field(default=None, name="Size")
    container_config: Command | None = None
    config: Configuration | None = None


_decode = json.Decoder(Image).decode


def parse_image(content: bytes) -> Image | None:
    """One document; None where it is none.

    A document is decoded into what is wanted of it, and the rest only checked. What that refuses, and servers took, is
    read by :func:`regviz.manifests.json.load_object`.

    Examples
    --------
    >>> parse_image(b'{"id": "27cf784147099545", "Size": 0, "config": {"Labels": null}}').size
    0
    >>> parse_image(b'{"config": []}').config is None, parse_image(b"[]")
    (True, None)
    """
    try:
        return _decode(content)
    except (ValueError, RecursionError):
        document = load_object(content)
    if document is None:
        return None
    get = document.get
    said = {
        name: get(name) for name in ("id", "parent", "created", "os", "architecture", "variant", "author", "comment")
    }
    command, config = get("container_config"), get("config")
    return Image(
        **said,
        size=get("Size"),
        container_config=Command(command.get("Cmd")) if isinstance(command, dict) else None,
        config=Configuration(config.get("Labels")) if isinstance(config, dict) else None,
    )


def parse_images(contents: Sequence[bytes | None]) -> list[Image] | None:
    """Many documents, in their order; None where they have to be looked at one by one."""
    try:
        return [*map(_decode, contents)]  # type: ignore[arg-type]  # a TypeError tells that one is None
    except (TypeError, ValueError, RecursionError):
        return None


def instructions(images: Sequence[Image]) -> list[str | None]:
    """The commands that made images, as :func:`regviz.manifests.schema1.v1_instruction` has them."""
    commands = [image.container_config and image.container_config.cmd for image in images]
    try:
        return [" ".join(words) if type(words) is list else _instruction(words) for words in commands]
    except TypeError:  # a word that is none
        return [*map(_instruction, commands)]


def _instruction(command: object) -> str | None:
    return None if command is None else v1_instruction({"container_config": {"Cmd": command}})


def labels_of(image: Image) -> dict[str, Any]:
    """An image's labels."""
    return mapping(image.config.labels) if image.config else {}
