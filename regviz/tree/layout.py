"""What the trees of both layouts have in common: a root, and repositories below it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from regviz.storage.base import DIRECTORY, OTHER, SYMLINK
from regviz.text import decode_name
from regviz.tree.gather import Kind, More, Total, Unit
from regviz.tree.listing import join

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regviz.tree.known import Known

HIDDEN = Unit("", b"", b"", b"")
REPOSITORIES = b"repositories"
KINDS = {
    "empty namespace": Kind("empty directory", "empty directories", 4),
    "stray": Kind("foreign entry", "foreign entries", 4, closed=True),
}
_OPENED, _NAMED = 2, 40
_REPOSITORY = Kind("repository", "repositories")


class RootedLayout(ABC):
    """A layout at a root.

    Parameters
    ----------
    root : bytes
        Path of the layout's root; empty where it is the storage's own.
    known : Known
    chosen : callable, optional
        Whether to show a repository of that name; then only repositories are shown.
    """

    kinds: Mapping[str, Kind] = KINDS
    names_are_paths = False
    """Whether each repository has a directory below ``repositories``."""
    title: str

    def __init__(self, root: bytes, known: Known, chosen: Callable[[str], bool] | None = None) -> None:
        self.known = known
        self.root = root + b"/" if root else b""
        self.only_repositories = chosen is not None
        paths = sorted(known.repositories)
        shown = [path for path in paths if chosen is None or chosen(known.repository(path))]
        opened = _OPENED if chosen is None else _NAMED
        # one more is opened, or named, where that is all
        self.opened = frozenset(shown if len(shown) <= opened + 1 else shown[:opened])
        self.named = shown if len(shown) <= _NAMED + 1 else shown[:_NAMED]
        self._unread = known.unread()
        self._left_out = len(shown) - len(self.named)
        self._on_the_way = _directories_above(self.named)
        self._leading_nowhere = self._on_the_way.union(paths, _directories_above(paths))
        if "unnamed" in self.kinds and not known.sees_every_reference:
            unknown = self.kinds["unnamed"]._replace(noun="blob of unknown kind", plural="blobs of unknown kind")
            self.kinds = {**self.kinds, "unnamed": unknown}

    def tell_all(self) -> None:
        """Tell the units of every path, not of those alone that a tree shows."""
        paths = sorted(self.known.repositories)
        self.opened, self.named, self._left_out = frozenset(paths), paths, 0
        self._on_the_way = _directories_above(paths)

    def repository_directories(self) -> dict[bytes, str]:
        """Where each repository lies, below the storage's root, and what it is called."""
        if not self.names_are_paths:
            return {}
        return {
            self.root + join(REPOSITORIES, path.encode("utf-8", "surrogateescape")): self.known.repository(path)
            for path in self.known.repositories
        }

    # --- what is shown

    def units(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `regviz.tree.gather.Layout`."""
        if path.startswith(self.root):
            return self.units_inside(path[len(self.root) :], type)
        if self.root.startswith(path + b"/"):
            return ()
        above = b""
        while path.startswith(above + (step := self.root[len(above) :].partition(b"/")[0] + b"/")):
            above += step
        return (self.stray(above, path[len(above) :]),)

    @abstractmethod
    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """The same of a path below the root."""

    def unit(self, kind: str, directory: bytes, name: bytes) -> Unit:
        """A unit that is one entry, with all that is in it."""
        directory = (self.root + directory).rstrip(b"/")
        return Unit(kind, directory, name, join(directory, name))

    def stray(self, directory: bytes, name: bytes) -> Unit:
        """What the layout does not have in a directory, or something in it; `directory` is below the storage's root."""
        directory, top = directory.rstrip(b"/"), name.partition(b"/")[0]
        return HIDDEN if self.only_repositories else Unit("stray", directory, top, join(directory, top))

    def on_the_way(self, name: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """The units of a path below ``repositories`` that is no part of a repository."""
        path = decode_name(name)
        if path in self._on_the_way or path in self.opened:
            return ()
        if path in self._leading_nowhere or self.only_repositories:
            return (HIDDEN,)
        if type != DIRECTORY:
            above, _, last = name.rpartition(b"/")
            return (self.stray(self.root + join(REPOSITORIES, above), last),)
        return (self.unit("empty namespace", REPOSITORIES, name),)

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`."""
        del kind, directory
        return None

    def lines(self) -> list[bytes]:
        """See `regviz.tree.gather.Layout`."""
        return [join(self.root + REPOSITORIES, name.encode()) for name in self.named if name not in self.opened]

    def rest(self) -> list[tuple[bytes, More]]:
        """See `regviz.tree.gather.Layout`."""
        more = More(_REPOSITORY, self._left_out, 0, None)
        return [(self.root + REPOSITORIES, more)] if self._left_out else []

    # --- what it is

    def explain(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """What an entry is, and the repository it belongs to.

        Parameters
        ----------
        path : bytes
            Below the storage's root.
        type : int
        empty : bool
            Whether it is a directory without any entry.
        """
        if type in (SYMLINK, OTHER):
            return ("symbolic link, not followed" if type == SYMLINK else "no regular file, not read"), None
        if path.startswith(self.root):
            said, repository = self.explain_inside(path[len(self.root) :], type, empty=empty)
            return ("could not be read" if path[len(self.root) :] in self._unread else said), repository
        if path + b"/" == self.root:
            return self.title, None
        return ("" if self.root.startswith(path + b"/") else self.explain_outside(path)), None

    @abstractmethod
    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """The same of a path below the root."""

    def explain_outside(self, path: bytes) -> str:
        """What an entry beside the root is."""
        del path
        return "beside the registry, no part of it"


def _directories_above(paths: list[str]) -> set[str]:
    return {path[:at] for path in paths for at, sign in enumerate(path) if sign == "/"}
