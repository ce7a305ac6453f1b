"""A step as a notebook shows it: 2014 beside today, what was said, what changed on disk, what was counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.text import count_noun, escape_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regviz.experiment.step import Fact, Step

_PRE = (
    "margin:.2em 0 0;padding:0;background:none;border:0;color:inherit;font-size:.9em;line-height:1.45;"
    "white-space:pre-wrap;overflow-wrap:anywhere;text-align:left"
)
_LABEL = "font-size:.85em;opacity:.75"
_COMMAND = "display:block;padding-left:1.5em;text-indent:-1.5em"
_WORD = "display:inline-block;max-width:100%;text-indent:0;vertical-align:top"
_FEW_LINES = 6


def step_html(step: Step) -> str:
    """The step as HTML that reads in light and in dark pages, and needs no script."""
    return (
        '<div style="font-family:system-ui,sans-serif;line-height:1.4;max-width:72em;margin:.4em 0 1.2em">'
        f'<div style="font-size:1.15em;font-weight:600">{escape_html(step.title)}</div>'
        f'<div style="opacity:.8;margin:.15em 0 .7em">{escape_html(step.question)}</div>'
        '<div style="display:flex;flex-wrap:wrap;gap:.8em 2em;border-top:1px solid currentColor;'
        'border-bottom:1px solid currentColor;padding:.6em 0">'
        f"{_commands('2014', step.then)}{_commands('today', step.now)}</div>"
        f"{_said(step)}"
        f'<div style="margin-top:.7em"><div style="{_LABEL}">changed on disk</div>{step.changes._repr_html_()}</div>'
        f"{_facts(step)}</div>"
    )


def _commands(label: str, lines: Iterable[str]) -> str:
    shown = "".join(f'<span style="{_COMMAND}">{_command(line)}\n</span>' for line in lines)
    return (
        f'<div style="flex:1 1 24em;min-width:0"><div style="{_LABEL}">{label}</div>'
        f'<pre style="{_PRE}"><code style="background:none;color:inherit;padding:0">{shown}</code></pre></div>'
    )


def _command(line: str) -> str:
    """A command that breaks between its words, and within one only where that is too long; copied, it is as it was."""
    return " ".join(f'<span style="{_WORD}">{escape_html(word)}</span>' for word in line.split(" "))


def _said(step: Step) -> str:
    lines = step.said
    if not lines:
        return ""
    shown = f'<pre style="{_PRE}">{chr(10).join(map(escape_html, lines))}</pre>'
    is_open = " open" if len(lines) <= _FEW_LINES or step.facts.get("refused") else ""
    summary = f'<summary style="{_LABEL};cursor:pointer">what was said ({count_noun(len(lines), "line")})</summary>'
    return f'<details{is_open} style="margin-top:.7em">{summary}{shown}</details>'


def _facts(step: Step) -> str:
    counted = step.counted()
    if not counted:
        return ""
    cell = "padding:.1em 1.4em .1em 0;text-align:left;vertical-align:top;border:0;background:none"
    rows = "".join(
        f'<tr style="background:none"><th scope="row" style="{cell};font-weight:400;opacity:.75">'
        f"{escape_html(key.replace('_', ' '))}</th>"
        f'<td style="{cell};font-variant-numeric:tabular-nums;overflow-wrap:anywhere">'
        f"{escape_html(_shown(value))}</td></tr>"
        for key, value in counted.items()
    )
    return (
        f'<details style="margin-top:.7em"><summary style="{_LABEL};cursor:pointer">'
        f"what was counted ({count_noun(len(counted), 'number')})</summary>"
        f'<table style="border-collapse:collapse;margin:.2em 0 0"><tbody>{rows}</tbody></table></details>'
    )


def _shown(value: Fact) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else value
