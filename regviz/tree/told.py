"""The layout of a storage of which only a tree's rows are left: what repeats is told by paths and explanations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from regviz.tree.distribution import Distribution
from regviz.tree.v1 import V1

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regviz.tree.known import Known
    from regviz.tree.layout import RootedLayout
    from regviz.tree.rows import Row

_V2 = "docker/registry/v2"
_BLOB = re.compile(r"blobs/([^/]+)/([0-9a-f]{2})/(\2[0-9a-f]{30,})/data")
_V1_NAME = re.compile(r"repositories/([^/]+/[^/]+)/[^/]+")
_KINDS = (
    (re.compile("configuration of"), "config"),
    (re.compile("layer of"), "layer"),
    (re.compile("nothing (that was read )?refers"), "unnamed"),
    (re.compile(r"[\w.+-]+/[\w.+-]+[ ,]|content of"), "content"),
    (re.compile(""), "manifest"),
)
"""What the explanation of a blob begins with, by its kind."""


class _Told:
    """What a layout asks of :class:`regviz.tree.known.Known` to tell units, answered without a Registry."""

    def __init__(self, repositories: Iterable[str]) -> None:
        self.repositories = {path: row for row, path in enumerate(sorted(repositories))}
        self.sees_every_reference = True  # where it was not so, the explanations say it

    def repository(self, path: str) -> str:
        """Its name."""
        return path

    def unread(self) -> frozenset[bytes]:
        """Nothing."""
        return frozenset()

    def concerned(self, rule: str, column: str) -> list[str]:
        """Nothing."""
        del rule, column
        return []


class _ToldDistribution(Distribution):
    """Distribution's storage, whose blobs are told by what is said of them."""

    def tell(self, rows: Iterable[Row]) -> None:
        """Take the kinds of all blobs."""
        root = self.root.decode("utf-8", "surrogateescape")
        for row in rows:
            if match := _BLOB.fullmatch(row.path.removeprefix(root)):
                algorithm, bucket, digits = (part.encode() for part in match.groups())
                kind = next(kind for begins, kind in _KINDS if begins.match(row.explanation))
                self._blobs.setdefault(algorithm, {}).update({bucket: "", digits: kind})

    def _shown_blobs(self, algorithm: bytes) -> dict[bytes, str]:
        return self._blobs.setdefault(algorithm, {})


def layout_of(rows: Sequence[Row]) -> RootedLayout | None:
    """The layout that a tree's rows are of; None where it is neither Distribution's nor v1's."""
    paths = {row.path for row in rows}
    root = next((row.path for row in rows if row.path == _V2 or row.path.endswith(f"/{_V2}")), None)
    if root is not None:
        head = f"{root}/repositories/"
        inside = (path.removeprefix(head) for path in paths if path.startswith(head))
        names = {path.partition("/_")[0] for path in inside if "/_" in path}
        told = _ToldDistribution(_bytes(root), cast("Known", _Told(names)))
        told.tell(rows)
        told.tell_all()
        return told
    for row in rows:
        above, _, name = row.path.rpartition("/")
        if name != "images" or row.type != "directory" or not _is_v1(paths, above):
            continue
        head = f"{above}/" if above else ""
        names = {match[1] for path in paths if (match := _V1_NAME.fullmatch(path.removeprefix(head)))}
        layout = V1(_bytes(above), cast("Known", _Told(names)))
        layout.tell_all()
        return layout
    return None


def _is_v1(paths: set[str], above: str) -> bool:
    head = f"{above}/" if above else ""
    return f"{head}repositories" in paths


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
