"""What commands have in common: the source, how to read it, what to choose, where to write."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

import click

from regviz.cli.progress import progress_bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.layouts.common import Links, Progress
    from regviz.registry import Registry

F = TypeVar("F", bound="Callable[..., Any]")
TableFormat = Literal["table", "csv", "json", "parquet"]

source_argument = click.argument("source", required=False, metavar="[SOURCE]", type=click.Path())
output_option = click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to a file instead of standard output."
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="table: for people (the default); csv; json: a list of records; parquet. A suffix of FILE says it too.",
)
top_option = click.option("--top", metavar="N", type=click.IntRange(min=0), help="Only the first N rows.")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a command reads its source."""

    links: Links = "stat"
    times: bool | None = None
    partial: bool = False
    strict: bool = False
    progress: bool | None = None

    def bars(self) -> Progress:
        """Progress bars, as they were asked for."""
        return progress_bars(self.progress)

    def read(self, source: str | None, *, measure: bool = False) -> Registry:
        """Read the source; say what it is where none was named."""
        from regviz.read import SOURCE_VARIABLE, read

        if source is None and not os.environ.get(SOURCE_VARIABLE):
            click.echo("regviz: no SOURCE was given: this is the small world that comes with regviz", err=True)
        return read(
            source,
            strict=self.strict,
            links=self.links,
            times=self.times,
            measure=measure,
            partial=self.partial,
            progress=self.bars(),
        )


def reading_options(command: F) -> F:
    """``--links``, ``--times``, ``--partial``, ``--strict``, ``--progress``: they arrive as one `Reading`."""
    from functools import wraps

    @wraps(command)
    def with_reading(
        links: Links, times: bool | None, partial: bool, strict: bool, progress: bool | None, **others: Any  # noqa: FBT001
    ) -> Any:
        return command(reading=Reading(links, times, partial, strict, progress), **others)

    options = (
        click.option(
            "--links",
            type=click.Choice(["stat", "check", "open"]),
            default="stat",
            show_default=True,
            help="How far to look into Distribution's links. stat: revision links must be there; check: layer links too, "
            "and odd ones are read; open: all are read.",
        ),
        click.option(
            "--times/--no-times",
            default=None,
            help="Whether file times tell when things were pushed. [default: unless they look like a copy's]",
        ),
        click.option("--partial", is_flag=True, help="Go on with what was read where an archive breaks off."),
        click.option("--strict", is_flag=True, help="Fail where the registry has errors or warnings, and list them."),
        click.option(
            "--progress/--no-progress",
            default=None,
            help="Show progress on what takes longer than a second. [default: on a terminal]",
        ),
    )
    decorated: Any = with_reading
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def repository_options(command: F) -> F:
    """``--repository`` and ``--exclude``."""
    options = (
        click.option("--repository", "repositories", metavar="GLOB", multiple=True, help="Only repositories like this."),
        click.option("--exclude", "excluded", metavar="GLOB", multiple=True, help="No repositories like this."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def refuse_to_harm(source: str | None, output: str | None) -> None:
    """Nothing is ever written to a source: neither over it nor into it.

    Raises
    ------
    RegvizError
        The output is the source, or lies in it.
    """
    from regviz.errors import RegvizError

    if source is None or output is None:
        return
    place, target = Path(source).resolve(), Path(output).resolve()
    if target == place or (place.is_dir() and place in target.parents):
        message = f"{output} lies in the source {source}, and regviz writes nothing to a source: give another FILE"
        raise RegvizError(message)


@contextmanager
def binary_output(path: str | None) -> Iterator[IO[bytes]]:
    """A file to write bytes to, or standard output."""
    if path is not None:
        with Path(path).open("wb") as file:
            yield file
    else:
        sys.stdout.flush()
        stream = click.get_binary_stream("stdout")
        yield stream
        stream.flush()
