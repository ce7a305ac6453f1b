"""A matplotlib figure as an SVG element for a page: text stays text, nothing is fetched, the bytes never vary.

Matplotlib draws; what it wrote is read again and written smaller and safer: coordinates rounded, styles in
classes, ids made unique, every text with the length it was given room for, colours that follow the page.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from regviz.plot.canvas import TITLE
from regviz.plot.labels import has_glyphs, text_width
from regviz.plot.palette import CSS, CSS_OPACITY
from regviz.plot.style import style
from regviz.text import escape_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

MARKS = "marks:"
"""What begins the gid of a series whose n-th mark belongs to row n of some data."""

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_ROTATED = re.compile(r"rotate\((-?[\d.]+)(?: [-\d.]+ [-\d.]+)?\)")
_MOVED = re.compile(r"translate\((-?[\d.]+) (-?[\d.]+)\)")
_CIRCLE = re.compile(r"M [-\d.e]+ [-\d.e]+(?: C(?: [-\d.e]+){6}){8}(?: L [-\d.e]+ [-\d.e]+)? z")
_KEPT = ("x", "y", "d", "width", "height", "transform", "patternUnits")
_PIXELS = "data:image/png;base64,"
_FAMILY = '"DejaVu Sans",Verdana,system-ui,sans-serif'
_COLOURED = ("fill", "stroke")
_DEFAULTS = (("text-anchor", "start"), ("stroke-linejoin", "round"), ("stroke-linecap", "butt"))


def to_svg(figure: Figure, *, title: str, description: str = "") -> str:
    """A figure as one ``<svg>`` element.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    title : str
        What the figure finds; its name for a screen reader.
    description : str
        What is seen, for who does not see it.

    Returns
    -------
    str
        It has an id of its own, made from its content. A series whose gid begins with ``marks:`` is a group
        with the rest of the gid as ``data-marks``; its n-th element is the n-th mark.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> text = to_svg(Figure(figsize=(1, 1)), title="a < b")
    >>> text.startswith("<svg "), "a &lt; b</title>" in text
    (True, True)
    """
    drawn, title, description = _drawn(figure), escape_html(title), escape_html(description)
    name = "rv" + hashlib.sha256(f"{title}\0{description}\0{drawn}".encode()).hexdigest()[:8]
    root = ET.fromstring(drawn)  # noqa: S314  # matplotlib wrote it a moment ago
    writer = _Writer(name)
    body = "".join(writer.element(child) for child in root)
    rules = "".join(f"#{name} .{rule}{{{text}}}" for text, rule in writer.classes.items())
    head = f'<title id="{name}-t">{title}</title>'
    labels = f"{name}-t"
    if description:
        head += f'<desc id="{name}-d">{description}</desc>'
        labels += f" {name}-d"
    width, height = (_rounded(root.get(side, "")) for side in ("width", "height"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="regviz" role="img" aria-labelledby="{labels}" '
        f'width="{width}" height="{height}" viewBox="{_rounded(root.get("viewBox", ""))}">{head}'
        f"<style>#{name}{{font-family:{_FAMILY};stroke-linejoin:round}}#{name} text{{white-space:pre}}{rules}</style>"
        f"{body}</svg>"
    )


def _drawn(figure: Figure) -> str:
    buffer = io.BytesIO()
    with style(), warnings.catch_warnings():
        # A page's reader may have a font for what matplotlib's has no glyph of.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return buffer.getvalue().decode()


class _Writer:
    """Writes matplotlib's elements again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.classes: dict[str, str] = {}

    def element(self, node: ET.Element, *, counts: bool = False) -> str:
        """An element with everything in it; empty where nothing would be seen, unless it counts as a mark."""
        tag = node.tag.removeprefix(_SVG)
        if tag in ("metadata", "style"):
            return ""
        if tag == "text":
            return self._text(node)
        declarations = dict(self._declarations(node))
        if tag == "path" and _invisible(declarations) and "id" not in node.attrib and not counts:
            return ""
        attributes = {key: _rounded(" ".join(node.attrib[key].split())) for key in _KEPT if key in node.attrib}
        attributes |= self._links(node)
        if declarations:
            attributes["class"] = self._class(declarations)
        if tag == "path" and (circle := _as_circle(attributes)):
            tag, attributes = "circle", circle
        before, children, marks = "", list(node), "data-marks" in attributes
        if marks:  # what marks refer to is none of them, nor is what holds them all
            before = "".join(self.element(child) for child in node if child.tag == f"{_SVG}defs")
            children = [child for child in node if child.tag != f"{_SVG}defs"]
            if [child.tag for child in children] == [f"{_SVG}g"]:
                attributes |= self._links(children[0])
                children = list(children[0])
        inside = "".join(self.element(child, counts=marks) for child in children)
        if tag in ("g", "defs") and not inside and not counts:
            return ""
        if tag == "g" and not attributes:
            return inside
        opened = tag + "".join(f' {key}="{escape_html(value)}"' for key, value in attributes.items())
        return f"{before}<{opened}>{inside}</{tag}>" if inside else f"{before}<{opened}/>"

    def _links(self, node: ET.Element) -> dict[str, str]:
        """Ids that something refers to, and what refers to them."""
        found = {}
        identity = node.get("id", "")
        if identity.startswith(MARKS):
            found["data-marks"] = identity.removeprefix(MARKS)
        elif identity == TITLE:
            found["class"] = TITLE
        elif identity and not node.tag.endswith("}g"):
            found["id"] = f"{self._name}-{identity}"
        if _HREF in node.attrib:
            to = node.attrib[_HREF]  # a picture of pixels, or something here
            found["href"] = "".join(to.split()) if to.startswith(_PIXELS) else f"#{self._name}-{to.removeprefix('#')}"
        if "clip-path" in node.attrib:
            found["clip-path"] = self._prefixed(node.attrib["clip-path"])
        return found

    def _text(self, node: ET.Element) -> str:
        text = "".join(node.itertext())
        if not text.strip():
            return ""
        declarations = dict(self._declarations(node))
        size = float(declarations.get("font-size", "10px").removesuffix("px"))
        declarations.pop("font-family", None)
        place: dict[str, str] = {key: _rounded(node.attrib[key]) for key in ("x", "y") if key in node.attrib}
        transform = node.get("transform", "")
        if moved := _MOVED.search(transform):
            place = {"x": _rounded(moved[1]), "y": _rounded(moved[2])}
        if (turned := _ROTATED.search(transform)) and float(turned[1]):
            place["transform"] = f"rotate({_rounded(turned[1])} {place['x']} {place['y']})"
        attributes = {"class": self._class(declarations), **place}
        if has_glyphs(text):
            width = text_width(text, size, bold=declarations.get("font-weight") == "700")
            attributes |= {"textLength": f"{width:.1f}", "lengthAdjust": "spacingAndGlyphs"}
        opened = "".join(f' {key}="{value}"' for key, value in attributes.items())
        return f"<text{opened}>{escape_html(text)}</text>"

    def _declarations(self, node: ET.Element) -> Iterator[tuple[str, str]]:
        """The style of an element, its colours as the page should have them."""
        written = dict(part.strip().split(":", 1) for part in node.get("style", "").split(";") if ":" in part)
        written |= {key: node.attrib[key] for key in _COLOURED if key in node.attrib}
        if node.tag == f"{_SVG}text":
            written.setdefault("fill", "#000000")
        for key, spaced in written.items():
            value = spaced.strip()
            if key in _COLOURED and value in CSS_OPACITY:
                yield f"{key}-opacity", f"{CSS_OPACITY[value] * float(written.get(f'{key}-opacity', 1)):.3g}"
                yield key, "currentColor"
            elif key.endswith("-opacity") and written.get(key.removesuffix("-opacity"), "").strip() in CSS_OPACITY:
                continue
            elif (key, value) not in _DEFAULTS:
                yield key, CSS.get(value, self._prefixed(_rounded(value)))

    def _prefixed(self, value: str) -> str:
        return _REFERENCE.sub(rf"url(#{self._name}-\1)", value)

    def _class(self, declarations: dict[str, str]) -> str:
        text = ";".join(f"{key}:{value}" for key, value in sorted(declarations.items()))
        return self.classes.setdefault(text, f"c{len(self.classes)}")


