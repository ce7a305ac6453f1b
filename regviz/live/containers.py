"""Registries in containers and in data volumes: which folder it is, and who shows it."""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import re
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from regviz.errors import NotRecognisedError, RegvizError, SourceNotFoundError
from regviz.layouts.common import no_progress
from regviz.layouts.recognise import recognise
from regviz.live.container_files import ContainerFiles, Reading, in_place_hint, readable_folder
from regviz.live.engine import connect, engine_host, explained, is_of_this_machine
from regviz.live.helper import helper_container
from regviz.live.options import Access
from regviz.manifests.json import mapping, objects, text
from regviz.storage.folder import Folder
from regviz.storage.kept import KeptTar
from regviz.text import clean

if TYPE_CHECKING:
    from docker import DockerClient

    from regviz.layouts.common import Progress
    from regviz.storage import Storage

CONTAINER, VOLUME = "docker-container://", "docker-volume://"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MOST_NAMES = 10


class Opened(NamedTuple):
    """A storage that was found in a container or volume; :func:`regviz.read` takes it in its source's place.

    Attributes
    ----------
    uri : str
        What a person called it.
    place : str
        The same with the path that was found.
    storage : Storage
    why : str
        What the path was found by, and how it is read, for a person.
    """

    uri: str
    place: str
    storage: Storage
    why: str

    def folder(self) -> str | None:
        """The folder of this machine that is read in place; None where the engine is asked."""
        return os.fsdecode(self.storage.root) if isinstance(self.storage, Folder) else None


def is_container(source: str) -> bool:
    """Whether a source lies in a container or in a volume.

    Examples
    --------
    >>> is_container("docker-container://registry"), is_container("docker-volume://DATA:/v2"), is_container("docker:x")
    (True, True, False)
    """
    return source.startswith((CONTAINER.rstrip("/"), VOLUME.rstrip("/")))  # those without slashes are told to have them


def split_source(source: str) -> tuple[str, str]:
    """Name and path of a source; the path is empty where it has none.

    Raises
    ------
    RegvizError
        It is not written as it should be.

    Examples
    --------
    >>> split_source("docker-container://registry"), split_source("docker-volume://DATA:/a//b/")
    (('registry', ''), ('DATA', '/a/b'))
    """
    scheme = CONTAINER if source.startswith(CONTAINER.rstrip("/")) else VOLUME
    name, _, path = source.removeprefix(scheme).partition(":")
    if not source.startswith(scheme) or not _NAME.fullmatch(name):
        raise RegvizError(f"{source} names no container or volume: write {scheme}NAME[:/PATH]")
    if (path and scheme == CONTAINER and not path.startswith("/")) or "\0" in path or ".." in path.split("/"):
        raise RegvizError(f"{source} has no absolute path behind the name: write {scheme}{name}:/PATH")
    return name, posixpath.normpath("/" + path.lstrip("/")) if path else ""


def open_source(
    source: str,
    *,
    access: Access | None = None,
    partial: bool = False,
    progress: Progress = no_progress,
    client: DockerClient | None = None,
) -> Opened:
    """Find a registry's storage in a container or volume, and open it.

    Parameters
    ----------
    source : str
        ``docker-container://NAME[:PATH]`` or ``docker-volume://NAME[:PATH]``.
    access : Access, optional
        What a person agreed to.
    partial : bool
        Go on with what was read where the engine's answer breaks off.
    progress : Progress
        Shows how far the engine's answer came.
    client : DockerClient, optional
        The engine to ask, which stays open; left out, it is the one of the environment.

    Raises
    ------
    RegvizError
        No engine answers, it has no such container or volume, or nothing in it is a registry's storage.
    """
    name, path = split_source(source)
    reading = Reading(access or Access(), partial, progress)
    with explained(str(client.api.base_url) if client else engine_host()), ExitStack() as stack:
        asked = client or stack.enter_context(closing(connect()))
        if source.startswith(CONTAINER):
            return _Container(asked, source, name, client).opened(path, reading)
        return _Volume(asked, source, name, client).opened(path or "/", reading)


