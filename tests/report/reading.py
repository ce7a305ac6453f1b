"""A page read back by the standard library's HTML parser, so that tests see what a browser would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nbformat

from regviz import share

VOID = {"meta", "link", "input", "br", "img", "hr", "wbr"}


@dataclass(slots=True)
class Element:
    """An element with its attributes, its text and its children."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Every element of this tag below, in the page's order; ``class_="x"`` for a class."""
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if child.tag == tag and all(child.has(name.rstrip("_"), value) for name, value in attributes.items()):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element

    def has(self, name: str, value: str) -> bool:
        said = self.attributes.get(name, "")
        return value in said.split() if name == "class" else said == value

    def rows(self) -> list[list[str]]:
        """The texts of a table's body."""
        return [[cell.text for cell in row.all("td")] for row in self.one("tbody").all("tr")]


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def drawn_by(notebook: str) -> int:
    """How many figures a notebook that ships draws, where its source can answer and there is something to see."""
    cells = nbformat.read(share.folder("notebooks") / f"{notebook}.ipynb", as_version=4).cells
    return sum(len(re.findall(r"\bshow\.figure\(", cell.source)) for cell in cells if cell.cell_type == "code")


def parse(html: str) -> Element:
    """The page; an element left open, or closed in the wrong order, fails."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    assert len(tree.open) == 1, f"<{tree.open[-1].tag}> is not closed"
    return tree.open[0]
