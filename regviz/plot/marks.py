"""What the marks of a figure stand for: what a page says where one is pointed at, and what leads to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.text import count_noun, escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

_KIBI = 1024
_NAMED = 8
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of a series; the series' gid is ``marks:NAME``, and its marks are in the order of the data.

    Attributes
    ----------
    label : str
        Everything there is to say of it, whole names and exact bytes; its lines are divided by newlines.
    repositories : tuple of str
        Those it belongs to: where one of them is chosen, in any figure of the page, the mark stands out.
    words : tuple of str
        What finds it besides its label: digests, tags, instructions.
    below : tuple of (str, int)
        The marks it stands on or leads to, as series and row: the path to the root goes by them, and backwards
        they lead to all that stand on it.
    joins : bool
        It only joins others, as a ribbon does: it stands out with them, and the keyboard and the search pass it over.

    Examples
    --------
    >>> base = Mark("FROM scratch, 4,096 bytes", ("library/base",))
    >>> app = Mark("COPY app /srv, 512 bytes", ("team/app",), words=("team/app:1",), below=(("layers", 0),))
    >>> app.below
    (('layers', 0),)
    """

    label: str
    repositories: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    below: tuple[tuple[str, int], ...] = ()
    joins: bool = False


def in_lines(*parts: str) -> str:
    r"""A label of several lines, without those that say nothing; a part cannot break out of its line.

    Examples
    --------
    >>> in_lines("team/web:1.0", "", "a\nb")
    'team/web:1.0\na\\x0ab'
    """
    return "\n".join(escape_terminal(part) for part in parts if part)


def exact_bytes(count: int) -> str:
    """Bytes to the last one, and as a person reads them.

    Examples
    --------
    >>> exact_bytes(1), exact_bytes(27262976)
    ('1 byte', '27,262,976 bytes (26.0 MiB)')
    """
    said = count_noun(count, "byte")
    return f"{said} ({format_bytes(count)})" if count >= _KIBI else said


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    Examples
    --------
    >>> some(["a", "b"]), some([str(number) for number in range(12)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7 and 4 more')
    """
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def shortened(text: str) -> str:
    """A long text's beginning, and how long it is.

    Examples
    --------
    >>> shortened("RUN make"), shortened("x" * 500)[-20:]
    ('RUN make', 'xx… (500 characters)')
    """
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
