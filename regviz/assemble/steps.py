"""Steps of stacks: what manifests list as their layers, one element a place in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.spread import PART, Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.facts import Facts

    Codes = NDArray[np.int32]


@dataclass(slots=True)
class Steps:
    """Steps, grouped by manifest, from the base up.

    Attributes
    ----------
    count : array of int
        Steps of each manifest.
    descriptor : array of int
        For each step its row in ``facts.descriptors``.
    on_stack : array of bool
        For each step whether it is a filesystem layer.
    """

    count: Codes
    descriptor: Codes
    on_stack: NDArray[np.bool_]


def spread_steps(draft: Draft) -> Steps:
    """The steps of all manifests, those as they stand in ``facts.manifests``."""
    facts = draft.facts
    count, descriptor = facts.manifests["step_count"], facts.steps["descriptor"]
    is_image = facts.manifests["kind"] == facts.names.code("image")
    on_stack = np.repeat(is_image, count)
    on_stack &= (facts.descriptors["throwaway"] == 0)[descriptor]
    return Steps(count, descriptor, on_stack)


def sort_manifests(facts: Facts) -> None:
    """Put manifests, and their steps with them, in the order of their keys, which is that of the tables."""
    manifests = facts.manifests
    order = facts.keys.argsort(manifests["manifest"])
    count = manifests["step_count"]
    steps = facts.steps.column("descriptor")
    steps.replace(gathered(steps.array(), count, order))
    new_row = np.empty(len(order), np.int32)
    new_row[order] = np.arange(len(order), dtype=np.int32)
    references = facts.references["manifest"]
    references[:] = new_row[references]
    manifests.keep(order)


def gathered(values: NDArray[Any], count: NDArray[Any], groups: NDArray[Any]) -> NDArray[Any]:
    """Values that stand in groups of `count`: those of the groups asked for, one after the other.

    The numbers of all those rows are not made at once.

    Examples
    --------
    >>> gathered(np.array([1, 2, 3, 4, 5, 6]), np.array([2, 1, 3]), np.array([2, 0])).tolist()
    [4, 5, 6, 1, 2]
    """
    first = np.cumsum(count, dtype=np.int32) - np.asarray(count, np.int32)
    counts = count[groups]
    made = np.empty(int(counts.sum(dtype=np.int64)), values.dtype)
    for part, rows, owner in in_parts(counts):
        place = Places(counts[part]).made()
        place += first[groups[part]][owner]
        made[rows] = values[place]
    return made


def in_parts(count: NDArray[Any]) -> Iterator[tuple[slice, slice, Codes]]:
    """Groups of `count` rows, some at a time: which groups, which rows, and for each row its group among these.

    Examples
    --------
    >>> [(groups, rows, owner.tolist()) for groups, rows, owner in in_parts(np.array([2, 0, 1]))]
    [(slice(0, 3, None), slice(0, 3, None), [0, 0, 2])]
    """
    beyond = np.cumsum(count, dtype=np.int64)
    group = row = 0
    while group < len(count):
        last = max(int(np.searchsorted(beyond, row + PART, "right")), group + 1)
        groups, rows = slice(group, last), slice(row, int(beyond[last - 1]))
        yield groups, rows, np.repeat(np.arange(last - group, dtype=np.int32), count[groups])
        group, row = last, rows.stop


def count_true(flags: NDArray[np.bool_], count: NDArray[Any]) -> Codes:
    """How many flags are set in each group of `count` rows.

    Examples
    --------
    >>> count_true(np.array([True, False, True]), np.array([2, 0, 1])).tolist()
    [1, 0, 1]
    """
    made = np.zeros(len(count), np.int32)
    for groups, rows, owner in in_parts(count):
        made[groups] = np.bincount(owner[flags[rows]], minlength=groups.stop - groups.start)
    return made


def spread(count: NDArray[Any]) -> tuple[Codes, Codes]:
    """For each row of groups of `count` rows the number of its group, and its place in it.

    Examples
    --------
    >>> [a.tolist() for a in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    return np.repeat(np.arange(len(count), dtype=np.int32), count), Places(count).made()
