"""Commands that answer a question: sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question

if TYPE_CHECKING:
    from regviz.analysis.members import Grain
    from regviz.cli.asked import Asked


@click.command()
@click.option(
    "--by",
    type=click.Choice(["repository", "tag", "namespace", "manifest", "layer", "platform"]),
    default="repository",
    show_default=True,
    help="What a row is.",
)
@question
def sizes(*, asked: Asked, by: Grain) -> None:
    """Say whose bytes they are.

    unique_bytes: of the distinct blobs a row reaches. exclusive_bytes: of those that no other row reaches, what goes
    with it. amortised_bytes: each blob divided among the rows that reach it. Filters choose rows; the bytes are always
    those within the whole registry.
    """
    from regviz.analysis import sizes as sizes_of

    registry = asked.read()
    with asked.working("sizes"):
        answer = sizes_of(registry, by=by)
    asked.show(answer, registry)
