"""What is wrong with a registry, rule by rule: what it means, who says so, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.problems import action, by_weight, rule_named
from regviz.schema import SEVERITIES
from regviz.text import short_digest

if TYPE_CHECKING:
    import pandas as pd

    from regviz.registry import Registry

EXAMPLES = 3
"""How many places a row of :func:`doctor` names."""


def doctor(reg: Registry) -> pd.DataFrame:
    """Group what is wrong with a registry by the rule that it breaks, the worst first, with what to do.

    Parameters
    ----------
    reg : Registry
        Read with ``links="check"``, so that links of layers were looked into.

    Returns
    -------
    pandas.DataFrame
        One row for each rule that is broken:

        rule, severity
            ``error``: something cannot be pulled, or could not be read. ``warning``: it works, and will surprise.
            ``info``: normal, and good to know.
        count
            Rows of `problems`.
        repositories
            How many different repositories they name; 0 where none does.
        meaning, source, action
            What is the case, who says so, what to do.
        aborts
            Collectors that stop at it, and so free nothing; NA where none does.
        examples
            The first three places, and what was found there.

        Rules that say that not all could be read come first, for others may follow from that; then the order is that
        of severity, then rules at which a collector stops, then counts. ``attrs`` has how many problems there are of
        each severity (error, warning, info) and the links_checked.

    Examples
    --------
    The world that comes with regviz has a push that died, and a layer that lies elsewhere:

    >>> import regviz as rv
    >>> table = doctor(rv.read(links="check"))
    >>> table["severity"].tolist() == sorted(table["severity"], key=list(SEVERITIES).index)
    True
    >>> int(table["count"].sum()) == sum(table.attrs[severity] for severity in SEVERITIES)
    True
    """
    return diagnose(reg.problems, links_checked=reg.source.links_checked)


def diagnose(problems: pd.DataFrame, *, links_checked: str) -> pd.DataFrame:
    """What :func:`doctor` says of some of the problems."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    groups = {str(name): found for name, found in problems.astype({"rule": "str"}).groupby("rule")}
    rules = (rule_named(name, found["severity"].iloc[0]) for name, found in groups.items())
    for rule in sorted(rules, key=lambda rule: by_weight(rule, len(groups[rule.rule]))):
        found = groups[rule.rule]
        rows.append(
            {
                "rule": rule.rule,
                "severity": rule.severity,
                "count": len(found),
                "repositories": found["repository"].nunique(),
                "meaning": rule.meaning,
                "source": rule.source,
                "action": action(rule, groups),
                "aborts": ", ".join(rule.aborts) or None,
                "examples": "; ".join(map(_example, found.head(EXAMPLES).astype(object).to_dict("records"))),
            }
        )
    columns = ("rule", "severity", "count", "repositories", "meaning", "source", "action", "aborts", "examples")
    table = pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype="Int64" if name in ("count", "repositories") else "str")
            for name in columns
        }
    )
    table.attrs |= {severity: int((problems["severity"] == severity).sum()) for severity in SEVERITIES}
    table.attrs["links_checked"] = links_checked
    return table


def _example(problem: dict[Any, Any]) -> str:
    """One problem in a few words: where, and what was found."""
    known = {name: value for name, value in problem.items() if isinstance(value, str)}
    digests = [short_digest(known[name]) for name in ("manifest", "blob") if name in known]
    where = known.get("path") or " ".join([*([known["repository"]] if "repository" in known else []), *digests])
    return ": ".join(part for part in (where, known.get("detail")) if part)
