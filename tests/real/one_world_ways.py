"""Every way to read the one world, and what of it each source holds; what it cannot know is in one_world_unknown.toml."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from tests.real.distribution import OCI_MANIFEST
from tests.real.engine import save
from tests.real.object_storage import LOGIN, s3_server
from tests.real.one_world import EVERYTHING
from tests.real.packed import FORMS, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.one_world import Place, Served, World


@dataclass(frozen=True, slots=True)
class Reading:
    """A source as regviz reads it, and what it should hold."""

    registry: Registry
    tags: Mapping[Place, frozenset[str]]
    """The images that each tag leads to, by their IDs here."""
    unnamed: frozenset[str] = frozenset()
    """Images that no tag leads to."""
    written_anew: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Image IDs here of which the tool wrote the configuration, and those in the world that it wrote them from."""

    lengths: Mapping[str, int] = field(default_factory=dict)
    """Of what the tool wrote."""

    @property
    def images(self) -> frozenset[str]:
        return self.unnamed.union(*self.tags.values())

    def originals(self, image: str) -> frozenset[str]:
        """What an image ID here is in the world."""
        return self.written_anew.get(image, frozenset([image]))


@dataclass(frozen=True, slots=True)
class Way:
    """How to read the world: one source, or several that have an image each.

    Attributes
    ----------
    read : callable
        Makes the source of the world in a folder, and reads it.
    is_whole : bool
        One source that has the whole world as the registry has it: every table is compared.
    lacks : tuple of str
        Repositories whose images it has not.
    has_contents : bool
        Manifests and configurations can be read; else it tells names, lengths and links, and no image is known.
    says : tuple of str
        Rules of the rows of `problems` that tell what kind of source it is.
    """

    read: Callable[[World, Path], Iterator[Reading]]
    is_whole: bool = False
    lacks: tuple[str, ...] = ()
    has_contents: bool = True
    says: tuple[str, ...] = ()


def _named(world: World) -> dict[Place, frozenset[str]]:
    return {place: frozenset(served.image_id for served in images) for place, images in world.tags.items()}


def _whole(registry: Registry, world: World) -> Iterator[Reading]:
    yield Reading(registry, _named(world))


def _storage(world: World, folder: Path, form: str) -> Iterator[Reading]:
    source = pack(world.server.root, form, folder)
    yield from _whole(rv.read(source, **EVERYTHING), world)


def _live(world: World, folder: Path) -> Iterator[Reading]:  # noqa: ARG001  it needs no files
    yield from _whole(rv.read(f"http://{world.server.url}", cache=False), world)


def _capture(world: World, folder: Path) -> Iterator[Reading]:
    rv.read(world.server.root, **EVERYTHING).save(folder / "world.regviz")
    yield from _whole(rv.read(folder / "world.regviz"), world)


def _s3(world: World, folder: Path) -> Iterator[Reading]:
    """The storage's files as objects of an S3 server, as a copy makes them."""
    with s3_server(folder) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in LOGIN.items():
            patch.setenv(name, value)
        patch.delenv("AWS_CA_BUNDLE", raising=False)
        server.upload(world.server.root, "one-world", "prefix/")
        options = {**EVERYTHING, "times": False, "storage_options": server.options}
        registry = rv.read("s3://one-world/prefix", **options)
    yield from _whole(registry, world)


def _container(world: World, folder: Path) -> Iterator[Reading]:  # noqa: ARG001  it needs no files
    """A volume of a container that was never started, which has a copy of the storage in it."""
    volume = world.engine.volumes.create("one-world")
    shutil.copytree(world.server.root, volume.attrs["Mountpoint"], dirs_exist_ok=True)
    place = {volume.name: {"bind": "/var/lib/registry", "mode": "rw"}}
    image = f"{world.server.url}/team/web:1.0"
    made = world.engine.containers.create(
        image, ["/never-started"], name="one-world", volumes=place, network_mode="none"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{world.engine_folder / 'docker.sock'}")
        registry = rv.read("docker-container://one-world:/var/lib/registry", **EVERYTHING)
    made.remove(v=True)
    volume.remove()
    yield from _whole(registry, world)


def _listing(world: World, folder: Path) -> Iterator[Reading]:
    """What find prints of the storage: names, lengths and times."""
    told = folder / "storage.list"
    with told.open("wb") as file:
        command = ["find", str(world.server.root), "-printf", r"%y %s %T@ %p\0"]
        subprocess.run(command, check=True, stdout=file)
    yield Reading(rv.read(told, times=True, measure=True), {place: frozenset() for place in world.tags})


# --- one format, one image, one platform


def _oci_layout(world: World, folder: Path) -> Iterator[Reading]:
    """Every tag but that of the nested index, which skopeo 1.9 refuses. What is of Docker's format it converts."""
    layout = folder / "layout"
    tags: dict[Place, frozenset[str]] = {}
    originals: dict[str, set[str]] = {}
    for (repository, tag), images in world.tags.items():
        if repository == "nested":
            continue
        world.skopeo.copy(world.place(repository, tag), f"oci:{layout}:{repository}:{tag}", "--all")
        here = list(_configs(layout, f"{repository}:{tag}"))
        for served, image in zip(images, here, strict=True):
            assert (served.media_type == OCI_MANIFEST) == (served.image_id == image), "what is OCI stays as it is"
            originals.setdefault(image, set()).add(served.image_id)
        tags[repository, tag] = frozenset(here)
    anew = {image: frozenset(those) for image, those in originals.items()}
    lengths = {f"sha256:{path.name}": path.stat().st_size for path in (layout / "blobs/sha256").iterdir()}
    yield Reading(rv.read(layout, times=True, verify=True), tags, written_anew=anew, lengths=lengths)


def _configs(layout: Path, name: str) -> Iterator[str]:
    """Digests of the configurations that a name of a layout leads to, by its own files; an attestation is no image."""

    def walk(descriptor: Any) -> Iterator[str]:
        document = json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())
        for entry in document.get("manifests", ()):
            if entry["platform"]["os"] != "unknown":
                yield from walk(entry)
        if "config" in document:
            yield document["config"]["digest"]

    for entry in json.loads((layout / "index.json").read_bytes())["manifests"]:
        if entry["annotations"]["org.opencontainers.image.ref.name"] == name:
            yield from walk(entry)


