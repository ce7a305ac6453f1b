"""Files of a container: in place where this machine has them, else in the archive that the engine sends of them."""

from __future__ import annotations

import base64
import datetime as dt
import io
import os
import posixpath
import tarfile
from contextlib import ExitStack, closing
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from regviz.errors import DamagedArchiveError, RegvizError
from regviz.live.engine import connect, engine_host, explained, is_of_this_machine
from regviz.live.options import MOST_BYTES
from regviz.manifests.json import length, load_object, mapping, objects, text
from regviz.storage.folder import Folder
from regviz.storage.kept import Kept, KeptTar
from regviz.text import clean, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from regviz.layouts.common import Progress, Tick
    from regviz.live.options import Access
    from regviz.storage import Storage

_PIECE = 1 << 20
_LARGEST_FILE = 1 << 18
_DIRECTORY = 1 << 31  # Go's fs.ModeDir
_NO_FOLDER = "not a directory"  # of a path that leads through a file (ENOTDIR)
_STAT = "X-Docker-Container-Path-Stat"


class Reading(NamedTuple):
    """How to read what an engine sends."""

    access: Access
    partial: bool
    progress: Progress


class ContainerFiles:
    """The files of one container, running or not.

    Parameters
    ----------
    client : DockerClient
    details : dict
        What the engine says of the container.
    lent : DockerClient, optional
        The client that archives are asked of too; left out, each is asked for over a connection of its own.
    """

    def __init__(self, client: DockerClient, details: dict[str, Any], lent: DockerClient | None = None) -> None:
        self.details, self._lent = details, lent
        self.name = clean(text(details.get("Name")).removeprefix("/"))
        self._client, self._id = client, text(details.get("Id"))
        self._mounts = [mount for mount in objects(details.get("Mounts")) if text(mount.get("Destination"))]

    def destinations(self) -> list[str]:
        """Where volumes and folders of the host are mounted."""
        return [text(mount["Destination"]) for mount in self._mounts]

    def shows(self, path: str, destination: str) -> bool:
        """Whether all that lies at a path is in what is mounted at a destination, and in no other mount."""
        return text(self._mount(path).get("Destination")) == destination and not self._has_mount_below(path)

    def _has_mount_below(self, path: str) -> bool:
        return any(each.startswith(path.rstrip("/") + "/") for each in self.destinations())

    def is_folder(self, path: str) -> bool | None:
        """Whether there is a folder, or a link that leads to one; None where nothing is."""
        if self._stat(path) is None:
            return None
        return self._folder_stat(path) is not None

    def small_file(self, path: str) -> bytes | None:
        """The content of a small file, links followed within the container; None where there is none."""
        stat = self._stat(path)
        path = text(stat and stat.get("linkTarget")) or path
        if stat is None or length(stat.get("size")) > _LARGEST_FILE:
            return None
        data = b""
        with Answer(self._id, path, path, None, client=self._lent) as answer:
            while len(data) < 2 * _LARGEST_FILE and (piece := next(answer, b"")):
                data += piece
        try:
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
                member = archive.next()
                file = archive.extractfile(member) if member is not None and member.isreg() else None
                return None if file is None else file.read()
        except tarfile.TarError:
            return None

    def open(self, path: str, what: str, reading: Reading) -> tuple[Storage, str]:
        """A folder's files, and how they are read, for a person.

        Raises
        ------
        RegvizError
            The engine would have to send more than a person agreed to.
        """
        place = self.in_place(path)
        if place is not None:
            return Folder(place), f"read in place at {place}"
        mount = self._mount(path)
        size = volume_bytes(self._client, text(mount.get("Name"))) if mount else None
        if size is not None and size > MOST_BYTES and text(mount.get("Destination")) == path and not reading.access.yes:
            hint = in_place_hint(self._client, text(mount.get("Source")))
            raise RegvizError(too_large(what, format_bytes(size), hint))
        limit = None if reading.access.yes else MOST_BYTES
        answer = Answer(self._id, path.rstrip("/") + "/.", what, limit, reading.progress, size, client=self._lent)
        return KeptTar(Kept(what, answer), partial=reading.partial), "read from the archive that the engine sends of it"

    def in_place(self, path: str) -> str | None:
        """Where this machine has a folder of the container; None where it has not, or this process may not read it."""
        mount = self._mount(path)
        if not mount or not is_of_this_machine(self._client) or self._has_mount_below(path):
            return None
        below = posixpath.relpath(path, text(mount["Destination"]))
        stat = self._folder_stat(path)
        place = readable_folder(text(mount.get("Source")), below)
        return place if place is not None and stat is not None and _is_same(stat, place) else None

    def _mount(self, path: str) -> dict[str, Any]:
        """The mount that a path lies in; empty where it lies in the container's own layer."""
        within = [
            mount for mount in self._mounts if f"{path}/".startswith(text(mount["Destination"]).rstrip("/") + "/")
        ]
        return max(within, key=lambda mount: len(text(mount["Destination"])), default={})

    def _folder_stat(self, path: str) -> dict[str, Any] | None:
        """What the engine says of a folder, or of the one that a link leads to within the container."""
        stat = self._stat(path)
        if stat is not None and text(stat.get("linkTarget")):
            stat = self._stat(path + "/.")
        return stat if stat is not None and length(stat.get("mode")) & _DIRECTORY else None

    def _stat(self, path: str) -> dict[str, Any] | None:
        import docker

        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/containers/{self._id}/archive"
        answer = api.head(url, params={"path": path}, timeout=api.timeout)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            try:
                api.get_archive(self._id, path)  # says why, which the answer to HEAD cannot
            except docker.errors.APIError as error:
                if _NO_FOLDER in str(error.explanation):
                    return None
                raise
            raise docker.errors.APIError(f"{answer.status_code} {answer.reason} for {path} in {self.name}")
        return load_object(base64.b64decode(answer.headers.get(_STAT, "")))


