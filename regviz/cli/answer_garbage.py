"""Commands on what could go: garbage, states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question
from regviz.cli.output import write_table
from regviz.cli.quantities import Age

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from regviz.analysis.collectors import CollectorName
    from regviz.cli.asked import Asked


@click.command()
@click.option(
    "--collector",
    type=click.Choice(
        ["reachability", "distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m", "v1"]
    ),
    help="Whose deletions: those of Distribution's garbage-collect (-m: with --delete-untagged), or what nothing "
    "leads to (the default; v1: no tag).",
)
@click.option("--breaks", is_flag=True, help="List what the collector keeps and breaks instead.")
@click.option(
    "--min-age",
    type=Age(),
    default="24h",
    show_default=True,
    metavar="AGE",
    help="What is younger may belong to a push that is under way.",
)
@question
def garbage(*, asked: Asked, collector: CollectorName | None, breaks: bool, min_age: dt.timedelta) -> None:
    """List what a collector would delete.

    Nothing is deleted: this says what would go, why, and how many bytes that frees; where the real collector would
    stop, and what it would break. Filters choose rows; what is garbage rests on the whole registry.
    """
    from regviz.analysis import garbage as garbage_of

    registry = asked.read(links="check")
    with asked.working("garbage"):
        answer = garbage_of(registry, collector=collector, min_age=min_age)
    for line in _said(answer):
        click.echo(f"regviz: {line}", err=True)
    asked.show(_breaks(answer) if breaks else answer, registry)


@click.command("states")
@click.option(
    "--min-age",
    type=Age(),
    default="24h",
    show_default=True,
    metavar="AGE",
    help="What is younger may belong to a push that is under way.",
)
@question
def states(*, asked: Asked, min_age: dt.timedelta) -> None:
    """Say what keeps the bytes of the store.

    Every blob that is there has one state, and counts once: a tag leads to it, or only a signature of something tagged,
    or only an untagged manifest, or nothing; or it is too young, or not all was read, to tell.
    """
    from regviz.analysis import states as states_of

    registry = asked.read(links="check")
    with asked.working("states"):
        answer = states_of(registry, min_age=min_age)
    write_table(answer if asked.top is None else answer.head(asked.top), asked.format_, asked.output)


def _said(answer: pd.DataFrame) -> list[str]:
    """What the rows do not say."""
    from regviz.text import count_noun, escape_terminal, format_bytes

    facts, said = answer.attrs, []
    if facts["abort"]:
        said.append(f"{facts['collector']} stops: {facts['abort']}")
    if facts["error_at_end"]:
        said.append(f"{facts['collector']}: {facts['error_at_end']}")
    if facts["breaks"]:
        count = len(facts["breaks"])
        broken = count_noun(count, "manifest")
        said.append(f"{facts['collector']} keeps and breaks {broken}; --breaks lists {'it' if count == 1 else 'them'}")
    if facts["unknown_bytes"]:
        said.append(f"{format_bytes(facts['unknown_bytes'])} are in no row: not all was read that could lead to them")
    return [escape_terminal(line) for line in said]


def _breaks(answer: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    columns = ["repository", "manifest", "kind", "tags", "lost", "digest"]
    return pd.DataFrame(answer.attrs["breaks"], columns=columns).astype(
        {name: "Int64" if name == "tags" else "str" for name in columns}
    )
