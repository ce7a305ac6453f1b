"""Bytes lost to layers that were made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from regviz.plot.canvas import (
    HINTING,
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Picture,
    Text,
    axes_size,
    paper,
    put_legend,
    put_texts,
)
from regviz.plot.labels import drawable, fit, fit_all, instruction, percent, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import CERTAIN, INK, MUTED, SUSPECTED
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.stacking import bounded, exact, made_by_text
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

ROWS = 20
_ROW, _LINE, _BAR = 32.0, 11.5, 15.0
_LABEL = 0.42
"""Part of the width that words have at most."""
_KINDS = {"recompressed": "compressed again", "rebuilt": "built again, it seems,"}


@dataclass(frozen=True, slots=True)
class Loss:
    """A row of the table.

    Attributes
    ----------
    label, note : str
        What was made again, or the repository; and what there is to say of it.
    certain, suspected : int
        Bytes lost: of known equal content, and of what seems to be built again.
    mark : Mark
    """

    label: str
    note: str
    certain: int
    suspected: int
    mark: Mark

    @property
    def bytes(self) -> int:
        """All that is lost."""
        return self.certain + self.suspected


@dataclass(frozen=True, slots=True)
class Churn:
    """What :func:`churn` draws.

    Attributes
    ----------
    title, explanation, description : str
    losses : tuple of Loss
        The largest first.
    rest : str
        What is said of the rows that are left out; empty where there are none.
    """

    title: str
    explanation: str
    description: str
    losses: tuple[Loss, ...] = ()
    rest: str = ""


def describe_churn(table: pd.DataFrame, *, rows: int = ROWS) -> Churn:
    """The bars, labels and sentences that :func:`churn` draws for an answer of :func:`regviz.analysis.churn`.

    Parameters
    ----------
    table : pandas.DataFrame
        Its rows are groups of layers, or repositories.
    rows : int
        How many bars there is room for; one is given up for a sentence about the others.
    """
    title = _title(table)
    lost = table[table["lost_bytes"] > 0]
    if lost.empty:
        return Churn(title, "", title)
    shown = len(lost) if len(lost) <= rows else max(rows - 1, 1)
    head = lost.head(shown)
    losses = tuple((_of_repositories if "groups" in table else _of_groups)(head))
    rest = ""
    if shown < len(lost):
        left = int(lost["lost_bytes"].iloc[shown:].sum())
        share = percent(left, int(table.attrs["lost_bytes"]))
        noun = ("other repository", "other repositories") if "groups" in table else ("other group", "other groups")
        rest = f"{count_noun(len(lost) - shown, *noun)}: together {format_bytes(left)}, {share} of what is lost"
    explanation = (
        "Lost is what could be spared if of layers with equal content, or made alike, one were kept: the largest."
    )
    said = "; ".join(f"{loss.label} {format_bytes(loss.bytes)}" for loss in losses[:5])
    more = f"; and {len(losses) - 5} more bars" if len(losses) > 5 else ""
    return Churn(
        title,
        explanation,
        f"{count_noun(len(losses), 'horizontal bar')} of bytes lost. {said}{more}. {rest} {explanation}",
        losses,
        rest,
    )


def _of_groups(rows: pd.DataFrame) -> list[Loss]:
    names = ("kind", "repository", "created_by", "blobs", "lost_bytes", "repositories", "images", "tags", "blob")
    found = []
    columns = [rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in names]
    for kind, repository, created_by, blobs, lost, repositories, images, tags, blob in zip(*columns, strict=True):
        is_known = kind == "recompressed"
        made_by = bounded(created_by or "")
        said = made_by_text(made_by) or short_digest(blob)
        where = repository or count_noun(repositories, "repository", "repositories")
        counted = f"{count_noun(blobs, 'blob')}, {count_noun(images, 'image')}, {count_noun(tags, 'tag')}"
        note = drawable(f"{_KINDS[kind]} in {where}: {counted}")
        lines = (
            instruction(made_by) or "a layer",
            f"{_KINDS[kind]} in {where}: {counted}",
            f"{exact(lost)} lost",
            blob,
        )
        mark = Mark("\n".join(lines), (repository,) if repository else (), (blob, *filter(None, (made_by,))))
        found.append(Loss(said, note, lost if is_known else 0, 0 if is_known else lost, mark))
    return found


def _of_repositories(rows: pd.DataFrame) -> list[Loss]:
    names = ("repository", "groups", "recompressed_bytes", "rebuilt_bytes")
    found = []
    for repository, groups, certain, suspected in zip(*(rows[name].tolist() for name in names), strict=True):
        note = count_noun(groups, "group of layers", "groups of layers")
        lines = (repository, note, f"{exact(certain)} compressed again", f"{exact(suspected)} built again, it seems")
        found.append(Loss(drawable(repository), note, certain, suspected, Mark("\n".join(lines), (repository,))))
    return found


def _title(table: pd.DataFrame) -> str:
    """The finding: how much is lost, of how much, and how certain that is."""
    lost, again = int(table.attrs["lost_bytes"]), int(table.attrs["recompressed_bytes"])
    if not lost:
        return "No layer seems to have been made again without need"
    share = f"{percent(lost, int(table.attrs['layer_bytes']))} of the {format_bytes(int(table.attrs['layer_bytes']))}"
    if again == lost:
        return f"{format_bytes(lost)} are lost to layers that were compressed again, {share} in layers"
    if not again:
        return f"{format_bytes(lost)} seem lost to layers that were built again, {share} in layers"
    return f"{format_bytes(lost)} seem lost to layers made again, {share} in layers; {format_bytes(again)} certainly"


def churn(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of the bytes that are lost because layers were compressed or built again.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.churn` gives it, by group or by repository; its order is kept, and its first rows
        are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> churn(rv.churn(rv.read())).get_title(loc="left")
    '70.4 KiB seem lost to layers made again, 22 % of the 327 KiB in layers; 42.4 KiB certainly'
    """
    with style():
        rows = ROWS if ax is None else max(2, int(axes_size(ax)[1] / _ROW))
        return _draw(describe_churn(table, rows=rows), ax)


