"""What the marks of a figure stand for: what a page says where one is pointed at, and what leads to what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of a series; the series' gid is ``marks:NAME``, and its marks are in the order of the data.

    Attributes
    ----------
    label : str
        Everything there is to say of it, whole names and exact bytes; its lines are divided by newlines.
    repositories : tuple of str
        Those it belongs to: where one of them is chosen, in any figure of the page, the mark stands out.
    words : tuple of str
        What finds it besides its label: digests, tags, instructions.
    below : tuple of (str, int)
        The marks it stands on or leads to, as series and row: the path to the root goes by them, and backwards
        they lead to all that stand on it.

    Examples
    --------
    >>> base = Mark("FROM scratch, 4,096 bytes", ("library/base",))
    >>> app = Mark("COPY app /srv, 512 bytes", ("team/app",), words=("team/app:1",), below=(("layers", 0),))
    >>> app.below
    (('layers', 0),)
    """

    label: str
    repositories: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    below: tuple[tuple[str, int], ...] = ()
