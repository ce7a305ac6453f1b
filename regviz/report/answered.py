"""What a page says where a source cannot answer: one sentence in the place of a figure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from regviz.errors import NotKnowableError
from regviz.report.display import sentence
from regviz.shown import Shown, show
from regviz.text import escape_html

if TYPE_CHECKING:
    from collections.abc import Iterator

_said: set[str] = set()


@contextmanager
def answered() -> Iterator[None]:
    """Show why, where what is asked within cannot be known from this source; any other error goes on.

    A reason that many answers have is explained once, and then named.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> with answered():
    ...     rv.reconcile(reg)  # read without measure=True  # doctest: +ELLIPSIS
    Not known here: the files of ...world-distribution.tar.gz were not measured: read it with measure=True (...).
    """
    try:
        yield
    except NotKnowableError as error:
        _show(sentence(f"Not known here: {error.reason if error.reason in _said else error}"))
        _said.add(error.reason or str(error))


def _show(text: str) -> None:
    show(Shown(f'<div class="rv"><p class="rv-unanswered">{escape_html(text)}</p></div>', text))
