"""Keyed hashes of 128 bits for many short texts at a time: who wrote the texts cannot have chosen some that collide."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

import numpy as np

from regviz import native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HASH_WORDS = 2
"""Width of a hash in words of eight bytes."""

_SHORT = 128  # bytes: of longer texts blake2b is no slower
_LETTERS = 4  # bytes of a text that are multiplied together


class KeyedHash:
    """A hash of 128 bits, under a key that is drawn anew for every object.

    Short texts are hashed by the family "multilinear" (Lemire and Kaser, "Strongly universal string hashing is fast",
    2014): each 32 bits of a text times 64 secret bits, added up, and of the sum the upper half. Any two texts agree in
    such a half by a chance of one in 2**32, whoever wrote them, as nobody knows the key; four of them make 128 bits. It
    takes a few operations on arrays for thousands of texts, where blake2b, which longer texts get, takes a microsecond
    for each. Where there is a compiled library, SipHash is quicker than either.

    Examples
    --------
    >>> hashes = KeyedHash().of([b"COPY . /", b"RUN make", b"COPY . /", b"long " * 100])
    >>> hashes.shape, len({row.tobytes() for row in hashes})
    ((4, 2), 3)
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        multipliers = np.frombuffer(secrets.token_bytes(8 * 2 * HASH_WORDS * _SHORT // _LETTERS), np.uint64)
        self._multipliers = multipliers.reshape(_SHORT // _LETTERS, 2 * HASH_WORDS)

    def of(self, texts: Sequence[bytes]) -> NDArray[np.uint64]:
        """A row of `HASH_WORDS` words for each text; they have no NUL, as shorter ones are filled up with it."""
        if native.is_there():
            ends = np.cumsum([0, *map(len, texts)])
            return self.within(b"".join(texts), native.Bounds(ends[:-1], ends[1:]))
        if max(map(len, texts), default=0) <= _SHORT:
            return self._short(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        hashes = np.empty((len(texts), HASH_WORDS), np.uint64)
        short, long = np.flatnonzero(lengths <= _SHORT), np.flatnonzero(lengths > _SHORT)
        hashes[short] = self._short([texts[at] for at in short.tolist()])
        blake2b, size = hashlib.blake2b, 8 * HASH_WORDS
        joined = b"".join([blake2b(texts[at], digest_size=size, key=self._key).digest() for at in long.tolist()])
        hashes[long] = np.frombuffer(joined, np.uint64).reshape(-1, HASH_WORDS)
        return hashes

    def within(self, text: bytes, parts: native.Bounds) -> NDArray[np.uint64]:
        """The same of parts of a text.

        The compiled library is there.
        """
        return native.hashes(text, parts, self._key)

    def _short(self, texts: Sequence[bytes]) -> NDArray[np.uint64]:
        if not texts:
            return np.empty((0, HASH_WORDS), np.uint64)
        width = -(-max(1, *map(len, texts)) // _LETTERS)
        letters = np.array(texts, f"S{width * _LETTERS}").view(np.uint32).reshape(len(texts), width)
        sums = letters.astype(np.uint64) @ self._multipliers[:width]
        return np.ascontiguousarray((sums >> np.uint64(32)).astype(np.uint32)).view(np.uint64)
