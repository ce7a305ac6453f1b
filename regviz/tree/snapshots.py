"""A storage at one moment: every entry, and what small files hold, so that two moments can be compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Unpack

from regviz.errors import NotRecognisedError, RegvizError
from regviz.layouts.common import no_progress
from regviz.live.containers import Opened, is_container
from regviz.read import open_source, source_path
from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK, has_contents
from regviz.text import decode_name
from regviz.tree.listing import DEEPEST
from regviz.tree.look import look
from regviz.tree.told import layout_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regviz.layouts.common import Progress
    from regviz.live.options import AccessOptions
    from regviz.registry import Registry
    from regviz.storage.base import Storage
    from regviz.tree.gather import Kind, Unit
    from regviz.tree.layout import RootedLayout
    from regviz.tree.rows import Row

SMALL = 4096
"""Bytes of the longest file that is read to compare it: links, tags, lists and most documents."""
_TYPES = {"directory": DIRECTORY, "file": FILE, "symlink": SYMLINK, "other": OTHER}


class Snapshot:
    """A storage's entries as they were, and what each is.

    Attributes
    ----------
    name : str
        What the source is called; empty where there was nothing.
    entries : dict
        Type and length of each by its path; the length is None for what is no file, or where it is not known.
    """

    def __init__(self, name: str = "", layout: RootedLayout | None = None, storage: Storage | None = None) -> None:
        self.name = name
        self.entries: dict[bytes, tuple[int, int | None]] = {}
        self._layout = layout
        self._storage = storage if storage is not None and has_contents(storage) else None
        self._locators: dict[bytes, bytes | int] = {}
        self._contents: dict[bytes, bytes] = {}
        self._rows: dict[bytes, Row] = {}
        self._filled: set[bytes] = set()
        self._here = self._there = b""

    def __repr__(self) -> str:
        files = sum(type_ == FILE for type_, _ in self.entries.values())
        return f"<Snapshot {self.name}: {files:,} files>" if self.name else "<Snapshot: nothing there>"

    @classmethod
    def of_rows(cls, rows: Iterable[Row]) -> Snapshot:
        """What a tree shows, every entry of it; of what files hold it knows what the tree says.

        Raises
        ------
        RegvizError
            The tree leaves entries out.
        """
        rows = tuple(rows)
        made = cls(layout=layout_of(rows))
        for row in rows:
            if not row.depth:
                made.name = row.path
                continue
            if row.type == "more":
                message = f"the tree of {made.name} leaves entries out: make it with full=True to compare it"
                raise RegvizError(message)
            path = row.path.encode("utf-8", "surrogateescape")
            made._put(path, _TYPES[row.type], row.bytes)
            made._rows[path] = row
            if row.explanation.startswith("→ "):
                made._contents[path] = row.explanation.split(" ", 2)[1].encode()
        return made

    def _put(self, path: bytes, type_: int, size: int | None) -> None:
        self.entries[path] = (type_, size)
        above = path.rpartition(b"/")[0]
        while above and above not in self._filled:
            self._filled.add(above)
            self.entries.setdefault(above, (DIRECTORY, None))  # archives may leave directories out
            above = above.rpartition(b"/")[0]

    def list(self, progress: Progress) -> None:
        """Take every entry of the storage."""
        if self._storage is None:
            return
        by_path = self._storage.by_path
        with progress("entries", None) as tick:
            for batch in self._storage.entries():
                tick(len(batch.paths))
                for path, type_, size, locator in zip(
                    batch.paths, batch.types, batch.sizes, batch.locators, strict=True
                ):
                    if path.count(b"/") >= DEEPEST:
                        continue
                    self._put(path, type_, size if type_ == FILE and size >= 0 else None)
                    if type_ == FILE and 0 < size <= SMALL:
                        self._locators[path] = path if by_path else locator

    def keep(self) -> None:
        """Read what all small files hold, and let go of the storage: it may change now."""
        self.contents(self._locators)
        self._storage = None

    def contents(self, paths: Iterable[bytes]) -> dict[bytes, bytes]:
        """What small files hold; of what is longer, empty or cannot be read nothing is said."""
        wanted = list(paths)
        missing = [path for path in wanted if path in self._locators and path not in self._contents]
        if self._storage is not None and missing:
            sizes = [self.entries[path][1] or 0 for path in missing]
            locators = [self._locators[path] for path in missing]
            for number, data in self._storage.read_many(locators, sizes, SMALL):
                if data is not None:
                    self._contents[missing[number]] = data
        return {path: self._contents[path] for path in wanted if path in self._contents}

    # --- where it is

    @property
    def root(self) -> bytes:
        """Where its layout begins: empty, or a path with a slash behind it."""
        return self._layout.root if self._layout else b""

    def is_like(self, other: Snapshot) -> bool:
        """Whether both are storages of one layout."""
        return self._layout is not None and type(self._layout) is type(other._layout)

    def move(self, here: bytes, there: bytes) -> None:
        """Call what lies below one directory as if it lay below another: two archives may have it at two places.

        Both are empty, or have a slash behind them. Directories above the first are forgotten.
        """
        self._here, self._there = here, there

        def moved(found: dict[bytes, Any]) -> dict[bytes, Any]:
            return {self._to(path): value for path, value in found.items() if not here.startswith(path + b"/")}

        self.entries, self._locators = moved(self.entries), moved(self._locators)
        self._contents, self._rows = moved(self._contents), moved(self._rows)
        above = there.rstrip(b"/")
        while above:
            self.entries.setdefault(above, (DIRECTORY, None))
            above = above.rpartition(b"/")[0]

    def _to(self, path: bytes) -> bytes:
        return self._there + path.removeprefix(self._here) if path.startswith(self._here) else path

    def _from(self, path: bytes) -> bytes:
        return self._here + path.removeprefix(self._there) if path.startswith(self._there) else path

    # --- what it is

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of units there are."""
        return self._layout.kinds if self._layout else {}

    def units(self, path: bytes, type_: int) -> tuple[Unit, ...]:
        """The units that a path lies in, as in :class:`regviz.tree.gather.Layout`; of any repository and blob."""
        units = self._layout.units(self._from(path), type_) if self._layout else ()
        return tuple(each._replace(directory=self._to(each.directory), top=self._to(each.top)) for each in units)

    def repository_units(self) -> dict[bytes, str]:
        """Directories of repositories, and their names."""
        found = self._layout.repository_directories() if self._layout else {}
        return {self._to(path): name for path, name in found.items()}

    def explain(self, path: bytes) -> tuple[str, str | None]:
        """What an entry is, and whose."""
        if path in self._rows:
            return self._rows[path].explanation, self._rows[path].repository
        if self._layout is None or self._rows or path not in self.entries:
            return "", None
        place = self._from(path)
        return self._layout.explain(place, self.entries[path][0], empty=place not in self._filled)


