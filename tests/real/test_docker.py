"""Archives of real tools and the store of a real engine, against what the engine and skopeo say of the same images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import NotKnowableError, UnreachableError
from regviz.knowledge import kinds
from tests.conftest import ROOT
from tests.real.distribution import distribution
from tests.real.engine import build, docker_engine, load, save
from tests.real.images import tar
from tests.real.packed import FORMS, pack
from tests.real.service import LOOPBACK, require_program
from tests.real.tables import mapping, rows
from tests.real.test_distribution_layers import chain_ids, stack
from tests.test_knowledge import EVERY, known

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from regviz.registry import Registry
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

pytestmark = pytest.mark.real

SAME = b"the same in every image\n" * 200
NONE = "<none>"


# --- skopeo


@pytest.mark.parametrize("place", [("a", "schema2"), ("a", "oci"), ("a/b/c", "schema2")])
def test_skopeo_docker_archive(
    place: tuple[str, str], distribution_server: DistributionServer, skopeo: Skopeo, content: Content, tmp_path: Path
) -> None:
    """The same image out of a registry's storage, and out of an archive: equal chain IDs, configuration and history."""
    assert content.kinds
    reference = distribution_server.reference(*place)
    archive = tmp_path / "image.tar"
    skopeo.copy(reference, f"docker-archive:{archive}:localhost:5000/{place[0]}:1")
    one, other = rv.read(archive), rv.read(distribution_server.root)
    assert rows(one.tags, "repository", "tag") == [(f"localhost:5000/{place[0]}", "1")]
    (manifest,) = one.images["manifest"]
    there = dict(rows(other.tags[other.tags["repository"] == place[0]], "tag", "manifest"))[place[1]]
    config = skopeo.config(reference)
    assert one.images["config"].tolist() == [mapping(other.manifests, "manifest", "config")[there]]
    assert stack(one, manifest, "layer") == stack(other, there, "layer")
    assert stack(one, manifest, "layer") == [(chain,) for chain in chain_ids(config["rootfs"]["diff_ids"])]
    assert stack(one, manifest, "blob") == [(diff_id,) for diff_id in config["rootfs"]["diff_ids"]]
    parents = dict(rows(other.layers, "layer", "parent"))
    assert dict(rows(one.layers, "layer", "parent")) == {layer: parents[layer] for layer in one.layers["layer"]}
    columns = ("step", "created_at", "created_by", "empty", "position")
    histories = [table[table["manifest"] == key] for table, key in ((one.history, manifest), (other.history, there))]
    assert rows(histories[0], *columns) == rows(histories[1], *columns)
    assert one.problems.empty


# --- an engine


@dataclass(frozen=True, slots=True)
class Family:
    """What was built in the engine, and where its files lie."""

    client: DockerClient
    data: Path
    names: tuple[str, ...]
    dangling: str
    pushed: str

    def image(self, name: str) -> Any:
        return self.client.images.get(name).attrs


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """A registry that only this module's engine pushes to."""
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("pushed")) as server:
        yield server


