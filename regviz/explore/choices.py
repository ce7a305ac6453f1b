"""What a person chose, and the same as arguments in code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.text import is_like

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen; None and empty where nothing was.

    Attributes
    ----------
    repositories : tuple of str
        Globs or names.
    tag : str
        A regular expression.
    pushed_from, pushed_before : datetime.date, optional
    keep_last, older_than_days : int, optional
    keep : str
        A regular expression of tags that stay in any case.
    delete_by, collector : str, optional

    Examples
    --------
    >>> Choices(repositories=("team/*",), tag="^1").filters()
    {'repositories': ['team/*'], 'tag': '^1'}
    >>> Choices(keep_last=3, older_than_days=90).deletion()
    {'keep_last': 3, 'older_than': '90d'}
    """

    repositories: tuple[str, ...] = ()
    tag: str = ""
    pushed_from: dt.date | None = None
    pushed_before: dt.date | None = None
    keep_last: int | None = None
    older_than_days: int | None = None
    keep: str = ""
    delete_by: str | None = None
    collector: str | None = None

    def filters(self) -> dict[str, Any]:
        """Arguments of :func:`regviz.choose_rows`."""
        said = {
            "repositories": list(self.repositories),
            "tag": self.tag,
            "pushed_from": str(self.pushed_from or ""),
            "pushed_before": str(self.pushed_before or ""),
        }
        return {name: value for name, value in said.items() if value}

    def deletion(self) -> dict[str, Any]:
        """Arguments of :func:`regviz.what_if`, besides the tags."""
        said = {
            "keep_last": self.keep_last,
            "older_than": None if self.older_than_days is None else f"{self.older_than_days}d",
            "keep": self.keep or None,
            "delete_by": self.delete_by,
            "collector": self.collector,
        }
        return {name: value for name, value in said.items() if value is not None}


def call(function: str, *first: str, **arguments: Any) -> str:
    """A call as code.

    Examples
    --------
    >>> call("rv.sizes", "reg", by="tag")
    "rv.sizes(reg, by='tag')"
    """
    return f"{function}({', '.join([*first, *(f'{name}={value!r}' for name, value in arguments.items())])})"


def globs_of(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Globs as a person types them, divided by commas or blanks; a word that is no name finds those it is a part of.

    Examples
    --------
    >>> globs_of("team/*, node web", ["team/web", "library/nodejs", "web"])
    ('team/*', '*node*', 'web')
    """
    words = text.replace(",", " ").split()
    return tuple(
        word if _GLOB & {*word} or any(is_like(name, [word]) for name in names) else f"*{word}*" for word in words
    )
