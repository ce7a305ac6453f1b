"""The rows of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK
from regviz.text import count_noun, decode_name, format_bytes
from regviz.tree.listing import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.tree.gather import More, Node
    from regviz.tree.layout import RootedLayout
    from regviz.tree.listing import Entry

_TYPES = {DIRECTORY: "directory", FILE: "file", SYMLINK: "symlink", OTHER: "other"}


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
                yield _row(path, node.type, node.bytes, last, layout, empty=empty)
            below: list[tuple[bytes, Node, bool] | tuple[bytes, More, bool]] = []
            below += [(join(path, name), child, False) for name, child in sorted(node.children.items())]
            below += [(path, more, False) for more in node.more]
            if below:
                below[-1] = (*below[-1][:2], True)  # type: ignore[assignment]
            pending += reversed(below)
        else:
            repository = layout.explain(path, DIRECTORY, empty=False)[1] if path else None
            yield Row(decode_name(path), level + 1, "more", node.bytes, _more(node), repository, last)


def all_rows(entries: Iterable[Entry], layout: RootedLayout, depth: int) -> Iterator[Row]:
    """The rows of every entry."""
    before: Entry | None = None
    for entry in entries:
        if before is not None:
            empty = not entry.path.startswith(before.path + b"/")
            yield _row(before.path, before.type, before.bytes, before.last, layout, empty=empty and _open(before, depth))
        before = entry
    if before is not None:
        yield _row(before.path, before.type, before.bytes, before.last, layout, empty=_open(before, depth))


def _open(entry: Entry, depth: int) -> bool:
    """Whether what is in an entry would be among the entries."""
    return entry.path.count(b"/") + 1 < depth


def _row(path: bytes, type_: int, size: int | None, last: bool, layout: RootedLayout, *, empty: bool) -> Row:  # noqa: FBT001
    explanation, repository = layout.explain(path, type_, empty=empty)
    return Row(decode_name(path), path.count(b"/") + 1, _TYPES[type_], size, explanation, repository, last)


def _more(more: More) -> str:
    said = f"and {count_noun(more.count, f'more {more.kind.noun}', f'more {more.kind.plural}')} like {_these(more.count)}"
    if more.lacking:
        said += f", {more.lacking:,} of them {more.kind.lacking}"
    return f"{said}, {format_bytes(more.bytes)}" if more.bytes else said


def _these(count: int) -> str:
    return "these" if count > 1 else "this"
