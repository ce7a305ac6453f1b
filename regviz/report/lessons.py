"""What the page of a lesson has beside a report's: its terms, explained where they stand and listed at the end."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from regviz.lesson.terms import find, terms
from regviz.text import count_noun, escape_html

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from regviz.lesson.terms import Term

LESSON, LESSONS = "Lesson", "Lessons"
"""What stands above the heading of a lesson's page, and of pages about all."""

_STEM = 4
_BOLD = re.compile(r"<strong>(.*?)</strong>", re.DOTALL)
_HEADING = re.compile(r"(<h\d\b.*?</h\d>)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_NO_WORD = re.compile(r"\W+")


def with_terms(prose: Sequence[str]) -> tuple[list[str], str]:
    """Prose whose bold terms say what they mean and lead to the list of them, and that list.

    Parameters
    ----------
    prose : sequence of str
        HTML.

    Returns
    -------
    tuple of (list of str, str)
        The list is empty where there is no term.

    Examples
    --------
    >>> [html], words = with_terms(["<p>Its <strong>digests</strong>.</p>"])
    >>> html[:62]
    '<p>Its <strong><a class="term" href="#term-digest" title="The '
    >>> '<dt id="term-digest">digest</dt>' in words
    True
    """
    met: dict[str, Term] = {}

    def linked(bold: re.Match[str]) -> str:
        term = find(unescape(_TAG.sub("", bold[1])))
        if term is None:
            return bold[0]
        met[term.term] = term
        link = f'<a class="term" href="#{_id(term.term)}" title="{escape_html(term.definition)}">{bold[1]}</a>'
        return f"<strong>{link}</strong>"

    made = []
    for html in prose:
        parts = _HEADING.split(html)  # headings are at the odd places
        made.append("".join(part if at % 2 else _BOLD.sub(linked, part) for at, part in enumerate(parts)))
    if not met:
        return made, ""
    heading = '<h2 id="words-of-this-lesson">Words of this lesson</h2>'
    return made, heading + term_list(sorted(met.values(), key=lambda term: term.term.lower()))


def term_list(terms_: Iterable[Term]) -> str:
    r"""Terms with their definitions, and where those are from, as HTML.

    Examples
    --------
    >>> from regviz.lesson.terms import Term
    >>> print(term_list([Term("tag", "A name.", "A <spec>")]).replace("><", ">\n<"))
    <div class="rv">
    <dl class="rv-terms">
    <dt id="term-tag">tag</dt>
    <dd>A name. <span class="source">(A &lt;spec&gt;)</span>
    </dd>
    </dl>
    </div>
    """
    listed = {term.term: term for term in terms_}
    rows = "".join(
        f'<dt id="{_id(term.term)}">{escape_html(term.term)}</dt><dd>{escape_html(term.definition)}'
        f'{_also(term)}{_see(term, listed)} <span class="source">({escape_html(term.source)})</span></dd>'
        for term in listed.values()
    )
    return f'<div class="rv"><dl class="rv-terms">{rows}</dl></div>'


def _also(term: Term) -> str:
    """Other words for it; forms of the same word go without saying."""
    stem = term.term[:_STEM].lower()
    others = [alias for alias in term.aliases if not alias.lower().startswith(stem)]
    return f" Also called {escape_html(' or '.join(others))}." if others else ""


def _see(term: Term, listed: Mapping[str, Term]) -> str:
    """Related terms that are on the same page."""
    links = [f'<a href="#{_id(name)}">{escape_html(name)}</a>' for name in term.see if name in listed]
    return f" See {', '.join(links)}." if links else ""


def _id(name: str) -> str:
    return f"term-{_NO_WORD.sub('-', name.lower()).strip('-')}"


def glossary_page() -> str:
    """All terms as one page that asks the network for nothing."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    from regviz.report.page import render

    words = terms().values()
    lead = f"The {len(words)} terms of the lessons, each with where its definition is from."
    text = f"# Glossary\n\n{lead}\n\n{term_list(words)}"
    return render(new_notebook(cells=[new_markdown_cell(text)]), title="Glossary", kind=LESSONS)


def class_page(rows: pd.DataFrame, drawn: Axes) -> str:
    """What a class guessed and answered, as one page that asks the network for nothing.

    Parameters
    ----------
    rows : pandas.DataFrame
        As :func:`regviz.lesson.answers` gives it.
    drawn : matplotlib.axes.Axes
        As :func:`regviz.plot.guesses` draws them.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from regviz.lesson.collecting import CHECKED, PREDICTED, collect
    from regviz.report.display import figure, table
    from regviz.report.page import render

    summed = collect(rows)
    guesses, checks = (summed[summed["kind"] == kind] for kind in ("prediction", "check"))
    parts = (
        ("Guesses", "rv.plot.guesses(lesson.answers(files))", figure(drawn, table=guesses[list(PREDICTED)])),
        ("Answers", "lesson.collect(files)", table(checks[list(CHECKED)], caption="Checks")),
    )
    files = count_noun(rows.attrs["files"], "file")
    cells = [new_markdown_cell(f"# What the class guessed\n\nFrom {files} of lesson.export.")]
    for heading, code, shown in parts:
        output = new_output("display_data", data={"text/html": shown.html})
        cells += [new_markdown_cell(f"## {heading}"), new_code_cell(code, outputs=[output])]
    return render(new_notebook(cells=cells), title="What the class guessed", kind=LESSONS)
