"""Reading with links looked into for an answer's sake, where there is anything to look into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.errors import NotKnowableError
from regviz.layouts.common import LINKS
from regviz.read import STANDARD_INPUT, source_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.layouts.common import Links
    from regviz.live.containers import Opened
    from regviz.registry import Registry


def read_farther(
    source: str | Opened | None, read: Callable[[Links], Registry], *, asked: Links, wanted: Links
) -> Registry:
    """Read with links looked into as far as is wanted; a listing, which has none to look into, as far as was asked.

    Parameters
    ----------
    source : str, optional
        What `read` reads, as :func:`regviz.read` names it.
    read : callable
        Takes how far links are looked into.
    asked : {"stat", "check", "open"}
        What a person asked for; where that cannot be, they are told so.
    wanted : {"stat", "check", "open"}
        What the answer would like.

    Raises
    ------
    NotKnowableError
        The source is a listing, and more was asked for; or it came on standard input, and is gone.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = read_farther(None, lambda links: rv.read(links=links), asked="stat", wanted="check")
    >>> reg.source.links_checked
    'check'
    """
    farther = max(asked, wanted, key=LINKS.index)
    try:
        return read(farther)
    except NotKnowableError:
        if farther == asked:
            raise
        if source_path(source) == STANDARD_INPUT:
            message = "what came on standard input is a listing, which is gone through twice here: give it as a file"
            raise NotKnowableError(message) from None
        return read(asked)