def snapshot(
    source: str | os.PathLike[str] | Opened | None = None,
    *,
    registry: Registry | None = None,
    partial: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
    **access: Unpack[AccessOptions],
) -> Snapshot:
    """Remember a storage as it is now, to compare it with what it will be.

    Parameters
    ----------
    source, registry, partial, progress, storage_options, **access
        As for :func:`regviz.tree.tree`. Where there is no file at all, a registry has written nothing yet.

    Returns
    -------
    Snapshot
        For :func:`changes`. It holds what files of at most 4 KiB hold, and no more of longer ones than their lengths.

    Raises
    ------
    RegvizError
        As :func:`regviz.tree.tree`.

    Examples
    --------
    >>> from regviz.tree import changes
    >>> changes(snapshot(), snapshot()).summary
    'nothing differs'
    """
    made = observed(
        source,
        registry=registry,
        partial=partial,
        progress=progress,
        storage_options=storage_options,
        access=access,
    )
    made.keep()
    return made


def observed(
    source: str | os.PathLike[str] | Opened | None,
    *,
    access: AccessOptions,
    registry: Registry | None = None,
    partial: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
) -> Snapshot:
    """A snapshot that reads small files when it is asked for them."""
    try:
        looked = look(
            source,
            registry=registry,
            chosen=None,
            partial=partial,
            progress=progress,
            storage_options=storage_options,
            access=access,
        )
    except NotRecognisedError:
        if not _is_empty(source, storage_options):
            raise
        return Snapshot()
    looked.layout.tell_all()
    made = Snapshot(decode_name(os.fsencode(looked.shown)), looked.layout, looked.storage)
    made.list(progress)
    return made


def _is_empty(source: str | os.PathLike[str] | Opened | None, storage_options: Mapping[str, Any] | None) -> bool:
    """Whether nothing but directories lies there."""
    if isinstance(source, Opened):
        storage = source.storage
    elif is_container(path := source_path(source)):
        return False
    else:
        storage = open_source(path, storage_options=storage_options)
    if storage.problems:
        return False
    return all(type_ == DIRECTORY for batch in storage.entries() for type_ in batch.types) and not storage.problems
