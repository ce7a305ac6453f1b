"""The glossary: the field's terms, each defined once, with where the definition comes from."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError
from regviz.shown import Shown
from regviz.text import escape_html

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

FILE = "glossary.toml"


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the field.

    Attributes
    ----------
    term : str
    definition : str
        One or two sentences.
    source : str
        Where that is said: a specification with its section, or a program with its file.
    aliases : tuple of str
        Other words for it, and its plural where that is not formed by an s.
    see : tuple of str
        Related terms.
    """

    term: str
    definition: str
    source: str
    aliases: tuple[str, ...] = ()
    see: tuple[str, ...] = ()

    def __repr__(self) -> str:
        also = f" Also: {', '.join(self.aliases)}." if self.aliases else ""
        see = f" See {', '.join(self.see)}." if self.see else ""
        return f"{self.term}: {self.definition}{also}{see} ({self.source})"

    def _repr_html_(self) -> str:
        text = repr(self)
        rest = escape_html(text.removeprefix(self.term))
        return Shown(f'<div class="rv"><p><b>{escape_html(self.term)}</b>{rest}</p></div>', text)._repr_html_()


@cache
def terms() -> Mapping[str, Term]:
    """Every term, in the order of the alphabet.

    Examples
    --------
    >>> "digest" in terms()
    True
    """
    with (share.folder("data") / FILE).open("rb") as file:
        entries = tomllib.load(file)
    made = {
        name: Term(
            name,
            " ".join(entry["definition"].split()),
            entry["source"],
            tuple(entry.get("aliases", ())),
            tuple(entry.get("see", ())),
        )
        for name, entry in entries.items()
    }
    return MappingProxyType(dict(sorted(made.items(), key=lambda item: item[0].lower())))


def words(name: str) -> str:
    """A word as the glossary looks it up.

    Examples
    --------
    >>> words(" Image  IDs")
    'image ids'
    """
    return " ".join(name.split()).casefold()


@cache
def _by_word() -> Mapping[str, Term]:
    """Terms by themselves, by their aliases, and with an s."""
    found: dict[str, Term] = {}
    for each in terms().values():
        for name in (each.term, *each.aliases):
            found.setdefault(words(name), each)
            found.setdefault(words(f"{name}s"), each)
    return MappingProxyType(found)


def find(name: str) -> Term | None:
    """The entry of a word, in singular or plural, or None.

    Examples
    --------
    >>> find("Digests").term
    'digest'
    """
    return _by_word().get(words(name))


def term(name: str) -> Term:
    """What a term means.

    Raises
    ------
    RegvizError
        The glossary has no such term; the message lists those that are near.

    Examples
    --------
    >>> term("digests").term
    'digest'
    """
    import difflib

    found = find(name)
    if found is None:
        near = difflib.get_close_matches(words(name), _by_word(), n=3)
        known = ", ".join(dict.fromkeys(_by_word()[each].term for each in near))
        raise RegvizError(
            f"the glossary has no {name!r}{f'; it has {known}' if known else ''}; lesson.glossary() lists all terms"
        )
    return found


def glossary() -> pd.DataFrame:
    """All terms, as a table.

    Examples
    --------
    >>> list(glossary().columns)
    ['term', 'definition', 'source', 'aliases', 'see']
    """
    import pandas as pd

    rows = [
        (each.term, each.definition, each.source, ", ".join(each.aliases), ", ".join(each.see))
        for each in terms().values()
    ]
    return pd.DataFrame(rows, columns=["term", "definition", "source", "aliases", "see"], dtype="str")
