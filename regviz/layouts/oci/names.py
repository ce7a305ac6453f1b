"""What layouts call their images: the entries of every ``index.json`` become repositories, tags and roots."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_TIME
from regviz.layouts.distribution.grammar import LONGEST_NAME, NAME, TAG
from regviz.layouts.oci.grammar import INDEX, SAVED, VERSION_FILE, join
from regviz.layouts.oci.index import INDEX_LIMIT, inline_contents, read_index, read_saved, read_version
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.columns import Rows
    from regviz.facts import Facts
    from regviz.layouts.oci.grammar import Name
    from regviz.layouts.oci.index import Entry
    from regviz.layouts.oci.pools import Layout
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]

_LIMITS = {VERSION_FILE: 4096, INDEX: INDEX_LIMIT, SAVED: INDEX_LIMIT}
_BATCH = 256


class Names:
    """Puts what layouts name into facts.

    Parameters
    ----------
    facts : Facts
    own : callable
        Takes a layout; returns the repository of its entries that do not name theirs.

    Attributes
    ----------
    inline : dict of str to bytes
        Contents of manifests that their descriptors carry.
    complete : bool
        Every index could be read; else there may be names that are not known.
    """

    def __init__(self, facts: Facts, own: Callable[[Layout], str]) -> None:
        self._facts, self._own = facts, own
        self.inline: dict[str, bytes] = {}
        self.complete = True
        self._rows: dict[str, int] = {}
        self._is_manifest = array("b")
        self._saved: dict[str, list[Name]] = {}
        self._waiting: list[tuple[str, str]] = []

    def read(self, storage: Storage, layouts: list[Layout], *, alone: bool) -> None:
        """Read the documents of layouts, and take what they name.

        Parameters
        ----------
        storage : Storage
        layouts : list of Layout
        alone : bool
            There is one layout: where all its entries name their repositories, there is none of its own.
        """
        layouts = sorted(layouts, key=lambda layout: layout.root)
        batch = len(layouts) if storage.forward_only else _BATCH
        for start in range(0, len(layouts), max(batch, 1)):
            part = layouts[start : start + batch]
            contents = _contents(storage, part)
            for layout in part:
                self._take(layout, contents.pop(layout.root, {}), alone=alone)
            self._facts.spill()

    @property
    def saved_by_docker(self) -> bool:
        """Whether a layout is an archive of ``docker save``."""
        return bool(self._saved)

    def manifests(self) -> Codes:
        """Keys of what is to be read: roots, but for those whose media type is that of no manifest."""
        waiting = self._facts.revisions.key("manifest").intern([digest for _, digest in self._waiting])
        roots = np.asarray(self._facts.revisions["manifest"], np.int32)
        return np.concatenate([roots[np.array(self._is_manifest, np.bool_)], waiting])

    def settle(self) -> None:
        """Name what waits for that, now that manifests were read; of names that stand twice the first one counts."""
        facts, keys = self._facts, self._facts.keys
        config_of: dict[str, str] = {}
        if self._waiting:
            manifests, configs = facts.manifests["manifest"], facts.manifests["config"]
            known = configs >= 0
            config_of = dict(zip(keys.texts(manifests[known]), keys.texts(configs[known]), strict=True))
        for own, digest in self._waiting:
            names = self._saved.get(config_of.get(digest, ""), [])
            for name in names:
                self._root(name.repository or own, name.tag, digest, spoken=bool(name.repository))
            if not names:
                self._root(own, "", digest, spoken=False)
        self._waiting.clear()
        self._keep_first_tags()
        for rows, key in ((facts.revisions, "manifest"), (facts.links, "link"), (facts.uploads, "upload")):
            _keep_first(rows, key)

    def _take(self, layout: Layout, contents: dict[bytes, bytes | None], *, alone: bool) -> None:
        facts, own = self._facts, self._own(layout)
        version = contents.get(VERSION_FILE, b"" if VERSION_FILE in layout.files else None)
        if version is not None or VERSION_FILE not in contents:  # what cannot be read the storage says itself
            read_version(version, decode_name(join(layout.root, VERSION_FILE)), facts)
        entries = self._entries(layout, contents.get(INDEX))
        if not alone or not entries or layout.uploads:
            self._repository(own, spoken=False)
        if entries is None:
            self.complete = False
            facts.repositories.column("complete").set(self._repository(own, spoken=False), 0)
            return
        saved = read_saved(contents.get(SAVED) or b"")
        self._saved |= saved
        for entry in entries:
            self._entry(entry, own, may_wait=bool(saved))
        for upload, size in layout.uploads:
            name = decode_name(upload)
            facts.uploads.add(self._rows[own], name, max(size, 0), None)
            facts.problem("upload-unfinished", repository=own, detail=name)

    def _entries(self, layout: Layout, content: bytes | None) -> list[Entry] | None:
        """What a layout's index lists; None, and a problem, where it cannot be read."""
        path = decode_name(join(layout.root, INDEX))
        if content is None:
            detail = f"{layout.files[INDEX][1]} bytes" if INDEX in layout.files else "no file"
            self._facts.problem("layout-index-unreadable", path=path, detail=detail)
            return None
        entries = read_index(content, path, self._facts)
        self.inline |= inline_contents(entries or [], path, self._facts)
        return entries

    def _entry(self, entry: Entry, own: str, *, may_wait: bool) -> None:
        self._facts.descriptors.add(entry.digest, entry.media_type or None, entry.size, False, False)
        self._facts.descriptors.numbers(1)
        repository, tag = entry.name
        spoken = bool(repository)
        repository = repository or own
        if may_wait and not spoken and not tag and entry.is_manifest:
            self._waiting.append((own, entry.digest))
        elif entry.is_manifest or tag:
            self._root(repository, tag, entry.digest, spoken=spoken, is_manifest=entry.is_manifest)
            if not entry.is_manifest:
                self._facts.problem("manifest-unknown", manifest=entry.digest, detail=clean(entry.media_type))
        else:  # image-layout.md lists an XML document in its example: a blob like any other
            row = self._repository(repository, spoken=spoken)
            self._facts.links.add(row, entry.digest, entry.digest, "ok", NO_TIME)

    def _root(self, repository: str, tag: str, digest: str, *, spoken: bool, is_manifest: bool = True) -> None:
        row = self._repository(repository, spoken=spoken)
        self._facts.revisions.add(row, digest, "ok", NO_TIME, 1)
        self._is_manifest.append(is_manifest)
        if tag:
            self._facts.tags.add(row, tag, digest, NO_TIME, "ok")
            if TAG.fullmatch(tag) is None:
                self._facts.problem("name-invalid", repository=clean(repository), detail=f"tag {clean(tag)}")

    def _repository(self, name: str, *, spoken: bool) -> int:
        """Row of a repository; a name that a reference speaks must follow the grammar of names."""
        name = clean(name)
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = self._facts.repository(name, name)
            host, slash, path = name.partition("/")
            path = path if slash and (":" in host or "." in host or host == "localhost") else name
            if spoken and (NAME.fullmatch(path) is None or len(name) > LONGEST_NAME):
                self._facts.problem("name-invalid", repository=name, detail=name)
        return row

    def _keep_first_tags(self) -> None:
        """Give a name that stands on several entries to the first, and fill the history from what stays."""
        facts = self._facts
        lost = _keep_first(facts.tags, "tag")
        tags = {name: facts.tags[name] for name in ("repository", "tag", "manifest")}
        count = len(tags["tag"])
        if len(lost["tag"]):
            holder = dict(
                zip(
                    zip(tags["repository"].tolist(), tags["tag"].tolist(), strict=True),
                    tags["manifest"].tolist(),
                    strict=True,
                )
            )
            for row, tag, manifest in zip(
                *(lost[name].tolist() for name in ("repository", "tag", "manifest")), strict=True
            ):
                if holder[row, tag] != manifest:
                    facts.problem(
                        "reference-repeated",
                        repository=facts.names.text(int(facts.repositories["name"][row])),
                        manifest=facts.keys.text(manifest),
                        detail=f"tag {facts.names.text(tag)}",
                    )
        for name, values in (*tags.items(), ("last_pushed_at", np.full(count, NO_TIME)), ("current", np.ones(count))):
            facts.tag_history.column(name).extend_numbers(values)


def _keep_first(rows: Rows, key: str) -> dict[str, NDArray[np.int64]]:
    """Of rows with one repository and key keep the first; returns the columns of the others."""
    pair = np.asarray(rows["repository"], np.int64) << 32 | rows[key]
    first = np.sort(np.unique(pair, return_index=True)[1])
    lost = np.setdiff1d(np.arange(len(pair)), first)
    gone = {name: rows[name][lost] for name in ("repository", key, "manifest") if name != "manifest" or key == "tag"}
    if len(lost):
        rows.keep(first)
    return gone


def _contents(storage: Storage, layouts: list[Layout]) -> dict[bytes, dict[bytes, bytes | None]]:
    """The documents of layouts by root and name; None for what cannot be read."""
    wanted = [
        (layout.root, name, *place)
        for layout in layouts
        for name, place in sorted(layout.files.items())
        if place[1] <= _LIMITS[name]
    ]
    contents: dict[bytes, dict[bytes, bytes | None]] = {}
    for at, data in storage.read_many([w[2] for w in wanted], [w[3] for w in wanted], INDEX_LIMIT):
        contents.setdefault(wanted[at][0], {})[wanted[at][1]] = data
    return contents
