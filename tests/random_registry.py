"""Random Distribution storages: what pushes, copies, deletions and uploads leave behind; the same seed, the same files.

Laid out from the documents that describe the format (registry/storage/paths.go, linkedblobstore.go, image-spec).
`tests.random_trouble` then breaks some of them.
"""

from __future__ import annotations

import gzip
import io
import random
import shutil
import tarfile
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.helpers import (
    MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    SCHEMA2,
    Store,
    descriptor,
    encode,
    sha256,
    sha512,
)
from tests.random_trouble import make_trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("1st", "app", "app/0old", "app/cache", "app-b", "app.c/d_e", "library/base", "team/web/deep", "x")
"""Repositories: nested in each other, and with characters that sort on both sides of ``/`` and ``_``."""
TAGS = ("latest", "1", "1.0", "V1", "v1", "link", "current", "index", "_x")
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
HELM_CONFIG, HELM_CHART = (
    "application/vnd.cncf.helm.config.v1+json",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
)
CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


@dataclass
class Maker:
    """A storage while it is made.

    Attributes
    ----------
    store : Store
    random : random.Random
    repositories : list of str
    pushed : list of (str, str, dict)
        Repository, digest and document of every manifest that stands for itself, in the order of the pushes.
    linked : dict of str to list of (str, bytes)
        Layer links of each repository: the digest of the link's path, and what it holds.
    features : set of str
        What it has.
    tars, layer_digests
        The layers that there are, uncompressed, and their digests.
    """

    store: Store
    random: random.Random
    repositories: list[str]
    pushed: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    linked: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    tars: list[bytes] = field(default_factory=list)
    layer_digests: set[str] = field(default_factory=set)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def tar(self) -> bytes:
        """An uncompressed layer; often one that was there before."""
        if self.tars and self.chance(0.6):
            return self.random.choice(self.tars)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(f"file{self.random.randrange(10**6)}")
            data = self.random.randbytes(self.random.randrange(1, 200))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        self.tars.append(buffer.getvalue())
        return self.tars[-1]

    def layer(self, tar: bytes) -> bytes:
        """It compressed, in one of two ways: the same content under two digests."""
        return gzip.compress(tar, self.random.choice((1, 9)), mtime=0)

    def link(self, repository: str, digest: str, content: str = "") -> None:
        self.store.layer_link(repository, digest, (content or digest).encode())
        self.linked.setdefault(repository, []).append((digest, (content or digest).encode()))

    def blob(self, repository: str, data: bytes) -> str:
        digest = self.store.blob(data)
        self.link(repository, digest)
        return digest

    def manifest(self, repository: str, document: dict[str, Any]) -> dict[str, Any]:
        """A manifest pushed by digest; returns its descriptor."""
        data = encode(document)
        self.store.revision(repository, self.store.blob(data))
        self.store.directory(f"repositories/{repository}/_manifests/tags")
        return descriptor(data, str(document.get("mediaType", OCI_MANIFEST)))

    def layers(self, repository: str, media_type: str) -> tuple[list[dict[str, Any]], list[str]]:
        """Descriptors of layers, and their diff IDs."""
        said, diffs = [], []
        use_sha512 = self.chance(0.12)
        for _ in range(self.random.randrange(1, 5)):
            tar = self.tar()
            data = self.layer(tar)
            digest = self.blob(repository, data)
            entry = descriptor(data, media_type)
            if use_sha512:
                self.features.add("sha512")
                entry["digest"] = sha512(data)
                self.link(repository, entry["digest"], digest)
            said.append(entry)
            diffs.append(sha256(tar))
            self.layer_digests |= {digest, entry["digest"]}
        if self.chance(0.15):
            self.features.add("layer twice")
            at = self.random.randrange(len(said))
            said.append(dict(said[at]))
            diffs.append(diffs[at])
        if self.chance(0.08):
            self.features.add("foreign layer")
            nowhere = self.random.randbytes(9)
            said.insert(0, descriptor(nowhere, FOREIGN_LAYER, urls=["https://vendor.example/layer"]))
            diffs.insert(0, sha256(nowhere + b"tar"))
        return said, diffs

    def image(self, repository: str, architecture: str = "amd64", **more: Any) -> dict[str, Any]:
        """An image; returns its descriptor."""
        is_docker = not more and self.chance(0.5)
        layers, diffs = self.layers(repository, DOCKER_LAYER if is_docker else OCI_LAYER)
        config = encode(
            {
                "os": "linux",
                "architecture": architecture,
                "created": f"20{self.random.randrange(14, 26)}-01-01T00:00:00Z",
                "rootfs": {"type": "layers", "diff_ids": diffs},
                "history": [{"created_by": f"RUN {number}"} for number in range(len(diffs))],
            }
        )
        self.blob(repository, config)
        document = {"schemaVersion": 2, "mediaType": SCHEMA2 if is_docker else OCI_MANIFEST}
        document |= {"config": descriptor(config, DOCKER_CONFIG if is_docker else OCI_CONFIG), "layers": layers, **more}
        if not is_docker and self.chance(0.3):
            del document["mediaType"]
        return self.manifest(repository, document)

    def index(self, repository: str, depth: int = 0) -> dict[str, Any]:
        """An index of images, and now and then of an index; returns its descriptor."""
        entries: list[dict[str, Any]] = []
        for architecture in self.random.sample(("amd64", "arm64", "s390x", "386"), self.random.randrange(1, 4)):
            if depth < 3 and self.chance(0.25):
                self.features.add("nested index")
                entry = self.index(repository, depth + 1)
            else:
                entry = self.image(repository, architecture)
            entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
        if self.chance(0.2):
            self.features.add("attestation")
            entries.append(self.attestation(repository, entries[0]["digest"]))
        is_list = all(entry["mediaType"] in (SCHEMA2, MANIFEST_LIST) for entry in entries)
        document = {"schemaVersion": 2, "mediaType": MANIFEST_LIST if is_list else OCI_INDEX, "manifests": entries}
        if not is_list and self.chance(0.2):
            del document["mediaType"]
        return {**self.manifest(repository, document), "mediaType": MANIFEST_LIST if is_list else OCI_INDEX}

    def attestation(self, repository: str, of: str) -> dict[str, Any]:
        said = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of}
        entry = self.artifact(repository, OCI_CONFIG, IN_TOTO)
        return {**entry, "annotations": said, "platform": {"os": "unknown", "architecture": "unknown"}}

    def artifact(self, repository: str, config_type: str, blob_type: str, **more: Any) -> dict[str, Any]:
        """What has a configuration and a blob, and is no image."""
        config, content = encode({"number": self.random.randrange(5)}), self.random.randbytes(20)
        self.blob(repository, config)
        self.blob(repository, content)
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, config_type)}
        return self.manifest(repository, {**document, "layers": [descriptor(content, blob_type)], **more})

    def cache(self, repository: str) -> dict[str, Any]:
        """What BuildKit exports as a cache: an index that lists layers."""
        self.features.add("build cache")
        layers, _ = self.layers(repository, OCI_LAYER)
        config = encode({"layers": self.random.randrange(10**6)})
        self.blob(repository, config)
        entries = [*layers, descriptor(config, CACHE_CONFIG)]
        return self.manifest(repository, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})

    def schema1(self, repository: str, tag: str) -> dict[str, Any]:
        """What Docker before 1.10 pushed; the top layer comes first."""
        self.features.add("schema 1")
        steps = [self.blob(repository, self.layer(self.tar())) for _ in range(self.random.randrange(1, 4))]
        ids = [f"{self.random.getrandbits(256):064x}" for _ in steps]
        said = [
            {"id": own, **({"parent": below} if below else {})} for own, below in zip(ids, [*ids[1:], ""], strict=True)
        ]
        document = {"schemaVersion": 1, "name": repository, "tag": tag, "architecture": "amd64"}
        document |= {"fsLayers": [{"blobSum": digest} for digest in steps]}
        document |= {"history": [{"v1Compatibility": encode(entry).decode()} for entry in said]}
        return self.manifest(repository, document)

    def push(self) -> None:
        """One push to one of the repositories, with none, one or some tags."""
        repository = self.random.choice(self.repositories)
        subjects = [(digest, document) for name, digest, document in self.pushed if name == repository]
        kind = self.random.random()
        if kind < 0.3:
            made = self.index(repository)
        elif kind < 0.36:
            made = self.artifact(repository, HELM_CONFIG, HELM_CHART)
        elif kind < 0.42:
            made = self.cache(repository)
        elif kind < 0.56 and subjects:
            self.features.add("subject")
            of, document = self.random.choice(subjects)
            subject = {"mediaType": document["mediaType"], "size": document["size"], "digest": of}
            made = self.artifact(repository, OCI_CONFIG, COSIGN, subject=subject)
        elif kind < 0.58:
            made = self.schema1(repository, "1")
        else:
            made = self.image(repository)
        self.pushed.append((repository, made["digest"], made))
        for tag in self.random.sample(TAGS, self.random.choice((0, 0, 1, 1, 2))):
            if (self.store.v2 / self.tag_directory(repository, tag)).exists():
                self.features.add("overwritten tag")
            self.store.tag(repository, tag, made["digest"])

    def tag_directory(self, repository: str, tag: str = "") -> str:
        return f"repositories/{repository}/_manifests/tags/{tag}".rstrip("/")

    def copy(self) -> None:
        """A manifest in another repository too; what it needs is mounted, or (of an index) some of its children are not."""
        repository, digest, document = self.random.choice(self.pushed)
        other = self.random.choice([*self.repositories, "mirrored"])
        if other == repository:
            return
        self.features.add("copied manifest")
        for link, content in self.linked.get(repository, []):
            self.link(other, link, content.decode())
        self.store.revision(other, digest)
        self.store.directory(self.tag_directory(other))
        self.pushed.append((other, digest, document))
        if self.chance(0.6):
            self.store.tag(other, "mirror", digest)

    def delete_manifest(self) -> None:
        """What DELETE of a manifest leaves: an empty directory; its current tags go (manifests.go, DeleteManifest)."""
        self.features.add("deleted manifest")
        repository, digest, _ = self.random.choice(self.pushed)
        revision = f"repositories/{repository}/_manifests/revisions/{digest.replace(':', '/')}/link"
        (self.store.v2 / revision).unlink(missing_ok=True)
        for current in sorted((self.store.v2 / self.tag_directory(repository)).glob("*/current/link")):
            if current.read_text() == digest:
                shutil.rmtree(current.parent.parent)

    def delete_tag(self) -> None:
        """What DELETE of a tag leaves (3.x): nothing of it."""
        repository = self.random.choice(self.repositories)
        tags = sorted((self.store.v2 / self.tag_directory(repository)).glob("*"))
        if tags:
            self.features.add("deleted tag")
            shutil.rmtree(self.random.choice(tags))

    def push_in_flight(self) -> None:
        """Blobs and layer links that no manifest names yet, and an upload."""
        self.features.add("push in flight")
        repository = self.random.choice(self.repositories)
        self.blob(repository, self.random.randbytes(50))
        upload = f"repositories/{repository}/_uploads/{uuid.UUID(int=self.random.getrandbits(128))}"
        self.store.file(f"{upload}/data", self.random.randbytes(40))
        if self.chance(0.8):
            self.store.file(f"{upload}/startedat", b"2014-06-01T00:00:00Z")

    def nobodys_blob(self) -> None:
        self.features.add("nobody's blob")
        self.store.blob(self.random.randbytes(30))

    def layers_alone(self) -> None:
        """A repository that has been mounted to, and never got a manifest: one for 2.8 only."""
        self.features.add("layers alone")
        self.blob("only-layers", self.random.randbytes(20))

    def manifests_alone(self) -> None:
        """A repository without a directory of layers: one for 3.x only (an object storage keeps no empty directories)."""
        self.features.add("manifests alone")
        data = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [self.random.choice(self.pushed)[2]]})
        self.store.push("only-manifests", data, "latest")

    def old_signature(self) -> None:
        """A signature of schema 1, as 2.0 to 2.4 kept them beside the revision."""
        self.features.add("signature link")
        repository, digest, _ = self.random.choice(self.pushed)
        signature = self.store.blob(self.random.randbytes(25))
        revision = f"repositories/{repository}/_manifests/revisions/{digest.replace(':', '/')}"
        self.store.file(f"{revision}/signatures/{signature.replace(':', '/')}/link", signature.encode())


