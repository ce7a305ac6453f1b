"""site(): every notebook that ships as a page, and an index of them, in one folder that opens offline."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import regviz
from regviz import share
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.lesson import books, forms
from regviz.read import read
from regviz.registry import Registry
from regviz.report.build import report, source_name
from regviz.report.execute import read_notebook
from regviz.report.lessons import LESSON
from regviz.report.page import REPORT, markdown
from regviz.report.reading import read_for_report
from regviz.text import count_noun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

    from regviz.layouts.common import Progress

INDEX = "index.html"
_STATIC = Path(__file__).with_name("static")
_STYLES = ("output.css", "page.css", "site.css")
_FIRST = "report"
_OLDER = "world-v1.tar.gz"
_TITLE = re.compile(r"\A#\s+(.+)$", re.MULTILINE)
_SENTENCE = re.compile(r".+?[.?!](?=\s|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PICTURE = re.compile(r"<svg [^>]*class=\"regviz\".*?</svg>", re.DOTALL)
_PICTURE_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL)
_LARGEST_PICTURE = 200_000
_KIND = re.compile(rf'<p class="kind">(?:{REPORT}|{LESSON})</p>')
_BACK = f'<p class="kind"><a href="{INDEX}">All notebooks</a></p>'


@dataclass(frozen=True, slots=True)
class Entry:
    """A notebook in the index.

    Attributes
    ----------
    name : str
        Of its file, without the suffix.
    title, sentence : str
        Its heading, and what it says first, or what a lesson asks, as HTML.
    picture : str
        A figure of its page as SVG; empty where it has none.
    is_lesson : bool
    """

    name: str
    title: str
    sentence: str
    picture: str = ""
    is_lesson: bool = False


def site(
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] | Registry | None = None,
    *,
    older: str | os.PathLike[str] | Registry | None = None,
    notebooks: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Write the notebooks that ship as pages, run on a source, and an index of them.

    Parameters
    ----------
    folder : path
        It is made if it is not there; what it has under other names stays.
    source : path or Registry, optional
        As for :func:`regviz.read`.
    older : path or Registry, optional
        What the notebooks that compare two registries compare it with; left out, the small registry of 2014 that ships.
    notebooks : sequence of str, optional
        Their names; left out, all.
    progress : Progress

    Returns
    -------
    pathlib.Path
        The index.

    Raises
    ------
    RegvizError
        The source cannot be read, a notebook failed, or the folder cannot be written.

    Examples
    --------
    >>> site("pages", "/var/lib/registry")  # doctest: +SKIP
    PosixPath('pages/index.html')
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegvizError(f"the site cannot be written to {place}: {error.strerror}; give another folder") from error
    reg = source if isinstance(source, Registry) else _read(source, progress)
    before = older if older is not None else share.folder("data") / _OLDER
    found, seen = [], set[str]()
    for name in notebooks if notebooks is not None else shipped():
        notebook = read_notebook(share.folder("notebooks") / f"{name}.ipynb")
        said = introduction(name, notebook)
        path = report(
            [before, reg] if reads_two(notebook) else reg,
            place / f"{name}.html",
            notebook=name,
            title=_TAG.sub("", said.title),
            progress=progress,
        )
        html = path.read_text(encoding="utf-8")
        path.write_text(with_link_back(html), encoding="utf-8")
        said = replace(said, picture=first_picture(html, seen), is_lesson=forms.is_lesson(notebook))
        book = books.find(name[:2]) if said.is_lesson else None
        found.append(replace(said, sentence=_inline(book.question)) if book else said)
    index = place / INDEX
    index.write_text(render_index(found, reg), encoding="utf-8")
    return index


def shipped() -> list[str]:
    """Names of the notebooks that ship, the report first, the lessons last.

    Examples
    --------
    >>> shipped()[0], "sizes" in shipped()
    ('report', True)
    """
    names, lessons = (path.stem for path in share.folder("notebooks").glob("*.ipynb")), set(forms.names())
    return sorted(names, key=lambda name: (name in lessons, name != _FIRST, name))


def reads_two(notebook: NotebookNode) -> bool:
    """Whether a notebook compares two registries.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> reads_two(new_notebook(cells=[new_code_cell("old, new = rv.read_pair()")]))
    True
    """
    return any("rv.read_pair(" in cell.source for cell in notebook.cells if cell.cell_type == "code")


def introduction(name: str, notebook: NotebookNode) -> Entry:
    """A notebook's heading, and what it says it is about: in its metadata, else by its first sentence.

    Raises
    ------
    RegvizError
        It does not begin with a heading and a sentence.
    """
    first = next((str(cell.source) for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title = _TITLE.search(first)
    about = str(notebook.metadata.get("regviz", {}).get("about", "")) or first[title.end() if title else 0 :]
    sentence = _SENTENCE.search(about.strip())
    if title is None or sentence is None:
        raise RegvizError(f"{name}.ipynb must begin with a heading and a sentence, for the index has both")
    return Entry(name, _inline(title[1]), _inline(" ".join(sentence[0].split())))


def _inline(text: str) -> str:
    return markdown(text).strip().removeprefix("<p>").removesuffix("</p>")


def with_link_back(html: str) -> str:
    """A page that leads to the index.

    Raises
    ------
    RegvizError
        The page has no place for it.
    """
    if len(_KIND.findall(html)) != 1:
        raise RegvizError("this page has no place for a link to the index")
    return _KIND.sub(_BACK, html)


def first_picture(html: str, seen: set[str]) -> str:
    """For the index, the first figure of a page that no page before it showed, else its first; noted in `seen`.

    Examples
    --------
    >>> page = '<svg id="a" class="regviz"><title>A</title></svg><svg id="b" class="regviz"><title>B</title></svg>'
    >>> shown = {"A"}
    >>> first_picture(page, shown), sorted(shown)
    ('<svg id="b" class="regviz"><title>B</title></svg>', ['A', 'B'])
    """
    small = [found[0] for found in _PICTURE.finditer(html) if len(found[0]) <= _LARGEST_PICTURE]
    titled = {svg: title[1] if (title := _PICTURE_TITLE.search(svg)) else svg for svg in small}
    chosen = next((svg for svg, said in titled.items() if said not in seen), small[0] if small else "")
    if chosen:
        seen.add(titled[chosen])
    return chosen


def render_index(entries: Sequence[Entry], reg: Registry) -> str:
    """The page that leads to all others; it has no script."""
    from jinja2 import Environment, FileSystemLoader  # loaded when asked for

    template = Environment(loader=FileSystemLoader(_STATIC), autoescape=True).get_template("site.html.j2")
    return template.render(
        entries=[entry for entry in entries if not entry.is_lesson],
        lessons=[entry for entry in entries if entry.is_lesson],
        style="".join((_STATIC / name).read_text(encoding="utf-8") for name in _STYLES),
        version=regviz.__version__,
        source=source_name(reg.source.uri),
        repositories=count_noun(len(reg.repositories), "repository", "repositories"),
        tags=count_noun(len(reg.tags), "tag"),
        read=reg.source.read_at.strftime("%Y-%m-%d"),
    )


def _read(source: str | os.PathLike[str] | None, progress: Progress) -> Registry:
    from functools import partial

    path = None if source is None else os.fspath(source)
    return read_for_report(path, partial(read, path, progress=progress))
