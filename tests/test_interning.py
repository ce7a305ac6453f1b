"""The hash table of rows: its slots made anew, and where codes stand first, natively and in Python."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz import native
from regviz.interning import UNLISTED, RawRows, first_places

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("library", [native.library, lambda: None])
def test_a_table_whose_slots_are_made_anew_finds_what_it_listed(
    library: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "library", library)
    generator = random.Random(7)
    rows, codes = RawRows(4), dict[tuple[int, ...], int]()
    for count in (1, 31, 32, 33, 5_000):
        batch = [tuple(generator.getrandbits(64) for _ in range(4)) for _ in range(count)]
        unlisted = rows.grow(1)
        rows.family[unlisted] = UNLISTED
        rows.words[unlisted] = batch[0]  # the same words, and yet another row
        found = rows.intern(np.array([*codes, *batch], np.uint64).reshape(-1, 4), 2).tolist()
        assert found[: len(codes)] == [*codes.values()]
        codes |= dict(zip(batch, found[len(codes) :], strict=True))
        rows.rest()
    assert len({*codes.values()}) == len(codes) == len(rows) - 5


@given(st.lists(st.integers(0, 5)), st.integers(0, 6))
def test_where_codes_stand_first(values: list[int], known: int) -> None:
    numbers = {value: value for value in range(known)}  # as the library numbers what is new: in the order it is met
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)
    expected = [codes.tolist().index(code) for code in range(known, len(numbers))]
    assert first_places(codes, known).tolist() == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "library", lambda: None)
        assert first_places(codes, known).tolist() == expected
