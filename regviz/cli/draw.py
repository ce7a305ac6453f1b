"""The command that draws any figure into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from regviz.cli.asked import Asked
from regviz.cli.options import binary_output, output_option, reading_options, repository_options, tag_option, top_option

if TYPE_CHECKING:
    from regviz.cli.options import Reading
    from regviz.plot.saving import FileFormat

_FORMATS = ("svg", "png", "pdf")


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.argument("words", nargs=-1, metavar="[SOURCE] [REF...]", type=click.Path(readable=False))
@click.option("--by", metavar="GRAIN", help="What a row of the answer is, as the command of its name takes it.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="A suffix of FILE says it too. [default: svg]")
@click.option(
    "--dpi", type=click.IntRange(36, 600), default=144, show_default=True, help="Dots per inch of a PNG; 72 are 1:1."
)
@repository_options
@tag_option
@top_option
@output_option
@reading_options
def figure(
    name: str | None,
    words: tuple[str, ...],
    *,
    by: str | None,
    format_: FileFormat | None,
    dpi: int,
    output: str | None,
    reading: Reading,
    **chosen: Any,
) -> None:
    """Draw a figure of an answer.

    NAME is that of a function of rv.plot, with hyphens; without it, all are listed. compare-images takes two references
    after SOURCE, grid and transfer-matrix any number (without any, of each repository the largest image),
    steps-on-disk one, compare-registries a second source; --repository and its like choose rows of the others' answers.
    """
    from regviz.cli import figures
    from regviz.plot.saving import figure_file

    if name is None:
        widest = max(map(len, figures.names()))
        for each in figures.names():
            click.echo(f"{each:{widest}}  {figures.meaning(each)}")
        return
    suffix = Path(output or "x.svg").suffix.lower().removeprefix(".")
    if format_ is None and suffix not in _FORMATS:
        raise click.UsageError(f"{output} does not say what to write: give --format, or a FILE.{{svg,png,pdf}}")
    source = words[0] if words else None
    asked = Asked(source=source, format_=None, output=output, reading=reading, **chosen)
    axes = figures.draw(name, asked, words[1:], by)
    with binary_output(output) as file:
        file.write(figure_file(axes, format_ or cast("FileFormat", suffix), dpi=dpi))
