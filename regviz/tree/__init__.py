"""A registry's storage as ``find`` prints it, with what each entry is and whose it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from regviz.card import stored_text, summarise
from regviz.errors import NotKnowableError
from regviz.layouts.common import no_progress
from regviz.layouts.recognise import recognise
from regviz.live import is_address, is_archive
from regviz.live.containers import Opened, is_container
from regviz.live.containers import open_source as open_container
from regviz.live.docker_engine import is_engine
from regviz.live.options import Access, AccessOptions
from regviz.read import STANDARD_INPUT, open_source, read, source_path
from regviz.text import count_noun, decode_name
from regviz.tree.distribution import Distribution
from regviz.tree.docker import Docker
from regviz.tree.gather import gather
from regviz.tree.known import Known
from regviz.tree.listing import DEEPEST, everything
from regviz.tree.oci import Oci, OciLayouts, SkopeoDirectory
from regviz.tree.rows import Row, all_rows, shown_rows
from regviz.tree.text import tree_lines
from regviz.tree.v1 import V1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from regviz.layouts.common import Progress
    from regviz.registry import Registry
    from regviz.tree.layout import RootedLayout

__all__ = ["Row", "Tree", "tree", "tree_lines", "tree_rows"]

_LAYOUTS: dict[str, Callable[[bytes, Known, Callable[[str], bool] | None], RootedLayout]] = {
    "distribution": Distribution,
    "v1": V1,
    "oci": Oci,
    "oci-layouts": OciLayouts,
    "zot": OciLayouts,
    "skopeo-dir": SkopeoDirectory,
    "docker-archive": Docker,
    "docker-daemon": Docker,
}


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
    refuse_address(source)
    path = registry.source.uri if registry is not None and source is None else source_path(source)
    opened = source if isinstance(source, Opened) else None
    if opened is None and is_container(path):
        opened = open_container(path, access=Access(**access), partial=partial, progress=progress)
    if registry is None:
        registry = read(opened or source, partial=partial, progress=progress, storage_options=storage_options)
    if is_engine(path):
        raise NotKnowableError(f"{path} is a running engine, which shows no storage: give its folder (/var/lib/docker)")
    storage = opened.storage if opened else open_source(path, partial=partial, storage_options=storage_options)
    found = recognise(storage)[0]
    if found.layout == "capture":
        message = f"{path} is a capture: it holds tables, and no storage to look at. Give the source it was made from"
        raise NotKnowableError(message)
    layout = _LAYOUTS[found.layout](found.root, Known(registry), chosen)
    levels = min(depth or DEEPEST, DEEPEST)
    kind = "directory" if storage.by_path or opened else "file"
    shown = storage.uri if "://" in path and not opened else path  # a URL may have secrets
    yield Row(decode_name(os.fsencode(shown)), 0, kind, None, _summary(registry), None, last=True)
    with progress("entries", None) as tick:
        if full:
            yield from all_rows(everything(storage, tick, levels), layout, levels)
        else:
            yield from shown_rows(gather(storage, layout, tick, levels), layout, levels)


def refuse_address(source: str | os.PathLike[str] | Opened | None) -> None:
    """A live registry shows no storage, and what comes on standard input is gone when it was read.

    Raises
    ------
    NotKnowableError
        The source is a URL, or standard input.
    """
    if source is not None and source_path(source) == STANDARD_INPUT:
        raise NotKnowableError("a tree is made in two passes, and standard input comes once: give a file")
    if source is not None and is_address(source_path(source)) and not is_archive(source_path(source)):
        raise NotKnowableError(
            "a live registry does not show its storage: give the folder that it stores in, or an archive of it"
        )


def _summary(registry: Registry) -> str:
    summary = summarise(registry)
    return (
        f"{count_noun(summary.repositories, 'repository', 'repositories')}, {count_noun(summary.tags, 'tag')}, "
        f"{stored_text(registry, summary)} in {count_noun(summary.blobs, 'blob')}"
    )
