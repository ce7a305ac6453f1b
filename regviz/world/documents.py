"""Descriptions as manifests: the bytes a client would push, and what it has to push before them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.world.compress import GZIP_OF_EMPTY_TAR
from regviz.world.describe import Artifact, Image, Index
from regviz.world.encode import digest, go_json, go_time
from regviz.world.v1_json import DOCKER_0_9, v1_images

if TYPE_CHECKING:
    from regviz.world.describe import Content, Layer

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"

_DOCKER_LAYER = {
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "stored": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "none": "application/vnd.docker.image.rootfs.diff.tar",
}
_DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
_OCI_LAYER = {"gzip": "+gzip", "stored": "+gzip", "zstd": "+zstd", "none": ""}


@dataclass(frozen=True)
class Upload:
    """A blob as a manifest names it; ``data`` is None where no client would push it."""

    digest: str
    data: bytes | None


@dataclass(frozen=True)
class Document:
    """A manifest as bytes.

    Attributes
    ----------
    media_type : str
        As the client says when it pushes; also where the bytes themselves do not say it.
    data : bytes
        As the server stores them: schema 1 without signatures.
    uploads : tuple of Upload
        The config and the layers, in the order they are pushed.
    children : tuple of Document
        What an index lists, in its order.
    """

    media_type: str
    data: bytes
    uploads: tuple[Upload, ...] = ()
    children: tuple[Document, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest(self.data)

    def descriptor(self) -> dict[str, Any]:
        """How another manifest names this one."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


def document(content: Content, repository: str = "", tag: str = "") -> Document:
    """The manifest of a description.

    Parameters
    ----------
    content : Image, Index or Artifact
    repository, tag : str
        Where it is pushed to; schema 1 writes both into the manifest, the others ignore them.

    Raises
    ------
    RegvizError
        If the description asks for what its manifest format cannot say.
    """
    if isinstance(content, Index):
        return _index(content, repository)
    if isinstance(content, Artifact):
        return _artifact(content)
    if content.format == "schema1":
        return _schema1(content, repository, tag)
    return _image(content)


def image_config(image: Image) -> bytes:
    """An image's configuration, the bytes whose digest is the image ID.

    Notes
    -----
    OCI image specification, config.md; keys in alphabetical order, as docker writes them.
    """
    config: dict[str, Any] = {
        "architecture": image.architecture,
        "author": image.author,
        "config": image.config,
        "created": go_time(image.created),
        "history": [_history(layer) for layer in image.layers],
        "os": image.os,
        "os.version": image.os_version,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in image.filesystem_layers]},
        "variant": image.variant,
    }
    return go_json({key: value for key, value in config.items() if value or key == "config"})


def _history(layer: Layer) -> dict[str, Any]:
    step = {
        "created": go_time(layer.created),
        "created_by": layer.created_by,
        "author": layer.author,
        "comment": layer.comment,
        "empty_layer": layer.empty,
    }
    return {key: value for key, value in step.items() if value}


def _image(image: Image) -> Document:
    docker = image.format == "schema2"
    config = image_config(image)
    layers = [_layer_descriptor(image, layer) for layer in image.filesystem_layers]
    media_type = SCHEMA2 if docker else OCI_MANIFEST
    manifest: dict[str, Any] = {"schemaVersion": 2}
    if image.format != "oci-untyped":
        manifest["mediaType"] = media_type
    manifest["config"] = _descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, config, image.algorithm)
    manifest["layers"] = layers
    if docker and (image.subject or image.annotations):
        message = "a schema 2 manifest has no subject and no annotations; describe the image with format='oci'"
        raise RegvizError(message)
    _add_references(manifest, image)
    uploads = [
        Upload(descriptor["digest"], None if layer.urls else layer.blob)
        for descriptor, layer in zip(layers, image.filesystem_layers, strict=True)
    ]
    uploads.append(Upload(manifest["config"]["digest"], config))
    return Document(media_type, go_json(manifest, indent=3 if docker else None), tuple(uploads))


def _layer_descriptor(image: Image, layer: Layer) -> dict[str, Any]:
    if image.format != "schema2":
        distributable = "nondistributable." if layer.urls else ""
        media_type = f"application/vnd.oci.image.layer.{distributable}v1.tar{_OCI_LAYER[layer.compression]}"
    elif layer.compression not in _DOCKER_LAYER:
        message = f"a schema 2 manifest has no {layer.compression} layers; describe the image with format='oci'"
        raise RegvizError(message)
    else:
        media_type = _DOCKER_FOREIGN_LAYER if layer.urls else _DOCKER_LAYER[layer.compression]
    descriptor = _descriptor(media_type, layer.blob, image.algorithm)
    return descriptor | {"urls": list(layer.urls)} if layer.urls else descriptor


def _descriptor(media_type: str, data: bytes, algorithm: str = "sha256") -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data, algorithm), "size": len(data)}


def _add_references(manifest: dict[str, Any], content: Content) -> None:
    if content.subject is not None:
        manifest["subject"] = document(content.subject).descriptor()
    if content.annotations:
        manifest["annotations"] = dict(content.annotations)


def _artifact(artifact: Artifact) -> Document:
    blobs = [*artifact.layers, artifact.config]
    descriptors = [
        _descriptor(blob.media_type, blob.data) | ({"annotations": dict(blob.annotations)} if blob.annotations else {})
        for blob in blobs
    ]
    manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    if artifact.artifact_type:
        manifest["artifactType"] = artifact.artifact_type
    manifest["config"] = descriptors[-1]
    manifest["layers"] = descriptors[:-1]
    _add_references(manifest, artifact)
    uploads = tuple(Upload(digest(blob.data), blob.data) for blob in blobs)
    return Document(OCI_MANIFEST, go_json(manifest), uploads)


def _index(index: Index, repository: str) -> Document:
    docker = index.format == "list"
    children = [document(child.content, repository) for child in index.children]
    entries = []
    for child, described in zip(children, index.children, strict=True):
        entry = child.descriptor()
        if isinstance(described.content, Artifact) and described.content.artifact_type:
            entry["artifactType"] = described.content.artifact_type
        if described.annotations:
            entry["annotations"] = dict(described.annotations)
        if described.platform:
            entry["platform"] = dict(described.platform)
        entries.append(entry)
    media_type = LIST if docker else OCI_INDEX
    manifest: dict[str, Any] = {"schemaVersion": 2}
    if index.format != "oci-untyped":
        manifest["mediaType"] = media_type
    manifest["manifests"] = entries
    _add_references(manifest, index)
    return Document(media_type, go_json(manifest, indent=3 if docker else None), children=tuple(children))


def _schema1(image: Image, repository: str, tag: str) -> Document:
    """The manifest docker 1.6 to 1.9 pushed: top layer first, every step with a v1 image's JSON."""
    records = v1_images(image, DOCKER_0_9)
    blobs = [GZIP_OF_EMPTY_TAR if record.layer.empty else record.layer.blob for record in records]
    manifest = {
        "schemaVersion": 1,
        "name": repository,
        "tag": tag,
        "architecture": image.architecture,
        "fsLayers": [{"blobSum": digest(blob)} for blob in reversed(blobs)],
        "history": [{"v1Compatibility": record.json.decode()} for record in reversed(records)],
    }
    uploads = tuple(Upload(digest(blob), blob) for blob in dict.fromkeys(blobs))
    return Document(SCHEMA1, go_json(manifest, indent=3), uploads)
