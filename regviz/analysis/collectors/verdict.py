"""What a collector does, and what was taken away before it ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

CollectorName = Literal[
    "reachability", "distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m", "v1"
]


@dataclass(frozen=True, slots=True)
class Abort:
    """Why a collector stops.

    Attributes
    ----------
    reason : str
        One sentence.
    rule : str
        The rule of ``problems`` that says so; empty where none does.
    repository : str, optional
        Where, if it is a repository.
    subject : str
        The digest, tag or path that it stops at.
    sweeping : bool
        It stops only when all was marked: with ``-m`` links of manifests are gone by then, and no blob is.
    """

    reason: str
    rule: str = ""
    repository: str | None = None
    subject: str = ""
    sweeping: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a collector does to a storage.

    Attributes
    ----------
    collector : str
    stopped : Abort, optional
        Where it stops before it is done, and why.
    blobs : array of bool
        For each row of `blobs` whether it is deleted.
    manifests : array of bool
        For each row of `repository_manifests` whether that link is deleted.
    links : array of bool
        For each row of `repository_blobs` whether that link is deleted.
    broken : array of int
        Rows of `repository_manifests` that stay, and whose manifest, configuration, layer or child goes (or the
        link to it in that repository).
    error_at_end : str, optional
        An error that a real run meets and a dry run does not show: when all blobs are deleted, or before any is.
    """

    collector: str
    stopped: Abort | None
    blobs: Flags
    manifests: Flags
    links: Flags
    broken: Numbers
    error_at_end: str | None = None

    @property
    def abort(self) -> str | None:
        """Why it stops, in one sentence; None where it does not."""
        return None if self.stopped is None else self.stopped.reason

    def nothing(self) -> Verdict:
        """One that deletes nothing."""
        blobs, manifests, links = (np.zeros_like(flags) for flags in (self.blobs, self.manifests, self.links))
        return Verdict(self.collector, self.stopped, blobs, manifests, links, self.broken[:0])


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is deleted through the API before a collector runs.

    Deleting a manifest removes its link and every tag of that repository that points to it; deleting a tag removes
    that only (Distribution registry/handlers/manifests.go).

    Attributes
    ----------
    tags : array of bool
        For each row of `tags` whether it is deleted.
    manifests : array of bool
        For each row of `repository_manifests` whether it is deleted.
    """

    tags: Flags
    manifests: Flags

    @classmethod
    def nothing(cls, reg: Registry) -> Deletion:
        """Nothing is deleted."""
        tags, manifests = reg.columns("tags")["tag"], reg.columns("repository_manifests")["manifest"]
        return cls(np.zeros(len(tags), np.bool_), np.zeros(len(manifests), np.bool_))


def pairs(one: Array, other: Array) -> Numbers:
    """Two codes of each row as one number, that sorts like them."""
    return one.astype(np.int64) << 32 | other.astype(np.int64) & 0xFFFFFFFF


def find(wanted: Numbers, among: Numbers) -> Numbers:
    """Rows of pairs in a sorted column; -1 where there is none."""
    if not len(among):
        return np.full(len(wanted), -1, np.int64)
    row = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    return np.where(among[row] == wanted, row, -1)


def pick(values: Array, rows: Array, otherwise: int = 0) -> Array:
    """The values of rows; of -1 another one.

    Examples
    --------
    >>> pick(np.array([3, 4]), np.array([1, -1, 0]), 9).tolist()
    [4, 9, 3]
    """
    picked: Array = np.append(values, np.asarray(otherwise, values.dtype))[rows]
    return picked
