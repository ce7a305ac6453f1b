"""Containers that keep a registry, in an engine of the test's own; and that engine as one far away is spoken to."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import subprocess
import tarfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.real.service import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

IMAGE, CONFIG = "registry:2", "/etc/docker/registry/config.yml"
_PATIENCE = 30


def config(root: str) -> bytes:
    """A registry's configuration that names where it stores; it listens on a free port."""
    return (
        f'version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: "{root}"}}}}\n'
        'http: {addr: "127.0.0.1:0", secret: only-for-this-test}\n'
    ).encode()


def registry_image(program: str, files: Mapping[str, bytes]) -> bytes:
    """A root file system of a registry's program, the libraries it needs, and some files."""
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in (program, *re.findall(r"(/\S+) \(", linked)):
            add(archive, path, Path(path).read_bytes(), 0o755)
        for path, content in files.items():
            add(archive, path, content)
    return buffer.getvalue()


def add(archive: tarfile.TarFile, path: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine and the ways to it."""

    client: DockerClient
    socket: str
    far: str
    """An address as that of another machine: nothing of it can be read in place."""

    def create(
        self, name: str, *, binds: Mapping[str, str] | None = None, ports: Mapping[int, int] | None = None, **more: Any
    ) -> str:
        """A container of the registry's image that has not been started; its ID."""
        api = self.client.api
        mounts = {source: {"bind": place, "mode": "rw"} for source, place in (binds or {}).items()}
        host = api.create_host_config(binds=mounts, port_bindings=ports, network_mode="none" if ports else "host")
        made = api.create_container(
            more.pop("image", IMAGE), more.pop("command", ["/never-started"]), name=name, host_config=host, **more
        )
        return str(made["Id"])

    def put(self, container: str, path: str, files: Mapping[str, bytes]) -> None:
        """Write files below a folder of a container."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in files.items():
                add(archive, name, content)
        assert self.client.api.put_archive(container, path, buffer.getvalue())

    def volume(self, name: str) -> Path:
        """A new volume's folder."""
        return Path(self.client.api.create_volume(name)["Mountpoint"])

    def port(self, container: str) -> int:
        """Where the registry in a container listens, once it says so."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            log = self.client.api.logs(container).decode()
            if found := re.search(rf"listening on {re.escape(LOOPBACK)}:(\d+)", log):
                return int(found[1])
            time.sleep(0.05)
        raise RuntimeError(f"the registry does not listen; its log:\n{log}")


class Wire:
    """A socket of this machine under an address of TCP, as an engine of another machine has: what comes is passed on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._server = socket.create_server((LOOPBACK, 0))
        self._ends: list[socket.socket] = []
        self.address = f"tcp://{LOOPBACK}:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and take no further one."""
        for end in (self._server, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was cut
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._path)
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=(one, other), daemon=True).start()


def pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    for end, side in ((other, socket.SHUT_WR), (one, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(side)


@contextmanager
def far_away(path: str) -> Iterator[Wire]:
    """A wire to an engine's socket, cut at the end."""
    wire = Wire(path)
    try:
        yield wire
    finally:
        wire.cut()
