"""What reading a source would take, said before anything is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from regviz.errors import RegvizError
from regviz.live import is_address, is_archive, is_capture_address
from regviz.live.containers import is_container
from regviz.live.containers import open_source as open_container
from regviz.live.docker_engine import is_engine
from regviz.live.options import Access, Live
from regviz.plan import cost, stored, wire
from regviz.read import SOURCE_VARIABLE, STANDARD_INPUT, open_source
from regviz.share import shipped_world
from regviz.text import escape_terminal, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from regviz.live.options import LiveOptions

__all__ = ["Plan", "plan"]

_GAP = 2


class _Fact(NamedTuple):
    fact: str
    value: str
    number: int | None = None
    exact: bool | None = None
    how: str | None = None


@dataclass(frozen=True)
class Plan:
    """What reading a source would take; its text is what a notebook and ``print`` show.

    Attributes
    ----------
    source : str
    kind : str
        ``folder``, ``archive``, ``listing``, ``objects`` (an object store), ``registry``, ``engine`` or ``capture``.
    layout, why : str
        The layout, and what told so.
    counts : tuple of Count
        What there is to read, the work's measure first: counted, or estimated as each says.
    requests : int or None
        Requests over a wire; 0 where all lies here, None where nothing tells.
    seconds, memory_bytes : int or None
        About how long reading takes on a machine like the one of the benchmarks, and how much memory; None where
        nothing was counted.
    permissions : tuple of str
        What suffices; nothing here needs to write.
    marks : str
        What reading would leave behind; empty for nothing.
    notes : tuple of str
        What else to know first.
    next_command : str
        What to type next; empty where this cannot be read.
    """

    source: str
    kind: str
    layout: str
    why: str
    counts: tuple[cost.Count, ...]
    requests: int | None
    seconds: int | None
    memory_bytes: int | None
    permissions: tuple[str, ...]
    marks: str
    notes: tuple[str, ...]
    next_command: str

    def _facts(self) -> Iterator[_Fact]:
        yield _Fact("source", self.source)
        yield _Fact("kind", self.kind)
        yield _Fact("layout", self.layout, how=self.why)
        for count in self.counts:
            yield _Fact(count.noun, count.text(), count.number, count.exact, count.how)
        if self.requests is not None:
            yield _Fact("requests", f"about {self.requests:,}" if self.requests else "none", self.requests)
        if self.seconds is not None and self.memory_bytes is not None:
            how = "on two cores as in the benchmarks, the disk's caches warm"
            yield _Fact("time", f"about {cost.duration(self.seconds)}", self.seconds, exact=False, how=how)
            yield _Fact("memory", f"about {format_bytes(self.memory_bytes)}", self.memory_bytes, exact=False)
        for permission in self.permissions:
            yield _Fact("permission", permission)
        yield _Fact("marks", self.marks or "none: reading changes nothing")
        for note in self.notes:
            yield _Fact("note", note)
        if self.next_command:
            yield _Fact("next", self.next_command)

    def table(self) -> pd.DataFrame:
        """The plan as a table: fact, value, number, exact, how."""
        import pandas as pd

        table = pd.DataFrame([*self._facts()], columns=_Fact._fields)
        kinds = {"fact": "str", "value": "str", "number": "Int64", "exact": "boolean", "how": "str"}
        return table.astype(kinds)

    def text(self) -> str:
        """The plan for a terminal."""
        lines, last = [], ""
        facts = [*self._facts()]
        width = max(len(fact.fact) for fact in facts) + _GAP
        for fact, value, _, _, how in facts:
            label = fact if fact != last else ""
            said = f"{value} ({how})" if how else value
            lines.append(f"{label:{width}}{escape_terminal(said)}")
            last = fact
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()


def plan(
    source: str | os.PathLike[str] | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
    **over_http: Unpack[LiveOptions],
) -> Plan:
    """Say what reading a source would take: how much, how long, with which rights, and what it would leave behind.

    Only names are looked at, some of them where they are many; a few requests go to a live registry.

    Parameters
    ----------
    source : path, optional
        As for :func:`regviz.read`.
    storage_options : mapping, optional
    **over_http
        As for :func:`regviz.read`.

    Returns
    -------
    Plan

    Raises
    ------
    RegvizError
        The source is not there, may not be read, or holds no registry.

    Examples
    --------
    >>> found = plan()
    >>> found.kind, found.layout, found.counts[0].exact, found.requests
    ('archive', 'distribution', True, 0)
    """
    path = os.fspath(source if source is not None else os.environ.get(SOURCE_VARIABLE) or shipped_world())
    if path == STANDARD_INPUT:
        raise RegvizError("what comes on standard input is known when it was read: give a file to plan for")
    if is_engine(path):
        found: dict[str, Any] = wire.of_engine(path)
    elif is_capture_address(path):
        raise RegvizError(f"{path} is a capture, whose few files are read as they are: read it")
    elif is_address(path) and not is_archive(path):
        found = wire.of_registry(path, Live(**over_http))
    elif is_container(path):
        opened = open_container(path, access=Access(yes=True))  # it is looked at for a moment, however large it is
        found = stored.of_storage(path, opened.storage)
    else:
        found = stored.of_storage(path, open_source(path, storage_options=storage_options, over_http=over_http))
    return Plan(source=path, **found)
