"""who-uses, bases, nearest-base, ancestors, descendants, compare, diff, churn: they print what the functions give."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, get_args

import click
import pandas as pd
import pytest

import regviz as rv
from regviz.analysis.comparison.registries import WHATS
from regviz.analysis.remade import ChurnGrain
from regviz.cli.app import main
from regviz.read import read
from tests.cli.running import WORLD, WORLD_V1, done, run
from tests.helpers import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from regviz.registry import Registry

ASKED: dict[str, tuple[list[str], Callable[[Registry], pd.DataFrame]]] = {
    "who-uses": (["library/base:12"], lambda reg: rv.who_uses(reg, "library/base:12")),
    "ancestors": (["team/api:1.0"], lambda reg: rv.ancestors(reg, "team/api:1.0")),
    "descendants": (["base:latest"], lambda reg: rv.descendants(reg, "base:latest")),
    "steps-on-disk": (["base:12"], lambda reg: rv.steps_on_disk(reg, "base:12")),
    "bases": ([], rv.bases),
    "nearest-base": ([], rv.nearest_base),
    "compare": (
        ["team/web:1.0", "team/web:1.1", "team/web:2.0"],
        lambda reg: rv.compare_images(reg, ["team/web:1.0", "team/web:1.1", "team/web:2.0"]),
    ),
    "churn": (["--by", "repository", "--near", "0.5"], lambda reg: rv.churn(reg, by="repository", near=0.5)),
    "diff": ([str(WORLD_V1), "--same"], lambda reg: rv.compare_registries(reg, read(WORLD_V1))),
}


def as_records(table: pd.DataFrame) -> list[dict[str, object]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


@pytest.mark.parametrize("command", ASKED)
def test_commands_print_what_the_functions_give(command: str, tmp_path: Path) -> None:
    words, function = ASKED[command]
    expected = function(read(WORLD))
    assert len(expected) > 0
    assert json.loads(done(command, WORLD, *words, "--format", "json")) == as_records(expected)
    done(command, WORLD, *words, "-o", tmp_path / "answer.parquet")
    assert list(pd.read_parquet(tmp_path / "answer.parquet").columns) == list(expected.columns)
    assert len(pd.read_csv(io.StringIO(done(command, WORLD, *words, "--format", "csv")))) == len(expected)
    said = done(command, WORLD, *words)
    assert f"{len(expected):,} row" in said


def test_choices_are_those_of_the_functions() -> None:
    for command, option, values in (("churn", "by", get_args(ChurnGrain)), ("diff", "what", WHATS)):
        [parameter] = [each for each in main.commands[command].params if each.name == option]
        assert isinstance(parameter.type, click.Choice)
        assert tuple(parameter.type.choices) == tuple(values)


class TestWhatIsSaid:
    """What a person learns beside the table; a program gets the table alone."""

    def test_the_blast_radius(self) -> None:
        users = rv.who_uses(read(WORLD), "base:latest")
        said = done("who-uses", WORLD, "base:latest")
        assert f"{users.attrs['tags']} tags of {users.attrs['repositories']} repositories" in said
        assert "and 1 image that no tag reaches" in said
        assert "the same layers have: library/base:latest" in done("descendants", WORLD, "base:latest")

    def test_the_verdicts(self) -> None:
        said = done("compare", WORLD, "team/web:2.0", "team/web:2.0-zstd")
        assert "team/web:2.0-zstd, 6 layers, 55.2 KiB: recompressed (the same content in every layer" in said
        assert "shared by all: 0 B" in said

    def test_differences(self) -> None:
        said = done("diff", WORLD, WORLD)
        assert "0 rows" in said
        assert "tags: 0 appeared, 0 moved, 0 went, 22 same (by manifest)" in said
        assert "NEW lacks 0 blobs of OLD's tags: 0 B" in said
        other = done("diff", WORLD_V1, WORLD)
        assert "lacks" not in other
        assert "tags: 11 appeared, 0 moved, 0 went, 0 same, 11 unknown (by name)" in other

    def test_what_is_lost(self) -> None:
        assert "lost: 33.2 KiB of 197 KiB of layers" in done("churn", WORLD_V1)

    def test_names_are_harmless(self, tmp_path: Path) -> None:
        Store(tmp_path).image("app", [b"one"], "1")
        result = run("compare", tmp_path, "app:1", "app:1\x1b[31m")
        assert result.exit_code == 1
        assert "\x1b" not in result.output


class TestWords:
    def test_the_source_may_be_left_out(self) -> None:
        given = {"REGVIZ_SOURCE": str(WORLD)}
        assert done("who-uses", "base:12", **given) == done("who-uses", WORLD, "base:12")
        assert done("compare", "base:12", "nodejs:20", **given) == done("compare", WORLD, "base:12", "nodejs:20")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["who-uses"], "Missing argument"),
            (["who-uses", "a", "b", "c"], "Got too many arguments: c"),
            (["compare", "base:12"], "takes a SOURCE and two REF"),
            (["compare", str(WORLD), "base:12"], "takes a SOURCE and two REF"),
            (["diff", str(WORLD)], "Missing argument 'NEW'"),
        ],
    )
    def test_wrong_words_are_explained(self, words: list[str], said: str) -> None:
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr

    @pytest.mark.parametrize("command", ["who-uses", "ancestors", "descendants"])
    def test_what_is_not_there_is_one_line(self, command: str) -> None:
        result = run(command, WORLD, "base:13")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("regviz: 'base:13' is no tag, digest or id of ")
        assert "library/base:12" in result.stderr


def test_rows_are_chosen_and_the_bytes_stay() -> None:
    everything = json.loads(done("nearest-base", WORLD, "--format", "json"))
    chosen = json.loads(done("nearest-base", WORLD, "--repository", "team/*", "--tag", "^1", "--format", "json"))
    assert chosen == [row for row in everything if row["repository"].startswith("team/") and row["tag"].startswith("1")]
    assert len(json.loads(done("bases", WORLD, "--top", "2", "--format", "json"))) == 2
    tags = json.loads(done("diff", WORLD_V1, WORLD, "--what", "tag", "--format", "json"))
    assert {row["what"] for row in tags} == {"tag"}
    assert "same" not in {row["change"] for row in tags}


def test_nothing_is_written_into_either_source(tmp_path: Path) -> None:
    for name in ("old", "new"):
        Store(tmp_path / name).image("app", [b"one"], "1")
        result = run("diff", tmp_path / "old", tmp_path / "new", "-o", tmp_path / name / "diff.csv")
        assert result.exit_code == 1
        assert "nothing is written to a source" in result.stderr
