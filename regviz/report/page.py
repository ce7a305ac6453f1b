"""An executed notebook as one HTML page that opens offline."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regviz
from regviz.report.lessons import LESSON, with_terms

if TYPE_CHECKING:
    from nbformat import NotebookNode

_STATIC = Path(__file__).with_name("static")
_SCRIPTS = ("page.js", "explore.js", "link.js")
_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_NO_WORD = re.compile(r"\W+")
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_NOTEBOOK_ONLY = "notebook-only"
_SCROLL = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
_FRAME = "<div>\n<style scoped>"
REPORT = "Registry report"
"""What stands above the heading of a page."""


def render(notebook: NotebookNode, *, title: str, kind: str = REPORT) -> str:
    """The page.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs. A cell tagged ``notebook-only`` is left out.
    title : str
        The title of the page, and its heading unless the notebook has one.
    kind : str
        What it is, above its heading. The page of a lesson shows its code, and explains its terms.

    Notes
    -----
    The page's Content Security Policy [1]_ lets nothing be loaded and no script run but the page's own, which
    it names by its hash. Styles stay open, because figures carry some in attributes.

    References
    ----------
    .. [1] W3C, Content Security Policy Level 3.
    """
    from jinja2 import FileSystemLoader  # loaded when asked for
    from nbconvert.exporters import TemplateExporter
    from nbformat import NotebookNode
    from nbformat.v4 import new_markdown_cell

    shown = [cell for cell in notebook.cells if _NOTEBOOK_ONLY not in cell.metadata.get("tags", [])]
    prose = [markdown(cell.source) if cell.cell_type == "markdown" else "" for cell in shown]
    if kind == LESSON:
        prose, words = with_terms(prose)
        shown += [new_markdown_cell("")] if words else []
        prose += [words] if words else []
    script, style = "".join(map(_asset, _SCRIPTS)), _asset("output.css") + _asset("page.css")
    page = {
        "title": f"{title} · regviz",
        "kind": kind,
        "is_lesson": kind == LESSON,
        "heading": "" if any("<h1 " in html for html in prose) else title,
        "prose": prose,
        "contents": [found for html in prose for found in _HEADING.findall(html)],
        "first_section": next((at for at, html in enumerate(prose) if "<h2 " in html), None),
        "style": style,
        "script": script,
        "policy": _policy(script),
        "version": regviz.__version__,
    }
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        extra_loaders=[FileSystemLoader(_STATIC)],
        template_file="page.html.j2",
        filters={"markdown": markdown, "highlight": highlight, "scrolling": scrolling},
    )
    exporter.environment.globals["page"] = page
    rendered, _ = exporter.from_notebook_node(NotebookNode(notebook | {"cells": shown}))
    return str(rendered)


def _asset(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def markdown(source: str) -> str:
    r"""Markdown as HTML, with an ``id`` on each heading.

    Examples
    --------
    >>> markdown("## Who shares *what*?")
    '<h2 id="who-shares-what">Who shares <em>what</em>?</h2>\n'
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Headings without the links that nbconvert puts beside them."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            words = _NO_WORD.sub("-", unescape(_TAG.sub("", text)).lower()).strip("-")
            return f'<h{level} id="{words}">{text}</h{level}>\n'

    html = str(MarkdownWithMath(renderer=Renderer(escape=False)).render(source))
    return _TABLE.sub(rf"{_SCROLL}\g<0></div>", _focusable(html))


def scrolling(html: str) -> str:
    r"""What an output shows; a table of pandas, which may be too wide for a page, in a place that scrolls.

    Examples
    --------
    >>> scrolling('<div>\n<style scoped>a {}</style><table class="dataframe"></table></div>')
    '<div class="scroll" role="group" aria-label="Table" tabindex="0">\n<style scoped>a {}</style><table ...
    """
    return html.replace(_FRAME, f"{_SCROLL}\n<style scoped>")


def highlight(source: str) -> str:
    r"""Python as HTML, its parts marked by Pygments' classes.

    Examples
    --------
    >>> highlight("x = 1")
    '<div class=" highlight hl-python"><pre tabindex="0">...<span class="mi">1</span>\n</pre></div>\n'
    """
    from nbconvert.filters.highlight import Highlight2HTML

    marked = Highlight2HTML(pygments_lexer="python")(source)  # type: ignore[no-untyped-call]
    return _focusable(str(marked))


def _focusable(html: str) -> str:
    """The same, where the keyboard reaches what may scroll."""
    return html.replace("<pre>", '<pre tabindex="0">')
