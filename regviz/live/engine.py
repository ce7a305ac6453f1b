"""A connection to a Docker Engine: the one that Docker's own programs would use, and what to do where none answers."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

_UNIX, _SSH = "unix://", "ssh://"
_LOCAL = "http+docker://localhost"  # what docker's client calls a socket of this machine


def engine_host(address: str = "") -> str:
    """Where the engine is: the address, else what ``DOCKER_HOST``, ``DOCKER_CONTEXT`` or Docker's configuration says.

    Examples
    --------
    >>> engine_host("unix:///run/docker.sock")
    'unix:///run/docker.sock'
    """
    own = address or os.environ.get("DOCKER_HOST")
    return own or str(_context().Host).removeprefix("http+")  # which docker's package puts before those it makes


def connect(address: str = "") -> DockerClient:
    """A client of that engine; call it within :func:`explained`."""
    import docker  # loaded when asked for

    host = engine_host(address)
    if host.startswith(_UNIX):  # docker's client leaves a socket open that nobody listens to
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(host.removeprefix(_UNIX))
    if address:
        return docker.DockerClient(address, version="auto")
    if os.environ.get("DOCKER_HOST"):
        return docker.from_env(version="auto")
    return docker.DockerClient(host, version="auto", tls=_context().TLSConfig or False)


@contextmanager
def explained(host: str) -> Iterator[None]:
    """Say what to do where the engine does not answer, or refuses.

    Raises
    ------
    UnreachableError
        The engine did not answer, or with an error.
    """
    import docker

    try:
        yield
    except docker.errors.APIError as error:
        raise UnreachableError(f"the Docker Engine at {host} answers with an error: {error}") from error
    except (docker.errors.DockerException, OSError) as error:  # what its HTTP library raises is an OSError
        more = "; for ssh install paramiko beside docker (docker[ssh])" if host.startswith(_SSH) else ""
        message = (
            f"no Docker Engine answers at {host} ({error}): start it, or set DOCKER_HOST; its socket may need root, or "
            f"the group docker{more}"
        )
        raise UnreachableError(message) from error


def is_of_this_machine(client: DockerClient) -> bool:
    """Whether an engine is spoken to through a socket of this machine, so that its files may be here too."""
    return str(client.api.base_url) == _LOCAL


def _context() -> Any:
    """Docker's context: the one ``DOCKER_CONTEXT`` or Docker's configuration names, else that of this machine."""
    import docker

    name = os.environ.get("DOCKER_CONTEXT")
    try:
        context = docker.ContextAPI.get_context(name)
    except (docker.errors.DockerException, OSError, ValueError, KeyError):  # its files are damaged
        context = None
    if context is None or not context.Host:
        what = f"Docker context {name}" if name else "Docker context such as Docker's configuration names"
        raise RegvizError(
            f"there is no {what}, or it has no engine: `docker context ls` lists those there are; or set DOCKER_HOST"
        )
    return context
