"""What the messages of a pull add up to, and what is offered where it is refused."""

from __future__ import annotations

import pytest

from regviz.experiment.elsewhere import near_address
from regviz.experiment.pulling import Pull, daemon_json, told, ways_around

REFUSED = 'Get "https://10.20.0.100:5000/v2/": http: server gave HTTP response to HTTPS client'


def test_a_pull_as_an_engine_tells_it() -> None:
    """Messages of Docker Engine 20.10, a layer of which was there."""
    messages = [
        {"status": "Pulling from nodejs", "id": "latest"},
        {"status": "Already exists", "progressDetail": {}, "id": "f920710e6182"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "c84827c3498d"},
        {"status": "Downloading", "progressDetail": {"current": 100, "total": 100}, "id": "c84827c3498d"},
        {"status": "Verifying Checksum", "progressDetail": {}, "id": "c84827c3498d"},
        {"status": "Download complete", "progressDetail": {}, "id": "c84827c3498d"},
        {"status": "Extracting", "progressDetail": {"current": 100, "total": 100}, "id": "c84827c3498d"},
        {"status": "Pull complete", "progressDetail": {}, "id": "c84827c3498d"},
        {"status": "Digest: sha256:a0b1"},
        {"status": "Status: Downloaded newer image for 10.20.0.100:5000/nodejs:latest"},
    ]
    assert told("10.20.0.100:5000/nodejs:latest", messages) == Pull(
        "10.20.0.100:5000/nodejs:latest",
        pulled=("c84827c3498d",),
        there=("f920710e6182",),
        digest="sha256:a0b1",
        said=(
            "f920710e6182: Already exists",
            "c84827c3498d: Pull complete",
            "Digest: sha256:a0b1",
            "Status: Downloaded newer image for 10.20.0.100:5000/nodejs:latest",
        ),
    )


def test_a_pull_that_breaks_off() -> None:
    messages = [
        {"status": "Pulling from nodejs", "id": "latest"},
        {"status": "Pulling fs layer", "id": "c84827c3498d"},
        {"errorDetail": {"message": "unknown blob"}, "error": "unknown blob"},
    ]
    broken = told("h:5000/nodejs:latest", messages)
    assert (broken.refused, broken.pulled, broken.plain_http) == ("unknown blob", (), False)


def test_what_an_engine_says_of_a_pull_is_bounded_and_harmless() -> None:
    done = told("x", ({"status": "Pull complete\x1b[2J" + "y" * 2000, "id": f"{number}\n"} for number in range(11_000)))
    assert len(done.said) == 10_000
    assert max(map(len, done.said)) < 400
    assert not any("\x1b" in line or "\n" in line for line in done.said)


def test_plain_http_is_told_from_other_refusals() -> None:
    assert Pull("x", refused=REFUSED).plain_http
    assert not Pull("x", refused="dial tcp 10.20.0.100:5000: connect: connection refused").plain_http


def test_the_line_and_the_tunnel_are_exact() -> None:
    lines = [
        line.strip() for line in ways_around("10.20.0.100:5000", 43210, "ssh://teacher@10.20.0.199:2222").splitlines()
    ]
    assert "ssh -nNT -R 43210:localhost:43210 -p 2222 teacher@10.20.0.199" in lines
    assert "ssh -nNT -L 43210:localhost:43210 USER@10.20.0.100" in lines
    assert '{"insecure-registries": ["10.20.0.100:5000"]}' in lines
    assert "Linux           /etc/docker/daemon.json, then: sudo systemctl reload docker" in lines


@pytest.mark.parametrize(
    ("engine", "host", "address"),
    [
        ("unix:///run/docker.sock", "unix:///run/other.sock", "localhost"),
        ("unix:///run/docker.sock", "tcp://127.0.0.1:2375", "127.0.0.1"),
        ("unix:///run/docker.sock", "ssh://a@no.such.host.invalid", "localhost"),
        ("ssh://teacher@10.20.0.100:2222", "ssh://a@10.20.0.199", "10.20.0.100"),
        ("tcp://[fd00::1]:2376", "ssh://a@10.20.0.199", "[fd00::1]"),
    ],
)
def test_where_another_host_finds_the_registry(engine: str, host: str, address: str) -> None:
    assert near_address(engine, host) == address


def test_the_tunnel_of_a_host_that_is_not_known_by_ssh() -> None:
    said = ways_around("[fd00::1]:5000", 5000, "tcp://10.20.0.199:2376")
    assert "ssh -nNT -R 5000:localhost:5000 USER@OTHER-HOST\n" in said
    assert "USER@fd00::1\n" in said
    assert daemon_json("[fd00::1]:5000") in said
