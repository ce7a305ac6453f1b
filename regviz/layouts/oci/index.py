"""The documents at a layout's root: ``oci-layout``, ``index.json``, and the ``manifest.json`` of ``docker save``."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from regviz.layouts.oci.grammar import NAMELESS, Name, parse_reference
from regviz.manifests import media_types as mt
from regviz.manifests.json import load, load_object, mapping, text
from regviz.pool import is_digest
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import show_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.facts import Facts

INDEX_LIMIT = 64 << 20
"""Bytes of the largest ``index.json`` that is read: nobody pushes it, so nothing bounds it; about 200,000 entries."""
_VERSION = "1.0.0"
_HASHES = frozenset(("sha256", "sha384", "sha512"))


class _Annotations(msgspec.Struct, gc=False):
    ref: Any = msgspec.field(default=None, name="org.opencontainers.image.ref.name")
    image: Any = msgspec.field(default=None, name="io.containerd.image.name")


class _Entry(msgspec.Struct, gc=False):
    digest: Any = None
    mediaType: Any = None  # noqa: N815  # the specification's own name
    size: Any = None
    data: Any = None
    annotations: _Annotations | None = None


class _Index(msgspec.Struct, gc=False):
    """An ``index.json`` as all tools write it; what is not asked for is passed over."""

    manifests: list[_Entry] | None = None


_decode = msgspec.json.Decoder(_Index).decode


@dataclass(slots=True)
class Entry:
    """One entry of an ``index.json``.

    Attributes
    ----------
    digest : str
    name : Name
        What it is called.
    is_manifest : bool
        Whether it is one, as far as its media type says.
    media_type : str
    data : object
        Its content, where the entry carries it; not looked at yet.
    size : object
    """

    digest: str
    name: Name
    is_manifest: bool
    media_type: str
    data: object
    size: object


def read_version(content: bytes | None, path: str, facts: Facts) -> None:
    """Look at ``oci-layout``; one that is missing or of another version is a problem, and reading goes on."""
    document = load_object(content) if content else None
    said = "no file" if content is None else show_value((document or {}).get("imageLayoutVersion"))
    if said != repr(_VERSION):
        facts.problem("layout-version", path=path, detail=said)


def read_index(content: bytes, path: str, facts: Facts) -> list[Entry] | None:
    """The entries of an ``index.json``, in its order; None where it cannot be read.

    An entry without a digest that holds becomes a problem.
    """
    try:
        found = _decode(content).manifests or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = load_object(content)
        if document is None:
            facts.problem("layout-index-unreadable", path=path, detail=f"{len(content)} bytes")
            return None
        found = [*map(_leniently, _list(document.get("manifests"), path, facts))]
    entries = []
    for entry in found:
        if not isinstance(entry.digest, str) or not is_digest(entry.digest):
            facts.problem("digest-malformed", path=path, detail=show_value(entry.digest))
            continue
        media_type = text(entry.mediaType)
        entries.append(
            Entry(
                entry.digest,
                _name(entry.annotations),
                not media_type or media_type in mt.MANIFESTS,
                media_type,
                entry.data,
                entry.size,
            )
        )
    return entries


def has_entries(content: bytes) -> bool:
    """Whether an ``index.json`` lists anything: docker 25.0 writes ``"manifests": null`` for images saved by id."""
    try:
        return bool(_decode(content).manifests)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return bool((load_object(content) or {}).get("manifests"))


def read_saved(content: bytes) -> dict[str, list[Name]]:
    """Names by configuration, as the ``manifest.json`` of a ``docker save`` archive has them.

    Nothing where the document is another ``manifest.json``.

    Examples
    --------
    >>> list(read_saved(b'[{"Config": "blobs/sha256/%s", "RepoTags": ["web:1"]}]' % (b"ab" * 32)).values())
    [[Name(repository='web', tag='1')]]
    """
    listed = load(content)
    saved: dict[str, list[Name]] = {}
    for entry in map(mapping, listed if isinstance(listed, list) else []):
        config, tags = text(entry.get("Config")), entry.get("RepoTags")
        digest = ":".join(config.rpartition("blobs/")[2].split("/"))
        if is_digest(digest):
            names = tags if isinstance(tags, list) else []
            saved.setdefault(digest, []).extend(parse_reference(name) for name in names if isinstance(name, str))
    return saved


def inline_contents(entries: list[Entry], path: str, facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Digest and content of the entries that carry their content and whose content has the digest (descriptor.md)."""
    for entry in entries:
        data, algorithm = entry.data, entry.digest.partition(":")[0]
        if not isinstance(data, str) or not data or algorithm not in _HASHES or len(data) > 2 * MANIFEST_LIMIT:
            continue
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}" == entry.digest:
            yield entry.digest, content
        else:
            facts.problem("inline-data-differs", manifest=entry.digest, path=path)


def _list(value: object, path: str, facts: Facts) -> list[object]:
    if value is None or isinstance(value, list):
        return value or []
    facts.problem("layout-index-unreadable", path=path, detail=f"manifests is {show_value(value)}")
    return []


def _leniently(entry: object) -> _Entry:
    if not isinstance(entry, dict):
        return _Entry(entry)
    said = mapping(entry.get("annotations"))
    names = _Annotations(said.get("org.opencontainers.image.ref.name"), said.get("io.containerd.image.name"))
    return _Entry(entry.get("digest"), entry.get("mediaType"), entry.get("size"), entry.get("data"), names)


def _name(annotations: _Annotations | None) -> Name:
    """What an entry is called: containerd's full name is better than the bare tag that stands beside it."""
    if annotations is None:
        return NAMELESS
    ref, image = text(annotations.ref), text(annotations.image)
    named = parse_reference(ref) if ref else NAMELESS
    if not image:
        return named
    full = parse_reference(image)
    if not full.repository:  # "web" alone is a name here
        full = Name(full.tag, "latest")
    spoken = image.rpartition("@")[0] or image
    if ":" not in spoken.rpartition("/")[2] and named.tag and not named.repository:
        return Name(full.repository, named.tag)
    return full
