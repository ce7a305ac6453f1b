"""A second host on this machine: a network namespace of the test's own, joined to this one by a pair of interfaces."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.real.containers import pass_on
from tests.real.engine import docker_engine
from tests.real.service import LOOPBACK, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

# Of the range that is kept for measurements between networks, so nobody's own.
NEAR, FAR, BITS = "198.18.77.1", "198.18.77.2", 30
_PATIENCE, _PAUSE = 30, 0.02


@dataclass(frozen=True, slots=True)
class Host:
    """Another host, and its engine."""

    client: DockerClient
    url: str
    config: Path
    pid: int

    def allow(self, *registries: str) -> None:
        """What its owner does: the line in daemon.json, and a reload."""
        self.config.write_text(json.dumps({"insecure-registries": list(registries)}), encoding="utf-8")
        os.kill(self.pid, signal.SIGHUP)
        until = time.monotonic() + _PATIENCE
        while not set(registries) <= self.client.info()["RegistryConfig"]["IndexConfigs"].keys():
            assert time.monotonic() < until, "the engine does not reload its configuration"
            time.sleep(_PAUSE)


@contextmanager
def other_host(folder: Path) -> Iterator[Host]:
    """A host at FAR whose engine runs in a network of its own, and sees this one at NEAR; all of it goes at the end."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    require_program("ip", "iproute2")
    enter = require_program("nsenter", "util-linux")
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root: run the tests with sudo")
    name = f"rv{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        _ip("addr", "add", f"{NEAR}/{BITS}", "dev", f"{name}a")
        _ip("link", "set", f"{name}a", "up")
        _ip("-n", name, "addr", "add", f"{FAR}/{BITS}", "dev", f"{name}b")
        _ip("-n", name, "link", "set", f"{name}b", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        config = folder / "daemon.json"
        config.write_text("{}", encoding="utf-8")
        # Not `ip netns exec`: that mounts another /sys, in which an engine finds no control groups.
        inside = (enter, f"--net=/run/netns/{name}", "--")
        with docker_engine(program, folder, inside=inside, options=(f"--config-file={config}",)) as client:
            pid = int((folder / "docker.pid").read_text())
            yield Host(client, f"unix://{folder / 'docker.sock'}", config, pid)
    finally:
        for command in (("link", "del", f"{name}a"), ("netns", "del", name)):
            subprocess.run(["ip", *command], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def published(port: int, address: str = NEAR) -> Iterator[str]:
    """What listens on this machine's loopback, under an address that another host reaches; yields it with its port."""
    server = socket.create_server((address, 0))
    ends: list[socket.socket] = [server]

    def accept() -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                near, _ = server.accept()
                far = socket.create_connection((LOOPBACK, port))
                ends.extend((near, far))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=(one, other), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{address}:{server.getsockname()[1]}"
    finally:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
