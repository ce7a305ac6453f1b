"""Small servers on free ports of the loopback: a registry that a test can make misbehave, and a server of tokens."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.helpers import (
    OCI_INDEX,
    OCI_MANIFEST,
    compressed,
    descriptor,
    encode,
    image_config,
    image_manifest,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LOOPBACK = "127.0.0.1"
JSON = "application/json"


@dataclass(slots=True)
class Asked:
    """A request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(slots=True)
class Reply:
    """An answer; `length` is what the header says, where that is not what is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    pieces: Iterable[bytes] | None = None


def said(document: object, status: int = 200, **headers: str) -> Reply:
    """A JSON document; names of headers with ``_`` for ``-``."""
    return Reply(
        status, encode(document), {"Content-Type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    )


def refused(status: int, code: str, **headers: str) -> Reply:
    """An error as registries say it."""
    return said({"errors": [{"code": code, "message": code.lower()}]}, status, **headers)


def page_of_html(status: int = 200) -> Reply:
    return Reply(status, b"<html><body>Please log in</body></html>", {"Content-Type": "text/html; charset=utf-8"})


class Server:
    """A server that answers what a function says, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        self.answer = answer
        self.ending = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body go together
            disable_nagle_algorithm = True

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                outer.asked.append(asked)
                self._send(outer.answer(asked), asked.method == "HEAD")

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do  # noqa: N815  # http.server's names

            def _send(self, reply: Reply, head: bool) -> None:  # noqa: FBT001
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.pieces is not None:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self._send_pieces(reply.pieces)
                    return
                length = len(reply.body) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                if not head:
                    self.wfile.write(reply.body)
                if length != len(reply.body):
                    self.close_connection = True

            def _send_pieces(self, pieces: Iterable[bytes]) -> None:
                try:
                    for piece in pieces:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                        self.wfile.flush()
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True

            def log_message(self, *words: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *words: object) -> None:
                """Clients go away in the middle of an answer: that is what some tests are about."""

        self._server = Quiet((LOOPBACK, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()

    def paths(self, method: str = "", pattern: str = "") -> list[str]:
        """Paths that were asked for."""
        return [a.path for a in self.asked if method in ("", a.method) and re.search(pattern, a.path)]


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


class Shop:
    """What a well-behaved registry has, and how it answers; tests put other answers before it."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.served: dict[str, set[str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.referrers: dict[str, list[dict[str, Any]]] | None = None
        self.page = 1000
        self.first: list[tuple[str, str, Callable[[Asked], Reply | None]]] = []

    # --- content

    def manifest(self, repository: str, document: object, *tags: str, media_type: str = OCI_MANIFEST) -> str:
        data = document if isinstance(document, bytes) else encode(document)
        digest = sha256(data)
        self.manifests[digest] = media_type, data
        self.served.setdefault(repository, set()).add(digest)
        self.tags.setdefault(repository, {}).update(dict.fromkeys(tags, digest))
        return digest

    def image(
        self, repository: str, layers: Iterable[bytes], *tags: str, architecture: str = "amd64", **more: object
    ) -> str:
        contents = list(layers)
        config = image_config(contents, architecture)
        for data in (config, *map(compressed, contents)):
            self.blobs[sha256(data)] = data
        return self.manifest(repository, image_manifest(config, map(compressed, contents), **more), *tags)

    def index(self, repository: str, children: Iterable[str], *tags: str) -> str:
        entries = [
            descriptor(self.manifests[child][1], OCI_MANIFEST)
            if child in self.manifests
            else {"mediaType": OCI_MANIFEST, "digest": child, "size": 7}
            for child in children
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        return self.manifest(repository, document, *tags, media_type=OCI_INDEX)

    # --- behaviour

    def before(self, pattern: str, answer: Callable[[Asked], Reply | None] | Reply, method: str = "") -> None:
        """Answer in another way where a path matches; None: as usual."""
        self.first.insert(0, (method, pattern, answer if callable(answer) else lambda _: answer))

    def __call__(self, asked: Asked) -> Reply:
        for method, pattern, answer in self.first:
            if method in ("", asked.method) and re.search(pattern, asked.path):
                reply = answer(asked)
                if reply is not None:
                    return reply
        return self.usual(asked)

    def usual(self, asked: Asked) -> Reply:
        path = asked.path
        if path == "/v2/":
            return said({}, Docker_Distribution_Api_Version="registry/2.0")
        if path == "/v2/_catalog":
            return self._page(asked, "repositories", sorted(self.served.keys() | self.tags.keys()))
        if found := re.fullmatch(r"/v2/(.+)/tags/list", path):
            name = found[1]
            if name not in self.tags:
                return refused(404, "NAME_UNKNOWN")
            return self._page(asked, "tags", sorted(self.tags[name]), name=name)
        if found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", path):
            return self._manifest(found[1], found[2])
        if found := re.fullmatch(r"/v2/(.+)/blobs/(.+)", path):
            data = self.blobs.get(found[2])
            if data is None:
                return refused(404, "BLOB_UNKNOWN")
            return Reply(200, data, {"Content-Type": "application/octet-stream", "Docker-Content-Digest": found[2]})
        if (found := re.fullmatch(r"/v2/(.+)/referrers/(.+)", path)) and self.referrers is not None:
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.referrers.get(found[2], [])}
            return Reply(200, encode(document), {"Content-Type": OCI_INDEX})
        return Reply(404, b"404 page not found\n", {"Content-Type": "text/plain"})

    def _page(self, asked: Asked, key: str, names: list[str], **more: object) -> Reply:
        wanted = min(int(asked.query.get("n", self.page)), self.page)
        rest = [name for name in names if name > asked.query.get("last", "")]
        reply = said({**more, key: rest[:wanted]})
        if len(rest) > wanted:
            reply.headers["Link"] = f'<{asked.path}?last={rest[wanted - 1]}&n={wanted}>; rel="next"'
        return reply

    def _manifest(self, repository: str, reference: str) -> Reply:
        digest = self.tags.get(repository, {}).get(reference, reference)
        if digest not in self.served.get(repository, ()):
            return refused(404, "MANIFEST_UNKNOWN")
        media_type, data = self.manifests[digest]
        return Reply(200, data, {"Content-Type": media_type, "Docker-Content-Digest": digest})


def small_shop() -> Shop:
    """Three repositories: two images on one base, an index, and one with no tag any more."""
    shop = Shop()
    shop.image("team/app", [b"base", b"app"], "1.0", "latest")
    shop.image("team/worker", [b"base", b"worker"], "latest")
    arm = shop.image("team/multi", [b"base arm"], architecture="arm64")
    amd = shop.image("team/multi", [b"base"])
    shop.index("team/multi", [amd, arm], "latest")
    shop.tags["emptied"] = {}
    return shop
