"""A registry's storage as ``find`` prints it, with what each entry is and whose it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from regviz.card import stored_text, summarise
from regviz.layouts.common import no_progress
from regviz.text import count_noun, decode_name
from regviz.tree.differing import changes
from regviz.tree.gather import gather
from regviz.tree.listing import DEEPEST, everything
from regviz.tree.look import look, refuse_address
from regviz.tree.rows import Row, all_rows, shown_rows
from regviz.tree.shown import Change, Changes
from regviz.tree.snapshots import Snapshot, snapshot
from regviz.tree.text import tree_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from regviz.layouts.common import Progress
    from regviz.live.containers import Opened
    from regviz.live.options import AccessOptions
    from regviz.registry import Registry

__all__ = [
    "Change",
    "Changes",
    "Row",
    "Snapshot",
    "Tree",
    "changes",
    "refuse_address",
    "snapshot",
    "tree",
    "tree_changes",
    "tree_lines",
    "tree_rows",
]


tree_changes = changes
"""What ``regviz.tree_changes`` is."""


@dataclass(frozen=True)
class Tree:
    """A storage's entries, explained; its text is what a notebook and ``print`` show.

    Attributes
    ----------
    rows : tuple of Row
        The source itself first, then each directory before what is in it.
    """

    rows: tuple[Row, ...]

    def text(self, width: int | None = None) -> str:
        """The tree for a terminal, explanations wrapped to `width` columns if that is given."""
        return "\n".join(tree_lines(self.rows, width))

    def table(self) -> pd.DataFrame:
        """The tree as a table: path, depth, type, bytes, explanation, repository."""
        import pandas as pd

        rows = [row[:-1] for row in self.rows]
        table = pd.DataFrame(rows, columns=Row._fields[:-1])
        return table.astype({"path": "str", "type": "str", "bytes": "Int64", "explanation": "str", "repository": "str"})

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()


def tree(
    source: str | os.PathLike[str] | Opened | None = None,
    *,
    registry: Registry | None = None,
    full: bool = False,
    depth: int | None = None,
    chosen: Callable[[str], bool] | None = None,
    partial: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
    **access: Unpack[AccessOptions],
) -> Tree:
    """Explain a registry's storage, entry by entry.

    Parameters
    ----------
    source : path or Opened, optional
        As for :func:`regviz.read`; but a capture has no storage to look at.
    registry : Registry, optional
        What was read from it; left out, it is read now.
    full : bool
        Show every entry. Without it, what repeats is shown once or twice, and the rest counted.
    depth : int, optional
        Show so many levels; 1 is what lies in the source itself.
    chosen : callable, optional
        Takes a repository's name and says whether to show it; then only repositories are shown.
    partial : bool
        Go on with what there is where an archive breaks off.
    progress : Progress
        Shows how far it came; see `regviz.layouts.common.Progress`.
    storage_options : mapping, optional
        As for :func:`regviz.read`.
    **access
        ``yes``, ``helper``, ``helper_image``: as for :func:`regviz.read`.

    Returns
    -------
    Tree

    Raises
    ------
    RegvizError
        As :func:`regviz.read`, and where the source is a capture.

    Examples
    --------
    >>> rows = tree().rows
    >>> [row.explanation for row in rows if row.path.endswith("/v2/repositories")]
    ['11 repositories: names, and links to blobs']
    """
    rows = tree_rows(
        source,
        registry=registry,
        full=full,
        depth=depth,
        chosen=chosen,
        partial=partial,
        progress=progress,
        storage_options=storage_options,
        **access,
    )
    return Tree(tuple(rows))


def tree_rows(
    source: str | os.PathLike[str] | Opened | None = None,
    *,
    registry: Registry | None = None,
    full: bool = False,
    depth: int | None = None,
    chosen: Callable[[str], bool] | None = None,
    partial: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
    **access: Unpack[AccessOptions],
) -> Iterator[Row]:
    """The rows of :func:`tree` one by one: with `full`, those of a folder are told while it is walked."""
    looked = look(
        source,
        registry=registry,
        chosen=chosen,
        partial=partial,
        progress=progress,
        storage_options=storage_options,
        access=access,
    )
    levels = min(depth or DEEPEST, DEEPEST)
    yield Row(decode_name(os.fsencode(looked.shown)), 0, looked.kind, None, _summary(looked.registry), None, last=True)
    with progress("entries", None) as tick:
        if full:
            yield from all_rows(everything(looked.storage, tick, levels), looked.layout, levels)
        else:
            yield from shown_rows(gather(looked.storage, looked.layout, tick, levels), looked.layout, levels)


def _summary(registry: Registry) -> str:
    summary = summarise(registry)
    return (
        f"{count_noun(summary.repositories, 'repository', 'repositories')}, {count_noun(summary.tags, 'tag')}, "
        f"{stored_text(registry, summary)} in {count_noun(summary.blobs, 'blob')}"
    )
