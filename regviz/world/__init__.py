"""Registries described in Python and written to disk as a server would leave them.

``describe`` has the words (:class:`Layer`, :class:`Image`, :class:`Index`, :class:`Artifact`), ``events``
what happens to a registry, and a writer a layout replays it. :func:`small_world` is the registry of
``data/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.world.article import article_world, first_push_world, unfolding
from regviz.world.artifacts import (
    attested_index,
    bill_of_materials,
    cosign_signature,
    helm_chart,
    referrers_index,
    referrers_tag,
    signature_tag,
)
from regviz.world.build import Build
from regviz.world.describe import (
    Artifact,
    Blob,
    Child,
    File,
    Image,
    Index,
    Layer,
    directory,
    hardlink,
    index_of,
    opaque_whiteout,
    program,
    symlink,
    whiteout,
)
from regviz.world.distribution import DistributionWriter
from regviz.world.docker_save import saved
from regviz.world.documents import document, image_config
from regviz.world.encode import chain_ids, digest
from regviz.world.events import AbortPush, Collect, DeleteManifest, DeleteTag, MakePrivate, Push, World
from regviz.world.filetree import FileTree
from regviz.world.museum import museum
from regviz.world.oci import OciWriter
from regviz.world.platforms import platforms
from regviz.world.shop import shop_world
from regviz.world.small import small_world
from regviz.world.synthetic import synthetic_world
from regviz.world.v1 import V1Writer

if TYPE_CHECKING:
    import os
    from pathlib import Path

__all__ = [
    "AbortPush",
    "Artifact",
    "Blob",
    "Build",
    "Child",
    "Collect",
    "DeleteManifest",
    "DeleteTag",
    "File",
    "FileTree",
    "Image",
    "Index",
    "Layer",
    "MakePrivate",
    "Push",
    "World",
    "article_world",
    "attested_index",
    "bill_of_materials",
    "chain_ids",
    "cosign_signature",
    "digest",
    "directory",
    "document",
    "first_push_world",
    "hardlink",
    "helm_chart",
    "image_config",
    "index_of",
    "museum",
    "opaque_whiteout",
    "platforms",
    "program",
    "referrers_index",
    "referrers_tag",
    "shop_world",
    "signature_tag",
    "small_world",
    "storage_tree",
    "symlink",
    "synthetic_world",
    "unfolding",
    "whiteout",
    "write",
]


_WRITERS: dict[str, tuple[type[V1Writer | DistributionWriter | OciWriter], str, str]] = {
    "v1": (V1Writer, "0.6.6", "v1"),
    "distribution": (DistributionWriter, "2.8", "distribution"),
    "oci": (OciWriter, "1.0.0", "distribution"),  # a copy of that registry
}


def storage_tree(world: World, layout: str = "v1", *, server: str | None = None) -> FileTree:
    """The storage of a registry after a world's events, not on a disk yet.

    Parameters
    ----------
    world : World
    layout : {"v1", "distribution", "oci", "docker-save"}
        ``docker-save`` is no storage, but what ``docker save`` writes of all that tags name.
    server : str, optional
        The version whose habits it has: ``0.6.5``, ``0.6.6`` (the article's, and the default) or ``0.9.1``
        for v1, ``2.8`` (the default) or ``3`` for Distribution, ``1.0.0`` for an OCI layout, ``20.10`` (the default)
        or ``0.9`` for the engine that saves.

    Raises
    ------
    RegvizError
        If there is no such layout or server, or something happens that the server refuses.

    Examples
    --------
    >>> tree = storage_tree(small_world(), "v1")
    >>> tree.children("repositories/library/nodejs")
    ['_index_images', 'json', 'tag0.10_json', 'tag_0.10', 'tag_latest', 'taglatest_json']
    """
    if layout == "docker-save":
        return saved(world, server or "20.10")
    if layout not in _WRITERS:
        message = f"no layout {layout!r} can be written; there are {', '.join(_WRITERS)} and docker-save"
        raise RegvizError(message)
    writer_class, usual_server, seen_by = _WRITERS[layout]
    tree = FileTree()
    writer = writer_class(tree, server or usual_server)
    for event in world.events_in(seen_by):
        writer.apply(event)
    return tree


def write(world: World, directory: str | os.PathLike[str], layout: str = "v1", *, server: str | None = None) -> Path:
    """Write a registry's storage after a world's events into a folder, with the times a server leaves.

    Parameters
    ----------
    world : World
    directory : path
        Empty or not there yet: it becomes the folder that holds ``images`` and ``repositories`` (v1), ``docker``
        (Distribution), ``index.json`` and ``blobs`` (OCI), or what lies in an archive of ``docker save``.
    layout, server
        As for :func:`storage_tree`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    TargetExistsError
        If the folder is not empty.
    RegvizError
        As :func:`storage_tree`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in write(small_world(), folder).iterdir())
    ['images', 'repositories']
    """
    return storage_tree(world, layout, server=server).save(directory)
