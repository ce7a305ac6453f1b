"""A push as an engine tells it: which layers travelled, and which the registry had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.experiment.trouble import complaint, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient

_SENT, _THERE, _MOUNTED = "Pushed", "already exists", "Mounted from"
_MOST_LAYERS = 10_000


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did.

    Attributes
    ----------
    reference : str
    sent, there, mounted : tuple of str
        Layers that travelled, that the repository had, and that came from another repository of the same registry.
    digest : str
        Of the manifest.
    said : tuple of str
        The engine's last word on each layer, and on the whole.
    """

    reference: str
    sent: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    digest: str = ""
    said: tuple[str, ...] = ()


def push(client: DockerClient, reference: str) -> Push:
    """Push an image to a registry that asks for no name.

    Raises
    ------
    RegvizError
        It was refused.
    """
    return told(reference, client.api.push(reference, stream=True, decode=True, auth_config={}))


def told(reference: str, messages: Iterable[dict[str, Any]]) -> Push:
    """What the messages of a push add up to.

    Raises
    ------
    RegvizError
        The last of them is an error.

    Examples
    --------
    >>> messages = [
    ...     {"status": "Preparing", "id": "aaaaaaaaaaaa"},
    ...     {"status": "Mounted from nodejs", "id": "aaaaaaaaaaaa"},
    ...     {"status": "Pushed", "id": "bbbbbbbbbbbb"},
    ...     {"aux": {"Tag": "1", "Digest": "sha256:cc", "Size": 1}},
    ... ]
    >>> done = told("localhost:5000/hello:1", messages)
    >>> done.sent, done.mounted, done.digest
    (('bbbbbbbbbbbb',), ('aaaaaaaaaaaa',), 'sha256:cc')
    """
    last: dict[str, str] = {}
    whole: list[str] = []
    digest = ""
    for message in messages:
        if "error" in message:
            raise complaint(message["error"])
        status, name, aux = str(message.get("status", "")), str(message.get("id", "")), message.get("aux")
        if isinstance(aux, dict) and aux.get("Digest"):
            digest = one_line(str(aux["Digest"]))
        if name and len(last) < _MOST_LAYERS:
            last[one_line(name)] = one_line(status)
        elif status:
            whole.append(one_line(status))
    return Push(
        reference,
        sent=tuple(name for name, status in last.items() if status == _SENT),
        there=tuple(name for name, status in last.items() if _THERE in status.lower()),
        mounted=tuple(name for name, status in last.items() if status.startswith(_MOUNTED)),
        digest=digest,
        said=(*whole[:1], *(f"{name}: {status}" for name, status in last.items()), *whole[1:]),
    )
