"""What a Distribution storage holds, by names and sizes: the one place where walked and flat reading meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.distribution.grammar import LINK_LENGTH, LONGEST_NAME, NAME, TAG, is_encoded
from regviz.pool import is_digest
from regviz.storage.base import UNREAD, Stats
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from regviz.columns import Rows
    from regviz.facts import Facts

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

_SHA256 = b"sha256"
_SPILL_AFTER = 32
_TAG_COLUMNS = ("repository", "tag", "manifest", "pushed_at", "state")
_HISTORY_COLUMNS = ("repository", "tag", "manifest", "last_pushed_at", "current")


class Inventory:
    """Takes what a reader finds; keeps facts.

    Parameters
    ----------
    facts : Facts
    links : str
        ``stat``: layer links are taken by their directories' names; ``check`` and ``open``: by the link's own file.
    """

    def __init__(self, facts: Facts, links: str) -> None:
        self.facts = facts
        self.links = links
        self.locators: list[NDArray[np.int64]] = []
        self._inodes: list[NDArray[np.int64]] = []
        self._repositories: dict[bytes, int] = {}
        self._names: list[str] = []

    def repository(self, path: bytes, *, has_layers: bool = False, has_manifests: bool = False) -> int:
        """Row of the repository at a path below ``repositories/``; flags are those of a new one."""
        row = self._repositories.get(path)
        if row is None:
            name = decode_name(path)
            row = self._repositories[path] = self.facts.repository(
                name, name, has_layers=int(has_layers), has_manifests=int(has_manifests)
            )
            self._names.append(name)
            if row % _SPILL_AFTER == 0:
                self.facts.spill()
            if NAME.fullmatch(name) is None or len(name) > LONGEST_NAME:
                self.facts.problem("name-invalid", repository=name, detail=name)
        return row

    def repository_name(self, row: int) -> str:
        """Name of a repository by its row."""
        return self._names[row]

    def mark(self, row: int, column: str) -> None:
        """Set a flag of a repository."""
        self.facts.repositories.column(column).set(row, 1)

    def blobs(self, algorithm: bytes, names: Sequence[bytes], codes: Codes, facts: Stats) -> None:
        """Blobs that have a directory in the store; a size of -1 says that it holds no data."""
        here = np.flatnonzero(facts.sizes >= 0)
        for row in np.flatnonzero(facts.sizes < 0).tolist():
            self.facts.problem("blob-truncated", blob=_key(algorithm, names[row]))
        self.measured_blobs(codes[here], Stats(*(column[here] for column in facts)))

    def measured_blobs(self, codes: Codes, facts: Stats) -> None:
        """Blobs that are there, by codes."""
        said: dict[str, NDArray[Any]] = {
            "blob": codes,
            "stored_bytes": facts.sizes,
            "stored_at": facts.mtimes,
            "allocated_bytes": facts.allocated,
        }
        _extend(self.facts.stored, said, compression=-1)
        self._inodes.append(facts.inodes)

    def listed_blobs(self, codes: Codes, sizes: Numbers, mtimes: Numbers, locators: Numbers) -> None:
        """Blobs of an archive, by their keys' codes."""
        nothing = np.full(len(codes), NO_NUMBER)
        said: dict[str, NDArray[Any]] = {
            "blob": codes,
            "stored_bytes": sizes,
            "allocated_bytes": nothing,
            "stored_at": mtimes,
        }
        _extend(self.facts.stored, said, compression=-1)
        self.locators.append(locators)

    def without_data(self, codes: Codes) -> None:
        """Say of digests with a directory in the store, and no data there, that nor are there any elsewhere."""
        present = np.zeros(len(self.facts.keys), np.bool_)
        present[self.facts.stored["blob"]] = True
        for digest in self.facts.keys.texts(np.unique(codes[~present[codes]])):
            self.facts.problem("blob-truncated", blob=digest)

    def keep_last(self) -> list[str]:
        """Of each digest that a listing has more than once keep the last; returns those digests."""
        stored, keys = self.facts.stored, self.facts.keys
        codes, rows = stored["blob"], np.arange(len(stored["blob"]), dtype=np.int32)
        last = np.empty(len(keys), np.int32)
        last[codes] = rows  # of several assignments the last one stays
        keep = last[codes] == rows
        if keep.all():
            return []
        stored.keep(keep)
        self.locators = [np.concatenate(self.locators)[keep]]
        return keys.texts(np.unique(codes[~keep]))

    def count_inodes_once(self) -> None:
        """Give the allocation of a file with several names (hard links) to the first of its digests only."""
        inodes = np.concatenate([np.empty(0, np.int64), *self._inodes])
        self._inodes.clear()
        in_order = np.sort(inodes)
        if not ((in_order[1:] == in_order[:-1]) & (in_order[1:] >= 0)).any():
            return
        _, group, count = np.unique(inodes, return_inverse=True, return_counts=True)
        shared = np.flatnonzero((count[group] > 1) & (inodes >= 0))
        texts = self.facts.keys.texts(self.facts.stored["blob"][shared])
        seen = set()
        for _, row in sorted(zip(texts, shared.tolist(), strict=True)):
            if group[row] in seen:
                self.facts.stored.column("allocated_bytes").set(row, 0)
            seen.add(group[row])

    def listed_layers(self, repositories: Codes, codes: Codes, mtimes: Numbers, state: str) -> None:
        """Layer links that hold the digest that they lie under, as far as was looked, by codes."""
        said: dict[str, NDArray[Any]] = {"repository": repositories, "link": codes, "blob": codes, "linked_at": mtimes}
        _extend(self.facts.links, said, state=self.facts.names.code(state))

    def layer_link(self, repository: int, algorithm: bytes, name: bytes, content: bytes | None, mtime: int) -> None:
        """A layer link that was looked into; `content` None where its length says that it is as it should be."""
        link = _key(algorithm, name)
        state, blob = ("ok", link) if content is None else link_target(content)
        if state == "unread":
            self.facts.links.add(repository, link, link if algorithm == _SHA256 else "", "unchecked", mtime)
            return
        if state == "ok" and blob != link and algorithm == _SHA256:
            state = "mismatch"
        if state != "ok":
            self.facts.problem(
                f"layer-link-{state}", repository=self.repository_name(repository), blob=link, detail=_shown(content)
            )
        self.facts.links.add(repository, link, blob, state, mtime)

    def listed_revisions(self, repositories: Codes, codes: Codes, mtimes: Numbers, state: str = "ok") -> None:
        """Revision links that are as they should be, as far as was looked, by codes."""
        said: dict[str, NDArray[Any]] = {"repository": repositories, "manifest": codes, "linked_at": mtimes}
        _extend(self.facts.revisions, said, state=self.facts.names.code(state), is_root=0)

    def revision(self, repository: int, algorithm: bytes, name: bytes, content: bytes, mtime: int) -> None:
        """A revision link that was read."""
        key = _key(algorithm, name)
        state, target = link_target(content)
        if state == "unread":
            state, target = "unchecked", key
        if state == "ok" and target != key:
            state = "mismatch"
        if state not in ("ok", "unchecked"):
            self.facts.problem(
                f"revision-link-{state}",
                repository=self.repository_name(repository),
                manifest=key,
                detail=_shown(content),
            )
        self.facts.revisions.add(repository, key, state, mtime, 0)

    def tags(
        self,
        repository: int,
        tags: Sequence[bytes],
        contents: Sequence[bytes | None],
        mtimes: Sequence[int],
        histories: Sequence[Sequence[tuple[str, int]]],
    ) -> None:
        """Tags of a repository.

        Parameters
        ----------
        repository : int
        tags : sequence of bytes
            Their names.
        contents, mtimes
            What their current links hold (None: there is none), and their times.
        histories
            The digests of each one's index, with their times.
        """
        said = self.facts.tags, self.facts.tag_history
        tag_row, tag_name, tag_manifest, tag_time, tag_state = (said[0].column(c).staged for c in _TAG_COLUMNS)
        row, name, manifest, time, current = (said[1].column(c).staged for c in _HISTORY_COLUMNS)
        for tag, content, mtime, history in zip(tags, contents, mtimes, histories, strict=True):
            text = decode_name(tag)
            state, target = ("missing", "") if content is None else link_target(content)
            if state != "ok" or TAG.fullmatch(text) is None:
                self._complain(repository, text, state, content)
            tag_row.append(repository)
            tag_name.append(text)
            tag_manifest.append(target)
            tag_time.append(mtime if content is not None else NO_TIME)
            tag_state.append(state)
            if target and target not in [digest for digest, _ in history]:
                history = [*history, (target, mtime)]  # noqa: PLW2901
            for digest, when in history:
                row.append(repository)
                name.append(text)
                manifest.append(digest)
                time.append(mtime if digest == target else when)  # one push writes both links (tagstore.go, Tag)
                current.append(-1 if state == "unread" else digest == target)

    def listed_tags(
        self, repositories: Codes, names: Codes, manifests: Codes, mtimes: Numbers, states: Codes | None = None
    ) -> None:
        """Tags of valid names that lead to digests (or, as their states say, to what cannot be read), by codes."""
        said: dict[str, NDArray[Any]] = {
            "repository": repositories,
            "tag": names,
            "manifest": manifests,
            "pushed_at": mtimes,
        }
        ok = np.full(len(names), self.facts.names.code("ok"), np.int32)
        _extend(self.facts.tags, {**said, "state": ok if states is None else states})

    def listed_history(
        self, repositories: Codes, names: Codes, manifests: Codes, mtimes: Numbers, current: NDArray[np.int8]
    ) -> None:
        """What such tags pointed to, by codes; whether they do now is -1 where that is not known."""
        said: dict[str, NDArray[Any]] = {
            "repository": repositories,
            "tag": names,
            "manifest": manifests,
            "last_pushed_at": mtimes,
        }
        _extend(self.facts.tag_history, {**said, "current": current})

    def _complain(self, repository: int, tag: str, state: str, content: bytes | None) -> None:
        where = self.repository_name(repository)
        if state not in ("ok", "unread"):
            self.facts.problem(f"tag-link-{state}", repository=where, detail=f"tag {clean(tag)}: {_shown(content)}")
        if TAG.fullmatch(tag) is None:
            self.facts.problem("name-invalid", repository=where, detail=f"tag {tag}")

    def upload(self, repository: int, upload: bytes, size: int, started: bytes | None) -> None:
        """An unfinished upload; `size` -1 where no data arrived."""
        where, name = self.repository_name(repository), decode_name(upload)
        text = None if started is None or started is UNREAD else started.decode("utf-8", "replace").strip()
        self.facts.problem(
            "upload-unfinished" if text or started is UNREAD else "upload-without-start", repository=where, detail=name
        )
        self.facts.uploads.add(repository, name, size if size == NO_NUMBER else max(size, 0), text)

    def repeated(self, path: bytes) -> None:
        """A path that an archive has more than once."""
        self.facts.problem("path-repeated", path=decode_name(path))

    def bad_name(self, path: bytes) -> None:
        """A directory in the store of blobs that is no digest."""
        self.facts.problem("blob-path-invalid", path=decode_name(path))

    def strays(self, directory: bytes, files: Iterable[bytes]) -> None:
        """Files in a directory where the grammar has none."""
        for name in files:
            self.stray(directory + b"/" + name)

    def stray(self, path: bytes) -> None:
        """A file that the grammar does not have."""
        self.facts.problem("temporary-file" if path.endswith(b".tmp") else "foreign-file", path=decode_name(path))

    def links_of(self, repository: int, *, revisions: bool, tags: bool) -> None:
        """Say which parts a repository's ``_manifests`` lacks."""
        where = self.repository_name(repository)
        if not revisions:
            self.facts.problem("revisions-missing", repository=where)
        if not tags:
            self.facts.problem("tags-missing", repository=where)


