"""regviz what-if and delete-together."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, get_args

import click
import pytest

import regviz as rv
from regviz.analysis.collectors import CollectorName
from regviz.analysis.deletion import DeleteBy
from regviz.cli.app import main
from regviz.read import read
from tests.cli.running import WORLD, WORLD_V1, run
from tests.helpers import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def asked(*words: str | Path) -> tuple[list[dict[str, Any]], str]:
    """The rows and what is said of the whole."""
    result = run(*words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


def same(records: list[dict[str, Any]], frame: pd.DataFrame) -> None:
    assert records == json.loads(frame.to_json(orient="records"))


def test_what_if_is_the_function() -> None:
    records, said = asked(
        "what-if", WORLD, "--repository", "team/*", "--exclude", "team/api", "--tag", "^1", "--keep", "^1$"
    )
    chosen = ["team/web:1.0", "team/web:1.1"]
    frame = rv.what_if(read(WORLD, links="check"), tags=chosen)
    same(records, frame)
    assert "2 tags deleted: collecting (distribution-2.8) then frees" in said
    assert f"({frame.attrs['freed_bytes']:,} bytes)" in said


def test_every_option_arrives() -> None:
    words = ("--keep-last", "1", "--older-than", "52w", "--keep", "latest", "--delete-by", "tag")
    records, said = asked("what-if", WORLD, *words, "--collector", "distribution-3-m")
    frame = rv.what_if(
        read(WORLD, links="check"),
        keep_last=1,
        older_than="52w",
        keep="latest",
        delete_by="tag",
        collector="distribution-3-m",
    )
    same(records, frame)
    assert len(frame) > 0
    assert "collecting (distribution-3-m)" in said


def test_what_a_filter_chooses_to_delete_chooses_no_rows() -> None:
    records, _ = asked("what-if", WORLD, "--repository", "library/tiny")
    assert {record["kind"] for record in records} == {"tag", "manifest", "blob"}  # a blob belongs to no repository
    assert len(asked("what-if", WORLD, "--repository", "library/tiny", "--top", "2")[0]) == 2


def test_nothing_chosen_is_no_question() -> None:
    result = run("what-if", WORLD)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no tag was chosen" in result.stderr


def test_free_deletes_only_what_that_takes() -> None:
    reg = read(WORLD, links="check")
    together = rv.delete_together(reg, target=100_000)
    records, said = asked("what-if", WORLD, "--free", "100kB")
    same(records, rv.what_if(reg, tags=together))
    assert "5 tags free" in said
    _, said = asked("what-if", WORLD, "--free", "1", "--repository", "library/tiny", "--tag", "1")
    assert "\nregviz: 1 tag frees " in f"\n{said}"
    records, said = asked("what-if", WORLD, "--free", "1TB", "--tag", "latest")
    assert "931 GiB cannot be freed: all tags that may go free" in said


def test_delete_together_is_the_function() -> None:
    records, said = asked("delete-together", WORLD, "--free", "50 KiB", "--repository", "team/*")
    reg = read(WORLD, links="check")
    teams = reg.tags[reg.tags["repository"].astype(str).str.startswith("team/")]
    same(records, rv.delete_together(reg, target=51_200, tags=teams))
    assert "no fewer can" in said
    records, said = asked("delete-together", WORLD)
    same(records, rv.delete_together(reg))
    assert said == "regviz: 22 tags free 197 KiB (distribution-2.8)\n"


@pytest.mark.parametrize("command", ["what-if", "delete-together"])
def test_v1_is_asked_alike(command: str) -> None:
    _, said = asked(command, WORLD_V1, "--repository", "*")
    assert "(v1)" in said


def test_a_plan_is_written_and_answered_for(tmp_path: Path) -> None:
    script, document = tmp_path / "plan.sh", tmp_path / "plan.JSON"
    words = ("--repository", "nodejs", "--keep", "^latest$", "--plan")
    records, said = asked("what-if", WORLD, *words, script)
    reg = read(WORLD, links="check")
    plan = rv.deletion_plan(reg, repositories="nodejs", keep="^latest$")
    assert f"{script} has 1 request to delete 1 tag; 1 chosen stay, and it says why" in said
    made = script.read_text().splitlines()
    expected = rv.plan_script(plan).splitlines()
    assert [line for line in made if "as read at" not in line] == [
        line for line in expected if "as read at" not in line
    ]
    same(records, rv.what_if(reg, tags=["nodejs:20"]))
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    asked("what-if", WORLD, *words, document)
    assert json.loads(document.read_text()) | {"read_at": "", "header": ""} == (
        json.loads(rv.plan_json(plan)) | {"read_at": "", "header": ""}
    )


def test_nothing_is_written_into_a_source(tmp_path: Path) -> None:
    Store(tmp_path).image("app", [b"x"], "1")
    result = run("what-if", tmp_path, "--tag", ".", "--plan", tmp_path / "plan.sh")
    assert (result.exit_code, "nothing is written to a source" in result.stderr) == (1, True)
    assert not (tmp_path / "plan.sh").exists()


def test_hostile_names_are_shown_harmless(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.revision("other\x1b[31m", "sha256:" + "1" * 64, b"")
    store.directory("repositories/other\x1b[31m/_layers")
    store.image("app", [b"x"], "1")
    result = run("what-if", tmp_path, "--tag", ".")
    assert "but the collector would stop, and free nothing" in result.stderr
    assert "\x1b" not in result.output


def test_choices_are_those_of_the_functions() -> None:
    for command in ("what-if", "delete-together"):
        choices = {
            each.name: each.type.choices
            for each in main.commands[command].params
            if isinstance(each.type, click.Choice)
        }
        assert set(choices["collector"]) == set(get_args(CollectorName))
        assert set(choices["delete_by"]) == set(get_args(DeleteBy))


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--free", "much"], "10GB"), (["--older-than", "3m"], "24h (hours)"), (["--keep", "["], "no regular expression")],
)
def test_what_is_written_wrongly_is_said(words: list[str], said: str) -> None:
    result = run("what-if", WORLD, *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_curve_is_the_function() -> None:
    words = ("--policy", "oldest", "--policy", "together", "--repository", "team/*", "--keep", "latest")
    records, said = asked("what-if-curve", WORLD, *words, "--delete-by", "tag", "--collector", "distribution-3-m")
    reg = read(WORLD, links="check")
    teams = reg.tags[reg.tags["repository"].astype(str).str.startswith("team/")]
    how: dict[str, Any] = {"keep": "latest", "delete_by": "tag", "collector": "distribution-3-m"}
    frame = rv.what_if_curve(reg, policies=["oldest", "together"], tags=teams, **how)
    names = ["policy", "tags", "freed_bytes", "steps"]
    same([{name: record[name] for name in names} for record in records], frame[names])
    assert {"oldest", "together"} == {record["policy"] for record in records}
    assert said == ""
