"""A made-up registry in Distribution's storage: the right shape and sizes, layers that are holes.

Repositories are built on a few hundred bases of unequal popularity. Each has between one tag and very many;
each push keeps most of the stack before it and puts a few layers on top. Manifests and configurations are
real documents under their real digests. One tag in fifty was pushed twice, so its first manifest is untagged;
one layer in a hundred is linked nowhere.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
}
_TALLEST_USUAL, _TALLEST = 24, 127


class Size(NamedTuple):
    """How much to make; `blobs` are manifests, configurations and layers together."""

    repositories: int
    tags: int
    blobs: int


class Layer(NamedTuple):
    """One layer, and the step of history that made it."""

    encoded: str
    diff_id: str
    blob_bytes: int
    created: str
    created_by: str


class _Storage:
    """Writes below ``docker/registry/v2``."""

    def __init__(self, root: Path) -> None:
        v2 = root / "docker/registry/v2"
        self.repositories = v2 / "repositories"
        self._blobs = str(v2 / "blobs/sha256")
        self.repositories.mkdir(parents=True)
        for first in range(256):
            (v2 / f"blobs/sha256/{first:02x}").mkdir(parents=True)

    def hole(self, encoded: str, size: int) -> None:
        """A blob of zeros that takes no room."""
        self._file(self._blob_directory(encoded), "data", size=size)

    def document(self, data: bytes) -> str:
        """A blob; its digest's hex digits."""
        encoded = hashlib.sha256(data).hexdigest()
        self._file(self._blob_directory(encoded), "data", data)
        return encoded

    def link(self, directory: str, encoded: str) -> None:
        """A link file, in a directory of its own."""
        self._file(self.directory(directory), "link", b"sha256:" + encoded.encode())

    @staticmethod
    def directory(path: str) -> str:
        os.mkdir(path)  # noqa: PTH102  # two million of them: pathlib would take longer than the disk
        return path

    def _blob_directory(self, encoded: str) -> str:
        return self.directory(f"{self._blobs}/{encoded[:2]}/{encoded}")

    @staticmethod
    def _file(directory: str, name: str, data: bytes = b"", size: int = 0) -> None:
        descriptor = os.open(f"{directory}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        if size:
            os.ftruncate(descriptor, size)
        else:
            os.write(descriptor, data)
        os.close(descriptor)


class _Builder:
    """Makes layers and pushes images."""

    def __init__(self, storage: _Storage, rng: random.Random) -> None:
        self._storage, self._rng = storage, rng
        self._layer_numbers = itertools.count()
        self._image_numbers = itertools.count()
        self.steps = 0

    def layers(self, count: int) -> list[Layer]:
        """New layers, built at one time."""
        created = f"2024-05-01T12:00:00.{next(self._layer_numbers):09d}Z"
        return [self._layer(created) for _ in range(count)]

    def push(self, repository: str, path: str, stack: list[Layer], linked: set[str]) -> str:
        """An image of that stack; its manifest's hex digits."""
        number = next(self._image_numbers)
        kinds = DOCKER if number % 3 else OCI
        config = json.dumps(_config(repository, number, stack), separators=(",", ":")).encode()
        config_encoded = self._storage.document(config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": kinds["manifest"],
            "config": _descriptor(kinds["config"], config_encoded, len(config)),
            "layers": [_descriptor(kinds["layer"], layer.encoded, layer.blob_bytes) for layer in stack],
        }
        encoded = self._storage.document(json.dumps(manifest, indent=3).encode())
        for blob in [layer.encoded for layer in stack if layer.encoded not in linked] + [config_encoded]:
            self._storage.link(f"{path}/_layers/sha256/{blob}", blob)
            linked.add(blob)
        self._storage.link(f"{path}/_manifests/revisions/sha256/{encoded}", encoded)
        self.steps += len(stack)
        return encoded

    def _layer(self, created: str) -> Layer:
        number = next(self._layer_numbers)
        encoded = hashlib.sha256(f"layer {number}".encode()).hexdigest()
        diff_id = "sha256:" + hashlib.sha256(f"tar {number}".encode()).hexdigest()
        tiny = self._rng.random() < 0.15
        size = 32 if tiny else min(1 << 31, 100 + int(self._rng.lognormvariate(14.6, 2.6)))
        self._storage.hole(encoded, size)
        created_by = f"/bin/sh -c #(nop) COPY dir:{encoded} in /srv/part-{number % 8}"
        return Layer(encoded, diff_id, size, created, created_by)


def generate(root: Path, size: Size, seed: int = 1) -> dict[str, int]:
    """Make the storage in `root`; returns how many rows the tables must have."""
    rng = random.Random(seed)
    storage = _Storage(root)
    builder = _Builder(storage, rng)
    twice = set(rng.sample(range(size.tags), size.tags // 50))
    layers = size.blobs - 2 * (size.tags + len(twice))
    bases = [builder.layers(min(12, 1 + int(rng.expovariate(0.4)))) for _ in range(max(4, layers // 400))]
    unlinked = layers // 100
    new = Counter(rng.choices(range(size.tags), k=layers - unlinked - sum(map(len, bases))))
    popularity = list(itertools.accumulate(1 / rank for rank in range(1, len(bases) + 1)))
    push = 0
    for row, tags in enumerate(_tags_by_repository(rng, size)):
        repository = f"team-{row % 137:03d}/app-{row:05d}" if row % 4 else f"app-{row:05d}"
        path = _make_repository(storage, repository)
        base = rng.choices(bases, cum_weights=popularity)[0]
        linked: set[str] = set()
        counts = [new[push + tag] for tag in range(tags)]
        for tag, stack in enumerate(_stacks(builder, rng, base, counts)):
            versions = 2 if push + tag in twice else 1
            pushed = [builder.push(repository, path, stack, linked) for _ in range(versions)]
            at = storage.directory(f"{path}/_manifests/tags/" + (f"v1.{tag}" if tag else "latest"))
            storage.link(f"{at}/current", pushed[-1])
            storage.directory(f"{at}/index")
            index = storage.directory(f"{at}/index/sha256")
            for encoded in pushed:
                storage.link(f"{index}/{encoded}", encoded)
        push += tags
    builder.layers(unlinked)
    return {
        "repositories": size.repositories,
        "tags": size.tags,
        "manifests": size.tags + len(twice),
        "blobs": size.blobs,
        "manifest_layers": builder.steps,
    }


def _tags_by_repository(rng: random.Random, size: Size) -> list[int]:
    """At least one each, the others by a heavy-tailed popularity."""
    weights = [rng.paretovariate(1.2) for _ in range(size.repositories)]
    more = Counter(rng.choices(range(size.repositories), weights, k=size.tags - size.repositories))
    return [1 + more[row] for row in range(size.repositories)]


def _stacks(builder: _Builder, rng: random.Random, base: list[Layer], new: list[int]) -> Iterator[list[Layer]]:
    """One stack a push: up to three layers of the last one fall away, `new` ones come on top."""
    stack = base
    for count in new:
        kept = max(len(base), len(stack) - rng.randrange(4))
        stack = stack[:kept] + builder.layers(count)
        if len(stack) > _TALLEST or (len(stack) > _TALLEST_USUAL and rng.random() < 0.9):
            stack = base + stack[-6:]
        yield stack


def _make_repository(storage: _Storage, repository: str) -> str:
    path = storage.repositories / repository
    for part in ("_layers/sha256", "_manifests/revisions/sha256", "_manifests/tags", "_uploads"):
        (path / part).mkdir(parents=True)
    return str(path)


def _descriptor(media_type: str, encoded: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "size": size, "digest": f"sha256:{encoded}"}


def _config(repository: str, number: int, stack: list[Layer]) -> dict[str, object]:
    steps: list[dict[str, object]] = [
        {"created": layer.created, "created_by": layer.created_by, "comment": "buildkit.dockerfile.v0"}
        for layer in stack
    ]
    command = '/bin/sh -c #(nop)  CMD ["/bin/sh"]'
    nothing = {"created": stack[0].created, "created_by": command, "empty_layer": True}
    return {
        "architecture": "amd64",
        "author": f"team {number % 97}",
        "config": {
            "Cmd": ["serve"],
            "Entrypoint": ["/entrypoint.sh"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", f"VERSION={number}"],
            "ExposedPorts": {"8080/tcp": {}},
            "Labels": {
                "org.opencontainers.image.title": repository,
                "org.opencontainers.image.revision": f"{number:040x}",
            },
            "WorkingDir": "/srv",
        },
        "created": stack[-1].created,
        "history": [steps[0], nothing, *steps[1:]],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in stack]},
    }
