"""The pool of texts against a dictionary, and its hashes against sums by hand."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz import native
from regviz.hashes import KeyedHash
from regviz.interning import RawRows
from regviz.texts import TextPool, encode

_SAID = st.one_of(
    st.text("ab/\x00é\U0010ffff\ud800", max_size=8),
    st.text("ab", min_size=120, max_size=140),
    st.none() | st.integers(0, 1) | st.just([]),
)


def _as_kept(value: object, *, keep_empty: bool) -> str | None:
    if not isinstance(value, str) or (not value and not keep_empty):
        return None
    return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@settings(max_examples=200)
@given(batches=st.lists(st.lists(_SAID, max_size=20), max_size=4), keep_empty=st.booleans())
def test_codes_stand_for_texts(batches: list[list[object]], *, keep_empty: bool) -> None:
    pool, codes = TextPool(), dict[str, int]()
    for values in batches:
        expected = [_as_kept(value, keep_empty=keep_empty) for value in values]
        distinct, places = encode(values, keep_empty=keep_empty)
        assert [distinct[place] for place in places] == expected
        for text, code in zip(expected, pool.codes(values, keep_empty=keep_empty).tolist(), strict=True):
            assert code == (-1 if text is None else codes.setdefault(text, code))
    assert len(pool) == len(codes) == len({*codes.values()})
    assert pool.texts(np.array([*codes.values()], np.int32)) == list(codes)


@pytest.mark.parametrize("natively", [True, False])
def test_what_is_written_in_two_ways_is_kept_once(monkeypatch: pytest.MonkeyPatch, *, natively: bool) -> None:
    """Among so many texts that some claim the same slot, and are numbered later than they are met."""
    if not natively:
        monkeypatch.setattr(native, "library", lambda: None)
    pool = TextPool()
    others = [f"text {number}" for number in range(3000)]
    assert len({*pool.codes(["\x00", "\\x00", "\ud800", "\\ud800", "a", *others]).tolist()}) == len(pool) == 3003
    texts = ["\\x00", "\\ud800", "a", "b", *others]
    assert pool.texts(pool.codes(texts)) == texts


def test_short_texts_are_hashed_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    hashes = KeyedHash()
    texts = [b"", b"a", b"abcd", b"abcde", b"RUN make", "größe".encode(), b"x" * 127, b"x" * 128]
    for text, row in zip(texts, hashes.of(texts), strict=True):
        for half, keys in zip(row.view(np.uint32).tolist(), hashes._multipliers.T.tolist(), strict=True):
            words = [int.from_bytes(text[at : at + 4].ljust(4, b"\0"), "little") for at in range(0, len(text), 4)]
            assert half == sum(word * key for word, key in zip(words, keys, strict=False)) % 2**64 >> 32


def test_long_texts_are_hashed_by_blake2b_and_the_company_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    hashes = KeyedHash()
    texts = [b"short", b"y" * 129, b"z" * 1_000_000, b"y" * 128]
    together = hashes.of(texts)
    for text, row in zip(texts, together, strict=True):
        assert hashes.of([text]).tolist() == [row.tolist()]
    for text, row in zip(texts[1:3], together[1:3], strict=True):
        assert row.tobytes() == hashlib.blake2b(text, digest_size=16, key=hashes._key).digest()
    assert hashes.of([]).shape == (0, 2)


def test_keys_differ_from_pool_to_pool() -> None:
    one, other = (KeyedHash().of([b"RUN make", b"y" * 200]) for _ in range(2))
    assert not (one == other).any()


def test_rows_are_told_apart_while_the_table_grows() -> None:
    generator = random.Random(7)
    words = [[0, 0], [0, 1], [1, 0], [2**64 - 1, 2**64 - 1]]
    words += [[generator.getrandbits(64), generator.getrandbits(2)] for _ in range(20_000)]
    rows, codes = RawRows(2), dict[tuple[int, int, int], int]()
    for _ in range(30):
        batch, family = generator.choices(words, k=generator.choice([1, 100, 5000])), generator.randrange(2)
        for (first, second), code in zip(batch, rows.intern(np.array(batch, np.uint64), family).tolist(), strict=True):
            assert codes.setdefault((first, second, family), code) == code
    assert sorted(codes.values()) == list(range(len(rows)))
    for (first, second, family), code in codes.items():
        assert rows.words[code].tolist() == [first, second]
        assert rows.family[code] == family


def test_rows_are_told_apart_in_large_tables_too() -> None:
    generator = np.random.default_rng(7)
    distinct = generator.integers(0, 2**64, (600_000, 2), np.uint64)
    given_rows = distinct[generator.integers(0, len(distinct), 1_500_000)]
    rows = RawRows(2)
    codes = np.concatenate([rows.intern(given_rows[at : at + 100_000]) for at in range(0, len(given_rows), 100_000)])
    assert (rows.words[codes] == given_rows).all()
    assert len(rows) == len({*given_rows[:, 0].tolist()}) == len(np.unique(codes))
    order = generator.permutation(len(rows)).astype(np.int32)
    expected = rows.words[order].copy()
    rows.reorder(order)
    assert (rows.words == expected).all()
