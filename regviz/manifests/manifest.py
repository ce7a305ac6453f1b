"""Manifests of every kind, parsed leniently into facts.

The media type written in a document, else its shape, says what it is: image-spec image-index.md and manifest.md (where
``mediaType`` may be absent), Distribution's manifeststore.go (how a server decides).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.columns import NO_NUMBER
from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, length, load_object, mapping, objects, optional_text, text
from regviz.manifests.schema1 import Schema1Reader
from regviz.pool import is_digest
from regviz.text import clean

if TYPE_CHECKING:
    from regviz.columns import Facts

_ATTESTATION = "attestation-manifest"
_REFERENCE_TYPE, _REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_SHA256_TEXT = 71


class ManifestReader:
    """Puts manifests into facts.

    Parameters
    ----------
    facts : Facts
        Where they go: `manifests`, `references`, `steps`, and what schema 1 carries itself into `configs`.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._name = facts.names.code
        self._schema1 = Schema1Reader(facts)
        steps = facts.steps
        self._add_step = (
            steps.number("manifest").append,
            steps.number("position").append,
            steps.key("digest").append,
            steps.number("media_type").append,
            steps.number("declared_bytes").append,
            steps.number("filesystem").append,
            steps.number("throwaway").append,
            steps.number("foreign").append,
        )
        self._rows = facts.manifests.number("kind")
        self._kinds: dict[tuple[object, ...], str] = {}

    def read(self, digest: str, data: bytes, media_type: str = "") -> None:
        """Take one manifest; what is wrong with it becomes problems.

        Parameters
        ----------
        digest : str
            What it lies under.
        data : bytes
            The document.
        media_type : str
            What a server or a descriptor called it, where the document itself does not say.
        """
        document = load_object(data)
        if document is None:
            self._facts.problem("manifest-unreadable", manifest=digest, detail=f"{len(data)} bytes")
            self._manifest(digest, None, media_type)
            return
        said = text(document.get("mediaType")) or media_type
        if document.get("schemaVersion") == 1 or "fsLayers" in document:
            self._read_schema1(digest, document, said)
        elif said in mt.INDEXES or (said not in mt.MANIFESTS and document.get("manifests") is not None):
            self._read_index(digest, document, said or mt.OCI_INDEX)
        elif said == mt.OCI_ARTIFACT or (not said and "blobs" in document and "config" not in document):
            self._read_artifact(digest, document)
        elif said in mt.MANIFESTS or "config" in document or "layers" in document:
            self._read_image(digest, document, said or mt.OCI_MANIFEST)
        else:
            self._facts.problem("manifest-unknown", manifest=digest, detail=said or "no media type, no known shape")
            self._manifest(digest, None, said)

    def _manifest(
        self,
        digest: str,
        kind: str | None,
        media_type: str,
        *,
        artifact_type: str | None = None,
        config: Document | None = None,
        subject: str = "",
        own_config: int = -1,
    ) -> int:
        config = config or {}
        name = self._name
        config_type = text(config.get("mediaType"))
        self._facts.manifests.add(
            digest,
            name(kind),
            name(clean(media_type) or None),
            name(clean(artifact_type) if artifact_type else None),
            self._digest(digest, config.get("digest")) if config else "",
            _number(config.get("size")),
            name(clean(config_type) or None),
            subject,
            int(kind == "image" and own_config < 0),
            own_config,
        )
        return len(self._rows) - 1

    def _read_image(self, digest: str, document: Document, media_type: str) -> None:
        config = mapping(document.get("config"))
        layers = objects(document.get("layers"))
        config_type, artifact_type = text(config.get("mediaType")), text(document.get("artifactType"))
        kinds = [text(layer.get("mediaType")) for layer in layers]
        asked = (config_type, artifact_type, *kinds)
        kind = self._kinds.get(asked)
        if kind is None:
            kind = self._kinds[asked] = mt.manifest_kind(config_type, artifact_type, frozenset(kinds))
        row = self._manifest(
            digest,
            kind,
            media_type,
            artifact_type=artifact_type or (config_type if kind not in ("image", "attestation") else None),
            config=config,
            subject=self._subject(digest, document),
        )
        self._add_steps(digest, row, layers, kinds, filesystem=kind == "image")
        self._refer_to_subject(row, document, 0)

    def _read_artifact(self, digest: str, document: Document) -> None:
        self._facts.problem("manifest-artifact-kind", manifest=digest)
        artifact_type = text(document.get("artifactType"))
        blobs = objects(document.get("blobs"))
        kinds = [text(blob.get("mediaType")) for blob in blobs]
        kind = mt.manifest_kind("", artifact_type, frozenset(kinds))
        row = self._manifest(
            digest, kind, mt.OCI_ARTIFACT, artifact_type=artifact_type or None, subject=self._subject(digest, document)
        )
        self._add_steps(digest, row, blobs, kinds, filesystem=False)
        self._refer_to_subject(row, document, 0)

    def _add_steps(self, digest: str, row: int, layers: list[Document], kinds: list[str], *, filesystem: bool) -> None:
        to_row, to_position, to_digest, to_type, to_bytes, to_filesystem, to_throwaway, to_foreign = self._add_step
        name = self._name
        for position, (layer, media_type) in enumerate(zip(layers, kinds, strict=True)):
            to_row(row)
            to_position(position)
            to_digest(self._digest(digest, layer.get("digest")))
            to_type(name(media_type) if media_type.isascii() else name(clean(media_type)))
            size = layer.get("size")
            to_bytes(size if type(size) is int and 0 <= size < 1 << 62 else NO_NUMBER)
            to_filesystem(filesystem)
            to_throwaway(0)
            to_foreign(mt.is_foreign(media_type) or bool(layer.get("urls")))

    def _read_index(self, digest: str, document: Document, media_type: str) -> None:
        entries = objects(document.get("manifests"))
        kinds = {text(entry.get("mediaType")) for entry in entries}
        is_cache = mt.BUILDKIT_CACHE in kinds
        artifact_type = optional_text(document.get("artifactType"))
        row = self._manifest(
            digest,
            "cache" if is_cache else "index",
            media_type,
            artifact_type=mt.BUILDKIT_CACHE if is_cache else artifact_type,
            subject=self._subject(digest, document),
        )
        name = self._name
        for position, entry in enumerate(entries):
            annotations = mapping(entry.get("annotations"))
            entry_type = text(entry.get("mediaType"))
            role, attests = "blob" if mt.is_blob(entry_type) else "child", ""
            if annotations.get(_REFERENCE_TYPE) == _ATTESTATION:
                role = "attestation"
                attests = self._digest(digest, annotations.get(_REFERENCE_DIGEST)) if _REFERENCE_DIGEST in annotations else ""
            child = self._digest(digest, entry.get("digest"))
            if child:
                platform = mapping(entry.get("platform"))
                self._facts.references.add(
                    row,
                    position,
                    child,
                    name(role),
                    *(name(_said(platform.get(key))) for key in ("os", "architecture", "variant")),
                    name(clean(entry_type) or None),
                    attests,
                    _number(entry.get("size")),
                )
        self._refer_to_subject(row, document, len(entries))

    def _read_schema1(self, digest: str, document: Document, media_type: str) -> None:
        known = media_type if media_type in (mt.SCHEMA1, mt.SCHEMA1_SIGNED) else ""
        config, steps = self._schema1.read(document)
        row = self._manifest(
            digest, "image", known or (mt.SCHEMA1_SIGNED if "signatures" in document else mt.SCHEMA1), own_config=config
        )
        for position, (blob, throwaway) in enumerate(steps):
            self._facts.steps.add(
                row, position, self._digest(digest, blob), -1, NO_NUMBER, int(not throwaway), int(throwaway), 0
            )

    def _subject(self, digest: str, document: Document) -> str:
        subject = document.get("subject")
        return self._digest(digest, subject.get("digest")) if isinstance(subject, dict) else ""

    def _refer_to_subject(self, row: int, document: Document, position: int) -> None:
        subject = mapping(document.get("subject"))
        target = text(subject.get("digest"))
        if target and is_digest(target):
            kind = self._name(clean(text(subject.get("mediaType"))) or None)
            self._facts.references.add(
                row, position, target, self._name("subject"), -1, -1, -1, kind, "", _number(subject.get("size"))
            )

    def _digest(self, manifest: str, value: Any) -> str:  # noqa: ANN401  # whatever the document holds
        """A digest as it is written; a malformed one becomes a problem and is left out."""
        if type(value) is str:
            if len(value) == _SHA256_TEXT and value.startswith("sha256:") and value.isascii() and value[7:].isalnum():
                return value if value[7:].islower() or value[7:].isdigit() or is_digest(value) else self._malformed(manifest, value)
            if is_digest(value):
                return value
        return self._malformed(manifest, value)

    def _malformed(self, manifest: str, value: object) -> str:
        self._facts.problem("digest-malformed", manifest=manifest, detail=clean(repr(value)[:200]))
        return ""


def _number(value: object) -> int:
    size = length(value)
    return size if size >= 0 else NO_NUMBER


def _said(value: object) -> str | None:
    said = optional_text(value)
    return clean(said) if said else None


