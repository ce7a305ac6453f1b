"""Repositories of a v1 storage, and their tags."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.v1.grammar import ID, repository_name, tag_name
from regviz.manifests.json import length, load_object
from regviz.pool import V1_ID
from regviz.storage.base import UNREAD
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.layouts.v1.images import Images
    from regviz.layouts.v1.inventory import Locator, Repository

    Codes = NDArray[np.int32]

_LATEST_SECONDS = 1 << 40
_LONGEST_SHOWN = 100


class Tags:
    """Repositories and their tags.

    Attributes
    ----------
    names : list of str
        Of the repositories, by row.
    indexes : list of (int, locator, int)
        Row of each repository that has an ``_index_images``, where that lies, and its length.
    targets : list of array of int
        For each repository the images (their rows) that its tags point to.
    """

    def __init__(self, facts: Facts, images: Images, root: str) -> None:
        self._facts, self._images = facts, images
        self._place = f"{root}/repositories/" if root else "repositories/"
        self._known: set[str] = set()
        self._rows: list[int] = []
        self._tags: list[str] = []
        self._targets: list[str] = []
        self._times: list[int] = []
        self._states: list[str] = []
        self._said: list[int] = []
        self.names: list[str] = []
        self.indexes: list[tuple[int, Locator, int]] = []
        self.targets: list[Codes] = []

    def take(self, path: bytes, repository: Repository) -> None:
        """Take one repository."""
        facts = self._facts
        raw = decode_name(path)
        name = repository_name(path)
        if name in self._known:  # two ways of quoting one name: the server was upgraded in between
            facts.problem("v1-name-twice", repository=raw, path=self._place + raw, detail=name)
            name = raw
        self._known.add(name)
        self.names.append(name)
        row = facts.repository(name, raw, private=int(repository.private))
        if repository.index:
            self.indexes.append((row, *repository.index))
        tags: set[str] = set()
        for file, (content, mtime) in sorted(repository.tags.items(), key=_quoted_last):
            tag = tag_name(file)
            if tag in tags:
                path_of_tag = f"{self._place}{raw}/tag_{decode_name(file)}"
                facts.problem("v1-name-twice", repository=name, path=path_of_tag, detail=f"tag {tag}")
                tag = decode_name(file)
            tags.add(tag)
            image = content.strip()
            state = "ok" if ID.fullmatch(image) else self._state(name, raw, tag, file, content)
            if state == "unread" and file.endswith(b"_json") and b"_" + file[: -len(b"_json")] in repository.tags:
                state = ""  # tag_x_json may be a tag, or what is said of the tag _x; it is that where there is one
            if state:
                self._rows.append(row)
                self._tags.append(tag)
                self._targets.append(image.decode() if state == "ok" else "")
                self._times.append(mtime)
                self._states.append(state)
                self._said.append(_last_update(_metadata(repository, file)))

    def _state(self, name: str, raw: str, tag: str, file: bytes, content: bytes) -> str:
        """State of a tag that holds no id; empty where it is no tag at all."""
        if content is UNREAD:
            return "unread"
        if load_object(content) is not None and file.endswith(b"_json"):
            path = f"{self._place}{raw}/tag_{decode_name(file)}"
            self._facts.problem("v1-tag-ambiguous", repository=name, path=path)
            return ""
        image = content.strip()
        shown = clean(repr(image)[1:]) if len(image) <= _LONGEST_SHOWN else "longer than an id"
        self._facts.problem("v1-tag-malformed", repository=name, detail=f"tag {tag}: {shown}")
        return "malformed" if image else "empty"

    def finish(self) -> None:
        """Put the tags into the facts, and find the images that they point to, when all were taken."""
        facts = self._facts
        rows = np.array(self._rows, np.int32)
        keys = facts.keys.intern(self._targets, V1_ID)
        times = np.array(self._times, np.int64)
        pointing = np.flatnonzero(keys >= 0)
        for table, which, time in (
            (facts.tags, np.arange(len(rows)), "pushed_at"),
            (facts.tag_history, pointing, "last_pushed_at"),
        ):
            table.column("repository").extend_numbers(rows[which])
            table.column("tag").staged += [self._tags[at] for at in which.tolist()]
            table.key("manifest").extend_numbers(keys[which])
            table.column(time).extend_numbers(times[which])
        facts.tags.column("state").staged += self._states
        facts.tag_history.column("current").extend_numbers(np.ones(len(pointing), np.int8))
        images = self._images.rows_of(keys[pointing])
        owners = rows[pointing]
        for at in np.flatnonzero(images >= self._images.present).tolist():
            target = facts.keys.text(int(keys[pointing[at]]))
            facts.problem("v1-image-missing", repository=self.names[owners[at]], manifest=target)
        bounds = np.searchsorted(owners, np.arange(len(self.names) + 1))
        self.targets = [images[start:stop] for start, stop in pairwise(bounds)]

    def all_targets(self) -> Codes:
        """The images that tags point to."""
        return np.unique(np.concatenate([np.empty(0, np.int32), *self.targets]))

    def set_times(self) -> None:
        """Where a tag's own metadata say when it was pushed, they are believed rather than file times."""
        said = np.array(self._said, np.int64)
        facts = self._facts
        pointing = facts.tags["manifest"] >= 0
        for times, told in (
            (facts.tags["pushed_at"], said),
            (facts.tag_history["last_pushed_at"], said[pointing]),
        ):
            times[told != NO_TIME] = told[told != NO_TIME]


def _quoted_last(tag: tuple[bytes, tuple[bytes, int]]) -> tuple[bool, bytes]:
    return b"%" in tag[0], tag[0]


def _metadata(repository: Repository, tag: bytes) -> bytes | None:
    """What a repository says of a tag; of the tag ``_x`` in ``tag_x_json``, which looks like a tag."""
    said = repository.metadata.get(tag)
    if said is None and tag.startswith(b"_"):
        said, _ = repository.tags.get(tag[1:] + b"_json", (None, 0))
    return said


def _last_update(metadata: bytes | None) -> int:
    """Time of a push (µs) from ``tag<TAG>_json``, whose ``last_update`` is in seconds."""
    document = load_object(metadata) if metadata else None
    seconds = length(document.get("last_update")) if document else -1
    return seconds * 1_000_000 if 0 <= seconds < _LATEST_SECONDS else NO_TIME