def _skopeo_dir(world: World, folder: Path) -> Iterator[Reading]:
    """A directory a tag, without its name; of the nested index the inner one, as skopeo 1.9 refuses the outer."""
    for number, ((repository, tag), images) in enumerate(world.tags.items()):
        name = tag
        if repository == "nested":
            [inner] = world.server.manifest(repository, tag).document["manifests"]
            name = inner["digest"]
        world.skopeo.copy(world.place(repository, name), f"dir:{folder / str(number)}", "--all")
        registry = rv.read(folder / str(number), times=True, verify=True)
        yield Reading(registry, {}, frozenset(served.image_id for served in images))


def _docker_archive(world: World, folder: Path) -> Iterator[Reading]:
    """An archive an image: a single platform, and no zstd, which skopeo 1.9 does not convert."""
    for number, served in enumerate(served for served in world.images if not served.is_zstd):
        archive = folder / f"{number}.tar"
        reference = world.place(served.repository, served.digest)
        world.skopeo.copy(reference, f"docker-archive:{archive}:world.example/{served.repository}:{number}")
        tags = {(f"world.example/{served.repository}", str(number)): frozenset([served.image_id])}
        yield Reading(rv.read(archive, times=True, verify=True), tags)


def _docker_save(world: World, folder: Path) -> Iterator[Reading]:
    tags, unnamed = _pulled(world)
    archive = save(world.engine, folder / "save.tar", *(f"{name}:{tag}" for name, tag in tags), *unnamed)
    yield Reading(rv.read(archive, times=True, verify=True), tags, unnamed)


def _docker_engine(world: World, folder: Path) -> Iterator[Reading]:  # noqa: ARG001  it needs no files
    yield Reading(rv.read(f"docker-daemon:unix://{world.engine_folder / 'docker.sock'}"), *_pulled(world))


def _docker_store(world: World, folder: Path) -> Iterator[Reading]:  # noqa: ARG001  it needs no files
    yield Reading(rv.read(world.engine_folder / "data", times=True, verify=True), *_pulled(world))


def _pulled(world: World) -> tuple[dict[Place, frozenset[str]], frozenset[str]]:
    """What the engine has: under a tag one platform, its own; the others, which were pulled by digest, without a tag."""
    host = world.server.url
    tags = {
        (f"{host}/{repository}", tag): frozenset(served.image_id for served in images if _is_own(served))
        for (repository, tag), images in world.tags.items()
        if repository not in ("zstd", "nested")
    }
    pulled = {served.image_id for served in world.images if not served.is_zstd}
    return tags, frozenset(pulled.difference(*tags.values()))


def _is_own(served: Served) -> bool:
    return bool(served.config["architecture"] == "amd64")


WAYS: dict[str, Way] = {
    **{form: Way(partial(_storage, form=form), is_whole=True) for form in FORMS},
    "live": Way(_live, is_whole=True),
    "capture": Way(_capture, is_whole=True),
    "s3": Way(_s3, is_whole=True, says=("times-not-trusted",)),
    "container": Way(_container, is_whole=True),
    "listing": Way(_listing, is_whole=True, has_contents=False, says=("listing-only",)),
    "oci-layout": Way(_oci_layout, lacks=("nested",)),
    "skopeo-dir": Way(_skopeo_dir),
    "docker-archive": Way(_docker_archive, lacks=("zstd",)),
    "docker-save": Way(_docker_save, lacks=("zstd",)),
    "docker-engine": Way(_docker_engine, lacks=("zstd",)),
    "docker-store": Way(_docker_store, lacks=("zstd",)),
}
