"""The pull on another host, with two engines: a second one in a network of its own, which refuses plain HTTP at first."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell

from regviz import share
from regviz.cli.app import main
from regviz.errors import RegvizError
from regviz.experiment import bundle, elsewhere
from regviz.experiment.experiment import Experiment
from regviz.experiment.notebook import begin
from regviz.experiment.pulling import Pull, ways_around
from regviz.experiment.ready import host_of, ready
from regviz.experiment.recording import Recorded, recorded
from regviz.experiment.step import Step
from regviz.report.execute import execute, read_notebook
from regviz.text import format_bytes
from tests.real.experiment_engine import BASE, REGISTRY
from tests.real.service import request
from tests.real.two_hosts import FAR, other_host, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from tests.real.containers import Engine
    from tests.real.two_hosts import Host

pytestmark = pytest.mark.real

NAME = "two-hosts"
SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"


def state(client: DockerClient) -> dict[str, Any]:
    """All that an engine has, as it says itself."""
    api = client.api
    return {
        "images": sorted((image["Id"], sorted(image["RepoTags"] or [])) for image in api.images(all=True)),
        "containers": sorted(container["Id"] for container in api.containers(all=True)),
        "volumes": sorted(volume["Name"] for volume in api.volumes()["Volumes"] or []),
        "networks": sorted(network["Id"] for network in api.networks()),
    }


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with other_host(tmp_path_factory.mktemp("other")) as host:
        yield host


@pytest.fixture(scope="module")
def pushed(experiment_engine: Engine) -> Iterator[Experiment]:
    """The article up to its push; at the end the engine is as it was."""
    before = state(experiment_engine.client)
    experiment = Experiment(experiment_engine.client, name=NAME)
    try:
        for step in ("volume", "registry", "build", "tag", "push"):
            experiment.do(step)
        yield experiment
    finally:
        experiment.clean()
    assert state(experiment_engine.client) == before


@pytest.fixture
def address(pushed: Experiment, host: Host) -> Iterator[str]:
    """Where the other host reaches the registry; at the end of each test that host is as it was before."""
    before = state(host.client)
    with published(registry_port(pushed)) as address:
        yield address
    assert elsewhere.clean(pushed.hand) == []
    assert state(host.client) == before
    assert marks(pushed) == []


def registry_port(pushed: Experiment) -> int:
    labels = pushed.client.api.inspect_container(pushed.names.registry)["Config"]["Labels"]
    return int(labels["org.regviz.experiment.port"])


def marks(pushed: Experiment) -> list[str]:
    found = pushed.client.api.volumes(filters={"label": "org.regviz.experiment.kind=elsewhere"})["Volumes"]
    return [volume["Name"] for volume in found or []]


def manifest(pushed: Experiment) -> tuple[dict[str, Any], str]:
    """What the registry itself says of the image: its manifest, and that one's digest."""
    answer = request(registry_port(pushed), "GET", "/v2/nodejs/manifests/latest", headers={"Accept": SCHEMA_2})
    return answer.json(), answer.header("Docker-Content-Digest")


def test_plain_http_is_refused_and_explained(pushed: Experiment, host: Host, address: str) -> None:
    before = state(host.client)
    step = pushed.pull(host.url, address)
    assert step.facts["refused"] == "plain HTTP"
    assert (step.facts["layers_pulled"], step.facts["bytes_pulled"]) == (0, 0)
    assert "digest" not in step.facts
    refusal = f'Get "https://{address}/v2/": http: server gave HTTP response to HTTPS client'
    assert step.said[0] == f"Error response from daemon: {refusal}"
    assert "\n".join(step.said).endswith(ways_around(address, registry_port(pushed), host.url))
    assert step.now == (f"docker --host {host.url} pull {address}/nodejs:latest",)
    assert step.before == step.after
    assert state(host.client) == before
    assert marks(pushed) == []
    with pytest.raises(RegvizError, match=r"the step run needs pull first"):
        pushed.run()


