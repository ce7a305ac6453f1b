"""What each push had to send, as a table and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, SHARED
from regviz.plot.rows import Row, Rows, Span, draw_rows
from regviz.plot.style import style
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes

    from regviz.experiment.step import Step

_NEEDED, _NEW = "bytes_needed", "bytes_new"


def moved(steps: Iterable[Step]) -> pd.DataFrame:
    """What the pushes among some steps had to send.

    Parameters
    ----------
    steps : iterable of Step

    Returns
    -------
    pandas.DataFrame
        A row for each push: step, blobs and bytes that its image needs, and those that the registry did not have yet.

    Examples
    --------
    >>> from regviz.experiment import recorded
    >>> moved(recorded())["step"].tolist()
    ['push', 'share', 'overwrite']
    """
    import pandas as pd

    pushes = [step for step in steps if _NEEDED in step.facts and _NEW in step.facts]
    columns = ("blobs_needed", "blobs_new", _NEEDED, _NEW)
    rows = [(step.name, step.title, *(int(step.facts[column]) for column in columns)) for step in pushes]
    frame = pd.DataFrame(rows, columns=["step", "title", *columns])
    return frame.astype({"step": "str", "title": "str"} | dict.fromkeys(columns, "Int64"))


def plot_moved(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Of what each pushed image needs: what had to be sent, and what the registry had.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`moved` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes.

    Examples
    --------
    >>> from regviz.experiment import recorded
    >>> plot_moved(moved(recorded())).get_title(loc="left")
    '3 pushes sent ... of the ... that their images need'
    """
    needed, new = (int(table[column].sum()) for column in (_NEEDED, _NEW))
    title = f"{count_noun(len(table), 'push', 'pushes')} sent {format_bytes(new)} of the {format_bytes(needed)} that "
    title += "their images need" if len(table) != 1 else "its image needs"
    cells = zip(*(table[name].tolist() for name in ("step", "title", _NEEDED, _NEW)), strict=True)
    rows = tuple(_row(*each) for each in cells)
    said = "; ".join(f"{row.name}: {row.value}" for row in rows)
    legend = ((EXCLUSIVE, "sent"), (SHARED, "there already"))
    told = Rows(title, "A blob that the registry has is not sent again.", f"{said}.", rows, legend=legend)
    with style():
        return draw_rows(told, "moved", ax)


def _row(name: str, title: str, needed: int, new: int) -> Row:
    spans = [Span(0, new, EXCLUSIVE, Mark(f"{name}\n{new:,} bytes were sent"))]
    if new < needed:
        spans.append(Span(new, needed, SHARED, Mark(f"{name}\n{needed - new:,} bytes were there already")))
    return Row(name, title, f"{format_bytes(new)} of {format_bytes(needed)}", tuple(spans))
