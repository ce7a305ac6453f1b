"""What the tests push to a real Distribution with skopeo and buildah, then overwrite, delete and abandon."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.real.distribution import sha256
from tests.real.handmade import push_handmade
from tests.real.images import Image, OciLayout, Step

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.distribution import DistributionServer, ServedManifest
    from tests.real.tools import Buildah, Skopeo

Place = tuple[str, str]
"""A repository, and a tag or a digest in it."""

BASE = Step("ADD rootfs.tar in /", "2014-05-01T10:00:00Z", {"etc/issue": "tiny\n", "bin/sh": "#!\n" * 900})
NODEJS = Step("RUN apt-get install nodejs", "2014-05-02T11:30:00.25Z", {"usr/bin/node": "node " * 4000})
SERVER = Step("COPY server.js /", "2014-05-03T12:00:00+02:00", {"srv/server.js": "listen(80)\n"})
ENV = Step("ENV PORT=80", "2014-05-02T11:31:00Z")
CMD = Step('CMD ["node"]', "2014-05-03T12:01:00Z")

WEB = Image((BASE, NODEJS, ENV, SERVER, CMD), labels={"maintainer": "someone", "org.example.empty": ""})
TWICE = Image((BASE, SERVER, BASE))
PLATFORMS = (
    Image((BASE, SERVER)),
    Image((BASE, SERVER), "arm64", "v8"),
    Image((BASE, NODEJS), "arm", "v7"),
)


@dataclass(slots=True)
class Content:
    """What was done to the registry, beyond what its API can tell."""

    overwritten: dict[Place, list[str]] = field(default_factory=dict)
    """Tag → the digests it was pushed with, in order."""
    deleted: dict[Place, ServedManifest] = field(default_factory=dict)
    """Manifests by repository and digest, as they were before."""
    untagged: list[Place] = field(default_factory=list)
    """Manifests that no tag reaches, and that still can be pulled by digest."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Manifest → kind, of those that are neither images nor indexes."""
    attested: dict[str, str] = field(default_factory=dict)
    """Attestation → image it vouches for."""
    uploads: dict[Place, int] = field(default_factory=dict)
    """Unfinished uploads → bytes sent."""
    mounted: set[Place] = field(default_factory=set)
    """Blobs that were linked into a repository without being sent."""
    sha512: dict[str, str] = field(default_factory=dict)
    """Digest the layer was pushed with → digest it is stored under."""
    foreign: str = ""
    same_stack: list[tuple[Place, ...]] = field(default_factory=list)
    """Tags whose images have the same layers, stored in different ways."""
    recompressed: tuple[Place, Place] = (("", ""), ("", ""))


def push_content(server: DistributionServer, skopeo: Skopeo, buildah: Buildah, folder: Path) -> Content:
    """Fill the registry with every shape of content, then overwrite, delete and abandon some of it."""
    content = Content()
    layout = OciLayout(folder / "layout")
    _push_formats(server, skopeo, layout, content)
    _push_built(server, buildah, folder)
    push_handmade(server, content)
    _overwrite(server, skopeo, layout, content)
    _delete(server, skopeo, layout, content)
    _abandon(server, content)
    return content


def _push_formats(server: DistributionServer, skopeo: Skopeo, layout: OciLayout, content: Content) -> None:
    web, twice = layout.add("web", WEB), layout.add("twice", TWICE)
    platforms = layout.add("platforms", *PLATFORMS)
    skopeo.copy(web, server.reference("a", "oci"), "--format=oci")
    for tag, format_ in (("schema2", "v2s2"), ("schema1", "v2s1")):
        skopeo.copy(server.reference("a", "oci"), server.reference("a", tag), f"--format={format_}")
        skopeo.copy(twice, server.reference("a/b/c", tag), f"--format={format_}")
    skopeo.copy(server.reference("a", "oci"), server.reference("a/b", "oci"))
    recompressed = f"oci:{layout.folder.parent / 'zstd'}:web"
    skopeo.copy(web, recompressed, "--format=oci", "--dest-compress-format=zstd")
    skopeo.copy(recompressed, server.reference("zstd", "latest"))
    skopeo.copy(platforms, server.reference("platforms", "index"), "--all")
    skopeo.copy(platforms, server.reference("platforms", "list"), "--all", "--format=v2s2")
    content.same_stack = [
        (("a", "oci"), ("a", "schema2"), ("a", "schema1"), ("a/b", "oci"), ("zstd", "latest")),
        (("a/b/c", "schema2"), ("a/b/c", "schema1")),
    ]
    content.recompressed = (("a", "oci"), ("zstd", "latest"))


def _push_built(server: DistributionServer, buildah: Buildah, folder: Path) -> None:
    source = folder / "built.txt"
    source.write_text("built by buildah\n")
    container = buildah("from", "scratch")
    buildah("copy", container, str(source), "/srv/built.txt")
    buildah("config", "--author=a person", "--label=stage=test", '--cmd=["/srv/built.txt"]', container)
    for format_ in ("docker", "oci"):
        buildah.commit(container, format_, format_)
        buildah.push(format_, server.reference("built", format_))
    buildah("config", "--arch=arm64", "--variant=v8", container)
    buildah.commit(container, "arm", "oci")
    both = f"both-{folder.name}"  # buildah's store may have those of another server
    buildah("manifest", "create", both)
    for image in ("oci", "arm"):
        buildah("manifest", "add", both, image)
    buildah.push_list(both, server.reference("built", "index"))
    buildah.push_list(both, server.reference("built", "list"), "--format=v2s2")


def _overwrite(server: DistributionServer, skopeo: Skopeo, layout: OciLayout, content: Content) -> None:
    versions = [layout.add(f"version-{n}", replace(WEB, labels={"version": str(n)})) for n in range(3)]
    for tag, order in (("latest", (0, 1, 2)), ("back", (0, 1, 0))):
        pushed = content.overwritten.setdefault(("moved", tag), [])
        for version in order:
            skopeo.copy(versions[version], server.reference("moved", tag))
            pushed.append(server.manifest("moved", tag).digest)
    content.untagged.append(("moved", content.overwritten["moved", "back"][1]))


def _delete(server: DistributionServer, skopeo: Skopeo, layout: OciLayout, content: Content) -> None:
    """Distribution 2.8 deletes by digest only, and every tag that points there goes with it."""
    keep, drop = layout.add("keep", WEB), layout.add("drop", replace(TWICE, labels={"dropped": "yes"}))
    for tag, sources in {"keep": [keep], "moved": [drop, keep], "drop": [drop], "drop-too": [drop]}.items():
        for source in sources:
            skopeo.copy(source, server.reference("gone", tag))
    skopeo.copy(keep, server.reference("gone/all", "only"))
    for repository, tag in (("gone", "drop"), ("gone/all", "only")):
        served = server.manifest(repository, tag)
        server.delete_manifest(repository, served.digest)
        content.deleted[repository, served.digest] = served


def _abandon(server: DistributionServer, content: Content) -> None:
    """Leave pushes in flight, and a repository that has nothing but a mounted layer."""
    for repository, length in (("a", 5000), ("only-an-upload", 1), ("only-an-upload", 123_457)):
        data = bytes(length)
        content.uploads[repository, server.leave_upload(repository, data)] = length
    layer = server.manifest("a", "oci").document["layers"][0]["digest"]
    server.mount_blob("only-a-layer", layer, "a")
    content.mounted.add(("only-a-layer", layer))
    sent = b"a blob that no manifest names"
    assert server.put_blob("a", sent) == sha256(sent)
