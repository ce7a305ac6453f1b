"""Reads a source with all that a report can show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from regviz.farther import read_farther
from regviz.live import docker_engine, is_address, is_archive
from regviz.read import source_path

if TYPE_CHECKING:
    from regviz.layouts.common import Links
    from regviz.registry import Registry


class Reader(Protocol):
    """Reads the source, as :func:`regviz.read` does."""

    def __call__(self, *, links: Links, measure: bool) -> Registry:
        """Read it."""


def read_for_report(source: str | None, read: Reader, *, links: Links = "stat") -> Registry:
    """Read a source, its files measured and its links looked into where it has any.

    Parameters
    ----------
    source : str or None
        What `read` reads, as :func:`regviz.read` names it.
    read : callable
    links : {"stat", "check", "open"}
        How far links are to be looked into at least.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = read_for_report(None, rv.read)
    >>> reg.source.links_checked, len(reg.storage) > 0
    ('check', True)
    """
    path = source_path(source)
    if docker_engine.is_engine(path) or (is_address(path) and not is_archive(path)):
        return read(links=links, measure=False)
    return read_farther(source, lambda links: read(links=links, measure=True), asked=links, wanted="check")
