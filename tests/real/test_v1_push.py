"""What is pushed to the real v1 server, and what is written straight into a folder: the same files."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from regviz.errors import AccessDeniedError, NotRecognisedError, RegvizError, UnreachableError
from regviz.experiment.v1 import v1_push
from regviz.world import small_world, storage_tree
from tests.experiment.saved import EMPTY_TAR, config, gzipped, layer, modern, podman
from tests.real.service import LOOPBACK
from tests.real.v1_server import v1_registry
from tests.world.replay import comparable, left_by, unequal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.containers import Engine
    from tests.real.v1_server import V1Server

pytestmark = pytest.mark.real

BASE, SHARED = layer({"bin/sh": "#!\n" * 300}), layer({"usr/share/doc/é": "é", "bin/node": "node " * 999})
FIRST = (config([BASE, SHARED, EMPTY_TAR]), [BASE, SHARED, EMPTY_TAR])
SECOND_TOP = layer({"server.js": "listen(80)\n"})
SECOND = (config([BASE, SHARED, SECOND_TOP]), [BASE, SHARED, SECOND_TOP])

WAYS = {
    "by hand": lambda: modern({"localhost:5000/nodejs:latest": FIRST, "localhost:5000/nodejs:1.0_x-y": SECOND}),
    "containerd": lambda: modern({"team/tools/lint:2": SECOND}, compress=gzipped),
    "podman": lambda: podman("docker.io/library/debian:12", config([BASE]), [BASE]),
    "docker 0.9": lambda: storage_tree(small_world(), "docker-save", server="0.9").archive(),
    "docker 20.10": lambda: storage_tree(small_world(), "docker-save", server="20.10").archive(),
}
DUMPS = ("docker-save-0.9.0-nodejs.tar", "docker-save-20.10-small.tar", "docker-save-28.5.2-overlay2.tar")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V1Server]:
    with v1_registry(tmp_path_factory.mktemp("v1-push")) as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same pushes made in a folder, without any server."""
    return tmp_path_factory.mktemp("v1-folder") / "registry"


def url(server: V1Server) -> str:
    return f"http://{LOOPBACK}:{server.port}"


def push_both(archive: Path, server: V1Server, folder: Path) -> None:
    by_wire, by_hand = v1_push(archive, url(server)), v1_push(archive, folder)
    assert by_wire.equals(by_hand)
    assert unequal(comparable(left_by(server.root)), comparable(left_by(folder))) == {}


@pytest.mark.parametrize("way", WAYS)
def test_the_server_and_the_writer_leave_the_same_files(
    way: str, server: V1Server, folder: Path, tmp_path: Path
) -> None:
    """All but the order in `_index_images` and the time in a tag's metadata: see `comparable`."""
    archive = tmp_path / "saved.tar"
    archive.write_bytes(WAYS[way]())
    push_both(archive, server, folder)


@pytest.mark.parametrize("dump", DUMPS)
def test_the_same_of_archives_that_docker_saved(dump: str, shared_dumps: Path, server: V1Server, folder: Path) -> None:
    push_both(shared_dumps / dump, server, folder)


def test_what_is_there_is_not_sent_again(server: V1Server, tmp_path: Path) -> None:
    """Twice changes nothing; a second image on the same layers sends its own alone."""
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    base = layer({"bin/sh": "#! of this test\n"})
    first.write_bytes(modern({"twice:1": (config([base, SHARED]), [base, SHARED])}))
    second.write_bytes(modern({"twice:2": (config([base, SECOND_TOP]), [base, SECOND_TOP])}))
    said: list[str] = []
    assert v1_push(first, url(server), say=said.append)["sent"].all()
    assert [line.split("/")[-1] for line in said if "/images/" in line] == [
        "json  200",
        "layer  200",
        "checksum  200",
    ] * 2
    before = comparable(left_by(server.root))
    assert not v1_push(first, url(server))["sent"].any()
    assert unequal(comparable(left_by(server.root)), before) == {}
    assert v1_push(second, url(server))["sent"].tolist() == [False, True]


def test_a_push_that_died_is_completed(server: V1Server, tmp_path: Path) -> None:
    archive, base = tmp_path / "saved.tar", layer({"died": "in the middle\n"})
    archive.write_bytes(modern({"died:1": (config([base, SHARED]), [base, SHARED])}))

    class DiedError(Exception):
        pass

    def die(line: str) -> None:
        if "/layer  " in line:
            raise DiedError

    with pytest.raises(DiedError):
        v1_push(archive, url(server), say=die)
    [half] = server.root.glob("images/*/_inprogress")
    assert v1_push(archive, url(server))["sent"].all()
    assert not half.exists()
    assert server.get("repositories/died/tags") == {"1": v1_push(archive, url(server))["image"].iloc[-1]}


def test_files_are_listed_as_the_server_lists_them(server: V1Server, tmp_path: Path) -> None:
    """Servers of the article's time listed them with the upload, 0.9.1 does when it is asked."""
    archive, root = tmp_path / "saved.tar", tmp_path / "registry"
    archive.write_bytes(modern({"listed:1": SECOND}))
    v1_push(archive, root, server="0.6.6")
    for image in v1_push(archive, url(server))["image"]:
        ours = json.loads((root / "images" / image / "_files").read_bytes())
        assert ours == server.get(f"images/{image}/files")
        kinds = {row[1] for row in ours}
        assert kinds == {"f", "d", "s"}


