"""A file on a web server: read in ranges where the server has them, else as it comes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import urllib3

from regviz.errors import AccessDeniedError, DamagedArchiveError, RegvizError, SourceNotFoundError, UnreachableError
from regviz.live.http import MOST_REDIRECTS, REDIRECTS, TOO_MANY, Client, NoAnswerError
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = 1 << 16
_PART = 1 << 16
_ATTEMPTS = 4
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class FileClient(Client):
    """Requests to one web server for files, whose bodies are read by whoever asked."""

    def open(self, url: str, headers: Mapping[str, str]) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Ask for a file of this host once, and follow; whoever asked reads the body, bounds it and closes it.

        Returns
        -------
        response, url : urllib3.BaseHTTPResponse, str
            The answer, and where it came from.

        Raises
        ------
        NoAnswerError
            There is no answer that can be used.
        """
        authorization, challenged = self.auth.authorization(""), False
        for _ in range(MOST_REDIRECTS + 2):
            self._wait()
            own = self.address.is_same(url)
            sent = {**headers, "Authorization": authorization} if authorization and own else dict(headers)
            response = self._send("GET", url, sent, None)
            location = response.headers.get("Location") if response.status in REDIRECTS else None
            if location:
                url = self._redirected(url, location)
            elif response.status == 401 and own and not challenged:
                challenged = True
                authorization = self.auth.answer(response.headers.get("WWW-Authenticate", ""), "", authorization)
                if not authorization:
                    return response, url
            else:
                return response, url
            response.close()  # what it says beside is not waited for
            response.release_conn()
        raise NoAnswerError(f"more than {MOST_REDIRECTS} redirects")


class Remote:
    """A file on a web server.

    Parameters
    ----------
    client : FileClient
    target : str
        Its URL, with whatever secret that has.

    Attributes
    ----------
    uri : str
        Its URL without.
    head : bytes
        How it begins.
    length : int or None
        Bytes in all, where it can be read in ranges.
    """

    def __init__(self, client: FileClient, target: str) -> None:
        self.client, self.uri = client, client.address.uri
        self._target = target
        self._tag = ""
        self.length: int | None = None
        self.head = self._begin()

    def _begin(self) -> bytes:
        response = self._asked({"Range": f"bytes=0-{HEAD - 1}"})
        try:
            said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if response.status == 206 and said:
                self.length = int(said[3])
                self._tag = response.headers.get("ETag", "")
            elif response.status == 416:
                return b""
            return self._taken(response, HEAD)
        finally:
            _let_go(response)

    def part(self, offset: int, count: int) -> bytes:
        """So many bytes from an offset; fewer only at the end."""
        end = min(offset + count, self.length or 0)
        data = b""
        failures = 0
        while offset + len(data) < end:
            at = offset + len(data)
            response = self._asked({"Range": f"bytes={at}-{end - 1}"})
            try:
                self._hold(response, at)
                more = self._taken(response, end - at)
            finally:
                _let_go(response)
            failures = 0 if more else failures + 1
            if failures == _ATTEMPTS:
                raise self.broken(at)
            if failures:
                self.client.pause(failures)
            data += more
        return data

    def stream(self) -> Download:
        """All bytes as they come, from the beginning."""
        return Download(self)

    def opened(self, offset: int) -> urllib3.BaseHTTPResponse:
        """An answer with all bytes from an offset on; from the beginning where there are no ranges."""
        response = self._asked({"Range": f"bytes={offset}-"} if offset else {})
        if offset:
            self._hold(response, offset)
        return response

    def broken(self, at: int) -> DamagedArchiveError:
        """What to raise where the file does not go on."""
        return DamagedArchiveError(
            f"{self.uri}: what the server sends breaks off after {at:,} bytes. Read it again, download it first, or "
            "read what comes with partial=True (--partial)"
        )

    def _asked(self, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """An answer that is one, after some attempts."""
        why = ""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response, _ = self.client.open(self._target, headers)
            except NoAnswerError as error:
                why = str(error)
            else:
                if response.status in (200, 206, 416):
                    return response
                _let_go(response)
                if response.status != TOO_MANY and response.status < 500:
                    raise self._refused(response.status)
                why = f"status {response.status}"
            if attempt < _ATTEMPTS:
                self.client.pause(attempt)
        raise UnreachableError(f"nothing can be read at {self.uri}: {escape_terminal(why)}")

    def _refused(self, status: int) -> RegvizError:
        if status in (401, 403):
            reasons = "; ".join(self.client.auth.reasons)
            why = f"status {status}; {reasons}" if reasons else f"status {status}"
            return AccessDeniedError(
                f"{self.uri} may not be read ({why}): log in where docker or podman keep credentials of "
                f"{self.client.address.authority}, or take a URL that is signed"
            )
        if status in (404, 410):
            return SourceNotFoundError(f"nothing lies at {self.uri} (status {status})")
        return UnreachableError(f"{self.uri} cannot be read: its server answers with status {status}")

    def _hold(self, response: urllib3.BaseHTTPResponse, offset: int) -> None:
        """The file must be the one that was there, and the part the one that was asked for."""
        said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        tag = response.headers.get("ETag", "")
        same = self._tag in ("", tag) or not tag
        if response.status != 206 or not said or int(said[1]) != offset or int(said[3]) != self.length or not same:
            raise DamagedArchiveError(f"{self.uri} changed while it was read: read it again")

    @staticmethod
    def _taken(response: urllib3.BaseHTTPResponse, count: int) -> bytes:
        """What comes of so many bytes; what breaks off is asked for again by whoever needs it."""
        parts: list[bytes] = []
        size = 0
        try:
            while size < count and (part := response.read1(min(_PART, count - size))):
                parts.append(part[: count - size])
                size += len(parts[-1])
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            pass
        return b"".join(parts)


class Download:
    """A file as it comes; where it breaks off it is taken up again, if the server has ranges."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._response = remote.opened(0)
        self._at = self._tried = 0

    def read(self, count: int, /) -> bytes:
        """So many bytes; fewer only at the end."""
        parts: list[bytes] = []
        while count > 0 and (part := self.read1(count)):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, count: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        while True:
            try:
                data = self._response.read1(count)
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                if self._remote.length is None or self._tried == _ATTEMPTS:
                    raise self._remote.broken(self._at) from error
                self._tried += 1
                self.close()
                self._remote.client.pause(self._tried)
                self._response = self._remote.opened(self._at)
                continue
            self._at += len(data)
            self._tried = 0
            return data

    def close(self) -> None:
        """What still comes is not waited for."""
        _let_go(self._response)


def _let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Keep the connection where its answer was read to the end; what still comes is not waited for."""
    if response.length_remaining != 0:
        response.close()
    response.release_conn()
