"""How to read a registry over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypedDict

from regviz.errors import RegvizError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

_WILD = frozenset("*?[")


class LiveOptions(TypedDict, total=False):
    """What :func:`regviz.read` takes beside; see :class:`Live`."""

    repositories: Sequence[str] | None
    connections: int
    rate: float | None
    insecure: bool
    cache: str | os.PathLike[str] | bool
    allow_pull_marks: bool


@dataclass(frozen=True, slots=True)
class Live:
    """How to read a registry over HTTP.

    Attributes
    ----------
    repositories : sequence of str, optional
        Names, or globs (``team/*``), of the repositories to read; all, where left out. Names alone need no catalog.
    connections : int
        How many connections there are at a time.
    rate : float, optional
        How many requests a second there are at most.
    insecure : bool
        Speak plain HTTP to other machines too. Credentials are never sent that way.
    cache : path or bool
        Where to keep what was fetched; True for the user's usual place, False for nowhere.
    allow_pull_marks : bool
        Read also where reading leaves marks: times of last pulls, or a cache that fills.
    """

    repositories: Sequence[str] | None = None
    connections: int = 16
    rate: float | None = None
    insecure: bool = False
    cache: str | os.PathLike[str] | bool = True
    allow_pull_marks: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.repositories, str):
            raise RegvizError(f"repositories is a list of names: write repositories=[{self.repositories!r}]")
        if not 1 <= self.connections <= 256:
            raise RegvizError(f"connections is a number from 1 to 256, not {self.connections}")
        if self.rate is not None and not self.rate > 0:
            raise RegvizError(f"rate is a number of requests a second, not {self.rate}")

    @classmethod
    def names(cls) -> list[str]:
        """The names of all options."""
        return [field.name for field in fields(cls)]

    @property
    def needs_catalog(self) -> bool:
        """Whether the names of repositories must be asked for."""
        return self.repositories is None or any(_WILD & set(name) for name in self.repositories)

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Those of a catalog's repositories that are wanted, each once."""
        every = dict.fromkeys(names)
        if self.repositories is None:
            return list(every)
        return [name for name in every if any(fnmatchcase(name, glob) for glob in self.repositories)]
