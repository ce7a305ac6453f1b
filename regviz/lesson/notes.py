"""The notes for who teaches, which ship with the lessons."""

from __future__ import annotations

from regviz import share

FILE = "teaching.md"


def notes() -> str:
    """The notes for who teaches, as Markdown: for whom, in what time, and where learners stumble.

    Examples
    --------
    >>> notes().splitlines()[0]
    '# Teaching with these lessons'
    """
    return (share.folder("data") / FILE).read_text(encoding="utf-8")
