"""The parts of a report that are neither a figure nor a plain table: opening, problems, limits, colophon."""

from __future__ import annotations

import datetime as dt
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

import regviz
from regviz.analysis import sizes
from regviz.analysis.states import UNKNOWN, blob_states
from regviz.card import held_bytes, summarise
from regviz.problems import action, by_weight, rule_named
from regviz.report import words
from regviz.report.display import Shown
from regviz.report.tables import html_table
from regviz.report.words import SEVERITY_WORDS
from regviz.text import collector_words, count_noun, escape_html, format_bytes

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.collectors import CollectorName
    from regviz.card import Summary
    from regviz.problems import Rule
    from regviz.registry import Registry

_PLACES = 50
_EVERY_PROBLEM = "regviz table SOURCE problems --format csv"
_WHERE = ["repository", "manifest", "blob", "path", "detail"]


def opening(reg: Registry) -> Shown:
    """What was read, one sentence, and five numbers.

    Examples
    --------
    >>> import regviz as rv
    >>> " one by one; sharing brings that to " in str(opening(rv.read()))
    True
    """
    summary = summarise(reg)
    sentence = words.opening(summary, _totals(reg)) if reg.source.knows_contents else words.opening_of_names(summary)
    read = reg.source.read_at.strftime("%Y-%m-%d %H:%M UTC")
    numbers = "".join(
        f'<div><dt>{name}</dt><dd>{escape_html(value)}</dd><dd class="beside">{beside}</dd></div>'
        for name, value, beside in _numbers(reg, summary)
    )
    html = (
        f'<div class="rv rv-opening"><p class="source">{escape_html(words.layout_name(reg.source))} at '
        f"<code>{escape_html(reg.source.uri)}</code>, read {read}</p>"
        f'<p class="lead">{escape_html(sentence)}</p><dl>{numbers}</dl></div>'
    )
    return Shown(html, sentence)


def _totals(reg: Registry) -> words.TagTotals:
    answer, (lengths, _) = sizes(reg), held_bytes(reg)
    return words.TagTotals(
        logical_bytes=int(answer["logical_bytes"].sum()),
        tagged_bytes=int(answer.attrs["tagged_bytes"]),
        repositories=int((reg.columns("repositories")["has_tags"] == 1).sum()),
        unknown_bytes=int(lengths[blob_states(reg) == UNKNOWN].sum()),
        complete=reg.complete,
    )


def _numbers(reg: Registry, summary: Summary) -> list[tuple[str, str, str]]:
    wrong = [count_noun(summary.errors, "error")] if summary.errors else []
    wrong += [count_noun(summary.warnings, "warning")] if summary.warnings else []
    images = f"{summary.images:,}", f"on {count_noun(summary.layers, 'layer')}"
    if not reg.source.knows_contents and not summary.images:
        images = "—", "not told by names alone"
    return [
        ("Stored", format_bytes(summary.stored_bytes), f"in {count_noun(summary.blobs, 'blob')}"),
        ("Repositories", f"{summary.repositories:,}", ""),
        ("Tags", f"{summary.tags:,}", ""),
        ("Images", *images),
        ("Problems", f"{summary.errors + summary.warnings:,}", ", ".join(wrong)),
    ]


def collectors(reg: Registry) -> list[CollectorName]:
    """The collectors that :func:`regviz.garbage` can be asked about of this source.

    Examples
    --------
    >>> import regviz as rv
    >>> collectors(rv.read()), collectors(rv.read(links="check"))[2:]
    (['distribution-2.8', 'distribution-2.8-m'], ['distribution-3', 'distribution-3-m'])
    """
    layout = reg.source.layouts[0]
    if layout != "distribution":
        return ["v1" if layout == "v1" else "reachability"]
    fitting: list[CollectorName] = ["distribution-2.8", "distribution-2.8-m"]
    return fitting if reg.source.links_checked == "stat" else [*fitting, "distribution-3", "distribution-3-m"]


def problems(reg: Registry) -> Shown:
    """The problems found, by rule: what each means, what to do, and where.

    Examples
    --------
    >>> import regviz as rv
    >>> str(problems(rv.read())).endswith(" notes")
    True
    """
    found = reg.problems
    if not len(found):
        return Shown('<div class="rv"><p>No problem was found.</p></div>', "No problem was found.")
    groups = {str(rule): places for rule, places in found.groupby("rule", observed=True)}
    rules = [rule_named(rule, places["severity"].iloc[0]) for rule, places in groups.items()]
    rules.sort(key=lambda rule: by_weight(rule, len(groups[rule.rule])))
    parts = "".join(_problem(rule, groups[rule.rule], action(rule, groups)) for rule in rules)
    severities = found["severity"].value_counts()
    heads = ", ".join(
        count_noun(int(severities[severity]), word)
        for severity, word in SEVERITY_WORDS.items()
        if severity in severities
    )
    return Shown(f'<div class="rv rv-problems"><p>{heads}.</p>{parts}</div>', heads)


def _problem(rule: Rule, found: pd.DataFrame, to_do: str) -> str:
    places = found[_WHERE].dropna(axis="columns", how="all")
    where = ""
    if len(places.columns):
        rows = html_table(places, caption=f"Where: {rule.rule}", limit=_PLACES, command=_EVERY_PROBLEM)
        summary = f"Where ({count_noun(len(places), 'place')})"
        where = f'<details class="numbers"><summary>{summary}</summary>{rows}</details>'
    stops = f" {_stops(rule.aborts)}" if rule.aborts else ""
    severity = f'<span class="severity">{SEVERITY_WORDS[rule.severity]}</span>'
    return (
        f'<section class="{rule.severity}"><h3>{severity} {escape_html(rule.meaning)}</h3>'
        f"<p>What to do: {escape_html(to_do)}{escape_html(stops)}</p>"
        f'<p class="source"><code>{rule.rule}</code>: {escape_html(rule.source)}</p>{where}</section>'
    )


def _stops(collectors: tuple[str, ...]) -> str:
    """Which garbage collectors stop at a problem.

    Examples
    --------
    >>> _stops(("distribution-2.8", "distribution-2.8-m"))
    'Garbage collection stops at it: Distribution 2.8, Distribution 2.8 with -m.'
    """
    return f"Garbage collection stops at it: {', '.join(map(collector_words, collectors))}."


def limits(reg: Registry) -> Shown:
    """What was read and how, and what this source could not know.

    Examples
    --------
    >>> import regviz as rv
    >>> "Who pulls what" in limits(rv.read()).html
    True
    """
    known = words.limits(reg)
    rows = "".join(f"<dt>{escape_html(what)}</dt><dd>{escape_html(why)}</dd>" for what, why in known)
    said = [
        ("Source", reg.source.uri),
        ("Recognised by", reg.source.why),
        ("Its root", reg.source.root or "the source itself"),
    ]
    facts = "".join(f"<dt>{name}</dt><dd>{escape_html(value)}</dd>" for name, value in said)
    html = f'<div class="rv rv-limits"><dl>{facts}</dl><h3>Not known</h3><dl>{rows}</dl></div>'
    return Shown(html, "; ".join(what for what, _ in known))


def colophon() -> Shown:
    """How the page was made."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pandas", "matplotlib", "networkx"))
    text = (
        f"Made by regviz {regviz.__version__} on {dt.datetime.now(dt.UTC):%Y-%m-%d}, with Python "
        f"{platform.python_version()}, {versions}."
    )
    return Shown(f'<div class="rv"><p>{escape_html(text)}</p></div>', text)
