"""Commands that answer a question: sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import (
    format_option,
    output_option,
    reading_options,
    refuse_to_harm,
    repository_options,
    source_argument,
    tag_option,
    top_option,
)
from regviz.cli.output import write_table

if TYPE_CHECKING:
    import re

    from regviz.analysis.members import Grain
    from regviz.cli.options import Reading, TableFormat


@click.command()
@source_argument
@click.option(
    "--by",
    type=click.Choice(["repository", "tag", "namespace", "manifest", "layer", "platform"]),
    default="repository",
    show_default=True,
    help="What a row is.",
)
@repository_options
@tag_option
@top_option
@format_option
@output_option
@reading_options
def sizes(  # noqa: PLR0913  # one an option
    source: str | None,
    *,
    by: Grain,
    repositories: tuple[str, ...],
    excluded: tuple[str, ...],
    tag: re.Pattern[str] | None,
    top: int | None,
    format_: TableFormat | None,
    output: str | None,
    reading: Reading,
) -> None:
    """Say whose bytes they are.

    unique_bytes: of the distinct blobs a row reaches. exclusive_bytes: of those that no other row reaches, what goes
    with it. amortised_bytes: each blob divided among the rows that reach it. Filters choose rows; the bytes are always
    those within the whole registry.
    """
    from regviz.analysis import sizes as sizes_of

    refuse_to_harm(source, output)
    registry = reading.read(source)
    with reading.working("sizes"):
        answer = sizes_of(registry, by=by)
    frame = choose_rows(answer, registry, repository_matcher(repositories, excluded), tag)
    write_table(frame if top is None else frame.head(top), format_, output)
