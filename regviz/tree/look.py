"""The storage of a source, and the layout that explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from regviz.errors import NotKnowableError
from regviz.layouts.recognise import recognise
from regviz.live import is_address, is_archive
from regviz.live.containers import Opened, is_container
from regviz.live.containers import open_source as open_container
from regviz.live.docker_engine import is_engine
from regviz.live.options import Access
from regviz.read import STANDARD_INPUT, open_source, read, source_path
from regviz.tree.distribution import Distribution
from regviz.tree.docker import Docker
from regviz.tree.known import Known
from regviz.tree.oci import Oci, OciLayouts, SkopeoDirectory
from regviz.tree.v1 import V1

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from regviz.layouts.common import Progress
    from regviz.live.options import AccessOptions
    from regviz.registry import Registry
    from regviz.storage.base import Storage
    from regviz.tree.layout import RootedLayout

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


class Looked(NamedTuple):
    """A storage, what was read from it, and what explains it."""

    storage: Storage
    registry: Registry
    layout: RootedLayout
    shown: str
    """What to call the source: a URL may have secrets."""
    kind: str
    """``directory`` or ``file``."""


def look(
    source: str | os.PathLike[str] | Opened | None,
    *,
    registry: Registry | None,
    chosen: Callable[[str], bool] | None,
    partial: bool,
    progress: Progress,
    storage_options: Mapping[str, Any] | None,
    access: AccessOptions,
) -> Looked:
    """Open a source, and read what lies in it; parameters as of :func:`regviz.tree.tree`.

    Raises
    ------
    RegvizError
        As :func:`regviz.tree.tree`.
    """
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
    kind = "directory" if storage.by_path or opened else "file"
    shown = storage.uri if "://" in path and not opened else path  # a URL may have secrets
    return Looked(storage, registry, layout, shown, kind)


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
