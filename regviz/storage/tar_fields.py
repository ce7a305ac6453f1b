"""The fields of a tar header: numbers, names, pax records, the checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.errors import DamagedArchiveError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 512
NO_LOCATOR = -1
NUL, ZERO, HARD_LINK, SYMBOLIC, DIRECTORY_FLAG, CONTIGUOUS = b"\x0001257"
LONG_NAME, LONG_LINK, GNU_SPARSE, GNU_DIRECTORY, PAX, PAX_GLOBAL = b"LKSDxg"
"""Type flags."""
EXTENSIONS = frozenset((LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL))
"""Of headers that say more about the member behind them."""
NO_DATA = frozenset(b"123456")
"""Of members that have no content, whatever length their header says."""
LONGEST_EXTENSION = 1 << 20
"""Bytes of the longest name or pax header that is taken for honest."""
_HEEDED = frozenset(
    (b"path", b"linkpath", b"size", b"mtime", b"GNU.sparse.name", b"GNU.sparse.realsize", b"GNU.sparse.size")
)
_LATEST = 1 << 62
_LATEST_SECOND = 253_402_300_800  # of the year 9999
_LONGEST_NUMBER = 18  # digits that 63 bits hold
_ZEROS, _NO_DIGITS = np.uint64(0x3030303030303030), np.uint64(0xF8F8F8F8F8F8F8F8)


def octal_numbers(fields: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    r"""Numbers of rows of eleven octal digits and a NUL or blank, and whether each row is such a one.

    The digits of eight bytes are put together in one word: neighbours, then pairs, then fours.

    Examples
    --------
    >>> numbers, good = octal_numbers(np.frombuffer(b"00000000107\x00" b"0000000lots ", np.uint8).reshape(2, 12))
    >>> good.tolist(), int(numbers[0])
    ([True, False], 71)
    """
    text = fields.tobytes() + bytes(12)
    value = np.ndarray((len(fields),), "<u8", text, 0, (12,)) ^ _ZEROS
    last = np.ndarray((len(fields),), "<u4", text, 8, (12,)) ^ np.uint32(0x00303030)
    good = (value & _NO_DIGITS == 0) & (last & np.uint32(0xDFF8F8F8) == 0)
    for width, lanes in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF)):
        value = (value * np.uint64(1 << 3 * width // 8) + (value >> np.uint64(width))) & np.uint64(lanes)
    tail = (
        (last & np.uint32(7)) << np.uint32(6)
        | (last >> np.uint32(5) & np.uint32(0x38))
        | (last >> np.uint32(16) & np.uint32(7))
    )
    return (value << np.uint64(9) | tail).astype(np.int64), good


def number(field: bytes, at: int, source: str) -> int:
    """A number of a header: octal digits, or base 256 where the first bit is set (GNU).

    Raises
    ------
    DamagedArchiveError
        Where it is neither; `at` and `source` say where.

    Examples
    --------
    >>> number(b"00000000107 ", 0, "a.tar"), number(b"0" * 0 + bytes([0x80]) + bytes(10) + b"*", 0, "a.tar")
    (71, 42)
    """
    if field[0] & 0x80:
        negative = field[0] == 0xFF
        value = int.from_bytes(field if negative else bytes((field[0] & 0x7F,)) + field[1:], "big", signed=negative)
        if abs(value) < _LATEST:
            return value
    else:
        digits = field.split(b"\0", 1)[0].strip()
        if not digits.strip(b"01234567"):
            return int(digits or b"0", 8)
    raise no_number(at, source)


def length(field: bytes, at: int, source: str) -> int:
    """A number of bytes in a header; DamagedArchiveError where it is none, or negative."""
    value = number(field, at, source)
    if value < 0:
        raise no_number(at, source)
    return value


def no_number(at: int, source: str) -> DamagedArchiveError:
    """What to raise where a number that must be known is not."""
    return DamagedArchiveError(f"{source} is damaged at byte {at}: a header holds no number where one belongs")


def member_name(header: bytes, p: int) -> bytes:
    """Name in the header at `p`, after its prefix where the header is POSIX's (GNU keeps times there)."""
    end = header.find(0, p, p + 100)
    name = header[p : end if end >= 0 else p + 100]
    if header[p + 345] and header[p + 257 : p + 263] == b"ustar\0":
        return header[p + 345 : p + 500].split(b"\0", 1)[0] + b"/" + name
    return name


def parse_pax(text: bytes) -> dict[bytes, bytes]:
    r"""Records of a pax extended header: ``LENGTH KEYWORD=VALUE`` and a newline each (POSIX.1-2024, pax).

    Examples
    --------
    >>> parse_pax(b"12 path=a/b\n20 mtime=1400000000\n")
    {b'path': b'a/b', b'mtime': b'1400000000'}
    """
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(text):
        space = text.find(b" ", at, at + 20)
        if space < 0 or not text[at:space].isdigit():
            break
        end = at + int(text[at:space])
        keyword, equals, value = text[space + 1 : end - 1].partition(b"=")
        if end <= space or not equals:
            break
        records[keyword] = value
        at = end
    return records


def heeded(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Those of some pax records that say something here: global ones are kept, and looked at for each member."""
    return {keyword: value for keyword, value in records.items() if keyword in _HEEDED}


def pax_length(records: dict[bytes, bytes], keyword: bytes) -> int | None:
    """A number of bytes among pax records; None where it is not there, or is none."""
    text = records.get(keyword, b"")
    return int(text) if text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def header_time(field: bytes, at: int, source: str) -> int:
    """A header's time in microseconds; 0 (not known) where it is beyond the year 9999, or as far back."""
    seconds = number(field, at, source)
    return seconds * 1_000_000 if abs(seconds) < _LATEST_SECOND else 0


def microseconds(text: bytes, fallback: int) -> int:
    """A pax time in microseconds, rounded down; `fallback` where it is none.

    Examples
    --------
    >>> microseconds(b"1400000000.1234567", 0), microseconds(b"-0.5", 0), microseconds(b"soon", 7)
    (1400000000123456, -500000, 7)
    """
    whole, _, fraction = text.partition(b".")
    digits = whole.removeprefix(b"-")
    if not digits.isdigit() or (fraction and not fraction.isdigit()) or len(digits) > 12:
        return fallback
    micro = int(digits) * 1_000_000 + int((fraction + b"000000")[:6])
    return micro if digits is whole or whole[:1] != b"-" else -micro - bool(fraction[6:].strip(b"0"))


def verify(header: bytes, at: int, source: str) -> None:
    """Hold a header to its checksum, unsigned or (old Sun tar) signed; DamagedArchiveError where it fails."""
    field = header[148:156].split(b"\0", 1)[0].strip()
    body = header[:148] + b"        " + header[156:]
    total = sum(body)
    signed = total - 256 * sum(byte > 0x7F for byte in body)
    if not field or field.strip(b"01234567") or int(field, 8) not in (total, signed):
        what = "is no tar archive" if at == 0 else f"is damaged at byte {at}: no header of a member stands there"
        message = f"{source} {what}"
        raise DamagedArchiveError(message)
