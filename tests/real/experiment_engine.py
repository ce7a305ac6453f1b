"""An engine for the article's experiment: with a registry's image and a small base, as a person's engine has them."""

from __future__ import annotations

import io
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.containers import CONFIG, Engine, add, far_away, registry_image
from tests.real.engine import docker_engine
from tests.real.service import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

REGISTRY, BASE = "registry:2", "busybox:latest"
_ENTRYPOINT = b"""#!/bin/sh
case "$1" in
    *.yml | *.yaml) set -- serve "$@" ;;
esac
exec /usr/bin/docker-registry "$@"
"""
_CONFIG = b"""version: 0.1
log: {fields: {service: registry}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: /var/lib/registry}
http: {addr: ":5000"}
"""


@contextmanager
def experiment_engine(folder: Path) -> Iterator[Engine]:
    """An engine without network that has both images; all its files below `folder`."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    require_images()
    with docker_engine(program, folder) as client:
        provide_images(client)
        path = str(folder / "docker.sock")
        with far_away(path) as far:
            yield Engine(client, f"unix://{path}", far.address)
        for container in client.containers.list(all=True):
            container.remove(force=True, v=True)


def require_images() -> None:
    """Skip where there is nothing to make the images of."""
    require_program("docker-registry", "docker-registry")
    require_program("busybox", "busybox-static")


def provide_images(client: DockerClient, *references: str) -> None:
    """Give an engine those images, all if none is named: made of Debian's own programs, nothing is pulled."""
    for reference in references or (REGISTRY, BASE):
        repository, tag = reference.split(":")
        data, changes = _IMAGES[reference]
        client.api.import_image_from_data(data(), repository=repository, tag=tag, changes=changes)


def _base() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        _add_busybox(archive)
    return buffer.getvalue()


def _registry() -> bytes:
    """As the registry's published images are: a shell, an entry point that takes a configuration's path or a command."""
    buffer = io.BytesIO(registry_image(require_program("docker-registry", "docker-registry"), {CONFIG: _CONFIG}))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        _add_busybox(archive)
        add(archive, "/entrypoint.sh", _ENTRYPOINT, 0o755)
    return buffer.getvalue()


def _add_busybox(archive: tarfile.TarFile) -> None:
    program = require_program("busybox", "busybox-static")
    add(archive, "/bin/busybox", Path(program).read_bytes(), 0o755)
    applets = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    for folder, mode in (("tmp", 0o1777), ("root", 0o700), ("etc", 0o755)):
        directory = tarfile.TarInfo(folder)
        directory.type, directory.mode = tarfile.DIRTYPE, mode
        archive.addfile(directory)


_IMAGES = {
    REGISTRY: (
        _registry,
        ['ENTRYPOINT ["/entrypoint.sh"]', f'CMD ["{CONFIG}"]', 'VOLUME ["/var/lib/registry"]', "EXPOSE 5000"],
    ),
    BASE: (_base, ['CMD ["sh"]']),
}
