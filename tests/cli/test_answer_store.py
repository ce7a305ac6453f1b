"""regviz states and regviz composition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import regviz as rv
from regviz.read import read
from tests.cli.running import WORLD, done, run
from tests.helpers import V1Store, image_id

if TYPE_CHECKING:
    from pathlib import Path


def test_states_are_the_function() -> None:
    result = run("states", WORLD, "--min-age", "1h", "--format", "json")
    assert result.exit_code == 0, result.output
    frame = rv.states(read(WORLD, links="check"))
    assert json.loads(result.stdout) == json.loads(frame.to_json(orient="records"))
    assert sum(row["bytes"] for row in json.loads(result.stdout)) == frame.attrs["stored_bytes"]


def test_composition_is_the_function() -> None:
    result = run("composition", WORLD, "--parts", "30", "--repository", "team/*", "--format", "json")
    assert result.exit_code == 0, result.output
    frame = rv.composition(read(WORLD), parts=30)
    teams = frame[frame["repository"].str.startswith("team/").fillna(value=False)]
    rows = json.loads(result.stdout)
    assert rows
    assert {row["repository"] for row in rows} <= {*teams["repository"]}
    assert [row["bytes"] for row in rows] == teams["bytes"].tolist()


def test_orphaned_images_of_v1_are_untagged_where_an_index_lists_them(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    tagged, listed, alone = (image_id(number) for number in range(3))
    store.tag("library/app", "1", store.image(tagged))
    store.image(listed, layer=b"listed")
    store.image(alone, layer=b"nobody's")
    store.index("library/app", [{"id": tagged}, {"id": listed}])
    said = {row["state"]: row for row in json.loads(done("states", tmp_path, "--format", "json"))}
    assert (said["untagged"]["bytes"], said["unreferenced"]["bytes"]) == (6, 8)
    assert said["untagged"]["meaning"].endswith("by digest or id")
    for limit, most in (("--max-untagged", 6), ("--max-unreferenced", 8)):
        assert [run("check", tmp_path, limit, str(bytes_)).exit_code for bytes_ in (most, most - 1)] == [0, 3]
    assert "Of v1: of orphaned images that an index lists." in " ".join(done("check", "--help").split())
