"""Dots coloured by when their layers were made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regviz.plot.palette import CSS, UNKNOWN
from regviz.text import format_date

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import networkx as nx

    from regviz.plot.ancestry import Dot

_DAYS = 3 * 86_400
"""Seconds; what lies closer together is told apart by the hour."""
_CLOCK = "%Y-%m-%d %H:%M"


def by_age(graph: nx.DiGraph[Any], dots: Sequence[Dot]) -> tuple[tuple[Dot, ...], tuple[tuple[str, str], ...]]:
    """Dots in cividis from the oldest to the newest, and the colours of the key with their words.

    A dot is as old as the last of its layers; where that does not say when it was made, it is grey. The scale
    goes evenly from the first day to the last.

    Parameters
    ----------
    graph : networkx.DiGraph
        As :func:`regviz.graph.layer_graph` makes it.
    dots : sequence of Dot
    """
    made: list[dt.datetime | None] = [graph.nodes[dot.layers[-1]].get("created") for dot in dots]
    known = sorted(moment for moment in made if moment is not None)
    if not known:
        return tuple(replace(dot, colour=UNKNOWN) for dot in dots), ((UNKNOWN, "none says when it was made"),)
    first, last = known[0], known[-1]
    span = (last - first).total_seconds()

    def colour(moment: dt.datetime | None) -> str:
        if moment is None:
            return UNKNOWN
        return cividis((moment - first).total_seconds() / span if span else 1.0)

    key = [(colour(last), f"made {format_date(last)}")]
    if span:
        middle = first + (last - first) / 2
        said = [f"{moment:{_CLOCK}}" if span < _DAYS else format_date(moment) for moment in (first, middle, last)]
        words = (f"made {said[0]}, the oldest", said[1], f"{said[2]}, the newest")
        key = list(zip(map(colour, (first, middle, last)), words, strict=True))
    if len(known) < len(made):
        key.append((UNKNOWN, "not known"))
    return tuple(replace(dot, colour=colour(moment)) for dot, moment in zip(dots, made, strict=True)), tuple(key)


def cividis(share: float) -> str:
    """A colour of the sequential scale, from 0 (dark blue) to 1 (yellow).

    It stays what it is in a dark page too: one that is in the palette, which a dark page changes, becomes its
    neighbour, which nobody can tell from it.

    Examples
    --------
    >>> cividis(0), cividis(1)
    ('#00224f', '#fee838')
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colour = to_hex(colormaps["cividis"](float(share)))
    return f"{colour[:-2]}{int(colour[-2:], 16) + 1:02x}" if colour in CSS else colour
