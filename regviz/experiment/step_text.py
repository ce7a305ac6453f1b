"""A step as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.experiment.step import Step

_WIDE = 10_000
_OPTION = re.compile(r"(?<= )(--?[a-zA-Z][a-z-]*) (?=\S)")  # an option stays with its value


def step_lines(step: Step, width: int | None = None) -> Iterator[str]:
    """The lines of a step: its question, 2014's commands and today's, what was said, what changed, what was counted.

    Parameters
    ----------
    step : Step
    width : int, optional
        Columns to wrap to.

    Yields
    ------
    str
        A line, without control characters.
    """
    yield f"{step.name}: {escape_terminal(step.title)}"
    yield from textwrap.wrap(
        escape_terminal(step.question), width or _WIDE, initial_indent="  ", subsequent_indent="  "
    )
    yield ""
    yield from _block("2014", step.then, width)
    yield from _block("today", step.now, width)
    yield from _block("said", step.said, width)
    yield "  changed on disk"
    for line in step.changes.text(None if width is None else max(width - 4, 40)).splitlines():
        yield f"    {line}".rstrip()
    if counted := step.counted():
        yield ""
        widest = max(map(len, counted))
        yield from _block("counted", [f"{key:{widest}}  {value}" for key, value in counted.items()], width)


def _block(title: str, lines: Iterable[str], width: int | None) -> Iterator[str]:
    yield f"  {title}"
    for line in lines:
        safe = _OPTION.sub("\\1\0", escape_terminal(line))
        wrapped = textwrap.wrap(
            safe,
            width or _WIDE,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=False,
        )
        yield from (each.rstrip().replace("\0", " ") for each in wrapped or [""])
    yield ""
