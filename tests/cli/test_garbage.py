"""The command ``garbage``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import click
import pytest

import regviz as rv
from regviz.analysis.collectors import CollectorName
from regviz.cli.app import main
from regviz.read import read
from tests.cli.running import WORLD, WORLD_V1, done, run
from tests.helpers import OCI_INDEX, OCI_MANIFEST, Store, descriptor, encode, rows

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["kind", "digest", "repository", "bytes", "state", "reason"]


@pytest.mark.parametrize("collector", ["reachability", "distribution-2.8", "distribution-2.8-m"])
def test_it_prints_what_the_function_returns(collector: CollectorName) -> None:
    result = run("garbage", WORLD, "--collector", collector, "--format", "json")
    table = rv.garbage(read(WORLD, links="check"), collector=collector)
    assert [tuple(row.values()) for row in json.loads(result.stdout)] == rows(table, *COLUMNS)
    assert len(table)


def test_choices_are_those_of_the_function() -> None:
    [option] = [each for each in main.commands["garbage"].params if each.name == "collector"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == get_args(CollectorName)


def test_a_v1_storage_is_asked_for_what_no_tag_reaches() -> None:
    found = json.loads(done("garbage", WORLD_V1, "--format", "json"))
    assert found
    assert {row["state"] for row in found} <= {"untagged", "unreferenced"}


@pytest.fixture
def index(tmp_path: Path) -> str:
    """A tagged index of one image that has no tag of its own."""
    store = Store(tmp_path)
    child = store.image("app", [b"child"])
    entries = [descriptor(store.blob_path(child).read_bytes(), OCI_MANIFEST)]
    return store.push("app", encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}), "1")


def test_what_breaks(tmp_path: Path, index: str) -> None:
    result = run("garbage", tmp_path, "--collector", "distribution-2.8-m")
    assert result.stderr == "regviz: distribution-2.8-m keeps and breaks 1 manifest; --breaks lists it\n"
    result = run("garbage", tmp_path, "--collector", "distribution-2.8-m", "--breaks", "--format", "json")
    [row] = json.loads(result.stdout)
    assert (row["repository"], row["manifest"], row["kind"], row["tags"], row["lost"]) == (
        *("app", index, "index", 1, "child"),
    )
    assert json.loads(done("garbage", tmp_path, "--breaks", "--format", "json")) == []


def test_where_it_stops(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.layer_link("app", "sha256:" + "ab" * 32, b"")
    store.directory("repositories/app/_manifests/tags")
    result = run("garbage", tmp_path, "--collector", "distribution-3")
    assert result.exit_code == 0
    assert result.stderr == f"regviz: distribution-3 stops: the link of layer sha256:{'ab' * 32} in app is empty\n"


def test_the_age(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    store.blob(b"alone")
    assert len(json.loads(done("garbage", tmp_path, "--format", "json"))) == 1
    assert json.loads(done("garbage", tmp_path, "--min-age", f"{365 * 100}d", "--format", "json")) == []
    assert run("garbage", tmp_path, "--min-age", "-1h").exit_code == 2


def test_a_source_that_cannot_know_is_refused() -> None:
    result = run("garbage", WORLD, "--collector", "v1")
    assert result.exit_code == 1
    assert result.stderr.startswith("regviz: v1 collects v1 storage")
    assert result.stderr.count("\n") == 1
