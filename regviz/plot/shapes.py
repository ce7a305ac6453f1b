"""Rectangles, and series of them that a page can explore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.collections import PathCollection
from matplotlib.path import Path

from regviz.plot.svg import MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from regviz.plot.marks import Mark

_CORNERS = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]


def rectangle(left: float, top: float, right: float, bottom: float) -> Path:
    """A closed rectangle.

    Examples
    --------
    >>> rectangle(0, 0, 2, 1).vertices.tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    """
    return Path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], _CORNERS)


def put_shapes(ax: Axes, paths: Sequence[Path], colours: Any, name: str = "", **look: Any) -> None:
    """Draw paths without edges, as one series where it has a name."""
    plain: dict[str, Any] = {"edgecolors": "none", "linewidths": 0, "clip_on": False}
    series = PathCollection(paths, facecolors=colours, **plain | look)
    if name:
        series.set_gid(f"{MARKS}{name}")
    ax.add_collection(series, autolim=False)


def put_series(ax: Axes, name: str, paths: Sequence[Path], colours: Sequence[Any], marks: Sequence[Mark]) -> None:
    """Draw paths as one series, and keep what its marks stand for."""
    put_shapes(ax, paths, colours, name, clip_on=True)
    ax.marks = {**getattr(ax, "marks", {}), name: tuple(marks)}  # type: ignore[attr-defined]  # a Picture has it
