"""Answering a registry that asks who is there: Basic and Bearer (Distribution docs/spec/auth/token.md, oauth.md).

Credentials go to the registry itself, and to the realm that it names for tokens: never over plain HTTP to another
machine, never to a link-local address, and from a public registry to none of a private network.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from regviz.live.address import is_link_local, is_loopback, is_private, origin_of
from regviz.manifests.json import load_object, text
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from regviz.live.address import Address
    from regviz.live.credentials import Credentials, Login

CATALOG_SCOPE = "registry:catalog:*"
_CLIENT = "regviz"
_TOKEN_SECONDS = 60
"""How long a token is good where the answer does not say (token.md)."""
_MARGIN_SECONDS = 5
_LONGEST_SHOWN = 200
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_PARAMETER = re.compile(r'([a-zA-Z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Exchange(Protocol):
    """One request without authentication of its own, its body bounded; see :meth:`regviz.live.http.Client.exchange`."""

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a ``WWW-Authenticate`` header asks for."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


@dataclass(slots=True, repr=False)
class _Token:
    value: str
    good_until: float


def repository_scope(repository: str) -> str:
    """The scope of reading a repository."""
    return f"repository:{repository}:pull"


def parse_challenge(header: str) -> Challenge | None:
    """The challenge of a header, of several the first that can be answered.

    Examples
    --------
    >>> parse_challenge('Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull"').service
    'r'
    >>> parse_challenge('Negotiate, Basic realm="x, y"').scheme, parse_challenge("Negotiate")
    ('basic', None)
    """
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', lambda quoted: "x" * len(quoted[0]), header)
    for scheme in ("bearer", "basic"):
        found = re.search(rf"(?:^|[,\s]){scheme}(?=$|[,\s])", outside, re.IGNORECASE)
        if found:
            said = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header[found.end() :])}
            return Challenge(scheme, said.get("realm", ""), said.get("service", ""), said.get("scope", ""))
    return None


class Authenticator:
    """Knows how a registry wants to be answered, once it has asked; used by many threads.

    Parameters
    ----------
    address : Address
    credentials : Credentials
    exchange : Exchange
        Asks a realm for a token.

    Attributes
    ----------
    challenge : Challenge or None
        What the registry last asked for.
    reasons : dict
        Why there is no token, for a person; a dictionary, because the same is wrong once.
    """

    def __init__(self, address: Address, credentials: Credentials, exchange: Exchange) -> None:
        self._address, self._credentials, self._exchange = address, credentials, exchange
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._may_send = address.scheme == "https" or is_loopback(address.host)
        self.challenge: Challenge | None = None
        self.reasons: dict[str, None] = {}

    def learn(self, header: str) -> bool:
        """Take a challenge; whether it is one that can be answered."""
        challenge = parse_challenge(header)
        if challenge is not None:
            self.challenge = challenge
        return challenge is not None

    def authorization(self, scope: str) -> str:
        """The header for a request of a scope; empty where nothing was asked for yet, or nothing can be said."""
        challenge = self.challenge
        if challenge is None:
            return ""
        if challenge.scheme == "basic":
            login = self._login(scope)
            return login.basic if login else ""
        return self._bearer(scope, scope)

    def answer(self, header: str, scope: str, used: str) -> str:
        """Another header, after a request with `used` was refused with a challenge; empty where there is none."""
        if not self.learn(header) or self.challenge is None:
            return ""
        if self.challenge.scheme == "bearer":
            with self._lock:
                token = self._tokens.get(scope)
                if token is not None and used == f"Bearer {token.value}":
                    del self._tokens[scope]  # it ran out before its time
            header = self._bearer(scope, self.challenge.scope or scope)
        else:
            header = self.authorization(scope)
        return header if header != used else ""

    def _login(self, scope: str) -> Login | None:
        if not self._may_send:
            self._say(f"no credentials are sent over plain HTTP to {self._address.host}")
            return None
        kind, _, rest = scope.partition(":")
        login = self._credentials.login(rest.rpartition(":")[0] if kind == "repository" else "")
        if login is None:
            self._say("; ".join(["no credentials were found", *self._credentials.looked]))
        return login

    def _bearer(self, scope: str, asked: str) -> str:
        with self._lock:
            lock = self._locks.setdefault(scope, threading.Lock())
        with lock:
            token = self._tokens.get(scope)
            if token is None or token.good_until < time.monotonic():
                token = self._fetch(scope, asked)
                if token is None:
                    return ""
                self._tokens[scope] = token
        return f"Bearer {token.value}"

    def _fetch(self, scope: str, asked: str) -> _Token | None:
        challenge = self.challenge
        if challenge is None or not challenge.realm:
            return None
        login = self._login(scope)
        if login is not None and login.registry_token:
            return _Token(login.registry_token, float("inf"))
        realm = urlsplit(challenge.realm)
        problem = self._problem_of(challenge.realm, with_login=login is not None)
        if problem:
            self._say(f"the realm for tokens, {escape_terminal(challenge.realm)[:_LONGEST_SHOWN]}, {problem}")
            return None
        asked_for = [("service", challenge.service), *(("scope", part) for part in asked.split())]
        if login is not None and login.identity_token:
            form = [
                ("grant_type", "refresh_token"),
                ("service", challenge.service),
                ("client_id", _CLIENT),
                ("scope", asked),
                ("refresh_token", login.identity_token),
            ]
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            status, body = self._exchange("POST", challenge.realm, headers, urlencode(form).encode())
        else:
            query = "&".join(filter(None, [realm.query, urlencode([pair for pair in asked_for if pair[1]])]))
            basic = {"Authorization": login.basic} if login is not None and login.basic else {}
            status, body = self._exchange("GET", urlunsplit(realm._replace(query=query)), basic)
        return self._token(status, body, realm.hostname or "")

    def _token(self, status: int, body: bytes, host: str) -> _Token | None:
        document = load_object(body) or {}
        value = text(document.get("token")) or text(document.get("access_token"))
        if status != 200 or not _TOKEN.fullmatch(value):
            self._say(f"{host} gave no token (status {status})")
            return None
        seconds = document.get("expires_in")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
            seconds = _TOKEN_SECONDS
        return _Token(value, time.monotonic() + max(seconds - _MARGIN_SECONDS, 1))

    def _problem_of(self, url: str, *, with_login: bool) -> str:
        """Why a realm may not be asked; empty where it may."""
        scheme, host, port = origin_of(url)
        if not host or scheme not in ("http", "https"):
            return "is no URL"
        if is_link_local(host):
            return "is a link-local address"
        if scheme == "http" and not is_loopback(host):
            return "is not asked, as it is plain HTTP"
        if with_login and host != self._address.host:
            try:
                found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, port)}
            except OSError:
                return ""  # it cannot be reached either, but through a proxy
            if any(map(is_link_local, found)):
                return "leads to a link-local address"
            if any(map(is_private, found)) and not self._is_private():
                return "leads into a private network"
        return ""

    def _is_private(self) -> bool:
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(self._address.host, self._address.port)}
        except OSError:
            return False
        return all(is_private(host.partition("%")[0]) for host in found)

    def _say(self, reason: str) -> None:
        self.reasons[reason] = None
