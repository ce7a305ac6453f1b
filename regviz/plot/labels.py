"""Text in figures: what can be drawn, how wide it is, how it is cut, and ticks for bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from regviz.text import UNITS, escape_terminal

FAMILY = "DejaVu Sans"
ELLIPSIS = "…"
_NARROWEST = 0.05
"""Of the letters' size: nothing that can be drawn is as narrow."""
_TELLING = 6
"""Characters at both ends by which a reader tells cut names apart."""
_NOP = re.compile(r"^/bin/sh -c #\(nop\)\s*")
_SHELL = re.compile(r"^(?:\|\d+ .*?)?(?:/bin/sh|/bin/bash|cmd|powershell)\s+(?:-c|/S /C)\s+", re.DOTALL)


def drawable(text: str) -> str:
    r"""Text that the figures' font can draw on one line; what it cannot is escaped.

    Examples
    --------
    >>> drawable("größe"), drawable("日本"), drawable("a\nb\u202ec")
    ('größe', '\\u65e5\\u672c', 'a b\\u202ec')
    """
    line = escape_terminal(" ".join(unicodedata.normalize("NFC", text).split()))
    return line if line.isascii() else "".join(_shown(character) for character in line)


def has_glyphs(text: str) -> bool:
    """Whether the figures' font has every character."""
    return all(_has_glyph(character) for character in text)


@cache
def _shown(character: str) -> str:
    # Marks that pile up on the character before them could reach into other lines.
    if _has_glyph(character) and unicodedata.category(character)[0] != "M":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@cache
def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FAMILY))).get_char_index(ord(character)))


