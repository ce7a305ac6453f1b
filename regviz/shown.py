"""What a cell shows: elements for a notebook or a page, and a text for every other place."""

from __future__ import annotations

import builtins
import os
from dataclasses import dataclass
from pathlib import Path

PAGE_VARIABLE = "REGVIZ_PAGE"
"""Set while a notebook runs for a page, which has the style of all outputs already."""

_STYLE = Path(__file__).parent / "report" / "static" / "output.css"


def is_page() -> bool:
    """Whether this runs for a page."""
    return bool(os.environ.get(PAGE_VARIABLE))


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of a page.

    Attributes
    ----------
    html : str
        Its elements, without style.
    text : str
        What a place without HTML shows.
    plain : str
        The elements without what only a page's script reads; empty where they are the same.
    """

    html: str
    text: str
    plain: str = ""

    def __repr__(self) -> str:
        return self.text

    @property
    def elements(self) -> str:
        """Its elements, for a page or for JupyterLab, whichever it runs for."""
        return self.html if is_page() else self.plain or self.html

    def _repr_html_(self) -> str:
        style = "" if is_page() else f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
        return style + self.elements


def show(shown: Shown) -> None:
    """Show it now: a notebook displays it, plain Python prints its text.

    Examples
    --------
    >>> show(Shown("<p>A word</p>", "A word"))
    A word
    """
    getattr(builtins, "display", print)(shown)
