"""The archives that lessons start from: what lies in them, and their files laid out in a folder."""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regviz.registry import Registry

FOLDER = Path("lesson-data")
"""Where a lesson keeps what it needs, in the folder a notebook runs in."""

_SUFFIXES = (".tar.gz", ".tar")
_LARGEST = 64 << 20  # bytes of one archive, unpacked: what ships is far smaller


def archive(name: str) -> Path:
    """The file of an archive that ships.

    Parameters
    ----------
    name : str
        Its file's name without the suffix.

    Raises
    ------
    RegvizError
        None is called so; the message lists those that ship.

    Examples
    --------
    >>> archive("world-v1").name
    'world-v1.tar.gz'
    """
    folder = share.folder("data")
    for suffix in _SUFFIXES:
        path = folder / f"{name}{suffix}"
        if name == Path(name).name and path.is_file():
            return path
    known = sorted(path.name.removesuffix(suffix) for suffix in _SUFFIXES for path in folder.glob(f"*{suffix}"))
    raise RegvizError(f"no archive that ships is called {name}: there are {', '.join(known)}")


@cache
def files(name: str) -> Mapping[str, bytes]:
    """Every file of an archive that ships: its path, with slashes, and its content.

    A link is there as a file with the content of what it leads to, as in a folder of :func:`lay_out`.

    Examples
    --------
    >>> content = files("world-v1")
    >>> len(content), content["registry/repositories/library/nodejs/tag_0.10"][:12]
    (238, b'6130def116db')
    """
    return MappingProxyType({path: content for path, content, _ in _members(name) if content is not None})


@cache
def registry(name: str, folder: str = "") -> Registry:
    """What :func:`regviz.read` says of an archive that ships; read once.

    Parameters
    ----------
    name : str
        The archive.
    folder : str
        The folder in it that is the registry's storage, where there are several: ``"1-pushed"``.

    Examples
    --------
    >>> len(registry("world-v1").tags)
    11
    """
    from regviz.read import read

    return read(unpacked(name) / folder if folder else archive(name))


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when Python ends


@cache
def unpacked(name: str) -> Path:
    """A temporary folder with the files of an archive; it goes when Python ends.

    Examples
    --------
    >>> sorted(path.name for path in (unpacked("world-v1") / "registry").iterdir())
    ['images', 'repositories']
    """
    place = tempfile.TemporaryDirectory(prefix="regviz-lesson-", ignore_cleanup_errors=True)
    _kept.append(place)
    _write(name, Path(place.name))
    return Path(place.name)


def lay_out(name: str) -> Path:
    """Unpack an archive that ships into ``lesson-data/NAME``, so that its files can be listed and opened.

    The folder is made afresh each time: what lies in it is deleted.

    Parameters
    ----------
    name : str
        The archive: ``"first-push"``.

    Returns
    -------
    pathlib.Path
        The folder, from where the notebook runs.

    Raises
    ------
    RegvizError
        No such archive ships, or the folder cannot be written.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as somewhere, chdir(somewhere):
    ...     folder = lay_out("world-v1")
    ...     print(folder.as_posix(), sum(path.is_file() for path in folder.rglob("*")))
    lesson-data/world-v1 238
    """
    archive(name)  # what does not ship is said before anything is deleted
    place = FOLDER / name
    try:
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        _write(name, place)
    except OSError as error:
        raise RegvizError(
            f"{name} cannot be laid out in {place}: {error.strerror or error}; close what has a file of it open, or "
            "work in a folder that you may write to"
        ) from error
    return place


def _write(name: str, place: Path) -> None:
    """Write an archive's members with the times they have: a registry's times are those of its files."""
    folders = []
    for path, content, time in _members(name):
        target = place.joinpath(*path.split("/"))
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
            folders.append((target, time))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (time, time))
    for target, time in reversed(folders):  # the innermost first, as writing into a folder changes its time
        os.utime(target, (time, time))


def _members(name: str) -> Iterator[tuple[str, bytes | None, float]]:
    """Path, content and time of each member; a folder has no content."""
    path = archive(name)
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
        total = 0
        for member in tar:
            inside = posixpath.normpath(member.name)
            if inside.startswith(("/", "..")) or ":" in inside or "\\" in inside:
                raise RegvizError(f"{path.name} names {member.name}, which lies outside of it; install regviz again")
            if member.isdir():
                yield inside, None, member.mtime
            else:
                file = tar.extractfile(member)
                content = file.read() if file else b""
                total += len(content)
                if total > _LARGEST:
                    raise RegvizError(f"{path.name} is larger than any archive that ships; install regviz again")
                yield inside, content, member.mtime
