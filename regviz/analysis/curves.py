"""How much is freed, the more tags are deleted: by rules that a person knows, and by the best order there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from regviz.analysis.choose import Choice, choose_tags
from regviz.analysis.deletion import removal
from regviz.analysis.outcome import Outcomes, ways
from regviz.analysis.reach import columns
from regviz.analysis.times import utc
from regviz.analysis.together import delete_together
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName
    from regviz.analysis.deletion import DeleteBy
    from regviz.registry import Registry

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

Policy = Literal["together", "oldest", "keep-last"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
POINTS = 40
_KEPT = (0, 1, 2, 3, 5, 10, 20, 50, 100)
"""How many tags people keep; a curve has these where it can."""


def what_if_curve(  # noqa: PLR0913  # each is one way to choose tags, or says how they go
    reg: Registry,
    *,
    policies: Iterable[Policy] | None = None,
    points: int = POINTS,
    tags: Iterable[str] | pd.DataFrame | None = None,
    pattern: str | re.Pattern[str] | None = None,
    repositories: str | Iterable[str] | None = None,
    keep: str | re.Pattern[str] | None = None,
    delete_by: DeleteBy | None = None,
    collector: CollectorName | None = None,
) -> pd.DataFrame:
    """Say what deleting more and more tags frees.

    Each row is an answer of its own: the collector is asked what it would free after that deletion, as `what_if`
    asks it. regviz deletes nothing.

    Parameters
    ----------
    reg : Registry
    policies : iterable of {"together", "oldest", "keep-last"}, optional
        ``together``: the order of `delete_together`, where each step is what then gives the most bytes for each of its
        tags. ``oldest``: by when they were pushed. ``keep-last``: all but the last N of each repository, for smaller
        and smaller N. Left out, all that the source can know: where no tag tells when it was pushed, ``together``
        alone.
    points : int
        About how many points a curve has, spread over the number of tags. No step is shown that is not exact.
    tags, pattern, repositories, keep
        Which tags may go, and which stay, as for `what_if`; where nothing is said, all may.
    delete_by, collector
        As for `what_if`.

    Returns
    -------
    pandas.DataFrame
        One row for each point, by policy and number of tags; each curve begins with no tag.

        policy
            As above.
        tags
            How many tags go, those included that go along because their manifest does.
        freed_bytes
            What that frees beyond collecting today, to the byte what `what_if` says.
        steps
            ``together``: how many steps of `delete_together` that is.
        pushed_before
            ``oldest``: tags pushed before this go.
        keep_last
            ``keep-last``: how many tags of each repository stay at least.

        ``attrs`` has

        tags
            How many tags there are.
        freeable_bytes
            What deleting all that may go frees.
        undated
            Tags that only time could choose, and whose time is not known.
        collected_today_bytes
            What the collector would free today.
        abort
            Why the collector would stop today; None where it would not.
        delete_by, collector

    Raises
    ------
    NotKnowableError
        The source does not know what is garbage, or a policy by time was asked for and it does not know any.
    RegvizError
        There is no such policy, or what was given means nothing.

    See Also
    --------
    regviz.what_if : what goes and breaks at one point.
    regviz.delete_together : the steps of the best order.

    Examples
    --------
    Tags 1, 2 and 3 of one repository were pushed in this order; 1 and 3 stand on a base of 100 bytes, and each has 10
    of its own (documents aside)::

        policy     tags   freed
        oldest        1      10     tag 1: the base stays
        oldest        2      20     and 2
        oldest        3     130     and 3, with the base
        together      2     120     tags 1 and 3: 60 bytes each
        together      3     130     and 2

    >>> import regviz as rv
    >>> table = what_if_curve(rv.read(), policies=["together"])
    >>> int(table["freed_bytes"].max()) == table.attrs["freeable_bytes"]
    True
    """
    import pandas as pd

    wanted = _policies(reg, policies)
    by, who = ways(reg, delete_by, collector)
    choice: Choice = {"tags": tags, "pattern": pattern, "repositories": repositories, "keep": keep}
    chosen = choose_tags(reg, **choice, everything=True)
    outcomes, made = Outcomes(reg, who), []
    pushed = columns(reg, "tags")["pushed_at"]
    may_go = chosen.tags & (pushed != NA_INT)

    def ask(policy: Policy, tags: Mask, name: str, value: Any) -> dict[str, Any]:
        gone = removal(reg, tags, by, chosen.protected)
        freed = outcomes.after(gone).freed_bytes
        return {"policy": policy, "tags": int(gone.tags.sum()), "freed_bytes": freed, name: value}

    if "keep-last" in wanted:
        younger = _younger(columns(reg, "tags")["repository"], pushed, may_go)
        counts = np.cumsum(np.bincount(younger[may_go], minlength=1)[::-1])[::-1]  # how many go for each N
        kept = spread(counts, points, _KEPT)
        made += [ask("keep-last", may_go & (younger >= number), "keep_last", number) for number in [len(counts), *kept]]
    if "oldest" in wanted:
        times = np.sort(pushed[may_go])
        cuts = np.unique(np.append(times, times[-1:] + 1))  # what was pushed before each goes
        cuts = cuts[spread(np.searchsorted(times, cuts), points)]
        made += [ask("oldest", may_go & (pushed < cut), "pushed_before", utc(cut)) for cut in cuts.tolist()]
    if "together" in wanted:
        best = delete_together(reg, **choice, delete_by=by, collector=who)
        step_of = _steps(reg, best)
        for step in _step_points(best, points):
            made.append(ask("together", (step_of > 0) & (step_of <= step), "steps", step))
    every = outcomes.after(removal(reg, chosen.tags, by, chosen.protected))
    types = {"policy": "str", "tags": "Int64", "freed_bytes": "Int64", "steps": "Int64"}
    types |= {"pushed_before": "datetime64[us, UTC]", "keep_last": "Int64"}
    table = pd.DataFrame(made, columns=list(types)).astype(types)
    table = table.sort_values(["policy", "tags", "keep_last"], ascending=[True, True, False], ignore_index=True)
    table.attrs |= {
        "tags": len(pushed),
        "freeable_bytes": every.freed_bytes,
        "undated": int((chosen.tags & ~may_go).sum()),
        "collected_today_bytes": int(held_bytes(reg)[0][every.today.blobs].sum()),
        "abort": every.today.abort,
        "delete_by": by,
        "collector": who,
    }
    return table


def _policies(reg: Registry, wanted: Iterable[Policy] | None) -> set[Policy]:
    """Those that were asked for; left out, those that the source can know."""
    dated = bool((columns(reg, "tags")["pushed_at"] != NA_INT).any())
    if wanted is None:
        return {*POLICIES} if dated else {"together"}
    asked: set[Policy] = {*wanted}
    if not asked or not asked <= {*POLICIES}:
        odd = ", ".join(repr(each) for each in sorted(asked - {*POLICIES})) or "without a name"
        raise RegvizError(f"there is no policy {odd}; give some of {', '.join(POLICIES)}")
    if not dated and asked - {"together"}:
        choose_tags(reg, older_than="0d")  # says why it cannot be known, where there is any tag
    return asked


def _younger(repository: NDArray[np.int32], pushed: Numbers, among: Mask) -> Numbers:
    """For each tag how many of its repository were pushed after it."""
    found = np.zeros(len(pushed), np.int64)
    rows = np.flatnonzero(among)
    order = rows[np.lexsort((-pushed[rows], repository[rows]))]
    place = np.arange(len(order))
    is_first = np.diff(repository[order], prepend=-1) != 0
    is_new = is_first | (np.diff(pushed[order], prepend=0) != 0)
    # Tags of one time are as young as the first of them.
    start, first = (np.maximum.accumulate(np.where(mask, place, 0)) for mask in (is_first, is_new))
    found[order] = first - start
    return found


def spread(counts: Numbers, points: int, besides: Iterable[int] = ()) -> list[int]:
    """Places whose counts are spread evenly from the least to the most, and some besides.

    Examples
    --------
    >>> spread(np.array([0, 1, 2, 90, 100]), 3), spread(np.array([5, 1, 0]), 2, [1])
    ([0, 3, 4], [0, 1, 2])
    """
    if not len(counts):
        return []
    low, high = int(counts.min()), int(counts.max())
    goals = np.linspace(low, high, max(points, 2))
    order = np.argsort(counts, kind="stable")
    at = np.minimum(np.searchsorted(counts[order], goals), len(counts) - 1)
    return sorted({*order[at].tolist(), *(place for place in besides if place < len(counts))})


def _step_points(table: pd.DataFrame, points: int) -> list[int]:
    """Steps that are spread evenly over tags, and over bytes, which come mostly at first; 0 is before the first."""
    steps = table.drop_duplicates("step")
    tags, freed = (np.array([0, *steps[name].tolist()], np.int64) for name in ("running_tags", "running_bytes"))
    return sorted({*spread(tags, points // 2), *spread(freed, points // 2)})


def _steps(reg: Registry, table: pd.DataFrame) -> Numbers:
    """For each tag the step it goes with; 0 for those that stay."""
    held = columns(reg, "tags")
    names = zip(*(texts(reg, "name", held[name]) for name in ("repository", "tag")), strict=True)
    steps = zip(zip(table["repository"], table["tag"], strict=True), table["step"].tolist(), strict=True)
    step_of = dict(steps)
    return np.array([step_of.get(name, 0) for name in names], np.int64)
