"""Byte strings looked at together, against the methods of bytes; a batch as lists and as columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regviz.storage.base import DIRECTORY, FILE, INLINE, Entries
from regviz.storage.spans import Spans, equal_the_one_before, gather, words

# of few letters, so that ends, beginnings and neighbours are often alike; as long as a path, or longer than is compared
TEXTS = st.lists(
    st.text("ab/", max_size=20).map(str.encode) | st.integers(480, 540).map(lambda n: b"x" * n), max_size=12
)
ENDS = st.lists(st.text("ab/", max_size=18).map(str.encode), min_size=1, max_size=4)


def scattered(texts: list[bytes], noise: bytes) -> Spans:
    """The texts in one buffer, with something else between them."""
    data, starts = noise, []
    for text in texts:
        starts.append(len(data))
        data += text + noise
    lengths = np.array([len(text) for text in texts], np.int64)
    return Spans(data, np.array(starts, np.int64), np.array(starts, np.int64) + lengths)


@given(TEXTS, ENDS, st.text("ab/", max_size=9).map(str.encode))
def test_beginnings_and_ends(texts: list[bytes], ends: list[bytes], noise: bytes) -> None:
    spans = scattered(texts, noise)
    assert spans.tolist() == [spans[at] for at in range(len(spans))] == texts
    for end, found in zip(ends, spans.end_with(*ends), strict=True):
        assert found.tolist() == [text.endswith(end) for text in texts]
    for end, found in zip(ends, spans.start_with(*ends), strict=True):
        assert found.tolist() == [text.startswith(end) for text in texts]


@given(TEXTS, st.text("ab/", max_size=9).map(str.encode))
def test_what_is_the_same_as_before(texts: list[bytes], noise: bytes) -> None:
    differ = scattered(texts, noise).differ_from_the_one_before().tolist()
    assert differ[:1] == [True] * len(texts[:1])
    for one, other, may_differ in zip(texts, texts[1:], differ[1:], strict=False):
        assert may_differ or one == other


def test_equal_neighbours_are_found_where_what_stands_before_them_is_alike() -> None:
    spans = scattered([b"team/app", b"team/app", b"team/tool", b"team/tool"], b"docker/registry/v2/repositories/")
    assert spans.differ_from_the_one_before().tolist() == [True, False, True, False]


@given(TEXTS, st.data())
def test_some_replaced(texts: list[bytes], choice: st.DataObject) -> None:
    rows = choice.draw(st.lists(st.sampled_from(range(len(texts))), unique=True)) if texts else []
    others = [b"other" * row for row in rows]
    found = scattered(texts, b"-").replaced(np.array(rows, np.int64), others).tolist()
    expected = [*texts]
    for row, other in zip(rows, others, strict=True):
        expected[row] = other
    assert found == expected


@given(st.binary(max_size=40), st.lists(st.integers(0, 39), max_size=5), st.integers(1, 16))
def test_gathering(data: bytes, at: list[int], width: int) -> None:
    at = [place for place in at if place <= len(data)]
    rows = gather(data, np.array(at, np.int64), width)
    assert [row.tobytes() for row in rows] == [data[place : place + width].ljust(width, b"\0") for place in at]


@given(st.lists(st.lists(st.integers(0, 1), min_size=2, max_size=2), max_size=8))
def test_equal_rows(rows: list[list[int]]) -> None:
    table = np.array(rows, np.uint64).reshape(-1, 2)
    expected = [False, *(one == other for one, other in zip(rows, rows[1:], strict=False))][: len(rows)]
    assert equal_the_one_before(table).tolist() == expected
    assert words(table.view(np.uint8).reshape(-1, 16)).tolist() == rows


def test_a_batch_is_the_same_as_lists_and_as_columns() -> None:
    batch = Entries()
    for path, kind, content in (
        (b"a", DIRECTORY, None),
        (b"a/b", FILE, b""),
        (b"a/c", FILE, b"text"),
        (b"d", FILE, None),
    ):
        size = INLINE + 1 if path == b"d" else len(content or b"")
        for column, value in zip(
            (batch.paths, batch.types, batch.sizes, batch.mtimes, batch.locators, batch.inline),
            (path, kind, size, 7 * size, size - 1, content),
            strict=True,
        ):
            column.append(value)
    again = Entries(batch.columns())
    assert len(batch) == len(again) == 4
    for name in ("paths", "types", "sizes", "mtimes", "locators", "inline"):
        assert getattr(batch, name) == getattr(again, name)
    assert [again.small(at) for at in range(4)] == [batch.small(at) for at in range(4)]
    assert again.small(1) == b""
    assert again.small(3) == bytes(INLINE)
    part = Entries(batch.columns().take(np.array([2, 1])))
    assert (part.paths, part.inline) == ([b"a/c", b"a/b"], [b"text", b""])
