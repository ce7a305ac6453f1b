"""The command that shows what a storage has gained and lost: tree-changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.cli.options import Reading, output_option, reading_options, refuse_to_harm
from regviz.cli.output import chosen_format, terminal_width, write_lines, write_table

if TYPE_CHECKING:
    from regviz.cli.output import TextFormat


@click.command("tree-changes")
@click.argument("old", metavar="OLD", type=click.Path())
@click.argument("new", metavar="NEW", type=click.Path())
@click.option("--full", is_flag=True, help="Show every entry that differs, on a line of its own.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "csv", "json", "parquet"]),
    help="text (the default), or a table. A suffix of FILE says it too.",
)
@output_option
@reading_options
def tree_changes(
    old: str, new: str, *, full: bool, format_: TextFormat | None, output: str | None, reading: Reading
) -> None:
    """Print what differs between two storages.

    OLD and NEW are what tree takes: a copy of a storage and the storage, two archives of it. An empty folder is a
    registry that has written nothing yet. + came, - went, ~ changed; what repeats is shown once or twice, and the rest
    counted, as tree does. Files of at most 4 KiB are compared by what they hold, longer ones by their lengths.
    """
    from regviz.tree import changes

    for source in (old, new):
        refuse_to_harm(source, output)
    chosen = chosen_format("table" if format_ == "text" else format_, output)
    found = changes(
        reading.opened(old),
        reading.opened(new),
        partial=reading.partial,
        progress=reading.bars(),
        storage_options=reading.storage_options,
    )
    if chosen == "table":
        write_lines(found.text(terminal_width(output), full=full).splitlines(), output)
    else:
        write_table(found.table, chosen, output)
