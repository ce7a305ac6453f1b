"""The article's experiment on a real engine, held to what the engine, the registry and the volume's folder say."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import docker
import pytest

from regviz.errors import RegvizError
from regviz.experiment import STEPS, Experiment, Step
from regviz.experiment.bundle import save
from regviz.experiment.images import VERSION, article
from regviz.experiment.names import LABEL, Names
from tests.cli.running import done as printed
from tests.cli.running import run as command
from tests.real.experiment_engine import BASE
from tests.real.experiment_seen import MANIFEST, Contents, Seen, contents, is_what_lies_there, port_of, see
from tests.real.service import LOOPBACK, request, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from tests.real.containers import Engine

pytestmark = pytest.mark.real

OWN = [name for name in STEPS if name not in ("pull", "run")]
NODEJS, PYTHON = "nodejs:latest", "python:latest"


@dataclass
class Run:
    """The experiment from its first step to its last, and what was there after each."""

    experiment: Experiment
    steps: dict[str, Step] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)

    def before(self, name: str) -> Seen:
        return self.seen[OWN[OWN.index(name) - 1]] if name != "volume" else Seen({}, set(), [], {}, {})

    @property
    def port(self) -> int:
        return port_of(self.steps["registry"])


@pytest.fixture(scope="module")
def client(experiment_engine: Engine) -> DockerClient:
    return experiment_engine.client


@pytest.fixture(scope="module")
def as_it_was(client: DockerClient) -> Contents:
    return contents(client)


@pytest.fixture(scope="module")
def whole(client: DockerClient, as_it_was: Contents) -> Iterator[Run]:
    """Every step once; what a person had before is there again at the end."""
    made = Run(Experiment(client))
    try:
        for name in OWN:
            made.steps[name] = made.experiment.do(name)
            port = made.port if "registry" in made.steps else None
            made.seen[name] = see(client, "regviz-data", port)
        yield made
    finally:
        made.experiment.clean()
    assert contents(client) == as_it_was


@pytest.fixture
def tidy(client: DockerClient, as_it_was: Contents) -> Iterator[Experiment]:
    """An experiment of another name, so that the whole one may stand beside it."""
    before = contents(client)
    experiment = Experiment(client, name="ada")
    try:
        yield experiment
    finally:
        experiment.clean()
    assert contents(client) == before
    assert {each for each, _ in as_it_was.images} <= {each for each, _ in before.images}


# --- each step, before and after


@pytest.mark.parametrize("name", OWN)
def test_before_and_after_are_what_lies_in_the_volume(whole: Run, name: str) -> None:
    step = whole.steps[name]
    assert is_what_lies_there(step.after, whole.seen[name])
    if name != "volume":
        assert is_what_lies_there(step.before, whole.before(name))
    lengths = [len(content) for content in whole.seen[name].files.values()]
    assert (step.facts["files_after"], step.facts["bytes_after"]) == (len(lengths), sum(lengths))


@pytest.mark.parametrize("name", OWN)
def test_changes_are_the_difference_of_the_folders(whole: Run, name: str) -> None:
    old, new = whole.before(name), whole.seen[name]
    table = whole.steps[name].changes.table
    files = table[table["type"] == "file"]
    found = {word: set(files.loc[files["change"] == word, "path"]) for word in ("came", "went", "changed")}
    assert found["came"] == new.files.keys() - old.files.keys()
    assert found["went"] == old.files.keys() - new.files.keys()
    assert found["changed"] == {
        path for path in old.files.keys() & new.files.keys() if old.files[path] != new.files[path]
    }


def test_the_volume_stays_when_its_container_has_ended(whole: Run, client: DockerClient) -> None:
    data = client.api.inspect_container("regviz-DATA")
    assert data["State"]["Status"] == "exited"
    [mount] = data["Mounts"]
    assert (mount["Type"], mount["Name"], mount["Destination"]) == ("volume", "regviz-data", "/tmp/registry")  # noqa: S108
    assert client.api.inspect_volume("regviz-data")["Labels"][LABEL] == "regviz"
    assert whole.steps["volume"].before == ()
    assert whole.seen["volume"].files == {}


def test_the_registry_is_empty_and_answers(whole: Run, client: DockerClient) -> None:
    assert whole.seen["registry"].catalog == []
    assert request(whole.port, "GET", "/v2/").status == 200
    assert client.api.inspect_container("regviz-registry")["HostConfig"]["VolumesFrom"] == ["regviz-DATA"]


def test_the_image_is_the_articles(whole: Run, client: DockerClient) -> None:
    facts = whole.steps["build"].facts
    image = client.api.inspect_image(str(facts["image"]))
    base = client.api.inspect_image(BASE)
    layers = image["RootFS"]["Layers"]
    assert layers[: len(base["RootFS"]["Layers"])] == base["RootFS"]["Layers"]
    assert facts["layers"] == len(layers) == len(base["RootFS"]["Layers"]) + 3  # COPY, RUN, RUN
    ask = ["sh", "-c", "node -e 'console.log(process.version)'; node --version; cat /root/.bash_profile"]
    said = client.containers.run(image["Id"], ask, remove=True, network_mode="none").decode()
    assert said.splitlines() == [VERSION, VERSION, "", "# Node.js", 'export PATH="node_modules/.bin:$PATH"']


def test_one_image_has_two_names_and_lies_under_a_third(whole: Run) -> None:
    step = whole.steps["tag"]
    assert step.facts["names"] == 2
    assert {line.split()[0] for line in step.said[:2]} == {
        "yagamy/nodejs:latest",
        f"localhost:{whole.port}/nodejs:latest",
    }
    assert whole.seen["push"].catalog == ["nodejs"]
    assert not any("localhost" in path or "yagamy" in path for path in whole.seen["push"].files)
    assert f"docker/registry/v2/{step.facts['on_disk']}" in whole.seen["push"].directories


def test_a_push_leaves_what_the_registry_serves(whole: Run) -> None:
    seen, facts = whole.seen["push"], whole.steps["push"].facts
    needs = seen.needs(NODEJS)
    assert seen.tags == {"nodejs": ["latest"]}
    assert facts["manifest"] == seen.manifests[NODEJS][0]
    assert seen.blobs == needs
    assert (facts["blobs_needed"], facts["blobs_new"]) == (len(needs), len(needs))
    assert facts["bytes_new"] == facts["bytes_needed"] == sum(needs.values())
    assert (facts["layers_sent"], facts["layers_there"]) == (len(seen.document(NODEJS)["layers"]), 0)


def test_the_second_container_lists_the_volume(whole: Run) -> None:
    step, seen = whole.steps["look"], whole.seen["look"]
    below = {f"/tmp/registry/{path}" for path in (*seen.files, *seen.directories)}  # noqa: S108
    assert set(step.said) == {"/tmp/registry", *below}  # noqa: S108
    assert (step.facts["files_found"], step.facts["directories_found"]) == (len(seen.files), len(seen.directories))


def test_a_second_image_shares_its_base(whole: Run, client: DockerClient) -> None:
    seen, facts = whole.seen["share"], whole.steps["share"].facts
    shared = {each["digest"] for each in seen.document(PYTHON)["layers"]}
    shared &= {each["digest"] for each in seen.document(NODEJS)["layers"]}
    assert len(shared) == len(client.api.inspect_image(BASE)["RootFS"]["Layers"])
    assert seen.tags == {"nodejs": ["latest"], "python": ["2.7", "latest"]}
    new = {digest: size for digest, size in seen.needs(PYTHON).items() if digest not in whole.seen["look"].blobs}
    assert (facts["blobs_new"], facts["bytes_new"]) == (len(new), sum(new.values()))
    assert facts["layers_there"] == len(shared)
    assert facts["bytes_needed"] == sum(seen.needs(PYTHON).values())


def test_an_overwritten_tag_leaves_its_manifest(whole: Run) -> None:
    old, new, facts = whole.seen["share"], whole.seen["overwrite"], whole.steps["overwrite"].facts
    assert facts["old_manifest"] == old.manifests[NODEJS][0] != new.manifests[NODEJS][0] == facts["manifest"]
    before, after = (seen.document(NODEJS)["layers"] for seen in (old, new))
    assert before[:-1] == after[:-1]  # only the profile line is another
    assert before[-1] != after[-1]
    assert facts["layers_sent"] == 1
    assert facts["old_manifest_answers"] is True
    assert request(whole.port, "GET", f"/v2/nodejs/manifests/{facts['old_manifest']}", headers=MANIFEST).status == 200


def test_a_tag_goes_with_all_tags_of_its_manifest(whole: Run) -> None:
    """Distribution 2.8 deletes no tag by its name."""
    seen, step = whole.seen["untag"], whole.steps["untag"]
    assert seen.tags["python"] == []
    assert (step.facts["tags_before"], step.facts["tags_after"], step.facts["by_digest"]) == (2, 0, True)
    assert seen.blobs == whole.seen["overwrite"].blobs  # and frees nothing
    assert step.facts["manifest"] == whole.seen["overwrite"].manifests[PYTHON][0]


def test_the_collector_takes_what_no_manifest_needs(whole: Run) -> None:
    old, new, step = whole.seen["untag"], whole.seen["collect"], whole.steps["collect"]
    gone = old.blobs.keys() - new.blobs.keys()
    before = whole.seen["overwrite"]
    still = whole.seen["share"].needs(NODEJS).keys() | before.needs(NODEJS).keys()  # an overwritten manifest stays
    assert gone == before.needs(PYTHON).keys() - still
    assert (step.facts["blobs_gone"], step.facts["blobs_said_eligible"]) == (len(gone), len(gone))
    assert step.facts["bytes_freed"] == sum(old.blobs[digest] for digest in gone)
    assert (step.facts["tags"], step.facts["tags_whole"]) == (1, 1)
    assert new.needs(NODEJS).keys() <= new.blobs.keys()


def test_a_running_registry_remembers_what_was_collected(whole: Run, client: DockerClient) -> None:
    seen, facts = whole.seen["collect_wrongly"], whole.steps["collect_wrongly"].facts
    assert facts["layers_sent_again"] == 0
    assert facts["layers_skipped"] == len(whole.seen["overwrite"].document(PYTHON)["layers"])
    assert facts["lost_blob"] not in seen.blobs
    assert (facts["head_status"], facts["manifest_status"]) == (200, 404)
    assert facts["got_bytes"] == 0 < facts["lost_bytes"] == whole.seen["untag"].blobs[str(facts["lost_blob"])]
    with pytest.raises(http.client.IncompleteRead):  # it says 200, how many bytes will come, and then has none
        request(whole.port, "GET", f"/v2/python/blobs/{facts['lost_blob']}")
    assert facts["pull_works"] is False
    with pytest.raises(docker.errors.NotFound, match="manifest unknown"):
        client.api.pull(f"localhost:{whole.port}/python", tag="latest")
    assert request(whole.port, "GET", "/v2/nodejs/manifests/latest", headers=MANIFEST).status == 200


def test_what_was_done_is_found_from_anywhere(whole: Run, experiment_engine: Engine) -> None:
    """By another client, which knows nothing: from the labels alone."""
    steps = Experiment(experiment_engine.socket).steps().set_index("step")["state"]
    assert {name for name, state in steps.items() if state == "done"} == set(OWN) - {"look"}
    assert steps["look"] == steps["pull"] == "possible"
    assert steps["run"] == "needs pull first"
    assert whole.steps.keys() == set(OWN)


def test_all_that_was_made_is_labelled(whole: Run, client: DockerClient, as_it_was: Contents) -> None:
    now = contents(client)
    assert whole.port
    for container in set(now.containers) - set(as_it_was.containers):
        assert client.api.inspect_container(container)["Config"]["Labels"][LABEL] == "regviz"
    named = [name for name in set(now.volumes) - set(as_it_was.volumes) if not re.fullmatch("[0-9a-f]{64}", name)]
    assert named
    for volume in named:  # one without a name belongs to the registry's container, and goes with it
        assert client.api.inspect_volume(volume)["Labels"][LABEL] == "regviz"
    for image, _ in now.images:
        if image not in dict(as_it_was.images):
            assert client.api.inspect_image(image)["Config"]["Labels"][LABEL] == "regviz"


def test_a_step_survives_json(whole: Run) -> None:
    for step in whole.steps.values():
        assert Step.from_json(json.loads(json.dumps(step.to_json()))) == step


def test_a_far_engine_is_asked_from_a_container(whole: Run, experiment_engine: Engine) -> None:
    """What answers on this machine's loopback answers there too: status, headers and body."""
    near, far = (
        Experiment(address)._work("look").api() for address in (experiment_engine.socket, experiment_engine.far)
    )
    assert whole.port
    for method, path in (("GET", "/v2/nodejs/tags/list"), ("DELETE", "/v2/nodejs/manifests/latest")):
        one, other = near.ask(method, path), far.ask(method, path)
        assert (one.status, one.body, one.line()) == (other.status, other.body, other.line())
    assert near.digest("nodejs", "latest") == far.digest("nodejs", "latest") != ""


