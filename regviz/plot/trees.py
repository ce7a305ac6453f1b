"""The forest of layers, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from regviz.plot.ancestry import Colour, Forest, describe_forest
from regviz.plot.canvas import (
    MARGIN,
    TEXT_LINE,
    WIDTH,
    axes_size,
    paper,
    put_legend,
    put_texts,
)
from regviz.plot.dots import LAYERS
from regviz.plot.labels import drawable, fit_all, text_width
from regviz.plot.palette import MUTED, OTHERS, RULE, SEVERAL
from regviz.plot.style import TEXT_SIZE, style
from regviz.plot.svg import MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx
    import numpy as np
    from matplotlib.axes import Axes

_CORNER = 5.0
_LONGEST_NAME = 150.0
_BESIDE = 30.0
"""Points that a key's mark and the room around its words take."""
_AGE_RIM = 0.6
"""Points: ages have both the darkest and the brightest colours, of which a page's ground may be one."""


def forest(
    graph: nx.DiGraph[Any], *, rows: int | None = None, colour: Colour = "repository", ax: Axes | None = None
) -> Axes:
    """The layers of a registry, each on the one it was built on.

    Unbranched runs of layers without a name are collapsed where there is no room for each of them; where
    there are more branches than rows, the largest trees are shown with their largest branches, and the others
    summed up.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it.
    rows : int, optional
        The most branches that are drawn side by side; left out, as many as a person overlooks.
    colour : str
        What colours say: the ``"repository"`` whose tags stand on a layer, or its ``"age"``: when it was made.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> graph = rv.read().layer_graph()
    >>> len(forest(graph).collections[0].get_offsets()) <= len(graph)
    True
    """
    with style():
        width = WIDTH - 2 * MARGIN
        if ax is None:
            told = describe_forest(graph, width=width, rows=rows, colour=colour)
        else:
            wide, high = axes_size(ax)
            told = describe_forest(graph, width=wide, height=high, rows=rows, colour=colour)
        return _draw(told, ax)


def _draw(told: Forest, ax: Axes | None) -> Axes:
    meanings = _meanings(told)
    above = TEXT_LINE + 12 if meanings else 0
    marks = {LAYERS: told.marks} if told.marks else {}
    ax = paper(told, told.width, told.height, ax, above=above, marks=marks, explorable=True)
    if not told.dots:
        return ax
    ax.add_patch(PathPatch(_lines(told), facecolor="none", edgecolor=RULE, linewidth=1.2, clip_on=False))
    dots = ax.scatter(
        [dot.x for dot in told.dots],
        [dot.y for dot in told.dots],
        s=[(2 * dot.radius) ** 2 for dot in told.dots],
        c=[dot.colour or "none" for dot in told.dots],
        edgecolors=[MUTED if told.ages else dot.colour or MUTED for dot in told.dots],
        linewidths=[_AGE_RIM if told.ages else 0.0 if dot.colour else 1.0 for dot in told.dots],
        clip_on=False,
        zorder=2,
    )
    dots.set_gid(f"{MARKS}{LAYERS}")
    put_texts(ax, told.texts)
    put_legend(ax, [handle for handle, _ in meanings], [words for _, words in meanings], left=0, above=10)
    return ax


def _meanings(told: Forest) -> list[tuple[Line2D, str]]:
    """What the colours mean, of those that occur."""
    look: dict[str, Any] = {"marker": "o", "linewidth": 0, "markersize": 7}
    if told.ages:
        look |= {"markeredgecolor": MUTED, "markeredgewidth": _AGE_RIM}
        return [(Line2D([], [], markerfacecolor=colour, **look), words) for colour, words in told.ages]
    used = {dot.colour for dot in told.dots}
    rest = [
        (colour, words)
        for colour, words in ((OTHERS, "one smaller repository"), (SEVERAL, "several"), ("", "no tag"))
        if colour in used
    ]
    named = [colour for colour, _ in told.repositories]
    names = fit_all([drawable(name) for _, name in told.repositories], _LONGEST_NAME, TEXT_SIZE)
    names = [f" {name}" if name.startswith("_") else name for name in names]  # matplotlib leaves such words out
    said = [*zip(named, names, strict=True), *rest]
    if named and _key_width(said) > told.width:
        said = [*((colour, "") for colour in named[:-1]), (named[-1], "one repository each"), *rest]
        while said[0][1] == "" and _key_width(said) > told.width:
            said = said[1:]
    return [
        (Line2D([], [], markerfacecolor=colour or "none", markeredgecolor=colour or MUTED, **look), words)
        for colour, words in said
    ]


def _key_width(said: Sequence[tuple[str, str]]) -> float:
    return sum(text_width(words, TEXT_SIZE) + _BESIDE for _, words in said)


def _lines(told: Forest) -> Path:
    """All edges as one path, with rounded corners."""
    points: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    for x, y, turn, end, level in told.edges:
        bend = min(_CORNER, abs(level - y), end - turn)
        side = 1 if level > y else -1
        if abs(level - y) < 0.01:
            points += [(x, y), (end, level)]
            codes += [Path.MOVETO, Path.LINETO]
            continue
        corner = [(turn, level - side * bend), (turn, level), (turn + bend, level)]
        points += [(x, y), (turn, y), *corner, (end, level)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO]
    return Path(points, codes) if points else Path([(0, 0)], [Path.MOVETO])
