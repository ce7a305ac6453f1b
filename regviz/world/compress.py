"""gzip and zstd whose bytes come out the same on every machine.

zlib and libzstd choose their output freely and change it between versions, so a digest over compressed bytes
made with them would depend on the Python that ran. The encoders here are small, slow and fixed. What they
write is ordinary: any gzip or zstd reads it.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

from regviz.world.encode import EMPTY_TAR

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Go wrote into gzip headers until 2016: the year 1 cut to 32 bits, and "unknown" as the operating
# system.
GZIP_HEADER = bytes.fromhex("1f8b0800 00096e88 00ff")
GZIP_OF_NOTHING = GZIP_HEADER + bytes.fromhex("010000ffff 00000000 00000000")
"""23 bytes: the layer docker 0.9 uploaded for a step that changed no file."""
GZIP_OF_EMPTY_TAR = GZIP_HEADER + bytes.fromhex("621805a360148c5800080000ffff 2eafb5ef 00040000")
"""32 bytes, sha256:a3ed95ca…: the same since docker 1.x, and schema 1's layer of a throwaway step."""

_WINDOW, _LONGEST, _PROBE = 32768, 258, 4
_STORED_LIMIT = 65535
# RFC 1951, section 3.2.5: the extra bits of each length code (257…285) and distance code (0…29).
_LENGTH_EXTRA = [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0]
_DISTANCE_EXTRA = [0, 0] + [bits for bits in range(14) for _ in range(2)]


def _reversed_bits(code: int, width: int) -> int:
    return int(f"{code:0{width}b}"[::-1], 2)


def _fixed_code(symbol: int) -> tuple[int, int]:
    """RFC 1951, section 3.2.6: a literal's or length's bits as the stream takes them, and their width."""
    if symbol < 144:
        code, width = 0x30 + symbol, 8
    elif symbol < 256:
        code, width = 0x190 + symbol - 144, 9
    elif symbol < 280:
        code, width = symbol - 256, 7
    else:
        code, width = 0xC0 + symbol - 280, 8
    return _reversed_bits(code, width), width


def _length_codes() -> list[tuple[int, int]]:
    codes = [(0, 0)] * 3
    for symbol, extra in enumerate(_LENGTH_EXTRA[:-1], 257):
        bits, width = _fixed_code(symbol)
        codes += [(bits | offset << width, width + extra) for offset in range(1 << extra)]
    return [*codes[:_LONGEST], _fixed_code(285)]


def _distance_codes() -> list[tuple[int, int, int]]:
    codes, base = [], 1
    for symbol, extra in enumerate(_DISTANCE_EXTRA):
        codes.append((base, _reversed_bits(symbol, 5), extra))
        base += 1 << extra
    return codes


_LITERALS = [_fixed_code(symbol) for symbol in range(257)]
_LENGTHS = _length_codes()
_DISTANCES = _distance_codes()
_DISTANCE_SYMBOL = [0] * (_WINDOW + 1)
for _symbol, (_base, _, _extra) in enumerate(_DISTANCES):
    _DISTANCE_SYMBOL[_base : _base + (1 << _extra)] = [_symbol] * (1 << _extra)


def _tokens(data: bytes) -> Iterator[tuple[int, int]]:
    """Greedy LZ77: each token's bits and width. Only the last place with the same 4 bytes is tried."""
    last_seen: dict[bytes, int] = {}
    position, end = 0, len(data)
    while position < end:
        probe = data[position : position + _PROBE]
        start = last_seen.get(probe, -1)
        last_seen[probe] = position
        if start < 0 or position - start > _WINDOW or len(probe) < _PROBE:
            yield _LITERALS[data[position]]
            position += 1
            continue
        length, longest = _PROBE, min(_LONGEST, end - position)
        while length < longest and data[start + length] == data[position + length]:
            length += 1
        yield _LENGTHS[length]
        distance = position - start
        base, bits, extra = _DISTANCES[_DISTANCE_SYMBOL[distance]]
        yield bits | (distance - base) << 5, 5 + extra
        position += length
    yield _LITERALS[256]


def _deflate_fixed(data: bytes) -> bytes:
    out, pending, held = bytearray(), 0b011, 3  # last block, fixed codes
    for bits, width in _tokens(data):
        pending |= bits << held
        held += width
        if held >= 64:
            out += (pending & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")
            pending >>= 64
            held -= 64
    return bytes(out) + pending.to_bytes((held + 7) // 8, "little")


def _deflate_stored(data: bytes) -> bytes:
    chunks = [data[start : start + _STORED_LIMIT] for start in range(0, len(data), _STORED_LIMIT)] or [b""]
    return b"".join(
        struct.pack("<BHH", chunk is chunks[-1], len(chunk), len(chunk) ^ 0xFFFF) + chunk for chunk in chunks
    )


def gzip(data: bytes, *, compress: bool = True) -> bytes:
    """One gzip member, its bytes the same on every machine.

    Parameters
    ----------
    data : bytes
        What to compress.
    compress : bool
        False only stores, which is fast and still gzip.

    Notes
    -----
    RFC 1951 with one block of fixed codes, or stored blocks where that is shorter; RFC 1952 around it.

    Examples
    --------
    >>> import gzip as standard
    >>> standard.decompress(gzip(b"layer " * 100)) == b"layer " * 100
    True
    """
    if data == EMPTY_TAR:
        return GZIP_OF_EMPTY_TAR
    body = _deflate_stored(data)
    if compress:
        body = min(_deflate_fixed(data), body, key=len)
    return GZIP_HEADER + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


_ZSTD_MAGIC, _ZSTD_SINGLE_SEGMENT_4_BYTES = b"\x28\xb5\x2f\xfd", 0xA0
_ZSTD_RAW, _ZSTD_RUN, _ZSTD_BLOCK_LIMIT = 0, 1, 128 * 1024
_ZERO_RUN = re.compile(rb"\0{32,131072}")


def zstd(data: bytes) -> bytes:
    """One zstd frame, its bytes the same on every machine.

    Notes
    -----
    RFC 8878, with raw blocks, and a run-length block for each longer run of zeros, which is what a tar is
    full of.

    Examples
    --------
    >>> len(zstd(bytes(10_000)))
    13
    """
    blocks: list[tuple[int, bytes, int]] = []

    def raw(chunk: bytes) -> None:
        for start in range(0, len(chunk), _ZSTD_BLOCK_LIMIT):
            piece = chunk[start : start + _ZSTD_BLOCK_LIMIT]
            blocks.append((_ZSTD_RAW, piece, len(piece)))

    position = 0
    for run in _ZERO_RUN.finditer(data):
        raw(data[position : run.start()])
        blocks.append((_ZSTD_RUN, b"\0", run.end() - run.start()))
        position = run.end()
    raw(data[position:])
    blocks = blocks or [(_ZSTD_RAW, b"", 0)]
    frame = [_ZSTD_MAGIC, struct.pack("<BI", _ZSTD_SINGLE_SEGMENT_4_BYTES, len(data))]
    for number, (kind, content, length) in enumerate(blocks, 1):
        frame.append(((number == len(blocks)) | kind << 1 | length << 3).to_bytes(3, "little") + content)
    return b"".join(frame)
