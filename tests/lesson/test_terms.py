"""The glossary: each term defined once, in order, with its source; and found by each of its words."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest

from regviz import lesson, share
from regviz.errors import RegvizError
from regviz.lesson.terms import FILE, find, terms, words


def test_terms_stand_in_the_order_of_the_alphabet() -> None:
    """Where each new one has its place, two that are added at once seldom meet."""
    with (share.folder("data") / FILE).open("rb") as file:
        names = list(tomllib.load(file))
    assert names == sorted(names, key=str.lower)
    assert names == list(terms())


def test_no_word_means_two_things() -> None:
    counted = Counter(words(word) for term in terms().values() for word in (term.term, *term.aliases))
    assert [word for word, count in counted.items() if count > 1] == []
    for word in counted:
        assert find(word) is not None
        assert find(f"{word}s") is not None


@pytest.mark.parametrize("name", terms())
def test_a_term_has_a_definition_and_says_where_it_is_from(name: str) -> None:
    term = terms()[name]
    assert term.definition.endswith(".")
    assert 1 <= term.definition.count(". ") + 1 <= 3
    assert len(term.definition) <= 240
    assert term.source
    assert term.source.count('"') % 2 == 0
    assert [other for other in term.see if other not in terms()] == []
    assert term.term not in term.see


def test_a_term_is_looked_up_as_people_write_it() -> None:
    assert lesson.term("Image  IDs").term == "image ID"
    assert lesson.term("repositories").term == "repository"
    shown = lesson.term("diff ID")
    assert str(shown).startswith("diff ID: The digest of a layer's uncompressed tar.")
    assert "<b>diff ID</b>: The digest of a layer" in shown._repr_html_()


def test_a_term_that_is_not_there_is_said_with_its_neighbours() -> None:
    with pytest.raises(RegvizError, match=r"no 'digset'; it has digest.*lesson\.glossary\(\) lists all"):
        lesson.term("digset")
    with pytest.raises(RegvizError, match=r"no 'xyzzy'; lesson"):
        lesson.term("xyzzy")


def test_the_glossary_is_a_table() -> None:
    table = lesson.glossary()
    assert list(table["term"]) == list(terms())
    assert table.loc[table["term"] == "index", "aliases"].item().split(", ")[0] == "indexes"
