"""Bytes freed against tags deleted: a curve for each way to choose the tags."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Margins,
    axes_size,
    heading,
    new_axes,
    put_heading,
    put_legend,
)
from regviz.plot.freed import Curve, Curves, describe_delete_together, describe_what_if_curve
from regviz.plot.labels import byte_ticks, fit, format_tick, percent, text_width
from regviz.plot.palette import INK, MUTED, RULE, STATES
from regviz.plot.shapes import put_series, rectangle
from regviz.plot.style import SMALL_SIZE, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_HEIGHT = 300.0
_LOW = 60.0
_RADIUS = 2.6
_LOOKS: dict[str, dict[str, Any]] = {
    "together": {"color": STATES["unreferenced"], "linestyle": "-", "linewidth": 2.2},
    "oldest": {"color": INK, "linestyle": "-", "linewidth": 1.3},
    "keep-last": {"color": MUTED, "linestyle": (0, (2, 1.5)), "linewidth": 1.3},
}


def what_if_curve(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bytes freed against tags deleted, by policies.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.what_if_curve` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts tags, its y axis bytes.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import what_if_curve as answer
    >>> table = answer(rv.read())
    >>> int(max(line.get_ydata()[-1] for line in what_if_curve(table).lines)) == table.attrs["freeable_bytes"]
    True
    """
    with style():
        return _draw(describe_what_if_curve(table), ax)


def delete_together(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The steps in which tags free most together.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.delete_together` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts tags, its y axis bytes.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import delete_together as answer
    >>> table = answer(rv.read())
    >>> bool(delete_together(table).lines[0].get_ydata()[-1] == table["running_bytes"].max())
    True
    """
    with style():
        return _draw(describe_delete_together(table), ax)


def _draw(told: Curves, ax: Axes | None) -> Axes:
    drawn = bool(told.curves)
    above = TEXT_LINE + 20 if drawn else 0
    if ax is None:
        head = heading(told.title, told.explanation, WIDTH - 2 * MARGIN)
        left = MARGIN + 52 if drawn else MARGIN
        margins = Margins(left, MARGIN + 14 * drawn, MARGIN + head.height + above, MARGIN + 30 * drawn)
        ax = new_axes(WIDTH - left - margins.right, _HEIGHT if drawn else 1, margins)
        ax.description = told.description
        put_heading(ax, head, left=left - MARGIN, above=above)
    else:
        left = MARGIN
        put_heading(ax, heading(told.title, "", axes_size(ax)[0]), left=0, above=above)
    if not drawn:
        ax.set_axis_off()
        return ax
    ax.set_xlim(0, told.tags)
    ax.set_ylim(0, told.bytes * 1.04)
    _put_ticks(ax, told)
    handles = [_put_curve(ax, curve) for curve in reversed(told.curves)][::-1]
    _put_notes(ax, told)
    put_legend(ax, handles, [curve.words for curve in told.curves], left=left - MARGIN, above=14)
    return ax


def _put_ticks(ax: Axes, told: Curves) -> None:
    ticks = byte_ticks(told.bytes)
    ax.set_yticks(ticks, [format_tick(tick) for tick in ticks], color=MUTED, fontsize=SMALL_SIZE)
    ax.tick_params(axis="y", length=0, pad=6)
    ax.hlines(ticks[1:], 0, told.tags, colors=RULE, linewidth=0.6, zorder=0.5)
    width = axes_size(ax)[0]
    if width < _LOW:
        ax.set_xticks([])
        return
    quarters = [0, 1, 2, 3, 4] if width > 4 * _LOW else [0, 4]
    counts = sorted({round(told.tags * quarter / 4) for quarter in quarters})
    ax.set_xticks(counts, [f"{count:,}\n{percent(count, told.tags)}" for count in counts])
    ax.tick_params(axis="x", length=3, pad=3)
    ax.annotate(
        fit("tags deleted", width / 4 - 60, SMALL_SIZE),
        (0.125, 0),
        (0, -6),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        color=MUTED,
        fontsize=SMALL_SIZE,
        annotation_clip=False,
    )


def _put_curve(ax: Axes, curve: Curve) -> Line2D:
    """A line through the points, and a dot on each that a page tells of."""
    look = _LOOKS[curve.policy]
    tags, freed = [point.tags for point in curve.points], [point.bytes for point in curve.points]
    drawing = "steps-post" if curve.in_steps else "default"
    (line,) = ax.plot(tags, freed, drawstyle=drawing, solid_joinstyle="round", clip_on=False, **look)
    wide, high = axes_size(ax)
    across, up = ax.get_xlim()[1] / wide * _RADIUS, ax.get_ylim()[1] / high * _RADIUS
    dots = [
        Path.unit_circle().transformed(Affine2D().scale(across, up).translate(point.tags, point.bytes))
        for point in curve.points
    ]
    put_series(ax, curve.policy, dots, [look["color"]] * len(dots), [point.mark for point in curve.points])
    ax.collections[-1].set(clip_on=False, zorder=line.get_zorder() + 0.1)
    return Line2D([], [], **look)


def _put_notes(ax: Axes, told: Curves) -> None:
    """What stands at points, where nothing else is."""
    wide, high = axes_size(ax)
    scale = wide / ax.get_xlim()[1], high / ax.get_ylim()[1]
    lines = [
        ((one.tags * scale[0], one.bytes * scale[1]), (other.tags * scale[0], other.bytes * scale[1]))
        for curve in told.curves
        for one, other in pairwise(curve.points)
    ]
    taken: list[tuple[float, float, float, float]] = []
    for curve in told.curves:
        for point in reversed(curve.points):
            x, y, long = point.tags * scale[0], point.bytes * scale[1], text_width(point.note, SMALL_SIZE)
            for left, level in ((x + 6, y - 6), (x - 6 - long, y + 6)) if point.note else ():
                box = (left, level - SMALL_SIZE / 2, left + long, level + SMALL_SIZE / 2)
                inside = box[0] > 0 and box[1] > 2 and box[2] < wide and box[3] < high
                if (
                    inside
                    and not any(_meet(box, each) for each in taken)
                    and not any(_crosses(box, each) for each in lines)
                ):
                    taken.append(box)
                    place = (left / scale[0], level / scale[1])
                    ax.annotate(point.note, place, va="center_baseline", color=MUTED, fontsize=SMALL_SIZE)
                    break


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(box: tuple[float, float, float, float], line: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    """Whether a line from point to point touches a box."""
    left, low, right, high = box
    around = rectangle(left - _RADIUS, low - _RADIUS, right + _RADIUS, high + _RADIUS)
    return bool(Path(line).intersects_path(around, filled=True))
