"""A made-up registry in Docker Registry v1's storage: long chains of images, layers that are holes.

Most images stand on the one made before, some on one made a little earlier, one in a hundred on nothing; no
chain is longer than the 127 layers that aufs could mount. Each image from which nothing descends has a tag.
"""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 127
_TAGS_A_REPOSITORY = 5


def generate(root: Path, images: int, seed: int = 2) -> dict[str, int]:
    """Make the storage in `root`; returns how many rows the tables must have."""
    rng = random.Random(seed)
    ids = [hashlib.sha256(f"v1 image {number}".encode()).hexdigest() for number in range(images)]
    parents: list[int | None] = []
    lengths: list[int] = []
    for number in range(images):
        parent = _parent(rng, number)
        if parent is not None and lengths[parent] >= _LONGEST:
            parent = None
        parents.append(parent)
        lengths.append(1 if parent is None else lengths[parent] + 1)
        _write_image(root / "images" / ids[number], number, _chain(ids, parents, number), rng.randrange(1 << 24))
    ends = sorted(set(range(images)) - {parent for parent in parents if parent is not None})
    repositories = set()
    for row, end in enumerate(ends):
        owner = row // _TAGS_A_REPOSITORY
        repository = root / "repositories" / (f"team-{owner % 50}" if owner % 3 else "library") / f"app-{owner}"
        repository.mkdir(parents=True, exist_ok=True)
        repositories.add(repository)
        (repository / f"tag_v{row % _TAGS_A_REPOSITORY}").write_text(ids[end], encoding="ascii")
    return {"repositories": len(repositories), "tags": len(ends), "manifests": images, "blobs": images}


def _parent(rng: random.Random, number: int) -> int | None:
    if not number or rng.random() < 0.01:
        return None
    return number - 1 if rng.random() < 0.85 else rng.randrange(max(0, number - 5000), number)


def _chain(ids: list[str], parents: list[int | None], number: int) -> list[str]:
    """The image and what it stands on, the base last."""
    chain = []
    at: int | None = number
    while at is not None:
        chain.append(ids[at])
        at = parents[at]
    return chain


def _write_image(directory: Path, number: int, chain: list[str], size: int) -> None:
    directory.mkdir(parents=True)
    own = chain[0]
    document = {
        "id": own,
        **({"parent": chain[1]} if len(chain) > 1 else {}),
        "created": f"2014-06-01T12:00:00.{number:09d}Z",
        "container": own[::-1],
        "container_config": {
            "Hostname": own[:12],
            "Env": ["HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/sh", "-c", f"apt-get install -y package-{number}"],
            "Image": chain[1] if len(chain) > 1 else "",
        },
        "docker_version": "0.11.1",
        "architecture": "amd64",
        "os": "linux",
        "Size": size,
    }
    (directory / "json").write_text(json.dumps(document, separators=(",", ":")), encoding="ascii")
    (directory / "ancestry").write_text(json.dumps(chain), encoding="ascii")
    (directory / "_checksum").write_text(json.dumps([f"tarsum+sha256:{own}", f"sha256:{own}"]), encoding="ascii")
    with (directory / "layer").open("wb") as layer:
        layer.truncate(size)
