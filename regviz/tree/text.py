"""A tree as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections import deque
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple

from regviz.text import escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.tree.rows import Row

_DIGITS = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b")  # as regviz.text.short_digest does, within a text
_BYTES = re.compile(r"(\d) ([KMGTPE]?i?B\b)")
_BYTES_WIDTH = 9
_WIDEST_NAME = 60
_NARROWEST_EXPLANATION = 24


class Line(NamedTuple):
    """A line of a tree: an entry, or a directory with its only entry."""

    left: str
    """Guides and name."""
    below: str
    """Guides of a line that goes on with it."""
    bytes: str
    explanation: str
    mark: str = ""

    def text(self, name_width: int, width: int | None) -> Iterator[str]:
        """The line, wrapped to `width` columns if that is given."""
        column = name_width + 2 + _BYTES_WIDTH + 2
        gap = max(column - 2 - len(self.left), 2 + len(self.bytes) if self.bytes else 0)
        head = f"{self.left}{self.bytes:>{gap}}"
        if width is None or not self.explanation:
            yield f"{head}  {self.explanation}".rstrip()
            return
        room = max(width - column, _NARROWEST_EXPLANATION)
        indent = " " * max(len(head) + 2 - column, 0)  # a name too long for its column
        whole = _BYTES.sub("\\1\0\\2", self.explanation)  # a number stays with its unit
        first, *others = textwrap.wrap(whole, room, initial_indent=indent, break_on_hyphens=False)
        yield f"{head}  {first[len(indent) :]}".replace("\0", " ")
        for other in others:
            yield f"{self.below:<{column}}{other}".replace("\0", " ")


def tree_lines(
    rows: Iterable[Row], width: int | None = None, *, full: bool = False, marks: Iterable[str] | None = None
) -> Iterator[str]:
    """The lines of a tree: guides and names, bytes, explanations.

    Parameters
    ----------
    rows : iterable of Row
        As :func:`regviz.tree.tree` gives them: the root first, each directory before what is in it.
    width : int, optional
        Columns to wrap explanations to. Left out, they are not wrapped.
    full : bool
        Show names as they are: digests whole, every directory on a line of its own.
    marks : iterable of str, optional
        A sign for each row, to stand before it. A line of several rows has the last one's.

    Yields
    ------
    str
        A line, without control characters whatever a registry's names hold.
    """
    if full:
        for line in _lines(rows, full=full):
            yield from line.text(0, None)
        return
    found = list(_lines(rows, full=full) if marks is None else marked_lines(rows, marks))
    widest = _WIDEST_NAME if width is None else min(_WIDEST_NAME, width * 9 // 20)
    below = (len(line.left) for line in found[1:] if line.explanation)  # a source's own name may be of any length
    name_width = max((length for length in below if length <= widest), default=0)
    for line in found:
        texts = line.text(name_width, width)
        if marks is None:
            yield from texts
        else:
            signs = chain([line.mark], repeat(" "))
            yield from (f"{sign} {text}".rstrip() for sign, text in zip(signs, texts, strict=False))


def marked_lines(rows: Iterable[Row], marks: Iterable[str]) -> Iterator[Line]:
    """The lines of a tree, each with the mark of its last row."""
    marked = deque(marks)
    for line, length in _counted(rows, full=False):
        mark = [marked.popleft() for _ in range(length)][-1]
        yield line._replace(mark=mark)


def _lines(rows: Iterable[Row], *, full: bool) -> Iterator[Line]:
    return (line for line, _ in _counted(rows, full=full))


def _counted(rows: Iterable[Row], *, full: bool) -> Iterator[tuple[Line, int]]:
    """The lines, and of how many rows each is."""
    above: list[tuple[int, bool]] = []  # of each line that this one is below: depth, and whether it is the last
    for run, opens in _runs(rows, full=full):
        first, last = run[0], run[-1]
        while above and above[-1][0] >= first.depth:
            above.pop()
        guides = "".join("    " if is_last else "│   " for depth, is_last in above if depth)
        branch = ("└── " if first.last else "├── ") if first.depth else ""
        below = guides + (("    " if first.last else "│   ") if first.depth else "") + ("│" if opens else "")
        above.append((last.depth, first.last))
        if last.type == "more":
            yield Line(f"{guides}{branch}… {_shown(last.explanation, full=full)}", below, "", ""), 1
            continue
        names = [row.path.rpartition("/")[2] if row.depth else row.path.rstrip("/") for row in run]
        name = "/".join(names) + ("/" if last.type == "directory" else "")
        explanation = next((row.explanation for row in reversed(run) if row.explanation), "")
        size = "" if last.bytes is None or name.endswith("link") else format_bytes(last.bytes)
        left = f"{guides}{branch}{_shown(name, full=full)}"
        yield Line(left, below, size, _shown(explanation, full=full)), len(run)


def _runs(rows: Iterable[Row], *, full: bool) -> Iterator[tuple[list[Row], bool]]:
    """Rows that stand in one line, a directory with its only entry; and whether lines below it follow."""
    following = iter(rows)
    row = next(following, None)
    while row is not None:
        run = [row]
        row = next(following, None)
        while row is not None and not full and _only_entry(run[-1], row):
            run.append(row)
            row = next(following, None)
        yield run, row is not None and row.depth > run[-1].depth


def _only_entry(directory: Row, row: Row) -> bool:
    return bool(directory.depth) and row.depth == directory.depth + 1 and row.last and row.type != "more"


def _shown(text: str, *, full: bool) -> str:
    safe = escape_terminal(text)
    return safe if full else shorten_digests(safe, "…")


def shorten_digests(text: str, mark: str) -> str:
    """A text with every digest in it cut to twelve digits, and a mark there.

    Examples
    --------
    >>> shorten_digests("sha256:" + "1a2b3c4d5e6f" + "0" * 52, "…")
    'sha256:1a2b3c4d5e6f…'
    """
    return _DIGITS.sub(rf"\1{mark}", text)