def test_an_image_of_an_engine(experiment_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own saving gives the archive; its image IDs are not v1's."""
    monkeypatch.setenv("DOCKER_HOST", experiment_engine.socket)
    pushed = v1_push("docker-daemon:busybox", tmp_path / "registry")
    archive = tmp_path / "saved.tar"
    with archive.open("wb") as file:
        file.writelines(experiment_engine.client.images.get("busybox:latest").save(named="busybox:latest"))
    assert v1_push(archive, tmp_path / "other").equals(pushed)
    assert (tmp_path / "registry/repositories/library/busybox/tag_latest").read_text() == pushed["image"].iloc[-1]
    with pytest.raises(RegvizError, match=r"has no image nobody/has:this"):
        v1_push("docker-daemon:nobody/has:this", tmp_path / "registry")


# ------------------------------------------------------------------------------------------- who asks

SECRET = base64.b64encode(b"ada:lovelace").decode()


@contextmanager
def guarded(server: V1Server, *, alone: bool) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """A guard before the server, as nginx was one: it asks for a password, or for the index's token after that."""
    met: list[tuple[str, str]] = []

    class Guard(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _answer(self) -> None:
            body, who = self._body(), self.headers.get("Authorization", "")
            met.append((f"{self.command} {self.path}", who))
            wants_basic = alone or "X-Docker-Token" in self.headers
            good = who == f"Basic {SECRET}" if wants_basic else who.startswith("Token signature=")
            if self.path != "/v1/_ping" and not good:
                self._say(401, b'{"error": "Requires authorization"}', {})
                return
            kept = {name: self.headers[name] for name in self.headers if name.startswith(("X-", "User", "Content-T"))}
            connection = http.client.HTTPConnection(LOOPBACK, server.port)
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            standalone = {"X-Docker-Registry-Standalone": str(alone)} if self.path == "/v1/_ping" else {}
            token = {"X-Docker-Token": answer.headers["X-Docker-Token"]} if "X-Docker-Token" in answer.headers else {}
            self._say(answer.status, answer.read(), standalone | token)
            connection.close()

        do_GET = do_PUT = _answer  # noqa: N815  # the names that http.server calls

        def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Not on the test's output."""

    with ThreadingHTTPServer((LOOPBACK, 0), Guard) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listening.server_address[1], met
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.parametrize("how", ["password", "token"])
def test_a_registry_that_asks_who_is_there(
    how: str, server: V1Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    archive, base, alone = tmp_path / "saved.tar", layer({"by": how}), how == "password"
    archive.write_bytes(modern({f"asked/{how}:1": (config([base]), [base])}))
    with guarded(server, alone=alone) as (port, met):
        with pytest.raises(AccessDeniedError, match=r"wants to know who asks .*USER:PASSWORD"):
            v1_push(archive, f"http://{LOOPBACK}:{port}")
        with pytest.raises(AccessDeniedError):
            v1_push(archive, f"http://ada:wrong@{LOOPBACK}:{port}")
        met.clear()
        assert v1_push(archive, f"http://ada:lovelace@{LOOPBACK}:{port}")["sent"].all()
    kinds = [who.partition(" ")[0] for what, who in met if "_ping" not in what]
    assert kinds == (["Basic"] * 7 if alone else ["Basic"] + ["Token"] * 6)


def test_what_is_no_v1_registry(server: V1Server, tmp_path: Path) -> None:
    archive = tmp_path / "saved.tar"
    archive.write_bytes(modern({"a:1": FIRST}))
    with pytest.raises(NotRecognisedError, match="no v1 registry: it answers 404"):
        v1_push(archive, f"{url(server)}/elsewhere")
    with pytest.raises(RegvizError, match="no password is sent over plain HTTP"):
        v1_push(archive, "http://ada:lovelace@registry.example.org")
    with pytest.raises(UnreachableError, match="does not answer"):
        v1_push(archive, f"http://{LOOPBACK}:1")


def test_a_client_of_the_article_s_time(server: V1Server, tmp_path: Path) -> None:
    archive, base = tmp_path / "saved.tar", layer({"old": "client\n"})
    archive.write_bytes(modern({"old:1": (config([base, EMPTY_TAR]), [base, EMPTY_TAR])}))
    pushed = v1_push(archive, url(server), server="0.6.6")
    assert pushed["layer_bytes"].tolist()[1] == 23
    said = json.loads((server.root / "repositories/library/old/tag1_json").read_bytes())
    assert (said["docker_version"], said["docker_go_version"]) == ("0.9.0", "go1.2.1")


def test_what_the_server_refuses_is_said(server: V1Server, tmp_path: Path) -> None:
    archive, base = tmp_path / "saved.tar", layer({"refused": "\n"})
    archive.write_bytes(modern({"refused:1": (config([base]), [base])}))
    image = v1_push(archive, tmp_path / "registry")["image"].iloc[0]
    (server.root / "images" / image).write_bytes(b"in the way")
    with pytest.raises(RegvizError, match=rf"answers 500 to PUT images/{image}/json: "):
        v1_push(archive, url(server))
