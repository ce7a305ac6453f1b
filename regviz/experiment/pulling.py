"""A pull as an engine tells it: which layers moved, which were there already, and why it was refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.experiment.trouble import one_line, refuses_plain_http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient

_THERE, _DONE = "Already exists", ("Pull complete", "Download complete")
_ENDS = ("Digest: ", "Status: ")
_MOST_LAYERS = 10_000
_WAYS = """\
An engine speaks plain HTTP to its own loopback only. There are two ways; for anything but a lesson, give the
registry a certificate.

1. A tunnel makes the registry local there. On this machine:
       ssh -nNT -R {port}:localhost:{port} {there}
   or on the other host:
       ssh -nNT -L {port}:localhost:{port} USER@{near}
   and pull localhost:{port}/... there. Docker Desktop's engine has a loopback of its own: take the second way.

2. The other host's engine is told to. In its daemon.json, beside what is there already:
       {line}
       Linux           /etc/docker/daemon.json, then: sudo systemctl reload docker
       rootless        ~/.config/docker/daemon.json, then: systemctl --user reload docker
       Docker Desktop  Settings, Docker Engine, then: Apply & restart
       Windows Server  C:\\ProgramData\\docker\\config\\daemon.json, then: Restart-Service docker"""


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull did.

    Attributes
    ----------
    reference : str
        What was asked for.
    pulled, there : tuple of str
        The layers that moved, and those that the engine had: the first twelve digits of their blobs' digests.
    digest : str
        That of the manifest or index that came.
    said : tuple of str
        The engine's last word on each layer, and on the whole.
    refused : str
        Why it was refused; empty where it was not.
    """

    reference: str
    pulled: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    digest: str = ""
    said: tuple[str, ...] = ()
    refused: str = ""

    @property
    def plain_http(self) -> bool:
        """Whether it was refused because the registry answers without TLS."""
        return refuses_plain_http(self.refused)


def pull(client: DockerClient, reference: str) -> Pull:
    """Pull an image, and tell what moved. A refusal is a result, no error.

    Parameters
    ----------
    client : DockerClient
    reference : str
        With its tag.
    """
    import docker

    try:
        return told(reference, client.api.pull(reference, stream=True, decode=True))
    except docker.errors.APIError as error:
        return Pull(reference, refused=one_line(str(error.explanation or error)))


def told(reference: str, messages: Iterable[dict[str, Any]]) -> Pull:
    """What the messages of a pull add up to.

    Examples
    --------
    >>> messages = [
    ...     {"status": "Pulling from nodejs", "id": "latest"},
    ...     {"status": "Already exists", "id": "aaaaaaaaaaaa"},
    ...     {"status": "Pulling fs layer", "id": "bbbbbbbbbbbb"},
    ...     {"status": "Pull complete", "id": "bbbbbbbbbbbb"},
    ...     {"status": "Digest: sha256:cc"},
    ... ]
    >>> done = told("localhost:5000/nodejs:latest", messages)
    >>> done.there, done.pulled, done.digest
    (('aaaaaaaaaaaa',), ('bbbbbbbbbbbb',), 'sha256:cc')
    """
    last: dict[str, str] = {}
    ends: list[str] = []
    refused = ""
    for message in messages:
        status, name = str(message.get("status", "")), str(message.get("id", ""))
        if "error" in message:
            refused = one_line(str(message["error"]))
        elif name and not status.startswith("Pulling from") and len(last) < _MOST_LAYERS:
            last[name] = status
        elif status.startswith(_ENDS):
            ends.append(one_line(status))
    digest = next((end.removeprefix(_ENDS[0]) for end in ends if end.startswith(_ENDS[0])), "")
    return Pull(
        reference,
        pulled=tuple(one_line(name) for name, status in last.items() if status.startswith(_DONE)),
        there=tuple(one_line(name) for name, status in last.items() if status == _THERE),
        digest=digest,
        said=(*(f"{one_line(name)}: {one_line(status)}" for name, status in last.items()), *ends),
        refused=refused,
    )


def daemon_json(address: str) -> str:
    """The line that lets an engine speak plain HTTP to a registry.

    Examples
    --------
    >>> print(daemon_json("10.20.0.100:5000"))
    {"insecure-registries": ["10.20.0.100:5000"]}
    """
    return json.dumps({"insecure-registries": [address]})


def ways_around(address: str, port: int, host: str = "") -> str:
    """How another host comes to a registry that speaks plain HTTP, with the exact lines.

    Parameters
    ----------
    address : str
        Under which the other host would reach the registry.
    port : int
        Where the registry listens on this machine's loopback.
    host : str
        The other engine's address; an ssh:// one says where a tunnel leads.
    """
    there = host.removeprefix("ssh://").rstrip("/") if host.startswith("ssh://") else "USER@OTHER-HOST"
    there, at, number = there.rpartition(":") if there.rpartition(":")[2].isdigit() else (there, "", "")
    where = f"-p {number} {there}" if at else there
    near = address.rpartition(":")[0].strip("[]") or "THIS-HOST"
    return _WAYS.format(port=port, there=where, near=near, line=daemon_json(address))
