"""Commands that say whose bytes they are, beside ``sizes``: composition, reconcile, sharing and more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from regviz.cli.asked import question
from regviz.cli.choose import repository_matcher

if TYPE_CHECKING:
    from regviz.analysis.members import Grain
    from regviz.cli.asked import Asked
    from regviz.cli.choose import Matches
    from regviz.cli.options import Command

GRAINS = ("repository", "tag", "namespace", "manifest", "layer", "platform")


def _by(what: str) -> Command:
    return click.option("--by", type=click.Choice(GRAINS), default="repository", show_default=True, help=what)


@click.command()
@question
def reconcile(*, asked: Asked) -> None:
    """Add up from tags to the disk.

    From the sum of the tags' sizes, less what they share, over what no tag reaches, links and all other files, to what
    du says: every step with its bytes, how many rows it stands for, and where they are listed. Every file is looked at.
    """
    from regviz.analysis import reconcile as reconciled

    registry = asked.read(measure=True)
    with asked.working("reconcile"):
        answer = reconciled(registry)
    asked.show(answer, registry)


@click.command()
@click.option(
    "--parts", type=click.IntRange(min=1), default=2400, show_default=True, help="Most rows; small parts share one."
)
@question
def composition(*, asked: Asked, parts: int) -> None:
    """Divide bytes by repository and tag.

    What tags reach, by namespace, repository, tag and blob: each blob counts once, divided in whole bytes among the
    tags that reach it, so that the rows add up to what is stored. The largest parts are divided further; what is small
    shares a row with its neighbours.
    """
    from regviz.analysis import composition as composed

    registry = asked.read()
    with asked.working("composition"):
        answer = composed(registry, parts=parts)
    asked.show(answer, registry)


@click.command()
@_by("What shares.")
@click.option("--least", type=click.IntRange(min=0), default=0, metavar="BYTES", help="Leave out what shares less.")
@question
def sharing(*, asked: Asked, by: Grain, least: int) -> None:
    """Say who shares bytes with whom.

    A row is a pair: how many blobs both reach, their bytes, and what part that is of what either reaches (Jaccard
    index, of blobs and of bytes). Layers that change nothing do not count. --repository and --tag choose pairs of which
    one side fits.
    """
    from regviz.analysis import sharing as sharing_of

    registry = asked.read()
    with asked.working("pairs"):
        answer = sharing_of(registry, by=by, least_bytes=least)
    for column, matches in _wanted(asked):
        sides = [name for name in (column, f"other_{column}") if name in answer.columns]
        if not sides:
            raise click.UsageError(f"--{column} cannot choose here: a row belongs to no {column}.")
        answer = answer[[any(map(matches, names)) for names in answer[sides].itertuples(index=False, name=None)]]
    _without_choice(asked).show(answer, registry)


@click.command()
@_by("What owns.")
@question
def owner_sets(*, asked: Asked, by: Grain) -> None:
    """Say which sets of owners own how much.

    A row is an exact set: its blobs are reached by all of these and by nothing else, so its bytes are freed when all
    of them are deleted, and not before. --repository chooses sets that a fitting one belongs to.
    """
    from regviz.analysis import owner_sets as sets_of

    registry = asked.read()
    with asked.working("owners"):
        answer = sets_of(registry, by=by)
    for column, matches in _wanted(asked):
        if by == "tag":
            of_name = (lambda name: name.rpartition(":")[0]) if column == "repository" else _tag
        elif column == by:
            of_name = str
        else:
            raise click.UsageError(f"--{column} cannot choose here: an owner is no {column}.")
        answer = answer[[any(matches(of_name(name)) for name in names) for names in answer["owners"]]]
    _without_choice(asked).show(answer, registry)


@click.command()
@_by("What is grouped.")
@click.option(
    "--similarity",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Part of the bytes of either that a pair must share.",
)
@question
def clusters(*, asked: Asked, by: Grain, similarity: float) -> None:
    """Group what shares most of its bytes.

    Repositories of one cluster are connected by pairs that share at least half of what either reaches, or what
    --similarity says. cluster_bytes: what they take together.
    """
    from regviz.analysis import clusters as clusters_of

    registry = asked.read()
    with asked.working("clusters"):
        answer = clusters_of(registry, by=by, similarity=similarity)
    asked.show(answer, registry)


def _tag(name: str) -> str:
    return name.rpartition(":")[2]


def _wanted(asked: Asked) -> list[tuple[str, Matches]]:
    """Which columns were asked to fit, and how."""
    found: list[tuple[str, Matches]] = []
    matches = repository_matcher(asked.repositories, asked.excluded)
    if matches is not None:
        found.append(("repository", matches))
    pattern = asked.tag
    if pattern is not None:
        found.append(("tag", lambda name: bool(pattern.search(name))))
    return found


def _without_choice(asked: Asked) -> Asked:
    """The same question where the rows are chosen already."""
    return replace(asked, repositories=(), excluded=(), tag=None)