_LATER: tuple[tuple[float, Callable[[Maker], None]], ...] = (
    (0.6, Maker.copy),
    (0.3, Maker.copy),
    (0.5, Maker.delete_manifest),
    (0.3, Maker.delete_manifest),
    (0.4, Maker.delete_tag),
    (0.4, Maker.push_in_flight),
    (0.3, Maker.nobodys_blob),
    (0.2, Maker.layers_alone),
    (0.06, Maker.manifests_alone),
    (0.1, Maker.old_signature),
)


def random_registry(root: Path, seed: int, *, broken: bool = False) -> Maker:
    """Write a random Distribution storage.

    Parameters
    ----------
    root : Path
        Folder that ``docker/registry/v2`` is made in; it has to be there.
    seed : int
    broken : bool
        Break something in it: what interrupted writes, full disks, other tools and old servers leave.

    Returns
    -------
    Maker
        What was made; its `store` has the paths, its `features` what there is to see.
    """
    dice = random.Random(f"{seed} {broken}")
    made = Maker(Store(root), dice, dice.sample(NAMES, dice.randrange(1, 5)))
    for _ in range(dice.randrange(1, 9)):
        made.push()
    for probability, happen in _LATER:
        if made.chance(probability):
            happen(made)
    if broken:
        make_trouble(made)
    return made
