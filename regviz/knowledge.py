"""What each kind of source can know: columns, and answers. ``knowledge.toml`` says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from regviz.schema import TABLES

EVIDENT = ("problems",)
"""Tables that every source can have: what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source.

    Attributes
    ----------
    layout : str
        As :class:`regviz.source.Source` has it.
    what : str
        What it is, for a person.
    unknown : frozenset of str
        Columns (``table.column``) that are NA whatever lies there.
    only_folders : frozenset of str
        Columns that are NA where it is no folder.
    refuses : tuple of str
        Answers that raise :class:`regviz.errors.NotKnowableError`.
    as_its_source : bool
        It knows what that knew which it was made from.
    """

    layout: str
    what: str
    unknown: frozenset[str]
    only_folders: frozenset[str]
    refuses: tuple[str, ...]
    as_its_source: bool


@cache
def kinds() -> dict[str, Kind]:
    """Every kind of source, by its name: its layout, or for a listing of one ``listing-`` and that.

    Examples
    --------
    >>> "tags.pushed_at" in kinds()["registry-v2"].unknown, "tree" in kinds()["registry-v2"].refuses
    (True, True)
    """
    said = _said()
    only_folders = frozenset(said["only_folders"])
    return {
        name: Kind(
            kind.get("layout", name),
            kind["what"],
            unknown := frozenset(column for pattern in kind["unknown"] for column in _columns(pattern)),
            frozenset() if kind.get("as_its_source") else only_folders - unknown,
            tuple(kind.get("refuses", ())),
            kind.get("as_its_source", False),
        )
        for name, kind in said["kinds"].items()
    }


def answers() -> dict[str, str]:
    """How answers are asked for, and their names in :attr:`Kind.refuses`."""
    return dict(_said()["answers"])


@cache
def _said() -> dict[str, Any]:
    with (Path(__file__).parent / "knowledge.toml").open("rb") as file:
        return tomllib.load(file)


def _columns(pattern: str) -> list[str]:
    table, _, column = pattern.partition(".")
    return [f"{table}.{each.name}" for each in TABLES[table].columns if column in ("*", each.name)]
