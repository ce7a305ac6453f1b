"""The commands ``regviz experiment …``: the article, done on an engine, step by step."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.experiment_v1 import v1_push
from regviz.cli.options import format_option, output_option
from regviz.cli.output import terminal_width, write_lines, write_table
from regviz.cli.progress import progress_bars, working
from regviz.errors import AccessDeniedError, UnreachableError
from regviz.experiment.plan import PLAN, STEPS, Plan, plan_of
from regviz.text import escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.cli.options import TableFormat
    from regviz.experiment import Experiment, Step

_MADE_OF = (
    click.option("--engine", metavar="URL|CONTEXT", help="The engine. [default: the one that docker itself would use]"),
    click.option(
        "--registry-image",
        metavar="IMAGE",
        default="registry:2",
        show_default=True,
        help="The registry: an image that is configured as Distribution's own.",
    ),
    click.option(
        "--base",
        metavar="IMAGE",
        default="busybox",
        show_default=True,
        help="What the images are built on: one with a shell, cp and find.",
    ),
    click.option(
        "--dockerfile",
        metavar="FILE",
        type=click.Path(),
        help="Build this, with the files beside it, in the place of the article's image.",
    ),
)
_OPTIONS = (
    *_MADE_OF,
    click.option(
        "--name", default="regviz", show_default=True, help="Of the experiment: several can be on one engine."
    ),
    click.option("--port", type=click.IntRange(1, 65535), help="Of the registry. [default: any that is free]"),
    click.option("--network", metavar="NAME", help="Of the registry, such as host. [default: the engine's usual one]"),
    click.option(
        "--listen",
        metavar="ADDRESS",
        default="127.0.0.1",
        show_default=True,
        help="Where the registry listens; 0.0.0.0 lets other hosts pull, and whoever reaches the port push.",
    ),
    click.option(
        "--images",
        metavar="FILE",
        type=click.Path(),
        help="Take images that the engine lacks from this archive, of regviz experiment bundle, and pull none.",
    ),
)
_STEP_NAMES = tuple(name.replace("_", "-") for name in STEPS)
_WIDTH = 100
_ELSEWHERE = ("pull", "run")
_HOST = click.option(
    "--host", metavar="URL|CONTEXT", help="The other host's engine, such as ssh://USER@HOST. [default: the same engine]"
)


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that works on an experiment; it takes `experiment`, made when it is asked for."""

    @functools.wraps(command)
    def called(**given: Any) -> None:
        names = ("name", "registry_image", "base", "dockerfile", "port", "network", "listen", "images")
        options = {name: given.pop(name) for name in names}
        engine = given.pop("engine")

        def make() -> Experiment:
            from regviz.experiment import Experiment

            made = Experiment(engine, **options)
            click.get_current_context().call_on_close(made.close)
            return made

        command(make=make, **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def _made_of(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which images the experiment is made of, and on which engine."""
    for option in reversed(_MADE_OF):
        command = option(command)
    return command


class Steps(click.Group):
    """The commands in the order of the experiment."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, as they were added."""
        del ctx
        return list(self.commands)


@click.group(cls=Steps)
def experiment() -> None:
    """Do the article on your own engine.

    A data volume, a registry on it, an image that is built, tagged, pushed, looked at, overwritten, deleted, collected
    and pulled: each step says what one typed in 2014, what one types today, and what it changed on disk. Whatever is
    made has the label org.regviz.experiment, and `regviz experiment clean` removes it.
    """


@experiment.command("run")
@click.option(
    "--until", type=click.Choice(_STEP_NAMES), default=_STEP_NAMES[-1], show_default=True, help="The last step to do."
)
@click.option("--recorded", is_flag=True, help="Show a run that was recorded: it needs no engine, and makes nothing.")
@experiment_options
def run_all(*, until: str, recorded: bool, make: Callable[[], Experiment]) -> None:
    """Do every step, one after the other.

    Steps that were done before are done again.
    """
    last = STEPS.index(plan_of(until).name)
    if recorded:
        show_recorded(STEPS[: last + 1])
        return
    try:
        made = make()
    except (AccessDeniedError, UnreachableError) as error:
        raise type(error)(f"{error}. Or look at a recorded run: regviz experiment run --recorded") from error
    for plan in PLAN[: last + 1]:
        show_step(_done(made, plan))


@experiment.command("list")
@output_option
@format_option
@experiment_options
def list_steps(*, output: str | None, format_: TableFormat | None, make: Callable[[], Experiment]) -> None:
    """Say which steps there are, and which were done."""
    write_table(make().steps(), format_, output)


@experiment.command()
@click.argument("step", type=click.Choice(_STEP_NAMES), metavar="STEP")
@experiment_options
def undo(*, step: str, make: Callable[[], Experiment]) -> None:
    """Take back one step, and say what rests on it."""
    made = make()
    with working(f"taking back {step}", wanted=None):
        said = made.undo(step)
    click.echo(escape_terminal(said))


@experiment.command()
@experiment_options
def clean(*, make: Callable[[], Experiment]) -> None:
    """Remove all that the experiment made, and nothing else."""
    made = make()
    with working("removing what the experiment made", wanted=None):
        said = made.clean()
    click.echo(escape_terminal(said))


def show_step(step: Step) -> None:
    """Write a step for people."""
    write_lines([*step.text(terminal_width(None) or _WIDTH).splitlines(), ""], None)


def _done(made: Experiment, plan: Plan) -> Step:
    with working(plan.title, wanted=None):
        return made.do(plan.name)


def _command(plan: Plan) -> click.Command:
    """The command of one step."""

    @experiment.command(plan.name.replace("_", "-"), help=f"{plan.title}.", short_help=f"{plan.title}.")
    @experiment_options
    def step(*, make: Callable[[], Experiment]) -> None:
        show_step(_done(make(), plan))

    return step


for _plan in PLAN:
    if _plan.name not in _ELSEWHERE:
        _command(_plan)


@experiment.command()
@_HOST
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Where that host reaches the registry. [default: this machine as it sees it, and the registry's port]",
)
@experiment_options
def pull(*, host: str | None, address: str | None, make: Callable[[], Experiment]) -> None:
    """Pull the image on another host.

    Where its engine refuses plain HTTP, it is said what to do. Without --host, it is the same engine, emptied of the
    image before.
    """
    made = make()
    with working(plan_of("pull").title, wanted=None):
        step = made.pull(host, address)
    show_step(step)


@experiment.command("run-image")  # as `run` does every step
@_HOST
@experiment_options
def run_image(*, host: str | None, make: Callable[[], Experiment]) -> None:
    """Run the pulled image, so that it prints its version."""
    made = make()
    with working(plan_of("run").title, wanted=None):
        step = made.run(host)
    show_step(step)


@experiment.command()
@_made_of
@click.pass_context
def check(ctx: click.Context, *, engine: str | None, registry_image: str, base: str, dockerfile: str | None) -> None:
    """Say whether an engine is ready, and what lacks.

    It changes nothing. The exit code is 1 where the experiment cannot be done.
    """
    from regviz.experiment.ready import ready

    there = ready(engine, images=_images(registry_image, base, dockerfile))
    write_lines(str(there).splitlines(), None)
    ctx.exit(0 if there.ok else 1)


@experiment.command()
@click.option("-o", "--output", metavar="FILE", type=click.Path(), required=True, help="The archive to write.")
@_made_of
def bundle(*, output: str, engine: str | None, registry_image: str, base: str, dockerfile: str | None) -> None:
    """Save the images that the experiment needs as one archive.

    Where there is no internet, or a limit of pulls, --images FILE takes them from it. What this engine lacks is pulled.
    """
    from regviz.experiment.bundle import platforms, save

    images = _images(registry_image, base, dockerfile)
    made = save(output, engine=engine, images=images, progress=progress_bars(wanted=None))
    size = format_bytes(made.stat().st_size)
    of = " and ".join(sorted({each for found in platforms(made).values() for each in found}))
    click.echo(escape_terminal(f"{made}: {' and '.join(images)} for {of}, {size}"))


def show_recorded(names: tuple[str, ...]) -> None:
    """Write those steps of the recorded run."""
    from regviz.experiment.recording import about, recorded

    click.echo(f"This is a recorded run, a real one, with {about()}.\n")
    for step in recorded():
        if step.name in names:
            show_step(step)


def _images(registry_image: str, base: str, dockerfile: str | None) -> tuple[str, ...]:
    from regviz.experiment.images import own

    bases = own(dockerfile).bases if dockerfile is not None else ()
    return tuple(dict.fromkeys((registry_image, base, *bases)))


experiment.add_command(v1_push)
