"""A file on a web server: read in ranges where the server has them, else as it comes."""

from __future__ import annotations

import io
import re
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import urllib3

from regviz.errors import AccessDeniedError, DamagedArchiveError, RegvizError, SourceNotFoundError, UnreachableError
from regviz.live.http import TOO_MANY, NoAnswerError
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from regviz.live.http import Client

_SMALLEST, _LARGEST = 1 << 16, 1 << 23
_GAP = 1 << 17
"""Bytes that are rather read too many than asked for in two requests."""
_EXPECTED = 1 << 22
_AHEAD = 8
_PART = 1 << 16
_ATTEMPTS = 4
_BLOCKS = 4
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Remote:
    """A file on a web server.

    Parameters
    ----------
    client : Client
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

    def __init__(self, client: Client, target: str) -> None:
        self.client, self.uri = client, client.address.uri
        self._target = target
        self._tag = ""
        self.length: int | None = None
        self.head = self._begin()

    def _begin(self) -> bytes:
        response = self._asked({"Range": f"bytes=0-{_SMALLEST - 1}"})
        try:
            said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if response.status == 206 and said:
                self.length = int(said[3])
                self._tag = response.headers.get("ETag", "")
            elif response.status == 416:
                return b""
            return self._taken(response, _SMALLEST)
        finally:
            _let_go(response)

    def part(self, offset: int, count: int) -> bytes:
        """So many bytes from an offset; fewer only at the end."""
        end = min(offset + count, self.length or 0)
        data = b""
        attempts = 0
        while offset + len(data) < end:
            at = offset + len(data)
            response = self._asked({"Range": f"bytes={at}-{end - 1}"})
            try:
                self._hold(response, at)
                more = self._taken(response, end - at)
            finally:
                _let_go(response)
            attempts += 1
            if attempts == _ATTEMPTS and not more:
                raise self.broken(at)
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
            return data

    def close(self) -> None:
        """What still comes is not waited for."""
        _let_go(self._response)


def _let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Keep the connection where its answer was read to the end; what still comes is not waited for."""
    if response.length_remaining != 0:
        response.close()
    response.release_conn()


class Ranges:
    """An archive as bytes by offset: blocks that grow while what is asked for follows, and many ahead when it is known.

    Parameters
    ----------
    remote : Remote
    """

    forward_only = False

    def __init__(self, remote: Remote) -> None:
        self.name = remote.uri
        self._remote = remote
        self._blocks: OrderedDict[int, bytes] = OrderedDict({0: remote.head})
        self._end = len(remote.head)
        self._size = _SMALLEST
        self._waiting: deque[tuple[int, int]] = deque()
        self._coming: deque[tuple[int, int, Future[bytes]]] = deque()
        self._pool = ThreadPoolExecutor(_AHEAD)

    def size(self) -> int | None:
        """Bytes in all."""
        return self._remote.length

    def rewind(self) -> None:
        """Nothing to do: every offset is as near."""

    def read_on(self) -> None:
        """Nothing to do."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""
        count = min(count, max((self._remote.length or 0) - offset, 0))
        while self._coming and self._coming[0][1] <= offset:
            self._coming.popleft()
        if self._coming and self._coming[0][0] <= offset and offset + count <= self._coming[0][1]:
            start, _, coming = self._coming[0]
            data = coming.result()
            self._go_ahead()
            return data[offset - start : offset - start + count]
        for start, block in self._blocks.items():
            if start <= offset and offset + count <= start + len(block):
                return block[offset - start : offset - start + count]
        self._size = min(2 * self._size, _LARGEST) if 0 <= offset - self._end <= _GAP else _SMALLEST
        block = self._remote.part(offset, max(count, self._size))
        self._end = offset + len(block)
        self._blocks[offset] = block
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block[:count]

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Have what will be asked for, in this order: neighbours together, and several requests at a time."""
        self._coming.clear()
        self._waiting = deque(together(wanted))
        self._go_ahead()

    def _go_ahead(self) -> None:
        while self._waiting and len(self._coming) < _AHEAD:
            start, stop = self._waiting.popleft()
            self._coming.append((start, stop, self._pool.submit(self._remote.part, start, stop - start)))


def together(wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offsets and lengths, in order, as ranges from and to: what lies close together is one.

    Examples
    --------
    >>> together([(0, 10), (100, 10), (1_000_000, 5)])
    [(0, 110), (1000000, 1000005)]
    """
    found: list[tuple[int, int]] = []
    for offset, count in wanted:
        start, stop = found[-1] if found else (0, 0)
        if found and start <= offset <= stop + _GAP and offset + count - start <= _EXPECTED:
            found[-1] = (start, max(stop, offset + count))
        elif count:
            found.append((offset, offset + count))
    return found


class Seekable(io.RawIOBase):
    """The same as a file that can be sought in, for `zipfile`."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges, self._at = ranges, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ranges.size() or 0}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def read(self, count: int = -1, /) -> bytes:
        """Some bytes."""
        left = max((self._ranges.size() or 0) - self._at, 0)
        data = self._ranges.read_at(self._at, left if count < 0 else min(count, left))
        self._at += len(data)
        return data