class _Container:
    """A container that keeps a registry."""

    def __init__(self, client: DockerClient, source: str, name: str, lent: DockerClient | None) -> None:
        import docker

        self._source, self._name = source, name
        try:
            details = mapping(client.api.inspect_container(name))
        except docker.errors.NotFound:
            names = (text(each)[1:] for item in objects(client.api.containers(all=True)) for each in item["Names"])
            raise _absent("container", name, sorted(names)) from None
        self._files = ContainerFiles(client, details, lent)
        self._here = is_of_this_machine(client)

    def opened(self, path: str, reading: Reading) -> Opened:
        """The storage at a path, or where the container's own configuration says."""
        from regviz.live.container_paths import KNOWN, configured  # it loads a parser of YAML

        if path:
            if not (is_folder := self._files.is_folder(path)):
                raise SourceNotFoundError(_no_folder(f"container {self._name}", path, is_folder))
            return self._open(path, "the source says so", reading)
        said = configured(self._files.details, self._files.small_file)
        if said.elsewhere:
            self._decline(said.elsewhere, said.elsewhere_by)
        tried = said.tried
        for named, by in said.paths.items():
            there = self._absolute(named)
            if self._files.is_folder(there):
                return self._open(there, f"{by} says so", reading)
            tried.append(f"{there}, which {by} names, is no folder in it")
        mounted = self._files.destinations()
        mounted.sort(key=lambda each: KNOWN.index(each) if each in KNOWN else len(KNOWN))
        for there in dict.fromkeys((*mounted, *KNOWN)):
            what = f"what is mounted at {there}" if there in mounted else there
            if not (is_folder := self._files.is_folder(there)):
                tried.append(f"{what} is {'no folder' if is_folder is False else 'not there'}")
                continue
            by = "a volume or folder is mounted there" if there in mounted else "registries store there"
            opened = self._open(there, by, reading)
            if recognise(opened.storage):
                return opened
            tried.append(f"{what} holds no registry")
        raise NotRecognisedError(
            f"no registry's storage was found in container {self._name}: {'; '.join(tried)}. "
            f"Say where it is: {CONTAINER}{self._name}:/PATH"
        )

    def _open(self, path: str, by: str, reading: Reading) -> Opened:
        place = f"{CONTAINER}{self._name}:{path}"
        storage, how = self._files.open(path, place, reading)
        return Opened(self._source, place, storage, f"container {self._name} stores at {path} ({by}), {how}")

    def _absolute(self, path: str) -> str:
        config = mapping(self._files.details.get("Config"))
        return posixpath.normpath(posixpath.join("/", text(config.get("WorkingDir")), path))

    def _decline(self, driver: str, by: str) -> NoReturn:
        """The registry stores in no folder."""
        published = [
            text(binding.get("HostPort"))
            for section, key in (("NetworkSettings", "Ports"), ("HostConfig", "PortBindings"))
            for bindings in mapping(mapping(self._files.details.get(section)).get(key)).values()
            for binding in objects(bindings)
        ]
        served = [f"http://localhost:{port}" for port in dict.fromkeys(published) if port.isdigit() and self._here]
        instead = " or ".join(served) or "https://HOST[:PORT]"
        raise NotRecognisedError(
            f"the registry in container {self._name} stores in no folder of it, but by {driver} ({by} says so): "
            f"read what it serves, {instead}, or a copy of its storage as a folder"
        )