@lru_cache(maxsize=1 << 14)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a drawable line, in points.

    Examples
    --------
    >>> text_width("layers", 18) == 2 * text_width("layers", 9)
    True
    """
    if not text:
        return 0.0
    scale = text_to_path.FONT_SCALE
    font = FontProperties(family=FAMILY, weight="bold" if bold else "normal", size=scale)
    width: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return width * size / scale


def wrap(text: str, width: float, size: float, *, bold: bool = False, lines: int = 3) -> str:
    r"""Text on as many lines as it needs; what is too long for the last one is cut.

    Examples
    --------
    >>> wrap("Half of the bytes belong to three", 100, 9).split("\n")
    ['Half of the bytes', 'belong to three']
    """
    broken = [""]
    for word in text.split(" "):
        longer = f"{broken[-1]} {word}".strip()
        if broken[-1] and len(broken) < lines and text_width(longer, size, bold=bold) > width:
            broken.append(word)
        else:
            broken[-1] = longer
    return "\n".join(fit(line, width, size, bold=bold) for line in broken)


def fit(text: str, width: float, size: float, *, bold: bool = False, end: bool = False) -> str:
    """A drawable line, cut in its middle (or at its start) where it is too wide.

    Parameters
    ----------
    text : str
    width, size : float
        In points. Where not even the ellipsis fits, nothing is left.
    bold : bool
    end : bool
        Cut at the start, and keep the end.

    Examples
    --------
    >>> fit("registry.example/team/frontend", 90, 9), fit("registry.example/team/frontend", 90, 9, end=True)
    ('registry.…/frontend', '…le/team/frontend')
    """
    most = int(width / (size * _NARROWEST)) + 2
    if len(text) > 2 * most:  # what lies between is never seen, and takes long to measure
        text = text[:most] + text[-most:]
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = -1, len(text) - 1  # how many characters stay
    while low < high:
        middle = (low + high + 1) // 2
        fits = text_width(_cut(text, middle, end=end), size, bold=bold) <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return _cut(text, low, end=end) if low >= 0 else ""


def _cut(text: str, kept: int, *, end: bool = False) -> str:
    tail = kept if end else kept // 2
    return text[: kept - tail] + ELLIPSIS + (text[len(text) - tail :] if tail else "")


def fit_all(texts: Sequence[str], widths: float | Sequence[float], size: float) -> list[str]:
    """Drawable lines cut so that those that differ still do.

    Cut in the middle they may look alike; those that do show the place where they differ from their
    neighbours in alphabetical order, and at last a number.

    Parameters
    ----------
    texts : sequence of str
    widths : float, or one for each text
        In points; with room for a dozen characters at least.
    size : float

    Examples
    --------
    >>> names = ["team/" + "x" * 40 + place + "y" * 40 for place in ("east", "west")]
    >>> fit_all(names, 90, 9)
    ['team…eastyy…yyy', 'team…westyy…yyy']
    """
    room: dict[str, float] = {}
    for text, width in zip(texts, widths if isinstance(widths, Sequence) else [widths] * len(texts), strict=True):
        room[text] = min(width, room.get(text, width))
    made = {text: fit(text, width, size) for text, width in room.items()}
    alike: dict[tuple[str, ...], list[str]] = {}
    for text, short in made.items():
        ends = (text,) if text == short else (text[:_TELLING], text[-_TELLING:])
        alike.setdefault(ends, []).append(text)
    for group in alike.values():
        if len(group) > 1:
            made.update(_distinct(sorted(group), min(room[text] for text in group), size))
    taken: set[str] = set()
    for text in sorted(made):
        label, number = made[text], 2
        while label in taken:
            counted = f" ({number})"
            label, number = fit(text, room[text] - text_width(counted, size), size) + counted, number + 1
        taken.add(label)
        made[text] = label
    return [made[text] for text in texts]


def _distinct(group: list[str], width: float, size: float) -> dict[str, str]:
    """Each text with the place where they part or, if that tells too little, where it parts from its neighbours."""
    common = [_common_start(one, other) for one, other in pairwise(group)]
    together = {text: _shown_at(text, min(common), width, size) for text in group}
    if len(set(together.values())) == len(group):
        return together
    places = map(max, [0, *common], [*common, 0])
    return {text: _shown_at(text, place, width, size) for text, place in zip(group, places, strict=True)}


def _shown_at(text: str, place: int, width: float, size: float) -> str:
    """A text cut so that its head, what stands at a place and its tail are left."""
    for shown in range(int(len(text) * width / text_width(text, size)) + 2, 3, -1):
        head, tail = shown // 3, shown // 4
        start = text[:place] if place <= head else text[:head] + ELLIPSIS
        inside = text[place : place + shown - head - tail]
        rest = text[place + len(inside) :]
        end = rest if len(rest) <= tail else ELLIPSIS + rest[len(rest) - tail :]
        if text_width(start + inside + end, size) <= width:
            return start + inside + end
    return fit(text, width, size)


def _common_start(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def instruction(created_by: str | None) -> str:
    r"""An instruction as its author wrote it, without what builders put around it.

    Examples
    --------
    >>> instruction("/bin/sh -c #(nop)  CMD [\"node\"]"), instruction("/bin/sh -c apt-get update")
    ('CMD ["node"]', 'RUN apt-get update')
    >>> instruction("RUN /bin/sh -c npm ci # buildkit"), instruction("|1 A=b /bin/sh -c make"), instruction(None)
    ('RUN npm ci', 'RUN make', '')
    """
    text = (created_by or "").strip().removesuffix("# buildkit").strip()
    if _NOP.match(text):
        return _NOP.sub("", text)
    is_run, text = text.startswith("RUN "), text.removeprefix("RUN ")
    bare = _SHELL.sub("", text)
    return f"RUN {bare}" if is_run or bare != text else text


def byte_ticks(largest: int, count: int = 6) -> list[int]:
    """Round numbers of bytes from 0 up to `largest`, at most about `count` of them.

    Examples
    --------
    >>> [format_tick(tick) for tick in byte_ticks(1_400_000_000)]
    ['0', '256 MiB', '512 MiB', '768 MiB', '1 GiB', '1.25 GiB']
    """
    step = 1
    while largest // step >= count:
        step *= 2
    return list(range(0, largest + 1, step))


def format_tick(count: int) -> str:
    """A round number of bytes without needless zeros.

    Examples
    --------
    >>> format_tick(0), format_tick(1 << 20), format_tick(3 << 29)
    ('0', '1 MiB', '1.5 GiB')
    """
    if not count:
        return "0"
    unit = min((count.bit_length() - 1) // 10, len(UNITS) - 1)
    return f"{count / (1 << 10 * unit):.4g} {UNITS[unit]}"


def percent(part: int, whole: int) -> str:
    """A share in whole per cents; never 0 or 100 for what is neither.

    Examples
    --------
    >>> percent(1, 3), percent(1, 10_000), percent(9_999, 10_000), percent(2, 2)
    ('33 %', 'under 1 %', 'over 99 %', '100 %')
    """
    share = round(100 * part / whole) if whole else 0
    if share == 0 and part:
        return "under 1 %"
    return "over 99 %" if share == 100 and part < whole else f"{share} %"
