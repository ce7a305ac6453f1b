"""A container to be made: what the engine is asked for, and the very same as a command for a terminal."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import DockerClient


@dataclass(frozen=True)
class Run:
    """A container as ``docker run`` makes it; its command line and what is sent to the engine are made of the same.

    Attributes
    ----------
    image : str
    command : tuple of str
        Empty for what the image says.
    name : str
        Empty for one that is removed when it has ended.
    labels, environment, volumes, ports : mapping
        Volumes: name to path in the container. Ports: of the container, to address and port of the host.
    volumes_from : str
        A container whose volumes it has.
    network : str
        Empty for the engine's usual one.
    detached : bool
        Whether it goes on running.
    """

    image: str
    command: tuple[str, ...] = ()
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    volumes_from: str = ""
    network: str = ""
    detached: bool = False

    def text(self) -> str:
        """The command.

        Examples
        --------
        >>> Run("busybox", ("true",), "regviz-DATA", volumes={"regviz-data": "/tmp/registry"}).text()
        'docker run --name regviz-DATA -v regviz-data:/tmp/registry busybox true'
        """
        words = ["docker", "run"]
        words += ["-d"] if self.detached else []
        words += ["--name", self.name] if self.name else ["--rm"]
        for option, values in (
            ("--label", self.labels),
            ("-e", self.environment),
        ):
            words += [each for key, value in values.items() for each in (option, f"{key}={value}")]
        words += [each for name, path in self.volumes.items() for each in ("-v", f"{name}:{path}")]
        words += ["--volumes-from", self.volumes_from] if self.volumes_from else []
        words += [each for inner, (host, port) in self.ports.items() for each in ("-p", f"{host}:{port}:{inner}")]
        words += ["--network", self.network] if self.network else []
        return shlex.join([*words, self.image, *self.command])

    def create(self, client: DockerClient) -> str:
        """Make it, not started; its ID."""
        config: dict[str, Any] = {
            "binds": [f"{name}:{path}" for name, path in self.volumes.items()],
            "port_bindings": dict(self.ports),
        }
        if self.volumes_from:
            config["volumes_from"] = [self.volumes_from]
        if self.network:
            config["network_mode"] = self.network
        made = client.api.create_container(
            self.image,
            list(self.command) or None,
            name=self.name or None,
            labels=dict(self.labels),
            environment=dict(self.environment),
            ports=list(self.ports),
            host_config=client.api.create_host_config(**config),
        )
        return str(made["Id"])
