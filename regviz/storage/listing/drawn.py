"""Drawn trees: what stands below what is told by indentation (as in the article of 2014) or by lines (``tree``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regviz.storage.base import BATCH, DIRECTORY, FILE, NO_SIZE
from regviz.storage.listing.lines import Entry, is_known_file, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.storage.listing.records import Parsed, Records

_DEEPEST = 64
_SPACE = "[ \u00a0]"
_INDENTED = re.compile(rb"(?P<indent> *)/(?P<name>[^/]+)")
_BRANCHED = re.compile(
    f"(?P<indent>(?:[\u2502| ]{_SPACE}{_SPACE} )*)(?:\u251c\u2500\u2500|\u2514\u2500\u2500|[|`]--){_SPACE}(?P<name>.+)"
)
_LEVEL = 4
_SUM = re.compile(rb"\d+ director(?:y|ies)(?:, \d+ files?)?")
_ELLIPSES = (b"...", "\u2026".encode())


def depth_and_name(line: bytes) -> tuple[int, bytes] | None:
    r"""How far in a name stands, and the name; None for a line of no drawn tree.

    Examples
    --------
    >>> depth_and_name(b"    /library"), depth_and_name("\u2502   \u2514\u2500\u2500 json".encode())
    ((4, b'library'), (8, b'json'))
    """
    if match := _INDENTED.fullmatch(line):
        return len(match["indent"]), match["name"]
    try:
        branch = _BRANCHED.fullmatch(line.decode())
    except UnicodeDecodeError:
        return None
    return None if branch is None else (len(branch["indent"]) + _LEVEL, branch["name"].encode())


def is_drawn(line: bytes) -> bool:
    """Whether a line is one of a drawn tree, or the sum below it."""
    return depth_and_name(line.rstrip()) is not None or _SUM.fullmatch(line.strip()) is not None


class Drawing:
    """Follows the lines of a drawn tree; what is deeper than the line before it lies in that.

    Attributes
    ----------
    elided : int
        Lines that say that something is left out.
    """

    def __init__(self) -> None:
        self.elided = 0
        self._above: list[tuple[int, bytes]] = []
        self._last: bytes | None = None
        self._begun = False

    def parse(self, records: Records) -> Iterator[Parsed]:
        """The entries of some lines, as columns, some at a time."""
        found: list[Entry] = []
        lost, passed = records.lost, 0
        for line in records.texts.tolist():
            said = depth_and_name(line.rstrip())
            begun, self._begun = self._begun, True
            if said is None and not begun and line.strip():
                said = (0, line.strip())  # the root, as tree names it
            if said is None:
                known = not line.strip() or _SUM.fullmatch(line.strip())
                passed += bool(known)
                lost += not known
                continue
            depth, name = said
            if name in _ELLIPSES:
                self.elided += 1
                continue
            if not self._enter(depth, name, found):
                lost += 1
            if len(found) >= BATCH:
                yield parsed(found, lost, passed)
                found, lost, passed = [], 0, 0
        yield parsed(found, lost, passed)

    def finish(self) -> Parsed:
        """The last entry."""
        found: list[Entry] = []
        self._leave(found, within=False)
        return parsed(found, 0)

    def _enter(self, depth: int, name: bytes, found: list[Entry]) -> bool:
        deeper = bool(self._above) and depth > self._above[-1][0]
        while self._above and self._above[-1][0] >= depth:
            self._above.pop()
        self._leave(found, within=deeper)
        if len(self._above) >= _DEEPEST:
            self._last = None
            return False
        path = b"/".join([*(part for _, part in self._above), name])
        self._above.append((depth, name))
        self._last = path
        return True

    def _leave(self, found: list[Entry], *, within: bool) -> None:
        """Take the entry before, now that it is known whether something lies within it."""
        if self._last is not None:
            is_file = not within and is_known_file(self._last)
            found.append(Entry(self._last, FILE if is_file else DIRECTORY, NO_SIZE))
        self._last = None
