"""The command ``regviz``: its subcommands, and how everything that goes wrong ends in one line."""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

import regviz
from regviz.cli import INTERRUPTED
from regviz.cli.answer_check import check, doctor
from regviz.cli.answer_garbage import garbage, states
from regviz.cli.answer_lineage import (
    ancestors,
    bases,
    churn,
    compare,
    descendants,
    diff,
    nearest_base,
    steps_on_disk,
    who_uses,
)
from regviz.cli.answer_sizes import clusters, composition, owner_sets, reconcile, sharing
from regviz.cli.answer_transfer import forecast, growth, history, stale_tags, tag_history, transfer
from regviz.cli.answer_whatif import delete_together, what_if, what_if_curve
from regviz.cli.ask import sizes
from regviz.cli.before import plan
from regviz.cli.draw import figure
from regviz.cli.experiment import experiment
from regviz.cli.learn import lesson
from regviz.cli.look import detect, graph, rules, table, tree
from regviz.cli.look_changes import tree_changes
from regviz.cli.make import capture, lab, report, world
from regviz.errors import RegvizError
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTIONS = {
    "Look": (plan, report, tree, tree_changes, table, graph, figure, detect),
    "Whose bytes": (sizes, composition, reconcile, sharing, owner_sets, clusters, churn),
    "What could go": (states, garbage, what_if, delete_together, what_if_curve),
    "Who stands on what": (who_uses, bases, nearest_base, ancestors, descendants, steps_on_disk),
    "Compare and move": (compare, diff, transfer),
    "Over time": (history, tag_history, stale_tags, growth, forecast),
    "Is it well": (check, doctor, rules),
    "Make": (capture, lab, world),
    "Do it for real": (experiment,),
    "Learn": (lesson,),
}
_ASCII = str.maketrans(
    {"│": "|", "├": "|", "└": "`", "─": "-", "…": "...", "—": "-", "–": "-", "→": "->", "×": "x", "’": "'"}
)


class Commands(click.Group):
    """The subcommands, in the order in which a person meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, as they were added."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what they are for."""
        del ctx
        widest = max(map(len, self.commands))
        for section, commands in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(f"{one.name:{widest}}", one.get_short_help_str(formatter.width - widest - 6)) for one in commands]
                )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a person must fix is said on stderr, a line each."""
        _write_what_the_terminal_can()
        try:
            with _cleaned_up_when_ended():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads, such as head, has seen enough
            _drop_output()
            ctx.exit(1)
        except OSError as error:
            where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
            _complain(f"{where}: {error.strerror}" if where else error.strerror or str(error))
            _drop_output()
            ctx.exit(1)
        except RegvizError as error:
            _complain(str(error))
            ctx.exit(1)
        except ExceptionGroup as group:  # --strict
            _complain(group.message)
            for problem in group.exceptions:
                _complain(str(problem))
            ctx.exit(1)
        except KeyboardInterrupt:
            _complain("interrupted")
            _drop_output()
            ctx.exit(INTERRUPTED)
        return result


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(regviz.__version__, message="regviz %(version)s")
def main() -> None:
    """Look into a container registry, from the bytes on a disk.

    SOURCE is a registry's storage folder, an OCI image layout, an archive of one (tar, tar.gz, tar.zst, zip; its URL
    does too), object storage (s3://, gs://, az://), a listing of its files (as find prints it, or aws s3 ls), what a
    Docker Engine has (docker-daemon:, docker-container://NAME, docker-volume://NAME), a capture, or the URL of a live
    registry. Without it, it is what the environment variable REGVIZ_SOURCE says, or else the small world that comes
    with regviz. Nothing is ever written to it.
    """


for _commands in _SECTIONS.values():
    for _command in _commands:
        main.add_command(_command)


def _complain(message: str) -> None:
    click.echo(f"regviz: {escape_terminal(message)}", err=True)


@contextlib.contextmanager
def _cleaned_up_when_ended() -> Iterator[None]:
    """Let a command that is told to end, or whose terminal goes, clean up behind itself as an interrupted one does.

    Told a second time, it ends at once.
    """

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        sys.exit(128 + number)

    ours = []
    if threading.current_thread() is threading.main_thread():  # Python lets no other say what a signal does
        ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        ours = [number for number in ends if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _write_what_the_terminal_can() -> None:
    """Write in ASCII what the encoding of a terminal or pipe does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_ASCII)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


_IN_ASCII = "regviz-in-ascii"
codecs.register_error(_IN_ASCII, _in_ascii)


def _drop_output() -> None:
    """Let nothing be written any more, or Python would complain about it on its way out."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # where there is no such file, as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
