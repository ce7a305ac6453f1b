"""Commands that make something: report, capture, lab, world."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from regviz.cli.options import reading_options, refuse_to_harm, source_argument
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from regviz.cli.options import Reading
    from regviz.layouts.common import Links
    from regviz.registry import Registry


@click.command()
@source_argument
@click.argument("newer", required=False, metavar="[NEWER]", type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(readable=False),
    default="report.html",
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--notebook",
    metavar="NAME",
    type=click.Path(readable=False),
    help="Another notebook than the report's: one that ships, by its name, or your own .ipynb file.",
)
@click.option("--summary", is_flag=True, help="One page for paper: five numbers, one figure, three things to do.")
@reading_options
def report(
    source: str | None, newer: str | None, *, output: str, notebook: str | None, summary: bool, reading: Reading
) -> None:
    """Write the report, one HTML file.

    It asks the network for nothing. Its path is printed. Of two sources, an older and a NEWER one or a registry and its
    mirror, it says what appeared, moved and went.
    """
    from regviz.report import report as write_report
    from regviz.report.build import find_notebook
    from regviz.report.reading import read_for_report

    for each in (source, newer) if newer is not None else (source,):
        refuse_to_harm(each, output)
    if summary and (newer is not None or notebook is not None):
        raise click.UsageError("--summary is of one source" if newer is not None else "--summary is a notebook already")
    if notebook is not None:
        find_notebook(notebook)  # what is not there is said before anything is read

    def read(place: str | None) -> Registry:
        def reader(*, links: Links, measure: bool) -> Registry:
            return replace(reading, links=links).read(place, measure=measure)

        return read_for_report(place, reader, links=reading.links)

    readings = read(source) if newer is None else [read(source), read(newer)]
    made = write_report(readings, output, notebook=notebook, summary=summary, progress=reading.bars())
    click.echo(escape_terminal(str(made)))


@click.command()
@source_argument
@click.option(
    "-o",
    "--output",
    metavar="NAME.regviz",
    type=click.Path(readable=False),
    required=True,
    help="The folder to make, or to make anew.",
)
@click.option("--measure", is_flag=True, help="Measure all files too: what regviz reconcile needs.")
@reading_options
def capture(source: str | None, *, output: str, measure: bool, reading: Reading) -> None:
    """Save the tables as Parquet.

    A capture is read in the registry's place. Its path is printed. Nothing of what layers contain is in it, and no
    credential; what looks like a secret in instructions and labels is ***, unless --show-values.
    """
    refuse_to_harm(source, output)
    registry = reading.read(source, measure=measure)
    with reading.working("writing"):
        registry.save(output)
    click.echo(escape_terminal(output))


@click.command()
@source_argument
@click.option(
    "--folder", metavar="DIR", type=click.Path(file_okay=False), help="Where to work. [default: regviz-notebooks]"
)
@click.option("--port", type=click.IntRange(0, 65535), help="The port on this machine; 0 for any that is free.")
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser.")
@click.option("--check", is_flag=True, help="Start nothing, but say within a minute what this machine lacks for it.")
@click.pass_context
def lab(
    ctx: click.Context, source: str | None, *, folder: str | None, port: int | None, browser: bool, check: bool
) -> None:
    """Start JupyterLab on the notebooks.

    rv.read() in them reads SOURCE. Without one, the lessons come first.
    """
    from regviz.report import lab as jupyter

    if check:
        from regviz.cli.machine import say_what_lacks

        ctx.exit(say_what_lacks(folder or jupyter.FOLDER, open_browser=browser))
    ctx.exit(jupyter.lab(source, folder=folder or jupyter.FOLDER, port=port, open_browser=browser))


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option(
    "--layout",
    type=click.Choice(
        ["v1", "distribution", "oci", "docker-save", "capture", "unfolding-v1", "unfolding-distribution", "museum"]
    ),
    default="v1",
    show_default=True,
    help="v1: Docker Registry of 2014. distribution: every registry since. oci: an OCI image layout. docker-save: what "
    "lies in an archive of docker save. capture: what regviz saves of it. unfolding-v1, unfolding-distribution: the "
    "article's registry after each step, each in a folder of its own. museum: broken registries, likewise.",
)
def world(directory: str, *, layout: str) -> None:
    """Lay a small registry out in DIR.

    It is there to be looked at, with find and with regviz.
    """
    from regviz.world import small_world, write

    place = shlex.quote(escape_terminal(directory))
    if layout == "capture":
        from regviz.read import read
        from regviz.share import shipped_world

        read(shipped_world()).save(directory)
        click.echo(f"A small registry's tables lie in {place}, as regviz capture saves them. Look at them:\n")
        look = f"regviz table {place} tags"
    elif layout not in ("v1", "distribution", "oci", "docker-save"):
        _series(directory, layout)
        return
    else:
        write(small_world(), directory, layout)
        click.echo(f"A small registry lies in {place}, as its server would have left it. Look at it:\n")
        look = f"regviz tree {place}"
    for command in (f"find {place}", look, f"regviz report {place} -o report.html"):
        click.echo(f"    {command}")


def _series(directory: str, layout: str) -> None:
    """Lay several registries out, each in a folder of its own."""
    from regviz.world import FileTree, museum, unfolding

    whole = FileTree()
    if layout == "museum":
        trees = [(name, room.tree) for name, room in museum().items()]
        said, commands = "Broken registries lie", ("tree {}/layer-missing", "doctor {}/layer-missing")
    else:
        trees = unfolding(layout.removeprefix("unfolding-"))
        said, commands = "A registry lies", ("tree {}/1-pushed", "tree-changes {0}/2-shared {0}/3-overwritten")
    for name, tree in trees:
        whole.put(name, tree)
    place = shlex.quote(escape_terminal(str(whole.save(directory))))
    what = "one a folder" if layout == "museum" else "as it was after each step, one a folder"
    click.echo(f"{said} in {place}, {what}. Look at them:\n")
    for command in commands:
        click.echo(f"    regviz {command.format(place)}")
