"""A figure or a table as what a cell shows: the same object reads well in JupyterLab and in a page."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.report.explorable import marks_block
from regviz.report.tables import ROWS, html_table
from regviz.shown import PAGE_VARIABLE, Shown
from regviz.text import count_noun, escape_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PAGE_VARIABLE", "Shown", "figure", "sentence", "table"]

_number = itertools.count(1)


def table(
    rows: pd.DataFrame,
    *,
    caption: str,
    limit: int = ROWS,
    largest: str = "",
    command: str = "",
    sums: Sequence[str] = (),
) -> Shown:
    """A pandas table with readable bytes, times and digests; see :func:`regviz.report.tables.html_table`.

    Examples
    --------
    >>> import regviz as rv
    >>> table(rv.read().tags.head(3), caption="Tags")
    Tags: 3 rows
    """
    shown = html_table(rows, caption=caption, limit=limit, largest=largest, command=command, sums=sums)
    return Shown(f'<div class="rv">{shown}</div>', f"{caption}: {count_noun(len(rows), 'row')}")


def figure(
    drawn: Axes | Figure,
    *,
    table: pd.DataFrame | None = None,
    limit: int = ROWS,
    largest: str = "",
    command: str = "",
    sums: Sequence[str] = (),
) -> Shown:
    """A figure as SVG, with its numbers folded beneath it, and what its marks stand for, for the script of a page.

    Parameters
    ----------
    drawn : matplotlib.axes.Axes or matplotlib.figure.Figure
        What a function of ``rv.plot`` gave. Its title says what it finds.
    table : pandas.DataFrame, optional
        The answer it was drawn from. Where that has no row there is nothing to see, and the title is said alone.
    limit, largest, command, sums
        As for :func:`table`.
    """
    from matplotlib.figure import Figure

    from regviz.plot.svg import to_svg

    drawing = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    if drawing is None:
        raise RegvizError("these axes belong to no figure any more; draw them again")
    title = _title(drawing)
    if table is not None and not len(table):
        _close(drawing)
        return Shown(f'<div class="rv"><p class="rv-nothing">{escape_html(sentence(title))}</p></div>', title)
    svg = to_svg(drawing, title=title, description=_description(drawing, table))
    _close(drawing)
    label = f"rv-figure-{next(_number)}"
    numbers = ""
    if table is not None:
        rows = html_table(table, caption=title, limit=limit, largest=largest, command=command, sums=sums)
        summary = f"The numbers as a table ({count_noun(len(table), 'row')})"
        numbers = f'<details class="numbers"><summary>{summary}</summary>{rows}</details>'
    plain = (
        f'<figure class="rv" role="group" aria-labelledby="{label}">'
        f'<figcaption id="{label}">{escape_html(title)}</figcaption>'
        f'<div class="scroll" role="group" aria-labelledby="{label}" tabindex="0">{svg}</div>'
        f"{numbers}"
    )
    return Shown(f"{plain}{marks_block(drawing)}</figure>", f"Figure: {title}", f"{plain}</figure>")


def _close(drawing: Figure) -> None:
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(drawing)  # else the notebook shows it a second time


def sentence(text: str) -> str:
    """A text that ends as a sentence does.

    Examples
    --------
    >>> sentence("It is a listing"), sentence("Is it?")
    ('It is a listing.', 'Is it?')
    """
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _title(drawing: Figure) -> str:
    """What a figure says it finds: the titles of its panels."""
    said = [drawing.get_suptitle()]
    said += [axes.get_title(loc) for axes in drawing.axes for loc in ("left", "center", "right")]
    return "; ".join(text.replace("\n", " ") for text in said if text)


def _description(drawing: Figure, rows: pd.DataFrame | None) -> str:
    """What the panels say of themselves, and where the numbers are."""
    said = [str(getattr(axes, "description", "")) for axes in drawing.axes]
    said += ["Its numbers stand in the table beneath it."] if rows is not None else []
    return " ".join(text for text in said if text)
