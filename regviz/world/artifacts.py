"""What registries hold beside images: attestations, charts, signatures, bills of materials."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from typing import TYPE_CHECKING, Any

from regviz.world.compress import gzip
from regviz.world.describe import Artifact, Blob, Child, Index
from regviz.world.documents import OCI_CONFIG, document
from regviz.world.encode import digest, go_json, tar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.world.describe import Content, Image

_PROVENANCE = "https://slsa.dev/provenance/v0.2"


def attested_index(*images: Image) -> Index:
    """The OCI index of images, with the attestation of each, as BuildKit pushes it.

    Notes
    -----
    BuildKit, docs/attestations/attestation-storage.md: the entry's platform is unknown/unknown, and
    annotations say which image it is about.
    """
    attestations = [
        Child(
            _attestation(image),
            {"architecture": "unknown", "os": "unknown"},
            {
                "vnd.docker.reference.digest": document(image).digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
        )
        for image in images
    ]
    return Index((*(Child(image, image.platform) for image in images), *attestations))


def _attestation(image: Image) -> Artifact:
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": _PROVENANCE,
        "subject": [{"name": "image", "digest": {"sha256": document(image).digest.removeprefix("sha256:")}}],
        "predicate": {
            "builder": {"id": "https://builder.example/1"},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "metadata": {"steps": [layer.created_by for layer in image.layers]},
        },
    }
    blob = Blob("application/vnd.in-toto+json", go_json(statement), {"in-toto.io/predicate-type": _PROVENANCE})
    return Artifact((blob,), _config_like_an_image(blob, architecture="unknown", os="unknown"))


def _config_like_an_image(blob: Blob, **fields: str) -> Blob:
    """BuildKit and cosign give what is no image an image's config."""
    config: dict[str, Any] = fields | {
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(blob.data)]},
    }
    return Blob(OCI_CONFIG, go_json(config))


def helm_chart(name: str, version: str, app_version: str, templates: Mapping[str, str]) -> Artifact:
    """A Helm chart as ``helm push`` stores it.

    Parameters
    ----------
    name, version, app_version : str
    templates : mapping
        Text by file name.
    """
    metadata = {
        "apiVersion": "v2",
        "appVersion": app_version,
        "name": name,
        "type": "application",
        "version": version,
    }
    files = {f"{name}/Chart.yaml": "".join(f"{key}: {value}\n" for key, value in metadata.items())}
    files |= {f"{name}/templates/{file}": text for file, text in templates.items()}
    archive = gzip(tar((tarfile.TarInfo(path), text.encode()) for path, text in files.items()))
    return Artifact(
        (Blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive),),
        Blob("application/vnd.cncf.helm.config.v1+json", go_json(metadata)),
        annotations={"org.opencontainers.image.title": name, "org.opencontainers.image.version": version},
    )


def cosign_signature(content: Content, repository: str) -> Artifact:
    """A signature of the shape cosign pushes under :func:`signature_tag`; nobody's key made it.

    Notes
    -----
    cosign, specs/SIGNATURE_SPEC.md. What it signs is named in the payload alone: the manifest has no subject.
    """
    payload = go_json(
        {
            "critical": {
                "identity": {"docker-reference": f"registry.example/{repository}"},
                "image": {"docker-manifest-digest": document(content).digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )
    signature = base64.b64encode(hashlib.sha512(payload).digest()).decode()
    blob = Blob(
        "application/vnd.dev.cosign.simplesigning.v1+json",
        payload,
        {"dev.cosignproject.cosign/signature": signature},
    )
    return Artifact((blob,), _config_like_an_image(blob, architecture="", created="0001-01-01T00:00:00Z", os=""))


def signature_tag(content: Content) -> str:
    """The tag under which cosign looks for the signature of a manifest."""
    return f"{referrers_tag(content)}.sig"


def bill_of_materials(subject: Content, packages: Mapping[str, str]) -> Artifact:
    """An SPDX document that refers to its image as subject.

    Parameters
    ----------
    subject : Image, Index or Artifact
    packages : mapping
        Version by name.
    """
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "name": "packages",
        "packages": [{"name": name, "versionInfo": version} for name, version in packages.items()],
    }
    return Artifact(
        (Blob("application/spdx+json", go_json(spdx)),),
        artifact_type="application/spdx+json",
        subject=subject,
    )


def referrers_index(*referrers: Artifact) -> Index:
    """What a client keeps under :func:`referrers_tag` where the server has no API for referrers.

    Notes
    -----
    OCI distribution specification, *Referrers Tag Schema*.
    """
    return Index(tuple(Child(referrer) for referrer in referrers))


def referrers_tag(content: Content) -> str:
    """The tag for the referrers of a manifest: its digest, with ``-`` for ``:``."""
    return document(content).digest.replace(":", "-")
