"""The rules a registry can break: what each means, where it is written, what to do about it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from regviz.schema import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    rule : str
        Its identifier.
    severity : str
        ``error``: something cannot be pulled, or could not be read. ``warning``: it works, and will surprise.
        ``info``: normal, and good to know.
    meaning : str
        What is the case.
    source : str
        The specification, or the program's source, that says so.
    action : str
        What to do.
    aborts : tuple of str
        Collectors that stop at it: ``distribution-2.8``, ``distribution-2.8-m``, ``distribution-3``,
        ``distribution-3-m``.
    """

    rule: str
    severity: Severity
    meaning: str
    source: str
    action: str
    aborts: tuple[str, ...] = ()


def _catalogue() -> dict[str, Rule]:
    with (Path(__file__).parent / "rules.toml").open("rb") as file:
        said = tomllib.load(file)
    return {
        name: Rule(
            name, rule["severity"], rule["meaning"], rule["source"], rule["action"], tuple(rule.get("aborts", ()))
        )
        for name, rule in said.items()
    }


RULES: dict[str, Rule] = _catalogue()
READING = frozenset(
    (
        *("unreadable", "archive-truncated", "archive-without-end", "listing-records", "layout-index-unreadable"),
        *("answer-refused", "answer-failed", "answer-unreadable", "pages-broken"),
    )
)
"""Rules that say that not all could be read."""
_ABSENT = re.compile(r".*-missing(-image)?|.*-dangling|child-unlinked|layer-unlinked")
"""Those that say that something is not there, which it may be where not all could be read."""


def rule_named(name: str, severity: Severity) -> Rule:
    """A rule by its identifier; of one that this regviz does not know, because a newer one wrote a capture, that."""
    meaning = "A rule that this regviz does not know: a newer one read the source."
    return RULES.get(name) or Rule(name, severity, meaning, "the capture", "See what that regviz says.")


def by_weight(rule: Rule, count: int) -> tuple[bool, int, bool, int, str]:
    """A key to sort broken rules: what hides others first, then the worst, those that stop a collector, the most."""
    return (rule.rule not in READING, SEVERITIES.index(rule.severity), not rule.aborts, -count, rule.rule)


def action(rule: Rule, broken: Collection[str]) -> str:
    """What to do about a rule, where these are broken.

    Examples
    --------
    >>> action(RULES["layer-missing"], ["layer-missing"])
    'Push the image again, or delete the tag.'
    >>> action(RULES["layer-missing"], ["layer-missing", "unreadable"])
    'Read all of it first: it may be there. Else: push the image again, or delete the tag.'
    """
    if not _ABSENT.fullmatch(rule.rule) or READING.isdisjoint(broken):
        return rule.action
    return f"Read all of it first: it may be there. Else: {rule.action[0].lower()}{rule.action[1:]}"


def rules() -> pd.DataFrame:
    """The catalogue of rules.

    Returns
    -------
    pandas.DataFrame
        One row a rule: rule, severity, meaning, source, action, aborts (the collectors that stop at it).

    Examples
    --------
    >>> rules().set_index("rule").loc["tag-dangling", "severity"]
    'error'
    """
    import pandas as pd  # loaded when asked for

    rows = [(r.rule, r.severity, r.meaning, r.source, r.action, ", ".join(r.aborts)) for r in RULES.values()]
    return pd.DataFrame(rows, columns=["rule", "severity", "meaning", "source", "action", "aborts"])
