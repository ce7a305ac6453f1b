"""Commands for lessons: what there is, their other forms, the glossary, and what a class guessed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from regviz.cli.options import binary_output, format_option, output_option
from regviz.cli.output import SUFFIXES, is_for_people, terminal_width, write_lines, write_table
from regviz.cli.teach import notes, path_
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from regviz.cli.options import TableFormat

_FIGURE = (".html", ".svg")


@click.group()
def lesson() -> None:
    """Lessons: list them, solve them, collect.

    A lesson is a notebook that asks, and says whether an answer is right: regviz lab opens them. These commands are
    for who teaches.
    """


lesson.add_command(notes)
lesson.add_command(path_)


@lesson.command("list")
@format_option
@output_option
def list_(format_: TableFormat | None, output: str | None) -> None:
    """List the lessons.

    With each what it asks, how many minutes it takes, and the archives it starts from.
    """
    from regviz.lesson import lessons

    write_table(lessons(), format_, output)


@lesson.command()
@click.argument("number", metavar="NN")
@click.option(
    "-o",
    "--output",
    metavar="FILE.ipynb",
    type=click.Path(readable=False),
    help="The file to write. [default: its name]",
)
def solution(number: str, *, output: str | None) -> None:
    """Write a lesson with its answers.

    NN is the lesson's number. Its path is printed.
    """
    import nbformat

    from regviz.lesson import forms
    from regviz.report.execute import read_notebook

    path = forms.path_of(number)
    target = output or f"{path.stem}-solution.ipynb"
    text = nbformat.writes(forms.solution(read_notebook(path)))
    with binary_output(target) as file:
        file.write(text.encode() + b"\n")
    click.echo(escape_terminal(target))


@lesson.command()
@click.argument("number", metavar="NN")
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(readable=False),
    help="The file to write. [default: its name]",
)
def page(number: str, *, output: str | None) -> None:
    """Write a lesson as a page.

    NN is the lesson's number. It is solved and run, and the page asks the network for nothing. Its path is printed.
    """
    from regviz.cli.progress import progress_bars
    from regviz.lesson import forms
    from regviz.report import report
    from regviz.share import shipped_world

    path = forms.path_of(number)
    made = report(
        shipped_world(), output or f"{path.stem}.html", notebook=path.stem, progress=progress_bars(wanted=None)
    )
    click.echo(escape_terminal(str(made)))


@lesson.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(readable=False),
    default="glossary.html",
    show_default=True,
    help="The file to write; csv, json or parquet by its suffix.",
)
def glossary(*, output: str) -> None:
    """Write all terms as a page.

    Each has its definition and where that is from. The path is printed.
    """
    if Path(output).suffix.lower() in SUFFIXES:
        from regviz.lesson import glossary as table

        write_table(table(), None, output)
    else:
        from regviz.report.lessons import glossary_page

        with binary_output(output) as file:
            file.write(glossary_page().encode())
    click.echo(escape_terminal(output))


@lesson.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(readable=False),
    default="cheatsheet.html",
    show_default=True,
    help="The file to write.",
)
def cheatsheet(*, output: str) -> None:
    """Write the layouts on one sheet of paper.

    One image in Docker Registry v1, in Distribution, as an OCI layout and as docker save writes it: one page of A4. The
    path is printed.
    """
    from regviz.lesson.cheatsheet import cheatsheet as sheet

    with binary_output(output) as file:
        file.write(sheet().encode())
    click.echo(escape_terminal(output))


@lesson.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("--each", is_flag=True, help="A row for each learner's guess and answer instead.")
@format_option
@output_option
def collect(files: tuple[str, ...], *, each: bool, format_: TableFormat | None, output: str | None) -> None:
    """Show a class's guesses and answers.

    FILE is what a learner wrote with lesson.export; a pattern such as lesson-01-*.json stands for all that fit it. With
    -o FILE.svg or FILE.html the guesses are drawn beside the truth. What cannot be taken is named and left out.
    """
    from regviz.lesson import answers
    from regviz.lesson import collect as summed

    rows = answers(files)
    for _, why in rows.attrs["refused"]:
        click.echo(f"regviz: left out: {escape_terminal(why)}", err=True)
    suffix = Path(output or "").suffix.lower()
    if output is not None and suffix in _FIGURE and format_ is None:
        with binary_output(output) as file:
            file.write(_drawn(rows, suffix))
        return
    table = rows if each else summed(rows)
    if each or not is_for_people(format_, output):
        write_table(table, format_, output)
    else:
        write_lines(_for_people(table, terminal_width(output)), output)


def _for_people(table: pd.DataFrame, width: int | None) -> Iterator[str]:
    """Guesses and answers in a table each, with the columns that mean something there."""
    from regviz.cli.human import human_table
    from regviz.lesson.collecting import CHECKED, PREDICTED

    parts = [("prediction", PREDICTED), ("check", CHECKED)]
    shown = [(table[table["kind"] == kind], columns) for kind, columns in parts]
    for number, (part, columns) in enumerate((part, columns) for part, columns in shown if len(part)):
        if number:
            yield ""
        yield from human_table(part[list(columns)], width)


def _drawn(rows: pd.DataFrame, suffix: str) -> bytes:
    from regviz import plot
    from regviz.plot.saving import figure_file

    axes = plot.guesses(rows)
    if suffix == ".svg":
        return figure_file(axes, "svg")
    from regviz.report.lessons import class_page

    return class_page(rows, axes).encode()
