"""Which tags free most when they are deleted together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.choose import choose_tags
from regviz.analysis.covering import EXACT, Step, fewest, in_steps, least_cost, only, owner_sets, without_needless
from regviz.analysis.holding import units_of
from regviz.analysis.outcome import outcome, ways
from regviz.analysis.reach import columns
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    import datetime as dt
    import re
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.collectors import CollectorName
    from regviz.analysis.covering import OwnerSets
    from regviz.analysis.deletion import DeleteBy, Removal
    from regviz.analysis.holding import Units
    from regviz.registry import Registry
    from regviz.schema import Kind

    Mask = NDArray[np.bool_]

_NAMES: dict[str, Kind] = {"repository": "name", "tag": "name", "manifest": "digest"}


def delete_together(  # noqa: PLR0913  # what chooses tags, as for `what_if`
    reg: Registry,
    *,
    target: int | None = None,
    tags: Iterable[str] | pd.DataFrame | None = None,
    pattern: str | re.Pattern[str] | None = None,
    keep_last: int | None = None,
    older_than: dt.timedelta | str | None = None,
    repositories: str | Iterable[str] | None = None,
    keep: str | re.Pattern[str] | None = None,
    delete_by: DeleteBy | None = None,
    collector: CollectorName | None = None,
) -> pd.DataFrame:
    """Say which tags free most together, and a small set of tags that frees a number of bytes.

    Deleting one tag often frees little, because others stand on the same layers. A layer goes only with all tags that
    hold it, so tags are chosen in sets: step by step the set that gives the most bytes for each of its tags.

    Parameters
    ----------
    reg : Registry
    target : int, optional
        Stop when so many bytes are free. None: go on until no tag frees anything any more.
    tags, pattern, keep_last, older_than, repositories, keep
        Which tags may go, as for `what_if`; where nothing is said, all. A manifest that another tag needs stays.
    delete_by, collector
        As for `what_if`.

    Returns
    -------
    pandas.DataFrame
        One row for each tag to delete, in the order in which to delete.

        step
            Tags of one step go together: without any of them the others free less.
        repository, tag, manifest
            The tag.
        step_tags, step_bytes
            Tags of the step, and the bytes that go with it and not before.
        running_tags, running_bytes
            Tags and bytes up to here: one row a step of these two is the curve of what deleting frees.

        ``attrs`` has

        target
            As it was given.
        reached
            Whether so much is freed; without a target True.
        tags, freed_bytes
            How many tags the table has, and what they free, as the collector itself would: what `what_if` says
            of them.
        at_least
            No choice among the tags that may go frees the target with fewer tags than this. Without a target: as many
            bytes as all.
        exact
            Whether no smaller choice is possible: all were looked at, or `tags` equals `at_least`.
        freeable_bytes
            What all tags that may go free together.
        delete_by, collector
            How they are deleted, and who collects.
        abort
            Why the collector would stop, and free nothing, even then; None where it would not. Where it stops today,
            steps have what they would free without that, and ``freed_bytes`` what is freed.

    Raises
    ------
    NotKnowableError, RegvizError
        As for `what_if`.

    Notes
    -----
    Blobs are taken together by the exact set of manifests (of v1: tags) that hold them; a set goes when all its owners
    went. To free a target with the fewest tags is the problem of minimum p-union, for which no method within a
    constant factor is known. Up to 20 manifests every combination is looked at. Else the choice is greedy, no tag
    of it can be left out, and it has at most ``d (1 + ln(target / rest))`` times the fewest tags: d is the most
    sets that one manifest is in, `rest` what was to be freed before the last step; see
    `regviz.analysis.covering.in_steps` for the proof and its sources. How far from the best it can be in the case at
    hand, ``at_least`` says.

    See Also
    --------
    regviz.what_if : what goes and breaks with them.
    regviz.deletion_plan : the requests to send; it takes this table as `tags`.

    Examples
    --------
    Two tags share 100 bytes and have 1 each, a third has 40 alone. The two free 102 together, 51 each; so they come
    first, then the third: 102 bytes with two tags, 142 with three.

    >>> import regviz as rv
    >>> table = delete_together(rv.read(), target=100_000)
    >>> table.attrs["freed_bytes"] >= 100_000, table.attrs["at_least"] <= table.attrs["tags"] == len(table)
    (True, True)
    """
    if target is not None and target < 0:
        raise RegvizError(f"target is {target}; give a number of bytes, 0 or more")
    by, who = ways(reg, delete_by, collector)
    chosen = choose_tags(
        reg,
        tags=tags,
        pattern=pattern,
        keep_last=keep_last,
        older_than=older_than,
        repositories=repositories,
        keep=keep,
        everything=True,
    ).tags
    units = units_of(reg, chosen, who)
    every = outcome(reg, units.removal(np.arange(len(units.cost)), by), who)
    length, _ = held_bytes(reg)
    freeable = np.where(every.blobs & every.certain, length, 0)
    sets = owner_sets(units.blobs, freeable, units.cost)
    most = int(sets.worth.sum())
    goal = most if target is None else target
    steps = _steps(sets, None if target is None else goal)
    found = outcome(reg, _gone(units, steps, by), who)
    table, freed = _table(reg, units, steps), found.numbers()["freed_bytes"]
    table.attrs |= {
        "target": target,
        "reached": target is None or freed >= target,
        "tags": len(table),
        "freed_bytes": freed,
        "at_least": least_cost(sets, goal),
        "freeable_bytes": int(freeable.sum()),
        "delete_by": by,
        "collector": who,
        "abort": found.then.abort,
    }
    is_least = len(table) == table.attrs["at_least"] or _is_small(sets)
    table.attrs["exact"] = is_least and freed == sum(step.freed for step in steps)
    return table


def _gone(units: Units, steps: list[Step], delete_by: DeleteBy) -> Removal:
    return units.removal(np.array([owner for step in steps for owner in step.owners], np.int64), delete_by)


def _is_small(sets: OwnerSets) -> bool:
    return len(np.unique(sets.owners.indices)) <= EXACT


def _steps(sets: OwnerSets, target: int | None) -> list[Step]:
    """The steps to a target, or to the end."""
    if target is None:
        return in_steps(sets)
    if _is_small(sets):
        return in_steps(only(sets, fewest(sets, target)))
    goal = min(target, int(sets.worth.sum()))
    owners = [owner for step in in_steps(sets, goal) for owner in step.owners]
    return in_steps(only(sets, without_needless(sets, owners, goal)))


def _table(reg: Registry, units: Units, steps: list[Step]) -> pd.DataFrame:
    """One row for each tag of the steps."""
    import pandas as pd

    tags = columns(reg, "tags")
    owners = np.array([owner for step in steps for owner in step.owners], np.int64)
    at = np.repeat(np.arange(len(steps)), [len(step.owners) for step in steps])
    at, every = np.repeat(at, units.cost[owners]), units.tags[owners].indices
    every = every[np.lexsort((every, at))]
    count = np.bincount(at, minlength=len(steps))
    freed = np.array([step.freed for step in steps], np.int64)
    made: dict[str, Any] = {"step": np.arange(1, len(steps) + 1)}
    made |= {
        "step_tags": count,
        "step_bytes": freed,
        "running_tags": np.cumsum(count),
        "running_bytes": np.cumsum(freed),
    }
    names = {name: texts(reg, kind, tags[name][every]) for name, kind in _NAMES.items()}
    table = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in names.items()})
    for place, (name, values) in enumerate(made.items()):
        table.insert(0 if not place else len(table.columns), name, pd.Series(np.repeat(values, count), dtype="Int64"))
    return table