def _draw(told: Churn, ax: Axes | None) -> Axes:
    above = TEXT_LINE + 12 if told.losses else 0
    height = len(told.losses) * _ROW + (TEXT_LINE + 6 if told.rest else 0)
    marks = {"losses": [loss.mark for loss in told.losses]}
    width = WIDTH - 2 * MARGIN if ax is None else axes_size(ax)[0]
    ax = paper(told, width, height, ax, above=above, marks=marks)
    if told.losses:
        _put_losses(ax, told, width)
    return ax


def _put_losses(ax: Axes, told: Churn, width: float) -> None:
    losses = told.losses
    values = [format_bytes(loss.bytes) for loss in losses]
    room = width * _LABEL
    labels = fit_all([loss.label for loss in losses], room, TEXT_SIZE)
    notes = [fit(loss.note, room, SMALL_SIZE) for loss in losses]
    left = max(*(text_width(label, TEXT_SIZE) for label in labels), *(text_width(note, SMALL_SIZE) for note in notes))
    left = left * (1.0 if isinstance(ax, Picture) else HINTING) + 10
    unit = (width - left - max(text_width(value, SMALL_SIZE) for value in values) - 6) / max(
        loss.bytes for loss in losses
    )
    texts, paths, colours = [], [], []
    for at, (loss, label, note, value) in enumerate(zip(losses, labels, notes, values, strict=True)):
        middle = at * _ROW + _ROW / 2
        texts += [
            Text(0, middle - _LINE / 2, label, TEXT_SIZE, INK),
            Text(0, middle + _LINE / 2, note, SMALL_SIZE, MUTED),
            Text(left + loss.bytes * unit + 5, middle, value, SMALL_SIZE, MUTED),
        ]
        paths.append(_bar(left, middle, loss.bytes * unit))
        colours.append(SUSPECTED if loss.suspected else CERTAIN)
    put_shapes(ax, paths, colours, "losses")
    both = [
        _bar(left, at * _ROW + _ROW / 2, loss.certain * unit)
        for at, loss in enumerate(losses)
        if loss.certain and loss.suspected
    ]
    put_shapes(ax, both, CERTAIN)
    if told.rest:
        texts.append(Text(0, len(losses) * _ROW + 8, fit(told.rest, width, TEXT_SIZE), TEXT_SIZE, MUTED))
    put_texts(ax, texts)
    said = [
        (any(loss.certain for loss in losses), Patch(color=CERTAIN), "equal content: certain"),
        (
            any(loss.suspected for loss in losses),
            Patch(color=SUSPECTED),
            "same instruction, nearly the same length: suspected",
        ),
    ]
    handles, words = zip(*((handle, words) for occurs, handle, words in said if occurs), strict=True)
    put_legend(ax, handles, words, left=0, above=8)


def _bar(left: float, middle: float, width: float) -> Path:
    return rectangle(left, middle - _BAR / 2, left + max(0.8, width), middle + _BAR / 2)
