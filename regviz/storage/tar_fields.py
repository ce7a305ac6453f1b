"""The fields of a tar header: numbers, names, pax records, the checksum."""

from __future__ import annotations

import numpy as np

from regviz.errors import DamagedArchiveError

BLOCK = 512
LONGEST_EXTENSION = 1 << 20
"""Bytes of the longest name or pax header that is taken for honest."""
_LATEST = 1 << 62
_LATEST_SECOND = 253_402_300_800  # of the year 9999
_LONGEST_NUMBER = 18  # digits that 63 bits hold
_POWERS = 8 ** np.arange(10, -1, -1, dtype=np.int64)


def octal_columns(
    field: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Numbers of eleven octal digits, and whether each is one."""
    digits = field - np.uint8(48)
    return digits.astype(np.int64) @ _POWERS, np.asarray((digits < 8).all(axis=1), np.bool_)


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
