"""The command that says what reading would take: plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regviz.cli.options import format_option, object_options, output_option, refuse_to_harm, source_argument
from regviz.cli.output import is_for_people, write_lines, write_table
from regviz.cli.over_http import HTTP_OPTIONS, taken_http_options

if TYPE_CHECKING:
    from regviz.cli.options import TableFormat


@click.command()
@source_argument
@format_option
@output_option
@object_options
def plan(
    source: str | None,
    *,
    format_: TableFormat | None,
    output: str | None,
    storage_options: dict[str, Any],
    **over_http: Any,
) -> None:
    """Say what reading SOURCE would take.

    How much there is and what it is, about how long it takes and how much memory, which rights suffice, what it would
    leave behind, and what to type next. Names alone are looked at, where they are many only some of them; of a live
    registry the catalog and the tags of a few repositories are asked for.
    """
    from regviz.plan import plan as plan_of

    refuse_to_harm(source, output)
    as_text = is_for_people(format_, output)
    found = plan_of(source, storage_options=storage_options, **taken_http_options(over_http))
    if as_text:
        write_lines(found.text().splitlines(), output)
    else:
        write_table(found.table(), format_, output)


for _option in reversed(HTTP_OPTIONS):
    plan = _option(plan)