class Answer:
    """The archive of a path in a container, piece by piece, over a connection of its own; asked for with the first.

    Parameters
    ----------
    container, path : str
    what : str
        What a person calls it.
    limit : int or None
        Bytes beyond which it is refused.
    progress : Progress, optional
        Shows how far it came.
    size : int, optional
        Bytes that will come, as far as is known.
    client : DockerClient, optional
        Who asks for it, in place of a connection of its own.
    """

    def __init__(
        self,
        container: str,
        path: str,
        what: str,
        limit: int | None,
        progress: Progress | None = None,
        size: int | None = None,
        *,
        client: DockerClient | None = None,
    ) -> None:
        self._stack, self._client = ExitStack(), client
        self._what, self._limit, self._count = what, limit, 0
        self._container, self._path = container, path
        self._progress, self._size = progress, size
        self._tick: Tick | None = None
        self._pieces: Iterator[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        import docker

        if self._pieces is None:  # not before: an engine locks a container until it has sent all
            self._pieces = self._begun()
        try:
            piece = next(self._pieces)
        except StopIteration:
            self.close()
            raise
        except (OSError, docker.errors.DockerException) as error:  # what its HTTP library raises is an OSError
            self.close()
            message = (
                f"{self._what}: the engine's answer breaks off after {self._count} bytes ({error}). Read it again, or "
                "what came with partial=True (--partial)"
            )
            raise DamagedArchiveError(message) from error
        self._count += len(piece)
        if self._limit is not None and self._count > self._limit:
            self.close()
            raise RegvizError(too_large(self._what, f"more than {format_bytes(self._limit)}", ""))
        if self._tick is not None:
            self._tick(len(piece))
        return piece

    def _begun(self) -> Iterator[bytes]:
        with explained(str(self._client.api.base_url) if self._client else engine_host()):
            client = self._client or self._stack.enter_context(closing(connect()))
            pieces: Iterator[bytes] = client.api.get_archive(self._container, self._path, _PIECE)[0]
        if self._progress is not None:
            said = "bytes" if self._size is None else format_bytes(self._size)
            self._tick = self._stack.enter_context(self._progress(f"{said} from the engine", self._size))
        return pieces

    def close(self) -> None:
        """Let the engine stop."""
        self._pieces = iter(())
        self._stack.close()


def volume_bytes(client: DockerClient, name: str) -> int | None:
    """What the engine says that a volume holds; None where it does not say. It looks at every file for it."""
    if not name:
        return None
    try:
        volumes = objects(mapping(client.api.df()).get("Volumes"))
    except OSError:  # it takes too long, or is at it already
        return None
    sizes = [length(mapping(volume.get("UsageData")).get("Size")) for volume in volumes if volume.get("Name") == name]
    return next((size for size in sizes if size >= 0), None)


def too_large(what: str, size: str, hint: str) -> str:
    """What to do about an archive that is large."""
    return f"{what} holds {size}, which the engine would have to send: agree to it with yes=True (--yes){hint}"


def in_place_hint(client: DockerClient, place: str) -> str:
    """Who could read a folder of the engine's machine in place, as the end of a sentence."""
    if not is_of_this_machine(client):
        return ", or read it on the machine of its engine"
    return f", or read it in place as one who may read {clean(place)}, for example with sudo" if place else ""


def readable_folder(root: str, below: str) -> str | None:
    """A folder below a mount's own, reached over no link, that this process may read; None where there is none."""
    if not root or ".." in below.split("/"):
        return None
    try:
        outer = Path(root).resolve(strict=True)
        inner = outer / below
        is_there = inner.resolve(strict=True) == inner and inner.is_dir()
    except (OSError, ValueError, RuntimeError):
        return None
    return str(inner) if is_there and os.access(inner, os.R_OK | os.X_OK) else None


def _is_same(stat: dict[str, Any], place: str) -> bool:
    """Whether what the engine says of a folder holds for the one here: length, permissions, time of the last change."""
    try:
        here = Path(place).stat()
        changed = dt.datetime.fromisoformat(text(stat.get("mtime")))
    except (OSError, ValueError):
        return False
    since = changed - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (
        since // dt.timedelta(microseconds=1) == here.st_mtime_ns // 1000
        and length(stat.get("size")) == here.st_size
        and length(stat.get("mode")) & 0o777 == here.st_mode & 0o777
    )
