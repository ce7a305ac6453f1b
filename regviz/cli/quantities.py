"""Numbers of bytes and ages as people write them on a command line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from regviz.text import parse_age, parse_byte_count

if TYPE_CHECKING:
    from collections.abc import Callable


class ByteCount(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.2
    """A number of bytes: ``10GB`` is decimal, ``10GiB`` binary; an int."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Work it out, or say how it is written."""
        return value if isinstance(value, int) else int(_parsed(self, parse_byte_count, value, param, ctx))


class Age(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.2
    """A length of time: ``24h``, ``90d``, ``12w``; a `datetime.timedelta`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.timedelta:
        """Work it out, or say how it is written."""
        if isinstance(value, dt.timedelta):
            return value
        parsed: dt.timedelta = _parsed(self, parse_age, value, param, ctx)
        return parsed


def _parsed(
    kind: Any, parse: Callable[[str], Any], value: str, param: click.Parameter | None, ctx: click.Context | None
) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        kind.fail(str(error), param, ctx)
    except OverflowError:
        kind.fail(f"{value!r} is more than can be", param, ctx)
