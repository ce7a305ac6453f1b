"""Lesson 09: the learner's own registry. The truth is what it says; without one, the small world stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.lesson.book import Book

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from regviz.analysis.members import Grain
    from regviz.registry import Registry

_given: list[Registry] = []

book = Book(
    "09",
    title="Your own registry",
    question="How many of the bytes that your registry stores would come back if the tags went that nobody misses?",
    minutes=40,
    archives=("world-distribution",),
    objectives=(
        "read your own registry, from its storage, its address or an engine, and know what that cannot tell",
        "say which tags cost most, and which of them cost nothing",
        "say what a deletion frees and breaks, and who else would notice",
        "write down a decision that somebody else can check",
    ),
    prerequisites=("lesson 05: what deletion and garbage collection do", "lesson 06: the sizes of a tag"),
)


def use(reg: Registry) -> None:
    """Judge answers by this registry from now on.

    Examples
    --------
    >>> import regviz as rv
    >>> use(rv.read())
    >>> book.checks["09.3"].truth
    'team/web:2.0-zstd'
    """
    _given[:] = [reg]
    for asked in (*book.checks.values(), *book.predictions.values()):
        asked.__dict__.pop("truth", None)
    for check in book.checks.values():
        for mistake in check.mistakes:
            mistake.__dict__.pop("value", None)


def _own() -> Registry:
    from regviz.read import read

    if not _given:
        _given.append(read())
    return _given[0]


def _sizes(by: Grain = "tag") -> pd.DataFrame:
    from regviz.analysis import sizes

    return sizes(_own(), by=by)


def _name(row: pd.Series) -> str:
    return f"{row['repository']}:{row['tag']}"


@book.prediction("09.a", asks="How many bytes do all your tags need together, each blob once?", unit="bytes")
def needed() -> int:
    return int(_sizes().attrs["tagged_bytes"])


@book.check("09.1", asks="The sum of the tags' sizes is how many times what they need together?")
def ratio() -> float:
    table = _sizes()
    return float(table["unique_bytes"].sum() / table.attrs["tagged_bytes"])


@ratio.mistake("That is the sum of the repositories. Tags of one repository share blobs as well: add up the tags.")
def of_repositories() -> float:
    table = _sizes("repository")
    return float(table["unique_bytes"].sum() / table.attrs["tagged_bytes"])


@ratio.mistake("Turn the fraction round: the sum of the sizes by what is needed.")
def upside_down() -> float:
    return 1 / float(ratio())


@book.check(
    "09.2",
    asks="How many tags have not one byte of their own?",
    unit="tags",
    why="Deleting any one of them alone frees nothing.",
)
def without_own() -> int:
    return int((_sizes()["exclusive_bytes"] == 0).sum())


@without_own.mistake(
    "You left out the first of each group: where two tags name one manifest, neither has a byte of its own."
)
def but_one() -> int:
    tags = _own().tags
    return int(len(tags) - tags["manifest"].nunique())


@without_own.mistake("Those are the tags that share something. Asked are those that have nothing else.")
def that_share() -> int:
    return int((_sizes()["shared_bytes"] > 0).sum())


@book.check(
    "09.3",
    asks="Which tag gives most bytes back if it alone goes? Write it as repository:tag.",
    why="It is the one with the most exclusive bytes, and seldom the largest.",
)
def most_alone() -> str:
    return _name(_sizes().nlargest(1, "exclusive_bytes").iloc[0])


@most_alone.mistake("That is the largest tag. Most of its bytes others need too, and so they stay.")
def the_largest() -> str:
    return _name(_sizes().nlargest(1, "unique_bytes").iloc[0])


def _most_sharing() -> pd.Series:
    """The repository that has most bytes to itself: sizes has it first."""
    return _sizes("repository").iloc[0]


@book.check(
    "09.4",
    asks="How many bytes need only the tags of the repository that is named above?",
    unit="bytes",
    why="They come back when all of its tags go, and not before.",
)
def of_one_repository() -> int:
    from regviz.analysis import owner_sets

    name, sets = str(_most_sharing()["repository"]), owner_sets(_own())
    return int(sets.loc[[owners == (name,) for owners in sets["owners"]], "bytes"].sum())


@of_one_repository.mistake(
    "You added up what each of its tags has alone. What two of its tags share, and nobody else, comes back as well."
)
def added_tags() -> int:
    table = _sizes()
    return int(table.loc[table["repository"] == _most_sharing()["repository"], "exclusive_bytes"].sum())


@of_one_repository.mistake("That is all that its tags need. Other repositories need some of it too, and that stays.")
def all_of_it() -> int:
    return int(_most_sharing()["unique_bytes"])


@of_one_repository.mistake("That is its part of the bill. What it shares stays as long as anybody else needs it.")
def its_part() -> int:
    return int(_most_sharing()["amortised_bytes"])


@book.prediction("09.b", asks="How many bytes lie in your registry that no tag needs?", unit="bytes")
def unneeded() -> int:
    from regviz.analysis import states

    table = states(_own()).set_index("state")["bytes"]
    return int(table.loc[["untagged", "unreferenced"]].sum())


@book.prediction("09.c", asks="How many bytes come back if the tags that you chose go?", unit="bytes")
def chosen() -> int:
    """Of the choice that the notebook makes where nobody changed it: the three tags with most bytes to themselves."""
    return _come_back(_name(row) for _, row in _sizes().head(3).iterrows())


def _come_back(tags: Iterable[str]) -> int:
    """Bytes of the blobs that only these tags need."""
    from regviz.analysis import owner_sets

    going, sets = set(tags), owner_sets(_own(), by="tag")
    return int(sets.loc[[going.issuperset(owners) for owners in sets["owners"]], "bytes"].sum())


@book.prediction("09.d", asks="How many bytes come back if of each repository only the newest tag stays?", unit="bytes")
def newest_alone() -> int:
    from regviz.analysis import what_if

    return int(what_if(_own(), keep_last=1).attrs["freed_bytes"])
