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

    def of_type(self, *media_types: str) -> dict[str, ServedManifest]:
        """Manifests of these media types by digest."""
        found = self.manifests.values()
        return {served.digest: served for served in found if served.media_type in media_types}

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
        if "config" in document and is_image_config(served):
            answers.configs[digest] = skopeo.config(server.reference(repository, digest))
    return answers


def _walk(server: DistributionServer, repository: str, served: ServedManifest, answers: Answers) -> None:
    if (repository, served.digest) not in answers.manifests:
        answers.manifests[repository, served.digest] = served
        for entry in served.document.get("manifests", ()):
            _walk(server, repository, server.manifest(repository, entry["digest"]), answers)


def is_image_config(served: ServedManifest) -> bool:
    """Whether a manifest's configuration has the type of an image's."""
    return served.document["config"]["mediaType"] in IMAGE_CONFIGS
