"""A session with a v1 registry in which something is pushed: the requests that a docker client makes, and who asks.

A registry that stands alone is asked with the user's name and password each time, where there are any. One behind an
index gives a token for them (``X-Docker-Token``), which goes with all later requests. Sources: docker-registry 0.9.1,
docker_registry/index.py and toolkit.py; moby v1.3.3, registry/session.go.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, Self

import urllib3

from regviz.errors import AccessDeniedError, NotRecognisedError, RegvizError, UnreachableError
from regviz.live.address import is_loopback, parse_address
from regviz.live.credentials import Credentials
from regviz.live.http import JSON
from regviz.live.transport import open_pool, reason_of
from regviz.manifests.json import load_object, text
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

OK, NO_CONTENT, NOT_FOUND, UNAUTHORIZED = 200, 204, 404, 401
IN_PROGRESS = 400
_LONGEST_ANSWER = 1 << 20
_LONGEST_SHOWN = 300
_TIMEOUT = urllib3.Timeout(connect=10, read=300)  # a server stores a layer before it answers


class Answered(NamedTuple):
    """An answer: its status, and the beginning of its body."""

    status: int
    body: bytes


class V1Session:
    """Requests to one v1 registry, one after the other.

    Parameters
    ----------
    url : str
        ``http(s)://[USER:PASSWORD@]HOST[:PORT]``. Plain HTTP is spoken where it says so, but nothing secret sent by it
        to another machine.
    agent : str
        What the client calls itself.
    say : callable, optional
        Hears of each request that changes something.
    """

    def __init__(self, url: str, agent: str, say: Callable[[str], None] | None = None) -> None:
        self.address = parse_address(url, insecure=True)
        self._say = say
        self._may_send = self.address.scheme == "https" or is_loopback(self.address.host)
        if self.address.login is not None and not self._may_send:
            raise RegvizError(f"no password is sent over plain HTTP to {self.address.host}: write https://")
        self._credentials = Credentials(self.address.authority, self.address.login)
        self._agent = agent
        self._authorization = self._token = ""
        self._stands_alone = True
        self._pool = open_pool(self.address, 1)

    def __enter__(self) -> Self:
        """Look who is there.

        Raises
        ------
        NotRecognisedError
            It is no v1 registry.
        """
        answer, headers = self._ask("GET", "_ping", b"", {})
        if answer.status != OK:
            raise NotRecognisedError(
                f"{self.address.uri} is no v1 registry: it answers {answer.status} to /v1/_ping. A registry of today "
                "is pushed to by docker push; without a v1 server, push into a folder"
            )
        self._stands_alone = headers.get("X-Docker-Registry-Standalone", "true").lower() != "false"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.clear()

    def log_in(self, repository: str) -> None:
        """Have the credentials for a repository at hand, if there are any."""
        login = self._credentials.login(repository) if self._may_send else None
        self._authorization, self._token = login.basic if login else "", ""

    def has(self, image: str) -> bool:
        """Whether an image is there, and complete."""
        answer, _ = self._ask("GET", f"images/{image}/json", b"", {})
        if answer.status not in (OK, NOT_FOUND, IN_PROGRESS):
            raise self._refused(f"GET images/{image}/json", answer)
        return answer.status == OK

    def put(
        self, path: str, body: bytes | Iterable[bytes], headers: dict[str, str], *, expect: int = OK, shown: str = ""
    ) -> None:
        """Change something; a body that comes in pieces is sent in chunks.

        Raises
        ------
        AccessDeniedError
            This needs credentials, or others.
        RegvizError
            The registry refuses it.
        """
        answer, got = self._ask("PUT", path, body, headers)
        if answer.status != expect:
            raise self._refused(f"PUT {path}", answer)
        if not self._stands_alone and headers.get("X-Docker-Token"):
            self._token = got.get("X-Docker-Token", "")
        if self._say is not None:
            self._say(f"PUT /v1/{shown or path}  {answer.status}")

    def put_json(self, path: str, document: object, *, expect: int = OK, asks_for_token: bool = False) -> None:
        """The same of a document."""
        headers = {"Content-Type": JSON} | ({"X-Docker-Token": "true"} if asks_for_token else {})
        self.put(path, json.dumps(document, separators=(",", ":")).encode(), headers, expect=expect)

    def _ask(
        self, method: str, path: str, body: bytes | Iterable[bytes], headers: dict[str, str]
    ) -> tuple[Answered, urllib3.HTTPHeaderDict]:
        who = self._authorization
        if self._token and "X-Docker-Token" not in headers:
            who = self._token if self._token.startswith("Token ") else f"Token {self._token}"
        sent = {"User-Agent": self._agent, **headers, **({"Authorization": who} if who else {})}
        try:
            answer = self._pool.urlopen(
                method,
                f"{self.address.uri}/v1/{path}",
                body=body if method == "PUT" else None,
                headers=sent,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=_TIMEOUT,
            )
            data = answer.read(_LONGEST_ANSWER)
            if answer.read(1):  # a connection whose answer was not read to its end is not used again
                answer.close()
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(
                f"{self.address.uri} does not answer ({reason_of(error)}) to {method} /v1/{path}: run this again when "
                "it does; images that are there by then are not sent again"
            ) from error
        return Answered(answer.status, data), answer.headers

    def _refused(self, what: str, answer: Answered) -> RegvizError:
        said = load_object(answer.body) or {}
        reason = text(said.get("error")) or answer.body[:_LONGEST_SHOWN].decode("utf-8", "replace")
        shown = escape_terminal(" ".join(reason.split()))[:_LONGEST_SHOWN]
        if answer.status == UNAUTHORIZED:
            looked = "; ".join(self._credentials.looked)
            unsent = "" if self._may_send else "; nothing secret is sent over plain HTTP to another machine"
            return AccessDeniedError(
                f"{self.address.uri} wants to know who asks ({what}): write {self.address.scheme}://USER:PASSWORD@"
                f"{self.address.authority}, or docker login{f' (looked into {looked})' if looked else ''}{unsent}"
            )
        return RegvizError(f"{self.address.uri} answers {answer.status} to {what}: {shown or 'nothing more'}")
