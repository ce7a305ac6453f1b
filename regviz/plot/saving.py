"""A figure as a file of its own: SVG with its colours written out, PNG, PDF; the bytes never vary."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Literal

from regviz.plot.canvas import figure_of
from regviz.plot.palette import GROUND, INK
from regviz.plot.style import style
from regviz.plot.svg import to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FileFormat = Literal["svg", "png", "pdf"]
_VARIABLE = re.compile(r"var\(--rv-[a-z]+,(#[0-9a-f]{6})\)")


def figure_file(axes: Axes, format_: FileFormat, *, dpi: int = 144) -> bytes:
    """A figure as the content of a file.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        What a function of ``rv.plot`` gave.
    format_ : {"svg", "png", "pdf"}
    dpi : int
        Dots per inch of a PNG.

    Returns
    -------
    bytes
        On a white ground. An SVG has no style but its own, text as text, and a title and a description.

    Examples
    --------
    >>> import regviz as rv
    >>> axes = rv.plot.sizes(rv.sizes(rv.read()))
    >>> figure_file(axes, "svg").startswith(b"<svg "), figure_file(axes, "png")[1:4]
    (True, b'PNG')
    """
    if format_ == "svg":
        title = axes.get_title(loc="left").replace("\n", " ")
        return _alone(to_svg(figure_of(axes), title=title, description=str(getattr(axes, "description", "")))).encode()
    metadata: dict[str, Any] = {"CreationDate": None} if format_ == "pdf" else {"Software": None}
    buffer = io.BytesIO()
    with style():
        figure_of(axes).savefig(buffer, format=format_, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def _alone(svg: str) -> str:
    """An SVG that stands in no page: not every program knows variables, and none has the page's colour of text."""
    head, end, body = svg.partition("</style>")
    head = _VARIABLE.sub(r"\1", head).replace("currentColor", INK)
    return f'{head}{end}<rect width="100%" height="100%" fill="{GROUND}"/>{body}\n'
