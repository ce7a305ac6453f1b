"""What came, went and changed between two moments of a storage."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Unpack

from regviz.layouts.common import no_progress
from regviz.live.containers import Opened
from regviz.storage.base import DIRECTORY, FILE
from regviz.text import decode_name
from regviz.tree.differing_words import said_of_change
from regviz.tree.gather import Gatherer, Kind, More, Total, Unit
from regviz.tree.gather import Node as Gathered
from regviz.tree.listing import join
from regviz.tree.rows import TYPES
from regviz.tree.shown import CAME, CHANGED, WENT, Change, Changes, Node, shown
from regviz.tree.snapshots import SMALL, Snapshot, observed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from regviz.layouts.common import Progress
    from regviz.live.options import AccessOptions
    from regviz.tree import Tree

_REPOSITORY = "repository that came or went"
_LINKS = frozenset({"layer link", "revision", "history", "signature", "referrer"})


def changes(
    before: str | os.PathLike[str] | Opened | Snapshot | Tree | None,
    after: str | os.PathLike[str] | Opened | Snapshot | Tree | None,
    *,
    partial: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
    **access: Unpack[AccessOptions],
) -> Changes:
    """What differs between two storages, or between two moments of one: each entry explained.

    Parameters
    ----------
    before, after : path, Opened, Snapshot, Tree or None
        A source, as for :func:`regviz.tree.tree`; what :func:`regviz.tree.snapshot` remembers of one; or a whole tree
        (``full=True``), of which lengths and the targets of tags alone can be compared. None, or a folder without any
        file: nothing is there.
    partial, progress, storage_options, **access
        As for :func:`regviz.tree.tree`.

    Returns
    -------
    Changes
        Its text and its HTML show what came (``+``), went (``-``) and changed (``~``), and count what repeats; its
        ``table`` has every entry.

    Raises
    ------
    RegvizError
        As :func:`regviz.tree.tree`, or where a tree leaves entries out.

    Notes
    -----
    A storage may lie below other directories than the other, as in two archives: what lies at the same place of the
    registry is compared. Files of at most 4 KiB are read, longer ones only measured: one with the same path and the
    same length is taken to be the same. No registry writes a layer anew under its path.

    Examples
    --------
    >>> from regviz.world import first_push_world, write
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = changes(None, write(first_push_world(), f"{folder}/registry"))
    >>> print(found.summary)
    19 files came, 12.9 KiB
    >>> found.table["change"].unique().tolist()
    ['came']
    """
    old, new = (
        _snapshot(each, partial=partial, progress=progress, storage_options=storage_options, access=access)
        for each in (before, after)
    )
    if old.is_like(new):
        old.move(*_ahead_of_what_both_end_in(old.root, new.root))
    found = _Difference(old, new)
    rows = {CAME: found.came, WENT: found.went, CHANGED: found.changed}
    entries = sorted((path, change, found.entry(path, change)) for change, paths in rows.items() for path in paths)
    return Changes(tuple(found.shown()), tuple(row for _, _, row in sorted(entries, key=_in_order)))


def _ahead_of_what_both_end_in(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """Two directories without the names that both end in.

    >>> _ahead_of_what_both_end_in(b"backup/docker/registry/v2/", b"docker/registry/v2/")
    (b'backup/', b'')
    """
    mine, theirs = one.split(b"/")[:-1], other.split(b"/")[:-1]
    while mine and theirs and mine[-1] == theirs[-1]:
        mine.pop()
        theirs.pop()
    return b"".join(name + b"/" for name in mine), b"".join(name + b"/" for name in theirs)


def _in_order(found: tuple[bytes, str, Change]) -> tuple[list[bytes], str]:
    return found[0].split(b"/"), found[1]


def _snapshot(source: str | os.PathLike[str] | Opened | Snapshot | Tree | None, **options: Any) -> Snapshot:
    if source is None:
        return Snapshot()
    if isinstance(source, Snapshot):
        return source
    if isinstance(source, Opened) or not hasattr(source, "rows"):
        return observed(source, **options)
    return Snapshot.of_rows(source.rows)


class _Difference:
    """Two snapshots, and the paths in which they differ."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old, self._new = old, new
        mine, theirs = old.entries, new.entries
        both = mine.keys() & theirs.keys()
        other = {path for path in both if mine[path][0] != theirs[path][0]}  # a file that is a directory now
        self.came = (theirs.keys() - mine.keys()) | other
        self.went = (mine.keys() - theirs.keys()) | other
        self._before: dict[bytes, bytes] = {}
        self._after: dict[bytes, bytes] = {}
        self.changed = self._changed(both - other)

    def _changed(self, both: set[bytes]) -> set[bytes]:
        mine, theirs = self._old.entries, self._new.entries
        files = [path for path in both if mine[path][0] == FILE]
        longer = {path for path in files if mine[path][1] != theirs[path][1]}
        alike = [path for path in files if path not in longer and 0 < (mine[path][1] or 0) <= SMALL]
        # Those of other lengths are read too, to say what changed.
        alike += [path for path in longer if max(mine[path][1] or 0, theirs[path][1] or 0) <= SMALL]
        self._before, self._after = self._old.contents(alike), self._new.contents(alike)
        other = {path for path in self._before.keys() & self._after.keys() if self._before[path] != self._after[path]}
        return longer | other

    def entry(self, path: bytes, change: str) -> Change:
        """An entry that differs."""
        side = self._old if change == WENT else self._new
        type_, size = side.entries[path]
        explanation, repository = side.explain(path)
        was = None
        if change == CHANGED:
            was = self._old.entries[path][1]
            explanation = said_of_change((self._before.get(path), was), (self._after.get(path), size), explanation)
        name, depth = decode_name(path), path.count(b"/") + 1
        return Change(name, depth, change, TYPES[type_], size, was, explanation, repository, last=False)

    def shown(self) -> Iterable[Change]:
        """The rows of what is shown."""
        root = Node()
        for change, paths, side in (
            (CHANGED, self.changed, self._new),
            (WENT, self.went, self._old),
            (CAME, self.came, self._new),
        ):
            part = _Part(side, paths, self._new_repositories(change))
            gatherer = Gatherer(part)
            for path in sorted(paths):
                gatherer.take(path, *side.entries[path])
            _merge(root, part.pruned(gatherer.finish(), b""), b"", paths, change)
        self._count_same(root)
        one, other = self._old.name or "nothing", self._new.name or "nothing"
        names = one if one == other else f"{one} → {other}"
        return shown(root, names, self._totals(), self._row)

    def _new_repositories(self, change: str) -> dict[bytes, str]:
        """Repositories that are there on one side alone, where there are many: they are counted as a whole."""
        if change == CHANGED:
            return {}
        mine, theirs = (self._new, self._old) if change == CAME else (self._old, self._new)
        return {path: name for path, name in mine.repository_units().items() if path not in theirs.entries}

    def _count_same(self, root: Node) -> None:
        """Count what is in a directory that is shown, and is as it was."""
        differing = self.came | self.went | self.changed
        touched = set(differing)
        for path in differing:
            above = path.rpartition(b"/")[0]
            while above and above not in touched:
                touched.add(above)
                above = above.rpartition(b"/")[0]
        directories = dict(_directories(root, b""))
        for path in self._new.entries:
            above = path.rpartition(b"/")[0]
            if path not in touched and above in directories:
                directories[above].same.append(path)

    def _row(self, path: bytes, node: Node) -> Change:
        if node.change:
            return self.entry(path, node.change)
        side = self._new if path in self._new.entries else self._old
        explanation, repository = side.explain(path)
        type_ = side.entries[path][0] if path in side.entries else DIRECTORY
        depth = path.count(b"/") + 1
        return Change(decode_name(path), depth, "", TYPES[type_], None, None, explanation, repository, last=False)

    def _totals(self) -> dict[str, tuple[int, int]]:
        """Files and bytes that came, went and changed; bytes of what changed are those that are more."""
        found = {}
        for change, paths, side in ((CAME, self.came, self._new), (WENT, self.went, self._old)):
            files = [path for path in paths if side.entries[path][0] != DIRECTORY]
            found[change] = (len(files), sum(side.entries[path][1] or 0 for path in files))
        more = sum((self._new.entries[path][1] or 0) - (self._old.entries[path][1] or 0) for path in self.changed)
        return found | {CHANGED: (len(self.changed), more)}


