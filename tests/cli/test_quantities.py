"""Bytes and ages, as they are written on a command line."""

from __future__ import annotations

import datetime as dt

import click
import pytest
from click.testing import CliRunner

from regviz.cli.quantities import Age, ByteCount


@click.command()
@click.option("--free", type=ByteCount())
@click.option("--older-than", type=Age(), default=dt.timedelta(days=1))
def command(free: int | None, older_than: dt.timedelta) -> None:
    click.echo(f"{free} {older_than.total_seconds():.0f}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--free", "10GB"], "10000000000 86400"),
        (["--free", "10GiB"], "10737418240 86400"),
        (["--free", "0"], "0 86400"),
        (["--older-than", "24h"], "None 86400"),
        (["--older-than", "90d"], "None 7776000"),
        (["--older-than", "12W"], "None 7257600"),
        (["--older-than", "0.5d"], "None 43200"),
    ],
)
def test_what_is_written(words: list[str], said: str) -> None:
    result = CliRunner().invoke(command, words)
    assert (result.exit_code, result.stdout) == (0, f"{said}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--free", "ten"], "write for example 10GB"),
        (["--free", "-1"], "write for example 10GB"),
        (["--free", "9" * 400], "more than can be"),
        (["--older-than", "3m"], "write for example 24h (hours)"),
        (["--older-than", "90"], "write for example 24h (hours)"),
        (["--older-than", "-1d"], "write for example 24h (hours)"),
        (["--older-than", "9" * 400 + "d"], "longer than there is time"),
        (["--older-than", "9999999999d"], "longer than there is time"),
    ],
)
def test_what_is_no_quantity_is_answered_with_one(words: list[str], said: str) -> None:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
