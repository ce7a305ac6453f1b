"""Where there is no engine, or one that refuses: a line that says why and what to do, and never a traceback."""

from __future__ import annotations

import json
import socket
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import docker
import pytest
from requests import Response

from regviz.errors import AccessDeniedError, RegvizError, UnreachableError
from regviz.experiment.bundle import with_tag
from regviz.experiment.ready import Lack, Readiness, attached, connect, host_of, ready
from regviz.experiment.trouble import complaint, explain, one_line

if TYPE_CHECKING:
    from pathlib import Path

HOST = "unix:///var/run/docker.sock"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine and no context but those a test names."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    monkeypatch.setattr(sys, "platform", "linux")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answered(status: int, said: str) -> docker.errors.APIError:
    """An engine's answer, as docker's package raises it."""
    response = Response()
    response.status_code, response.reason = status, "Internal Server Error"
    return docker.errors.APIError("500 Server Error", response=response, explanation=said)


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    there = ready(f"unix://{tmp_path}/docker.sock")
    assert not there.ok
    assert there.why == (
        f"no Docker Engine at unix://{tmp_path}/docker.sock, its socket is not there: start it (sudo systemctl start "
        "docker), install one, or set DOCKER_HOST to where one is"
    )
    assert str(there).splitlines() == ["engine  none", f"lacks   {there.why}", "ready   no"]


def test_a_socket_that_nobody_listens_to(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/s")
    assert (
        "does not listen any more at its socket: start it (sudo systemctl start docker)"
        in ready(f"unix://{tmp_path}/s").why
    )


def test_docker_host_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port()}")
    why = ready().why
    assert "(Connection refused): DOCKER_HOST says so: unset it" in why
    assert "\n" not in why


def test_an_address_that_leads_nowhere() -> None:
    why = ready(f"tcp://127.0.0.1:{free_port()}").why
    assert "is the address right, and does an engine listen there?" in why
    assert "DOCKER_HOST" not in why


def test_a_server_that_is_no_engine() -> None:
    """Something answers there, and it is no engine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        import threading

        def answer() -> None:
            near, _ = server.accept()
            near.recv(4096)
            near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/html\r\n\r\nhi")
            near.close()

        thread = threading.Thread(target=answer)
        thread.start()
        there = ready(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert not there.ok
    assert "tcp://127.0.0.1:" in there.why


def test_ssh_names_the_package_that_it_needs() -> None:
    why = ready("ssh://teacher@10.20.0.199").why
    assert "pip install 'docker[ssh]'" in why
    assert "ssh -nNT -L /tmp/other.sock:/var/run/docker.sock HOST" in why


def test_a_context_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `docker context create` leaves it."""
    folder = tmp_path / "docker-config" / "contexts" / "meta" / "37ee06e9"
    monkeypatch.setattr("docker.context.context.get_meta_dir", lambda *_: str(folder))
    monkeypatch.setattr("docker.context.context.get_meta_file", lambda *_: str(folder / "meta.json"))
    monkeypatch.setattr("docker.context.context.get_tls_dir", lambda *_, **__: str(folder / "tls"))
    folder.mkdir(parents=True)
    endpoint = {"Host": f"unix://{tmp_path}/other.sock", "SkipTLSVerify": False}
    meta = {"Name": "other", "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    assert host_of("other") == f"unix://{tmp_path}/other.sock"
    assert f"no Docker Engine at unix://{tmp_path}/other.sock" in ready("other").why


def test_a_context_that_is_not_there() -> None:
    with pytest.raises(RegvizError, match=r"there is no Docker context nobody: `docker context ls` lists"):
        connect("nobody")
    assert "there is no Docker context nobody" in ready("nobody").why


def test_no_right_to_the_socket() -> None:
    refused = explain(PermissionError(13, "Permission denied"), HOST)
    assert isinstance(refused, AccessDeniedError)
    assert str(refused) == (
        f"the Docker Engine at {HOST} does not let this user in: sudo usermod -aG docker $USER, and log in again"
    )


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (2, UnreachableError, "start Docker Desktop and wait until it says that it runs"),
        (5, AccessDeniedError, "docker-users"),
    ],
)
def test_docker_desktop_on_windows(
    number: int, kind: type[RegvizError], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pywin32 raises for a named pipe, wrapped by docker's package."""
    monkeypatch.setattr(sys, "platform", "win32")
    pipe = type("error", (Exception,), {"__module__": "pywintypes"})(number, "CreateFile", "The system says no.")
    wrapped = docker.errors.DockerException(f"Error while fetching server API version: {pipe}")
    wrapped.__cause__ = pipe
    explained = explain(wrapped, "npipe:////./pipe/docker_engine")
    assert isinstance(explained, kind)
    assert says in str(explained)


def test_docker_desktop_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "start Docker Desktop" in str(explain(FileNotFoundError(2, "No such file"), HOST))


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("client version 1.24 is too old. Minimum supported API version is 1.44", "update the engine"),
        ("Bind for 127.0.0.1:5000 failed: port is already allocated", "the port is taken"),
        ('Conflict. The container name "/regviz-DATA" is already in use by container "1f"', "with --name"),
        ("toomanyrequests: You have reached your pull rate limit.", "regviz experiment bundle"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "another platform"),
        ("manifest for localhost:5000/nodejs:latest not found: manifest unknown: manifest unknown", "check its name"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "check its name"),
        ('Get "https://r/v2/": dial tcp: lookup r on 10.0.0.1:53: no such host', "--images FILE"),
        ('Get "https://h:5000/v2/": http: server gave HTTP response to HTTPS client', "insecure-registries"),
        ("failed to register layer: write /x: no space left on device", "docker system df"),
        ("No such image: busybox:latest", "it has no such image"),
        ("something nobody has met", ""),
    ],
)
def test_what_an_engine_says_and_what_it_means(said: str, meaning: str) -> None:
    for explained in (explain(answered(500, said), HOST), complaint(said, HOST)):
        assert str(explained).startswith(f"the Docker Engine at {HOST} says: {said}")
        assert str(explained).endswith(said) == (not meaning)
        assert meaning in str(explained)
        assert "\n" not in str(explained)


def test_what_an_engine_says_is_harmless() -> None:
    assert one_line("a\r\n\x1b[2Jb") == "a \\x1b[2Jb"
    assert len(one_line("x" * 10_000)) < 400
    assert explain(RegvizError("as it is")).args == ("as it is",)


def test_errors_within_are_explained() -> None:
    client = SimpleNamespace(api=SimpleNamespace(base_url="http://10.20.0.199:2375"))
    with pytest.raises(RegvizError, match=r"at tcp://10\.20\.0\.199:2375 says: No such image: x"), attached(client):
        raise answered(404, "No such image: x")


def test_a_note_stops_nothing() -> None:
    there = Readiness("tcp://h", version="28", lacks=(Lack("an image", "pull it", stops=False),))
    assert (there.ok, there.why) == (True, "")
    assert there.rows()[-2:] == [("note", "an image: pull it"), ("ready", "yes")]
    assert "<td>an image: pull it</td>" in there._repr_html_()


def test_names_are_those_that_engines_list() -> None:
    assert [*map(with_tag, ("busybox", "docker.io/library/busybox", "docker.io/team/a:1", "h:5000/b"))] == [
        "busybox:latest",
        "busybox:latest",
        "team/a:1",
        "h:5000/b:latest",
    ]
    assert with_tag("busybox@sha256:" + "0" * 64) == "busybox@sha256:" + "0" * 64
