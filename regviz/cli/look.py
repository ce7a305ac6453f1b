"""Commands that show what lies there: detect, tree, table, graph, rules."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import (
    binary_output,
    format_option,
    output_option,
    reading_options,
    refuse_to_harm,
    repository_options,
    source_argument,
    top_option,
)
from regviz.cli.output import terminal_width, write_table

if TYPE_CHECKING:
    from regviz.cli.options import Reading, TableFormat


@click.command()
@source_argument
@format_option
@output_option
def detect(source: str | None, format_: TableFormat | None, output: str | None) -> None:
    """Say what SOURCE is, where its root lies, and why.

    It is recognised, and not read: a large storage takes no longer than a small one.
    """
    import pandas as pd

    from regviz.cli.recognition import detected

    refuse_to_harm(source, output)
    write_table(pd.DataFrame(detected(source), dtype="str"), format_, output)


@click.command()
@source_argument
@click.option("--full", is_flag=True, help="Show every entry, and every digest whole.")
@click.option("--depth", metavar="N", type=click.IntRange(min=1), help="Show N levels of directories.")
@repository_options
@click.option("--format", "format_", type=click.Choice(["text", "csv", "json", "parquet"]), help="text (the default) or a table.")
@output_option
@reading_options
def tree(
    source: str | None,
    *,
    full: bool,
    depth: int | None,
    repositories: tuple[str, ...],
    excluded: tuple[str, ...],
    format_: str | None,
    output: str | None,
    reading: Reading,
) -> None:
    """Print the storage as find does, each entry with what it is and whose it is.

    What repeats is shown once or twice, and the rest counted. With --repository or --exclude only repositories are
    shown, and up to forty of them are opened.
    """
    from regviz.tree import tree_lines, tree_rows

    refuse_to_harm(source, output)
    registry = reading.read(source)
    rows = tree_rows(
        source,
        registry=registry,
        full=full,
        depth=depth,
        chosen=repository_matcher(repositories, excluded),
        partial=reading.partial,
        progress=reading.bars(),
    )
