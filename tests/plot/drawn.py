"""What a figure shows, found on the figure itself after it was drawn."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from regviz.plot.canvas import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]


def text_boxes(ax: Axes) -> list[tuple[str, Box]]:
    """Every text of the figure and where it lies: left, bottom, right, top, in points."""
    figure = figure_of(ax)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    scale = 72 / figure.dpi
    found = []
    import matplotlib as mpl

    with mpl.rc_context({"text.hinting": "none"}):
        for artist in figure.findobj(Text):
            assert isinstance(artist, Text)
            if artist.get_visible() and artist.get_text().strip() and _is_shown(artist):
                extent = artist.get_window_extent(canvas.get_renderer())
                box = (extent.x0 * scale, extent.y0 * scale, extent.x1 * scale, extent.y1 * scale)
                found.append((artist.get_text(), box))
    return found


def _is_shown(artist: Text) -> bool:
    """Whether the Axes it belongs to shows it: ticks of an Axes that is switched off are there all the same."""
    axes = artist.axes
    if axes is None or axes.axison:
        return True
    on_axes = {*axes.texts, axes.title, axes._left_title, axes._right_title}
    legend = axes.get_legend()
    return artist in on_axes or (legend is not None and artist in legend.get_texts())


def overlap(one: Box, other: Box, tolerance: float = 0.4) -> bool:
    return (
        one[0] < other[2] - tolerance
        and other[0] < one[2] - tolerance
        and one[1] < other[3] - tolerance
        and other[1] < one[3] - tolerance
    )


def hold_legible(ax: Axes) -> None:
    """No text on another, none cut by the edge of the picture, all drawn with a font that has its letters."""
    wide, high = figure_of(ax).get_size_inches() * 72
    boxes = text_boxes(ax)
    assert boxes
    for text, (left, bottom, right, top) in boxes:
        assert left >= 0, text
        assert bottom >= 0, text
        assert right <= wide, text
        assert top <= high, text
    for (text, box), (other_text, other) in combinations(boxes, 2):
        assert not overlap(box, other), (text, other_text)


def hold_marks(ax: Axes) -> None:
    """Every series that is told of in words has as many marks as words, and what they stand on is there."""
    from xml.etree import ElementTree as ET

    from regviz.plot.svg import to_svg

    marks = getattr(ax, "marks", {})
    if not marks:
        return
    counts: dict[str, int] = {}
    svg = to_svg(figure_of(ax), title="title")
    for node in ET.fromstring(svg).iter():  # noqa: S314  # written a moment ago
        if name := node.get("data-marks"):
            counts[name] = counts.get(name, 0) + len(node)
    for name, rows in marks.items():
        assert counts.get(name, 0) == len(rows), name
        for row in rows:
            assert row.label
            assert all(at < len(marks[other]) for other, at in row.below)


def texts_of(ax: Axes) -> list[str]:
    return [text for text, _ in text_boxes(ax)]
