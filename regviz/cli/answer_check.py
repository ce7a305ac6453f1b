"""Commands that say how a registry is: doctor."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question
from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.output import SUFFIXES, terminal_width, write_lines, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from regviz.cli.asked import Asked
    from regviz.registry import Registry

_WIDTH = 100


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
    if asked.format_ in (None, "table") and Path(asked.output or "").suffix.lower() not in SUFFIXES:
        write_lines(_explained(shown, table, reg, terminal_width(asked.output) or _WIDTH), asked.output)
    else:
        write_table(shown, asked.format_, asked.output)


def _explained(shown: pd.DataFrame, table: pd.DataFrame, reg: Registry, width: int) -> Iterator[str]:
    """The answer as text for a person."""
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
        said += [f"At {escape_terminal(examples)}" + ("; …" if count > _EXAMPLES else "")] if examples else []
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
_EXAMPLES = 3
