"""Holds an HTML file to one promise: opening it asks the network for nothing.

``python .ci/loads_nothing.py report.html`` prints every load it finds and then exits with 1. A link that a
person may click is no load.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster", "background", "action", "manifest"}
REMOTE = re.compile(r"(?i)\s*(?:[a-z][a-z0-9+.-]*:)?//")
REMOTE_IN_STYLE = re.compile(r"""(?i)(?:url\(|@import)\s*["']?\s*(?:[a-z][a-z0-9+.-]*:)?//[^\s"')]*""")


class Loads(HTMLParser):
    """Collects what the tags and styles of a page would fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.tags = 0
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag's attributes."""
        self.tags += 1
        self._in_style = tag == "style"
        for name, value in attrs:
            if name in LOADING and tag != "a" and REMOTE.match(value or ""):
                self.found.append(f"<{tag} {name}={value}>")
            elif name == "style":
                self.found.extend(REMOTE_IN_STYLE.findall(value or ""))

    def handle_endtag(self, _tag: str) -> None:
        """Leave a style sheet, if in one."""
        self._in_style = False

    def handle_data(self, data: str) -> None:
        """Look into a style sheet."""
        if self._in_style:
            self.found.extend(REMOTE_IN_STYLE.findall(data))


def main() -> int:
    """Check the file that the command line names."""
    path = Path(sys.argv[1])
    page = Loads()
    page.feed(path.read_text(encoding="utf-8"))
    for load in page.found:
        print(f"{path.name} loads {load}")
    if not page.tags:
        print(f"{path.name} holds no HTML")
    if page.found or not page.tags:
        return 1
    print(f"{path.name}: {path.stat().st_size:,} bytes, {page.tags:,} tags, loads nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
