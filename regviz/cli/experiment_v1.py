"""The command ``regviz experiment v1-push``: a push as it was in 2014."""

from __future__ import annotations

import shlex
import time

import click

from regviz.text import count_noun, escape_terminal


@click.command("v1-push")
@click.argument("image", metavar="IMAGE", type=click.Path(readable=False))
@click.argument("target", metavar="TARGET", type=click.Path(readable=False))
@click.option("--repository", metavar="NAME", help="What to call it. [default: its own name, without the host]")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag to push; may be repeated. [default: all]")
@click.option(
    "--server",
    type=click.Choice(["0.9.1", "0.6.6", "0.6.5"]),
    default="0.9.1",
    show_default=True,
    help="As which server a folder looks, and as which docker a server is spoken to; 0.6.6 is the article's.",
)
@click.option(
    "--pause",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    default=0,
    help="Wait after each file or request, so that it can be watched.",
)
def v1_push(
    image: str, target: str, *, repository: str | None, tags: tuple[str, ...], server: str, pause: float
) -> None:
    """Push an image of today to a registry of 2014.

    IMAGE is an archive of docker save, of any age, or docker-daemon:NAME, an image of the engine. TARGET is the URL of
    a v1 registry, http(s)://[USER:PASSWORD@]HOST[:PORT]; or a folder, empty or not there yet, in which the storage
    grows that such a registry leaves. What is there already is not sent again.
    """
    from regviz.experiment.v1 import v1_push as push

    def say(line: str) -> None:
        click.echo(escape_terminal(line))
        time.sleep(pause)

    pushed = push(image, target, repository=repository, tags=tags or None, server=server, say=say)
    sent = int(pushed["sent"].sum())
    there = len(pushed) - sent
    size = int(pushed["layer_bytes"].sum())
    click.echo(
        f"\n{count_noun(sent, 'image')} with {count_noun(size, 'byte')} of layers sent, {there:,} {_were(there)} there."
    )
    if "://" not in target:
        click.echo(f"Look at it:\n\n    regviz tree {shlex.quote(escape_terminal(target))}")


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
