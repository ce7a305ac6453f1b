"""The browser of the page tests reaches no host: a page that needs the network must fail in it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.real.service import LOOPBACK, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real


class _Anything(BaseHTTPRequestHandler):
    """Answers every GET and counts it."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not a word on the test's stderr."""


@pytest.fixture
def web_server() -> Iterator[tuple[int, list[str]]]:
    """The port of a web server on the loopback, and the paths it was asked for."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Anything) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, _Anything.paths
        server.shutdown()
        thread.join()


def test_a_page_opens_from_its_file_and_reaches_nobody(
    chromium: Browser, web_server: tuple[int, list[str]], tmp_path: Path
) -> None:
    port, paths = web_server
    file = tmp_path / "page.html"
    file.write_text("<p>a page</p>")
    page = chromium.new_page()
    page.goto(file.as_uri())
    assert page.inner_text("p") == "a page"
    for host in (LOOPBACK, "localhost"):
        reached = f"fetch('http://{host}:{port}/page').then(() => true, () => false)"
        assert page.evaluate(reached) is False
    page.close()
    assert request(port, "GET", "/test").status == 200
    assert paths == ["/test"]
