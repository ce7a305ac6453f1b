"""What the registry's own API and tools say about all that was pushed: the oracle of the reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.real.distribution import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA_1_SIGNED,
    ServedManifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.content import Content, Place
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

IMAGE_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")


@dataclass(slots=True)
class Answers:
    """Everything the API answers."""

    catalog: list[str]
    tags: dict[Place, str] = field(default_factory=dict)
    """Tag → digest of its manifest."""
    manifests: dict[Place, ServedManifest] = field(default_factory=dict)
    """Manifest by repository and digest."""
    blob_bytes: dict[str, int] = field(default_factory=dict)
    configs: dict[str, Any] = field(default_factory=dict)
    """Manifest → configuration of the image, as skopeo reads it."""
    known: dict[str, ServedManifest] = field(default_factory=dict)
    """Every manifest by its digest: those that are served, and those that were until they were deleted."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Manifest → what it is."""

    def of_type(self, *media_types: str) -> dict[str, ServedManifest]:
        """Manifests of these media types by digest."""
        return {digest: served for digest, served in self.known.items() if served.media_type in media_types}

    def descriptors(self) -> Iterator[Any]:
        """Every descriptor in every manifest."""
        for served in self.known.values():
            document = served.document
            for part in ("manifests", "layers"):
                yield from document.get(part, [])
            for part in ("config", "subject"):
                if part in document:
                    yield document[part]

    def filesystem_images(self) -> Iterator[tuple[str, Any]]:
        """Manifests whose layers are filesystem layers, each with its configuration."""
        for digest, config in self.configs.items():
            if self.kinds[digest] == "image":
                yield digest, config

    def images(self) -> dict[str, ServedManifest]:
        """Manifests with an image configuration."""
        return self.of_type(OCI_MANIFEST, DOCKER_MANIFEST)

    def indexes(self) -> dict[str, ServedManifest]:
        return self.of_type(OCI_INDEX, DOCKER_LIST)

    def schema_1(self) -> dict[str, ServedManifest]:
        return self.of_type(SCHEMA_1_SIGNED)


def ask_everything(server: DistributionServer, skopeo: Skopeo, content: Content) -> Answers:
    """Walk from the catalog to every tag, manifest, child, configuration and layer."""
    answers = Answers(server.catalog())
    for repository in answers.catalog:
        for tag in server.tags(repository):
            served = server.manifest(repository, tag)
            answers.tags[repository, tag] = served.digest
            _walk(server, repository, served, answers)
    for repository, digest in content.untagged:
        _walk(server, repository, server.manifest(repository, digest), answers)
    for (repository, digest), served in answers.manifests.items():
        document = served.document
        for part in (*document.get("layers", ()), *(layer for layer in [document.get("config")] if layer)):
            if part["digest"] != content.foreign:
                head = server.request("HEAD", f"{repository}/blobs/{part['digest']}")
                answers.blob_bytes[part["digest"]] = int(head.header("Content-Length"))
        if document.get("config", {}).get("mediaType") in IMAGE_CONFIGS:
            answers.configs[digest] = skopeo.config(server.reference(repository, digest))
    for served in (*answers.manifests.values(), *content.deleted.values()):
        answers.known[served.digest] = served
    answers.kinds = dict.fromkeys(answers.known, "image")
    answers.kinds |= dict.fromkeys(answers.indexes(), "index") | content.kinds
    return answers


def _walk(server: DistributionServer, repository: str, served: ServedManifest, answers: Answers) -> None:
    if (repository, served.digest) not in answers.manifests:
        answers.manifests[repository, served.digest] = served
        for entry in served.document.get("manifests", ()):
            _walk(server, repository, server.manifest(repository, entry["digest"]), answers)
