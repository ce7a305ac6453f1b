"""Manifests of every kind, parsed leniently into facts.

The media type written in a document, else its shape, says what it is: image-spec image-index.md and manifest.md (where
``mediaType`` may be absent), Distribution's manifeststore.go (how a server decides).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.manifests import media_types as mt
from regviz.manifests.json import Document, every, load_object, mapping, objects, text
from regviz.manifests.schema1 import Schema1Reader
from regviz.text import clean

if TYPE_CHECKING:
    from regviz.columns import Facts

_ATTESTATION = "attestation-manifest"
_REFERENCE_TYPE, _REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_SPILL_AFTER = 256


class ManifestReader:
    """Puts manifests into facts.

    Parameters
    ----------
    facts : Facts
        Where they go: `manifests`, `references`, `steps`, and what schema 1 carries itself into `configs`.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._schema1 = Schema1Reader(facts)
        self._count = len(facts.manifests)
        self._shapes: dict[tuple[object, ...], tuple[str, bool]] = {}
        steps = facts.steps
        names = ("manifest", "position", "digest", "media_type", "declared_bytes", "filesystem", "throwaway", "foreign")
        self._steps = tuple(steps.column(name).staged for name in names)

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
        if self._count % _SPILL_AFTER == 0:
            self._facts.spill()
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
            self._read_image(digest, document, said or mt.OCI_MANIFEST, urls=b'"urls"' in data)
        else:
            self._facts.problem("manifest-unknown", manifest=digest, detail=said or "no media type, no known shape")
            self._manifest(digest, None, said)

    def finish(self) -> None:
        """Say which digests were none; call it when all manifests were read."""
        facts = self._facts
        facts.spill(0)
        keys = facts.manifests["manifest"]
        for rows, names in (
            (facts.manifests, ("config", "subject")),
            (facts.references, ("child", "attests")),
            (facts.steps, ("digest",)),
        ):
            for name in names:
                malformed = rows.key(name).malformed
                for row, value in malformed:
                    manifest = row if rows is facts.manifests else int(rows["manifest"][row])
                    facts.problem(
                        "digest-malformed",
                        manifest=facts.keys.text(int(keys[manifest])),
                        detail=clean(repr(value)[:200]),
                    )
                malformed.clear()

    def _manifest(
        self,
        digest: str,
        kind: str | None,
        media_type: str,
        *,
        artifact_type: str | None = None,
        config: Document | None = None,
        subject: object = "",
        own_config: int = -1,
    ) -> int:
        config = config or {}
        self._facts.manifests.add(
            digest,
            kind,
            media_type,
            artifact_type,
            config.get("digest") if config else "",
            config.get("size"),
            config.get("mediaType"),
            subject,
            kind == "image" and own_config < 0,
            own_config,
        )
        self._count += 1
        return self._count - 1

    def _read_image(self, digest: str, document: Document, media_type: str, *, urls: bool) -> None:
        config = mapping(document.get("config"))
        layers = document.get("layers")
        if type(layers) is not list or {*map(type, layers)} - {dict}:
            layers = objects(layers)
        kinds = every(layers, "mediaType")
        asked = (config.get("mediaType"), document.get("artifactType"), *kinds)
        try:
            shape = self._shapes.get(asked)
        except TypeError:  # a media type that is a list or an object
            kinds = [text(kind) for kind in kinds]
            asked = (text(asked[0]), text(asked[1]), *kinds)
            shape = self._shapes.get(asked)
        if shape is None:
            said = [text(kind) for kind in asked]
            kind = mt.manifest_kind(said[0], said[1], frozenset(said[2:]))
            shape = self._shapes[asked] = (kind, any(mt.is_foreign(media) for media in said[2:]))
        kind, some_foreign = shape
        artifact_type = text(document.get("artifactType"))
        if not artifact_type and kind not in ("image", "attestation"):
            artifact_type = text(config.get("mediaType"))
        subject = document.get("subject")
        row = self._manifest(
            digest,
            kind,
            media_type,
            artifact_type=artifact_type,
            config=config,
            subject=subject.get("digest") if isinstance(subject, dict) else "",
        )
        self._add_steps(row, layers, kinds, filesystem=kind == "image", some_foreign=some_foreign or urls)
        if subject:
            self._refer_to_subject(row, document, 0)

    def _read_artifact(self, digest: str, document: Document) -> None:
        self._facts.problem("manifest-artifact-kind", manifest=digest)
        artifact_type = text(document.get("artifactType"))
        blobs = objects(document.get("blobs"))
        kinds = [text(blob.get("mediaType")) for blob in blobs]
        kind = mt.manifest_kind("", artifact_type, frozenset(kinds))
        row = self._manifest(
            digest,
            kind,
            mt.OCI_ARTIFACT,
            artifact_type=artifact_type,
            subject=mapping(document.get("subject")).get("digest", ""),
        )
        self._add_steps(row, blobs, kinds, filesystem=False, some_foreign=True)
        self._refer_to_subject(row, document, 0)

    def _add_steps(
        self, row: int, layers: list[Document], kinds: list[Any], *, filesystem: bool, some_foreign: bool
    ) -> None:
        count = len(layers)
        manifest, position, digest, media_type, size, on_stack, throwaway, foreign = self._steps
        manifest += [row] * count
        position += range(count)
        digest += every(layers, "digest")
        media_type += kinds
        size += every(layers, "size")
        on_stack += [filesystem] * count
        throwaway += [False] * count
        if some_foreign:
            foreign += [
                mt.is_foreign(text(kind)) or bool(layer.get("urls")) for layer, kind in zip(layers, kinds, strict=True)
            ]
        else:
            foreign += [False] * count

    def _read_index(self, digest: str, document: Document, media_type: str) -> None:
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

    def _read_schema1(self, digest: str, document: Document, media_type: str) -> None:
        known = media_type if media_type in (mt.SCHEMA1, mt.SCHEMA1_SIGNED) else ""
        config, steps = self._schema1.read(document)
        row = self._manifest(
            digest, "image", known or (mt.SCHEMA1_SIGNED if "signatures" in document else mt.SCHEMA1), own_config=config
        )
        for position, (blob, is_throwaway) in enumerate(steps):
            values = (row, position, blob, None, None, not is_throwaway, is_throwaway, False)
            for column, value in zip(self._steps, values, strict=True):
                column.append(value)

    def _refer_to_subject(self, row: int, document: Document, position: int) -> None:
        subject = document.get("subject")
        if isinstance(subject, dict):
            self._facts.references.add(
                row,
                position,
                subject.get("digest"),
                "subject",
                None,
                None,
                None,
                subject.get("mediaType"),
                "",
                subject.get("size"),
            )
