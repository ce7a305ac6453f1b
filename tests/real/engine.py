"""A Docker Engine of the test's own: started on a folder, spoken to through its socket, stopped by its process id."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from docker import DockerClient

_PATIENCE = 60
_PAUSE = 0.1


@contextmanager
def docker_engine(
    program: str, folder: Path, *, inside: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[DockerClient]:
    """Run an engine without network, all its files below `folder` but for sockets, and yield a client of it.

    `inside` is a command that enters a namespace and runs there what follows; `options` are more of the engine's own.
    """
    # containerd's sockets may have paths of 104 bytes, and the tests' own folders are long.
    with tempfile.TemporaryDirectory(prefix="regviz-") as short:
        yield from _running(program, folder, Path(short) / "exec", inside, options)


def _running(
    program: str, folder: Path, exec_root: Path, inside: Sequence[str], options: Sequence[str]
) -> Iterator[DockerClient]:
    socket = folder / "docker.sock"
    command = [
        *inside,
        program,
        *options,
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        "--storage-driver=overlay2",
        f"--data-root={folder / 'data'}",
        f"--exec-root={exec_root}",
        f"--pidfile={folder / 'docker.pid'}",
        f"--host=unix://{socket}",
    ]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env, cwd=folder)
    try:
        client = _connected(process, socket, folder / "log")
        yield client
        client.close()
    finally:
        process.terminate()
        process.wait(_PATIENCE)
        for mount in (*(exec_root / "netns").glob("*"), folder / "data"):  # the latter where it did not start
            subprocess.run(["umount", str(mount)], check=False, capture_output=True)


def _connected(process: subprocess.Popen[bytes], socket: Path, log: Path) -> DockerClient:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if socket.exists():
            with suppress(DockerException):  # it listens before it answers
                client = docker.DockerClient(base_url=f"unix://{socket}", version="auto", timeout=_PATIENCE)
                if client.ping():
                    return client
        time.sleep(_PAUSE)
    raise RuntimeError(f"the engine does not answer (exit code {process.poll()}); its log:\n{log.read_text()}")


def build(client: DockerClient, dockerfile: str, files: Mapping[str, bytes], tag: str | None = None) -> str:
    """Build an image with the classic builder; its image ID."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, content in {"Dockerfile": dockerfile.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    image, _ = client.images.build(fileobj=io.BytesIO(context.getvalue()), custom_context=True, tag=tag, rm=True)
    return str(image.id)


def save(client: DockerClient, target: Path, *names: str) -> Path:
    """``docker save`` of one or several images."""
    answer = client.api.get(f"{client.api.base_url}/images/get", params={"names": names}, stream=True)
    answer.raise_for_status()
    with target.open("wb") as file:
        for chunk in answer.iter_content(1 << 20):
            file.write(chunk)
    return target


def load(client: DockerClient, archive: Path) -> None:
    """``docker load``."""
    with archive.open("rb") as file:
        answer = client.api.post(f"{client.api.base_url}/images/load", data=file)
    answer.raise_for_status()
    assert "errorDetail" not in answer.text, answer.text
