"""Orders of rows against `sorted`."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regviz.sorting import stable_order, unlike_last

NUMBERS = {
    np.int8: st.integers(-(2**7), 2**7 - 1),
    np.int32: st.integers(-2, 2) | st.integers(-(2**31), 2**31 - 1) | st.integers(0, 9).map(lambda n: n << 16),
    np.int64: st.integers(-2, 2) | st.sampled_from([-(2**63), 2**63 - 1]) | st.integers(0, 9).map(lambda n: n << 48),
    np.uint64: st.integers(0, 2) | st.sampled_from([2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1),
}


@given(st.integers(0, 40), st.lists(st.sampled_from([*NUMBERS]), min_size=1, max_size=3), st.data())
def test_rows_are_ordered(count: int, kinds: list[type[np.generic]], data: st.DataObject) -> None:
    columns = [data.draw(st.lists(NUMBERS[kind], min_size=count, max_size=count)) for kind in kinds]
    keys = [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    rows = [*zip(*columns, strict=True)]
    order = stable_order(keys).tolist()
    assert order == sorted(range(count), key=rows.__getitem__)
    differ = unlike_last([values[order] for values in keys]).tolist()
    ordered = [rows[at] for at in order]
    assert differ == [at == 0 or ordered[at] != ordered[at - 1] for at in range(count)]
