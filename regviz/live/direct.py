"""Connections straight to a registry, kept open from one request to the next.

Nearly all requests of a reading go to one place and are small, so what a request costs here is much of what reading
costs. The standard library's client takes half the time of a pool that also knows proxies and other hosts.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections import deque
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import TYPE_CHECKING, NamedTuple

from urllib3.util import parse_url, wait_for_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.live.address import Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"/[!-~]*")


class Received(NamedTuple):
    """The beginning of an answer, and how to read on."""

    status: int
    headers: Mapping[str, str]
    read1: Callable[[int], bytes]


class Headers(Mapping[str, str]):
    """Headers by their names, in any case; of one that came several times, all values.

    Examples
    --------
    >>> message = HTTPMessage()
    >>> message["Link"], message["link"] = "<a>; rel=first", "<b>; rel=next"
    >>> Headers(message)["LINK"]
    '<a>; rel=first, <b>; rel=next'
    >>> Headers(message).get("Location", "none")
    'none'
    """

    def __init__(self, message: HTTPMessage) -> None:
        self._message = message

    def __getitem__(self, name: str) -> str:
        values = self._message.get_all(name)
        if values is None:
            raise KeyError(name)
        return values[0] if len(values) == 1 else ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): None for name in self._message})

    def __len__(self) -> int:
        return len({name.lower() for name in self._message})


class Connections:
    """Connections to one registry, from many threads.

    Parameters
    ----------
    address : Address
    connect, read : float
        Seconds until a connection stands, and between two pieces of an answer.
    """

    def __init__(self, address: Address, connect: float, read: float) -> None:
        self._address, self._connect, self._read = address, connect, read
        self._context = ssl.create_default_context() if address.scheme == "https" else None
        self._idle: deque[HTTPConnection] = deque()

    def close(self) -> None:
        """Close those that wait for a request."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextlib.contextmanager
    def asked(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Iterator[Received]:
        """Ask for a path of the registry's; unless all of the answer was read, the connection is closed after.

        Raises
        ------
        OSError, HTTPException, ValueError
            There is no connection, or no answer, or it ends before it should.
        """
        connection = self._opened()
        done = False
        try:
            connection.request(method, _encoded(target), body, headers)
            response: HTTPResponse = connection.getresponse()
            yield Received(response.status, Headers(response.headers), response.read1)
            if method != "HEAD" and response.length:
                raise IncompleteRead(b"", response.length)
            response.close()
            done = True
        finally:
            if done:
                self._idle.append(connection)
            else:
                connection.close()

    def _opened(self) -> HTTPConnection:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._new()
        if connection.sock is not None and wait_for_read(connection.sock, timeout=0):
            connection.close()  # what could be read now is the other side's end of it
        if connection.sock is None:
            self._stand(connection)
        return connection

    def _stand(self, connection: HTTPConnection) -> None:
        connection.timeout = self._connect
        connection.connect()
        connection.sock.settimeout(self._read)

    def _new(self) -> HTTPConnection:
        host, port = self._address.host, self._address.port or _DEFAULT_PORTS[self._address.scheme]
        if self._context is None:
            return HTTPConnection(host, port)
        return HTTPSConnection(host, port, context=self._context)


def _encoded(target: str) -> str:
    """A path that a request line can hold.

    Examples
    --------
    >>> _encoded("/v2/_catalog?last=a b"), _encoded("/v2/")
    ('/v2/_catalog?last=a%20b', '/v2/')
    """
    return target if _PLAIN.fullmatch(target) else parse_url(target).request_uri