@pytest.fixture(scope="module")
def family(own_server: DistributionServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    """A base and images on it, one of them pushed, one without a name."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    folder = tmp_path_factory.mktemp("engine")
    with docker_engine(program, folder) as client:
        client.api.import_image_from_data(tar({"etc/issue": "tiny\n" * 500}), repository="base", tag="1")
        files = {"same": SAME, "app": b"app", "other": b"other"}
        head = "FROM base:1\nLABEL a=b\n"
        build(client, f"{head}COPY same /same\nENV X=1\nCOPY app /app\n", files, "team/web:1.0")
        build(client, f'{head}COPY other /other\nCOPY same /same\nCMD ["/app"]\n', files, "localhost:5055/api:0.1")
        client.images.get("team/web:1.0").tag("team/web", "latest")
        dangling = build(client, f"{head}COPY other /\n", files)
        pushed = f"{LOOPBACK}:{own_server.port}/engine/web"
        client.images.get("team/web:1.0").tag(pushed, "1")
        said = client.images.push(pushed, "1")
        assert "errorDetail" not in said, said
        names = ("team/web:1.0", "team/web:latest", "localhost:5055/api:0.1", "base:1")
        yield Family(client, folder / "data", names, dangling, pushed)


def hold_to_engine(registry: Registry, family: Family, names: tuple[str, ...]) -> None:
    """Images, tags and stacks are those that the engine tells of."""
    tags = {
        f"{repository}:{tag}": manifest
        for repository, tag, manifest in rows(registry.tags, "repository", "tag", "manifest")
    }
    for name in names:
        said = family.image(name)
        assert tags[name] == said["Id"]
        diff_ids = said["RootFS"]["Layers"]
        assert stack(registry, said["Id"], "layer") == [(chain,) for chain in chain_ids(diff_ids)]
        history = registry.history[registry.history["manifest"] == said["Id"]]
        told = family.client.images.get(name).history()[::-1]  # the engine tells the newest first
        assert rows(history, "created_by") == [(step["CreatedBy"] or None,) for step in told]
        labels = registry.labels[registry.labels["manifest"] == said["Id"]]
        assert dict(rows(labels, "key", "value")) == (said["Config"]["Labels"] or {})


def test_docker_save(family: Family, tmp_path: Path) -> None:
    """Several images in one archive: the layer that two of them have on different bases is a link in it."""
    archive = save(family.client, tmp_path / "save.tar", *family.names)
    listing = subprocess.run(["tar", "tvf", archive], check=True, capture_output=True, text=True).stdout
    assert any(line.startswith("l") and "layer.tar -> ../" in line for line in listing.splitlines())
    registry = rv.read(archive, verify=True)
    assert registry.problems.empty
    hold_to_engine(registry, family, family.names)
    assert len(registry.tags) == len(family.names)
    diff_ids = {layer for name in family.names for layer in family.image(name)["RootFS"]["Layers"]}
    layers = registry.blobs[registry.blobs["kind"] == "layer"]
    assert set(layers["blob"]) == diff_ids
    assert layers["present"].all()
    assert set(layers["compression"]) == {"none"}


@pytest.mark.parametrize("form", FORMS[:-1])  # `pack` writes no links into a zip
def test_every_form_of_an_archive(form: str, family: Family, tmp_path: Path) -> None:
    archive = save(family.client, tmp_path / "save.tar", *family.names)
    root = tmp_path / "unpacked"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "-xf", archive], check=True)
    registry = rv.read(pack(root, form, tmp_path))
    hold_to_engine(registry, family, family.names)
    assert registry.problems.empty


def test_docker_save_by_image_id(family: Family, tmp_path: Path) -> None:
    registry = rv.read(save(family.client, tmp_path / "save.tar", family.dangling))
    assert registry.tags.empty
    assert rows(registry.repository_manifests, "repository", "manifest", "is_root") == [(NONE, family.dangling, True)]


@pytest.mark.parametrize("form", ["folder", "tar.gz"])
def test_the_store(form: str, family: Family, tmp_path: Path) -> None:
    source = family.data
    if form != "folder":
        source = tmp_path / "store.tar.gz"
        subprocess.run(["tar", "-C", family.data, "-czf", source, "image"], check=True)
    registry = rv.read(source, verify=True)
    assert registry.source.layouts == ("docker-daemon",)
    assert registry.problems.empty
    hold_to_engine(registry, family, (*family.names, f"{family.pushed}:1"))
    everything = {image.id: image for image in family.client.images.list(all=True)}
    assert set(registry.images["manifest"]) == set(everything)
    assert set(rows(registry.tags, "repository", "tag")) == {
        tuple(tag.rsplit(":", 1)) for image in everything.values() for tag in image.tags
    }
    dangling = {image.id for image in family.client.images.list(filters={"dangling": True})}
    served = registry.repository_manifests
    assert {m for r, m in rows(served, "repository", "manifest") if r == NONE} == dangling == {family.dangling}
    content = mapping(registry.layers, "layer", "uncompressed_bytes")
    for image in everything:  # the engine's Size is the sum of its layers'
        assert sum(content[layer] for (layer,) in stack(registry, image, "layer")) == everything[image].attrs["Size"]


def test_a_store_and_an_archive_have_the_same_forest(family: Family, tmp_path: Path) -> None:
    everything = [image.id for image in family.client.images.list(all=True)]
    archive = rv.read(save(family.client, tmp_path / "save.tar", *everything))
    store = rv.read(family.data)
    columns = ("layer", "parent", "depth", "diff_id", "empty", "created_at", "created_by")
    assert rows(archive.layers, *columns) == rows(store.layers, *columns)
    columns = ("manifest", "config", "layer", "layer_count", "os", "architecture", "created_at")
    assert rows(archive.images, *columns) == rows(store.images, *columns)


def test_a_store_knows_the_digests_it_pushed(family: Family, own_server: DistributionServer) -> None:
    store, registry = rv.read(family.data), rv.read(own_server.root)
    image = family.image(f"{family.pushed}:1")["Id"]
    there = dict(rows(registry.tags[registry.tags["repository"] == "engine/web"], "tag", "manifest"))["1"]
    assert stack(store, image, "digest", "layer") == stack(registry, there, "blob", "layer")
    links = store.repository_blobs
    assert set(rows(links, "repository", "link")) == {
        (family.pushed, blob) for (blob,) in stack(registry, there, "blob")
    }
    served = store.repository_manifests
    assert (family.pushed, there, "unchecked") in rows(served, "repository", "manifest", "link_state")


# --- what regviz.world writes


@pytest.mark.parametrize("engine", ["20.10", "0.9"])
def test_an_engine_loads_the_world(engine: str, tmp_path: Path) -> None:
    """docker load takes both ages, and keeps what regviz reads: names, and for the newer one image IDs and layers."""
    from regviz.world import small_world, storage_tree  # only this test writes a world

    archive = tmp_path / "world.tar"
    archive.write_bytes(storage_tree(small_world(), "docker-save", server=engine).archive())
    written = rv.read(archive)
    folder = tmp_path / "e"
    folder.mkdir()
    with docker_engine(require_program("dockerd", "docker.io containerd runc iptables"), folder) as client:
        load(client, archive)
        images = client.images.list(all=True)
        store = rv.read(folder / "data")
    names = {name for image in images for name in image.tags}
    assert {f"{repository}:{tag}" for repository, tag in rows(written.tags, "repository", "tag")} == names
    tags = ("repository", "tag", "manifest")
    assert rows(store.tags, *tags[:2]) == rows(written.tags, *tags[:2])
    if engine == "20.10":
        assert rows(store.tags, *tags) == rows(written.tags, *tags)
        columns = ("layer", "parent", "diff_id", "created_by", "created_at")
        assert rows(store.layers, *columns) == rows(written.layers, *columns)


# --- the engine itself


def test_a_running_engine(family: Family) -> None:
    """What the API tells is what the store says: images, names, layers and their bytes; but whole seconds of steps."""
    live = rv.read(_source(family))
    store = rv.read(family.data)
    assert live.source.layouts == ("docker-engine",)
    assert (live.source.knows_all_blobs, live.source.knows_disk) == (False, False)
    for table, columns in (
        ("tags", ("repository", "tag", "manifest")),
        ("repository_manifests", ("repository", "manifest", "link_state", "linked_at", "is_root")),
        ("layers", ("layer", "parent", "depth", "diff_id", "empty", "uncompressed_bytes", "created_by")),
        ("manifest_layers", ("manifest", "position", "layer", "blob", "empty")),
        ("history", ("manifest", "step", "created_by", "empty", "position")),
        ("labels", ("manifest", "key", "value")),
        ("images", ("manifest", "config", "layer", "layer_count", "os", "architecture", "created_at", "author")),
    ):
        assert rows(live.table(table), *columns) == rows(store.table(table), *columns), table
    times = zip(live.history["created_at"], store.history["created_at"], strict=True)
    assert all(told == known.floor("s") for told, known in times)
    assert live.problems.empty
    assert dict(rows(rv.sizes(live), "repository", "layer_bytes")) == dict(
        rows(rv.sizes(store), "repository", "layer_bytes")
    )


def _source(family: Family) -> str:
    return f"docker-daemon:unix://{family.data.parent / 'docker.sock'}"


def test_an_engine_knows_what_is_declared(family: Family) -> None:
    """Its images say no more; and what it can never know is refused."""
    kind, registry = kinds()["docker-engine"], rv.read(_source(family))
    assert known(registry).isdisjoint(kind.unknown)
    missing = EVERY - known(registry) - kind.unknown
    assert missing <= {"manifests.variant", "manifests.os_version", "manifests.author"}  # these images have none
    for ask in (rv.tree, lambda source: rv.read(source, measure=True)):
        with pytest.raises(NotKnowableError, match="give its folder"):
            ask(_source(family))


def test_the_engine_of_the_environment(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", _source(family).removeprefix("docker-daemon:"))
    assert len(rv.read("docker-daemon:").tags) == len(family.names) + 1


def test_a_plan_counts_the_images_of_an_engine(family: Family) -> None:
    plan = rv.plan(_source(family))
    images = family.client.images.list(all=True)
    assert [(count.noun, count.number, count.exact) for count in plan.counts] == [("images", len(images), True)]


def test_no_engine_answers(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"no Docker Engine answers at unix://.*start it"):
        rv.read(f"docker-daemon:unix://{tmp_path / 'nothing.sock'}")


def test_the_commands_take_an_engine(family: Family) -> None:
    program = [sys.executable, "-c", "from regviz.cli import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *arguments], check=False, capture_output=True, text=True, env=environment)

    listed = run("table", _source(family), "tags", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) == len(family.names) + 1
    detected = run("detect", _source(family), "--format", "json")
    assert json.loads(detected.stdout)[0]["layout"] == "docker-engine"
    with pytest.raises(NotKnowableError, match="shows no storage"):
        rv.tree(_source(family))
