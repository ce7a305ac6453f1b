"""The one place that speaks HTTP: with time-outs, bounded bodies, patience with a busy server, and no trust in it.

Everything is bounded: connections, seconds, bytes before and after decompression, redirects, repetitions. A redirect
to another host is followed without credentials.
"""

from __future__ import annotations

import random
import threading
import time
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import urllib3

import regviz
from regviz.errors import UnreachableError
from regviz.live.address import is_link_local, is_loopback, origin_of
from regviz.live.auth import Authenticator
from regviz.live.direct import Connections
from regviz.live.transport import open_pool, reason_of, received, retry_after
from regviz.text import count_noun, escape_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.live.address import Address
    from regviz.live.credentials import Credentials
    from regviz.live.direct import Received

JSON = "application/json"
_HEADERS = {"User-Agent": f"regviz/{regviz.__version__}", "Accept-Encoding": "identity"}
_PART = 1 << 16
_TOKEN_LIMIT = 1 << 20
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (500, 502, 503, 504)
TOO_MANY = 429


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """Its media type, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class NoAnswerError(Exception):
    """There is no answer that can be used; the message says why. A reader makes it a row of ``problems``."""


class TooLargeError(NoAnswerError):
    """The body is longer than was allowed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what.

    Attributes
    ----------
    connect, read, whole : float
        Seconds until a connection stands, between two pieces of an answer, and for all of one.
    attempts : int
        How often a request is made that fails in passing.
    pause : float
        Seconds before the second attempt; each further one waits twice as long.
    busy : float
        Seconds in all that a server may ask to be left alone, without an answer in between.
    failures : int
        Requests in a row that may fail before the server is taken for gone.
    """

    connect: float = 10
    read: float = 30
    whole: float = 120
    attempts: int = 5
    pause: float = 0.5
    busy: float = 900
    failures: int = 20


PATIENCE = Patience()


class Client:
    """Requests to one registry, from many threads.

    Parameters
    ----------
    address : Address
    credentials : Credentials
    connections : int
        How many there may be at a time.
    rate : float, optional
        How many requests a second there may be.
    insecure : bool
        Whether plain HTTP may be spoken to other machines.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        *,
        connections: int = 16,
        rate: float | None = None,
        insecure: bool = False,
    ) -> None:
        self.address = address
        self.connections = connections
        self.patience = PATIENCE
        self.auth = Authenticator(address, credentials, self._ask_realm)
        self.requests = 0
        self._insecure = insecure
        self._interval = 1 / rate if rate else 0.0
        self._lock = threading.Lock()
        self._next = self._silent_until = 0.0
        self._waited = 0.0
        self._failed = 0
        self._stopped = threading.Event()
        self._timeout = urllib3.Timeout(connect=self.patience.connect, read=self.patience.read)
        self._pool = open_pool(address, connections)
        self._origin = address.origin + "/"
        behind_proxy = isinstance(self._pool, urllib3.ProxyManager)
        self._direct = None if behind_proxy else Connections(address, self.patience.connect, self.patience.read)

    def close(self) -> None:
        """End all waiting, and close the connections."""
        self._stopped.set()
        self._pool.clear()
        if self._direct is not None:
            self._direct.close()

    def get(self, path: str, *, scope: str, limit: int, accept: str = JSON, hasty: bool = False) -> Answer:
        """Ask for what lies at a path below the registry's origin; `hasty`: once, if it fails.

        Raises
        ------
        NoAnswerError
            There is no answer that can be used, even after some attempts.
        UnreachableError
            The server answers nothing any more.
        """
        return self._ask("GET", path, scope, limit, accept, 1 if hasty else self.patience.attempts)

    def head(self, path: str, *, scope: str, accept: str = JSON) -> Answer:
        """Ask for the headers alone."""
        return self._ask("HEAD", path, scope, 0, accept, self.patience.attempts)

    def probe(self, path: str) -> Answer:
        """Ask once, without credentials, to learn who is there."""
        return self._follow("GET", self.address.origin + path, {"Accept": JSON}, "", _TOKEN_LIMIT)

    def _ask(self, method: str, path: str, scope: str, limit: int, accept: str, attempts: int) -> Answer:
        url = self.address.origin + path
        headers = {"Accept": accept}
        authorization = self.auth.authorization(scope)
        failures = challenges = 0
        while True:
            self._wait()
            try:
                answer = self._follow(method, url, headers, authorization, limit)
            except TooLargeError:
                raise
            except NoAnswerError as error:
                failures += 1
                if failures >= attempts:
                    self._count_failure(str(error))
                    raise
                self.pause(failures)
                continue
            self._failed = 0
            if answer.status == TOO_MANY:
                self._be_silent(answer)
                continue
            self._waited = 0.0
            if answer.status == 401 and challenges < 2:
                challenges += 1
                another = self.auth.answer(answer.headers.get("WWW-Authenticate", ""), scope, authorization)
                if another:
                    authorization = another
                    continue
            elif answer.status in _PASSING and failures + 1 < attempts:
                failures += 1
                self.pause(failures)
                continue
            return answer

    def _ask_realm(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        authorization = headers.pop("Authorization", "")
        for attempt in range(1, self.patience.attempts + 1):
            self._wait()
            try:
                answer = self._follow(method, url, {"Accept": JSON} | headers, authorization, _TOKEN_LIMIT, body)
            except NoAnswerError:
                self.pause(attempt)
                continue
            if answer.status == TOO_MANY:
                self._be_silent(answer)
            elif answer.status not in _PASSING:
                return answer.status, answer.body
            else:
                self.pause(attempt)
        return 0, b""

    def _follow(
        self, method: str, url: str, headers: dict[str, str], authorization: str, limit: int, body: bytes | None = None
    ) -> Answer:
        """One request and the redirects it meets; credentials go to the first host alone."""
        sent = headers | {"Authorization": authorization} if authorization else headers
        answer = self._exchange(method, url, sent, limit, body)
        for _ in range(MOST_REDIRECTS):
            location = answer.headers.get("Location") if answer.status in REDIRECTS else None
            if not location:
                return answer
            if body is not None:
                raise NoAnswerError(f"a redirect from {origin_of(url)[1]}, where a form was sent")
            target = self._redirected(answer.url, location)
            answer = self._exchange(
                method, target, sent if origin_of(target) == origin_of(url) else headers, limit, None
            )
        if answer.status in REDIRECTS:
            raise NoAnswerError(f"more than {MOST_REDIRECTS} redirects")
        return answer

    def _redirected(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        scheme, host, _ = origin_of(target)
        shown = escape_terminal(host)[:100]
        if scheme not in ("http", "https") or not host:
            raise NoAnswerError("a redirect that leads nowhere")
        if is_link_local(host) or (is_loopback(host) and not is_loopback(self.address.host)):
            raise NoAnswerError(f"a redirect to {shown}, an address of this machine's own: not followed")
        if scheme == "http" and not is_loopback(host) and not (self._insecure and url.startswith("http:")):
            raise NoAnswerError(f"a redirect to plain HTTP on {shown}: not followed")
        return target

    def _exchange(self, method: str, url: str, headers: dict[str, str], limit: int, body: bytes | None) -> Answer:
        until = time.monotonic() + self.patience.whole
        if self._direct is not None and url.startswith(self._origin):
            self.requests += 1
            asked = self._direct.asked(method, url[len(self._origin) - 1 :], _HEADERS | headers, body)
        else:
            asked = received(self._send(method, url, headers, body))
        try:
            with asked as answer:
                data = b"" if method == "HEAD" else self._read(answer, limit, until)
        except (urllib3.exceptions.HTTPError, HTTPException, ValueError, OSError) as error:
            raise NoAnswerError(reason_of(error)) from error
        return Answer(answer.status, answer.headers, data, url)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> urllib3.BaseHTTPResponse:
        """One request by the pool; its answer's body is not read."""
        self.requests += 1
        try:
            return self._pool.urlopen(
                method,
                url,
                headers={**_HEADERS, **headers},
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            raise NoAnswerError(reason_of(error)) from error

    @staticmethod
    def _read(response: Received, limit: int, until: float) -> bytes:
        if response.status in REDIRECTS or response.status >= 400:
            limit = max(limit, _PART)  # the reasons a server gives are no longer than that
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        decoder = zlib.decompressobj(31) if encoding in ("gzip", "x-gzip") else None
        if decoder is None and encoding not in ("identity", ""):
            raise NoAnswerError("an encoding that was not asked for")
        parts: list[bytes] = []
        size = 0
        while part := response.read1(_PART):
            if time.monotonic() > until:
                raise NoAnswerError("the answer does not come to an end")
            try:
                data = decoder.decompress(part, limit + 1 - size) if decoder else part
            except zlib.error:
                raise NoAnswerError("broken compression") from None
            size += len(data)
            if size > limit:
                raise TooLargeError(f"more than {limit:,} bytes")
            parts.append(data)
        if decoder and not decoder.eof:
            raise NoAnswerError("broken compression")
        return b"".join(parts)

    def _wait(self) -> None:
        """Wait until another request may be made."""
        while True:
            with self._lock:
                now = time.monotonic()
                at = max(now, self._silent_until, self._next)
                if at <= now:
                    self._next = now + self._interval
                    return
            self._sleep(at - now)

    def pause(self, failures: int) -> None:
        """Wait after so many failures, longer after each."""
        self._sleep(self.patience.pause * 2 ** (failures - 1) * random.uniform(0.5, 1))  # noqa: S311  # no secret

    def _sleep(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise NoAnswerError("reading was stopped")

    def _be_silent(self, answer: Answer) -> None:
        """A busy server says when to come back; all threads keep to it."""
        seconds = retry_after(answer.headers.get("Retry-After", ""))
        with self._lock:
            now = time.monotonic()
            if seconds is None:
                seconds = min(max(self.patience.pause, self._waited), 60)
            if now >= self._silent_until:  # of many that were refused at once, one counts
                self._waited += seconds
                self._silent_until = now + seconds
            waited = self._waited
        if waited > self.patience.busy:
            raise UnreachableError(
                f"{self.address.uri} refuses further requests (429 Too Many Requests) for {waited:,.0f} s: run this "
                "again later, or with a lower rate; what was fetched until now is in the cache, and not asked for again"
            )

    def _count_failure(self, reason: str) -> None:
        self._failed += 1
        if self._failed >= self.patience.failures:
            raise UnreachableError(
                f"{self.address.uri} does not answer any more ({reason}; {count_noun(self._failed, 'request')} in a "
                "row): run this again when it does; what was fetched until now is in the cache, and not asked for again"
            )