class _Volume:
    """A volume that keeps a registry."""

    def __init__(self, client: DockerClient, source: str, name: str, lent: DockerClient | None) -> None:
        import docker

        self._client, self._source, self._name, self._lent = client, source, name, lent
        try:
            self._details = mapping(client.api.inspect_volume(name))
        except docker.errors.NotFound:
            names = (text(item.get("Name")) for item in objects(mapping(client.api.volumes()).get("Volumes")))
            raise _absent("volume", name, sorted(names)) from None

    def opened(self, path: str, reading: Reading) -> Opened:
        """The storage in the volume, through a container that has it, in place, or through a helper."""
        place = f"{VOLUME}{self._name}" + (f":{path}" if path != "/" else "")
        for files, destination in self._users():
            inner = posixpath.normpath(f"{destination}/{path}")
            if not files.shows(inner, destination):  # something else would be taken for what the volume holds
                continue
            if not (is_folder := files.is_folder(inner)):
                raise SourceNotFoundError(_no_folder(f"volume {self._name}", path, is_folder))
            storage, how = files.open(inner, place, reading)
            by = f"container {files.name} has it at {destination}"
            return Opened(self._source, place, storage, f"volume {self._name} ({by}), {how}")
        if (folder := self._in_place(path)) is not None:
            return Opened(self._source, place, Folder(folder), f"volume {self._name}, read in place at {folder}")
        if not reading.access.helper:
            raise RegvizError(
                f"no container shows volume {self._name} (none uses it, or another mount hides a part of it): let one "
                f"be made for it, never started and removed again, with helper=True (--helper)"
                + in_place_hint(self._client, text(self._details.get("Mountpoint")))
            )
        with helper_container(self._client, self._name, reading.access.helper_image) as (details, destination):
            files = ContainerFiles(self._client, details, self._lent)
            inner = posixpath.normpath(f"{destination}/{path}")
            if not (is_folder := files.is_folder(inner)):
                raise SourceNotFoundError(_no_folder(f"volume {self._name}", path, is_folder))
            storage, how = files.open(inner, place, reading)
            if isinstance(storage, KeptTar):
                storage.read_on()  # while there is a helper
        return Opened(self._source, place, storage, f"volume {self._name} (by a helper that was removed), {how}")

    def _users(self) -> list[tuple[ContainerFiles, str]]:
        """The containers that have the volume, and where; those that run first."""
        import docker

        listed = objects(self._client.api.containers(all=True, filters={"volume": self._name}))
        found = []
        for each in sorted(listed, key=lambda item: item.get("State") != "running"):
            try:
                details = mapping(self._client.api.inspect_container(text(each.get("Id"))))
            except docker.errors.NotFound:  # removed since it was listed
                continue
            found += [
                (ContainerFiles(self._client, details, self._lent), text(mount.get("Destination")))
                for mount in objects(details.get("Mounts"))
                if mount.get("Type") == "volume" and mount.get("Name") == self._name
            ]
        return found

    def _in_place(self, path: str) -> str | None:
        """The volume's folder on this machine; only of the plain kind, which needs no mounting to be there."""
        plain = self._details.get("Driver") == "local" and not self._details.get("Options")
        root = readable_folder(text(self._details.get("Mountpoint")), ".")
        if not plain or root is None or not is_of_this_machine(self._client):
            return None
        try:
            created = dt.datetime.fromisoformat(text(self._details.get("CreatedAt"))).timestamp()
            changed = {int(Path(each).stat().st_ctime) for each in (root, posixpath.dirname(root))}
        except (OSError, ValueError):
            return None
        return readable_folder(root, path.lstrip("/") or ".") if int(created) in changed else None


def _absent(kind: str, name: str, names: list[str]) -> SourceNotFoundError:
    some = ", ".join(map(clean, names[:_MOST_NAMES])) + (", …" if len(names) > _MOST_NAMES else "")
    return SourceNotFoundError(f"the engine has no {kind} {name}; it has {some or 'none'}")


def _no_folder(where: str, path: str, is_folder: bool | None) -> str:  # noqa: FBT001  # what is_folder() said
    if is_folder is None:
        return f"there is no {path} in {where}"
    return f"{path} in {where} is no folder: give that of a registry's storage"
