"""Choosing owners to remove, against all combinations looked at with Python's own sets."""

from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis.covering import (
    OwnerSets,
    fewest,
    in_steps,
    least_cost,
    only,
    owner_sets,
    without_needless,
)
from regviz.analysis.reach import incidence

Blobs = list[tuple[frozenset[int], int]]


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Blobs, list[int]]:
    count = draw(st.integers(1, 7))
    cost = draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    holders = st.frozensets(st.integers(0, count - 1))
    return draw(st.lists(st.tuples(holders, st.integers(0, 50)), max_size=10)), cost


def sets_of(blobs: Blobs, cost: list[int]) -> OwnerSets:
    pairs = [(owner, blob) for blob, (owners, _) in enumerate(blobs) for owner in owners]
    holding = incidence(
        np.array([owner for owner, _ in pairs], np.int64),
        np.array([blob for _, blob in pairs], np.int64),
        (len(cost), len(blobs)),
    )
    return owner_sets(holding, np.array([worth for _, worth in blobs], np.int64), np.array(cost, np.int64))


def freed(blobs: Blobs, chosen: set[int]) -> int:
    return sum(worth for owners, worth in blobs if owners and owners <= chosen)


def least(blobs: Blobs, cost: list[int], target: int) -> int:
    every = range(len(cost))
    return min(
        sum(cost[owner] for owner in some)
        for size in range(len(cost) + 1)
        for some in combinations(every, size)
        if freed(blobs, set(some)) >= target
    )


@given(holdings())
def test_blobs_are_taken_together_by_their_owners(case: tuple[Blobs, list[int]]) -> None:
    blobs, cost = case
    together: dict[frozenset[int], int] = {}
    for owners, worth in blobs:
        if owners and worth:
            together[owners] = together.get(owners, 0) + worth
    sets = sets_of(blobs, cost)
    dense = sets.owners.toarray()
    found = {frozenset(np.flatnonzero(row).tolist()): worth for row, worth in zip(dense, sets.worth, strict=True)}
    assert found == together
    assert list(found) == list(together)  # in the order of their first blob, whatever the random bits


@given(holdings(), st.integers(0, 1000))
def test_fewest_is_the_least_of_all_combinations(case: tuple[Blobs, list[int]], promille: int) -> None:
    blobs, cost = case
    target = freed(blobs, set(range(len(cost)))) * promille // 1000
    chosen = fewest(sets_of(blobs, cost), target)
    assert freed(blobs, set(chosen)) >= target
    assert sum(cost[owner] for owner in chosen) == least(blobs, cost, target)


@given(holdings(), st.integers(1, 1000))
def test_steps_meet_the_target_within_their_bound(case: tuple[Blobs, list[int]], promille: int) -> None:
    blobs, cost = case
    target = freed(blobs, set(range(len(cost)))) * promille // 1000
    sets = sets_of(blobs, cost)
    steps, chosen, running = in_steps(sets, target), set[int](), 0
    for step in steps:
        before = target - running
        chosen |= set(step.owners)
        running += step.freed
        assert step.freed > 0
        assert running == freed(blobs, chosen)
    assert running >= target
    assert sum(len(step.owners) for step in steps) == len(chosen)
    if steps:
        best = least(blobs, cost, target)
        assert least_cost(sets, target) <= best
        bound = sets.factor * (1 + math.log(target / before)) * best
        assert sum(cost[owner] for owner in chosen) <= bound + 1e-9


@given(holdings())
def test_without_a_target_everything_goes_and_nothing_needless(case: tuple[Blobs, list[int]]) -> None:
    blobs, cost = case
    chosen = {owner for step in in_steps(sets_of(blobs, cost)) for owner in step.owners}
    assert chosen == {owner for owners, worth in blobs if worth for owner in owners}


@given(holdings(), st.integers(1, 1000))
def test_what_is_left_is_needed(case: tuple[Blobs, list[int]], promille: int) -> None:
    blobs, cost = case
    target = freed(blobs, set(range(len(cost)))) * promille // 1000
    sets = sets_of(blobs, cost)
    every = [owner for step in in_steps(sets) for owner in step.owners]
    kept = without_needless(sets, every, target)
    assert freed(blobs, set(kept)) >= target
    assert all(freed(blobs, set(kept) - {owner}) < target for owner in kept)
    assert int(only(sets, kept).worth.sum()) == freed(blobs, set(kept))


def test_what_must_go_together_goes_in_one_step() -> None:
    """Two share 100 bytes and have one each; a third has 40 alone. 40 for one is less than 102 / 2 for each."""
    steps = in_steps(
        sets_of([(frozenset({0, 1}), 100), (frozenset({0}), 1), (frozenset({1}), 1), (frozenset({2}), 40)], [1] * 3)
    )
    assert [(sorted(step.owners), step.freed) for step in steps] == [([0, 1], 102), ([2], 40)]


def test_nothing_owned_is_nothing_to_free() -> None:
    sets = sets_of([], [1, 1])
    assert (in_steps(sets), fewest(sets, 5), least_cost(sets, 5)) == ([], [], 0)


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_are_those_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    blobs = [(frozenset(draw.sample(range(40), draw.randint(1, 6))), draw.randint(1, 99)) for _ in range(200)]
    whole = in_steps(sets_of(blobs, [1] * 40))
    monkeypatch.setattr("regviz.analysis.covering._AT_ONCE", 7)
    assert in_steps(sets_of(blobs, [1] * 40)) == whole
