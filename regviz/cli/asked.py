"""What commands that answer a question have in common: the source, what to choose of the answer, where it goes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import (
    format_option,
    output_option,
    reading_options,
    refuse_to_harm,
    repository_options,
    source_argument,
    tag_option,
    top_option,
)
from regviz.cli.output import chosen_format, write_table

if TYPE_CHECKING:
    import re
    from contextlib import AbstractContextManager

    import pandas as pd

    from regviz.cli.options import Command, Reading, TableFormat
    from regviz.layouts.common import Links
    from regviz.registry import Registry


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked on the command line.

    Attributes
    ----------
    source : str, optional
    repositories, excluded : tuple of str
        Globs of repositories wanted, and not wanted.
    tag : re.Pattern, optional
        What is to be found in a tag.
    top : int, optional
        How many rows are wanted.
    format_, output
        How the answer is written, and where.
    reading : Reading
    """

    source: str | None
    repositories: tuple[str, ...]
    excluded: tuple[str, ...]
    tag: re.Pattern[str] | None
    top: int | None
    format_: TableFormat | None
    output: str | None
    reading: Reading

    def read(self, source: str | None = None, *, links: Links = "stat", measure: bool = False) -> Registry:
        """Read the source, or another one.

        Parameters
        ----------
        source : str, optional
            Another source than the one asked about.
        links : {"stat", "check", "open"}
            How far links are looked into for this answer, where there is anything to look into; ``--links`` can ask
            for more.
        measure : bool
            Whether the table `storage` is needed.

        Raises
        ------
        NotKnowableError
            The source is a listing, and ``--links`` asked for more; or it came on standard input, and is gone.
        """
        from regviz.farther import read_farther

        place = self.source if source is None else source
        refuse_to_harm(place, self.output)

        def read(links: Links) -> Registry:
            return replace(self.reading, links=links).read(place, measure=measure)

        return read_farther(place, read, asked=self.reading.links, wanted=links)

    def working(self, what: str) -> AbstractContextManager[None]:
        """Say what takes its time."""
        return self.reading.working(what)

    def show(self, answer: pd.DataFrame, registry: Registry) -> None:
        """Write the rows that were asked for; the accounting behind them has known the whole registry."""
        frame = choose_rows(answer, registry, repository_matcher(self.repositories, self.excluded), self.tag)
        write_table(frame if self.top is None else frame.head(self.top), self.format_, self.output)


def question(command: Command) -> Command:
    """Give a command the source, what to choose of its answer, where that goes and how to read, as one `Asked`."""
    return source_argument(question_of_words(command))


def question_of_words(command: Command) -> Command:
    """The same for a command with arguments of its own, one of which it calls ``source``."""

    @wraps(command)
    def with_question(**given: Any) -> Any:
        asked = Asked(**{each.name: given.pop(each.name) for each in fields(Asked)})
        refuse_to_harm(asked.source, asked.output)
        if not given.get("script"):  # that is one, whatever its file is called
            chosen_format(asked.format_, asked.output)
        return command(asked=asked, **given)

    wrapped: Command = with_question
    for option in (reading_options, output_option, format_option, top_option, tag_option, repository_options):
        wrapped = option(wrapped)
    return wrapped