def _extend(rows: Rows, said: Mapping[str, NDArray[Any]], **alike: int) -> None:
    """Add rows that are numbers already; what is alike in all of them is given once."""
    count = len(next(iter(said.values())))
    for name, values in said.items():
        rows.column(name).extend_numbers(values)
    for name, value in alike.items():
        rows.column(name).extend_numbers(np.full(count, value))


def split_names(algorithm: bytes, names: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Directory names that can be digests, and those that cannot."""
    if algorithm == _SHA256 and {*map(len, names)} <= {64} and not b"".join(names).translate(None, b"0123456789abcdef"):
        return list(names), []
    good = [name for name in names if is_encoded(algorithm, name)]
    return good, [] if len(good) == len(names) else sorted({*names}.difference(good))


def sha256_digits(contents: Sequence[bytes | None]) -> list[bytes]:
    """Hex digits of each link's content that is a digest of sha256, and nothing of any other.

    Examples
    --------
    >>> sha256_digits([b"sha256:" + b"ab" * 32, b"sha512:" + b"cd" * 64, None])
    [b'abababababababababababababababababababababababababababababababab', b'', b'']
    """
    digits = [content[7:] if content is not None and content[:7] == b"sha256:" else b"" for content in contents]
    return digits if not split_names(_SHA256, digits)[1] else [it if is_encoded(_SHA256, it) else b"" for it in digits]


def link_target(content: bytes) -> tuple[str, str]:
    """State and digest of a link's content.

    A trailing newline makes a link malformed: Distribution's digest.Parse refuses it.

    Examples
    --------
    >>> link_target(b"sha256:" + b"ab" * 32)[0], link_target(b""), link_target(b"latest")
    ('ok', ('empty', ''), ('malformed', ''))
    """
    if content is UNREAD:
        return "unread", ""
    if not content:
        return "empty", ""
    if len(content) == LINK_LENGTH or len(content) < 2 * LINK_LENGTH:
        text = content.decode("ascii", "replace")
        if is_digest(text):
            return "ok", text
    return "malformed", ""


def _key(algorithm: bytes, name: bytes) -> str:
    return f"{decode_name(algorithm)}:{decode_name(name)}"


def _shown(content: bytes | None) -> str:
    if content is None:
        return "no file"
    return "longer than a link" if len(content) >= 2 * LINK_LENGTH else clean(repr(content)[1:])
