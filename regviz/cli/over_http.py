"""Options of reading what is not on this machine: a live registry, object storage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from regviz.live.options import LiveOptions

_PREFIX, _OBJECTS = "http_", "objects_"
_LONGEST_LIST = 64 << 20

HTTP_OPTIONS = (
    click.option(
        "--repositories",
        _PREFIX + "repositories",
        metavar="NAME|GLOB|@FILE",
        multiple=True,
        help="Of a live registry, read only these repositories; names alone need no catalog. @FILE has one a line.",
    ),
    click.option(
        "--connections",
        _PREFIX + "connections",
        metavar="N",
        type=click.IntRange(1, 256),
        help="Connections to a live registry. [default: 16]",
    ),
    click.option(
        "--rate",
        _PREFIX + "rate",
        metavar="N",
        type=click.FloatRange(min=0, min_open=True),
        help="Requests a second to a live registry, at most.",
    ),
    click.option(
        "--cache",
        _PREFIX + "cache",
        metavar="DIR",
        type=click.Path(file_okay=False),
        help="Where to keep what a live registry answered. [default: the user's cache folder]",
    ),
    click.option("--no-cache", _PREFIX + "no_cache", is_flag=True, help="Keep nothing of what it answered."),
    click.option(
        "--insecure", _PREFIX + "insecure", is_flag=True, help="Allow plain HTTP to other machines than this one."
    ),
    click.option(
        "--allow-pull-marks",
        _PREFIX + "allow_pull_marks",
        is_flag=True,
        help="Read a live registry also where that changes when images were last pulled, or fills a cache.",
    ),
)


OBJECT_OPTIONS = (
    click.option(
        "--anonymous",
        _OBJECTS + "anon",
        is_flag=True,
        help="Read object storage (s3://, gs://, az://) without logging in.",
    ),
    click.option(
        "--endpoint-url",
        _OBJECTS + "endpoint_url",
        metavar="URL",
        help="Where object storage answers, if not at its provider's usual place.",
    ),
)


def taken_object_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options of object storage out of what a command was given, as fsspec calls them."""
    said = {name: given.pop(name) for name in list(given) if name.startswith(_OBJECTS)}
    return {name.removeprefix(_OBJECTS): value for name, value in said.items() if value}


def taken_http_options(given: dict[str, Any]) -> LiveOptions:
    """Take these options out of what a command was given; those that were not given are left out."""
    said = {name.removeprefix(_PREFIX): given.pop(name) for name in list(given) if name.startswith(_PREFIX)}
    if said.pop("no_cache", False):
        if said.get("cache"):
            raise click.UsageError("--cache and --no-cache exclude each other.")
        said["cache"] = False
    if said.get("repositories"):
        said["repositories"] = [name for word in said["repositories"] for name in _names(word)]
    unset: tuple[object, ...] = (None, ())
    kept = {name: value for name, value in said.items() if value not in unset and (value or name == "cache")}
    return cast("LiveOptions", kept)


def _names(word: str) -> list[str]:
    if not word.startswith("@"):
        return [word]
    with Path(word[1:]).open(encoding="utf-8", errors="backslashreplace") as file:
        lines = file.read(_LONGEST_LIST).splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise click.UsageError(f"{word[1:]} names no repository: it has one a line.")
    return names
