"""Files and helpers of Docker and podman: the most specific key counts, in podman's order."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from regviz.live.credentials import Credentials

if TYPE_CHECKING:
    from pathlib import Path


def entry(login: str) -> dict[str, str]:
    return {"auth": base64.b64encode(login.encode()).decode()}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def login(host: str, repository: str = "", **environment: str | Path) -> str | None:
    said = {name: str(value) for name, value in environment.items()}
    known = Credentials(host, environment=said).login(repository)
    return None if known is None else f"{known.username}:{known.password}"


def test_the_most_specific_key_counts(tmp_path: Path) -> None:
    keys = ("quay.io", "quay.io/team", "quay.io/team/app")
    write(tmp_path / ".config/containers/auth.json", {"auths": {key: entry(f"{key}:x") for key in keys}})
    asked = {"": "quay.io", "other/app": "quay.io", "team/other": "quay.io/team", "team/app": "quay.io/team/app"}
    asked |= {"team/app/deep": "quay.io/team/app", "teams/app": "quay.io"}
    assert {name: login("quay.io", name, HOME=tmp_path) for name in asked} == {n: f"{k}:x" for n, k in asked.items()}
    assert login("quay.io:5000", HOME=tmp_path) is None
    assert login("evil-quay.io", HOME=tmp_path) is None


def test_files_in_podmans_order(tmp_path: Path) -> None:
    places = {
        "auth": tmp_path / "auth.json",
        "runtime": tmp_path / "run/containers/auth.json",
        "config": tmp_path / "xdg/containers/auth.json",
        "docker": tmp_path / "docker/config.json",
    }
    environment = {
        "HOME": tmp_path,
        "REGISTRY_AUTH_FILE": places["auth"],
        "XDG_RUNTIME_DIR": tmp_path / "run",
        "XDG_CONFIG_HOME": tmp_path / "xdg",
        "DOCKER_CONFIG": tmp_path / "docker",
    }
    write(tmp_path / ".dockercfg", {"r.example": entry("dockercfg:x")})
    for name, path in places.items():
        write(path, {"auths": {"r.example": entry(f"{name}:x")}})
    for name, path in places.items():
        assert login("r.example", **environment) == f"{name}:x"
        path.unlink()
    assert login("r.example", **environment) == "dockercfg:x"


@pytest.mark.parametrize(
    "key", ["https://r.example/v1/", "https://r.example", "http://r.example/v2/", "r.example/v2", "r.example/"]
)
def test_keys_as_docker_once_wrote_them(tmp_path: Path, key: str) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {key: entry("a:b:c")}})
    assert login("r.example", "x/y", HOME=tmp_path) == "a:b:c"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {key: entry("a:b")}})
    assert login("registry-1.docker.io", "library/nodejs", HOME=tmp_path) == "a:b"


def test_tokens_and_plain_entries(tmp_path: Path) -> None:
    auths = {
        "identity": {**entry("00000000-0000-0000-0000-000000000000:"), "identitytoken": "i"},
        "registry": {"registrytoken": "r"},
        "plain": {"username": "u", "password": "p"},
        "empty": {},
        "broken": {"auth": "%%%"},
        "odd": ["x"],
    }
    write(tmp_path / ".docker/config.json", {"auths": auths})
    known = {host: Credentials(host, environment={"HOME": str(tmp_path)}).login() for host in auths}
    said = {host: (login.identity_token, login.registry_token, login.basic) for host, login in known.items() if login}
    assert said == {"identity": ("i", "", ""), "registry": ("", "r", ""), "plain": ("", "", "Basic dTpw")}
    assert (known["empty"], known["broken"], known["odd"]) == (None, None, None)


HELPER = """#!/bin/sh
read -r host
echo "$1 $host" >> "$0.log"
case $host in
  r.example) echo '{"ServerURL": "r.example", "Username": "helped", "Secret": "by program"}' ;;
  t.example) echo '{"ServerURL": "t.example", "Username": "<token>", "Secret": "identity"}' ;;
  https://index.docker.io/v1/) echo '{"Username": "hub", "Secret": "s"}' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    program = write(tmp_path / "bin/docker-credential-test", HELPER)
    program.chmod(0o755)
    return program


def test_helpers(tmp_path: Path, helper: Path) -> None:
    environment = {"HOME": tmp_path, "PATH": f"{helper.parent}:/usr/bin:/bin"}
    write(
        tmp_path / ".docker/config.json", {"credHelpers": {"r.example": "test"}, "auths": {"r.example": entry("no:no")}}
    )
    assert login("r.example", "a/b", **environment) == "helped:by program"
    assert login("s.example", **environment) is None
    write(
        tmp_path / ".docker/config.json", {"credsStore": "test", "auths": {"r.example": {}, "s.example": entry("a:b")}}
    )
    assert login("r.example", **environment) == "helped:by program"
    assert login("s.example", **environment) == "a:b"
    assert login("registry-1.docker.io", **environment) == "hub:s"
    known = Credentials("t.example", environment={n: str(v) for n, v in environment.items()}).login()
    assert known is not None
    assert (known.username, known.identity_token) == ("", "identity")
    asked = helper.with_name(helper.name + ".log").read_text().splitlines()
    assert {line.partition(" ")[0] for line in asked} == {"get"}


def test_a_helper_is_asked_once(tmp_path: Path, helper: Path) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": "test"})
    known = Credentials("r.example", environment={"HOME": str(tmp_path), "PATH": f"{helper.parent}:/usr/bin:/bin"})
    assert {repr(known.login(f"team/{number}")) for number in range(50)} == {"Login(…)"}
    assert len(helper.with_name(helper.name + ".log").read_text().splitlines()) == 1


@pytest.mark.parametrize("suffix", ["missing", "../../bin/sh", "test; rm", ""])
def test_helpers_that_are_not_there(tmp_path: Path, helper: Path, suffix: str) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": suffix})
    known = Credentials("r.example", environment={"HOME": str(tmp_path), "PATH": str(helper.parent)})
    assert known.login() is None
    assert not suffix or f"docker-credential-{suffix} (no such program)" in known.looked


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", "{ broken")
    known = Credentials("r.example", environment={"HOME": str(tmp_path)})
    assert known.login() is None
    assert [place for place in known.looked if place.endswith("config.json (no JSON)")]
