"""What a step has at hand while it works, and the registry that it works with."""

from __future__ import annotations

import http.client
import random
import re
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment.api import MANIFESTS, Api, Reply, is_near
from regviz.experiment.commands import Run
from regviz.experiment.names import PORT_LABEL, ROOT
from regviz.experiment.pushing import push
from regviz.experiment.trouble import explain, one_line
from regviz.manifests.json import mapping, objects, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient

    from regviz.experiment.hand import Hand
    from regviz.experiment.images import Recipe
    from regviz.experiment.names import Names
    from regviz.experiment.pushing import Push
    from regviz.tree import Row

INNER_PORT = 5000
_LOOPBACK = "127.0.0.1"
_LISTENS_AT = ("127.0.0.1", "0.0.0.0")  # noqa: S104  # a person may say so, for the article's other host
_LAST_PORT = 65535
_LISTENS, _TAKEN = "listening on", "address already in use"
_PATIENCE, _PAUSE = 30.0, 0.05
_ATTEMPTS = 5
_HIGH_PORTS = (20000, 60000)
_BLOB = re.compile(r"/blobs/([a-z0-9]+)/[0-9a-f]{2}/([0-9a-f]+)/data$")


@dataclass(frozen=True)
class Choices:
    """What a person chose for the experiment; see :class:`regviz.experiment.Experiment`."""

    registry_image: str
    base: str
    port: int | None
    network: str | None
    listen: str

    def __post_init__(self) -> None:
        if self.listen not in _LISTENS_AT:
            raise RegvizError(
                f"the registry listens at {' or '.join(_LISTENS_AT)} (for other hosts too), as images are pushed to "
                f"localhost: not at {self.listen!r}"
            )
        if self.port is not None and not 1 <= self.port <= _LAST_PORT:
            raise RegvizError(f"a port is a number from 1 to {_LAST_PORT}, not {self.port}")


