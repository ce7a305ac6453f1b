"""What the marks of a figure stand for, as data beside its SVG: the page's script reads it.

One block of JSON in a ``<script>`` that runs nothing. Each text stands in it once; everything else is numbers::

    {"zoom": true,                  a reader may come closer
     "texts": ["team/web", ...],    64 hexadecimal digits stand as one soft hyphen, which no text has
     "digests": "lpMS...",          those, as bytes in base64, in the order of the soft hyphens
     "lists": [[0, 4], ...],        of texts
     "series": {"layers": {         the n-th number belongs to the n-th mark under data-marks="layers"
        "label": [1, ...],          a list: its lines
        "repositories": [0, ...],   a list
        "words": [2, ...],          a list
        "below": [[0, 3], ...],     series (in this order) and mark, by turns
        "joins": [0, ...]}}}        left out where it is 0 for all
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.figure import Figure

    from regviz.plot.marks import Mark


_DIGEST = re.compile("[0-9a-f]{64}")
_HYPHEN = "\u00ad"


def marks_block(drawing: Figure) -> str:
    r"""The element with what stands for a figure's marks; empty where they stand for nothing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from regviz.plot.marks import Mark
    >>> drawing = Figure()
    >>> marks_block(drawing)
    ''
    >>> drawing.subplots().marks = {"bars": [Mark("</script>")]}
    >>> marks_block(drawing)[:80]
    '<script type="application/json" class="rv-marks">{"zoom":false,"texts":["\\u003c/'
    """
    panels = [axes for axes in drawing.axes if any(getattr(axes, "marks", {}).values())]
    if not panels:
        return ""
    zoom = any(getattr(axes, "explorable", False) for axes in panels)
    data = encode([axes.marks for axes in panels], zoom=zoom)  # type: ignore[attr-defined]
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="rv-marks">{written}</script>'


def encode(panels: Iterable[Mapping[str, Sequence[Mark]]], *, zoom: bool) -> dict[str, Any]:
    """The marks of the panels of a figure as numbers and texts; a series that several panels have goes on.

    Examples
    --------
    >>> from regviz.plot.marks import Mark
    >>> encode([{"bars": [Mark("a", ("r",)), Mark("b", ("r",), (), (("bars", 0),))]}], zoom=False)["series"]
    {'bars': {'label': [0, 3], 'repositories': [1, 1], 'words': [2, 2], 'below': [[], [0, 0]]}}
    """
    codes = _Codes()
    panels = list(panels)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for each in panels for name in each))}
    series: dict[str, dict[str, Any]] = {
        name: {"label": [], "repositories": [], "words": [], "below": [], "joins": []} for name in numbers
    }
    for marks in panels:
        before = {name: len(series[name]["label"]) for name in marks}
        for name, rows in marks.items():
            columns = series[name]
            for mark in rows:
                columns["label"].append(codes.of(mark.label.split("\n")))
                columns["repositories"].append(codes.of(mark.repositories))
                columns["words"].append(codes.of(mark.words))
                columns["below"].append([code for to, row in mark.below for code in (numbers[to], before[to] + row)])
                columns["joins"].append(int(mark.joins))
    for columns in series.values():
        if not any(columns["joins"]):
            del columns["joins"]
    texts, digests = packed(codes.texts)
    return {"zoom": zoom, "texts": texts, "digests": digests, "lists": list(map(list, codes.lists)), "series": series}


def packed(texts: Iterable[str]) -> tuple[list[str], str]:
    r"""Texts with a soft hyphen for each digest, and the digests: two thirds as long.

    Examples
    --------
    >>> texts, digests = packed(["a", "Blob sha256:" + "00" * 32])
    >>> texts == ["a", "Blob sha256:\u00ad"], digests
    (True, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')
    """
    texts = list(texts)
    digests = bytes.fromhex("".join(digest for text in texts for digest in _DIGEST.findall(text)))
    return [_DIGEST.sub(_HYPHEN, text) for text in texts], base64.b64encode(digests).decode()


class _Codes:
    """Gives the same text, and the same list of texts, the same number."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.lists: dict[tuple[int, ...], int] = {}

    def of(self, texts: Iterable[str]) -> int:
        key = tuple(self.texts.setdefault(escape_terminal(text), len(self.texts)) for text in texts)
        return self.lists.setdefault(key, len(self.lists))
