"""What commands have in common: the source, how to read it, what to choose, where to write."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import click

from regviz.cli.over_http import HTTP_OPTIONS, OBJECT_OPTIONS, taken_http_options, taken_object_options
from regviz.cli.progress import progress_bars, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from regviz.layouts.common import Links, Progress
    from regviz.live.containers import Opened
    from regviz.live.options import LiveOptions
    from regviz.registry import Registry

    Command = Callable[..., Any]

TableFormat = Literal["table", "csv", "json", "parquet"]
LINKS: tuple[Links, ...] = ("stat", "check", "open")
"""How far links can be looked into, the nearest first."""


class RegularExpression(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.2
    """A regular expression, compiled."""

    name = "regular expression"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> re.Pattern[str]:
        """Compile it, or say why it cannot be."""
        try:
            return re.compile(value)
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)


# That a path may not be read is said by who reads it, and in one line.
source_argument = click.argument("source", required=False, metavar="[SOURCE]", type=click.Path(readable=False))
output_option = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False),
    help="Write to a file instead of standard output.",
)
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="table: for people (the default); csv; json: a list of records; parquet. A suffix of FILE says it too.",
)
tag_option = click.option(
    "--tag", metavar="REGEX", type=RegularExpression(), help="Only tags in which this is found; ^ and $ are their ends."
)
top_option = click.option("--top", metavar="N", type=click.IntRange(min=0), help="Only the first N rows.")


ENGINE_OPTIONS = (
    click.option("--yes", is_flag=True, help="Read more than 2 GB of a container or volume through its engine."),
    click.option(
        "--helper",
        is_flag=True,
        help="For a volume that no container uses, have one made: read-only, never started, removed again.",
    ),
    click.option("--helper-image", metavar="IMAGE", help="The engine's image to make it of. [default: the smallest]"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a command reads its source."""

    links: Links = "stat"
    times: bool | None = None
    partial: bool = False
    strict: bool = False
    show_values: bool = False
    progress: bool | None = None
    yes: bool = False
    helper: bool = False
    helper_image: str | None = None
    target: str | None = None
    over_http: LiveOptions = field(default_factory=lambda: cast("LiveOptions", {}))
    storage_options: dict[str, Any] = field(default_factory=dict)

    def bars(self) -> Progress:
        """Progress bars, as they were asked for."""
        return progress_bars(wanted=self.progress)

    def working(self, what: str) -> AbstractContextManager[None]:
        """Say what takes its time, where that was asked for and it does."""
        return working(what, wanted=self.progress)

    def opened(self, source: str | Opened | None) -> str | Opened | None:
        """The source, opened where it lies in a container, which is to be asked once; the target must not lie in it."""
        from regviz.live.containers import Opened, is_container, open_source
        from regviz.live.options import Access
        from regviz.read import source_path

        path = source_path(source)
        if isinstance(source, Opened) or not is_container(path):
            return source
        access = Access(self.yes, self.helper, self.helper_image)
        opened = open_source(path, access=access, partial=self.partial, progress=self.bars())
        refuse_to_harm(opened, self.target)
        return opened

    def read(self, source: str | Opened | None, *, measure: bool = False) -> Registry:
        """Read the source; say what it is where none was named."""
        from regviz.read import SOURCE_VARIABLE, read

        if source is None and not os.environ.get(SOURCE_VARIABLE):
            click.echo("regviz: no SOURCE was given: this is the small world that comes with regviz", err=True)
        registry = read(
            self.opened(source),
            strict=self.strict,
            links=self.links,
            times=self.times,
            measure=measure,
            partial=self.partial,
            show_values=self.show_values,
            progress=self.bars(),
            yes=self.yes,
            helper=self.helper,
            helper_image=self.helper_image,
            storage_options=self.storage_options,
            **self.over_http,
        )
        if not registry.complete:
            click.echo(
                "regviz: not everything could be read, and what seems to be missing may be there; regviz doctor says "
                "what was in the way",
                err=True,
            )
        return registry


def reading_options(command: Command) -> Command:
    """What all say on how to read, with the options of engines, HTTP and object storage: as one `Reading`."""

    @wraps(command)
    def with_reading(**given: Any) -> Any:
        own = {each.name: given.pop(each.name) for each in fields(Reading) if each.name in given}
        over_http, storage_options = taken_http_options(given), taken_object_options(given)
        reading = Reading(**own, target=given.get("output"), over_http=over_http, storage_options=storage_options)
        return command(reading=reading, **given)

    return _decorated(
        with_reading,
        click.option(
            "--links",
            type=click.Choice(LINKS),
            default="stat",
            show_default=True,
            help="How far to look into Distribution's links. stat: revision links must be there; "
            "check: layer links too, and odd ones are read; open: all are read.",
        ),
        click.option(
            "--times/--no-times",
            default=None,
            help="Whether file times tell when things were pushed. [default: unless they look like a copy's]",
        ),
        click.option("--partial", is_flag=True, help="Go on with what was read where an archive breaks off."),
        click.option("--strict", is_flag=True, help="Fail where the registry has errors or warnings; list them."),
        click.option(
            "--show-values", is_flag=True, help="Show what looks like a secret in instructions and labels, not ***."
        ),
        click.option(
            "--progress/--no-progress",
            default=None,
            help="Show progress on what takes longer than a second. [default: on a terminal]",
        ),
        *ENGINE_OPTIONS,
        *HTTP_OPTIONS,
        *OBJECT_OPTIONS,
    )


def engine_options(command: Command) -> Command:
    """``--yes``, ``--helper`` and ``--helper-image``, one by one."""
    return _decorated(command, *ENGINE_OPTIONS)


def object_options(command: Command) -> Command:
    """``--anonymous`` and ``--endpoint-url``, as `storage_options`."""

    @wraps(command)
    def with_objects(**given: Any) -> Any:
        return command(storage_options=taken_object_options(given), **given)

    return _decorated(with_objects, *OBJECT_OPTIONS)


def repository_options(command: Command) -> Command:
    """``--repository`` and ``--exclude``."""
    return _decorated(
        command,
        click.option(
            "--repository", "repositories", metavar="GLOB", multiple=True, help="Only repositories like this."
        ),
        click.option("--exclude", "excluded", metavar="GLOB", multiple=True, help="No repositories like this."),
    )


def _decorated(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def refuse_to_harm(source: str | Opened | None, output: str | None) -> None:
    """Nothing is ever written to a source: neither over it nor into it.

    Raises
    ------
    RegvizError
        The output is the source, or lies in it.
    """
    from regviz.errors import RegvizError
    from regviz.live.containers import Opened
    from regviz.read import source_path

    place = source.folder() if isinstance(source, Opened) else source_path(source)
    if output is None or place is None:
        return
    folder, target = Path(place).resolve(), Path(output).resolve()
    if folder in (target, *target.parents):
        raise RegvizError(f"{output} lies in the source {place}, and nothing is written to a source: give another FILE")


@contextmanager
def binary_output(path: str | None) -> Iterator[IO[bytes]]:
    """A file to write bytes to, or standard output."""
    if path is not None:
        with Path(path).open("wb") as file:
            yield file
    else:
        sys.stdout.flush()
        stream = sys.stdout.buffer
        yield stream
        stream.flush()