@dataclass
class Work:
    """One step at work: it says what it types, what was answered, and what there was to count."""

    hand: Hand
    choices: Choices
    step: str
    now: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    facts: dict[str, int | str | bool] = field(default_factory=dict)

    @property
    def client(self) -> DockerClient:
        """The engine."""
        return self.hand.client

    @property
    def names(self) -> Names:
        """What the experiment's things are called."""
        return self.hand.names

    @property
    def labels(self) -> dict[str, str]:
        """On everything that the step makes."""
        return self.names.labels(self.step)

    def type(self, command: str) -> None:
        """Say what one types for what is done now."""
        self.now.append(command)

    def say(self, lines: Iterable[str]) -> None:
        """Keep what was answered."""
        self.said += lines

    def run(self, what: Run) -> list[str]:
        """A container from its beginning to its end; what it printed.

        Raises
        ------
        RegvizError
            It ended with an error.
        """
        self.type(what.text())
        code, lines = self.hand.run(what)
        self.say(lines)
        if code:
            said = f": {one_line(lines[-1])}" if lines else ""
            raise RegvizError(
                f"`{' '.join(what.command[:2])}` in a container of {what.image} ended with code {code}{said}"
            )
        return lines

    def build(self, recipe: Recipe, reference: str) -> dict[str, Any]:
        """Build an image; what the engine says of it."""
        self.hand.image(reference)  # one that is there and not ours is left alone
        for base in recipe.bases:
            self.say(self.hand.ensure_image(base, self.step))
        # One that is built anew begins as the first did, so that the engine finds what did not change.
        first = self.names.labels("build") if self.step == "overwrite" else self.labels
        labelled = recipe.labelled(first, self.labels)
        self.type(f"DOCKER_BUILDKIT=0 docker build -t {reference} .")
        for number, line in enumerate(labelled.dockerfile.strip().splitlines()):
            self.say([f"{'Dockerfile:' if number == 0 else '':11} {line}".rstrip()])
        answers = self.client.api.build(
            fileobj=labelled.context(),
            custom_context=True,
            encoding=None,
            dockerfile="Dockerfile",
            tag=reference,
            rm=True,
            forcerm=True,
            decode=True,
            network_mode=self.network() or None,
        )
        for answer in answers:
            if "error" in answer:
                raise RegvizError(f"{reference} cannot be built: {one_line(str(answer['error']))}")
            self.say(line for line in str(answer.get("stream", "")).splitlines() if line.strip())
        return self.hand.image(reference) or {}

    def give_name(self, reference: str, name: str) -> None:
        """Another name for an image."""
        self.hand.image(name)
        repository, _, tag = name.rpartition(":")
        self.type(f"docker tag {reference} {name}")
        self.client.api.tag(reference, repository, tag)

    def push(self, reference: str) -> Push:
        """Push an image; what moved."""
        self.type(f"docker push {reference}")
        done = push(self.client, reference)
        self.say(done.said)
        return done

    # --- the registry

    def network(self) -> str:
        """The network of containers; empty for the engine's usual one, which not every engine has."""
        if self.choices.network is not None:
            return self.choices.network
        found = objects(self.client.api.networks(names=["bridge"]))
        return "" if any(each.get("Name") == "bridge" for each in found) else "host"

    def port(self) -> int:
        """Where the registry listens on the engine's machine.

        Raises
        ------
        RegvizError
            There is no registry.
        """
        details = self.hand.container(self.names.registry)
        number = text(mapping(mapping(mapping(details).get("Config")).get("Labels")).get(PORT_LABEL))
        if not number.isdecimal():
            raise RegvizError("the experiment has no registry: the step registry starts one")
        return int(number)

    def api(self) -> Api:
        """The registry's API; it is started where it stands still."""
        details = mapping(self.hand.container(self.names.registry))
        port = self.port()
        if not mapping(details.get("State")).get("Running"):
            self.start(text(details.get("Id")))
        on_host = mapping(details.get("HostConfig")).get("NetworkMode") == "host"
        return Api(self.hand, port, port if on_host else INNER_PORT)

    def ask(self, api: Api, method: str, path: str, *, manifests: bool = False) -> Reply:
        """One request that a person may see."""
        accept = MANIFESTS if manifests else ""
        self.type(api.text(method, path, accept=accept))
        reply = api.ask(method, path, accept=accept or "*/*")
        self.say([f"{method} {path}", f"  {reply.line()} {reply.digest}".rstrip()])
        return reply

    def registry_run(self, port: int) -> Run:
        """The registry's container."""
        network = self.network()
        inner = f"{self.choices.listen}:{port}" if network == "host" else f":{INNER_PORT}"
        return Run(
            self.choices.registry_image,
            name=self.names.registry,
            labels=self.names.labels("registry", port=str(port)),
            environment=environment(inner),
            ports={} if network == "host" else {INNER_PORT: (self.choices.listen, port)},
            volumes_from=self.names.data,
            network=network,
            detached=True,
        )

    def start_registry(self) -> int:
        """Make the registry and start it; the port: that which was asked for, that of before, or a free one."""
        import docker

        wanted, earlier = self.choices.port, self.hand.earlier_ports()
        for attempt in range(_ATTEMPTS):
            port = wanted or (earlier.pop() if earlier else free_port(self.client))
            what = self.registry_run(port)
            container = what.create(self.client)
            try:
                self.start(container)
            except (docker.errors.APIError, RegvizError) as error:
                self.hand.remove_container(container)
                taken = any(word in str(error) for word in ("already allocated", _TAKEN, "not available"))
                if wanted and taken:
                    raise RegvizError(
                        f"the port {port} is taken on the engine's machine: give another (--port), or none for any"
                    ) from error
                if not taken or attempt == _ATTEMPTS - 1:
                    raise explain(error) from error
                continue
            self.type(what.text())
            return port
        raise AssertionError("the last attempt returns or raises")

    def start(self, container: str) -> None:
        """Start the registry's container, and wait until it listens.

        Raises
        ------
        RegvizError
            It ends, or does not listen.
        """
        api = self.client.api
        before = bytes(api.logs(container)).count(_LISTENS.encode())
        api.start(container)
        until = time.monotonic() + _PATIENCE
        while True:
            running = mapping(mapping(api.inspect_container(container)).get("State")).get("Running")
            log = bytes(api.logs(container)).decode(errors="backslashreplace")  # then: its last words too
            if log.count(_LISTENS) > before:
                return
            if not running or time.monotonic() > until:
                lines = log.splitlines()
                said = f"; its last words: {one_line(lines[-1])}" if lines else ""
                how = "does not listen" if running else "ended at once"
                raise RegvizError(f"the registry of {self.choices.registry_image} {how}{said}")
            time.sleep(_PAUSE)

    def collector_run(self) -> Run:
        """The registry's garbage collector, in a container of its own on the same volume."""
        details = mapping(self.hand.container(self.names.registry))
        image = text(mapping(details.get("Config")).get("Image")) or self.choices.registry_image
        config = mapping(mapping(self.client.api.inspect_image(image)).get("Config"))
        words = [str(word) for key in ("Entrypoint", "Cmd") for word in (config.get(key) or [])]
        path = next(
            (word for word in reversed(words) if word.endswith((".yml", ".yaml"))), "/etc/docker/registry/config.yml"
        )
        return Run(
            image,
            ("garbage-collect", path),
            labels=self.labels,
            environment=environment(f":{INNER_PORT}") | {"REGISTRY_LOG_LEVEL": "warn"},
            volumes_from=self.names.data,
            network="none",
        )


def environment(address: str) -> dict[str, str]:
    """What the registry is told: where it stores, that manifests may be deleted, and that it remembers blobs."""
    return {
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": ROOT,
        "REGISTRY_STORAGE_DELETE_ENABLED": "true",
        "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "inmemory",
        "REGISTRY_HTTP_ADDR": address,
        "REGISTRY_LOG_LEVEL": "info",
    }


def free_port(client: DockerClient) -> int:
    """A port that is free on this machine; where the engine is on another, one that is most likely free there."""
    if not is_near(client):
        return random.randint(*_HIGH_PORTS)  # noqa: S311  # nothing secret
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


def blobs_of(rows: Iterable[Row]) -> dict[str, int]:
    """The blobs of a storage: digests and bytes.

    Examples
    --------
    >>> from regviz.tree import Row
    >>> blobs_of([Row("docker/registry/v2/blobs/sha256/ab/abcd/data", 7, "file", 3, "", None, True)])
    {'sha256:abcd': 3}
    """
    found = {}
    for row in rows:
        match = _BLOB.search(row.path)
        if row.type == "file" and match is not None:
            found[f"{match[1]}:{match[2]}"] = row.bytes or 0
    return found


def measured(rows: Iterable[Row]) -> dict[str, int]:
    """Files, bytes and blobs of a storage."""
    every = list(rows)
    files = [row for row in every if row.type == "file"]
    return {"files": len(files), "bytes": sum(row.bytes or 0 for row in files), "blobs": len(blobs_of(every))}


def is_ok(status: int) -> bool:
    """Whether an answer says that all is well."""
    return http.client.OK <= status < http.client.MULTIPLE_CHOICES
