"""Commands that ask what deletions would do: what-if, delete-together."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.asked import question
from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import RegularExpression, refuse_to_harm
from regviz.cli.output import write_lines
from regviz.cli.quantities import Age, ByteCount
from regviz.text import count_noun, escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    import pandas as pd

    from regviz.cli.asked import Asked
    from regviz.cli.options import Command
    from regviz.registry import Registry

COLLECTORS = (
    "distribution-2.8",
    "distribution-2.8-m",
    "distribution-3",
    "distribution-3-m",
    "reachability",
    "v1",
)

_STAY = {
    "undated": "stay, because nothing tells when they were pushed",
    "spared": "stay, because a tag that --keep protects needs their manifest",
    "stuck": "stay, because no request can delete them: their manifest is not there, or cannot be told",
}
_OPTIONS = (
    click.option(
        "--keep-last",
        metavar="N",
        type=click.IntRange(min=0),
        help="Of what the others choose, keep the last N of each repository, by when they were pushed.",
    ),
    click.option(
        "--older-than",
        metavar="AGE",
        type=Age(),
        help="Only tags pushed longer ago: 24h, 90d, 12w. Tags whose time is not known stay.",
    ),
    click.option(
        "--keep", metavar="REGEX", type=RegularExpression(), help="Tags in which this is found stay in any case."
    ),
    click.option(
        "--delete-by",
        type=click.Choice(["manifest", "tag"]),
        help="manifest: by digest, with all tags on it (2.8); tag: alone (3.x, v1). [default: manifest; v1: tag]",
    ),
    click.option(
        "--collector",
        type=click.Choice(COLLECTORS),
        help="Who collects afterwards; -m: with --delete-untagged. [default: distribution-2.8; v1: v1]",
    ),
)


def _question(command: Command) -> Command:
    """A question about a deletion: what chooses tags to delete, and says how, comes as `choice`."""

    @wraps(command)
    def with_choice(*, asked: Asked, **given: Any) -> Any:
        names = ("keep_last", "older_than", "keep", "delete_by", "collector")
        return command(asked=asked, choice={name: given.pop(name) for name in names}, **given)

    wrapped: Command = question(with_choice)
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _how(command: Command) -> Command:
    """What stays in any case, and how tags are deleted and garbage is collected."""
    for option in reversed(_OPTIONS[2:]):
        command = option(command)
    return command


@click.command("what-if")
@click.option(
    "--free",
    metavar="BYTES",
    type=ByteCount(),
    help="Of the tags chosen (of all, if none were), delete only a small set that frees so much: 50GB, 10GiB.",
)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False),
    help="Write the requests to send: a shell script with curl, or JSON (FILE.json). Answers for what it deletes.",
)
@_question
def what_if(*, asked: Asked, choice: dict[str, Any], free: int | None, plan_file: str | None) -> None:
    """Say what deleting tags frees and breaks.

    --repository, --exclude and --tag choose here what is deleted, not rows of the answer: tags to which all that is
    said applies go, in thought. Then garbage is collected; the answer is the difference to collecting today. Its rows:
    tags chosen, and those that go along because their manifest does; manifests, blobs and links that go; what
    breaks. Nothing is deleted.
    """
    from regviz.analysis import what_if as answer_of

    refuse_to_harm(asked.source, plan_file)
    registry = asked.read(links="check")
    choice |= {"tags": _named(asked, registry)}
    with asked.working("what if"):
        if free is not None:
            choice = _free(registry, free, choice)
        if plan_file is not None:
            choice = _plan(registry, plan_file, choice)
        answer = answer_of(registry, **choice)
    _show(asked, answer, registry)
    for line in _said(answer.attrs):
        _say(line)


@click.command("delete-together")
@click.option("--free", metavar="BYTES", type=ByteCount(), help="Stop when so much is free: 50GB (decimal), 10GiB.")
@_question
def delete_together(*, asked: Asked, choice: dict[str, Any], free: int | None) -> None:
    """Say which tags free most together.

    A layer goes only with all tags that hold it. So tags come in steps: those of one step go together, and each step is
    what then gives the most bytes for each of its tags. --repository, --exclude, --tag and the other choices say
    which tags may go; by default all. Nothing is deleted.
    """
    from regviz.analysis import delete_together as answer_of

    registry = asked.read(links="check")
    choice |= {"tags": _named(asked, registry)}
    with asked.working("delete together"):
        answer = answer_of(registry, target=free, **choice)
    _show(asked, answer, registry)
    for line in _said_together(answer.attrs):
        _say(line)


@click.command("what-if-curve")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Choice(["together", "oldest", "keep-last"]),
    help="One way to choose tags; may be given more than once. [default: all that the source can know]",
)
@_how
@question
def what_if_curve(*, asked: Asked, policies: tuple[Any, ...], **choice: Any) -> None:
    """Say what deleting more and more tags frees.

    For each policy a curve of bytes freed against tags deleted, each point as exact as what-if: together, the tags
    first that free most together; oldest, by when they were pushed; keep-last, all but the last N of each repository.
    --repository, --exclude and --tag say which tags may go; by default all. Nothing is deleted.
    """
    from regviz.analysis import what_if_curve as answer_of

    registry = asked.read(links="check")
    with asked.working("what-if curve"):
        answer = answer_of(registry, policies=policies or None, tags=_named(asked, registry), **choice)
    _show(asked, answer, registry)
    if answer.attrs["undated"]:
        _say(f"{count_noun(answer.attrs['undated'], 'tag')} {_STAY['undated']}")


def _named(asked: Asked, registry: Registry) -> pd.DataFrame | None:
    """The tags that the usual filters choose; None where none was given."""
    if not (asked.repositories or asked.excluded or asked.tag):
        return None
    return choose_rows(registry.tags, registry, repository_matcher(asked.repositories, asked.excluded), asked.tag)


def _free(registry: Registry, target: int, choice: dict[str, Any]) -> dict[str, Any]:
    """A small set of the tags chosen that frees so much, chosen by name."""
    from regviz.analysis import delete_together as together

    found = together(registry, target=target, **choice)
    for line in _said_together(found.attrs):
        _say(line)
    return {"tags": found, "keep": choice["keep"], "delete_by": choice["delete_by"], "collector": choice["collector"]}


def _plan(registry: Registry, file: str, choice: dict[str, Any]) -> dict[str, Any]:
    """Write the plan; what it deletes, chosen by name."""
    from regviz.analysis import deletion_plan, plan_json, plan_script

    plan = deletion_plan(registry, **choice)
    is_json = Path(file).suffix.lower() == ".json"
    write_lines((plan_json if is_json else plan_script)(plan).splitlines(), file)
    goes = plan[plan["action"] == "delete"]
    kept = len(plan) - len(goes)
    requests = count_noun(int(goes["step"].nunique()), "request")
    _say(
        f"{file} has {requests} to delete {count_noun(len(goes), 'tag')}"
        + (f"; {kept:,} chosen stay, and it says why" * bool(kept))
    )
    return {"tags": goes, "delete_by": choice["delete_by"], "collector": choice["collector"]}


def _show(asked: Asked, answer: pd.DataFrame, registry: Registry) -> None:
    """The whole answer: what chose tags to delete chooses no rows."""
    replace(asked, repositories=(), excluded=(), tag=None).show(answer, registry)


def _say(line: str) -> None:
    click.echo(f"regviz: {escape_terminal(line)}", err=True)


def _said(found: dict[Hashable, Any]) -> Iterator[str]:
    """What a person asked for, in words."""
    freed, today = (format_bytes(found[name]) for name in ("freed_bytes", "collected_today_bytes"))
    along = f" ({found['also_removes']:,} along with their manifest)" if found["also_removes"] else ""
    yield (
        f"{count_noun(found['tags'], 'tag')} deleted{along}: collecting ({found['collector']}) then frees {freed} "
        f"({found['freed_bytes']:,} bytes) beyond the {today} that it would free today"
    )
    if found["abort"]:
        yield f"but the collector would stop, and free nothing: {found['abort']}"
    if found["manifests_lost"]:
        manifests, images = count_noun(found["manifests_lost"], "manifest"), count_noun(found["images_lost"], "image")
        yield f"{manifests} can be pulled no more, {images} among them"
    if found["indexes_broken"]:
        yield f"{count_noun(found['indexes_broken'], 'manifest')} that stay would break: see the rows broken"
    if found["uncertain_bytes"]:
        uncertain = format_bytes(found["uncertain_bytes"])
        yield f"{uncertain} more are not counted: they may belong to a push under way, or not all could be read"
    for name, why in _STAY.items():
        if found[name]:
            yield f"{count_noun(found[name], 'tag')} {why}"


def _said_together(found: dict[Hashable, Any]) -> Iterator[str]:
    if not found["reached"]:
        target, freeable = format_bytes(found["target"]), format_bytes(found["freeable_bytes"])
        yield f"{target} cannot be freed: all tags that may go free {freeable}"
    free = "frees" if found["tags"] == 1 else "free"
    freed = f"{count_noun(found['tags'], 'tag')} {free} {format_bytes(found['freed_bytes'])} ({found['collector']})"
    if found["target"] is None:
        yield freed
    else:
        bound = "no fewer can" if found["exact"] else f"fewer than {found['at_least']:,} cannot"
        yield f"{freed}; {bound}"
    if found["abort"]:
        yield f"but the collector would stop, and free nothing: {found['abort']}"
