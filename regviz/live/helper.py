"""A helper container, so that the engine shows a volume that no container uses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.manifests.json import mapping, objects, text
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

LABEL = "regviz.helper"
_DESTINATION = "/regviz-helper"
_NO_COMMAND = "/never-started"


@contextmanager
def helper_container(client: DockerClient, volume: str, image: str | None) -> Iterator[tuple[dict[str, Any], str]]:
    """A container that has a volume, read-only, and is never started; it is removed at the end, whatever happens.

    Yields what the engine says of it, and where in it the volume is.

    Parameters
    ----------
    client : DockerClient
    volume : str
    image : str or None
        An image that the engine has; None for any of them. None is ever pulled.

    Raises
    ------
    RegvizError
        The engine has no such image, or none at all.
    """
    chosen = _image(client, image)
    config = client.api.create_host_config(
        binds={volume: {"bind": _DESTINATION, "mode": "ro,nocopy"}}, network_mode="none"
    )
    made = client.api.create_container(chosen, command=[_NO_COMMAND], host_config=config, labels={LABEL: volume})
    container = text(mapping(made).get("Id"))
    try:
        yield mapping(client.api.inspect_container(container)), _DESTINATION
    finally:
        client.api.remove_container(container, v=True, force=True)  # v: volumes its image made; a named one stays


def _image(client: DockerClient, name: str | None) -> str:
    import docker

    if name is not None:
        try:
            return text(mapping(client.api.inspect_image(name)).get("Id"))
        except docker.errors.NotFound:
            raise RegvizError(
                f"the engine has no image {clean(name)}, and regviz pulls none: name one that `docker images` lists"
            ) from None
    images = objects(client.api.images())
    if not images:
        raise RegvizError("the engine has no image that a helper container could be made of: docker pull a small one")
    return text(min(images, key=lambda item: item.get("Size") or 0).get("Id"))
