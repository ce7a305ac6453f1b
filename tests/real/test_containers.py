"""Registries in containers and volumes of a real engine: in place and as the engine's archive, against their folders."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.errors import DamagedArchiveError, NotRecognisedError, RegvizError, SourceNotFoundError
from regviz.live import container_files
from regviz.live.containers import Opened, open_source
from regviz.live.helper import LABEL
from regviz.storage.kept import KeptTar
from regviz.world import small_world, storage_tree, write
from tests.conftest import ROOT
from tests.helpers import assert_same_tables, level_times
from tests.real.containers import CONFIG, IMAGE, Engine, config, far_away, registry_image
from tests.real.engine import docker_engine
from tests.real.images import Image, OciLayout, Step
from tests.real.service import LOOPBACK, require_program
from tests.real.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.content import Content
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

pytestmark = pytest.mark.real

SECRET = "no-one-may-see-this"  # noqa: S105  # a container's, made up here
ROOT_VARIABLE = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with one image: a registry that stores where its configuration file says."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    registry = require_program("docker-registry", "docker-registry")
    folder = tmp_path_factory.mktemp("engine")
    with docker_engine(program, folder) as client:
        image = registry_image(registry, {CONFIG: config("/data/images")})
        repository, tag = IMAGE.split(":")
        client.api.import_image_from_data(image, repository=repository, tag=tag)
        path = str(folder / "docker.sock")
        with far_away(path) as far:
            yield Engine(client, f"unix://{path}", far.address)
        for container in client.containers.list(all=True):
            container.remove(force=True, v=True)


@pytest.fixture(params=["near", "far"])
def how(request: pytest.FixtureRequest, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine by its socket, where folders of this machine are read in place, and as one of another machine."""
    monkeypatch.setenv("DOCKER_HOST", engine.socket if request.param == "near" else engine.far)
    return str(request.param)


@pytest.fixture
def far(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.far)


@pytest.fixture
def near(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.socket)


