"""read_pair(): the two registries that a comparison is about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from regviz import share
from regviz.read import SOURCE_VARIABLE, read

if TYPE_CHECKING:
    from regviz.registry import Registry

SECOND_VARIABLE = "REGVIZ_SECOND_SOURCE"
"""The newer of two sources, where a notebook compares."""
_SHIPPED = ("world-v1.tar.gz", "world-distribution.tar.gz")


def read_pair(
    old: str | os.PathLike[str] | None = None, new: str | os.PathLike[str] | None = None, **options: Any
) -> tuple[Registry, Registry]:
    """Read two registries: an older and a newer reading of one, or an original and its mirror.

    Parameters
    ----------
    old, new : path, optional
        As for :func:`regviz.read`. Left out, what the environment variables ``REGVIZ_SOURCE`` and
        ``REGVIZ_SECOND_SOURCE`` name, as in a notebook that is run for two sources. Where either is missing, the
        small world that ships with regviz stands in: once in Docker's first registry, as `old`, and once as every
        registry since then has it, as `new`.
    **options
        Whatever else :func:`regviz.read` takes, for both.

    Returns
    -------
    tuple of Registry

    Raises
    ------
    RegvizError
        As :func:`regviz.read`.

    Examples
    --------
    >>> import regviz as rv
    >>> old, new = rv.read_pair()
    >>> old.source.layouts, new.source.layouts
    (('v1',), ('distribution',))
    """
    named = [
        given if given is not None else os.environ.get(variable) or share.folder("data") / shipped
        for given, variable, shipped in zip((old, new), (SOURCE_VARIABLE, SECOND_VARIABLE), _SHIPPED, strict=True)
    ]
    return read(named[0], **options), read(named[1], **options)