def _invisible(declarations: dict[str, str]) -> bool:
    unfilled = declarations.get("fill") == "none" or declarations.get("opacity") == "0"
    return unfilled and ("stroke" not in declarations or declarations.get("opacity") == "0")


def _rounded(text: str) -> str:
    return _NUMBER.sub(lambda match: f"{round(float(match[0]), 2):g}" if abs(float(match[0])) < 1e5 else match[0], text)


def _as_circle(attributes: dict[str, str]) -> dict[str, str]:
    """A circle's attributes, for a path that is matplotlib's circle of eight curves; else nothing."""
    if not _CIRCLE.fullmatch(attributes.get("d", "")):
        return {}
    numbers = [float(part) for part in attributes["d"].split() if part[-1].isdigit()]
    corners = [(numbers[0], numbers[1]), *zip(numbers[6:50:6], numbers[7:50:6], strict=True)]
    (x, bottom), (right, y), (_, top), (left, _) = corners[0:8:2]
    radius = right - x
    if max(abs(bottom - y - radius), abs(y - top - radius), abs(x - left - radius)) > 0.05:
        return {}
    kept = {key: value for key, value in attributes.items() if key != "d"}
    return {"cx": f"{x:g}", "cy": f"{y:g}", "r": f"{radius:.2f}".rstrip("0").rstrip("."), **kept}
