"""Which pairs of a repository and a key are there, against a set."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regviz.assemble.findings import _Pairs

KEYS = 5
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, KEYS - 2)), max_size=12)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(pairs, np.int32).reshape(-1, 2)
    return both[:, 0], both[:, 1]


@given(PAIRS, st.lists(PAIRS, max_size=3), st.integers(0, 3))
def test_pairs_that_are_not_there_are_told(
    there: list[tuple[int, int]], asked: list[list[tuple[int, int]]], repository: int
) -> None:
    pairs = _Pairs(*columns(there), KEYS)
    for others in [*asked, [(repository, -1)]]:  # a key that is not known is in no repository
        assert pairs.lack(*columns(others)).tolist() == [pair not in there for pair in others]
