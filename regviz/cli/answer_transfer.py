"""Commands that answer what moves, and what happened: transfer, history, tag-history, stale-tags, growth, forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question
from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.output import is_for_people, write_lines, write_table
from regviz.cli.quantities import Age, ByteCount

if TYPE_CHECKING:
    import datetime as dt

    from regviz.analysis.growing import Grown
    from regviz.analysis.pulls import Client
    from regviz.analysis.times import Period
    from regviz.cli.asked import Asked
    from regviz.registry import Registry


@click.command()
@click.option("--having", metavar="REF", multiple=True, help="What the host has pulled before; may be repeated.")
@click.option(
    "--platform",
    metavar="OS/ARCH",
    help="Which image of a multi-platform tag, as os/architecture[/variant]; all: every one. [default: this host's]",
)
@click.option(
    "--client",
    type=click.Choice(["docker", "content-store"]),
    default="docker",
    show_default=True,
    help="docker: an engine with graph drivers, which reuses layers from the base up; content-store: containerd, "
    "an OCI layout, a mirror, which reuses whatever digest it has.",
)
@click.option("--matrix", is_flag=True, help="Every pair: a row for what the host has, a column for what it pulls.")
@click.option("--script", is_flag=True, help="A shell script that packs them for a host without a network, with ctr.")
@click.option("--registry", metavar="HOST", help="With --script: the registry to fetch from. [default: a live SOURCE]")
@question
@click.argument("references", nargs=-1, metavar="REF…")
def transfer(
    *,
    asked: Asked,
    references: tuple[str, ...],
    having: tuple[str, ...],
    platform: str | None,
    client: Client,
    matrix: bool,
    script: bool,
    registry: str | None,
) -> None:
    """Say what pulling images moves.

    REF is repository:tag, repository@digest or a digest; several are pulled one after the other. moved_bytes is what a
    host fetches that has pulled what --having names, or nothing. With --matrix and without REF: all tags that
    --repository and --tag choose.
    """
    from regviz import analysis
    from regviz.text import format_bytes

    if not references and not matrix:
        raise click.UsageError("Say what is pulled: give SOURCE, then one REF or several.")
    if matrix and (having or script):
        raise click.UsageError("--matrix has every image as what the host has: leave --having and --script out.")
    reg = asked.read()
    if script:
        text = analysis.bundle_script(reg, references, having=having, platform=platform, registry=registry)
        write_lines(text.splitlines(), asked.output)
    elif matrix:
        with asked.working("transfers"):
            answer = analysis.transfer_matrix(reg, references or _chosen(asked, reg), platform=platform, client=client)
        for why in answer.attrs["cannot"].values() if references else ():
            _note(asked, why)
        if not references:  # what nobody named, and nobody pulls, is in nobody's way
            cannot = [*answer.attrs["cannot"]]
            answer = answer[~answer["having"].isin(cannot)].drop(columns=cannot)
        write_table(answer if asked.top is None else answer.head(asked.top), asked.format_, asked.output)
    else:
        answer = analysis.transfer(reg, references, having=having, platform=platform, client=client)
        asked.show(answer, reg)
        said = [f"{format_bytes(answer.attrs[f'{name}_bytes'])} {name}" for name in ("moved", "reused", "absent")]
        _note(asked, f"{', '.join(said)} ({client}, {answer.attrs['platform']})")


def _note(asked: Asked, text: str) -> None:
    """A line below a table that a person looks at."""
    from regviz.text import escape_terminal

    if is_for_people(asked.format_, asked.output) and asked.output is None:
        write_lines([escape_terminal(text)], None)


def _chosen(asked: Asked, reg: Registry) -> list[str]:
    """The tags that the filters choose."""
    matches = repository_matcher(asked.repositories, asked.excluded)
    tags = choose_rows(reg.tags[reg.tags["manifest"].notna()], reg, matches, asked.tag)
    return [f"{repository}:{tag}" for repository, tag in zip(tags["repository"], tags["tag"], strict=True)]


@click.command()
@click.option(
    "--by",
    type=click.Choice(["day", "week", "month", "year"]),
    default="month",
    show_default=True,
    help="How long a period is.",
)
@question
def history(*, asked: Asked, by: Period) -> None:
    """Say when it grew, and what that still costs.

    added_bytes: of the blobs that came in a period and lie there still. exclusive_bytes: of what only tags that were
    last pushed in it reach. basis says what the times rest on: pushed, on the storage's own; created, on what images
    say of themselves.
    """
    from regviz.analysis import history as history_of

    registry = asked.read()
    with asked.working("history"):
        answer = history_of(registry, by=by)
    asked.show(answer, registry)


@click.command("tag-history")
@question
def tag_history(*, asked: Asked) -> None:
    """Say what tags point to and pointed to.

    Of Distribution storage, each manifest that a tag was pushed to, since when and until when, and the bytes that are
    left of it which no tag reaches today; of other sources, what tags point to now.
    """
    from regviz.analysis import tag_history as tag_history_of

    registry = asked.read()
    asked.show(tag_history_of(registry), registry)


@click.command("stale-tags")
@click.option(
    "--older-than",
    metavar="AGE",
    type=Age(),
    default="90d",
    show_default=True,
    help="24h, 90d, 12w before the reading.",
)
@question
def stale_tags(*, asked: Asked, older_than: dt.timedelta) -> None:
    """List tags that nobody has pushed for long.

    exclusive_bytes: of what no other tag reaches. basis: pushed, or created, where only the image says when it was
    made, and nobody knows when it was pushed.
    """
    from regviz.analysis import stale_tags as stale_tags_of
    from regviz.text import count_noun, format_bytes

    registry = asked.read()
    answer = stale_tags_of(registry, older_than=older_than)
    asked.show(answer, registry)
    together = (
        f"{count_noun(len(answer), 'stale tag')}: {format_bytes(answer.attrs['stale_bytes'])} that no other tag reaches"
    )
    unknown = answer.attrs["unknown_tags"]
    _note(asked, together + (f"; {count_noun(unknown, 'tag')} of unknown age" if unknown else ""))


@click.command()
@click.option(
    "--by",
    type=click.Choice(["reading", "repository", "namespace", "tag", "layer"]),
    default="reading",
    show_default=True,
    help="What a row is; layer: the layers that are new.",
)
@question
@click.argument("others", nargs=-1, metavar="SOURCE…", type=click.Path(readable=False))
def growth(*, asked: Asked, others: tuple[str, ...], by: Grown) -> None:
    """Say how it grew between readings.

    Each SOURCE is a reading of one registry at another time: captures, archives. In any order.
    """
    from regviz.analysis import growth as growth_of

    registries = [asked.read(), *(asked.read(each) for each in others)]
    with asked.working("growth"):
        answer = growth_of(registries, by=by)
    asked.show(answer, registries[-1])


@click.command()
@click.option("--disk", metavar="BYTES", type=ByteCount(), required=True, help="What its blobs may take: 500GB, 2TiB.")
@question
@click.argument("others", nargs=-1, metavar="SOURCE…", type=click.Path(readable=False))
def forecast(*, asked: Asked, others: tuple[str, ...], disk: int) -> None:
    """Say when the disk will be full.

    A straight line through the readings of one registry at different times (captures, archives), at least two; of
    three or more, how sure it is: earliest and latest are the ends of the slope's 95 % confidence interval.
    """
    from regviz.analysis import forecast as forecast_of

    registries = [asked.read(), *(asked.read(each) for each in others)]
    asked.show(forecast_of(registries, disk=disk), registries[-1])
