"""Reads a source with all that a report can show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from regviz.errors import NotKnowableError
from regviz.live import docker_engine, is_address, is_archive
from regviz.read import STANDARD_INPUT, source_path

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
    try:
        return read(links="check" if links == "stat" else links, measure=True)
    except NotKnowableError:  # a listing
        if links != "stat":  # that was asked for
            raise
        if path == STANDARD_INPUT:
            message = "what came on standard input is a listing, which is gone through twice here: give it as a file"
            raise NotKnowableError(message) from None
        return read(links=links, measure=True)
