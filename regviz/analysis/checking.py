"""Whether a registry holds to limits that someone has set: for pipelines and monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.reach import column_counts, columns, reach
from regviz.analysis.states import STATES, UNKNOWN, UNREFERENCED, UNTAGGED, blob_states
from regviz.card import held_bytes
from regviz.errors import NotKnowableError, RegvizError
from regviz.problems import READING
from regviz.schema import NA_INT, SEVERITIES
from regviz.text import count_noun, format_bytes, format_date

if TYPE_CHECKING:
    import pandas as pd

    from regviz.problems import Severity
    from regviz.registry import Registry

_NAMES = r"(?:^|/)(?:repositories(?:/|$)|index\.json$)"
"""Paths of what names repositories and tags, and holds no blob."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One row of `check`."""

    rule: str
    unit: str
    limit: int | None
    found: int | None
    held: bool | None
    detail: str


def check(
    reg: Registry,
    *,
    max_unreferenced: int | None = None,
    max_untagged: int | None = None,
    max_growth: float | None = None,
    baseline: Registry | None = None,
    no_problem: Severity | None = None,
) -> pd.DataFrame:
    """Hold a registry to limits.

    Parameters
    ----------
    reg : Registry
        Read with ``links="check"``, so that links of layers were looked into.
    max_unreferenced : int, optional
        How many bytes may lie there that nothing leads to: what a plain garbage collection frees. What is younger
        than a day may belong to a push, and does not count.
    max_untagged : int, optional
        How many bytes may lie there that only untagged manifests lead to.
    max_growth : float, optional
        By how many percent the stored bytes may have grown since `baseline`; 5 for 5 %.
    baseline : Registry, optional
        An earlier reading of the registry, a capture for example.
    no_problem : {"error", "warning", "info"}, optional
        That there be no problem that is as bad as this, or worse.

    Returns
    -------
    pandas.DataFrame
        One row for each limit that was set:

        rule
            ``max-unreferenced``, ``max-untagged``, ``max-growth``, ``no-problem``.
        unit
            Of limit and found: ``bytes`` or ``problems``.
        limit
            The most there may be; of `max_growth`, that part of the baseline's bytes, rounded down.
        found
            What there is; of `max_growth`, by how many bytes it has grown. NA where it cannot be known; where some of
            it is known, that.
        held
            Whether found is within the limit; NA where that cannot be known. Bytes whose state is not known (a
            repository could not be read completely) leave it open only where they decide it; where blobs themselves may
            have stayed unseen (an archive broke off), found can break a limit and never hold to it.
        detail
            In words what was found, or why it is not known.

        ``attrs["held"]``: False where a limit is broken; else None where one cannot be known; else True.

    Raises
    ------
    RegvizError
        No limit was set, or one that is none, or a growth without a baseline.

    Examples
    --------
    The world that comes with regviz has 21,717 bytes that nothing leads to any more:

    >>> import regviz as rv
    >>> reg = rv.read(links="check")
    >>> check(reg, max_unreferenced=1000, no_problem="error")[["rule", "limit", "held"]].values.tolist()
    [['max-unreferenced', 1000, False], ['no-problem', 0, True]]
    """
    import pandas as pd

    if (max_growth is None) != (baseline is None):
        raise RegvizError(
            "growth is measured from a baseline: give both max_growth and a baseline, a capture for example"
        )
    limits = {"max_unreferenced": max_unreferenced, "max_untagged": max_untagged, "max_growth": max_growth}
    for name, limit in limits.items():
        if limit is not None and not limit >= 0:
            raise RegvizError(f"{name} is {limit}: a limit is 0 or more")
    if no_problem is not None and no_problem not in SEVERITIES:
        raise RegvizError(f"there are no problems of severity {no_problem!r}; give one of {', '.join(SEVERITIES)}")
    verdicts: list[_Verdict] = []
    if max_unreferenced is not None:
        known = reg.source.knows_all_blobs
        verdicts.append(_in_state(reg, "max-unreferenced", UNREFERENCED, max_unreferenced, known=known))
    if max_untagged is not None:
        known = reg.source.knows_untagged
        verdicts.append(_in_state(reg, "max-untagged", UNTAGGED, max_untagged, known=known))
    if max_growth is not None and baseline is not None:
        verdicts.append(_growth(reg, baseline, max_growth))
    if no_problem is not None:
        verdicts.append(_problems(reg, no_problem))
    if not verdicts:
        raise RegvizError("nothing to check: give max_unreferenced, max_untagged, max_growth or no_problem")
    types = {"rule": "str", "unit": "str", "limit": "Int64", "found": "Int64", "held": "boolean", "detail": "str"}
    made: dict[str, Any] = {
        name: pd.Series([getattr(verdict, name) for verdict in verdicts], dtype=dtype) for name, dtype in types.items()
    }
    table = pd.DataFrame(made)
    held = [verdict.held for verdict in verdicts]
    table.attrs["held"] = False if False in held else None if None in held else True
    return table


