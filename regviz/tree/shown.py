"""What differs between two moments of a storage, as text, as HTML and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from regviz.text import count_noun, decode_name, escape_html, format_bytes
from regviz.tree.listing import join
from regviz.tree.rows import Row, more_words
from regviz.tree.text import marked_lines, tree_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from regviz.tree.gather import More

CAME, WENT, CHANGED = "came", "went", "changed"
SIGNS = {CAME: "+", WENT: "-", CHANGED: "~", "": " "}


class Change(NamedTuple):
    """An entry that came, went or changed, or one that stands above such."""

    path: str
    """Below the source; of entries that are not shown, their directory."""
    depth: int
    """1 for what lies in the source itself."""
    change: str
    """``came``, ``went``, ``changed``; empty for what is as it was."""
    type: str
    """``directory``, ``file``, ``symlink``, ``other``; ``more`` for entries that are not shown."""
    bytes: int | None
    """Length of a file, of what went as it was; or of those that are not shown."""
    bytes_before: int | None
    """Length that a changed file had."""
    meaning: str
    repository: str | None
    """The one it belongs to."""
    last: bool
    """Nothing else in its directory follows."""


@dataclass(slots=True)
class Node:
    """An entry that is shown."""

    change: str = ""
    children: dict[bytes, Node] = field(default_factory=dict)
    more: list[tuple[str, More]] = field(default_factory=list)
    same: list[bytes] = field(default_factory=list)
    """Paths of the entries in it that are as they were."""


@dataclass(frozen=True)
class Changes:
    """What differs between two storages; its text is what ``print`` shows, its HTML what a notebook does.

    Attributes
    ----------
    rows : tuple of Change
        What is shown: the two sources first, then each directory before what is in it.
    entries : tuple of Change
        Every entry that came, went or changed, by path.
    """

    rows: tuple[Change, ...]
    entries: tuple[Change, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def summary(self) -> str:
        """What came, went and changed, in one line."""
        return self.rows[0].meaning

    @property
    def table(self) -> pd.DataFrame:
        """Every entry that differs: path, change, type, bytes, bytes_before, meaning, repository."""
        import pandas as pd

        columns = ["path", "change", "type", "bytes", "bytes_before", "meaning", "repository"]
        rows = [[getattr(entry, column) for column in columns] for entry in self.entries]
        texts = dict.fromkeys(["path", "change", "type", "meaning", "repository"], "str")
        return pd.DataFrame(rows, columns=columns).astype({**texts, "bytes": "Int64", "bytes_before": "Int64"})

    def text(self, width: int | None = None, *, full: bool = False) -> str:
        """A tree for a terminal, with ``+``, ``-`` and ``~`` before what came, went and changed.

        Parameters
        ----------
        width : int, optional
            Columns to wrap explanations to; left out, they are not wrapped.
        full : bool
            Every entry by its whole path, and none that is as it was.
        """
        if full:
            return "\n".join([self.summary, *(_whole_line(entry) for entry in self.entries)])
        room = None if width is None else max(width - 2, 1)
        lines = tree_lines([_as_row(row) for row in self.rows], room, marks=[SIGNS[row.change] for row in self.rows])
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return as_html(self.rows)


def _whole_line(entry: Change) -> str:
    [line] = tree_lines([Row(entry.path, 0, entry.type, entry.bytes, entry.meaning, entry.repository, True)], full=True)
    return f"{SIGNS[entry.change]} {line}"


def _as_row(row: Change) -> Row:
    return Row(row.path, row.depth, row.type, row.bytes, row.meaning, row.repository, row.last)


def summed(totals: dict[str, tuple[int, int]]) -> str:
    """Files and bytes that came, went and changed, in one line.

    Examples
    --------
    >>> summed({"came": (1, 71), "went": (0, 0), "changed": (2, -20)})
    '1 file came, 71 B; 2 changed, 20 B less'
    """
    said: list[str] = []
    for change in (CAME, WENT, CHANGED):
        number, size = totals[change]
        if not number:
            continue
        what = f"{number:,}" if said else count_noun(number, "file")
        if change == CHANGED:
            length = f"{format_bytes(abs(size))} {'more' if size > 0 else 'less'}" if size else ""
        else:
            length = format_bytes(size) if size else ""
        said.append(f"{what} {change}{f', {length}' if length else ''}")
    return "; ".join(said) or "nothing differs"


def shown(
    root: Node, names: str, totals: dict[str, tuple[int, int]], row: Callable[[bytes, Node], Change]
) -> Iterator[Change]:
    """The rows of a tree of differences, each directory before what is in it."""
    yield Change(names, 0, "", "file", None, None, summed(totals), None, last=True)
    yield from _below(root, b"", row)


def _below(node: Node, path: bytes, row: Callable[[bytes, Node], Change]) -> Iterator[Change]:
    children = sorted(node.children.items())
    depth = path.count(b"/") + 2 if path else 1
    rest = [
        Change(decode_name(path), depth, change, "more", more.weight, None, more_words(more), None, last=False)
        for change, more in node.more
    ]
    if node.same:
        one = decode_name(node.same[0].rpartition(b"/")[2])
        said = f"{one if len(node.same) == 1 else f'{len(node.same):,} entries'} as before"
        rest.append(Change(decode_name(path), depth, "", "more", None, None, said, None, last=False))
    for number, (name, child) in enumerate(children, 1):
        below = join(path, name)
        yield row(below, child)._replace(last=number == len(children) and not rest)
        yield from _below(child, below, row)
    for number, more in enumerate(rest, 1):
        yield more._replace(last=number == len(rest))


_COLOURS = {CAME: "rgba(0,158,115,.17)", WENT: "rgba(213,94,0,.17)", CHANGED: "rgba(0,114,178,.17)", "": "transparent"}
"""Over any ground, light or dark; the sign says the same."""
_GRID = (
    "display:grid;grid-template-columns:max-content max-content max-content minmax(16em,1fr);overflow-x:auto;"
    "font-size:.86em;line-height:1.5;text-align:left"
)
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre"
_CELL = {
    "sign": f"{_MONO};padding:0 .5em",
    "name": f"{_MONO};padding-right:1.2em",
    "bytes": "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;padding-right:1.2em",
    "meaning": "padding-right:.5em;overflow-wrap:anywhere",
}


def as_html(rows: tuple[Change, ...]) -> str:
    """The differing entries as a grid, with nothing in it that a registry's names could break."""
    first, *others = rows
    made = [f'<div style="margin-bottom:.4em"><strong>{escape_html(first.meaning)}</strong>{_names(first.path)}</div>']
    body = []
    for line in marked_lines([_as_row(row) for row in others], [row.change for row in others]):
        style = f"background:{_COLOURS[line.mark]}" + ("" if line.mark else ";opacity:.72")
        cells = {
            "sign": SIGNS[line.mark].replace("-", "−").strip(),
            "name": line.left,
            "bytes": line.bytes,
            "meaning": line.explanation,
        }
        said = f' aria-label="{line.mark}"' if line.mark else ""
        divs = (
            f'<div role="cell"{said if name == "sign" else ""} style="{_CELL[name]};{style}">{escape_html(text)}</div>'
            for name, text in cells.items()
        )
        body.append(f'<div role="row" style="display:contents">{"".join(divs)}</div>')
    if body:
        said = 'role="table" tabindex="0" aria-label="what came, went and changed"'  # it may scroll
        made.append(f'<div {said} style="{_GRID}">{"".join(body)}</div>')
    return f'<div style="font-family:system-ui,sans-serif">{"".join(made)}</div>'


def _names(names: str) -> str:
    return f'<span style="opacity:.72;margin-left:1em;overflow-wrap:anywhere">{escape_html(names)}</span>'
