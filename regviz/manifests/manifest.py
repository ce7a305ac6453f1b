"""Manifests of every kind, parsed leniently into facts.

The media type written in a document, else its shape, says what it is: image-spec image-index.md and manifest.md (where
``mediaType`` may be absent), Distribution's manifeststore.go (how a server decides).
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from regviz.manifests import media_types as mt
from regviz.manifests.batches import batches, together
from regviz.manifests.found import left_out, look_through
from regviz.manifests.json import Document, load_object, mapping, objects, text
from regviz.manifests.layers import Layers
from regviz.manifests.memo import Memo, decode_deep, decoding
from regviz.manifests.schema1 import Schema1Reader
from regviz.native.documents import ANYTHING, MISSING, Members
from regviz.text import show_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from regviz.columns import Key
    from regviz.facts import Facts
    from regviz.manifests.found import Found
    from regviz.manifests.layers import Types
    from regviz.native import Texts

    Flags = NDArray[np.bool_]

_ATTESTATION = "attestation-manifest"
_REFERENCE_TYPE, _REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"

_DIGESTS = (
    ("manifests", "config"),
    ("manifests", "subject"),
    ("references", "child"),
    ("references", "attests"),
    ("descriptors", "digest"),
)
"""Where digests stand that documents write."""
_SPILL_AFTER = 256  # documents that come one by one
_PLAIN = frozenset((mt.SCHEMA2, mt.OCI_MANIFEST))
_VERSION = 2  # schemaVersion of all but schema 1, and of artifact manifests, which have none
_ARRAY = (b"", b"[")
_WANTED = Members(
    {"schemaVersion": "2", "mediaType": '"', "layers": MISSING + "["}
    | dict.fromkeys(("artifactType", "subject", "fsLayers"), MISSING)
    | {"config": "{", "config/digest": '"', "config/size": ANYTHING, "config/mediaType": ANYTHING},
    ("layers",),
)


class _Descriptor(msgspec.Struct, gc=False):
    digest: Any = None
    size: Any = None
    mediaType: Any = None  # noqa: N815  # the specification's own name


_NO_CONFIG = _Descriptor("")
_WITHOUT_ARTIFACT_TYPE = ("image", "attestation")


class _Manifest(msgspec.Struct, gc=False):
    """A manifest of an image as nearly all are: all else in it is passed over, layers are looked at once."""

    schemaVersion: Any = None  # noqa: N815
    mediaType: Any = None  # noqa: N815
    artifactType: Any = None  # noqa: N815
    config: _Descriptor = msgspec.field(default_factory=_Descriptor)
    layers: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    subject: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    fsLayers: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)  # noqa: N815

    def is_plain(self) -> bool:
        """Whether it is what its media type says, without anything that needs the whole document."""
        return (
            self.mediaType in _PLAIN
            and type(self.config.digest) is str
            and type(self.schemaVersion) is int
            and self.schemaVersion == _VERSION
            and not self.artifactType
            and not bytes(self.subject)
            and not bytes(self.fsLayers)
            and bytes(self.layers)[:1] in _ARRAY
        )


class ManifestReader:
    """Puts manifests into facts.

    Parameters
    ----------
    facts : Facts
        Where they go: `manifests`, `references`, `descriptors`, `steps`, and what schema 1 carries itself into
        `configs`.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts, self._stage = facts, facts.manifests.stage
        self._schema1 = Schema1Reader(facts)
        self._decode = msgspec.json.Decoder(_Manifest).decode
        self._layers = Layers(facts)
        self._types = Memo()
        self._type_texts: dict[int, str] = {-1: ""}

    def read(self, digest: Key, data: bytes, media_type: str = "") -> None:
        """Take one manifest; what is wrong with it becomes problems.

        Parameters
        ----------
        digest : str or int
            What it lies under, or the code of that key.
        data : bytes
            The document.
        media_type : str
            What a server or a descriptor called it, where the document itself does not say.
        """
        if self._facts.manifests.numbered % _SPILL_AFTER == 0:
            self._facts.spill()
        self._take([(digest, data)], media_type)

    def read_many(self, documents: Iterable[tuple[Key, bytes]]) -> None:
        """Take manifests as :meth:`read` takes one; each of many costs half as much."""
        for some in batches(documents):
            self._take(some)
            self._facts.spill()

    def read_texts(self, keys: Sequence[Key], texts: Texts) -> None:
        """Take manifests that stand in one text. The library of :mod:`regviz.native` is there."""
        found, good = look_through(texts, _WANTED)
        found = found.only(good)
        good[good] = plain = self._is_plain(found)
        self._add_found([*compress(keys, good)], found.only(plain))
        if others := left_out(keys, texts, good):
            self._decode_each(others)
            self._facts.spill()

    def _take(self, documents: list[tuple[Key, bytes]], media_type: str = "") -> None:
        if not media_type and (texts := together(documents)) is not None:
            self.read_texts(*texts)
        else:
            self._decode_each(documents, media_type)

    def _decode_each(self, documents: list[tuple[Key, bytes]], media_type: str = "") -> None:
        plain: list[tuple[Key, _Manifest]] = []
        others = []
        for digest, data in documents:
            manifest = self._plain(data)
            if manifest is None:
                others.append((digest, data))
            else:
                plain.append((digest, manifest))
        counts, types = self._layers.add_raw([bytes(manifest.layers) for _, manifest in plain])
        for (digest, manifest), count, of_layers in zip(plain, counts, types, strict=True):
            self._stage(self._image(digest, manifest.mediaType, manifest.config, count, of_layers))
        self._facts.manifests.numbers(len(plain))
        for digest, data in others:
            self._read_document(digest, data, media_type)

    def _is_plain(self, found: Found) -> Flags:
        """Which manifests are of an image as nearly all are; see :meth:`_Manifest.is_plain`."""
        types, version = self._type_codes(found, "mediaType"), found.bounds("schemaVersion")
        known = [code for code, said in self._type_texts.items() if said in _PLAIN]
        plain: Flags = np.isin(types, known) & (version.ends - version.starts == len("2"))
        return plain

    def _type_codes(self, found: Found, *paths: str) -> NDArray[np.int32]:
        return self._types.of(found.text, found.bounds(*paths), decoding(self._add_types))

    def _add_types(self, values: list[Any]) -> NDArray[np.int32]:
        codes = self._facts.names.codes(values)
        self._type_texts |= {code: value for code, value in zip(codes.tolist(), values, strict=True) if code >= 0}
        return codes

    def _add_found(self, keys: list[Key], found: Found) -> None:
        """Take manifests that were looked through: texts that are known are not made again."""
        manifests, names = self._facts.manifests, self._facts.names
        media_types, config_types = self._type_codes(found, "mediaType", "config/mediaType").reshape(2, -1)
        counts, sets, types = self._layers.add_found(found.text, found.listed["layers"])
        different, place = np.unique(config_types * np.int64(len(types)) + sets, return_inverse=True)
        asked = [divmod(pair, len(types)) for pair in different.tolist()]
        said = [self._layers.kind(self._type_texts[code], "", types[one]) for code, one in asked]
        artifact_types = [
            -1 if kind in _WITHOUT_ARTIFACT_TYPE else code for kind, (code, _) in zip(said, asked, strict=True)
        ]
        nothing = np.full(len(keys), -1, np.int32)
        manifests.column("manifest").extend(keys)
        digests, are_digests = found.digests("config/digest")
        if are_digests.all():
            manifests.key("config").extend_raw(digests)
        else:
            manifests.column("config").extend(found.values("config/digest"))
        numbers: dict[str, NDArray[Any]] = {
            "kind": np.array([names.code(kind) for kind in said], np.int32)[place],
            "media_type": media_types,
            "artifact_type": np.array(artifact_types, np.int32)[place],
            "config_bytes": found.sizes("config/size"),
            "config_media_type": config_types,
            "subject": nothing,
            "image": np.array([kind == "image" for kind in said], np.int8)[place],
            "own_config": nothing,
            "step_count": counts,
        }
        for name, values in numbers.items():
            manifests.column(name).extend_numbers(values)
        manifests.numbers(len(keys))

    def _plain(self, data: bytes) -> _Manifest | None:
        try:
            manifest = decode_deep(self._decode, data)
            return manifest if manifest.is_plain() else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError):
            return None

    def _read_document(self, digest: Key, data: bytes, media_type: str) -> None:
        document = load_object(data)
        if document is None:
            self._facts.problem("manifest-unreadable", manifest=digest, detail=f"{len(data)} bytes")
            self._manifest(digest, None, media_type)
            return
        said = text(document.get("mediaType")) or media_type
        if document.get("schemaVersion") == 1 or "fsLayers" in document:
            self._read_schema1(digest, document, said)
            return
        if said in mt.INDEXES or (said not in mt.MANIFESTS and document.get("manifests") is not None):
            self._read_index(digest, document, said or mt.OCI_INDEX)
        elif said == mt.OCI_ARTIFACT or (not said and "blobs" in document and "config" not in document):
            self._read_artifact(digest, document)
        elif said in mt.MANIFESTS or "config" in document or "layers" in document:
            self._read_image(digest, document, said or mt.OCI_MANIFEST)
        else:
            self._facts.problem("manifest-unknown", manifest=digest, detail=said or "no media type, no known shape")
            self._manifest(digest, None, said)
            return
        self._hold_to_specification(digest, document, said)

    def _hold_to_specification(self, digest: Key, document: Document, media_type: str) -> None:
        """Say what keeps servers from reading a document that can be read all the same."""
        version = document.get("schemaVersion")
        is_artifact = media_type == mt.OCI_ARTIFACT or "blobs" in document  # these have none
        if media_type and media_type not in mt.MANIFESTS:
            self._facts.problem("manifest-unknown", manifest=digest, detail=media_type)
        elif (type(version) is not int or version != _VERSION) and not is_artifact:
            self._facts.problem("manifest-version", manifest=digest, detail=f"schemaVersion {show_value(version)}")

    def finish(self) -> None:
        """Say which digests were none; call it when all manifests were read."""
        facts = self._facts
        facts.spill(0)
        keys = facts.manifests["manifest"]
        for rows, name in _DIGESTS:
            malformed = getattr(facts, rows).key(name).malformed
            for (_, value), manifests in zip(malformed, self._manifests_with(rows, malformed), strict=True):
                shown = show_value(value)
                for manifest in manifests:
                    facts.problem("digest-malformed", manifest=facts.keys.text(int(keys[manifest])), detail=shown)
            malformed.clear()

    def _manifests_with(self, rows: str, malformed: list[tuple[int, object]]) -> list[list[int]]:
        """The manifests that each of some rows belongs to; of a descriptor these may be many."""
        facts, numbers = self._facts, np.array([row for row, _ in malformed], np.int64)
        if rows == "manifests" or not malformed:
            return [[number] for number in numbers.tolist()]
        if rows == "references":
            return [[manifest] for manifest in facts.references["manifest"][numbers].tolist()]
        steps, beyond = facts.steps["descriptor"], np.cumsum(facts.manifests["step_count"])
        order = np.argsort(steps, kind="stable")  # searched once for all: there may be as many of them as steps
        sides = (np.searchsorted(steps, numbers, side, order).tolist() for side in ("left", "right"))
        return [
            np.searchsorted(beyond, order[first:last], "right").tolist() for first, last in zip(*sides, strict=True)
        ]

    def _manifest(
        self,
        digest: Key,
        kind: str | None,
        media_type: str,
        *,
        artifact_type: str | None = None,
        subject: object = "",
        own_config: int = -1,
        step_count: int = 0,
    ) -> int:
        read_config = kind == "image" and own_config < 0
        row = (digest, kind, media_type, artifact_type, "", None, None, subject, read_config, own_config, step_count)
        self._stage(row)
        return self._facts.manifests.numbers(1)[0]

    def _image(
        self,
        digest: Key,
        media_type: str,
        config: _Descriptor | None,
        step_count: int,
        types: Types,
        artifact_type: str = "",
        subject: object = "",
    ) -> tuple[object, ...]:
        """A row of `manifests`, for what has a configuration and layers."""
        config = config or _NO_CONFIG
        config_type = text(config.mediaType)
        kind = self._layers.kind(config_type, artifact_type, types)
        if not artifact_type and kind not in _WITHOUT_ARTIFACT_TYPE:
            artifact_type = config_type
        return (
            digest,
            kind,
            media_type,
            artifact_type,
            config.digest,
            config.size,
            config.mediaType,
            subject,
            kind == "image",
            -1,
            step_count,
        )

    def _add_image(self, *said: Any) -> int:
        self._stage(self._image(*said))
        return self._facts.manifests.numbers(1)[0]

    def _read_image(self, digest: Key, document: Document, media_type: str) -> None:
        config, subject = mapping(document.get("config")), document.get("subject")
        row = self._add_image(
            digest,
            media_type,
            _Descriptor(config.get("digest"), config.get("size"), config.get("mediaType")) if config else None,
            *self._layers.add(objects(document.get("layers"))),
            text(document.get("artifactType")),
            subject.get("digest") if isinstance(subject, dict) else "",
        )
        self._refer_to_subject(row, document, 0)

    def _read_artifact(self, digest: Key, document: Document) -> None:
        self._facts.problem("manifest-artifact-kind", manifest=digest)
        subject = mapping(document.get("subject")).get("digest", "")
        blobs = self._layers.add(objects(document.get("blobs")))
        row = self._add_image(digest, mt.OCI_ARTIFACT, None, *blobs, text(document.get("artifactType")), subject)
        self._refer_to_subject(row, document, 0)

    def _read_index(self, digest: Key, document: Document, media_type: str) -> None:
        entries = objects(document.get("manifests"))
        is_cache = mt.BUILDKIT_CACHE in [text(entry.get("mediaType")) for entry in entries]
        row = self._manifest(
            digest,
            "cache" if is_cache else "index",
            media_type,
            artifact_type=mt.BUILDKIT_CACHE if is_cache else text(document.get("artifactType")),
            subject=mapping(document.get("subject")).get("digest", ""),
        )
        for position, entry in enumerate(entries):
            annotations = mapping(entry.get("annotations"))
            entry_type = text(entry.get("mediaType"))
            role: str = "blob" if mt.is_blob(entry_type) else "child"
            attests: object = ""
            if annotations.get(_REFERENCE_TYPE) == _ATTESTATION:
                role, attests = "attestation", annotations.get(_REFERENCE_DIGEST, "")
            platform = mapping(entry.get("platform"))
            self._facts.references.add(
                row,
                position,
                entry.get("digest"),
                role,
                *(platform.get(key) for key in ("os", "architecture", "variant")),
                entry_type,
                attests,
                entry.get("size"),
            )
        self._refer_to_subject(row, document, len(entries))

    def _read_schema1(self, digest: Key, document: Document, media_type: str) -> None:
        known = media_type if media_type in (mt.SCHEMA1, mt.SCHEMA1_SIGNED) else ""
        config, steps = self._schema1.read(document)
        self._manifest(
            digest,
            "image",
            known or (mt.SCHEMA1_SIGNED if "signatures" in document else mt.SCHEMA1),
            own_config=config,
            step_count=self._layers.add_schema1(steps),
        )

    def _refer_to_subject(self, row: int, document: Document, position: int) -> None:
        subject = document.get("subject")
        if isinstance(subject, dict):
            named, kind, size = map(subject.get, ("digest", "mediaType", "size"))
            self._facts.references.add(row, position, named, "subject", None, None, None, kind, "", size)
