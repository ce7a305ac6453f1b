"""What the tests of the experiment see for themselves: the volume's folder, the registry's answers, the engine's lists."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.real.service import request

if TYPE_CHECKING:
    from docker import DockerClient

    from regviz.experiment import Step

MANIFEST = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}


@dataclass(frozen=True)
class Contents:
    """All that an engine has; what was made for a moment only is not in it."""

    images: list[tuple[str, list[str]]]
    containers: list[str]
    volumes: list[str]
    networks: list[str]


def contents(client: DockerClient) -> Contents:
    """What the engine lists."""
    api = client.api
    return Contents(
        sorted((image["Id"], sorted(image["RepoTags"] or [])) for image in api.images(all=True)),
        sorted(container["Id"] for container in api.containers(all=True)),
        sorted(volume["Name"] for volume in api.volumes()["Volumes"] or []),
        sorted(network["Id"] for network in api.networks()),
    )


@dataclass(frozen=True)
class Seen:
    """A registry at one moment, without regviz."""

    files: dict[str, bytes]
    """Paths below the volume's folder, and what they hold."""
    directories: set[str]
    catalog: list[str]
    tags: dict[str, list[str]]
    manifests: dict[str, tuple[str, bytes]]
    """Of each name with its tag: digest and document."""

    @property
    def blobs(self) -> dict[str, int]:
        return {
            f"sha256:{path.split('/')[-2]}": len(content)
            for path, content in self.files.items()
            if path.startswith("docker/registry/v2/blobs/")
        }

    def document(self, name: str) -> Any:
        return json.loads(self.manifests[name][1])

    def needs(self, name: str) -> dict[str, int]:
        """What a pull fetches: digests and bytes."""
        digest, raw = self.manifests[name]
        document = json.loads(raw)
        listed = {each["digest"]: each["size"] for each in (document["config"], *document["layers"])}
        return {digest: len(raw), **listed}


def see(client: DockerClient, volume: str, port: int | None) -> Seen:
    """Walk the volume's folder, and ask the registry."""
    files, directories = {}, set()
    if volume in {each["Name"] for each in client.api.volumes()["Volumes"] or []}:
        root = Path(client.api.inspect_volume(volume)["Mountpoint"])
        for place, below, names in os.walk(root):
            directories |= {(Path(place) / name).relative_to(root).as_posix() for name in below}
            for name in names:
                file = Path(place) / name
                files[file.relative_to(root).as_posix()] = file.read_bytes()
    if port is None:
        return Seen(files, directories, [], {}, {})
    catalog = request(port, "GET", "/v2/_catalog").json()["repositories"]
    tags, manifests = {}, {}
    for name in catalog:
        tags[name] = sorted(request(port, "GET", f"/v2/{name}/tags/list").json().get("tags") or [])
        for tag in tags[name]:
            answer = request(port, "GET", f"/v2/{name}/manifests/{tag}", headers=MANIFEST)
            if answer.status == 200:
                manifests[f"{name}:{tag}"] = ("sha256:" + hashlib.sha256(answer.body).hexdigest(), answer.body)
    return Seen(files, directories, catalog, tags, manifests)


def is_what_lies_there(rows: Any, seen: Seen) -> bool:
    """Whether a step's rows are the folder's entries, each once, with their lengths."""
    below = rows[1:]
    files = {row.path: row.bytes for row in below if row.type == "file"}
    directories = {row.path for row in below if row.type == "directory"}
    lengths = {path: len(content) for path, content in seen.files.items()}
    return (files, directories, len(below)) == (lengths, seen.directories, len(files) + len(directories))


def port_of(step: Step) -> int:
    return int(step.facts["port"])
