"""The small world as a real server sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz.world import small_world, write
from tests.real.distribution import distribution
from tests.real.service import require_program
from tests.real.tools import Skopeo
from tests.real.v1_server import v1_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.distribution import DistributionServer
    from tests.real.v1_server import V1Server


@pytest.fixture(scope="session")
def registry_program() -> str:
    return require_program("docker-registry", "docker-registry")


@pytest.fixture(scope="session")
def served(registry_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """Distribution 2.8 on the small world's storage as regviz writes it."""
    with distribution(registry_program, tmp_path_factory.mktemp("served")) as server:
        write(small_world(), server.root, "distribution")
        yield server


@pytest.fixture
def fresh(registry_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """Distribution 2.8 on an empty folder."""
    with distribution(registry_program, tmp_path_factory.mktemp("fresh")) as server:
        yield server


@pytest.fixture
def fresh_v1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V1Server]:
    """The v1 server of 2014 on an empty folder."""
    with v1_registry(tmp_path_factory.mktemp("v1")) as server:
        yield server


@pytest.fixture(scope="session")
def copier(tmp_path_factory: pytest.TempPathFactory) -> Skopeo:
    return Skopeo(require_program("skopeo", "skopeo"), tmp_path_factory.mktemp("skopeo"))