@pytest.fixture(scope="module")
def rich(distribution_server: DistributionServer, content: Content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that the tests push to a registry, with times that an archive can hold."""
    assert content.kinds
    copy = tmp_path_factory.mktemp("rich") / "registry"
    shutil.copytree(distribution_server.root, copy, symlinks=True)
    level_times(copy)
    return copy


@pytest.fixture(scope="module")
def bound(engine: Engine, rich: Path) -> str:
    """A container with that folder of the host where registries store, never started."""
    engine.create("bound", binds={str(rich): "/var/lib/registry"})
    return "docker-container://bound"


@pytest.fixture(scope="module")
def data(engine: Engine) -> Path:
    """The article's DATA: a container that only has a volume at /tmp/registry, with a v1 storage in it."""
    volume = engine.volume("article")
    engine.create("DATA", binds={"article": "/tmp/registry"})  # noqa: S108
    write(small_world(), volume, "v1")
    level_times(volume)
    return volume


def hold_to_folder(source: str, folder: Path, how: str) -> rv.Registry:
    read = rv.read(source, times=True, measure=True, verify=True)
    assert_same_tables(read, rv.read(folder, times=True, measure=True, verify=True))
    assert ("read in place" in read.source.why) == (how == "near")
    assert read.source.knows_disk == (how == "near")
    return read


# --- what is read is what lies there


@pytest.mark.parametrize("path", ["", ":/var/lib/registry", ":/var/lib", ":/var/lib/registry/docker/registry/v2"])
def test_a_container_has_what_its_folder_has(bound: str, path: str, rich: Path, how: str) -> None:
    """Everything that is ever pushed in these tests; links looked into as far as can be."""
    folder = rich / "docker/registry/v2" if path.endswith("v2") else rich
    if path == ":/var/lib":  # it lies in the container's own layer, and a mount lies below it
        read = rv.read(bound + path, times=True)
        assert read.source.root == "registry/docker/registry/v2"
        assert rows(read.tags, "repository", "tag", "manifest") == rows(
            rv.read(rich).tags, "repository", "tag", "manifest"
        )
        return
    read = hold_to_folder(bound + path, folder, how)
    assert read.source.uri == bound + (path or ":/var/lib/registry")
    for links in ("check", "open"):
        assert_same_tables(rv.read(bound, times=True, links=links), rv.read(rich, times=True, links=links))


def test_the_article(data: Path, how: str) -> None:
    """-volumes-from DATA … find /tmp/registry, as one call."""
    read = hold_to_folder("docker-container://DATA", data, how)
    assert read.source.layouts == ("v1",)
    assert "stores at /tmp/registry" in read.source.why
    shown, there = rv.tree("docker-container://DATA", full=True).rows, rv.tree(data, full=True).rows
    assert shown[0].path == "docker-container://DATA"
    assert [row._replace(path=row.path.removeprefix(shown[0].path)) for row in shown] == [
        row._replace(path=row.path.removeprefix(str(data))) for row in there
    ]


def test_a_registry_that_runs(engine: Engine, skopeo: Skopeo, tmp_path: Path, how: str) -> None:
    """skopeo pushes to it; where it stores is found from its configuration file."""
    name = f"running-{how}"
    volume = engine.volume(name)
    container = engine.create(
        name, binds={name: "/data"}, command=["/usr/bin/docker-registry", "serve", CONFIG], environment=[f"X={SECRET}"]
    )
    engine.client.api.start(container)
    layout = OciLayout(tmp_path / "oci")
    reference = layout.add("1", Image((Step("first", "2014-05-13T00:00:00Z", {"a": "a" * 9000}),)))
    skopeo.copy(reference, f"docker://{LOOPBACK}:{engine.port(container)}/team/web:1")
    level_times(volume)
    read = hold_to_folder(f"docker-container://{name}", volume / "images", how)
    assert rows(read.tags, "repository", "tag") == [("team/web", "1")]
    assert f"stores at /data/images (its configuration file {CONFIG} says so)" in read.source.why
    engine.client.api.kill(container)
    hold_to_folder(f"docker-container://{name}", volume / "images", how)


def test_a_path_out_of_the_environment(engine: Engine, rich: Path, how: str) -> None:
    variables = [
        f"{ROOT_VARIABLE}=/srv/own",
        f"REGISTRY_HTTP_SECRET={SECRET}",
        f"REGISTRY_STORAGE_S3_SECRETKEY={SECRET}",
    ]
    name = f"environment-{how}"
    engine.create(name, binds={str(rich): "/srv/own"}, environment=variables)
    read = hold_to_folder(f"docker-container://{name}", rich, how)
    assert f"stores at /srv/own (the variable {ROOT_VARIABLE} says so)" in read.source.why
    assert SECRET not in repr(read.source)


@pytest.mark.usefixtures("near")
def test_a_storage_in_the_containers_own_layer(engine: Engine) -> None:
    """No volume: only the engine can show it."""
    tree = storage_tree(small_world(), "distribution")
    container = engine.create("layered")
    assert engine.client.api.put_archive(container, "/", _below("var/lib/registry", tree.archive()))
    read = rv.read("docker-container://layered")
    assert "read from the archive that the engine sends" in read.source.why
    assert_same_tables(read, rv.read(), "repositories")


def _below(folder: str, archive: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=buffer, mode="w") as new:
        for member in old:
            content = old.extractfile(member) if member.isreg() else None
            member.name = f"{folder}/{member.name}"
            new.addfile(member, content)
    return buffer.getvalue()


# --- volumes


def test_a_volume_that_a_container_has(data: Path, how: str) -> None:
    read = hold_to_folder("docker-volume://article", data, how)
    assert "container DATA has it at /tmp/registry" in read.source.why


@pytest.mark.parametrize("image", [None, IMAGE])
@pytest.mark.usefixtures("far")
def test_a_volume_that_nobody_uses(engine: Engine, image: str | None) -> None:
    name = f"lonely-{image is None}"
    volume = engine.volume(name)
    write(small_world(), volume / "storage", "distribution")
    level_times(volume)
    with pytest.raises(RegvizError, match=r"no container shows volume lonely.*helper=True \(--helper\)"):
        rv.read(f"docker-volume://{name}")
    before = {path: path.stat().st_mtime_ns for path in volume.rglob("*")}
    read = rv.read(f"docker-volume://{name}", times=True, helper=True, helper_image=image)
    assert_same_tables(read, rv.read(volume, times=True))
    inner = rv.read(f"docker-volume://{name}:/storage", times=True, helper=True, helper_image=image)
    assert_same_tables(inner, rv.read(volume / "storage", times=True))
    assert engine.client.containers.list(all=True, filters={"label": LABEL}) == []
    assert {path: path.stat().st_mtime_ns for path in volume.rglob("*")} == before


@pytest.mark.usefixtures("near")
def test_a_volume_that_nobody_uses_is_read_in_place(engine: Engine) -> None:
    volume = engine.volume("quiet")
    write(small_world(), volume / "storage", "distribution")
    read = rv.read("docker-volume://quiet:storage")
    assert_same_tables(read, rv.read(volume / "storage"))
    assert f"read in place at {volume}" in read.source.why


@pytest.mark.usefixtures("far")
def test_a_helper_is_removed_whatever_happens(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = engine.volume("interrupted")
    write(small_world(), volume, "distribution")

    def interrupt(_: KeptTar) -> None:
        assert len(engine.client.containers.list(all=True, filters={"label": LABEL})) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(KeptTar, "read_on", interrupt)
    with pytest.raises(KeyboardInterrupt):
        rv.read("docker-volume://interrupted", helper=True)
    assert engine.client.containers.list(all=True, filters={"label": LABEL}) == []
    assert (volume / "docker").is_dir()


@pytest.mark.usefixtures("far")
def test_an_anonymous_volume(engine: Engine) -> None:
    """It has a name too, which the engine made up."""
    container = engine.create("anonymous", volumes=["/var/lib/registry"])
    [mount] = engine.client.api.inspect_container(container)["Mounts"]
    write(small_world(), mount["Source"], "distribution")
    assert (
        len(rv.read(f"docker-volume://{mount['Name']}").tags) == len(rv.read("docker-container://anonymous").tags) > 0
    )


@pytest.mark.usefixtures("far")
def test_a_volume_below_which_another_is_mounted(engine: Engine) -> None:
    """What the container shows at the volume's place is not what the volume holds."""
    outer = engine.volume("outer")
    write(small_world(), outer, "distribution")
    engine.volume("inner")
    engine.create("both", binds={"outer": "/var/lib/registry", "inner": "/var/lib/registry/docker"})
    with pytest.raises(RegvizError, match="or another mount hides a part of it"):
        rv.read("docker-volume://outer")
    assert len(rv.read("docker-volume://outer", helper=True).tags) > 0


# --- what is refused


@pytest.mark.usefixtures("data", "far")
def test_more_than_a_person_agreed_to(engine: Engine, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = engine.volume("large")
    engine.create("large", binds={"large": "/var/lib/registry"})
    write(small_world(), volume, "distribution")
    with (volume / "docker/registry/v2/blobs/sha256/large").open("wb") as file:
        file.truncate(2_100_000_000)
    for source in ("docker-container://large", "docker-volume://large"):
        with pytest.raises(
            RegvizError,
            match=r"large.* holds 1\.9\d GiB, .* yes=True \(--yes\), or read it on the machine of its engine",
        ):
            rv.read(source)
    assert len(rv.read("docker-volume://large", yes=True).tags) > 0
    monkeypatch.setattr(container_files, "MOST_BYTES", 100_000)  # of a folder of the host the engine says no size
    with pytest.raises(RegvizError, match=r"bound:/var/lib/registry holds more than 97\.7 KiB.*--yes"):
        rv.read(bound)


@pytest.mark.usefixtures("near")
def test_who_could_read_it_in_place(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may not look into the engine's folders is told who may."""
    volume = engine.volume("closed")
    with (volume / "large").open("wb") as file:
        file.truncate(2_100_000_000)
    engine.create("closed", binds={"closed": "/var/lib/registry"})
    monkeypatch.setattr(container_files.os, "access", lambda *_: False)
    with pytest.raises(RegvizError, match=rf"--yes\), or read it in place as one who may read {volume}, .* sudo"):
        rv.read("docker-volume://closed")


def test_storage_that_is_no_folder(engine: Engine, how: str) -> None:
    name = f"s3-{how}"
    variables = ["REGISTRY_STORAGE=s3", f"REGISTRY_STORAGE_S3_SECRETKEY={SECRET}"]
    engine.create(name, environment=variables, ports={5000: 5055})
    served = "http://localhost:5055" if how == "near" else r"https://HOST\[:PORT\]"
    with pytest.raises(
        NotRecognisedError, match=rf"by s3 \(the variable REGISTRY_STORAGE says so\): read what it serves, {served}"
    ) as error:
        rv.read(f"docker-container://{name}")
    assert SECRET not in str(error.value)


@pytest.mark.usefixtures("far")
def test_nothing_is_found(engine: Engine) -> None:
    engine.volume("certificates")
    engine.create("none", binds={"certificates": "/certs"}, environment=[f"PASSWORD={SECRET}"])
    with pytest.raises(NotRecognisedError) as error:
        rv.read("docker-container://none")
    for said in (
        "its environment has no REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY and no STORAGE_PATH",
        f"/data/images, which its configuration file {CONFIG} names, is no folder in it",
        "what is mounted at /certs holds no registry",
        "/var/lib/registry is not there",
        "/tmp/registry is not there",  # noqa: S108
        "docker-container://none:/PATH",
    ):
        assert said in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("docker-container://DATA:/etc/docker/registry/config.yml/x", "there is no /etc"),
        ("docker-container://absent", "the engine has no container absent; it has "),
        ("docker-volume://absent", "the engine has no volume absent; it has "),
        ("docker-container://DATA:/absent", "there is no /absent in container DATA"),
        ("docker-container://DATA:/etc/docker/registry/config.yml", "is no folder"),
        ("docker-volume://article:/absent", "there is no /absent in volume article"),
    ],
)
@pytest.mark.usefixtures("data", "how")
def test_what_is_not_there(source: str, match: str) -> None:
    with pytest.raises(SourceNotFoundError, match=match):
        rv.read(source)


@pytest.mark.usefixtures("far")
def test_no_image_for_a_helper(engine: Engine) -> None:
    engine.volume("without")
    with pytest.raises(RegvizError, match="the engine has no image absent:1, and regviz pulls none"):
        rv.read("docker-volume://without", helper=True, helper_image="absent:1")


@pytest.mark.parametrize("partial", [False, True])
def test_an_answer_that_breaks_off(engine: Engine, partial: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """The connection ends within a layer; what came is half a registry, and is only taken where that was asked for."""
    name = f"broken-{partial}"
    volume = engine.volume(name)
    engine.create(name, binds={name: "/var/lib/registry"})
    write(small_world(), volume, "distribution")
    with (volume / "docker/registry/v2/blobs/sha256/zz").open("wb") as file:  # behind all other blobs
        file.truncate(500_000_000)
    with far_away(engine.socket.removeprefix("unix://")) as wire:
        monkeypatch.setenv("DOCKER_HOST", wire.address)
        opened = open_source(f"docker-volume://{name}", partial=partial)
        assert isinstance(opened.storage, KeptTar)
        for _ in zip(range(100), opened.storage.entries(), strict=False):
            wire.cut()
            break
        if partial:
            read = rv.read(opened)
            assert not read.repositories["complete"].any()
            assert "archive-truncated" in set(read.problems["rule"])
        else:
            with pytest.raises(DamagedArchiveError, match=r"the engine's answer breaks off after \d+ bytes.*--partial"):
                rv.read(opened)


# --- hostile content


def test_links_lead_nowhere(engine: Engine, tmp_path: Path, how: str) -> None:
    """A link in a volume that leads to a folder of this machine is followed in the container, by the engine, alone."""
    name = f"links-{how}"
    volume = engine.volume(name)
    engine.create(name, binds={name: "/var/lib/registry"})
    write(small_world(), tmp_path / "host", "distribution")
    (volume / "host").symlink_to(tmp_path / "host")
    write(small_world(), volume / "own", "distribution")
    (volume / "alias").symlink_to("own")
    with pytest.raises(SourceNotFoundError, match=r"/host in volume links-.* is no folder"):
        rv.read(f"docker-volume://{name}:/host")
    with pytest.raises(SourceNotFoundError, match=r"/var/lib/registry/host in container links-.* is no folder"):
        rv.read(f"docker-container://{name}:/var/lib/registry/host")
    read = rv.read(f"docker-container://{name}:/var/lib/registry/alias")
    assert "read from the archive" in read.source.why
    assert_same_tables(read, rv.read(volume / "own"))


def test_odd_content(engine: Engine, how: str) -> None:
    """What may lie in a volume and in no registry: the same rows and problems as for the folder."""
    name = f"odd-{how}"
    volume = engine.volume(name)
    engine.create(name, binds={name: "/var/lib/registry"})
    write(small_world(), volume, "distribution")
    v2 = volume / "docker/registry/v2"
    repositories, blobs = v2 / "repositories", v2 / "blobs/sha256"
    (repositories / "linked").symlink_to("/etc")
    (repositories / "charts" / "up").symlink_to("../../../../../../..")
    for odd in (b"caf\xe9", b"new\nline", b"back\\slash", b" "):
        (repositories / os.fsdecode(odd) / "_manifests/tags/1/current").mkdir(parents=True)
    deep = repositories.joinpath(*["deep" * 40] * 4, "_manifests", "revisions", "sha256")
    deep.mkdir(parents=True)
    digest = "ab" * 32
    (blobs / "ab" / digest).mkdir(parents=True)
    os.link(next(blobs.glob("*/*/data")), blobs / "ab" / digest / "data")
    (blobs / "cd" / ("cd" * 32)).mkdir(parents=True)
    (blobs / "cd" / ("cd" * 32) / "data").symlink_to("/etc/passwd")
    (v2 / "large").write_bytes(b"{" + b"x" * 5_000_000)
    level_times(volume)
    read = hold_to_folder(f"docker-container://{name}", volume, how)
    assert {"linked", "charts/up"} <= {path.rpartition("repositories/")[2] for path in read.problems["path"].dropna()}


# --- progress, commands


@pytest.mark.usefixtures("far")
def test_the_archive_is_asked_for_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_source("docker-container://DATA")
    assert isinstance(opened, Opened)
    registry = rv.read(opened)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    shown = rv.tree(opened, registry=registry, full=True)
    assert len(shown.rows) == len(rv.tree(data, full=True).rows)
    assert len(registry.tags) == len(rv.read(data).tags)


def run(engine: Engine, *arguments: str, host: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from regviz.cli import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DOCKER_HOST": host or engine.far}
    return subprocess.run([*program, *arguments], check=False, capture_output=True, text=True, env=environment)


@pytest.mark.usefixtures("far")
def test_the_commands_take_a_container(engine: Engine, data: Path, bound: str, tmp_path: Path) -> None:
    source = "docker-container://DATA"
    listed = run(engine, "table", source, "tags", "--format", "json", "--progress")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) == len(rv.read(data).tags)
    [detected] = json.loads(run(engine, "detect", source, "--format", "json").stdout)
    assert (detected["layout"], detected["root"]) == ("v1", ".")
    assert "container DATA stores at /tmp/registry" in detected["why"]
    assert "_index_images" in run(engine, "tree", "docker-volume://article").stdout
    assert run(engine, "table", source).stdout.count("\n") > 10
    captured = run(engine, "capture", bound, "-o", str(tmp_path / "c.regviz"))
    assert captured.returncode == 0, captured.stderr
    assert_same_tables(rv.read(tmp_path / "c.regviz"), rv.read(bound))


@pytest.mark.usefixtures("data")
def test_the_report_of_a_container(engine: Engine, tmp_path: Path) -> None:
    made = run(engine, "report", "docker-container://DATA", "-o", str(tmp_path / "r.html"))
    assert made.returncode == 0, made.stderr
    assert "docker-container://DATA:/tmp/registry" in (tmp_path / "r.html").read_text()


def test_nothing_is_written_into_a_volume(engine: Engine, data: Path) -> None:
    commands = (
        (["report"], "report.html"),
        (["table", "tags"], "tags.csv"),
        (["tree"], "tree"),
        (["detect"], "found.json"),
    )
    for command, name in commands:
        target = data / name
        place = [command[0], "docker-container://DATA", *command[1:], "-o", str(target)]
        failed = run(engine, *place, host=engine.socket)
        assert failed.returncode == 1
        assert "nothing is written to a source" in failed.stderr
        assert not target.exists()


def test_commands_say_what_to_do_in_one_line(engine: Engine) -> None:
    for arguments in (
        ["table", "docker-container://absent", "tags"],
        ["tree", "docker-container://a b"],
        ["detect", "docker-volume://absent"],
        ["sizes", "docker-container://DATA", "--helper"],
    ):
        failed = run(engine, *arguments)
        assert failed.returncode == 1, failed.stderr
        assert failed.stderr.startswith("regviz: ")
        assert failed.stderr.count("\n") == 1