def test_an_engine_that_was_told_to_pulls_and_runs_it(pushed: Experiment, host: Host, address: str) -> None:
    """The very line that was offered goes into the other host's daemon.json, and its engine reloads it."""
    [line] = [line.strip() for line in ways_around(address, 1).splitlines() if "insecure-registries" in line]
    host.allow(*json.loads(line)["insecure-registries"])
    step = pushed.pull(host.url, address)
    document, digest = manifest(pushed)
    sizes = [layer["size"] for layer in document["layers"]]
    assert (step.facts["layers_pulled"], step.facts["layers_there"]) == (len(sizes), 0)
    assert (step.facts["bytes_pulled"], step.facts["digest"]) == (sum(sizes), digest)
    assert "refused" not in step.facts
    assert step.before == step.after  # a pull writes nothing
    there = host.client.api.inspect_image(f"{address}/nodejs:latest")
    here = pushed.client.api.inspect_image(f"{pushed.names.image}:latest")
    assert there["RootFS"] == here["RootFS"]

    again = pushed.pull(host.url, address)
    assert (again.facts["layers_pulled"], again.facts["bytes_pulled"]) == (0, 0)
    assert again.said[-1] == f"Status: Image is up to date for {address}/nodejs:latest"

    for given in (None, host.url):
        ran = pushed.run(given)
        assert (ran.facts["version"], ran.facts["host"]) == ("v0.10.26", host.url)
        assert ran.said == ("v0.10.26",)
        assert ran.now[0].endswith(f"{address}/nodejs:latest node -e 'console.log(process.version)'")
    assert host.client.api.containers(all=True) == []


def test_a_tag_of_that_name_is_given_back(pushed: Experiment, host: Host, address: str) -> None:
    """The other host had an image of that very name: it has it again afterwards."""
    host.allow(address)
    image = host.client.api.import_image_from_data(empty_archive(), repository=f"{address}/nodejs", tag="latest")
    own = json.loads(image.splitlines()[-1])["status"]
    before = state(host.client)
    try:
        pushed.pull(host.url, address)
        assert host.client.api.inspect_image(f"{address}/nodejs:latest")["Id"] != own
        assert pushed.undo("pull").startswith("the step pull is taken back")
        assert state(host.client) == before
    finally:
        host.client.api.remove_image(own, force=True)


def named(state: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(image, names) for image, names in state["images"] if names != ["<none>:<none>"]]


def empty_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("own"), io.BytesIO())
    return buffer.getvalue()


