"""What an engine's errors mean, each in one line with what to do."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

from regviz.errors import AccessDeniedError, RegvizError, UnreachableError
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE_HINT: Final = (
    "where there is no way out, make an archive of the images on a machine that has one, `regviz experiment bundle -o "
    "FILE`, and give it here with --images FILE"
)
_LONGEST = 300
_DEEPEST = 20
_SEVERAL_LINES = re.compile(r"\s*[\r\n]+\s*")

# What an engine says, and what that means for a person. The first that fits is told; the engine's own words follow.
_MEANINGS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for meaning, pattern in {
        "it refuses plain HTTP to a registry that is not on its own loopback: name the registry among its "
        "insecure-registries, or let a tunnel of ssh make it local": "server gave HTTP response to HTTPS client",
        "it speaks another version of Docker's API: update the engine, or the package docker (pip install -U docker)": (
            r"client version \S+ is too (old|new)|API versions below"
        ),
        "the port is taken: give another with --port, or none for a free one": (
            "port is already allocated|address already in use|ports are not available"
        ),
        "a container that is not of this experiment has that name: remove or rename it, or give the experiment another "
        "name with --name": "is already in use by container|name .* is in use",
        f"the limit of pulls is reached: docker login, or wait; {BUNDLE_HINT}": "toomanyrequests|pull rate limit",
        "the image is for another platform: choose one that fits, with --registry-image or --base": (
            "no matching manifest for|does not match the (specified|expected|detected host) platform|exec format error"
        ),
        "the registry has no such image: check its name": (
            r"manifest( for \S+)? (unknown|not found)|name unknown|pull access denied|repository does not exist"
        ),
        f"it does not reach the registry of that image; {BUNDLE_HINT}": (
            "no such host|network is unreachable|i/o timeout|TLS handshake timeout|temporary failure|no route to host|"
            r"dial tcp.*(refused|timed? ?out)|context deadline exceeded|Client\.Timeout"
        ),
        "its disk is full: `docker system df` tells what takes it": "no space left on device",
        "the registry lets nobody in without a name: docker login": (
            "unauthorized|authentication required|denied: requested access"
        ),
        "it has no such image: pull it, or run the step again that made it": r"\bNo such image\b",
    }.items()
)


def explain(error: BaseException, host: str = "") -> RegvizError:
    """What an error of the docker package, or of the HTTP library below it, means; in one line with what to do.

    Parameters
    ----------
    error : BaseException
        Whatever was raised. A RegvizError explains itself already, and is given back.
    host : str
        The engine's address, as far as it is known.

    Returns
    -------
    RegvizError
        To be raised from the error.

    Examples
    --------
    >>> from docker.errors import DockerException
    >>> print(explain(DockerException("x"), "tcp://far:2375"))
    the Docker Engine at tcp://far:2375 says: x
    >>> type(explain(ConnectionRefusedError(111, "Connection refused"), "tcp://far:2375")).__name__
    'UnreachableError'
    """
    import docker

    if isinstance(error, RegvizError):
        return error
    engine = f"the Docker Engine at {host}" if host else "the Docker Engine"
    said = one_line(_words(error))
    if isinstance(error, docker.errors.APIError | docker.errors.BuildError | docker.errors.ContainerError):
        return RegvizError(_meant(engine, said))
    if isinstance(error, docker.errors.DockerException) and "paramiko" in said:
        return UnreachableError(
            f"{host or 'an ssh:// address'} needs one more package: pip install 'docker[ssh]'; or make that engine's "
            "socket local, ssh -nNT -L /tmp/other.sock:/var/run/docker.sock HOST, and give unix:///tmp/other.sock"
        )
    for cause in _causes(error):
        if isinstance(cause, OSError) or type(cause).__module__ == "pywintypes":
            return _unreached(cause, engine, host, said)
    return RegvizError(_meant(engine, said))


def complaint(said: object, host: str = "") -> RegvizError:
    """What an engine says in the midst of an answer, after it began as if all were well.

    Examples
    --------
    >>> print(complaint("no space left on device"))
    the Docker Engine says: no space left on device; its disk is full: `docker system df` tells what takes it
    """
    return RegvizError(_meant(f"the Docker Engine at {host}" if host else "the Docker Engine", one_line(str(said))))


def one_line(text: str) -> str:
    r"""A text of an engine or a registry, in one line, bounded, and harmless for a terminal.

    Examples
    --------
    >>> one_line("two\nlines\x1b[31m")
    'two lines\\x1b[31m'
    """
    line = escape_terminal(_SEVERAL_LINES.sub(" ", text[: 4 * _LONGEST].strip()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def refuses_plain_http(text: str) -> bool:
    """Whether an engine's complaint is that a registry answers without TLS.

    Examples
    --------
    >>> refuses_plain_http('Get "https://h:5000/v2/": http: server gave HTTP response to HTTPS client')
    True
    """
    return _MEANINGS[0][0].search(text) is not None


def _words(error: BaseException) -> str:
    """What an error says, without what a library puts before it."""
    for name in ("explanation", "msg", "stderr"):
        said = getattr(error, name, None)
        if said:
            return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return str(error) or type(error).__name__


def _meant(engine: str, said: str) -> str:
    meaning = next((meaning for pattern, meaning in _MEANINGS if pattern.search(said)), "")
    return f"{engine} says: {said}" + (f"; {meaning}" if meaning else "")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What lies below an error, the deepest first: libraries wrap the system's own in several of theirs."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < _DEEPEST:
        next_one = waiting.pop(0)
        if isinstance(next_one, BaseException) and not any(next_one is each for each in found):
            found.append(next_one)
            waiting += [next_one.__cause__, next_one.__context__, getattr(next_one, "reason", None), *next_one.args]
    return reversed(found)


def _unreached(cause: BaseException, engine: str, host: str, said: str) -> RegvizError:
    number = cause.args[0] if cause.args and isinstance(cause.args[0], int) else 0
    on_windows = type(cause).__module__ == "pywintypes"
    desktop = sys.platform in {"win32", "darwin"} or ".docker" in host or host.startswith("npipe:")
    start = (
        "start Docker Desktop and wait until it says that it runs"
        if desktop
        else "start it (sudo systemctl start docker)"
    )
    if isinstance(cause, PermissionError) or (on_windows and number == 5):
        todo = (
            "let Docker Desktop's installer add this user to the group docker-users, and log in again"
            if desktop
            else "sudo usermod -aG docker $USER, and log in again"
        )
        return AccessDeniedError(f"{engine} does not let this user in: {todo}")
    if isinstance(cause, FileNotFoundError) or (on_windows and number == 2):
        return UnreachableError(
            f"no Docker Engine at {host or 'its usual place'}, its socket is not there: {start}, install one, or set "
            "DOCKER_HOST to where one is"
        )
    if host.startswith(("unix:", "npipe:")) and isinstance(cause, ConnectionError):
        return UnreachableError(f"{engine} does not listen any more at its socket: {start}")
    if isinstance(cause, TimeoutError) or "timed out" in said:
        return UnreachableError(f"{engine} did not answer in time: is it busy, or is a firewall between? Try it again")
    why = one_line(getattr(cause, "strerror", None) or str(cause))
    todo = (
        "DOCKER_HOST says so: unset it for the engine of this machine, or set it to where one is"
        if host and host == os.environ.get("DOCKER_HOST")
        else "is the address right, and does an engine listen there?"
    )
    return UnreachableError(
        f"nothing answers as a Docker Engine at {host or 'its usual place'} ({why}): {todo}; `docker context ls` lists "
        "those that Docker knows"
    )
