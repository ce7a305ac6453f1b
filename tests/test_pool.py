"""The pool of keys against a dictionary and `sorted`."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.pool import SHA256, V1_ID, V1_LAYER, KeyPool, is_digest

HEX = "0123456789abcdef"
_digits = st.integers(0, 40).map(lambda n: hashlib.sha256(bytes([n])).hexdigest())
# Forged digests: whoever makes them can have them begin, or end, alike.
_forged = st.builds(lambda head, tail: f"{head:016x}" + "0" * 32 + f"{tail:016x}", st.integers(0, 2), st.integers(0, 2))
ENCODED = _digits | _forged | st.sampled_from(["0" * 64, "f" * 64])
KEYS = st.one_of(
    ENCODED.map("sha256:{}".format),
    ENCODED.map("sha256:{}".format),
    ENCODED,
    ENCODED.map("v1:{}".format),
    ENCODED.map(lambda e: "sha512:" + e + e),
    ENCODED.map(lambda e: "sha256:" + e.upper()),
    ENCODED.map(lambda e: e[:16]),
    ENCODED.map(lambda e: "v1:" + e[:16]),
    st.text("abfsv:01\x00é中\U0010ffff", min_size=1, max_size=72),
    st.sampled_from(
        ["sha256:", "sha256:" + "g" * 64, "sha256:" + "0" * 63, "x" * 64, "x" * 71, "v1:" + "z" * 64, "é" * 64]
    ),
)
PREFIXES = st.sampled_from([SHA256, V1_ID, V1_LAYER])


@settings(max_examples=300)
@given(st.lists(st.tuples(st.lists(KEYS | st.just(""), max_size=30), PREFIXES), max_size=5))
def test_codes_stand_for_texts(batches: list[tuple[list[str], bytes]]) -> None:
    pool, codes = KeyPool(), dict[str, int]()
    for texts, prefix in batches:
        given_codes = pool.intern(texts, prefix).tolist()
        for text, code in zip(texts, given_codes, strict=True):
            assert code == (codes.setdefault(text, code) if text else -1)
    assert len(pool) == len(codes) == len(set(codes.values()))
    for text, code in codes.items():
        assert pool.text(code) == text
        assert pool.code(text) == code
    everything = np.array(list(codes.values()), np.int32)
    assert pool.texts(everything) == list(codes)


@settings(max_examples=300)
@given(st.lists(KEYS, max_size=60), st.text("absv:0", max_size=9) | ENCODED.map(lambda e: "sha256:" + e[:5]))
def test_a_frozen_pool_is_sorted(texts: list[str], head: str) -> None:
    pool = KeyPool()
    old = pool.intern(texts)
    distinct = sorted(set(texts))
    assert pool.ranks()[old].tolist() == [distinct.index(text) for text in texts]
    assert pool.argsort(old).tolist() == sorted(range(len(texts)), key=texts.__getitem__)
    new = pool.freeze()
    assert new[old].tolist() == [distinct.index(text) for text in texts]
    assert pool.texts(np.arange(len(distinct), dtype=np.int32)) == distinct
    assert [pool.text(code) for code in range(len(distinct))] == distinct
    assert pool.ranks().tolist() == list(range(len(distinct)))
    assert [pool.find(text) for text in distinct] == list(range(len(distinct)))
    assert {pool.find(text) for text in {"", "\0", "\U0010ffff" * 3, head}.difference(distinct)} <= {-1}
    begins = [text for text in distinct if text.startswith(head) and not text.startswith(head + "\U0010ffff")]
    assert [pool.text(code) for code in pool.prefix_range(head)] == begins


@given(st.lists(ENCODED.map(str.encode) | st.binary(min_size=1, max_size=70), max_size=40), PREFIXES)
def test_file_names_are_texts_behind_a_prefix(names: list[bytes], prefix: bytes) -> None:
    pool = KeyPool()
    texts = [prefix.decode() + name.decode("utf-8", "backslashreplace") for name in names]
    for codes in (pool.intern_names(names, prefix), pool.intern(texts, prefix)):
        assert pool.texts(codes) == texts
    assert len(pool) == len(set(texts))


@given(st.lists(ENCODED, min_size=1, max_size=40), PREFIXES)
def test_raw_bytes_are_hex_digits_behind_a_prefix(encoded: list[str], prefix: bytes) -> None:
    pool = KeyPool()
    codes = pool.intern([prefix.decode() + e for e in encoded], prefix)
    raw = np.array([list(bytes.fromhex(e)) for e in encoded], np.uint8)
    assert pool.intern_raw(raw, prefix).tolist() == codes.tolist()
    assert pool.ascii(codes).tolist() == [prefix + e.encode() for e in encoded]


@given(st.lists(KEYS.filter(lambda key: key.isascii() and not key.endswith("\0")), max_size=30))
def test_texts_as_bytes(texts: list[str]) -> None:
    pool = KeyPool()
    codes = pool.intern(texts)
    assert pool.ascii(codes).tolist() == [text.encode() for text in texts]


@pytest.mark.parametrize("batch", [1, 7, 1000, 100_000])
def test_growth_beyond_every_table(batch: int) -> None:
    """Digests that differ in their last digits only, many times what a new pool has room for."""
    texts = [f"sha256:{number % 20_000:064x}" for number in range(batch if batch > 1000 else 3000)]
    pool = KeyPool()
    codes = [
        code for start in range(0, len(texts), batch) for code in pool.intern(texts[start : start + batch]).tolist()
    ]
    first: dict[str, int] = {}
    assert codes == [first.setdefault(text, code) for text, code in zip(texts, codes, strict=True)]
    assert sorted(first.values()) == list(range(len(pool)))


def test_one_digest_a_thousand_times_in_one_batch() -> None:
    pool = KeyPool()
    assert set(pool.intern(["sha256:" + "ab" * 32] * 1000).tolist()) == {0}
    assert len(pool) == 1


# image-spec descriptor.md, section Digests, and its table of registered algorithms
GRAMMAR = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
REGISTERED = {"sha256": 64, "sha384": 96, "sha512": 128, "blake3": 64}


@settings(max_examples=400)
@given(
    st.one_of(
        KEYS,
        st.from_regex(GRAMMAR, fullmatch=True),
        st.text("sha256+.:=_-AF\n ", max_size=30),
        st.builds(
            "{}:{}".format,
            st.sampled_from([*REGISTERED, "md5", "SHA256"]),
            st.text(HEX + "AG", min_size=60, max_size=130),
        ),
        st.builds(
            lambda a, tail: f"{a}:" + "a" * REGISTERED[a] + tail,
            st.sampled_from([*REGISTERED]),
            st.sampled_from(["", "\n", "a"]),
        ),
    )
)
def test_what_a_digest_is(text: str) -> None:
    algorithm, _, encoded = text.partition(":")
    expected = GRAMMAR.fullmatch(text) is not None
    if algorithm in REGISTERED:
        expected = len(encoded) == REGISTERED[algorithm] and all(digit in HEX for digit in encoded)
    assert is_digest(text) == expected
