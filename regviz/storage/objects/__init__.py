"""Object storage as a storage: a flat listing in pages, and many small reads at once, through fsspec.

``address`` says which URLs are meant, ``store`` is the storage, ``listing`` splits and streams what is listed,
``s3``, ``gcs``, ``azure`` and ``general`` ask the one or the other implementation of fsspec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.storage.objects.address import is_object_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeGuard

    from regviz.storage.base import Storage
    from regviz.storage.objects.store import Objects

__all__ = ["is_object_address", "is_objects", "open_objects"]


def is_objects(storage: Storage) -> TypeGuard[Objects]:
    """Whether a storage is of objects: it is read by paths, and has no directories to walk."""
    return storage.by_path and not storage.walkable


def open_objects(source: str, options: Mapping[str, Any] | None = None) -> Objects:
    """The storage at a URL such as ``s3://bucket/prefix``.

    Parameters
    ----------
    source : str
    options : mapping, optional
        What fsspec's implementation takes (``anon``, ``endpoint_url``, ``profile``, …).

    Raises
    ------
    RegvizError
        What is needed to read it is not installed, or does not take these options.
    """
    from regviz.storage.objects.connect import connect  # it loads fsspec
    from regviz.storage.objects.store import Objects  # and this asyncio

    return Objects(*connect(source, options or {}))
