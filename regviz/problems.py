"""The rules a registry can break: what each means, where it is written, what to do about it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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
