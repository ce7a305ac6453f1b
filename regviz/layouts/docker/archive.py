"""Archives of ``docker save`` from 1.10 on, of podman, skopeo, kaniko, crane and Bazel: those with a ``manifest.json``.

::

    manifest.json           [{"Config": …, "RepoTags": […] or null, "Layers": […], "LayerSources": {…}}]
    <hex>.json              a configuration, whose digest is the image ID; kaniko: sha256:<hex>; 25 and later: blobs/…
    <id>/layer.tar          a layer, or a link to one (1.10 to 24); <id>/json, <id>/VERSION for the sake of old engines
    <diff ID>.tar           a layer (podman, skopeo)
    <digest>.tar.gz         a compressed layer (kaniko, crane)
    blobs/sha256/<hex>      all of these (25 and later)
    repositories            the names once more, for old engines

Sources: moby image/tarexport/save.go, containers/image docker/internal/tarfile, go-containerregistry
pkg/v1/tarball/write.go.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.docker.configs import Configs
from regviz.layouts.docker.files import HEAD, compression
from regviz.layouts.docker.names import NO_NAME, split_reference
from regviz.manifests.json import load, load_object, mapping, objects, text
from regviz.manifests.manifest import ManifestReader
from regviz.pool import is_digest, is_v1_id
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from regviz.facts import Facts
    from regviz.layouts.common import Options
    from regviz.layouts.docker.files import Files
    from regviz.manifests.json import Document

MANIFEST, NAMES = b"manifest.json", b"repositories"
_METADATA = frozenset((MANIFEST, NAMES, b"index.json", b"oci-layout"))
_BLOB = re.compile(rb"blobs/([a-z0-9]+)/([0-9a-f]{64,128})")
_ADDRESSED = re.compile(rb"(?:sha256:)?([0-9a-f]{64})(?:\.json|\.tar|\.tar\.gz|\.tgz|\.tar\.zst)?")
_LAYER = re.compile(rb"([0-9a-f]{64}|[0-9a-f]{16})/layer\.tar")
_OLD = re.compile(rb"(?:[0-9a-f]{64}|[0-9a-f]{16})/(?:json|VERSION)")
_MOST_DOCUMENTS = 256 << 20
"""Bytes of files that are looked into for no more than that nothing refers to them."""


@dataclass(slots=True)
class Image:
    """An image as ``manifest.json`` lists it.

    Attributes
    ----------
    config : bytes
        Path of its configuration, as it is written.
    id : str
        The digest of its configuration.
    names : list of str
        ``RepoTags``.
    layers : list of bytes
        Paths, as they are written.
    sources : dict
        ``LayerSources``: descriptors by diff ID.
    """

    config: bytes
    id: str
    names: list[str]
    layers: list[bytes]
    sources: Document
    diff_ids: list[Any] = field(default_factory=list)


def digest_in_name(path: bytes) -> str:
    """The digest that a file says in its name; empty where it says none.

    Examples
    --------
    >>> digest_in_name(b"ab" * 32 + b".tar.gz")[:12], digest_in_name(b"blobs/sha256/" + b"cd" * 32)[:12]
    ('sha256:ababa', 'sha256:cdcdc')
    >>> digest_in_name(b"ab" * 32 + b"/layer.tar")
    ''
    """
    if match := _BLOB.fullmatch(path):
        digest = decode_name(match[1] + b":" + match[2])
        return digest if is_digest(digest) else ""
    match = _ADDRESSED.fullmatch(path)
    return f"sha256:{decode_name(match[1])}" if match else ""


def is_metadata(path: bytes) -> bool:
    """Whether a file of an archive holds names, or what is kept for old engines."""
    return path in _METADATA or _OLD.fullmatch(path) is not None


def expected(path: bytes) -> int:
    """How many bytes of a file are likely to be asked for: all of a document, the first of a layer."""
    if is_metadata(path) or (is_blob(path) and not path.endswith((b".tar", b".tar.gz", b".tgz", b".tar.zst"))):
        return MANIFEST_LIMIT
    return HEAD


def is_blob(path: bytes) -> bool:
    """Whether a file of an archive is by its name a layer or a configuration."""
    return bool(digest_in_name(path)) or _LAYER.fullmatch(path) is not None


class Archive:
    """Reads one archive into facts.

    Parameters
    ----------
    files : Files
    facts : Facts
    options : Options
    """

    def __init__(self, files: Files, facts: Facts, options: Options) -> None:
        self._files, self._facts, self._options = files, facts, options
        self.images: dict[str, Image] = {}
        self._compression: dict[bytes, str] = {}
        self._key_of: dict[bytes, str] = {}
        self._descriptor_of: dict[str, int] = {}
        self._manifest_of: dict[str, str] = {}
        self._strays: dict[bytes, bool] = {}

    def list_images(self) -> bool:
        """Take ``manifest.json``; False where it lists no image, as that of an archive before 1.10, which is none."""
        content = self._files.content(MANIFEST) if MANIFEST in self._files else None
        value = load(content) if content else None
        if MANIFEST in self._files and (value is None and content != b"null"):
            self._files.say("docker-names-unreadable", MANIFEST)
        for number, entry in enumerate(value if isinstance(value, list) else []):
            config = text(entry.get("Config")) if isinstance(entry, dict) else ""
            if not config:
                shown = f"entry {number} names no configuration"
                self._files.say("docker-image-malformed", MANIFEST, shown)
                continue
            path = config.encode("utf-8", "backslashreplace")
            names = [clean(name) for name in _list(entry.get("RepoTags")) if isinstance(name, str)]
            layers = [text(layer).encode("utf-8", "backslashreplace") for layer in _list(entry.get("Layers"))]
            image = Image(path, self._image_id(path), names, layers, mapping(entry.get("LayerSources")))
            if image.id in self.images:  # saved twice, by two of its names
                self.images[image.id].names += names
            self.images.setdefault(image.id, image)
        return bool(self.images)

    def _image_id(self, path: bytes) -> str:
        """The digest of a configuration: as its file's name says, else hashed."""
        digest = digest_in_name(path)
        if not digest:
            content = self._files.content(path)
            digest = "sha256:" + hashlib.sha256(path if content is None else content).hexdigest()
        return digest

    def read(self) -> None:
        """Read the configurations, and the first bytes of layers; then put everything into facts."""
        self._read_files()
        self._read_manifests()
        for image in self.images.values():
            self._name_layers(image)
            if image.id not in self._manifest_of and self._files.resolve(image.config):
                self._put_image(image)
        self._put_names()
        self._put_stored()

    # --- what the files say

    def _read_files(self) -> None:
        reader = Configs(self._facts, self._options)
        configs: dict[bytes, list[Image]] = {}
        for image in self.images.values():
            path = self._files.resolve(image.config)
            if not path:
                self._facts.problem("config-missing", manifest=image.id, blob=image.id)
            elif reader.fits(image.id, self._files[path].size):
                configs.setdefault(path, []).append(image)
        resolve = self._files.resolve
        layers = {path for image in self.images.values() for layer in image.layers if (path := resolve(layer))}
        strays = self._find_strays(configs.keys() | {resolve(image.config) for image in self.images.values()} | layers)
        wanted = [(path, MANIFEST_LIMIT) for path in configs] + [(path, HEAD) for path in layers.difference(configs)]
        first_stray = len(wanted)
        wanted += [(path, MANIFEST_LIMIT) for path in strays]
        with self._options.progress("files", len(wanted)) as tick:
            for number, data in self._files.read(wanted):
                path = wanted[number][0]
                tick(1)
                if number >= first_stray:
                    self._strays[path] = data is not None and self._is_kept_for_old_engines(path, data)
                elif number >= len(configs):
                    self._compression[path] = compression(data or b"")
                else:
                    for image in configs[path]:
                        image.diff_ids = reader.read(image.id, data)

    def _find_strays(self, used: set[bytes]) -> list[bytes]:
        """Blobs that no image uses; what else nobody uses is said here. Returns those to look into."""
        strays, total = [], 0
        for path, file in self._files.files.items():
            if path in used or is_metadata(path):
                continue
            if not is_blob(path):
                self._files.say("foreign-file", path)
                continue
            self._strays[path] = False
            total += file.size if _BLOB.fullmatch(path) and file.size <= MANIFEST_LIMIT else 0
            if _BLOB.fullmatch(path) and file.size <= MANIFEST_LIMIT and total <= _MOST_DOCUMENTS:
                strays.append(path)
        return strays

    def _is_kept_for_old_engines(self, path: bytes, data: bytes) -> bool:
        """Whether a blob only repeats a layer's ``<id>/json``; one that is an image's manifest is taken for it."""
        document = load_object(data) if data[:1] == b"{" else None
        if document is None:
            return False
        config = mapping(document.get("config")).get("digest")
        if isinstance(config, str) and config in self.images and document.get("schemaVersion") == 2:
            self._manifest_of.setdefault(config, digest_in_name(path))
            return False
        return is_v1_id(text(document.get("id"))) and "rootfs" not in document

    def _read_manifests(self) -> None:
        """Read manifests where the archive has them: 25.0 does, and lists none for images without a name."""
        reader = ManifestReader(self._facts)
        paths = {digest_in_name(path): path for path in self._strays}
        wanted = [(paths[digest], MANIFEST_LIMIT) for digest in self._manifest_of.values()]
        for number, data in self._files.read(wanted):
            if data:
                reader.read(digest_in_name(wanted[number][0]), data)
        reader.finish()

    # --- what goes into facts

    def _name_layers(self, image: Image) -> None:
        """Give each layer file its key: its digest, as far as that is known.

        What is not compressed has its diff ID for its digest. What is has the one that its name or its source says;
        a name that only repeats the diff ID says none.
        """
        paired = len(image.diff_ids) == len(image.layers)
        for at, layer in enumerate(image.layers):
            path = self._files.resolve(layer) or layer
            if path in self._key_of:
                continue
            diff_id = text(image.diff_ids[at]) if paired else ""
            if not is_digest(diff_id):
                diff_id = ""
            said = digest_in_name(path)
            if self._compression.get(path, "none") == "none":
                key = diff_id or said
            else:
                source = text(mapping(image.sources.get(diff_id)).get("digest"))
                known = [digest for digest in (said, source) if digest != diff_id and is_digest(digest)]
                key = known[0] if known else ""
            self._key_of[path] = key or self._nameless(path)

    def _nameless(self, path: bytes) -> str:
        match = _LAYER.fullmatch(path)
        key = f"v1:{decode_name(match[1])}" if match else f"file:{hashlib.sha256(path).hexdigest()}"
        self._facts.nameless.add(key, "")
        return key

    def _put_image(self, image: Image) -> None:
        facts = self._facts
        sources = {text(source.get("digest")): source for source in objects([*image.sources.values()])}
        for layer in image.layers:
            key = self._key_of[self._files.resolve(layer) or layer]
            row = self._descriptor_of.get(key)
            if row is None:
                source = sources.get(key, {})
                media_type = text(source.get("mediaType")) or None
                facts.descriptors.add(key, media_type, source.get("size"), bool(source.get("urls")), 0)
                row = self._descriptor_of[key] = facts.descriptors.numbers(1)[0]
            facts.steps.add(row)
        facts.manifests.add(image.id, "image", None, None, image.id, None, None, "", 1, -1, len(image.layers))
        facts.manifests.numbers(1)

    def _put_names(self) -> None:
        facts = self._facts
        rows: dict[str, int] = {}
        tagged: dict[tuple[str, str], str] = {}
        put: set[tuple[str, str]] = set()
        roots: set[tuple[int, str]] = set()

        def root(name: str, manifest: str) -> int:
            if name not in rows:
                rows[name] = facts.repository(name, name)
            if (rows[name], manifest) not in roots:
                roots.add((rows[name], manifest))
                facts.revisions.add(rows[name], manifest, "ok", NO_TIME, 1)
            return rows[name]

        for image in self.images.values():
            manifest = self._manifest_of.get(image.id, image.id)
            for reference in image.names:
                name, tag = split_reference(reference)
                row = root(name or NO_NAME, manifest)
                if not name or not tag:
                    facts.problem("docker-name-malformed", manifest=manifest, detail=reference)
                elif tagged.setdefault((name, tag), manifest) != manifest:
                    facts.problem("docker-name-twice", repository=name, manifest=manifest, detail=f"tag {tag}")
                elif (name, tag) not in put:
                    put.add((name, tag))
                    facts.tags.add(row, tag, manifest, NO_TIME, "ok")
                    facts.tag_history.add(row, tag, manifest, NO_TIME, 1)
            if not image.names:
                root(NO_NAME, manifest)
        self._compare_names(put)

    def _compare_names(self, tagged: set[tuple[str, str]]) -> None:
        """Say what ``repositories`` names and ``manifest.json`` does not."""
        content = self._files.content(NAMES) if NAMES in self._files else None
        if content is None:
            return
        document = load_object(content)
        if document is None:
            self._files.say("docker-names-unreadable", NAMES)
        for name, tags in (document or {}).items():
            for tag in mapping(tags):
                if (clean(name), clean(tag)) not in tagged:
                    self._facts.problem("docker-names-differ", detail=clean(f"{name}:{tag}"))

    def _put_stored(self) -> None:
        """The files, as blobs: configurations, layers, and what nothing refers to."""
        keys: dict[bytes, tuple[str, str | None]] = {}
        for image in self.images.values():
            if path := self._files.resolve(image.config):
                keys[path] = (image.id, None)
        for path, key in self._key_of.items():
            if path in self._files:
                keys.setdefault(path, (key, self._compression.get(path)))
        for path, is_kept in self._strays.items():
            if not is_kept:
                keys.setdefault(path, (digest_in_name(path) or self._nameless(path), None))
        stored, met = self._facts.stored, set()
        inodes: set[int] = set()
        for path, (key, squeezed) in keys.items():
            file = self._files[path]
            if (key, file.identity) in met and file.identity >= 0:
                continue  # a hard link is no copy
            met.add((key, file.identity))
            allocated = 0 if file.identity in inodes and file.allocated != NO_NUMBER else file.allocated
            inodes.add(file.identity)
            stored.add(key, file.size, allocated, NO_TIME, squeezed)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