class _Part:
    """What a :class:`Gatherer` asks of a layout, of the entries that differ alone."""

    def __init__(self, side: Snapshot, paths: Iterable[bytes], repositories: dict[bytes, str]) -> None:
        self.kinds: Mapping[str, Kind] = {_REPOSITORY: Kind("repository", "repositories"), **side.kinds}
        self._side = side
        self._repositories = repositories
        self._filled: set[bytes] = set()
        self._names: dict[tuple[bytes, str], set[bytes]] = defaultdict(set)
        self._weights: dict[tuple[bytes, str], int] = defaultdict(int)
        for path in paths:
            type_, size = side.entries[path]
            self._filled.add(path.rpartition(b"/")[0])
            for unit in self.units(path, type_):
                key = unit.directory, unit.kind
                self._names[key].add(unit.name)
                if path == unit.top + self.kinds[unit.kind].weight and type_ == FILE:
                    self._weights[key] += size or 0

    def units(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `regviz.tree.gather.Layout`."""
        inner = tuple(unit for unit in self._side.units(path, type) if unit.kind)
        above = path
        while above and self._repositories:
            if above in self._repositories:
                directory = self._common(above)
                return (Unit(_REPOSITORY, directory, above[len(directory) :].lstrip(b"/"), above), *inner)
            above = above.rpartition(b"/")[0]
        return inner

    def pruned(self, node: Gathered, path: bytes) -> Gathered:
        """The tree without directories of which nothing is shown, because all that is in them is counted elsewhere."""
        for name, child in [*node.children.items()]:
            below = join(path, name)
            self.pruned(child, below)
            is_unit = any(unit.top == below for unit in self.units(below, child.type))
            if not child.children and not child.more and below in self._filled and not is_unit:
                del node.children[name]
        return node

    def _common(self, path: bytes) -> bytes:
        """The directory of all repositories."""
        head, found, _ = path.partition(b"repositories/")
        return join(head.rstrip(b"/"), b"repositories") if found else path.rpartition(b"/")[0]

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`."""
        key = directory, kind
        return Total(len(self._names[key]), self._weights.get(key) if kind not in _LINKS else None)

    def lines(self) -> Iterable[bytes]:
        """See `regviz.tree.gather.Layout`."""
        return ()

    def rest(self) -> Iterable[tuple[bytes, More]]:
        """See `regviz.tree.gather.Layout`."""
        return ()


def _merge(node: Node, gathered: Gathered, path: bytes, paths: set[bytes], change: str) -> None:
    """Put what one gatherer shows into the tree of all."""
    for name, child in gathered.children.items():
        below = join(path, name)
        mine = node.children.setdefault(name, Node())
        if below in paths:
            mine.change = change
        _merge(mine, child, below, paths, change)
    node.more += [(change, more) for more in gathered.more]


def _directories(node: Node, path: bytes) -> Iterable[tuple[bytes, Node]]:
    yield path, node
    for name, child in node.children.items():
        yield from _directories(child, join(path, name))
