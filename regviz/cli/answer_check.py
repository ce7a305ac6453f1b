"""Commands that say how a registry is: check, doctor."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.asked import Asked, question
from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import output_option, reading_options, source_argument
from regviz.cli.output import is_for_people, terminal_width, write_lines, write_table
from regviz.cli.quantities import ByteCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from regviz.cli.options import Reading
    from regviz.problems import Severity
    from regviz.registry import Registry

_WIDTH = 100
BROKEN, CANNOT_KNOW = 3, 4
"""Exit codes of ``check``; 1 is any other failure, 2 wrong usage, as of all commands."""


class Percent(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.2
    """A number of percent, ``5%`` or ``2.5``; a float."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Work it out, or say how it is written."""
        if isinstance(value, float):
            return value
        if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,6})?\s*%?\s*", value):
            self.fail(f"{value!r} is no percentage; write for example 5% or 2.5%", param, ctx)
        return float(value.strip().removesuffix("%"))


@click.command()
@source_argument
@click.option("--max-unreferenced", metavar="BYTES", type=ByteCount(), help="Most bytes that nothing leads to: 10GB.")
@click.option(
    "--max-untagged",
    metavar="BYTES",
    type=ByteCount(),
    help="Most bytes of untagged manifests alone: 50GB. Of v1: of orphaned images that an index lists.",
)
@click.option(
    "--max-growth", metavar="PERCENT", type=Percent(), help="Most growth of stored bytes since the baseline: 5%."
)
@click.option("--baseline", metavar="SOURCE", help="What --max-growth is measured from: a capture, for example.")
@click.option(
    "--no-problem",
    type=click.Choice(["error", "warning", "info"]),
    help="That there is no problem so bad, or worse.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "junit", "prometheus"]),
    default="text",
    show_default=True,
    help="text: a line a limit; json: an object; junit: XML for pipelines; prometheus: text for its collectors.",
)
@output_option
@reading_options
def check(  # noqa: PLR0913  # one an option
    source: str | None,
    *,
    max_unreferenced: int | None,
    max_untagged: int | None,
    max_growth: float | None,
    baseline: str | None,
    no_problem: Severity | None,
    format_: str,
    output: str | None,
    reading: Reading,
) -> None:
    """Hold a registry to limits.

    For pipelines and monitoring. The exit code is 0 where all limits are held, 3 where one is broken, 4 where none is
    broken and one cannot be known from this source; 1 where SOURCE cannot be read, 2 where the command is wrong.
    """
    from regviz.analysis import check as check_of
    from regviz.cli.verdicts import FORMATS

    if (max_growth is None) != (baseline is None):
        raise click.UsageError("--max-growth and --baseline go together.")
    limits: dict[str, Any] = {
        "max_unreferenced": max_unreferenced,
        "max_untagged": max_untagged,
        "max_growth": max_growth,
        "no_problem": no_problem,
    }
    if all(limit is None for limit in limits.values()):
        raise click.UsageError(
            "Nothing to check: give --max-unreferenced, --max-untagged, --max-growth or --no-problem."
        )
    asked = Asked(
        source=source,
        repositories=(),
        excluded=(),
        tag=None,
        top=None,
        format_=None,
        output=output,
        reading=reading,
    )
    reg = asked.read(links="check")
    table = check_of(reg, baseline=None if baseline is None else asked.read(baseline), **limits)
    write_lines(FORMATS[format_](table, reg.source), output)
    held = table.attrs["held"]
    if held is not True:
        click.get_current_context().exit(CANNOT_KNOW if held is None else BROKEN)


@click.command()
@question
def doctor(*, asked: Asked) -> None:
    """Say what is wrong, and what to do.

    The problems of a registry, grouped by the rule that they break, the worst first: what it means, who says so, what
    to do, and the first places. Links of layers are looked into. Every single place is a row of the table problems:
    regviz table SOURCE problems.
    """
    from regviz.analysis.diagnosis import diagnose

    reg = asked.read(links="check")
    chosen = choose_rows(reg.problems, reg, repository_matcher(asked.repositories, asked.excluded), asked.tag)
    table = diagnose(chosen, links_checked=reg.source.links_checked)
    shown = table if asked.top is None else table.head(asked.top)
    if is_for_people(asked.format_, asked.output):
        write_lines(_explained(shown, table, reg, terminal_width(asked.output) or _WIDTH), asked.output)
    else:
        write_table(shown, asked.format_, asked.output)


def _explained(shown: pd.DataFrame, table: pd.DataFrame, reg: Registry, width: int) -> Iterator[str]:
    """The answer as text for a person."""
    from regviz.analysis.diagnosis import EXAMPLES
    from regviz.text import count_noun, escape_terminal

    counts = [count_noun(table.attrs[severity], severity) for severity in ("error", "warning")]
    counts.append(f"{table.attrs['info']:,} good to know")
    yield f"{escape_terminal(reg.source.uri)}: {', '.join(counts)}"
    columns = [shown[name].astype(object).tolist() for name in _SHOWN]
    for rule, severity, count, repositories, meaning, action, source, aborts, examples in zip(*columns, strict=True):
        places = [count_noun(count, "place")]
        places += [f"in {count_noun(repositories, 'repository', 'repositories')}"] if repositories else []
        yield ""
        yield f"{severity}: {rule}  ({' '.join(places)})"
        said = [meaning, f"→ {action}", f"[{source}]"]
        said += [f"Stops the collector: {aborts}"] if isinstance(aborts, str) else []
        said += [f"At {escape_terminal(examples)}" + ("; …" if count > EXAMPLES else "")] if examples else []
        for text in said:
            yield from textwrap.wrap(
                text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            )
    if len(shown) < len(table):
        yield ""
        yield f"and {count_noun(len(table) - len(shown), 'more rule')}"
    if not len(table):
        yield "Nothing is wrong, as far as this source tells."


_SHOWN = ("rule", "severity", "count", "repositories", "meaning", "action", "source", "aborts", "examples")
