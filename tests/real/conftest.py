"""Real components, started on the loopback with every file in pytest's own folder, and stopped at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

import regviz as rv
from regviz import share
from regviz.report import report
from tests.real.answers import ask_everything
from tests.real.content import push_content
from tests.real.distribution import distribution
from tests.real.experiment_engine import experiment_engine as experiment_engine_at
from tests.real.exploring import watched
from tests.real.one_world import one_world as one_world_at
from tests.real.packed import FORMS, pack
from tests.real.service import require_program
from tests.real.tools import Buildah, Skopeo
from tests.real.v1_content import push_v1_content
from tests.real.v1_server import v1_registry
from tests.together import common_folder, once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.containers import Engine
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer
    from tests.real.one_world import World
    from tests.real.v1_content import V1Content
    from tests.real.v1_server import V1Server

ALONE = [
    "--no-sandbox",  # root has no other way to start it
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


@pytest.fixture(scope="session")
def distribution_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """Distribution 2.8 on an empty storage folder, with schema 1 and deletion switched on."""
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("distribution")) as server:
        yield server


@pytest.fixture(scope="session")
def skopeo(tmp_path_factory: pytest.TempPathFactory) -> Skopeo:
    return Skopeo(require_program("skopeo", "skopeo"), tmp_path_factory.mktemp("skopeo"))


@pytest.fixture(scope="session")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    return Buildah(require_program("buildah", "buildah"), tmp_path_factory.mktemp("buildah"))


@pytest.fixture(scope="session")
def content(
    distribution_server: DistributionServer,
    skopeo: Skopeo,
    buildah: Buildah,
    tmp_path_factory: pytest.TempPathFactory,
) -> Content:
    """What was pushed to the server, overwritten and deleted; nothing changes the registry after this."""
    return push_content(distribution_server, skopeo, buildah, tmp_path_factory.mktemp("content"))


@pytest.fixture(scope="session")
def answers(distribution_server: DistributionServer, skopeo: Skopeo, content: Content) -> Answers:
    """What the server's API says of that content."""
    return ask_everything(distribution_server, skopeo, content)


@pytest.fixture(scope="session", params=FORMS)
def registry(
    request: pytest.FixtureRequest,
    distribution_server: DistributionServer,
    answers: Answers,  # noqa: ARG001  nothing is packed before all was pushed and asked
    tmp_path_factory: pytest.TempPathFactory,
) -> Registry:
    """The server's storage as regviz reads it, in each form in turn."""
    source = pack(distribution_server.root, request.param, tmp_path_factory.mktemp("packed"))
    read = rv.read(source, times=True)
    read.check()
    return read


@pytest.fixture(scope="session")
def one_world(skopeo: Skopeo, buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One family of images in a registry and in an engine; nothing changes them after this."""
    with one_world_at(skopeo, buildah, tmp_path_factory.mktemp("one-world")) as world:
        yield world


@pytest.fixture(scope="session")
def experiment_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with a registry's image and a small base; each test leaves it as it was."""
    with experiment_engine_at(tmp_path_factory.mktemp("experiment")) as engine:
        yield engine


@pytest.fixture(scope="session")
def v1_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V1Server]:
    """docker-registry 0.9.1 on an empty storage folder."""
    with v1_registry(tmp_path_factory.mktemp("v1")) as server:
        yield server


@pytest.fixture(scope="session")
def v1_content(v1_server: V1Server) -> V1Content:
    """What was pushed to the v1 server; nothing changes the registry after this."""
    return push_v1_content(v1_server)


@pytest.fixture(scope="session", params=FORMS)
def v1_read(
    request: pytest.FixtureRequest,
    v1_server: V1Server,
    v1_content: V1Content,  # noqa: ARG001  nothing is packed before all was pushed
    tmp_path_factory: pytest.TempPathFactory,
) -> Registry:
    """The v1 server's storage as regviz reads it, in each form in turn."""
    source = pack(v1_server.root, request.param, tmp_path_factory.mktemp("packed-v1"))
    read = rv.read(source, times=True)
    read.check()
    return read


@pytest.fixture(scope="module")  # it keeps an event loop running, in which tests elsewhere could start none
def chromium() -> Iterator[Browser]:
    """Chromium that reaches no host, not even this one: what a page shows, it has from its own file."""
    program = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ALONE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def world() -> Registry:
    """The world that ships with regviz."""
    return rv.read(share.folder("data") / "world-distribution.tar.gz")


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of its report."""
    file = common_folder(tmp_path_factory, "explored") / "world.html"
    with once(file) as wanted:
        return report(share.folder("data") / "world-distribution.tar.gz", file) if wanted else file


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser's window of a common size."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, explored: Path) -> Iterator[Page]:
    """The report, watched: it may ask for nothing but itself, and complain of nothing."""
    page, asked, complaints = watched(context)
    page.goto(explored.as_uri())
    yield page
    assert {address.partition("#")[0] for address in asked} == {explored.as_uri()}
    assert complaints == []
