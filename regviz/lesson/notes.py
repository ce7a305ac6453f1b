"""The notes for who teaches, which ship with the lessons."""

from __future__ import annotations

import re

from regviz import share

FILE = "teaching.md"
_MARK = re.compile(r"(?m)^<!-- .*? -->\n")


def notes() -> str:
    """The notes for who teaches, as Markdown: for whom, in what time, and where learners stumble.

    Examples
    --------
    >>> notes().splitlines()[0]
    '# Teaching with these lessons'
    """
    return _MARK.sub("", (share.folder("docs") / FILE).read_text(encoding="utf-8"))
