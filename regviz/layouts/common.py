"""What readers of all layouts share: how to read, how far they came, what file times are worth."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from regviz.columns import NO_TIME
from regviz.storage.base import has_contents
from regviz.text import decode_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.source import Source
    from regviz.storage.base import Storage

Links = Literal["stat", "check", "open"]
LINKS: tuple[Links, ...] = get_args(Links)
"""Each looks farther than the one before."""
Tick = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Tick]]
"""Takes a noun and a total (None: not known); the context gives a function to call with each advance."""

_MANY_LINKS = 50
_SECONDS_OF_A_COPY = 2


def no_progress(what: str, total: int | None) -> AbstractContextManager[Tick]:
    """A progress bar that shows nothing."""
    del what, total
    return nullcontext(_ignore)


def _ignore(count: int) -> None:
    del count


@dataclass(frozen=True, slots=True)
class Options:
    """How to read.

    Attributes
    ----------
    links : str
        ``stat`` (default), ``check`` or ``open``: see :func:`regviz.read`.
    times : bool or None
        Whether file times tell when things were pushed; None to decide by what they look like.
    measure : bool
        Fill the table `storage`.
    verify : bool
        Hash the documents that are read.
    progress : Progress
        Shows how far reading came.
    """

    links: Links = "stat"
    times: bool | None = None
    measure: bool = False
    verify: bool = False
    progress: Progress = no_progress

    def measure_storage(self, storage: Storage, root: bytes, source: Source, facts: Facts) -> None:
        """Fill the table ``storage``, where that was asked for."""
        if self.measure:
            from regviz.layouts.usage import measure  # it needs the grammars, which need nothing of this module

            with self.progress("files", None) as tick:
                measure(storage, root, source.layouts[0], facts, tick)

    def finish(self, storage: Storage, facts: Facts, source: Source) -> Source:
        """The source as it turned out: what the storage met becomes problems, times that are no evidence NA."""
        for problem in storage.problems:
            facts.problem(problem.rule, path=decode_name(problem.path) or None, detail=problem.detail)
        if not storage.complete:
            facts.repositories.column("complete").fill(0)
        trusted = _times_are_evidence(facts) if self.times is None else self.times
        if not trusted:
            facts.problem("times-not-trusted")
            for rows, column in (
                (facts.tags, "pushed_at"),
                (facts.tag_history, "last_pushed_at"),
                (facts.revisions, "linked_at"),
                (facts.links, "linked_at"),
                (facts.stored, "stored_at"),
            ):
                rows.column(column).fill(NO_TIME)
        return replace(
            source,
            trusts_times=trusted and (has_contents(storage) or _has_times(facts)),
            knows_disk=storage.knows_disk,
            knows_contents=has_contents(storage),
            links_checked=self.links,
            complete=source.complete and storage.complete,
        )


def _has_times(facts: Facts) -> bool:
    """Whether any time is known; a listing may say none."""
    said = (facts.tags["pushed_at"], facts.revisions["linked_at"], facts.stored["stored_at"])
    return any(bool((times != NO_TIME).any()) for times in said)


def _times_are_evidence(facts: Facts) -> bool:
    """Whether the times of links look like pushes."""
    return look_like_pushes(np.concatenate([facts.tags["pushed_at"], facts.revisions["linked_at"]]))


def look_like_pushes(times: NDArray[np.int64]) -> bool:
    """Whether times are those of pushes.

    A copy or an unpacked archive that did not keep times gives everything the same few seconds; pushes are spread.
    """
    times = times[times != NO_TIME]
    if len(times) < 2:
        return True
    spread = int(times.max() - times.min())
    return spread > 0 and not (len(times) >= _MANY_LINKS and spread <= _SECONDS_OF_A_COPY * 1_000_000)
