"""Steps of stacks: what manifests list as their layers, one element a place in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.spread import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.columns import Facts

    Codes = NDArray[np.int32]


@dataclass(slots=True)
class Steps:
    """Arrays of equal length, grouped by manifest, from the base up.

    Attributes
    ----------
    manifest : array of int
        Row in ``facts.manifests``.
    descriptor : array of int
        Row in ``facts.descriptors``.
    blob : array of int
        Key that its blob lies under.
    on_stack : array of bool
        Whether it is a filesystem layer.
    """

    manifest: Codes
    descriptor: Codes
    blob: Codes
    on_stack: NDArray[np.bool_]


def spread_steps(draft: Draft) -> Steps:
    """The steps of all manifests, those as they stand in ``facts.manifests``."""
    facts = draft.facts
    manifest = np.repeat(np.arange(len(facts.manifests), dtype=np.int32), facts.manifests["step_count"])
    descriptor = facts.steps["descriptor"]
    is_image = facts.manifests["kind"] == facts.names.code("image")
    on_stack = is_image[manifest] & (facts.descriptors["throwaway"] == 0)[descriptor]
    blob = draft.resolve(facts.descriptors["digest"])[descriptor]
    return Steps(manifest, descriptor, blob, on_stack)


def sort_manifests(facts: Facts) -> None:
    """Put manifests, and their steps with them, in the order of their keys, which is that of the tables."""
    manifests = facts.manifests
    order = facts.keys.argsort(manifests["manifest"])
    count = manifests["step_count"]
    facts.steps.keep(grouped(count, order))
    new_row = np.empty(len(order), np.int32)
    new_row[order] = np.arange(len(order), dtype=np.int32)
    references = facts.references["manifest"]
    references[:] = new_row[references]
    manifests.keep(order)


def grouped(count: NDArray[Any], groups: NDArray[Any]) -> Codes:
    """Rows of a table whose rows stand in groups of `count`: those of the groups asked for, one after the other.

    Examples
    --------
    >>> grouped(np.array([2, 1, 3]), np.array([2, 0])).tolist()
    [3, 4, 5, 0, 1]
    """
    first = np.cumsum(count, dtype=np.int32) - np.asarray(count, np.int32)
    owner, place = spread(count[groups])
    place += first[groups][owner]
    return place


def spread(count: NDArray[Any]) -> tuple[Codes, Codes]:
    """For each row of groups of `count` rows the number of its group, and its place in it.

    Examples
    --------
    >>> [a.tolist() for a in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    return np.repeat(np.arange(len(count), dtype=np.int32), count), Places(count).made()
