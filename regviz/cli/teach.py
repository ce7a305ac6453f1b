"""Commands for who teaches: the notes, and notebooks of a shorter path."""

from __future__ import annotations

import click

from regviz.text import escape_terminal


@click.command()
def notes() -> None:
    """Print the notes for who teaches.

    For whom the lessons are, what to send out before, two shorter paths with their minutes, and where learners stumble.
    """
    from regviz.lesson.notes import notes as text

    click.echo(text(), nl=False)


@click.command("path")
@click.argument("minutes", type=click.Choice(["45", "90"]))
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False),
    default=".",
    help="The folder for them. [default: this one]",
)
def path_(minutes: str, *, output: str) -> None:
    """Write notebooks of a shorter path through the lessons.

    Each has just the sections that fit into so many MINUTES. Nothing is overwritten.
    """
    from regviz.lesson.paths import write

    for made in write(minutes, output):
        click.echo(escape_terminal(str(made)))