def test_what_breaks_off_is_taken_back_too(
    pushed: Experiment, host: Host, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is remembered before it begins: the next process finds it by its label."""
    host.allow(address)

    def dies(client: DockerClient, reference: str) -> Pull:
        list(client.api.pull(reference, stream=True, decode=True))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(elsewhere, "pull_image", dies)
        with pytest.raises(KeyboardInterrupt):
            pushed.pull(host.url, address)
    assert len(marks(pushed)) == 1
    assert host.client.api.images(f"{address}/nodejs") != []
    Experiment(pushed.client, name="somebody-else").clean()
    assert len(marks(pushed)) == 1


def test_another_host_that_is_gone_is_not_forgotten(
    pushed: Experiment, host: Host, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.allow(address)
    pushed.pull(host.url, address)
    [mark] = marks(pushed)
    with monkeypatch.context() as patch:
        patch.setattr(elsewhere, "attached", unreachable)
        with pytest.raises(RegvizError, match=rf"{address}/nodejs:latest stays on {host.url}: nobody answers"):
            pushed.undo("pull")
    assert marks(pushed) == [mark]


def unreachable(host: str) -> object:
    raise RegvizError(f"nobody answers at {host}")


def test_an_address_where_nobody_listens(pushed: Experiment, host: Host, address: str) -> None:
    """As where the registry listens on its own machine's loopback only."""
    port = int(address.rpartition(":")[2])
    nowhere = f"{FAR}:{port}"
    step = pushed.pull(host.url, nowhere)
    assert "connection refused" in str(step.facts["refused"])
    said = "\n".join(step.said)
    assert f"Nothing answers at {nowhere} as that host sees it" in said
    assert said.endswith(ways_around(nowhere, registry_port(pushed), host.url))


def test_a_host_that_does_not_answer(pushed: Experiment, tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"no Docker Engine at unix://.*docker\.sock, its socket is not there"):
        pushed.pull(f"unix://{tmp_path}/docker.sock", "h:1")
    with pytest.raises(RegvizError, match=r"the step run needs pull first|has not pulled the image"):
        pushed.run(f"unix://{tmp_path}/docker.sock")
    assert marks(pushed) == []


def test_the_same_engine_emptied_of_the_image(pushed: Experiment) -> None:
    before = state(pushed.client)
    layers = pushed.client.api.inspect_image(f"{pushed.names.image}:latest")["RootFS"]["Layers"]
    base = pushed.client.api.inspect_image(BASE)["RootFS"]["Layers"]
    document, digest = manifest(pushed)
    step = pushed.pull()
    assert layers[: len(base)] == base
    assert step.facts["layers_there"] == len(base)  # the base stays, and with it its layers
    assert step.facts["layers_pulled"] == len(layers) - len(base)
    assert step.facts["bytes_pulled"] == sum(layer["size"] for layer in document["layers"][len(base) :])
    assert step.facts["digest"] == digest
    assert any(line.startswith("Deleted: sha256:") for line in step.said)
    ran = pushed.run()
    assert ran.facts["version"] == "v0.10.26"
    assert "host" not in ran.facts
    after = state(pushed.client)
    assert named(after) == named(before)  # it has all its names again
    assert after["containers"] == before["containers"]


def test_the_notebook_on_a_real_engine_does_what_was_recorded(experiment_engine: Engine, tmp_path: Path) -> None:
    """Step by step in a kernel, on an engine that has nothing of it before and after."""
    before = state(experiment_engine.client)
    notebook = read_notebook(share.folder("notebooks") / "experiment.ipynb")
    notebook.cells.append(new_code_cell(ALL_STEPS))
    environment = {"DOCKER_HOST": experiment_engine.socket, "REGVIZ_PAGE": ""}
    execute(notebook, name="experiment", source="", folder=tmp_path, environment=environment)
    assert state(experiment_engine.client) == before

    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs)
    assert outputs[0][0].text.startswith("Docker Engine ")
    assert outputs[-2][0].text.startswith("removed ")
    fresh = [Step.from_json(each) for each in json.loads(outputs[-1][0].text)]
    fresh = [step for step in fresh if "refused" not in step.facts]  # that one is always the recorded one
    old = [step for step in recorded() if "refused" not in step.facts]
    assert [step.name for step in fresh] == [step.name for step in old]
    for now, then in zip(fresh, old, strict=True):
        assert kinds(now) == kinds(then), now.name
        assert (now.title, now.question, now.then) == (then.title, then.question, then.then)
        if now.name not in ("pull", "run"):  # in the recording, those are on another host
            assert [command.split()[:2] for command in now.now] == [command.split()[:2] for command in then.now]
            assert now.facts.keys() == then.facts.keys()
    assert fresh[-1].facts["version"] == old[-1].facts["version"]


ALL_STEPS = """
import json

shown = [value for value in Out.values() if isinstance(value, rv.experiment.Step)]
print(json.dumps([step.to_json() for step in shown]))
"""


def kinds(step: Step) -> set[tuple[str, str]]:
    """What came, went and changed, whatever the digests are."""
    table = step.changes.table
    shapes = table["path"].str.replace(r"[0-9a-f]{64}", "DIGEST", regex=True)
    shapes = shapes.str.replace(r"/[0-9a-f]{2}(?=/DIGEST|$)", "/XX", regex=True)
    return set(zip(table["change"], shapes, strict=True))


