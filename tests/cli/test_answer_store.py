"""regviz states and regviz composition."""

from __future__ import annotations

import json

import regviz as rv
from regviz.read import read
from tests.cli.running import WORLD, run


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
