"""The museum: its rooms are small, its catalogue whole, and regviz finds in each room what the catalogue says."""

from __future__ import annotations

import re
import tarfile
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.problems import RULES
from regviz.world import first_push_world, museum, storage_tree
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "data" / "museum.toml").read_text(encoding="utf-8"))
SAID = ["layout", "title", "broken", "life", "rules", "asks", "pull", "sees", "do", "source"]
OF_DISTRIBUTION = ["again", "collector"]
PULLS = {"works", "fails", "elsewhere", "differs"}


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("museum")
    with tarfile.open(ROOT / "data" / "museum.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "museum"


def test_the_catalogue_has_every_room_and_says_all_of_it(laid_out: Path) -> None:
    rooms = museum()
    assert [*CATALOGUE] == [*rooms]
    assert {path.name for path in laid_out.iterdir()} == {*rooms}
    for name, said in CATALOGUE.items():
        expected = {*SAID, *(OF_DISTRIBUTION if said["layout"] == "distribution" else [])}
        assert set(said) == expected, name
        assert said["layout"] == rooms[name].layout
        assert said["pull"] in PULLS
        named = {word for ask in said["asks"] for word in re.findall(r"\{(\w+)\}", ask[1])}
        assert named <= {*rooms[name].names}
        assert all(rooms[name].names.values())
    assert len({said["title"] for said in CATALOGUE.values()}) == len(CATALOGUE)


def test_a_room_has_few_files_and_short_paths(laid_out: Path) -> None:
    """Twenty files fit on a page; a path has room for a folder of a person's own before it."""
    for room in laid_out.iterdir():
        files = [path for path in room.rglob("*") if path.is_file()]
        assert 0 < len(files) <= 20, room
        assert all(len(path.relative_to(laid_out.parent).as_posix()) < 200 for path in files)


@pytest.mark.parametrize("name", CATALOGUE)
def test_regviz_finds_what_the_catalogue_says_and_nothing_else(laid_out: Path, name: str) -> None:
    found = rv.read(laid_out / name, links="open", verify=True, times=True).problems
    assert sorted(set(found["rule"])) == CATALOGUE[name]["rules"]
    assert {*CATALOGUE[name]["rules"]} <= {*RULES}


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_in_a_whole_registry_nothing_is_found(layout: str, tmp_path: Path) -> None:
    """So what is found in a room is what was broken there."""
    whole = storage_tree(first_push_world(), layout).save(tmp_path / "whole")
    assert rv.read(whole, links="open", verify=True, times=True).problems.empty


def test_the_readme_counts_the_rooms() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| {len(CATALOGUE)} broken registries, " in text
    assert sum("Nothing" in said["broken"] for said in CATALOGUE.values()) == 3
    assert "Three rooms have nothing wrong" in text
