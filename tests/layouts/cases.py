"""Storages that each break one rule: what is written, and the rows of `problems` that must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from regviz.problems import RULES
from regviz.read import read
from tests.helpers import Store, V1Store, found, pack, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Row = tuple[str | None, ...]
DEEP = b"[" * 1010 + b"]" * 1010
"""A value of JSON that is read, and nested more deeply than Python calls."""


@dataclass(frozen=True)
class Case:
    """One storage.

    Attributes
    ----------
    rule : str
        The rule that it breaks.
    make : callable
        Writes it into a `Store`; returns the rows of that rule: repository, manifest, blob, path, detail.
    beside : tuple of str
        Rules that cannot but be broken too.
    options : dict
        Of `read`.
    forms : tuple of str
        Forms in which it is read; an archive holds no sockets, a folder no damaged members.
    """

    rule: str
    make: Callable[[Any], list[Row]]
    beside: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    forms: tuple[str, ...] = ("folder", "tar")


class Cases(list[Case]):
    """The cases of one module, collected by decorating the functions that make them."""

    def add(
        self, rule: str, *beside: str, forms: tuple[str, ...] = ("folder", "tar"), **options: Any
    ) -> Callable[[Callable[[Any], list[Row]]], Callable[[Any], list[Row]]]:
        """Take the decorated function as the case of a rule."""

        def take(make: Callable[[Any], list[Row]]) -> Callable[[Any], list[Row]]:
            self.append(Case(rule, make, beside, options, forms))
            return make

        return take

    def with_forms(self) -> list[Any]:
        """Each case in each of its forms, for ``pytest.mark.parametrize``."""
        return [pytest.param(case, form, id=f"{case.make.__name__}-{form}") for case in self for form in case.forms]


def assert_broken(case: Case, store: Store | V1Store, form: str, folder: Path) -> None:
    """Read the storage of a case, and hold `problems` to it."""
    expected = case.make(store)
    registry = read(pack(store.root, form, folder), **case.options)
    assert set(rules_of(registry)) == {case.rule, *case.beside}
    assert [problem[1:] for problem in found(registry, case.rule)] == expected
    assert set(registry.problems["severity"]) == {RULES[rule].severity for rule in (case.rule, *case.beside)}


def row(
    *, repository: str | None = None, manifest: str | None = None, blob: str | None = None, path: str | None = None,
    detail: str | None = None,
) -> Row:  # fmt: skip
    """A row of `problems` without its rule."""
    return repository, manifest, blob, path, detail
