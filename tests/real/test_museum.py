"""The catalogue of the museum is what real servers, a real client and the real collector do in its rooms."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from regviz.world import Push, museum
from tests.real.distribution import ACCEPT_ALL, distribution
from tests.real.service import request, require_program
from tests.real.v1_server import v1_registry
from tests.world.replay import tell_distribution
from tests.world.test_museum import CATALOGUE
from tests.world.zoo import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regviz.world.museum import Room
    from tests.real.distribution import DistributionServer
    from tests.real.service import Answer
    from tests.real.tools import Skopeo
    from tests.real.v1_server import V1Server

pytestmark = pytest.mark.real

ROOMS = museum()
OF = {layout: [name for name, room in ROOMS.items() if room.layout == layout] for layout in ("distribution", "v1")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """One server for all rooms: it keeps nothing in memory, so its storage may be another at any time."""
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("museum")) as started:
        yield started


def enter(root: Path, name: str) -> Room:
    shutil.rmtree(root, ignore_errors=True)
    ROOMS[name].tree.save(root)
    return ROOMS[name]


def hold(answer: Answer, status: int, rest: list[Any], place: str) -> None:
    """An answer has the status; and the error's code, or so many bytes."""
    assert answer.status == status, (place, answer.status, answer.body[:300])
    if rest and isinstance(rest[0], int):
        assert len(answer.body) == rest[0], place
    elif rest:
        said = answer.json()
        assert rest[0] == (said["error"] if "error" in said else said["errors"][0]["code"]), place


def pulls(server: DistributionServer, skopeo: Skopeo, target: Path) -> str:
    """Whether skopeo can pull the image: empty, or what it complains about."""
    try:
        skopeo.copy(server.reference("app", "latest"), f"dir:{target}")
    except AssertionError as error:
        return str(error)
    return ""


def collects(server: DistributionServer, *options: str) -> bool:
    command = ["docker-registry", "garbage-collect", "--dry-run", *options, str(server.config)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", OF["distribution"])
def test_distribution_does_what_the_catalogue_says(
    server: DistributionServer, skopeo: Skopeo, name: str, tmp_path: Path
) -> None:
    room, said = enter(server.root, name), CATALOGUE[name]
    for method, path, status, *rest in said["asks"]:
        place = path.format(**room.names)
        hold(request(server.port, method, f"/v2/{place}", None, {"Accept": ACCEPT_ALL}), status, rest, place)
    complaint = pulls(server, skopeo, tmp_path / "first")
    assert (complaint == "") == (said["pull"] == "works"), complaint
    assert said["pull"] != "elsewhere" or room.names["base"] in complaint
    stops = [not collects(server, *options) for options in ((), ("-m",))]
    assert stops == {"runs": [False, False], "stops": [True, True], "stops with -m": [False, True]}[said["collector"]]
    assert room.content is not None
    tell_distribution(server, Push(repository="app", at=NOON, content=room.content), signer=server)
    if said["pull"] != "elsewhere":
        assert (pulls(server, skopeo, tmp_path / "again") == "") == said["again"]


@pytest.mark.parametrize("name", OF["v1"])
def test_the_server_of_2014_does_what_the_catalogue_says(v1_server_of_rooms: V1Server, name: str) -> None:
    server = v1_server_of_rooms
    room, said = enter(server.root, name), CATALOGUE[name]
    for method, path, status, *rest in said["asks"]:
        place = path.format(**room.names)
        hold(server.request(method, place), status, rest, place)
    top = server.request("GET", "repositories/app/tags/latest").json()
    listed = server.request("GET", f"images/{top}/ancestry")
    ids = listed.json() if listed.status == 200 else []
    parts = [server.request("GET", f"images/{one}/{part}").status for one in ids for part in ("json", "layer")]
    comes = bool(ids) and set(parts) == {200}
    whole = set(ids) == {room.names["base"], room.names["layer"]}
    assert said["pull"] == ("works" if comes and whole else "differs" if comes else "fails")


@pytest.fixture(scope="module")
def v1_server_of_rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V1Server]:
    with v1_registry(tmp_path_factory.mktemp("museum-v1")) as started:
        yield started
