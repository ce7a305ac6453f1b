"""A capture's folder on a web server: its files are fetched by their names, as no server need list them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regviz import capture
from regviz.errors import NotRecognisedError, RegvizError, UnreachableError
from regviz.live.address import parse_address
from regviz.live.credentials import Credentials
from regviz.live.http import Client, NoAnswerError
from regviz.live.options import Live

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regviz.registry import Registry

_SECONDS_A_FILE = 3600
_ANY = "*/*"


class RemoteFiles:
    """The files of a capture below a URL."""

    sizes = None
    links: frozenset[str] = frozenset()

    def __init__(self, client: Client) -> None:
        self.uri = client.address.uri
        self._client = client
        self._prefix = client.address.prefix

    def read(self, names: Sequence[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Contents, one file after the other.

        Raises
        ------
        UnreachableError
            The server does not answer, or refuses.
        """
        for name in names:
            try:
                answer = self._client.get(f"{self._prefix}/{name}", scope="", limit=limit, accept=_ANY)
            except NoAnswerError as error:
                raise UnreachableError(f"{self.uri}/{name} cannot be fetched: {error}") from error
            if answer.status == 200:
                yield name, answer.body
            elif answer.status in (404, 410) and name == capture.NAME:
                raise NotRecognisedError(
                    f"{self.uri} is no capture: there is no {capture.NAME} in it. Give the URL of a capture's folder "
                    "as regviz made it, or of a tar of it"
                )
            elif answer.status in (404, 410):
                yield name, None
            else:
                raise UnreachableError(f"{self.uri}/{name} cannot be fetched: the server answered {answer.status}")


def read_capture(source: str, live: Live) -> Registry:
    """Read the capture whose folder is at a URL."""
    if live.repositories is not None:
        raise RegvizError(f"repositories is for a live registry, and {source} is a capture")
    client = _client(source, live)
    try:
        return capture.load(RemoteFiles(client))
    finally:
        client.close()


def detect_capture(source: str, *, insecure: bool) -> tuple[str, str, str]:
    """What lies at a URL, where it is a capture's folder: nothing but its manifest is fetched."""
    client = _client(source, Live(insecure=insecure))
    try:
        capture.read_manifest(RemoteFiles(client))
    finally:
        client.close()
    return "capture", ".", f"it has {capture.NAME}"


def _client(source: str, live: Live) -> Client:
    address = parse_address(source.rstrip("/"), insecure=live.insecure, of_capture=True)
    client = Client(
        address, Credentials(address.authority, address.login), connections=1, rate=live.rate, insecure=live.insecure
    )
    client.patience = replace(client.patience, whole=_SECONDS_A_FILE)
    return client