def _in_state(reg: Registry, rule: str, state: int, limit: int, *, known: bool) -> _Verdict:
    """Whether the bytes in a state are within a limit."""
    if not known:
        why = f"{reg.source.uri} does not tell what is {STATES[state]}: read the registry's storage, or a capture of it"
        return _Verdict(rule, "bytes", limit, None, None, why)
    try:
        states = blob_states(reg)
    except NotKnowableError as error:
        return _Verdict(rule, "bytes", limit, None, None, str(error))
    length, _ = held_bytes(reg)
    found, open_ = (sum(length[states == each].tolist()) for each in (state, UNKNOWN))
    said = f"in {count_noun(int((states == state).sum()), 'blob')}"
    is_all = _sees_every_blob(reg)
    unknown = [f"of {format_bytes(open_)} the state is not known"] if open_ else []
    unknown += [] if is_all else ["there may be more"]
    if unknown:
        said += f"; {', and '.join(unknown)}, because not everything could be read"
    held = False if found > limit else True if is_all and found + open_ <= limit else None
    return _Verdict(rule, "bytes", limit, found, held, said)


def _sees_every_blob(reg: Registry) -> bool:
    """Whether no blob can have stayed unseen: if something could not be read, it is names alone."""
    if reg.source.complete:
        return True
    problems = reg.problems
    unread = problems[problems["rule"].isin(READING)]
    return len(unread) > 0 and bool(unread["path"].str.contains(_NAMES, na=False).all())


def _growth(reg: Registry, baseline: Registry, percent: float) -> _Verdict:
    """Whether the bytes have grown by no more than some percent."""
    every = reg.source.knows_all_blobs and baseline.source.knows_all_blobs
    sizes = [_bytes(each, every=every) for each in (baseline, reg)]
    if sizes[0] is None or sizes[1] is None:
        place = (baseline if sizes[0] is None else reg).source.uri
        why = f"{place} does not tell how long its blobs are: read the registry's storage"
        return _Verdict("max-growth", "bytes", None, None, None, why)
    before, now = sizes[0], sizes[1]
    # The limit as it is written, not as the nearest binary fraction has it: 10 % of 10 bytes is 1 byte.
    limit = before * round(percent * 1_000_000) // 100_000_000
    share = f"{(now - before) / before:+.2%}" if before else "from nothing"
    what = "stored" if every else "reached by tags"
    since = format_date(baseline.source.read_at)
    detail = f"{share} {what} since {since}: {format_bytes(before)}, now {format_bytes(now)}"
    seen = [_sees_every_blob(each) if every else each.complete for each in (baseline, reg)]
    if not all(seen):
        detail += f"; there may be more {'now' if seen[0] else 'then'}: not everything could be read"
    # More then makes it less, more now makes it more.
    held = None if not all(seen) and (now - before <= limit or not seen[0]) else now - before <= limit
    return _Verdict("max-growth", "bytes", limit, now - before, held, detail)


def _bytes(reg: Registry, *, every: bool) -> int | None:
    """Bytes that lie there, or only those that tags reach; None where lengths are not known."""
    blobs = columns(reg, "blobs")
    counted = np.asarray(blobs["present"] == 1, np.bool_)
    length, unpacked = held_bytes(reg)
    if not every:
        if not reg.source.knows_contents:
            return None
        counted = counted & (column_counts(reach(reg).tag_blobs) > 0)
    if bool(np.any(counted & (blobs["blob_bytes"] == NA_INT) & ~unpacked)):
        return None
    return int(sum(length[counted].tolist()))


def _problems(reg: Registry, severity: Severity) -> _Verdict:
    """Whether there is no problem so bad."""
    counts = {each: int((reg.problems["severity"] == each).sum()) for each in SEVERITIES}
    bad = {each: counts[each] for each in SEVERITIES[: SEVERITIES.index(severity) + 1]}
    found = sum(bad.values())
    detail = ", ".join(f"{each}: {count:,}" for each, count in bad.items())
    return _Verdict("no-problem", "problems", 0, found, found == 0, detail)
