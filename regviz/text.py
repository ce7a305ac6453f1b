"""Bytes, digests, times and names as text; escaping for every place where text ends."""

from __future__ import annotations

import datetime as dt
import html
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_KIBI = 1024
_SIGNIFICANT = 3
_MOST_NEAR = 5

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_CSV_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def format_bytes(count: int | None) -> str:
    """Bytes as a person reads them: three significant digits in binary units.

    Parameters
    ----------
    count : int or None
        A number of bytes; None where it is not known.

    Returns
    -------
    str
        ``"—"`` for None.

    Examples
    --------
    >>> [format_bytes(n) for n in (0, 999, 1023, 1024, 1364000000, -2048, None)]
    ['0 B', '999 B', '1023 B', '1.00 KiB', '1.27 GiB', '-2.00 KiB', '—']
    >>> format_bytes(1023 * 1024 + 1000)
    '1.00 MiB'
    """
    if count is None:
        return "—"
    sign, value, unit = ("-" if count < 0 else ""), float(abs(count)), 0
    while unit < len(UNITS) - 1 and (value >= _KIBI or (unit > 0 and round(value) >= _KIBI)):
        value /= _KIBI
        unit += 1
    if unit == 0:
        return f"{sign}{abs(count)} B"
    whole = len(str(int(value + 0.5 * 10 ** -(_SIGNIFICANT - len(str(int(value)))))))
    decimals = max(0, _SIGNIFICANT - whole)
    return f"{sign}{value:.{decimals}f} {UNITS[unit]}"


def short_digest(digest: str) -> str:
    """A digest, chain ID or v1 image id cut to twelve hex digits, its algorithm kept.

    Examples
    --------
    >>> short_digest("sha256:" + "1a2b3c4d5e6f" + "0" * 52)
    'sha256:1a2b3c4d5e6f'
    >>> short_digest("27cf784147099545"), short_digest("v1:" + "ab" * 32)
    ('27cf78414709', 'v1:abababababab')
    """
    head, colon, encoded = digest.rpartition(":")
    return f"{head}{colon}{encoded[:12]}"


def collector_words(name: str) -> str:
    """A garbage collector as a sentence calls it.

    Examples
    --------
    >>> collector_words("distribution-2.8-m"), collector_words("reachability")
    ('Distribution 2.8 with -m', 'Collection by reachability')
    """
    others = {"reachability": "Collection by reachability", "v1": "Collection of v1 images"}
    return others.get(name, name.replace("distribution-", "Distribution ").replace("-m", " with -m"))


def format_date(moment: dt.datetime | None) -> str:
    """A time as its UTC date; ``"—"`` where it is not known.

    Examples
    --------
    >>> format_date(dt.datetime(2014, 5, 13, 23, 0, tzinfo=dt.UTC)), format_date(None)
    ('2014-05-13', '—')
    """
    return "—" if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%d")


