"""A folder that is not on a disk yet: files, directories, and when each was last changed."""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError, TargetExistsError
from regviz.world.encode import tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_NEVER = dt.datetime.fromtimestamp(0, dt.UTC)


class FileTree:
    """Files by path, as a registry's server would create, rewrite and remove them.

    A directory's time is that of the last entry that came or went in it, as file systems keep it.

    Parameters
    ----------
    at : datetime, optional
        When the folder itself was made.

    Examples
    --------
    >>> import datetime as dt
    >>> tree = FileTree()
    >>> tree.write("a/link", b"sha256:...", dt.datetime(2016, 3, 27, tzinfo=dt.UTC))
    >>> list(tree), tree.children("a")
    (['a/link'], ['link'])
    """

    def __init__(self, at: dt.datetime | None = None) -> None:
        self._files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._directories: dict[str, set[str]] = {"": set()}
        self._times: dict[str, int] = {"": int(at.timestamp()) if at else 0}

    def __iter__(self) -> Iterator[str]:
        """The paths of all files and links, sorted."""
        return iter(sorted([*self._files, *self._links]))

    def __contains__(self, path: str) -> bool:
        return path in self._files or path in self._directories or path in self._links

    def __getitem__(self, path: str) -> bytes:
        return self._files[path]

    @property
    def directories(self) -> list[str]:
        """The paths of all directories but the root, sorted."""
        return sorted(path for path in self._directories if path)

    def children(self, path: str) -> list[str]:
        """The names in a directory, sorted; none where there is no such directory."""
        return sorted(self._directories.get(path, ()))

    def changed_at(self, path: str) -> int:
        """When a file was written, or an entry of a directory came or went, in seconds since 1970."""
        return self._times[path]

    def write(self, path: str, data: bytes, at: dt.datetime) -> None:
        """Create or overwrite a file; directories above it are made."""
        self._enter(path, at)
        self._links.pop(path, None)
        self._files[path] = data
        self._times[path] = int(at.timestamp())

    def write_stream(self, path: str, pieces: Iterable[bytes], at: dt.datetime) -> None:
        """The same of a file whose content comes in pieces."""
        self.write(path, b"".join(pieces), at)

    def link(self, path: str, target: str, at: dt.datetime) -> None:
        """Create a symbolic link."""
        self._enter(path, at)
        self._files.pop(path, None)
        self._links[path] = target
        self._times[path] = int(at.timestamp())

    def target(self, path: str) -> str:
        """What a symbolic link says; empty for what is none."""
        return self._links.get(path, "")

    def make_directory(self, path: str, at: dt.datetime) -> None:
        """Make a directory and those above it, where they are not there yet."""
        if path not in self._directories:
            self._enter(path, at)
            self._directories[path] = set()
            self._times[path] = int(at.timestamp())

    def remove(self, path: str, at: dt.datetime) -> None:
        """Remove a file, or a directory with everything in it; fine where nothing is there."""
        if path not in self:
            return
        for name in self.children(path):
            self.remove(posixpath.join(path, name), at)
        self._files.pop(path, None)
        self._links.pop(path, None)
        self._directories.pop(path, None)
        del self._times[path]
        above, _, name = path.rpartition("/")
        self._directories[above].discard(name)
        self._times[above] = int(at.timestamp())

    def _enter(self, path: str, at: dt.datetime) -> None:
        above, _, name = path.rpartition("/")
        bad_name = name in {"", ".", ".."} or path.startswith("/")
        if bad_name or path in self._directories or above in self._files or above in self._links:
            message = f"cannot write {path!r}: a name in it is empty, '.' or '..', or in the way of another"
            raise RegvizError(message)
        if above:
            self.make_directory(above, at)
        if name not in self._directories[above]:
            self._directories[above].add(name)
            self._times[above] = int(at.timestamp())

    def copy(self) -> FileTree:
        """The tree as it is now; what happens to either later is no concern of the other."""
        copied = FileTree()
        copied.put("", self)
        return copied

    def put(self, place: str, tree: FileTree) -> None:
        """Put everything of another tree into a directory of this one, with the times that it has.

        Examples
        --------
        >>> import datetime as dt
        >>> began = dt.datetime(2016, 3, 27, tzinfo=dt.UTC)
        >>> whole = FileTree()
        >>> whole.put("before", FileTree(began))
        >>> whole.directories, whole.changed_at("before") == began.timestamp()
        (['before'], True)
        """
        if place:
            self.make_directory(place, _NEVER)
        for path in tree.directories:
            self.make_directory(posixpath.join(place, path), _NEVER)
        for path in tree:
            if target := tree.target(path):
                self.link(posixpath.join(place, path), target, _NEVER)
            else:
                self.write(posixpath.join(place, path), tree[path], _NEVER)
        for path in ["", *tree.directories, *tree]:
            self._times[posixpath.join(place, path).rstrip("/")] = tree.changed_at(path)

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Lay the tree out in a folder that is empty or not there yet.

        Raises
        ------
        TargetExistsError
            If the folder holds anything, or is a file.
        """
        from pathlib import Path

        root = Path(directory)
        if root.exists() and not root.is_dir():
            message = f"{root} is a file; name a folder that is empty or not there yet"
            raise TargetExistsError(message)
        if root.is_dir() and any(root.iterdir()):
            message = f"{root} is not empty, and nothing is overwritten; name an empty or a new folder"
            raise TargetExistsError(message)
        root.mkdir(parents=True, exist_ok=True)
        for path in self.directories:
            (root / path).mkdir()
        for path, data in self._files.items():
            (root / path).write_bytes(data)
        for path, target in self._links.items():
            (root / path).symlink_to(target)
        # Deepest first: nothing is created any more, so a directory's time stays as it is set.
        for path in sorted(self._times, reverse=True):
            os.utime(root / path, (self._times[path], self._times[path]), follow_symlinks=path not in self._links)
        return root

    def archive(self, prefix: str = "", *, key: Callable[[str], Any] | None = None) -> bytes:
        """The tree as a tar: every directory, file and link, sorted by path, owned by root.

        Parameters
        ----------
        prefix : str
            A folder that everything lies in, as ``registry``.
        key : callable, optional
            Takes a path, and gives what to sort by instead: a directory before what is in it.
        """

        def members() -> Iterator[tuple[tarfile.TarInfo, bytes]]:
            for path in sorted(self._times, key=key):
                name = posixpath.join(prefix, path).rstrip("/")
                if not name:
                    continue
                header = tarfile.TarInfo(name)
                header.mtime = self._times[path]
                header.uname = header.gname = "root"
                header.mode = 0o755 if path in self._directories else 0o644
                header.type = tarfile.DIRTYPE if path in self._directories else tarfile.REGTYPE
                if path in self._links:
                    header.type, header.linkname, header.mode = tarfile.SYMTYPE, self._links[path], 0o777
                yield header, self._files.get(path, b"")

        return tar(members())
