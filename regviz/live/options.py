"""How to read a registry over HTTP, and what an engine has."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, TypedDict, cast

from regviz.errors import RegvizError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

MOST_BYTES = 2 * 10**9
"""Of an archive that an engine is asked for without a person's consent."""
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


class AccessOptions(TypedDict, total=False):
    """What functions that open a source take beside; see :class:`Access`."""

    yes: bool
    helper: bool
    helper_image: str | None


class Access(NamedTuple):
    """How to get at the files of containers and volumes.

    Attributes
    ----------
    yes : bool
        Whether more than `MOST_BYTES` may be read through the engine.
    helper : bool
        Whether a container may be made, and removed again, for a volume that none uses.
    helper_image : str or None
        Of which image; None for any that the engine has.
    """

    yes: bool = False
    helper: bool = False
    helper_image: str | None = None


class WireOptions(LiveOptions, AccessOptions, total=False):
    """All that :func:`regviz.read` takes beside."""


def split_options(options: WireOptions) -> tuple[Access, LiveOptions]:
    """How to get at containers, and the rest.

    Examples
    --------
    >>> split_options({"yes": True, "rate": 5})
    (Access(yes=True, helper=False, helper_image=None), {'rate': 5})
    """
    own = {name: value for name, value in options.items() if name in Access._fields}
    rest = {name: value for name, value in options.items() if name not in Access._fields}
    return Access(**cast("AccessOptions", own)), cast("LiveOptions", rest)