def count_noun(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun in the right form.

    Examples
    --------
    >>> count_noun(1, "repository", "repositories"), count_noun(12345, "layer")
    ('1 repository', '12,345 layers')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def decode_name(raw: bytes) -> str:
    r"""A file name as text that every table and file format takes.

    Bytes that are no UTF-8, and surrogates, become ``\xNN``; everything else stays as it is.

    Examples
    --------
    >>> decode_name("größe".encode()), decode_name(b"caf\xe9")
    ('größe', 'caf\\xe9')
    """
    return raw.decode("utf-8", "backslashreplace")


def clean(text: str) -> str:
    r"""Text for a table: lone surrogates and NUL escaped, because Arrow and HTML refuse them.

    Examples
    --------
    >>> clean("a\ud800b"), clean("x\x00y")
    ('a\\ud800b', 'x\\x00y')
    """
    if text.isascii():
        return text.replace("\x00", "\\x00") if "\x00" in text else text
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def show_value(value: object) -> str:
    """What a document says in an odd place, cut short; it may be nested deeper than `repr` goes.

    Examples
    --------
    >>> show_value(["a", None])
    "['a', None]"
    """
    try:
        return clean(repr(value)[:200])
    except RecursionError:
        return "a value that is nested too deeply"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def escape_terminal(text: str) -> str:
    r"""Text that cannot move a cursor, change a colour or turn the writing direction.

    Examples
    --------
    >>> escape_terminal("ok\x1b[31mred"), escape_terminal("a\u202eb")
    ('ok\\x1b[31mred', 'a\\u202eb')
    """
    return _UNSAFE.sub(_visible, text)


def escape_html(text: str) -> str:
    """Text for HTML and SVG, in elements and in quoted attributes.

    Examples
    --------
    >>> escape_html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(escape_terminal(text), quote=True)


def escape_csv(text: str) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> escape_csv("=HYPERLINK(1)"), escape_csv("library/nodejs")
    ("'=HYPERLINK(1)", 'library/nodejs')
    """
    return f"'{text}" if text.startswith(_CSV_FORMULA) else text


def escape_dot(text: str) -> str:
    r"""Text as a quoted DOT string, as Graphviz' language defines it.

    Examples
    --------
    >>> escape_dot('say "hi"')
    '"say \\"hi\\""'
    """
    safe = escape_terminal(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe}"'


def parse_byte_count(text: str) -> int:
    """A number of bytes as a person writes it: ``10GB`` (decimal) or ``10GiB`` (binary).

    Raises
    ------
    ValueError
        If it is no number with a unit.

    Examples
    --------
    >>> parse_byte_count("10GB"), parse_byte_count("1.5 KiB"), parse_byte_count("42")
    (10000000000, 1536, 42)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?)b?\s*", text, re.IGNORECASE)
    if match is None:
        message = f"{text!r} is no number of bytes; write for example 10GB or 10GiB"
        raise ValueError(message)
    power = " kmgtpe".index(match[2].lower() or " ")
    return int(float(match[1]) * (_KIBI if match[3] else 1000) ** power)


_AGE_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def parse_age(text: str) -> dt.timedelta:
    """A length of time as a person writes it: ``24h``, ``90d``, ``12w``.

    Months and years are not taken, because they have no one length.

    Raises
    ------
    ValueError
        If it is no number with a unit, or longer than there is time.

    Examples
    --------
    >>> parse_age("90d") == dt.timedelta(days=90), parse_age("1.5 w") == dt.timedelta(days=10, hours=12)
    (True, True)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([hdw])\s*", text, re.IGNORECASE)
    if match is None:
        message = f"{text!r} is no age; write for example 24h (hours), 90d (days) or 12w (weeks)"
        raise ValueError(message)
    try:
        return dt.timedelta(**{_AGE_UNITS[match[2].lower()]: float(match[1])})
    except OverflowError:
        message = f"{text!r} is longer than there is time; write for example 90d"
        raise ValueError(message) from None


def near(reference: str, known: Iterable[str]) -> str:
    """What a message says of tags where one is not there: those near it, or where none is, what tags look like.

    A repository's ``library/`` may be left out.

    Examples
    --------
    >>> near("nodejz:20", ["library/nodejs:20", "team/web:1"]), near("x", ["team/web:1"]), near("x", [])
    ('; near it are: library/nodejs:20', '; its tags are, for example: team/web:1', '')
    """
    import difflib  # only for messages

    called = {name.removeprefix("library/"): name for name in known}
    found = difflib.get_close_matches(reference.removeprefix("library/"), called, _MOST_NEAR)
    if found:
        return f"; near it are: {', '.join(called[name] for name in found)}"
    return f"; its tags are, for example: {', '.join([*called.values()][:_MOST_NEAR])}" if called else ""


def is_like(name: str, globs: Iterable[str]) -> bool:
    """Whether a repository's name is like one of some globs; its ``library/`` may be left out.

    Examples
    --------
    >>> is_like("library/nodejs", ["node*"]), is_like("team/nodejs", ["node*"])
    (True, False)
    """
    names = (name, name.removeprefix("library/"))
    return any(fnmatchcase(known, glob) for glob in globs for known in names)
