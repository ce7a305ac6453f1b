"""The registry's own API, asked on the engine's machine: over its loopback, or from a container where that is far."""

from __future__ import annotations

import http.client
import json
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from regviz.errors import UnreachableError
from regviz.experiment.commands import Run
from regviz.live.engine import is_of_this_machine
from regviz.manifests.json import length, mapping, objects, text
from regviz.pool import is_digest

if TYPE_CHECKING:
    from docker import DockerClient

    from regviz.experiment.hand import Hand

_LOOPBACK = "127.0.0.1"
_PATIENCE = 30
_MOST_BYTES = 1 << 22
_MOST_BLOBS = 10_000
_PIPE = "http+docker://localnpipe"  # what docker's client calls a pipe of Windows
_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


class Reply(NamedTuple):
    """What a registry answered."""

    status: int
    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes
    has_body: bool = True

    def json(self) -> dict[str, Any]:
        """The document; empty where it is none."""
        try:
            return mapping(json.loads(self.body))
        except ValueError:
            return {}

    def line(self) -> str:
        """The answer in a line: its status, and the registry's own words where it refuses; not escaped."""
        reason = http.client.responses.get(self.status, "")
        errors = objects(self.json().get("errors"))
        words = "; ".join(f"{text(each.get('code'))}: {text(each.get('message'))}" for each in errors)
        lacking = f", and {len(self.body):,} of its {self.promised:,} bytes" if self.lacks else ""
        return f"{self.status} {reason}" + (f" ({words})" if words else "") + lacking

    @property
    def digest(self) -> str:
        """That of the content, as the registry says; empty where it says none."""
        said = self.headers.get("docker-content-digest", "")
        return said if is_digest(said) else ""

    @property
    def promised(self) -> int:
        """Bytes that its headers promise; -1 where they promise none."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isdecimal() else -1

    @property
    def lacks(self) -> bool:
        """Whether the body is shorter than what was promised; the answer to HEAD has none."""
        return self.has_body and 0 <= len(self.body) < min(self.promised, _MOST_BYTES)


class Api:
    """A registry of the experiment.

    Parameters
    ----------
    hand : Hand
    port : int
        On the engine's machine.
    inner : int
        In the network of the registry's container.
    """

    def __init__(self, hand: Hand, port: int, inner: int) -> None:
        self._hand, self._port, self._inner = hand, port, inner
        self._near = is_near(hand.client)

    def ask(self, method: str, path: str, *, accept: str = "*/*") -> Reply:
        """One request, answered or not.

        Raises
        ------
        UnreachableError
            There is no answer.
        """
        return self._from_here(method, path, accept) if self._near else self._from_a_container(method, path, accept)

    def text(self, method: str, path: str, *, accept: str = "") -> str:
        """The same request as a command for a terminal."""
        words = ["curl", "-i", *(["-I"] if method == "HEAD" else ["-X", method] if method != "GET" else [])]
        words += ["-H", f"Accept: {accept}"] if accept else []
        return shlex.join([*words, f"http://localhost:{self._port}{path}"])

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none where it is not known."""
        tags = self.ask("GET", f"/v2/{repository}/tags/list").json().get("tags")
        return sorted(map(str, tags)) if isinstance(tags, list) else []

    def digest(self, repository: str, reference: str) -> str:
        """The digest of the manifest that a tag points to; empty where there is none."""
        reply = self.ask("HEAD", f"/v2/{repository}/manifests/{reference}", accept=MANIFESTS)
        return reply.digest if reply.status == http.client.OK else ""

    def reachable(self, repository: str, reference: str) -> dict[str, int]:
        """Every blob that a pull of all platforms would fetch, manifests too: digests and bytes."""
        found: dict[str, int] = {}
        pending = [reference]
        while pending and len(found) < _MOST_BLOBS:
            reply = self.ask("GET", f"/v2/{repository}/manifests/{pending.pop()}", accept=MANIFESTS)
            if reply.status != http.client.OK:
                continue
            document = reply.json()
            found[reply.digest] = len(reply.body)
            children = {text(each.get("digest")) for each in objects(document.get("manifests"))}
            pending += [each for each in children - found.keys() if is_digest(each)]
            for each in (mapping(document.get("config")), *objects(document.get("layers"))):
                if is_digest(digest := text(each.get("digest"))):
                    found[digest] = max(length(each.get("size")), 0)
        return found

    def _from_here(self, method: str, path: str, accept: str) -> Reply:
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=_PATIENCE)
        try:
            connection.request(method, path, headers={"Accept": accept})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, headers, answer.read(_MOST_BYTES), method != "HEAD")
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"the registry at localhost:{self._port} does not answer ({error}): does its container "
                f"{self._hand.names.registry} run? `docker logs {self._hand.names.registry}` says more"
            ) from error
        finally:
            connection.close()

    def _from_a_container(self, method: str, path: str, accept: str) -> Reply:
        """The same by ``nc``, which stays a second so that the registry does not take its end for a lost client."""
        request = f"{method} {path} HTTP/1.0\r\nHost: localhost:{self._port}\r\nAccept: {accept}\r\n\r\n"
        script = f"{{ printf %s {shlex.quote(request)}; sleep 1; }} | nc {_LOOPBACK} {self._inner}"
        container = Run(
            self._hand.base,
            ("sh", "-c", script),
            labels=self._hand.names.labels("registry"),
            network=f"container:{self._hand.names.registry}",
        ).create(self._hand.client)
        try:
            self._hand.finish(container)
            raw = bytes(self._hand.client.api.logs(container, stderr=False))
        finally:
            self._hand.remove_container(container)
        return parsed(raw, self._port, has_body=method != "HEAD")


def is_near(client: DockerClient) -> bool:
    """Whether what an engine publishes answers on this machine: it is spoken to through a socket or a pipe of it."""
    return is_of_this_machine(client) or str(client.api.base_url) == _PIPE


def parsed(raw: bytes, port: int, *, has_body: bool) -> Reply:
    r"""What a registry sent, word for word, as an answer.

    Raises
    ------
    UnreachableError
        It is none.

    Examples
    --------
    >>> parsed(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}", 5000, has_body=True).headers
    {'a': 'b'}
    """
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    found = _LINE.match(first)
    if found is None:
        raise UnreachableError(f"the registry at localhost:{port} of the engine's machine gives no answer of HTTP")
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return Reply(int(found[1]), {name.lower(): value.strip() for name, _, value in pairs}, body[:_MOST_BYTES], has_body)
