"""Media types: what makes a manifest an image, an index, an attestation, a signature, a chart.

Sources: image-spec media-types.md and manifest.md; Distribution's manifest packages; BuildKit's attestation-storage.md;
cosign's SIGNATURE_SPEC.md; Helm's and Notary's OCI documents.
"""

from __future__ import annotations

from functools import cache

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"

MANIFESTS = frozenset((SCHEMA1, SCHEMA1_SIGNED, SCHEMA2, MANIFEST_LIST, OCI_MANIFEST, OCI_INDEX, OCI_ARTIFACT))
INDEXES = frozenset((MANIFEST_LIST, OCI_INDEX))
IMAGE_CONFIGS = frozenset(
    ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json")
)
EMPTY = "application/vnd.oci.empty.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURES = frozenset(
    (
        _SIMPLE_SIGNING,
        "application/vnd.cncf.notary.signature",
        "application/vnd.cncf.notary.v2.signature",
        "application/vnd.dev.cosign.artifact.sig.v1+json",
    )
)
_SIGSTORE_BUNDLE = "application/vnd.dev.sigstore.bundle"
_LAYERS = ("application/vnd.docker.image.rootfs.", "application/vnd.oci.image.layer.")
_FOREIGN = (".foreign.", ".nondistributable.")


@cache
def is_filesystem_layer(media_type: str) -> bool:
    """Whether a blob of this media type is a filesystem layer; an unsaid one, in an image, is."""
    return media_type.startswith(_LAYERS) or not media_type


@cache
def is_foreign(media_type: str) -> bool:
    """Whether the bytes of a layer of this media type are to be had elsewhere."""
    return media_type.startswith(_LAYERS) and any(word in media_type for word in _FOREIGN)


@cache
def is_blob(media_type: str) -> bool:
    """Whether an index's entry of this media type is certainly no manifest (a BuildKit cache lists layers)."""
    return media_type not in MANIFESTS and (media_type.startswith(_LAYERS) or media_type == BUILDKIT_CACHE)


def manifest_kind(config: str, artifact_type: str, layers: frozenset[str]) -> str:
    """What a manifest with a configuration and layers is.

    Parameters
    ----------
    config : str
        Media type of its configuration.
    artifact_type : str
        Its ``artifactType``; empty where it has none.
    layers : frozenset of str
        Media types of its layers.

    Examples
    --------
    >>> oci = "application/vnd.oci.image.config.v1+json"
    >>> manifest_kind(oci, "", frozenset(("application/vnd.oci.image.layer.v1.tar+gzip",)))
    'image'
    >>> manifest_kind(oci, "", frozenset((IN_TOTO,))), manifest_kind(HELM_CONFIG, "", frozenset())
    ('attestation', 'chart')
    """
    said = layers | {artifact_type, config}
    if said & _SIGNATURES or any(t.startswith(_SIGSTORE_BUNDLE) for t in said):
        return "signature"
    if IN_TOTO in said:
        return "attestation"
    if config == HELM_CONFIG:
        return "chart"
    is_image = config in IMAGE_CONFIGS and not artifact_type
    return "image" if is_image and all(is_filesystem_layer(t) for t in layers) else "artifact"
