"""A v1 storage on a disk that grows as a server's does, file by file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

from regviz.errors import NotRecognisedError, RegvizError, TargetExistsError
from regviz.pool import is_v1_id
from regviz.storage.base import MANIFEST_LIMIT

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

_ROOMS = frozenset({"images", "repositories"})


class V1Folder:
    """What a v1 writer writes to: the storage of one registry, in a folder.

    Nothing is written outside it: no symbolic link on the way to a file is followed.

    Parameters
    ----------
    root : path
        A folder that is not there yet, or empty, or holds ``images`` and ``repositories``.
    say : callable, optional
        Hears of each file that was written, or removed.

    Raises
    ------
    TargetExistsError
        Something else lies there.
    """

    def __init__(self, root: str | os.PathLike[str], say: Callable[[str], None] | None = None) -> None:
        self.root = Path(root)
        self._say = say
        _refuse_others(self.root)

    def __contains__(self, path: str) -> bool:
        return os.path.lexists(self._place(path))

    def __getitem__(self, path: str) -> bytes:
        with self._open(path, os.O_RDONLY) as file:
            data = file.read(MANIFEST_LIMIT + 1)
        if len(data) > MANIFEST_LIMIT:
            raise RegvizError(f"{self._place(path)} has more than {MANIFEST_LIMIT:,} bytes: this storage is damaged")
        return data

    def write(self, path: str, data: bytes, at: dt.datetime) -> None:
        """Create or overwrite a file."""
        self.write_stream(path, (data,), at)

    def write_stream(self, path: str, pieces: Iterable[bytes], at: dt.datetime) -> None:
        """The same of a file whose content comes in pieces."""
        del at  # the disk has its own clock
        size = 0
        self._make_room(path)
        with self._open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
            for piece in pieces:
                size += file.write(piece)
        self._tell(f"{path}  {size:,} bytes")

    def remove(self, path: str, at: dt.datetime) -> None:
        """Remove a file, if it is there."""
        del at
        self._place(path).unlink(missing_ok=True)
        self._tell(f"{path}  removed")

    def _tell(self, what: str) -> None:
        if self._say is not None:
            self._say(what)

    def _place(self, path: str) -> Path:
        parts = path.split("/")
        if not all(parts) or {".", ".."} & {*parts} or any(os.sep in part for part in parts):
            raise RegvizError(f"cannot write {path!r}: a name in it is empty, '.' or '..', or holds a separator")
        return self.root.joinpath(*parts)

    def _make_room(self, path: str) -> None:
        """Make the directories above a file; what lies there already must be directories, and called the same."""
        place = self.root
        place.mkdir(parents=True, exist_ok=True)
        for part in path.split("/")[:-1]:
            place /= part
            try:
                place.mkdir()
            except FileExistsError:
                if not stat.S_ISDIR(place.lstat().st_mode):
                    raise TargetExistsError(f"{place} is no folder, and in the way of {path}") from None
        self._refuse_case(self._place(path))

    @staticmethod
    def _refuse_case(place: Path) -> None:
        """Two tags may differ by case alone, and to some disks that is one name."""
        if os.path.lexists(place) and all(other.name != place.name for other in place.parent.iterdir()):
            raise TargetExistsError(
                f"{place}: this disk takes names that differ by case alone for one, and another is there: write to a "
                "disk that tells them apart, or push one of the two tags"
            )

    def _open(self, path: str, flags: int) -> IO[bytes]:
        place = self._place(path)
        try:
            if os.path.lexists(place) and not stat.S_ISREG(place.lstat().st_mode):
                raise TargetExistsError(f"{place} is no regular file, and is not followed")
            flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
            return os.fdopen(os.open(place, flags, 0o644), "wb" if flags & os.O_WRONLY else "rb")
        except FileNotFoundError as error:
            raise RegvizError(f"{place} is missing: this storage is damaged") from error


def _refuse_others(root: Path) -> None:
    """Only a storage that this layout made, or nothing, is written to."""
    if not os.path.lexists(root):
        return
    if not root.is_dir():
        raise TargetExistsError(f"{root} is no folder: name one that is empty, not there yet, or a v1 storage")
    names = {path.name for path in root.iterdir()}
    images = root / "images"
    strangers = names - _ROOMS or {f"images/{name}" for name in _listed(images) if not is_v1_id(name)}
    if strangers:
        inside = next((name for name in sorted(names) if _ROOMS & {*_listed(root / name)}), "")
        better = f"{root / inside} looks like one" if inside else "name a folder that is empty or not there yet"
        raise NotRecognisedError(
            f"{root} is no v1 storage, as {min(strangers)!r} lies in it, and nothing is written to it: {better}"
        )


def _listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() and not folder.is_symlink() else []
