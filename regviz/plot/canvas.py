"""Where figures are drawn: on an Axes that is given, or on a new figure as high as its content."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regviz.plot.labels import wrap
from regviz.plot.palette import INK, MUTED
from regviz.plot.style import TEXT_SIZE, TITLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.backend_bases import RendererBase

    from regviz.plot.marks import Mark

WIDTH = 740.0
"""Points; what a report's page holds without shrinking it."""
MARGIN = 10.0
HINTING = 1.1
"""How much wider than measured an Axes that is not ours may draw text, at common resolutions."""
TITLE = "title"
"""The gid of a figure's title: a page may show it in another way."""
TITLE_LINE = TITLE_SIZE * 1.3
TEXT_LINE = TEXT_SIZE * 1.45


class Picture(Axes):
    """An Axes that a notebook shows as the SVG of its figure.

    Attributes
    ----------
    description : str
        What is seen, for who does not see it.
    marks : mapping of str to sequence of Mark
        What stands for the marks of each series, by its name: in a page that can explore, they are said and found.
    explorable : bool
        Whether a page that can explore lets a reader come closer, as pays where there are many small marks.
    """

    description: str = ""
    marks: Mapping[str, Sequence[Mark]] = MappingProxyType({})
    explorable: bool = False

    def draw(self, renderer: RendererBase) -> None:
        """Draw text as wide as it was measured: hinting can widen it by a fifth."""
        with mpl.rc_context({"text.hinting": "none"}):
            super().draw(renderer)

    def _repr_html_(self) -> str:
        from regviz.plot.svg import to_svg

        title = self.get_title(loc="left").replace("\n", " ")
        return to_svg(figure_of(self), title=title, description=self.description)


class Told(Protocol):
    """What a figure says in words."""

    @property
    def title(self) -> str:
        """What it finds."""

    @property
    def explanation(self) -> str:
        """What its marks mean."""

    @property
    def description(self) -> str:
        """What is seen, for who does not see it."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Room around the axes, in points."""

    left: float = MARGIN
    right: float = MARGIN
    top: float = MARGIN
    bottom: float = MARGIN


@dataclass(frozen=True, slots=True)
class Heading:
    """A title and what explains the marks, broken into lines."""

    title: str
    explanation: str

    @property
    def height(self) -> float:
        """Points from the top of the title to the bottom of the explanation."""
        lines = self.explanation.count("\n") + 1 if self.explanation else 0
        return (self.title.count("\n") + 1) * TITLE_LINE + lines * TEXT_LINE + 4


def heading(title: str, explanation: str, width: float) -> Heading:
    """A heading for a figure of a width in points."""
    return Heading(
        wrap(title, width, TITLE_SIZE, bold=True), wrap(explanation, width, TEXT_SIZE, lines=4) if explanation else ""
    )


def new_axes(width: float, height: float, margins: Margins) -> Picture:
    """An Axes of its own figure; `width` and `height` (points) are those of the axes alone."""
    wide, high = width + margins.left + margins.right, height + margins.top + margins.bottom
    figure = Figure(figsize=(wide / 72, high / 72), dpi=72)
    place = (margins.left / wide, margins.bottom / high, width / wide, height / high)
    axes = figure.add_axes(place, axes_class=Picture)
    assert isinstance(axes, Picture)  # noqa: S101  # what axes_class asks for
    return axes


def figure_of(ax: Axes) -> Figure:
    """The figure that an Axes is on."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101  # only an Axes that was removed has none
    return figure


def axes_size(ax: Axes) -> tuple[float, float]:
    """Width and height of an Axes in points."""
    box = ax.get_position()
    wide, high = figure_of(ax).get_size_inches()
    return float(box.width * wide * 72), float(box.height * high * 72)


def left_of(ax: Axes) -> float:
    """Points between the edge of the figure and an Axes."""
    return float(ax.get_position().x0 * figure_of(ax).get_size_inches()[0] * 72)


def put_heading(ax: Axes, head: Heading, *, left: float, above: float) -> None:
    """Draw a heading above an Axes: its bottom `above` points over the axes, its left edge `left` points outside."""
    width, height = axes_size(ax)
    lines = head.explanation.count("\n") + 1 if head.explanation else 0
    if lines:
        ax.annotate(
            head.explanation,
            (0, 1),
            (-left, above + 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left",
            va="bottom",
            color=MUTED,
            fontsize=TEXT_SIZE,
            linespacing=1.3,
            annotation_clip=False,
        )
    bottom = above + lines * TEXT_LINE + 6
    title = ax.set_title(
        head.title, loc="left", x=-left / width, y=1 + bottom / height, pad=0, color=INK, va="bottom", linespacing=1.2
    )
    title.set_gid(TITLE)


def put_legend(ax: Axes, handles: Sequence[Artist], words: Sequence[str], *, left: float, above: float) -> None:
    """Draw what the marks mean, on one line whose bottom is `above` points over the axes."""
    width, height = axes_size(ax)
    ax.legend(
        handles[: len(words)],
        words,
        loc="lower left",
        bbox_to_anchor=(-left / width, 1 + above / height),
        ncols=len(words),
        labelcolor=MUTED,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.2,
        handleheight=0.9,
        handletextpad=0.5,
        columnspacing=1.6,
    )


def hide_axes(ax: Axes, width: float, height: float) -> None:
    """Use an Axes as paper: points from its upper left corner, without ticks or frame."""
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()


def paper(
    told: Told,
    width: float,
    height: float,
    ax: Axes | None,
    *,
    above: float,
    marks: Mapping[str, Sequence[Mark]] | None = None,
    explorable: bool = False,
) -> Axes:
    """An Axes as paper under the heading of what is drawn: that of a new figure, or the one that is given.

    Parameters
    ----------
    told
        Its title, what explains its marks, and what is seen.
    width, height : float
        Points; a given Axes has its own height, and no room for more than the title.
    ax : matplotlib.axes.Axes or None
    above : float
        Points between the paper and the heading.
    marks, explorable
        Of the :class:`Picture` that a new figure has.
    """
    if ax is None:
        height = max(height, 1)
        head = heading(told.title, told.explanation, width)
        ax = new_axes(width, height, Margins(top=MARGIN + head.height + above))
        ax.description, ax.marks, ax.explorable = told.description, marks or {}, explorable
        put_heading(ax, head, left=0, above=above)
    else:
        height = axes_size(ax)[1]
        put_heading(ax, heading(told.title, "", width), left=0, above=above)
    hide_axes(ax, width, height)
    return ax


def put_texts(ax: Axes, texts: Sequence[Text]) -> None:
    """Draw texts at data coordinates."""
    for text in texts:
        ax.text(
            text.x,
            text.y,
            text.text,
            ha=text.anchor,
            va=text.level,
            color=text.colour,
            fontsize=text.size,
            fontweight="bold" if text.bold else "normal",
        )


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `x` and `y` are where its `anchor` (left, right, center) and `level` lie."""

    x: float
    y: float
    text: str
    size: float = TEXT_SIZE
    colour: str = INK
    anchor: str = "left"
    level: str = "center_baseline"
    bold: bool = False