def test_an_engine_that_cannot_have_the_images(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """The other host has an engine, no images, and no way out: the recorded run goes on."""
    before = state(host.client)
    article = begin(host.url)
    assert isinstance(article, Recorded)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "it does not reach the registry of that image; where there is no way out" in said[0]
    assert state(host.client) == before


def test_readiness_is_what_the_engine_says(pushed: Experiment, host: Host, address: str) -> None:
    host.allow(address)
    there, info, version = ready(host.url), host.client.info(), host.client.version()
    assert there.ok
    assert (there.host, there.version, there.api) == (host.url, version["Version"], version["ApiVersion"])
    assert there.platform == f"{version['Os']}/{version['Arch']}"
    assert info["Driver"] in there.storage
    assert address in there.insecure
    assert [lack.what for lack in there.lacks] == ["registry:2 and busybox not here yet"]
    assert ready(pushed.client).lacks == ()


def test_a_bundle_gives_an_engine_what_it_lacks(pushed: Experiment, host: Host, tmp_path: Path) -> None:
    before = state(host.client)
    archive = bundle.save(tmp_path / "images.tar", engine=pushed.client)
    platform = ready(host.client).platform
    assert bundle.platforms(archive) == {REGISTRY: {platform}, BASE: {platform}}
    assert [path.name for path in tmp_path.iterdir()] == ["images.tar"]
    try:
        assert bundle.load(archive, engine=host.url, images=["busybox"]) == (BASE,)
        assert [image.tags for image in host.client.images.list()] == [[BASE]]
        own = host.client.api.import_image_from_data(empty_archive(), repository="busybox", tag="latest")
        own = json.loads(own.splitlines()[-1])["status"]
        assert bundle.load(archive, engine=host.url) == (REGISTRY,)
        assert host.client.api.inspect_image(BASE)["Id"] == own  # a person's own image of that name is left alone
        host.client.api.remove_image(own, force=True)
        assert bundle.load(archive, engine=host.url) == (BASE,)
        assert bundle.load(archive, engine=host.url) == ()
        for name in (REGISTRY, BASE):
            ours, theirs = (client.api.inspect_image(name)["RootFS"] for client in (pushed.client, host.client))
            assert ours == theirs
        with pytest.raises(RegvizError, match=r"has no alpine:latest, which the engine lacks: make it with"):
            bundle.load(archive, engine=host.url, images=["busybox", "alpine"])
    finally:
        for name in (REGISTRY, BASE):
            host.client.api.remove_image(name)
    assert state(host.client) == before


def regviz(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["experiment", *words], prog_name="regviz")
    return result.exit_code, result.stdout, result.stderr


def test_the_commands_do_the_same(pushed: Experiment, host: Host, address: str, tmp_path: Path) -> None:
    engine = ("--engine", host_of(pushed.client))
    code, shown, _ = regviz("pull", *engine, "--name", NAME, "--host", host.url, "--address", address)
    assert code == 0
    assert '{"insecure-registries": ["' in shown
    host.allow(address)
    code, shown, said = regviz("pull", *engine, "--name", NAME, "--host", host.url, "--address", address)
    assert (code, said) == (0, "")
    assert f"Status: Downloaded newer image for {address}/nodejs:latest" in shown
    code, shown, said = regviz("run-image", *engine, "--name", NAME)
    assert (code, said) == (0, "")
    assert "\n    v0.10.26\n" in shown
    code, shown, said = regviz("check", *engine)
    assert (code, said) == (0, "")
    assert shown.splitlines()[-1] == "ready          yes"
    archive = tmp_path / "images.tar"
    code, shown, said = regviz("bundle", *engine, "-o", str(archive))
    assert (code, said) == (0, "")
    size = format_bytes(archive.stat().st_size)
    assert shown == f"{archive}: registry:2 and busybox for {ready(pushed.client).platform}, {size}\n"


def test_a_user_whom_the_socket_does_not_let_in(pushed: Experiment, host: Host) -> None:
    assert pushed.client.ping()
    os.seteuid(65534)
    try:
        why = ready(host.url).why
    finally:
        os.seteuid(0)
    assert why == (
        f"the Docker Engine at {host.url} does not let this user in: sudo usermod -aG docker $USER, and log in again"
    )


def test_a_bundle_of_what_cannot_be_had(pushed: Experiment, host: Host, tmp_path: Path) -> None:
    """The other host has no way out."""
    with pytest.raises(RegvizError, match=r"it does not reach the registry of that image; .*regviz experiment bundle"):
        bundle.save(tmp_path / "images.tar", engine=host.url, images=["busybox"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RegvizError, match=r"cannot be written: No such file or directory; give another place"):
        bundle.save(tmp_path / "no" / "images.tar", engine=pushed.client)


def test_dockers_own_program_takes_the_bundle(pushed: Experiment, host: Host, tmp_path: Path) -> None:
    docker = shutil.which("docker")
    assert docker, "docker is not here; apt-get install -y docker.io"
    archive = bundle.save(tmp_path / "images.tar", engine=pushed.client, images=["busybox"])
    try:
        loaded = subprocess.run(
            [docker, "--host", host.url, "load", "-i", str(archive)], check=True, capture_output=True, text=True
        )
        assert loaded.stdout.splitlines()[-1] == f"Loaded image: {BASE}"
    finally:
        host.client.api.remove_image(BASE)
