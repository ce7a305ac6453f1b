"""An experiment that breaks off in the middle of a step: clean leaves the engine as it was, and the step can be done again."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from regviz.experiment import STEPS, Experiment
from regviz.experiment.plan import all_needs
from tests.cli.running import start
from tests.real.experiment_seen import contents, see

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from tests.real.containers import Engine

pytestmark = pytest.mark.real

_EVENTS = {"tag": 1}
"""After how many events of the engine a step's process is killed; there are more in each but those here."""
_USUAL_EVENTS = 3
_REQUESTS = {"build": 1, "tag": 1, "volume": 2, "registry": 2, "look": 2}
"""After how many requests that change something a step breaks off."""
_USUAL_REQUESTS = 4
_PATIENCE, _ATTEMPTS = 30, 3
_CHANGING = frozenset(("POST", "PUT", "DELETE"))


class Stopped(BaseException):
    """What no step expects."""


@contextmanager
def stops_after(client: DockerClient, requests: int) -> Iterator[list[str]]:
    """Let a client break off when the engine has done so many requests that change something."""
    done: list[str] = []
    send = client.api.send

    def counting(request: Any, **options: Any) -> Any:
        answer = send(request, **options)
        if request.method in _CHANGING:
            done.append(request.url)
            if len(done) == requests:
                raise Stopped
        return answer

    client.api.send = counting
    try:
        yield done
    finally:
        client.api.send = send


def events_since(client: DockerClient, moment: float) -> int:
    """How much happened to an engine's containers, images and volumes."""
    window = {"since": f"{moment:.6f}", "until": f"{time.time():.6f}"}
    return sum(1 for _ in client.api.events(**window, filters={"type": ["container", "image", "volume"]}, decode=True))


def is_killed(engine: Engine, step: str) -> bool:
    """Whether a step's process could be killed while the engine was at work for it, before it had ended by itself."""
    word, since = "run-image" if step == "run" else step.replace("_", "-"), time.time()
    process = start("experiment", word, "--name", "bob", env={"DOCKER_HOST": engine.socket})
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        if events_since(engine.client, since) >= _EVENTS.get(step, _USUAL_EVENTS):
            process.kill()
            break
        time.sleep(0.005)
    said = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode != 0


@pytest.mark.parametrize("step", STEPS)
def test_clean_leaves_the_engine_as_it_was(experiment_engine: Engine, step: str) -> None:
    """Killed once, and broken off from inside once more, at half of what the step does."""
    client, experiment = experiment_engine.client, Experiment(experiment_engine.client, name="bob")
    before = contents(client)
    try:
        for name in all_needs(step):
            experiment.do(name)
        assert any(is_killed(experiment_engine, step) for _ in range(_ATTEMPTS)), "it was never slow enough"
        with stops_after(client, _REQUESTS.get(step, _USUAL_REQUESTS)) as done, pytest.raises(Stopped):
            experiment.do(step)
        assert done
    finally:
        experiment.clean()
    assert contents(client) == before


def test_a_step_that_broke_off_is_done_again(experiment_engine: Engine) -> None:
    """Wherever a step breaks off, the next attempt does it, and its undo leads to what was before the first."""
    client, experiment = experiment_engine.client, Experiment(experiment_engine.client, name="bob")
    before = contents(client)
    try:
        for step in STEPS[:5]:
            experiment.do(step)
        stored = see(client, "bob-data", None)
        for requests in range(2, 40, 4):
            with stops_after(client, requests) as done, suppress(Stopped):
                experiment.overwrite()
            if len(done) < requests:
                break
        assert requests > 6
        assert experiment.steps().set_index("step")["state"][["push", "overwrite"]].eq("done").all()
        experiment.undo("overwrite")
        assert see(client, "bob-data", None) == stored
        experiment.undo("push")
        assert see(client, "bob-data", None).files == {}
    finally:
        experiment.clean()
    assert contents(client) == before
