"""The pool of keys: every digest, chain ID and v1 id of a registry, once, as 32 raw bytes.

A registry of a million blobs names several million digests. As Python texts in a dictionary they are the memory and
half of the time; here a batch of them is decoded, looked up and stored by a few array operations. Keys get codes in
the order they are met; :meth:`KeyPool.freeze` puts them in the order of their texts.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import TYPE_CHECKING

import numpy as np

from regviz.interning import UNLISTED, RawRows
from regviz.sorting import stable_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Raw = NDArray[np.uint8]

SHA256, V1_ID, V1_LAYER = b"sha256:", b"", b"v1:"
"""What stands before 64 hex digits in the three common families of keys."""

_PREFIXES = (V1_ID, SHA256, V1_LAYER)  # in the order of their texts: hex digits sort before letters beyond f
_WIDTH = 32
_PART = 1 << 14  # keys that are decoded together: more only cost memory
_HEX = 2 * _WIDTH
_LATER = np.uint64(16)  # bits at the end of eight bytes that order hardly any keys

DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
"""Grammar of a digest: image-spec, descriptor.md, section Digests."""
_SHA256 = re.compile(r"sha256:[a-f0-9]{64}")
_REGISTERED = re.compile(r"sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}|blake3:[a-f0-9]{64}")
_REGISTERED_ALGORITHMS = ("sha256", "sha384", "sha512", "blake3")
_LONGEST_DIGEST = 512
_V1_ID = re.compile(r"[a-f0-9]{16}(?:[a-f0-9]{48})?")

_DIGITS, _CAPITALS = b"0123456789abcdef", b"ABCDEF"
_NIBBLE = np.full(256, 255, np.uint8)
_NIBBLE[np.frombuffer(_DIGITS, np.uint8)] = np.arange(16, dtype=np.uint8)
_HEX_PAIRS = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), np.uint16)  # of two letters each


def is_digest(text: str) -> bool:
    """Whether a text is a digest: the grammar of the image specification, and the registered algorithms' lengths.

    Examples
    --------
    >>> is_digest("sha256:" + "ab" * 32), is_digest("sha256:" + "AB" * 32)
    (True, False)
    >>> is_digest("tarsum.v1+sha256:0a"), is_digest("latest")
    (True, False)
    """
    if _SHA256.fullmatch(text) is not None:
        return True
    if len(text) > _LONGEST_DIGEST or DIGEST.fullmatch(text) is None:
        return False
    return text.partition(":")[0] not in _REGISTERED_ALGORITHMS or _REGISTERED.fullmatch(text) is not None


def is_v1_id(text: str) -> bool:
    """Whether a text is the id of a v1 image: 64 hex digits, and 16 are valid too (docker_registry/toolkit.py).

    Examples
    --------
    >>> is_v1_id("27cf784147099545"), is_v1_id("latest")
    (True, False)
    """
    return _V1_ID.fullmatch(text) is not None


def hex_digits(raw: Raw) -> Raw:
    """Rows of hex digits, as letters, for rows of bytes.

    Examples
    --------
    >>> hex_digits(np.array([[0x0A, 0xFF]], np.uint8)).tobytes()
    b'0aff'
    """
    return _HEX_PAIRS.take(raw).view(np.uint8)


def raw_digests(names: Sequence[bytes]) -> Raw:
    """Rows of 32 bytes for names of 64 hex digits each.

    Examples
    --------
    >>> raw_digests([b"0a" * 32, b"ff" * 32])[:, 0].tolist()
    [10, 255]
    """
    return np.frombuffer(unhexlify(b"".join(names)), np.uint8).reshape(-1, _WIDTH)


def _packed(nibbles: Raw) -> Raw:
    """Bytes of rows of hex digits, given as numbers."""
    return np.bitwise_or(np.left_shift(nibbles[:, 0::2], 4), nibbles[:, 1::2], dtype=np.uint8)


def _decoded(digits: bytes) -> Raw | None:
    """Rows of 32 bytes out of hex digits; None where one of them is none, or a capital."""
    if any(capital in digits for capital in _CAPITALS):
        return None
    try:
        return np.frombuffer(unhexlify(digits), np.uint8).reshape(-1, _WIDTH)
    except ValueError:
        return None


def _in_order(words: NDArray[np.uint64], family: NDArray[np.uint8]) -> Iterator[Codes]:
    """Rows of the common families by family and bytes, a sixteenth at a time: all at once would take much memory."""
    part_of = family << 4 | words.view(np.uint8)[:, 0] >> 4  # what is in no family has numbers beyond those of all
    for part in range(16 * len(_PREFIXES)):
        rows = np.flatnonzero(part_of == part).astype(np.int32)
        begin = words[rows, 0].byteswap()  # so numbers stand in the order of their bytes
        order = stable_order([begin >> _LATER])
        begin = begin[order]
        # digests hardly ever begin with the same bytes, but who forges them can make it so
        if bool((begin[1:] <= begin[:-1]).any()):
            order = np.lexsort(words[rows].byteswap().T[::-1])
        yield rows[order]


class KeyPool:
    """Codes for keys. Common keys are raw bytes in arrays; all others ("odd" ones) are texts in a dictionary.

    Examples
    --------
    >>> pool = KeyPool()
    >>> codes = pool.intern(["sha256:" + "ab" * 32, "sha512:" + "cd" * 64, "sha256:" + "ab" * 32])
    >>> codes.tolist(), pool.text(1)[:14]
    ([0, 1, 0], 'sha512:cdcdcdc')
    """

    def __init__(self) -> None:
        self._rows = RawRows(_WIDTH // 8)
        self._ranks: Codes = np.empty(0, np.int32)
        self._odd: dict[str, int] = {}
        self._odd_text: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def expect(self, more: int) -> None:
        """Make room at once for as many new keys as are known to come."""
        self._rows.expect(more)

    def intern_regular(self, texts: Sequence[str], prefix: bytes = SHA256) -> Codes | None:
        """Codes of keys of one family, all well formed; None where any is not."""
        width = len(prefix) + _HEX
        joined = "".join(texts)
        if len(joined) != len(texts) * width or not joined.isascii() or {*map(len, texts)} != {width}:
            return None
        return self.intern_letters(np.frombuffer(joined.encode(), np.uint8).reshape(len(texts), width), prefix)

    def intern_letters(self, letters: Raw, prefix: bytes = SHA256) -> Codes | None:
        """Codes of keys of one family, given as rows of letters; None where any is not well formed."""
        if not (letters[:, : len(prefix)] == np.frombuffer(prefix, np.uint8)).all():
            return None
        raw = _decoded(letters[:, len(prefix) :].tobytes())
        return None if raw is None else self.intern_raw(raw, prefix)

    def intern(self, texts: Sequence[str], prefix: bytes = SHA256) -> Codes:
        """Codes of keys given as texts; an empty text is NA (-1). `prefix` is that of most of them."""
        regular = self.intern_regular(texts, prefix)
        if regular is not None:
            return regular
        count, width = len(texts), len(prefix) + _HEX
        head = prefix.decode()
        fits = np.array([len(t) == width and t.startswith(head) and t.isascii() for t in texts], np.bool_)
        codes = np.full(count, -1, np.int32)
        if fits.any():
            picked = [texts[i] for i in np.flatnonzero(fits).tolist()]
            grid = np.frombuffer("".join(picked).encode(), np.uint8).reshape(len(picked), width)
            codes[fits] = self._intern_hex(grid[:, len(prefix) :], prefix, picked)
        for i in np.flatnonzero(~fits).tolist():
            if texts[i]:
                codes[i] = self.code(texts[i])
        return codes

    def intern_names(self, names: Sequence[bytes], prefix: bytes = SHA256) -> Codes:
        """Codes of keys given as file names: what follows `prefix`, the hex digits of a digest for one."""
        if len(names) > _PART:
            parts = [self.intern_names(names[at : at + _PART], prefix) for at in range(0, len(names), _PART)]
            return np.concatenate(parts)
        joined = b"".join(names)
        is_common = prefix in _PREFIXES
        if is_common and len(joined) == len(names) * _HEX and {*map(len, names)} <= {_HEX}:
            raw = _decoded(joined)
            if raw is not None:
                return self.intern_raw(raw, prefix)
        texts = [(prefix + name).decode("utf-8", "backslashreplace") for name in names]
        return self.intern(texts, prefix if is_common else SHA256)

    def code(self, text: str) -> int:
        """Code of one key."""
        for prefix in (SHA256, V1_LAYER, V1_ID):
            head = prefix.decode()
            if len(text) == len(head) + _HEX and text.startswith(head) and text.isascii():
                pairs = _NIBBLE[np.frombuffer(text[len(head) :].encode(), np.uint8)]
                if not (pairs == 255).any():
                    return int(self.intern_raw(_packed(pairs.reshape(1, -1)), prefix)[0])
        code = self._odd.get(text)
        if code is None:
            code = self._rows.grow(1)
            self._rows.family[code] = UNLISTED
            self._odd[text] = code
            self._odd_text[code] = text
        return code

    def intern_raw(self, raw: Raw, prefix: bytes = SHA256) -> Codes:
        """Codes of keys given as rows of 32 bytes."""
        return self._rows.intern(np.ascontiguousarray(raw).view(np.uint64), _PREFIXES.index(prefix))

    def with_prefix(self, codes: Codes, prefix: bytes) -> Codes:
        """Codes of the same hex digits under another prefix; the keys given have none."""
        made = np.empty(len(codes), np.int32)
        odd = self._rows.family[codes] == UNLISTED
        made[~odd] = self._rows.intern(self._rows.words[codes[~odd]], _PREFIXES.index(prefix))
        head = prefix.decode()
        made[odd] = [self.code(head + self._odd_text[code]) for code in codes[odd].tolist()]
        return made

    def odd(self) -> Codes:
        """Codes of the keys that belong to no common family."""
        return np.fromiter(self._odd_text, np.int32, len(self._odd_text))

    def text(self, code: int) -> str:
        """Text of one key."""
        odd = self._odd_text.get(code)
        return (
            odd
            if odd is not None
            else _PREFIXES[self._rows.family[code]].decode() + self._rows.words[code].tobytes().hex()
        )

    def texts(self, codes: Codes) -> list[str]:
        """Texts of keys."""
        result = [""] * len(codes)
        for family, prefix in enumerate(_PREFIXES):
            rows = np.flatnonzero(self._rows.family[codes] == family)
            width = len(prefix) + _HEX
            blob = self._grid(codes[rows], prefix).tobytes().decode()
            for place, row in enumerate(rows.tolist()):
                result[row] = blob[place * width : (place + 1) * width]
        for row in np.flatnonzero(self._rows.family[codes] == UNLISTED).tolist():
            result[row] = self._odd_text[int(codes[row])]
        return result

    def raw(self, codes: Codes) -> tuple[Raw, NDArray[np.bool_]]:
        """The 32 bytes of keys, and of which they are the digest: those of sha256."""
        words = self._rows.words.take(codes, axis=0)
        return words.view(np.uint8), self._rows.family.take(codes) == _PREFIXES.index(SHA256)

    def ascii(self, codes: Codes) -> NDArray[np.bytes_]:
        """Texts of keys as bytes, in an array of fixed width."""
        families = np.unique(self._rows.family[codes])
        if len(families) == 1 and families[0] != UNLISTED:
            grid = np.ascontiguousarray(self._grid(codes, _PREFIXES[families[0]]))
            return grid.view(f"S{grid.shape[1]}").ravel()
        return np.array([text.encode() for text in self.texts(codes)] or [b""], dtype=np.bytes_)[: len(codes)]

    def rest(self) -> None:
        """Give back what only finding keys needs; it is made again when a key is looked up."""
        self._rows.rest()

    def argsort(self, codes: Codes) -> NDArray[np.int64]:
        """The order of some keys by their texts; equal ones stay as they are."""
        family = self._rows.family[codes]
        if bool((family == UNLISTED).any()):
            return np.argsort(self.ranks()[codes], kind="stable")
        begin = self._rows.words[codes, 0].byteswap()
        order = stable_order([family, begin >> _LATER])
        begin, there = begin[order], codes[order]
        falls = (begin[1:] < begin[:-1]) & (family[order[1:]] == family[order[:-1]])
        if bool((falls | (begin[1:] == begin[:-1]) & (there[1:] != there[:-1])).any()):
            order = np.lexsort((*self._rows.words[codes].byteswap().T[::-1], family))
        return order

    def ranks(self) -> Codes:
        """For each key its place in the order of texts."""
        if len(self._ranks) != len(self):
            self._ranks = np.empty(len(self), np.int32)
            self._ranks[self._sorted_codes()] = np.arange(len(self), dtype=np.int32)
        return self._ranks

    def freeze(self) -> Codes:
        """Put the keys in the order of their texts; returns the new code of each old one, NA's -1 at the end.

        Nothing is added after.
        """
        order = self._sorted_codes()
        new = np.full(len(self) + 1, -1, np.int32)
        new[order] = np.arange(len(self), dtype=np.int32)
        self._rows.reorder(order)
        self._odd_text = {int(new[code]): text for code, text in self._odd_text.items()}
        self._odd = {text: code for code, text in self._odd_text.items()}
        self._ranks = np.empty(0, np.int32)
        return new

    def _sorted_codes(self) -> Codes:
        """Codes in the order of their texts."""
        words, family = self._rows.words[: len(self)], self._rows.family[: len(self)]
        order = np.concatenate([*_in_order(words, family)])
        return self._merge_odd(order) if self._odd_text else order

    def find(self, text: str) -> int:
        """Code of a key in a frozen pool; -1 where it is not there."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.text(middle) < text:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.text(low) == text else -1

    def prefix_range(self, head: str) -> range:
        """Codes of a frozen pool whose texts begin with `head`."""
        bounds = []
        for beyond in ("", "\U0010ffff"):
            low, high = 0, len(self)
            while low < high:
                middle = (low + high) // 2
                if self.text(middle) < head + beyond:
                    low = middle + 1
                else:
                    high = middle
            bounds.append(low)
        return range(*bounds)

    def _intern_hex(self, grid: Raw, prefix: bytes, texts: Sequence[str]) -> Codes:
        pairs = _NIBBLE[grid]
        good = ~(pairs == 255).any(axis=1)
        if good.all():
            return self.intern_raw(_packed(pairs), prefix)
        codes = np.empty(len(texts), np.int32)
        codes[good] = self.intern_raw(_packed(pairs[good]), prefix)
        for i in np.flatnonzero(~good).tolist():
            codes[i] = self.code(texts[i])
        return codes

    def _grid(self, codes: Codes, prefix: bytes) -> Raw:
        grid = np.empty((len(codes), len(prefix) + _HEX), np.uint8)
        grid[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
        grid[:, len(prefix) :] = hex_digits(self._rows.words[codes].view(np.uint8))
        return grid

    def _merge_odd(self, order: Codes) -> Codes:
        odd = sorted(self._odd_text, key=self._odd_text.__getitem__)
        places = []
        for code in odd:
            text, low, high = self._odd_text[code], 0, len(order)
            while low < high:
                middle = (low + high) // 2
                if self.text(int(order[middle])) < text:
                    low = middle + 1
                else:
                    high = middle
            places.append(low)
        return np.insert(order, places, np.array(odd, np.int32))
