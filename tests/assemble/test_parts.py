"""Tables are the same, however few rows are looked at together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz import read, spread
from regviz.assemble import steps
from regviz.spread import Picked, Places, Repeated, SpreadColumns
from tests.helpers import assert_same_tables

if TYPE_CHECKING:
    from regviz.spread import Spread

WORLDS = sorted((Path(__file__).parents[2] / "data").glob("*.tar.gz"), key=str)


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("part", [1, 7])
def test_tables_do_not_depend_on_the_parts(world: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = read(world)
    monkeypatch.setattr(spread, "PART", part)
    monkeypatch.setattr(steps, "PART", part)
    assert_same_tables(at_once, read(world))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20).filter(any), st.data())
def test_a_part_is_cut_from_the_whole(counts: list[int], data: st.DataObject) -> None:
    size = sum(counts)
    start = data.draw(st.integers(0, size - 1))
    rows = slice(start, data.draw(st.integers(start + 1, size)))
    values, numbers = np.arange(100, 100 + len(counts)), np.array(counts, np.int32)
    columns: list[Spread] = [
        Repeated(values, numbers),
        Places(numbers),
        Picked(values, np.repeat(np.arange(len(counts), dtype=np.int32), numbers)),
    ]
    for column in columns:
        assert column.part(rows).tolist() == column.made()[rows].tolist()
        assert SpreadColumns({"column": column}).part("column", rows).tolist() == column.made()[rows].tolist()


@given(st.lists(st.integers(0, 9), max_size=30), st.data())
def test_groups_are_gathered_and_counted_as_by_hand(counts: list[int], data: st.DataObject) -> None:
    rows = sum(counts)
    flags = data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    chosen = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=9)) if counts else []
    firsts = [sum(counts[:group]) for group in range(len(counts))]
    numbers, groups = np.array(counts, np.int32), np.array(chosen, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "PART", 4)
        gathered = steps.gathered(np.arange(rows), numbers, groups).tolist()
        counted = steps.count_true(np.array(flags, np.bool_), numbers).tolist()
    assert gathered == [firsts[group] + at for group in chosen for at in range(counts[group])]
    assert counted == [sum(flags[first : first + count]) for first, count in zip(firsts, counts, strict=True)]
