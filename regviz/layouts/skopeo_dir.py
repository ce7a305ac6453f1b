"""What ``skopeo copy … dir:DIR`` writes: one image, its blobs as files named by their digests' digits.

containers/image, directory/directory_transport.go:

    version                      "Directory Transport Version: 1.1"
    manifest.json                the image's manifest, or its index
    <hex>                        a blob; the algorithm is lost, and told here by the number of digits
    <hex>.manifest.json          a manifest that the index lists (--all)
    signature-<n>, <hex>.signature-<n>
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble import assemble
from regviz.columns import NO_NUMBER, NO_TIME
from regviz.facts import Facts
from regviz.layouts.common import look_like_pushes
from regviz.layouts.documents import Documents
from regviz.layouts.oci.grammar import join, own_name
from regviz.manifests.schema1 import signed_payload
from regviz.storage.base import DIRECTORY, FILE, MANIFEST_LIMIT, SYMLINK, is_searchable
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from regviz.layouts.common import Options
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Entries, Searchable, Storage

VERSION_FILE, MANIFEST = b"version", b"manifest.json"
SIGNATURE = b"Directory Transport Version: "
_VERSION = SIGNATURE + b"1.1"
_ALGORITHMS = {64: "sha256", 96: "sha384", 128: "sha512"}
_FILE = re.compile(rb"([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(?:\.manifest\.json)?")
_SIGNATURE_FILE = re.compile(rb"(?:[0-9a-f]{64,128}\.)?signature-\d+")


def parse_file(name: bytes) -> str:
    """The digest of what lies in a file; empty for what is no blob and no manifest below an index.

    Examples
    --------
    >>> parse_file(b"ab" * 32 + b".manifest.json") == "sha256:" + "ab" * 32, parse_file(b"signature-1")
    (True, '')
    """
    match = _FILE.fullmatch(name)
    return f"{_ALGORITHMS[len(match[1])]}:{match[1].decode()}" if match else ""


def category(name: bytes) -> str:
    """Category of a file in the table ``storage``; the manifest is a blob under a name of its own.

    Examples
    --------
    >>> category(b"manifest.json"), category(b"version"), category(b"notes")
    ('blobs', 'metadata', 'other')
    """
    if name == MANIFEST or parse_file(name):
        return "blobs"
    return "metadata" if name == VERSION_FILE or _SIGNATURE_FILE.fullmatch(name) else "other"


class Marks:
    """Collects what marks such directories in a flat listing."""

    def __init__(self) -> None:
        self._versions: set[bytes] = set()
        self._manifests: set[bytes] = set()

    def see_batch(self, batch: Entries) -> None:
        """Take the entries of a flat listing."""
        for at, path in enumerate(batch.paths):
            directory, _, name = path.rpartition(b"/")
            if batch.types[at] != FILE:
                continue
            if name == VERSION_FILE and batch.small(at).startswith(SIGNATURE):
                self._versions.add(directory)
            elif name == MANIFEST:
                self._manifests.add(directory)

    def roots(self) -> list[bytes]:
        """Where they lie, the shallowest first."""
        return sorted(self._versions & self._manifests, key=lambda root: (root.count(b"/") + bool(root), root))


def is_here(storage: Searchable, path: bytes, files: list[bytes]) -> bool:
    """Whether a directory with these files is one."""
    if VERSION_FILE not in files or MANIFEST not in files:
        return False
    (content,), _ = storage.read_links(path, (VERSION_FILE,), b"")
    return content is not None and content.startswith(SIGNATURE)


@dataclass(slots=True)
class _File:
    """A file that lies there: its locator, length, time and blocks."""

    place: bytes | int
    size: int
    mtime: int
    allocated: int = NO_NUMBER


@dataclass(slots=True)
class _Held:
    """The files of the directory by name; links and other things that are no files are said at once."""

    facts: Facts
    root: bytes
    files: dict[bytes, _File] = field(default_factory=dict)
    version: bytes = b""

    def walk(self, storage: Searchable) -> None:
        names = sorted(storage.children(self.root).files)
        stats = storage.stat_many(self.root, names)
        for name, *found in zip(names, *(column.tolist() for column in stats[:3]), strict=True):
            if found[0] >= 0:
                self.files[name] = _File(join(self.root, name), *found)
        self.version = storage.read_links(self.root, (VERSION_FILE,), b"")[0][0] or b""

    def listed(self, storage: Storage) -> None:
        for batch in storage.entries():
            for at, path in enumerate(batch.paths):
                directory, _, name = path.rpartition(b"/")
                kind = batch.types[at]
                if directory != self.root or kind == DIRECTORY:
                    continue
                if kind != FILE:
                    rule = "symbolic-link" if kind == SYMLINK else "special-file"
                    self.facts.problem(rule, path=decode_name(path), detail="not followed")
                    continue
                if name in self.files:
                    self.facts.problem("path-repeated", path=decode_name(path))
                self.files[name] = _File(batch.locators[at], batch.sizes[at], batch.mtimes[at])
                if name == VERSION_FILE:
                    self.version = batch.small(at)


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the directory at `root`: one repository, called what the directory is called, without a tag."""
    facts = Facts()
    held = _Held(facts, root)
    with options.progress("files", None):
        if is_searchable(storage):
            held.walk(storage)
        else:
            held.listed(storage)
    uri = source.uri if "://" in source.uri else str(Path(source.uri).absolute())
    repository = own_name(decode_name(root), uri)
    row = facts.repository(repository, repository)
    if held.version.strip() != _VERSION:
        path = decode_name(join(root, VERSION_FILE))
        facts.problem("layout-version", path=path, detail=clean(repr(held.version[:80])))
    content = _top(storage, held)
    digest, inline = "", {}
    if content is None:
        facts.repositories.column("complete").set(row, 0)
    else:
        # schema 1 lies here as it was served, and has the digest of what was signed
        payload = signed_payload(content)
        digest = f"sha256:{hashlib.sha256(payload).hexdigest()}"
        inline[digest] = payload
        facts.revisions.add(row, digest, "ok", NO_TIME, 1)
    places = _store(held)
    locators = None if storage.by_path else np.array([place for _, place in places], np.int64)
    paths = dict(places)
    documents = Documents(
        storage,
        facts,
        options,
        paths=lambda codes: [bytes(paths[d]) for d in facts.keys.texts(codes)],
        locators=locators,
        inline=inline,
    )
    documents.manifests(facts.revisions["manifest"])
    documents.configs()
    if digest:
        top = held.files[MANIFEST]
        facts.stored.add(digest, len(inline[digest]), top.allocated, top.mtime or NO_TIME, None)
        if options.verify:
            facts.verified.add(digest, True)
    options.measure_storage(storage, root, source, facts)
    if options.times is None:
        options = replace(options, times=look_like_pushes(facts.stored["stored_at"]))
    return assemble(facts, options.finish(storage, facts, replace(source, keeps_links=False)))


def _top(storage: Storage, held: _Held) -> bytes | None:
    """The content of ``manifest.json``; None, and a problem, where it cannot be read."""
    top, path = held.files.get(MANIFEST), decode_name(join(held.root, MANIFEST))
    if top is None:
        held.facts.problem("manifest-unreadable", path=path, detail="no file")
    elif top.size > MANIFEST_LIMIT:
        held.facts.problem("manifest-oversized", path=path, detail=f"{top.size} bytes")
    else:
        ((_, content),) = storage.read_many([top.place], [top.size], MANIFEST_LIMIT)
        return content
    return None


def _store(held: _Held) -> list[tuple[str, bytes | int]]:
    """Put the blobs into ``facts.stored``; returns digest and place of each."""
    places = []
    for name, file in sorted(held.files.items()):
        digest = parse_file(name)
        if not digest:
            if name not in (VERSION_FILE, MANIFEST) and not _SIGNATURE_FILE.fullmatch(name):
                held.facts.problem("foreign-file", path=decode_name(join(held.root, name)))
            continue
        held.facts.stored.add(digest, file.size, file.allocated, file.mtime or NO_TIME, None)
        places.append((digest, file.place))
    return places
