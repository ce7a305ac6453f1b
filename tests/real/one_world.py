"""One family of images, made by skopeo, buildah and a Docker Engine, in one real Distribution.

Everything stands on one base. There are two formats of manifests, gzip and zstd, an index of platforms and a manifest
list, an index in an index, an attestation as BuildKit writes it, an image with one layer twice, a name that is nested.
"""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

import regviz as rv
from tests.real.distribution import OCI_INDEX, distribution
from tests.real.engine import build, docker_engine
from tests.real.handmade import Maker, attest
from tests.real.images import OCI_CONFIG, OCI_LAYER, Image, OciLayout, Step
from tests.real.service import LOOPBACK, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from regviz.registry import Registry
    from tests.real.distribution import DistributionServer
    from tests.real.images import Descriptor
    from tests.real.tools import Buildah, Skopeo

BASE = Step("ADD rootfs.tar in /", "2014-05-01T10:00:00Z", {"etc/issue": "tiny\n", "bin/sh": "#!\n" * 1500})
PATCH = Step("RUN apt-get upgrade", "2014-06-01T10:00:00.5Z", {"bin/sh": "#!!\n" * 1200})
TOOLS = Step("RUN apt-get install strace", "2014-05-04T09:00:00Z", {"usr/bin/strace": "trace " * 3000})
NODEJS = Step("RUN apt-get install nodejs", "2014-05-02T11:30:00.25Z", {"usr/bin/node": "node " * 4000})
ENV = Step("ENV PORT=80", "2014-05-02T11:31:00Z")
SERVER = Step("COPY server.js /srv", "2014-05-03T12:00:00+02:00", {"srv/server.js": "listen(80)\n"})
FIXED = Step("COPY server.js /srv", "2014-05-20T12:00:00Z", {"srv/server.js": "listen(process.env.PORT)\n"})
CMD = Step('CMD ["node"]', "2014-05-21T12:01:00Z")

WEB = Image((BASE, NODEJS, ENV, SERVER, CMD), labels={"maintainer": "someone", "org.example.empty": ""})
NEWER = replace(WEB, steps=(BASE, NODEJS, ENV, FIXED, CMD), labels={"maintainer": "someone else"})
TWICE = Image((BASE, SERVER, SERVER), labels={"layers": "one of them twice"})
PLATFORMS = (
    Image((BASE, NODEJS, FIXED)),
    Image((BASE, NODEJS, FIXED), "arm64", "v8"),
    Image((BASE, FIXED), "arm", "v7"),
)
NESTED = Image((BASE, TOOLS), "s390x")
ATTESTED = Image((BASE, TOOLS, SERVER))

EVERYTHING: dict[str, Any] = {"times": True, "links": "check", "measure": True, "verify": True}
"""How a storage is read here: all that can be known."""
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """An image as the server's API answers it."""

    image_id: str
    repository: str
    digest: str
    media_type: str
    config: Any

    @property
    def is_zstd(self) -> bool:
        return self.repository == "zstd"


@dataclass(slots=True)
class World:
    """Where it is, what reads and copies it, and what its server says of it."""

    server: DistributionServer
    skopeo: Skopeo
    folder: Path
    """For whatever is made of the world."""
    engine: DockerClient = field(init=False)
    """An engine that pulled all it can."""
    tags: dict[Place, tuple[Served, ...]] = field(default_factory=dict)
    """Images that each tag leads to."""
    reference: Registry = field(init=False)
    """The storage folder as regviz reads it, with everything looked into."""

    @property
    def engine_folder(self) -> Path:
        return self.folder / "engine"

    @property
    def images(self) -> list[Served]:
        """Every image manifest once."""
        return list({served.digest: served for images in self.tags.values() for served in images}.values())

    def place(self, repository: str, name: str) -> str:
        return self.server.reference(repository, name)

    def served(self, repository: str, name: str) -> Iterator[Served]:
        """The images that a tag or a digest leads to, by the server's API; an attestation is none."""
        manifest = self.server.manifest(repository, name)
        document = manifest.document
        for entry in document.get("manifests", ()):
            if entry.get("annotations", {}).get("vnd.docker.reference.type") != "attestation-manifest":
                yield from self.served(repository, entry["digest"])
        if "config" in document:
            image_id = document["config"]["digest"]
            config = self.server.request("GET", f"{repository}/blobs/{image_id}").json()
            yield Served(image_id, repository, manifest.digest, manifest.media_type, config)


