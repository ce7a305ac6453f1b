"""What ``regviz lab --check`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.text import count_noun, escape_terminal

if TYPE_CHECKING:
    from regviz.report.lab_check import Finding


def say_what_lacks(folder: str, *, open_browser: bool) -> int:
    """Write a line for each thing that was looked at, as soon as it is known; 1 where something lacks, else 0."""
    from regviz.report.lab_check import lab_check

    lacking = 0
    for finding in lab_check(folder, open_browser=open_browser, engine=_engine):
        click.echo(escape_terminal(str(finding)))
        lacking += finding.ok is False
    click.echo(f"\n{count_noun(lacking, 'thing')} to do first." if lacking else "\nThis machine is ready.")
    return int(lacking > 0)


def _engine() -> Finding:
    from regviz.experiment.ready import ready
    from regviz.report.lab_check import Finding

    there = ready(images=())
    if there.ok:
        return Finding("Docker", True, f"Docker Engine {there.version}, for the experiment, which is optional")
    return Finding("Docker", None, "optional, for the experiment alone", there.why)
