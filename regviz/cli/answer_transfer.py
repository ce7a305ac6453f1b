"""Commands that answer what moves: transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question
from regviz.cli.choose import choose_rows, repository_matcher

if TYPE_CHECKING:
    from regviz.analysis.pulls import Client
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
    from regviz.cli.output import write_lines, write_table

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
        write_table(answer if asked.top is None else answer.head(asked.top), asked.format_, asked.output)
    else:
        asked.show(analysis.transfer(reg, references, having=having, platform=platform, client=client), reg)


def _chosen(asked: Asked, reg: Registry) -> list[str]:
    """The tags that the filters choose."""
    matches = repository_matcher(asked.repositories, asked.excluded)
    tags = choose_rows(reg.tags[reg.tags["manifest"].notna()], reg, matches, asked.tag)
    return [f"{repository}:{tag}" for repository, tag in zip(tags["repository"], tags["tag"], strict=True)]
