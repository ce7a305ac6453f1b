"""The lesson's model of containers and volumes does to volumes what Docker's own engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from regviz.errors import RegvizError
from regviz.lesson import forms
from regviz.lesson.mounts import Engine
from regviz.report.execute import execute, read_notebook
from tests.real.experiment_engine import experiment_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from tests.real.containers import Engine as RealEngine

pytestmark = pytest.mark.real
PATH = "/srv/registry"


class Docker:
    """The same calls, to an engine."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, name: str, *, volume: str = "", volumes_from: str = "", ends: bool = False) -> None:
        called, _, path = volume.rpartition(":")
        given: dict[str, Any] = {"volumes_from": [volumes_from]} if volumes_from else {}
        if volume:
            given["volumes"] = {called: {"bind": path, "mode": "rw"}} if called else [path]
        container = self._client.containers.create(
            "busybox", ["true"] if ends else ["sleep", "600"], name=name, network_mode="none", **given
        )
        container.start()
        if ends:
            container.wait()

    def write(self, name: str, path: str, content: bytes) -> None:
        script = f"mkdir -p $(dirname {path}) && printf %s {content.decode()} > {path}"
        assert self._client.containers.get(name).exec_run(["sh", "-c", script]).exit_code == 0

    def stop(self, name: str) -> None:
        self._client.containers.get(name).stop(timeout=0)

    def remove(self, name: str, *, volumes: bool = False) -> None:
        self._client.containers.get(name).remove(force=True, v=volumes)

    def remove_volume(self, name: str) -> None:
        self._client.volumes.get(name).remove()

    def find(self, name: str) -> list[str]:
        mounts = self._client.containers.get(name).attrs["Mounts"]
        return sorted(path for mount in mounts for path in self._files(mount["Name"], mount["Destination"]))

    def files(self) -> int:
        return sum(len(self._files(volume.name, "/x")) for volume in self._client.volumes.list())

    def _files(self, volume: str, path: str) -> list[str]:
        found = self._client.containers.run(
            "busybox", ["find", path, "-type", "f"], volumes={volume: {"bind": path}}, network_mode="none", remove=True
        )
        return found.decode().split()

    def volume_names(self) -> list[str]:
        return [volume.name for volume in self._client.volumes.list()]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    with experiment_engine(tmp_path_factory.mktemp("mounts")) as engine:
        yield engine


@pytest.fixture
def docker(engine: RealEngine) -> Docker:
    return Docker(engine.client)


def article(engine: Engine | Docker) -> list[Any]:
    """The lesson's events, and what is seen after each."""
    engine.run("DATA", volume=PATH, ends=True)
    engine.run("registry", volumes_from="DATA")
    engine.write("registry", f"{PATH}/docker/a", b"a")
    engine.run("look", volumes_from="DATA")
    seen: list[Any] = [engine.find("DATA"), engine.find("look")]
    engine.stop("registry")
    seen.append(engine.files())
    for name in ("registry", "look", "DATA"):
        engine.remove(name, volumes=True)
        seen.append(engine.files())
    engine.run("registry", volume=f"named:{PATH}")
    engine.write("registry", f"{PATH}/b", b"b")
    engine.remove("registry", volumes=True)
    seen.append(engine.files())
    engine.run("other", volume="named:/srv")
    seen.append(engine.find("other"))
    engine.remove("other")
    engine.remove_volume("named")
    seen.append(engine.files())
    engine.run("last", volume=PATH)
    engine.write("last", f"{PATH}/c", b"c")
    engine.remove("last")
    seen.append(engine.files())
    return seen


def test_the_model_does_as_the_engine(docker: Docker, tmp_path: Path) -> None:
    model = Engine(tmp_path)
    seen = article(docker)
    assert article(model) == seen
    # counted by hand: all see the one file; it goes with the last -v; a name spares, and so does a plain rm
    tree = [f"{PATH}/docker/a"]
    assert seen == [tree, tree, 1, 1, 1, 0, 1, ["/srv/b"], 0, 1]
    [left] = docker.volume_names()
    docker.run("user", volume=f"{left}:/srv", ends=True)
    with pytest.raises(Exception, match="in use"):
        docker.remove_volume(left)
    model.run("user", volume="x:/srv", ends=True)
    with pytest.raises(RegvizError, match="in use"):
        model.remove_volume("x")
    docker.remove("user")
    docker.remove_volume(left)


def things(client: DockerClient) -> dict[str, list[str]]:
    """All that is on an engine."""
    return {
        "containers": sorted(container.name for container in client.containers.list(all=True)),
        "images": sorted(name for image in client.images.list() for name in image.tags),
        "volumes": sorted(volume.name for volume in client.volumes.list()),
    }


def test_the_lesson_runs_on_an_engine_and_leaves_it_as_it_was(engine: RealEngine, tmp_path: Path) -> None:
    before = things(engine.client)
    notebook = read_notebook(forms.path_of("00"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [code[0], *(cell for cell in code if "article" in cell.source)]
    environment = {"DOCKER_HOST": engine.socket, "REGVIZ_PAGE": ""}
    execute(notebook, name="00-volumes", source="", folder=tmp_path, environment=environment)
    assert things(engine.client) == before
    said = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    assert "Docker Engine " in said
    found = [int(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith("files found ")]
    # an image of a base and three lines: its blobs and links, counted by hand as in test_experiment
    assert len(found) == 2
    assert found[0] == found[1] > 10, "as many without the registry's container"
