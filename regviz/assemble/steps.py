"""Steps of stacks: what manifests list as their layers, one element a place in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    position : array of int
        Place in the manifest's list.
    descriptor : array of int
        Row in ``facts.descriptors``.
    digest, blob : array of int
        Key as it is written, and the key that its blob lies under.
    on_stack : array of bool
        Whether it is a filesystem layer.
    """

    manifest: Codes
    position: Codes
    descriptor: Codes
    digest: Codes
    blob: Codes
    on_stack: NDArray[np.bool_]


def spread_steps(draft: Draft) -> Steps:
    """The steps of all manifests, those as they stand in ``facts.manifests``."""
    facts = draft.facts
    manifest, position = spread(facts.manifests["step_count"])
    descriptor = facts.steps["descriptor"]
    digest = np.asarray(facts.descriptors["digest"], np.int32)
    is_image = facts.manifests["kind"] == facts.names.code("image")
    on_stack = is_image[manifest] & (facts.descriptors["throwaway"] == 0)[descriptor]
    written = digest[descriptor]
    resolved = draft.resolve(digest)
    blob = written if resolved is digest else resolved[descriptor]
    return Steps(manifest, position, descriptor, written, blob, on_stack)


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


def pick(values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """``values[rows]``; where all values are the same it takes the room of one."""
    if len(values) and bool((values == values[0]).all()):
        return np.broadcast_to(values[0], len(rows))
    picked: NDArray[Any] = values[rows]
    return picked


def spread(count: NDArray[Any]) -> tuple[Codes, Codes]:
    """For each row of groups of `count` rows the number of its group, and its place in it.

    Examples
    --------
    >>> [a.tolist() for a in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    owner = np.repeat(np.arange(len(count), dtype=np.int32), count)
    place = np.arange(len(owner), dtype=np.int32)
    place -= (np.cumsum(count, dtype=np.int32) - np.asarray(count, np.int32))[owner]
    return owner, place