@contextmanager
def one_world(skopeo: Skopeo, buildah: Buildah, folder: Path) -> Iterator[World]:
    """Build the world, and keep its server and an engine that has pulled from it running."""
    registry = require_program("docker-registry", "docker-registry")
    dockerd = require_program("dockerd", "docker.io containerd runc iptables")
    for name in ("registry", "builder", "engine"):
        (folder / name).mkdir()
    with distribution(registry, folder / "registry") as server:
        world = World(server, skopeo, folder)
        _push_layouts(world)
        _push_indexes(world)
        _push_buildahs(world, buildah)
        with docker_engine(dockerd, folder / "builder") as builder:
            _push_engines(world, builder)
        world.tags = {
            (repository, tag): tuple(world.served(repository, tag))
            for repository in server.catalog()
            for tag in server.tags(repository)
        }
        world.reference = rv.read(server.root, **EVERYTHING)
        with docker_engine(dockerd, world.engine_folder) as world.engine:
            _pull(world)
            yield world


def _pull(world: World) -> None:
    """Pull every image by its digest, and by its tags; an engine of 20.10 unpacks no zstd, and finds nothing two deep."""
    for tagged in ("zstd:latest", "nested:outer"):
        with pytest.raises(docker.errors.APIError):
            world.engine.images.pull(f"{world.server.url}/{tagged}")
    for served in world.images:
        if not served.is_zstd:
            world.engine.images.pull(f"{world.server.url}/{served.repository}@{served.digest}")
    for repository, tag in world.tags:
        if repository not in ("zstd", "nested"):
            world.engine.images.pull(f"{world.server.url}/{repository}", tag)


def _push_layouts(world: World) -> None:
    """What skopeo pushes: of each image the format that is said, the rest as it is."""
    layout = OciLayout(world.folder / "layout")
    base = layout.add("base", Image((BASE,)))
    patched = layout.add("patched", Image((BASE, PATCH)))
    debug = layout.add("debug", Image((BASE, TOOLS)))
    web, newer, twice = layout.add("web", WEB), layout.add("newer", NEWER), layout.add("twice", TWICE)
    platforms = layout.add("platforms", *PLATFORMS)
    for source, repository, tag, *options in (
        (base, "base", "1"),
        (patched, "base", "2"),
        (debug, "base/debug", "1", "--format=v2s2"),
        (web, "team/web", "1.0", "--format=v2s2"),
        (web, "team/web", "1.0-oci"),
        (newer, "team/web", "1.1"),
        (newer, "team/web", "latest"),
        (twice, "team/twice", "latest"),
        (platforms, "platforms", "index", "--all"),
        (platforms, "platforms", "list", "--all", "--format=v2s2"),
    ):
        world.skopeo.copy(source, world.place(repository, tag), *options)
    recompressed = f"oci:{world.folder / 'zstd'}:web"
    world.skopeo.copy(web, recompressed, "--format=oci", "--dest-compress-format=zstd")
    world.skopeo.copy(recompressed, world.place("zstd", "latest"))


def _push_indexes(world: World) -> None:
    """What skopeo 1.9 and buildah 1.28 do not write: an index in an index, and an attestation."""
    maker = Maker(world.server)
    image = _push_image(maker, "nested", NESTED)
    inner = maker.manifest("nested", "", {"manifests": [{**image, "platform": NESTED.platform}]}, OCI_INDEX)
    maker.manifest("nested", "outer", {"manifests": [inner]}, OCI_INDEX)
    attest(maker, "attested", "latest", _push_image(maker, "attested", ATTESTED))


def _push_image(maker: Maker, repository: str, image: Image) -> Descriptor:
    config = maker.blob(repository, OCI_CONFIG, json.dumps(image.config()).encode())
    layers = [maker.blob(repository, OCI_LAYER, gzip.compress(layer, mtime=0)) for layer in image.layers()]
    return maker.manifest(repository, "", {"config": config, "layers": layers})


def _push_buildahs(world: World, buildah: Buildah) -> None:
    """An image that buildah puts on the base, in both formats."""
    source = world.folder / "api.py"
    source.write_text("print('an interface')\n" * 40)
    policy = f"--signature-policy={buildah.policy}"
    container = buildah("from", policy, "--tls-verify=false", world.place("base", "1"))
    buildah("copy", "--add-history", container, str(source), "/srv/api.py")
    buildah("config", "--author=a person", "--label=stage=test", "--env=PORT=81", container)
    for format_ in ("docker", "oci"):
        buildah.commit(container, f"api-{format_}", format_)
        buildah.push(f"api-{format_}", world.place("team/api", format_))


def _push_engines(world: World, engine: DockerClient) -> None:
    """Images that the engine builds on the base and on each other, with the classic builder, and pushes."""
    host = f"{LOOPBACK}:{world.server.port}"
    files = {"worker": b"while true; do :; done\n" * 60, "settings": b"hands=2\n"}
    one, two = f"{host}/team/worker:1", f"{host}/team/worker:2"
    build(engine, f"FROM {host}/base:1\nLABEL kind=worker\nCOPY worker /\nENV A=1\n", files, one)
    build(engine, f'FROM {one}\nMAINTAINER a team\nCOPY settings /etc/\nCMD ["/worker"]\n', files, two)
    for tag in ("1", "2"):
        said = engine.images.push(f"{host}/team/worker", tag)
        assert "errorDetail" not in said, said
