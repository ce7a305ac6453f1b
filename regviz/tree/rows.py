"""The rows of a tree."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK
from regviz.text import decode_name, format_bytes
from regviz.tree.listing import Entry, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.tree.gather import More, Node
    from regviz.tree.layout import RootedLayout

TYPES = {DIRECTORY: "directory", FILE: "file", SYMLINK: "symlink", OTHER: "other"}


class Row(NamedTuple):
    """An entry of a storage, and what it is."""

    path: str
    """Below the source; of entries that are not shown, their directory."""
    depth: int
    """1 for what lies in the source itself."""
    type: str
    """``directory``, ``file``, ``symlink``, ``other``; ``more`` for entries that are not shown."""
    bytes: int | None
    """Length of a file, or of those that are not shown."""
    explanation: str
    repository: str | None
    """The one it belongs to."""
    last: bool
    """Nothing else in its directory follows."""


def shown_rows(root: Node, layout: RootedLayout, depth: int) -> Iterator[Row]:
    """The rows of what was gathered."""
    pending: list[tuple[bytes, Node, bool] | tuple[bytes, More, bool]] = [(b"", root, True)]
    while pending:
        path, node, last = pending.pop()
        level = path.count(b"/") + 1 if path else 0
        if not isinstance(node, tuple):
            if path:
                empty = not node.children and not node.more and level < depth
                yield _row(Entry(path, node.type, node.size, last), layout, empty=empty)
            below: list[tuple[bytes, Node, bool] | tuple[bytes, More, bool]] = []
            below += [(join(path, name), child, False) for name, child in sorted(node.children.items())]
            below += [(path, more, False) for more in node.more]
            if level == depth:
                continue
            if below:
                below[-1] = (*below[-1][:2], True)
            pending += reversed(below)
        else:
            repository = layout.explain(path, DIRECTORY, empty=False)[1] if path else None
            yield Row(decode_name(path), level + 1, "more", node.weight, more_words(node), repository, last)


def all_rows(entries: Iterable[Entry], layout: RootedLayout, depth: int) -> Iterator[Row]:
    """The rows of every entry."""
    for entry, following in pairwise(chain(entries, [None])):
        if entry is not None:
            inside = following is not None and following.path.startswith(entry.path + b"/")
            empty = not inside and entry.path.count(b"/") + 1 < depth
            yield _row(entry, layout, empty=empty)


def _row(entry: Entry, layout: RootedLayout, *, empty: bool) -> Row:
    path, type_, size, last = entry
    explanation, repository = layout.explain(path, type_, empty=empty)
    return Row(decode_name(path), path.count(b"/") + 1, TYPES[type_], size, explanation, repository, last)


def more_words(more: More) -> str:
    """What is said of entries that are not shown."""
    noun = f"more {more.kind.noun} like this" if more.number == 1 else f"more {more.kind.plural} like these"
    said = f"and {more.number:,} {noun}"
    if more.lacking:
        said += f", {more.lacking:,} of them {more.kind.lacking}"
    return f"{said}, {format_bytes(more.weight)}" if more.weight else said
