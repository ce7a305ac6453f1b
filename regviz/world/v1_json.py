"""The v1 image of each step of a build: its id and its JSON, as the docker of that time made them.

In v1 every Dockerfile step is an image of its own, with a random id, the id of the one below, and all of the
configuration again. Schema 1 manifests carry the same JSON.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regviz.world.describe import merged_config
from regviz.world.encode import go_json, go_time

if TYPE_CHECKING:
    import datetime as dt

    from regviz.world.describe import Image, Layer

_SHELL = "/bin/sh -c "


@dataclass(frozen=True)
class Engine:
    """A version of docker, as far as it shows in what it pushes.

    Attributes
    ----------
    version, go_version, kernel : str
        As its User-Agent header names them.
    container_fields : tuple of (str, value)
        The fields of a container configuration in the order of the Go struct, with their zero values.
    """

    version: str
    go_version: str
    kernel: str
    container_fields: tuple[tuple[str, Any], ...]


_BEFORE_CPUS: tuple[tuple[str, Any], ...] = (
    ("Hostname", ""),
    ("Domainname", ""),
    ("User", ""),
    ("Memory", 0),
    ("MemorySwap", 0),
    ("CpuShares", 0),
)
_STREAMS: tuple[tuple[str, Any], ...] = (
    ("AttachStdin", False),
    ("AttachStdout", False),
    ("AttachStderr", False),
    ("PortSpecs", None),
    ("ExposedPorts", None),
    ("Tty", False),
    ("OpenStdin", False),
    ("StdinOnce", False),
    ("Env", None),
    ("Cmd", None),
)
_PLACE: tuple[tuple[str, Any], ...] = (
    ("WorkingDir", ""),
    ("Entrypoint", None),
    ("NetworkDisabled", False),
    ("OnBuild", None),
)

DOCKER_0_9 = Engine(
    "0.9.0",
    "go1.2.1",
    "3.8.0-35-generic",
    (
        *_BEFORE_CPUS,
        *_STREAMS,
        ("Dns", None),
        ("Image", ""),
        ("Volumes", None),
        ("VolumesFrom", ""),
        *_PLACE,
    ),
)
"""The article's: moby v0.9.0, runconfig/config.go."""

DOCKER_1_3 = Engine(
    "1.3.3",
    "go1.3.3",
    "3.13.0-43-generic",
    (*_BEFORE_CPUS, ("Cpuset", ""), *_STREAMS, ("Image", ""), ("Volumes", None), *_PLACE),
)
"""The last that spoke v1 alone: moby v1.3.3, runconfig/config.go."""


@dataclass(frozen=True)
class V1Image:
    """One step as v1 knows it, and all that the steps up to it add up to."""

    id: str
    parent: str
    layer: Layer
    config: dict[str, Any]
    author: str
    image: Image
    engine: Engine

    @cached_property
    def json(self) -> bytes:
        """The bytes a client uploads, which a server stores as they are.

        Notes
        -----
        moby v0.9.0, image/image.go: the fields in the order of the Go struct, without those that are empty.
        """
        container, layer = self._container(), self.layer
        fields = {
            "id": self.id,
            "parent": self.parent,
            "comment": layer.comment,
            "created": go_time(layer.created),
            "container": container.get("container", ""),
            "container_config": container["container_config"],
            "docker_version": self.engine.version,
            "author": self.author,
            "config": container.get("config", ""),
            "architecture": self.image.architecture,
            "os": self.image.os,
            "Size": layer.file_bytes,
        }
        return go_json({key: value for key, value in fields.items() if value != ""})

    def _container(self) -> dict[str, Any]:
        """The fields about the container a step was committed from; an imported base had none."""
        zero = dict(self.engine.container_fields)
        created_by = self.layer.created_by
        if not created_by:
            return {"container_config": zero}
        container = _hash("container", self.id)
        settings = zero | {"Hostname": container[:12], "Image": self.parent, "OnBuild": []} | self.config
        command = [
            *(_SHELL.split() if created_by.startswith(_SHELL) else ()),
            created_by.removeprefix(_SHELL),
        ]
        return {
            "container": container,
            "container_config": settings | {"Cmd": command},
            "config": settings,
        }


def v1_images(image: Image, engine: Engine) -> list[V1Image]:
    """The chain of v1 images, base first; images that share steps share its ids.

    Notes
    -----
    docker drew ids at random. Here an id is a hash over what the step is and stands on, so that it looks as
    random, and the same description has the same ids everywhere.
    """
    chain: list[V1Image] = []
    config: dict[str, Any] = {}
    author = parent = ""
    for layer in image.layers:
        config, author = merged_config(config, layer), layer.author or author
        chain.append(V1Image(_id(parent, layer, image.architecture), parent, layer, config, author, image, engine))
        parent = chain[-1].id
    return chain


def _id(parent: str, layer: Layer, architecture: str) -> str:
    diff_id = "" if layer.empty else layer.diff_id
    step = [layer.created_by, go_time(layer.created), layer.author, go_json(dict(layer.config)).decode()]
    name = _hash("v1 image", parent, diff_id, architecture, *step)
    return name[:16] if layer.short_id else name


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def user_agent_fields(engine: Engine, at: dt.datetime) -> dict[str, Any]:
    """What a server keeps of a push beside its tag, in the order Python 2.7 wrote it."""
    return {
        "kernel": engine.kernel,
        "arch": "amd64",
        "docker_go_version": engine.go_version,
        "last_update": int(at.timestamp()),
        "docker_version": engine.version,
        "os": "linux",
    }


def user_agent(engine: Engine) -> str:
    """What a docker of that version calls itself, from which a server takes what it keeps beside a tag.

    Examples
    --------
    >>> user_agent(DOCKER_0_9)
    'docker/0.9.0 go/go1.2.1 kernel/3.8.0-35-generic os/linux arch/amd64'
    """
    return f"docker/{engine.version} go/{engine.go_version} kernel/{engine.kernel} os/linux arch/amd64"
