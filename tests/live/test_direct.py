"""Connections that are kept: one serves many requests, one that broke or was ended serves no other."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.errors import UnreachableError
from regviz.live.address import Address
from regviz.live.direct import Connections
from tests.helpers import rows
from tests.live.servers import LOOPBACK, Asked, Reply, serving, small_shop

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counting(ThreadingHTTPServer):
    """Answers each path in its own way, and counts connections."""

    daemon_threads = True
    ended = threading.Event()

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.connections = 0
        self.asked: list[str] = []

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        self.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        assert "X-Other" not in self.headers
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n0\r\n\r\n")
            return
        self.close_connection = self.path in ("/short", "/quiet", "/close")
        if self.path == "/close":  # it says so, and no length
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", {"/short": "10", "/long": "9000000"}.get(self.path, "3"))
        self.end_headers()
        self.wfile.write(b"abc")

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.send_header("Link", "<a>; rel=first")
        self.send_header("link", "<b>; rel=next")
        self.end_headers()

    def finish(self) -> None:
        super().finish()
        if self.path == "/quiet":
            Counting.ended.set()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Counting]:
    made = Counting()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@contextmanager
def connected(server: Counting) -> Iterator[Connections]:
    connections = Connections(Address("http", LOOPBACK, server.server_port), connect=5, read=5)
    yield connections
    connections.close()


def ask(connections: Connections, path: str, method: str = "GET") -> bytes:
    with connections.asked(method, path, {}, None) as received:
        parts = []
        while method != "HEAD" and (part := received.read1(1 << 16)):
            parts.append(part)
        return b"".join(parts)


def test_one_connection_serves_many_requests(server: Counting) -> None:
    with connected(server) as connections:
        for path in ("/a", "/chunked", "/a", "/with a blank"):
            assert ask(connections, path) == b"abc"
        assert ask(connections, "/a", "HEAD") == b""
        assert ask(connections, "/a") == b"abc"
    assert server.connections == 1


@pytest.mark.parametrize("path", ["/close", "/quiet"])
def test_a_connection_that_the_server_ended_is_made_anew(server: Counting, path: str) -> None:
    """Whether it said so, or ended it in silence while nothing was asked."""
    Counting.ended.clear()
    with connected(server) as connections:
        assert ask(connections, path) == b"abc"
        assert path == "/close" or Counting.ended.wait(5)
        threading.Event().wait(0.05)  # until it is known here, too
        assert ask(connections, "/a") == b"abc"
    assert server.connections == 2


def test_an_answer_that_is_too_short_is_none(server: Counting) -> None:
    with connected(server) as connections:
        with pytest.raises(IncompleteRead, match="7 more expected"):
            ask(connections, "/short")
        assert ask(connections, "/a") == b"abc"
    assert server.connections == 2


def test_what_is_not_read_to_its_end_is_not_waited_for(server: Counting) -> None:
    def leave(connections: Connections) -> None:
        with connections.asked("GET", "/long", {}, None) as received:
            assert received.read1(3) == b"abc"
            raise RuntimeError

    with connected(server) as connections:
        with pytest.raises(RuntimeError):
            leave(connections)
        assert ask(connections, "/a") == b"abc"
    assert server.connections == 2


def test_headers_that_come_twice_are_one(server: Counting) -> None:
    with connected(server) as connections, connections.asked("HEAD", "/a", {}, None) as received:
        assert received.headers["LINK"] == "<a>; rel=first, <b>; rel=next"
        assert set(received.headers) >= {"link", "content-length"}
        assert len(received.headers) == len(set(received.headers))
        assert "Location" not in received.headers


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("/a\r\nX-Other: 1", "/a%0D%0AX-Other:%201"),
        ("/\u0000", "/%00"),
        ("/é?n=ü", "/%C3%A9?n=%C3%BC"),
        ("/%2F", "/%2F"),
    ],
)
def test_no_path_writes_a_header(server: Counting, path: str, encoded: str) -> None:
    """A server says what the next page's path is: nothing of it becomes another line."""
    with connected(server) as connections:
        assert ask(connections, path) == b"abc"
    assert server.asked == [encoded]


def test_who_is_not_there_is_said(home: object) -> None:  # noqa: ARG001  its own credentials
    with pytest.raises(UnreachableError, match=r"nothing answers at .*: no connection \(.*refused"):
        rv.read(f"http://{LOOPBACK}:9")
    with pytest.raises(UnreachableError, match=r"nothing answers at .*: no connection \(.*[Nn]ame"):
        rv.read("https://registry.invalid")


def test_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's proxy is asked for whole URLs, and gets what the registry would."""
    shop = small_shop()

    def proxy(asked: Asked) -> Reply:
        assert asked.target.startswith("http://registry.example.org/v2/")
        asked.target = asked.target.removeprefix("http://registry.example.org")
        return shop(asked)

    with serving(proxy) as server:
        monkeypatch.setenv("http_proxy", server.url)
        registry = rv.read("http://registry.example.org", insecure=True, cache=False)
    tags = {(r, t): m for r, t, m in rows(registry.tags, "repository", "tag", "manifest")}
    assert tags == {(name, tag): digest for name, named in shop.tags.items() for tag, digest in named.items()}
    assert len(registry.problems) == 0
