"""Commands on who stands on what, and on what differs: who-uses, bases, compare, diff, churn and their like."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.asked import question, question_of_words
from regviz.text import count_noun, escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from regviz.analysis.remade import ChurnGrain
    from regviz.cli.asked import Asked
    from regviz.cli.options import Command
    from regviz.registry import Registry

_WORD = click.Path(readable=False)


def _with_reference(command: Command) -> Command:
    """Take the source, which may be left out, and a reference."""

    @wraps(command)
    def with_words(words: tuple[str, ...], **given: Any) -> Any:
        if words[2:]:
            raise click.UsageError(f"Got too many arguments: {' '.join(words[2:])}")
        source = words[0] if words[1:] else None
        return command(source=source, reference=words[-1], **given)

    return click.argument("words", nargs=-1, required=True, metavar="[SOURCE] REF", type=_WORD)(with_words)


def _with_references(command: Command) -> Command:
    """Take the source, which may be left out before two references, and references."""

    @wraps(command)
    def with_words(words: tuple[str, ...], **given: Any) -> Any:
        source, references = (words[0], words[1:]) if words[2:] else (None, words)
        if not references[1:] or (source is None and os.path.lexists(words[0])):
            raise click.UsageError("A comparison takes a SOURCE and two REF or more.")
        return command(source=source, references=references, **given)

    return click.argument("words", nargs=-1, required=True, metavar="[SOURCE] REF REF...", type=_WORD)(with_words)


def _answer(asked: Asked, of: Callable[[Registry, str], pd.DataFrame], reference: str, working: str) -> None:
    registry = asked.read()
    with asked.working(working):
        answer = of(registry, reference)
    asked.show(answer, registry)
    reach = answer.attrs
    tags, repositories = (
        count_noun(reach["tags"], "tag"),
        count_noun(reach["repositories"], "repository", "repositories"),
    )
    _say(asked, f"{tags} of {repositories}, {count_noun(reach['images'], 'image')}, {format_bytes(reach['bytes'])}")
    if untagged := reach.get("untagged_images"):
        _say(asked, f"and {count_noun(untagged, 'image')} that no tag reaches")
    if reach.get("equals"):
        _say(asked, f"the same layers have: {', '.join(reach['equals'])}")


@click.command()
@_with_reference
@question_of_words
def who_uses(*, asked: Asked, reference: str) -> None:
    """Say which tags stand on something.

    REF is a layer (its chain ID, or the id of a v1 image), the digest of a blob, a diff ID, or an image: a tag
    (app:1.2), a digest. The first digits do. position: where it lies in the image's stack, 0 at the base. bytes: of the
    image's distinct blobs.
    """
    from regviz.analysis import who_uses as users_of

    _answer(asked, users_of, reference, "users")


@click.command()
@_with_reference
@question_of_words
def ancestors(*, asked: Asked, reference: str) -> None:
    """Say which images an image stands on.

    An image stands on another if that one's whole stack of layers is the beginning of its own. Only images that a tag
    reaches are named, the nearest first. added_bytes: of the layers that REF puts on top.
    """
    from regviz.analysis import ancestors as ancestors_of

    _answer(asked, ancestors_of, reference, "ancestors")


@click.command()
@_with_reference
@question_of_words
def descendants(*, asked: Asked, reference: str) -> None:
    """Say which images stand on an image.

    An image stands on another if that one's whole stack of layers is the beginning of its own. Only images that a tag
    reaches are named. added_bytes: of the layers that they put on top of REF.
    """
    from regviz.analysis import descendants as descendants_of

    _answer(asked, descendants_of, reference, "descendants")


@click.command()
@question
def bases(*, asked: Asked) -> None:
    """List the tagged bases of images.

    A base is a tagged image on whose whole stack of layers another is built. images, repositories, tags: what stands
    on it; direct_images: those whose nearest base it is. base_bytes: of its own layers; bytes: of the layers on top.
    base_layer: the layer of the base that it stands on itself.
    """
    from regviz.analysis import bases as bases_of

    registry = asked.read()
    with asked.working("bases"):
        answer = bases_of(registry)
    asked.show(answer, registry)
    _say(
        asked,
        f"{answer.attrs['images_with_base']:,} of {count_noun(answer.attrs['images'], 'tagged image')} stand on a base",
    )


@click.command()
@question
def nearest_base(*, asked: Asked) -> None:
    """Say on which tagged image each stands.

    The nearest tagged base of every image that a tag reaches: the one that has most of its layers as its whole stack.
    added_bytes: of the layers on top.
    """
    from regviz.analysis import nearest_base as base_of

    registry = asked.read()
    with asked.working("bases"):
        answer = base_of(registry)
    asked.show(answer, registry)


@click.command()
@_with_reference
@click.option("--platform", metavar="P", help="Which image of an index is meant (linux/arm64).")
@question_of_words
def steps_on_disk(*, asked: Asked, reference: str, platform: str | None) -> None:
    """Say where each step of an image lies.

    Each row is a step of the image's history, the base first: the instruction, the layer that it made, the blob that
    holds it, its bytes, and the file in SOURCE. link: by which Distribution's repository may serve the blob.
    shared_with: how many other images stand on it. Then what leads there: the tag, the manifest, the configuration.
    """
    from regviz.analysis import steps_on_disk as steps_of

    registry = asked.read()
    with asked.working("steps"):
        answer = steps_of(registry, reference, platform=platform)
    asked.show(answer, registry)
    for lead in answer.attrs["documents"]:
        _say(asked, f"{lead['what']}: {lead['key']}{' in ' + lead['path'] if lead['path'] else ''}")
    stored, shared = (format_bytes(answer.attrs[name]) for name in ("layer_bytes", "shared_bytes"))
    _say(asked, f"layers: {stored}, of which other images have {shared}")


@click.command()
@_with_references
@click.option("--platform", metavar="P", help="Which image of an index is meant (linux/arm64).")
@question_of_words
def compare(*, asked: Asked, references: tuple[str, ...], platform: str | None) -> None:
    """Compare images layer by layer.

    Each row is a layer, the base first, with its position and bytes in each image. match: by digest, by diff_id (the
    same content, compressed otherwise), by instruction (the same command, other content), or none. Then it says of each
    image how it came from the one before: rebuilt, recompressed, rebased, squashed and more.
    """
    from regviz.analysis import compare_images
    from regviz.analysis.comparison.verdict import VERDICTS

    registry = asked.read()
    with asked.working("images"):
        answer = compare_images(registry, references, platform=platform)
    asked.show(answer, registry)
    for number, image in enumerate(answer.attrs["images"], 1):
        how = image["verdict"]
        said = f": {how} ({VERDICTS[how]})" if how else ""
        size = f"{count_noun(image['layers'], 'layer')}, {format_bytes(image['layer_bytes'])}"
        _say(asked, f"{number}  {image['reference']}, {size}{said}")
    _say(asked, f"shared by all: {format_bytes(answer.attrs['shared_bytes'])}")


@click.command()
@click.argument("source", metavar="OLD", type=_WORD)
@click.argument("new", metavar="NEW", type=_WORD)
@click.option("--same", is_flag=True, help="Show what is the same, too.")
@click.option(
    "--what",
    type=click.Choice(["repository", "tag", "manifest"]),
    multiple=True,
    help="Only rows of these. [default: all]",
)
@question_of_words
def diff(*, asked: Asked, new: str, same: bool, what: tuple[str, ...]) -> None:
    """Say what differs between two registries.

    OLD and NEW are sources of any kind: a registry and its mirror, or two captures of one. A row is a repository, a tag
    or a manifest that appeared, moved or went. missing_bytes: what a sync from OLD to NEW must transfer. Names are the
    same without their host and library/.
    """
    from regviz.analysis import compare_registries

    registries = [asked.read(), asked.read(new)]
    with asked.working("differences"):
        answer = compare_registries(*registries)
    chosen = answer[answer["what"].isin(what or ["repository", "tag", "manifest"])]
    asked.show(chosen if same else chosen[chosen["change"] != "same"], registries[1])
    found = answer.attrs
    counted = [f"{number:,} {change}" for change, number in found["tag"].items() if number or change != "unknown"]
    _say(asked, f"tags: {', '.join(counted)} (by {found['basis']})")
    for one, other, name in (("NEW", "OLD", "missing"), ("OLD", "NEW", "added")):
        if found[f"{name}_bytes"] is not None:
            blobs, lacking = count_noun(found[f"{name}_blobs"], "blob"), format_bytes(found[f"{name}_bytes"])
            _say(asked, f"{one} lacks {blobs} of {other}'s tags: {lacking}")


@click.command()
@click.option(
    "--by", type=click.Choice(["group", "repository"]), default="group", show_default=True, help="What a row is."
)
@click.option(
    "--near",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.01,
    show_default=True,
    help="Part of its length by which a layer that was built again may differ.",
)
@question
def churn(*, asked: Asked, by: ChurnGrain, near: float) -> None:
    """Find layers that were made again.

    recompressed: one diff ID under several digests, which is certain. rebuilt: in one repository the same instruction
    made layers of nearly one length with other content, which is a suspicion. lost_bytes: all but the largest of a
    group; they add up without counting any byte twice. --repository chooses groups that no other repository has any of.
    """
    from regviz.analysis import churn as churn_of

    registry = asked.read()
    with asked.working("layers"):
        answer = churn_of(registry, by=by, near=near)
    asked.show(answer, registry)
    lost = answer.attrs
    _say(
        asked,
        f"lost: {format_bytes(lost['lost_bytes'])} of {format_bytes(lost['layer_bytes'])} of layers "
        f"(recompressed {format_bytes(lost['recompressed_bytes'])}, rebuilt {format_bytes(lost['rebuilt_bytes'])})",
    )


def _say(asked: Asked, line: str) -> None:
    """Tell a person what the table as a whole says; what is read by a program is the table alone."""
    if asked.format_ in (None, "table") and asked.output is None:
        click.echo(escape_terminal(line))