# --- taken back


def test_the_data_outlives_the_registry(client: DockerClient, tidy: Experiment) -> None:
    for name in ("volume", "registry", "build", "tag", "push"):
        tidy.do(name)
    listened, done = tidy.registry().facts["port"], set(tidy.steps().query("state == 'done'")["step"])
    before = see(client, "ada-data", None).files
    assert "push rest" in tidy.undo("registry")
    assert see(client, "ada-data", None).files == before
    port = port_of(tidy.registry())
    assert (port, set(tidy.steps().query("state == 'done'")["step"])) == (listened, done)
    assert request(port, "GET", "/v2/_catalog").json() == {"repositories": ["nodejs"]}


# --- the commands


def test_todays_commands_do_the_same(
    client: DockerClient, experiment_engine: Engine, tidy: Experiment, tmp_path: Path
) -> None:
    """What a step says one types makes what the step makes: docker's own program types it, and regviz finds it done."""
    program = require_program("docker", "docker.io")
    steps = {name: tidy.do(name) for name in ("volume", "registry", "build", "tag", "push")}
    port = port_of(steps["registry"])
    made, listed = see(client, "ada-data", port), tidy.steps()
    tidy.clean()
    names = Names("ada")
    article(tidy.choices.base).labelled(names.labels("build"), names.labels("build")).write(tmp_path)
    environment = {"DOCKER_HOST": experiment_engine.socket, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for step in steps.values():
        for line in step.now:
            if line.startswith(("docker", "DOCKER")):
                typed = line.replace("docker ", f"{program} ", 1)
                typing = ["sh", "-c", typed]
                done = subprocess.run(typing, cwd=tmp_path, env=environment, check=False, capture_output=True)
                assert done.returncode == 0, (line, done.stderr)
    again = see(client, "ada-data", port)
    assert {path.rpartition("/")[2] for path in again.files} == {path.rpartition("/")[2] for path in made.files}
    assert len(again.files) == len(made.files)
    assert again.tags == made.tags
    expected = listed.set_index("step")["state"].to_dict() | {"push": "possible"}  # whose copy for undo no one types
    assert tidy.steps().set_index("step")["state"].to_dict() == _without(expected, "push")


def _without(states: dict[str, str], step: str) -> dict[str, str]:
    rests = {"share", "overwrite", "collect", "pull", "untag", "collect_wrongly", "run"}
    return {name: f"needs {step} first" if name in rests else state for name, state in states.items()}


def test_the_command_line_does_a_step(experiment_engine: Engine, tidy: Experiment) -> None:
    environment = {"DOCKER_HOST": experiment_engine.socket}
    result = command("experiment", "push", "--name", "ada", **environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("regviz: the step push needs volume first, then registry, build, tag")
    text = printed("experiment", "run", "--until", "tag", "--name", "ada", **environment)
    assert "docker run -v /tmp/registry -name DATA busybox true" in text
    assert text.count("changed on disk") == 4
    table = json.loads(printed("experiment", "list", "--name", "ada", "--format", "json", **environment))
    assert [row["step"] for row in table if row["state"] == "done"] == ["volume", "registry", "build", "tag"]
    assert printed("experiment", "undo", "tag", "--name", "ada", **environment) == "the step tag is taken back\n"
    assert printed("experiment", "clean", "--name", "ada", **environment).startswith("removed 2 containers")
    assert tidy.steps().query("state == 'done'").empty


# --- what is not its own


def test_what_a_person_had_is_left_alone(client: DockerClient, tidy: Experiment) -> None:
    """A container, a volume and an image of the experiment's names, which it did not make."""
    container = client.api.create_container(BASE, ["true"], name="ada-DATA")["Id"]
    client.api.create_volume("ada-data")
    client.api.tag(BASE, "yagamy-ada/nodejs", "latest")
    removed = {
        "container ada-DATA": lambda: client.api.remove_container(container),
        "volume ada-data": lambda: client.api.remove_volume("ada-data"),
        "image yagamy-ada/nodejs:latest": lambda: client.api.remove_image("yagamy-ada/nodejs:latest"),
    }
    before = contents(client)
    try:
        for name in ("container ada-DATA", "image yagamy-ada/nodejs:latest", "volume ada-data"):
            with pytest.raises(RegvizError, match=f"has an? {name} that this experiment did not make"):
                tidy.volume()
            assert tidy.clean() == "there was nothing to remove"
            assert contents(client) == before
            removed[name]()
            before = contents(client)
    finally:
        for remove in removed.values():
            with contextlib.suppress(docker.errors.NotFound):
                remove()


def test_what_a_person_made_of_it_stays(client: DockerClient, tidy: Experiment) -> None:
    """Another name of the image, and a container that runs it: both are the person's."""
    image = str(tidy.build().facts["image"])
    client.api.tag(image, "mine", "1")
    assert tidy.clean().startswith("removed")
    assert client.api.inspect_image("mine:1")["RepoTags"] == ["mine:1"]
    client.api.remove_image("mine:1")

    image = str(tidy.build().facts["image"])
    for reference in ("yagamy-ada/nodejs", image):
        container = client.api.create_container(reference, ["true"], name="person")["Id"]
        for _ in range(2):
            with pytest.raises(
                RegvizError, match=r"in use by something else stays: image .* \(container person is made"
            ):
                tidy.clean()
        assert client.api.inspect_container(container)["Image"] == image
        assert client.api.inspect_image(image)["RepoTags"] == ["yagamy-ada/nodejs:latest"]
        client.api.remove_container(container)


def test_an_image_of_ones_own(client: DockerClient, tidy: Experiment, tmp_path: Path) -> None:
    """With the files beside its Dockerfile, in several stages; its layers are those of the Dockerfile."""
    lines = [
        "ARG BASE=busybox",
        "FROM $BASE AS first",
        "RUN echo made > /made",
        "FROM busybox",
        "COPY --from=first /made /made",
    ]
    (tmp_path / "Dockerfile").write_text("\n".join([*lines, "COPY beside /beside", ""]), encoding="utf-8")
    (tmp_path / "beside").write_bytes(b"beside\n")
    experiment = Experiment(client, name="ada", dockerfile=tmp_path)
    facts = experiment.build().facts
    assert facts["layers"] == len(client.api.inspect_image(BASE)["RootFS"]["Layers"]) + 2
    said = client.containers.run(str(facts["image"]), ["cat", "/made", "/beside"], remove=True, network_mode="none")
    assert said == b"made\nbeside\n"
    assert tidy.clean().startswith("removed")


def test_a_port_that_is_taken(client: DockerClient, tidy: Experiment) -> None:
    tidy.volume()
    with socket.create_server((LOOPBACK, 0)) as server:
        experiment = Experiment(client, name="ada", port=server.getsockname()[1])
        with pytest.raises(RegvizError, match=r"^the port \d+ is taken .*--port") as told:
            experiment.registry()
        assert "\n" not in str(told.value)
    assert [each["Names"] for each in client.api.containers(all=True, filters={"name": "ada-registry"})] == []


def test_an_image_that_can_be_got_nowhere(client: DockerClient) -> None:
    before = contents(client)
    experiment = Experiment(client, name="ada", base=f"localhost:{_closed_port()}/nothing:1")
    with pytest.raises(RegvizError) as told:
        experiment.volume()
    assert "\n" not in str(told.value)
    assert contents(client) == before


def test_images_of_an_archive_go_again(client: DockerClient, tidy: Experiment, tmp_path: Path) -> None:
    """What the engine lacked comes from the archive, and goes with the experiment."""
    archive = save(tmp_path / "images.tar", engine=client, images=[BASE])
    taken = client.api.inspect_image(BASE)["Id"]
    client.api.tag(taken, "kept", "1")  # so that it can be put back as it was
    client.api.remove_image(BASE)
    try:
        Experiment(client, name="ada", images=archive).volume()
        assert client.api.inspect_image(BASE)["Id"] == taken
        tidy.clean()
        with pytest.raises(docker.errors.NotFound):
            client.api.inspect_image(BASE)
    finally:
        client.api.tag(taken, *BASE.split(":"))
        client.api.remove_image("kept:1")


def _closed_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


# --- taken back: the last of the tests, as it leaves nothing of the whole


def test_every_step_is_taken_back(whole: Run, client: DockerClient, as_it_was: Contents) -> None:
    """From the last to the first: the storage is as it was, to the byte, and so is what counts as done."""
    experiment = whole.experiment
    with pytest.raises(RegvizError, match="take back collect_wrongly first"):
        experiment.undo("push")
    for name in reversed(OWN):
        assert name in experiment.undo(name)
        now = see(client, "regviz-data", None)
        assert (now.files, now.directories) == (whole.before(name).files, whole.before(name).directories), name
        done = set(experiment.steps().query("state == 'done'")["step"])
        assert done == set(OWN[: OWN.index(name)]) - {"look"}, name
    with pytest.raises(RegvizError, match="was not done"):
        experiment.undo("registry")
    assert contents(client) == as_it_was
