"""Images that buildah builds and skopeo recompresses, told apart; what they stand on; bytes as their manifests say."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from tests.real.distribution import distribution
from tests.real.service import require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Buildah, Skopeo

pytestmark = pytest.mark.real

APP = "COPY lib /usr/lib\nENV MODE=on\nCOPY app /srv\n"


class Workshop:
    """Builds from Dockerfiles, and pushes what was built."""

    def __init__(self, folder: Path, server: DistributionServer, buildah: Buildah, skopeo: Skopeo) -> None:
        self.folder, self.server, self.buildah, self.skopeo = folder, server, buildah, skopeo
        self.local = f"work-{os.getpid()}"

    def file(self, name: str, content: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def build(self, repository: str, tag: str, dockerfile: str, *options: str) -> None:
        self.file("Dockerfile", dockerfile)
        name = self.name(repository, tag)
        policy = f"--signature-policy={self.buildah.policy}"
        self.buildah("bud", policy, *options, "--isolation=chroot", "--tag", name, str(self.folder))
        self.buildah.push(name, self.server.reference(repository, tag))

    def name(self, repository: str, tag: str) -> str:
        return f"localhost/{self.local}-{repository}:{tag}"

    def manifest(self, repository: str, tag: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(
            self.skopeo("inspect", "--tls-verify=false", "--raw", self.server.reference(repository, tag))
        )
        return document


@pytest.fixture(scope="module")
def workshop(buildah: Buildah, skopeo: Skopeo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("compared")
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("distribution")) as server:
        made = Workshop(folder, server, buildah, skopeo)
        made.file("rootfs/etc/issue", "first\n" * 900)
        made.file("other/etc/issue", "second\n" * 900)
        made.file("tools/bin/tool", "tool" * 2000)
        made.file("lib/library.so", "library" * 3000)
        made.file("app/main", "version 1\n" * 500)
        made.build("base", "1", "FROM scratch\nCOPY rootfs /\n", "--layers")
        made.build("base", "2", "FROM scratch\nADD other /\nCOPY tools /\n", "--layers")
        on_base = f"FROM {made.name('base', '1')}\n"
        made.build("app", "1", on_base + APP, "--layers")
        made.build("app", "derived", f"FROM {made.name('app', '1')}\nCOPY tools /\n", "--layers")
        made.build("app", "reconfigured", f"FROM {made.name('app', '1')}\nENV MODE=off\n", "--layers")
        made.build("app", "rebased", f"FROM {made.name('base', '2')}\n" + APP, "--layers")
        made.build("app", "squashed", on_base + APP, "--squash")
        made.build("app", "one-layer", on_base + APP, "--layers=false")
        made.file("app/main", "version 2\n" * 500)
        made.build("app", "rebuilt", on_base + APP, "--layers")
        zstd = f"oci:{folder / 'zstd'}:app"
        skopeo.copy(server.reference("app", "1"), zstd, "--dest-compress-format=zstd")
        skopeo.copy(zstd, server.reference("app", "recompressed"))
        skopeo.copy(server.reference("app", "1"), server.reference("app", "same"))
        yield made


@pytest.fixture(scope="module")
def registry(workshop: Workshop) -> Registry:
    return rv.read(workshop.server.root)


@pytest.mark.parametrize(
    ("tag", "verdict"),
    [
        ("same", "same"),
        ("reconfigured", "reconfigured"),
        ("recompressed", "recompressed"),
        ("rebuilt", "rebuilt"),
        ("rebased", "rebased"),
        ("squashed", "squashed"),
        ("one-layer", "squashed"),
        ("derived", "derived"),
    ],
)
def test_each_is_told_apart(tag: str, verdict: str, registry: Registry, workshop: Workshop) -> None:
    table = rv.compare_images(registry, ["app:1", f"app:{tag}"])
    assert table.attrs["verdicts"] == [verdict]
    layers = [workshop.manifest("app", each)["layers"] for each in ("1", tag)]
    sizes = [{layer["digest"]: layer["size"] for layer in each} for each in layers]
    for number, listed in enumerate(layers, 1):
        own = table[table[f"position_{number}"].notna()]
        assert own[f"blob_{number}"].tolist() == [layer["digest"] for layer in listed]
        assert own[f"bytes_{number}"].tolist() == [layer["size"] for layer in listed]
    shared = sizes[0].keys() & sizes[1].keys()
    assert table.attrs["shared_bytes"] == sum(sizes[0][digest] for digest in shared)
    assert table.attrs["distinct_bytes"] == sum((sizes[0] | sizes[1]).values())
    assert (table["match"] == "digest").sum() == len(shared)


def test_how_their_layers_match(registry: Registry) -> None:
    matches = {
        tag: rv.compare_images(registry, ["app:1", f"app:{tag}"])["match"].tolist()
        for tag in ("recompressed", "rebuilt", "derived")
    }
    assert matches == {
        "recompressed": ["diff_id"] * 3,
        "rebuilt": ["digest", "digest", "instruction"],
        "derived": ["digest", "digest", "digest", "none"],
    }


def test_a_rebase_is_seen_without_its_bases(registry: Registry, workshop: Workshop) -> None:
    """Of a mirror of the application alone, whose bases have no tags there."""
    assert len(registry.tags)
    layout = workshop.folder / "mirror"
    for tag in ("1", "rebased"):
        workshop.skopeo.copy(workshop.server.reference("app", tag), f"oci:{layout}:app:{tag}")
    table = rv.compare_images(rv.read(layout), ["app:1", "app:rebased"])
    assert table.attrs["verdicts"] == ["rebased"], table


def test_what_they_stand_on(registry: Registry, workshop: Workshop) -> None:
    table = rv.nearest_base(registry).set_index(["repository", "tag"])
    base = table["base_repository"].str.cat(table["base_tag"], ":")
    assert base["app", "1"] == base["app", "rebuilt"] == base["app", "recompressed"] == "base:1"
    assert base["app", "rebased"] == "base:2"
    assert base.loc[["app"]].isna().sum() == 1  # squashed
    [(digest, size)] = [(layer["digest"], layer["size"]) for layer in workshop.manifest("base", "1")["layers"]]
    users = rv.who_uses(registry, digest)
    # of every image but the two on another base and that in other bytes
    tags = {"1", "same", "reconfigured", "derived", "rebuilt", "one-layer"}
    assert set(users.loc[users["repository"] == "app", "tag"]) == tags
    assert set(users["position"]) == {0}
    bases = rv.bases(registry)
    found = {row["tag"]: row for row in bases[bases["repository"] == "base"].to_dict("records")}
    assert (found["1"]["images"], found["1"]["tags"], found["1"]["base_bytes"]) == (6, 7, size)
    assert (found["2"]["images"], found["2"]["tags"]) == (1, 1)
    own = {layer["digest"]: layer["size"] for layer in workshop.manifest("app", "rebased")["layers"]}
    base_2 = {layer["digest"] for layer in workshop.manifest("base", "2")["layers"]}
    assert found["2"]["bytes"] == sum(size for digest, size in own.items() if digest not in base_2)


def test_what_a_mirror_must_fetch_is_what_skopeo_copies(
    registry: Registry, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A mirror that has one of the images, then all: the bytes that were missing are those that came."""
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("mirror")) as mirror:
        workshop.skopeo.copy(workshop.server.reference("app", "1"), mirror.reference("app", "1"))
        before = rv.read(mirror.root)
        missing = rv.compare_registries(registry, before)
        for repository, tag in registry.tags[["repository", "tag"]].astype("str").itertuples(index=False):
            source = workshop.server.reference(repository, tag)
            workshop.skopeo.copy(source, mirror.reference(repository, tag), "--preserve-digests")
        after = rv.read(mirror.root)
        assert missing.attrs["missing_bytes"] == after.blobs["blob_bytes"].sum() - before.blobs["blob_bytes"].sum()
        assert missing.attrs["missing_blobs"] == len(after.blobs) - len(before.blobs)
        table = rv.compare_registries(registry, after)
        assert set(table["change"]) == {"same"}
        assert table.attrs["missing_bytes"] == 0


def test_what_was_made_again(registry: Registry, workshop: Workshop) -> None:
    """Recompressed is all of one image; `lib`, copied again onto another base, has other times in its tar."""
    layers = {
        tag: [layer["size"] for layer in workshop.manifest("app", tag)["layers"]]
        for tag in ("1", "recompressed", "rebased")
    }
    table = rv.churn(registry)
    pairs = zip(layers["1"], layers["recompressed"], strict=True)
    assert table.attrs["recompressed_bytes"] == sum(min(pair) for pair in pairs)
    rebuilt = table[table["kind"] == "rebuilt"]
    [lost] = rebuilt.loc[rebuilt["created_by"].str.contains("in /usr/lib"), "lost_bytes"]
    assert lost == min(layers["1"][1], layers["rebased"][2])
