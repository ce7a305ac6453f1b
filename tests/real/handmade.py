"""Manifests that skopeo and buildah do not make, pushed as helm, cosign and BuildKit push theirs."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.real.distribution import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256
from tests.real.images import OCI_CONFIG, OCI_LAYER, Descriptor, tar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.real.content import Content
    from tests.real.distribution import DistributionServer

OCTETS = "application/octet-stream"


def push_handmade(server: DistributionServer, content: Content) -> None:
    """Push one of each; the content learns what they are."""
    maker = Maker(server)
    _chart(maker, content)
    _signature_and_subject(maker, content)
    _nested_indexes(maker)
    _attested(maker, content)
    _sha512(maker, content)
    _foreign(maker, content)


class Maker:
    """Pushes blobs and manifests, and returns what a parent writes of them."""

    def __init__(self, server: DistributionServer) -> None:
        self._server = server

    def blob(self, repository: str, media_type: str, data: bytes, algorithm: str = "sha256") -> Descriptor:
        digest = self._server.put_blob(repository, data, algorithm)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(
        self, repository: str, tag: str, document: Mapping[str, Any], media_type: str = OCI_MANIFEST
    ) -> Descriptor:
        whole = {"schemaVersion": 2, "mediaType": media_type, **document}
        digest = self._server.put_manifest(repository, tag, media_type, whole)
        return {"mediaType": media_type, "digest": digest, "size": len(json.dumps(whole).encode())}

    def image(self, repository: str, tag: str, files: Mapping[str, str], **platform: str) -> Descriptor:
        """An image of one layer."""
        layer = tar(files)
        config = {**(platform or PLATFORM), "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]}}
        return self.manifest(
            repository,
            tag,
            {
                "config": self.blob(repository, OCI_CONFIG, json.dumps(config).encode()),
                "layers": [self.blob(repository, OCI_LAYER, gzip.compress(layer, mtime=0))],
            },
        )


PLATFORM = {"os": "linux", "architecture": "amd64"}


def _chart(maker: Maker, content: Content) -> None:
    about = b'{"name": "web", "version": "1.0.0", "apiVersion": "v2"}'
    chart = maker.manifest(
        "charts/web",
        "1.0.0",
        {
            "config": maker.blob("charts/web", "application/vnd.cncf.helm.config.v1+json", about),
            "layers": [
                maker.blob(
                    "charts/web",
                    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                    gzip.compress(tar({"web/Chart.yaml": "name: web\n"}), mtime=0),
                )
            ],
        },
    )
    content.kinds[chart["digest"]] = "chart"


def _signature_and_subject(maker: Maker, content: Content) -> None:
    image = maker.image("signed", "v1", {"srv/signed": "signed\n"})
    signed = json.dumps({"critical": {"image": {"docker-manifest-digest": image["digest"]}}}).encode()
    payload = maker.blob("signed", "application/vnd.dev.cosign.simplesigning.v1+json", signed)
    config = {"rootfs": {"type": "layers", "diff_ids": [payload["digest"]]}, **PLATFORM}
    signature = maker.manifest(
        "signed",
        image["digest"].replace(":", "-") + ".sig",
        {
            "config": maker.blob("signed", OCI_CONFIG, json.dumps(config).encode()),
            "layers": [{**payload, "annotations": {"dev.cosignproject.cosign/signature": "MEUCIQ=="}}],
        },
    )
    report = maker.manifest(
        "signed",
        "",
        {
            "artifactType": "application/vnd.example.report+json",
            "config": maker.blob("signed", "application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [maker.blob("signed", "application/vnd.example.report+json", b'{"found": []}')],
            "subject": image,
        },
    )
    content.kinds |= {signature["digest"]: "signature", report["digest"]: "artifact"}
    content.untagged.append(("signed", report["digest"]))


def _nested_indexes(maker: Maker) -> None:
    image = maker.image("nested", "", {"srv/nested": "nested\n"}, os="linux", architecture="s390x")
    listed = {**image, "platform": {"os": "linux", "architecture": "s390x"}}
    inner = maker.manifest("nested", "", {"manifests": [listed]}, OCI_INDEX)
    maker.manifest("nested", "outer", {"manifests": [inner]}, OCI_INDEX)


def _attested(maker: Maker, content: Content) -> None:
    image = maker.image("attested", "", {"srv/attested": "attested\n"})
    attestation = attest(maker, "attested", "latest", image)
    content.kinds[attestation] = "attestation"
    content.attested[attestation] = image["digest"]


def attest(maker: Maker, repository: str, tag: str, image: Descriptor) -> str:
    """Push what BuildKit does: an index of the image, and of an attestation that vouches for it; the latter's digest."""
    provenance = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    statement = maker.blob(repository, "application/vnd.in-toto+json", provenance)
    nowhere = {"os": "unknown", "architecture": "unknown"}
    config = {**nowhere, "config": {}, "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]}}
    predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    attestation = maker.manifest(
        repository,
        "",
        {
            "config": maker.blob(repository, OCI_CONFIG, json.dumps(config).encode()),
            "layers": [{**statement, "annotations": predicate}],
        },
    )
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    }
    entries = [{**image, "platform": PLATFORM}, {**attestation, "platform": nowhere, "annotations": about}]
    maker.manifest(repository, tag, {"manifests": entries}, OCI_INDEX)
    return str(attestation["digest"])


def _sha512(maker: Maker, content: Content) -> None:
    layer = tar({"srv/five": "twelve\n"})
    stored = gzip.compress(layer, mtime=0)
    config = {**PLATFORM, "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]}}
    named = maker.blob("sha/five", OCI_LAYER, stored, "sha512")
    configuration = maker.blob("sha/five", OCI_CONFIG, json.dumps(config).encode())
    maker.manifest("sha/five", "latest", {"config": configuration, "layers": [named]})
    content.sha512[named["digest"]] = sha256(stored)


def _foreign(maker: Maker, content: Content) -> None:
    """A Windows image: its base is to be had from its vendor, and nobody pushes it."""
    own, vendors = tar({"Files/app.exe": "MZ\n"}), tar({"Files/Windows": "\n"})
    base: Descriptor = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": sha256(gzip.compress(vendors, mtime=0)),
        "size": 101_145_811,
        "urls": ["https://vendor.example/base"],
    }
    config = {
        "os": "windows",
        "os.version": "10.0.14393.1066",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [sha256(vendors), sha256(own)]},
    }
    docker_config = "application/vnd.docker.container.image.v1+json"
    docker_layer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    document = {
        "config": maker.blob("windows", docker_config, json.dumps(config).encode()),
        "layers": [base, maker.blob("windows", docker_layer, gzip.compress(own, mtime=0))],
    }
    maker.manifest("windows", "latest", document, DOCKER_MANIFEST)
    content.foreign = base["digest"]
