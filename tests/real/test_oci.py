"""OCI layouts and directories that skopeo copies out of a real Distribution, against the registry they came from."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from tests.real.distribution import EMPTY_LAYER, OCI_INDEX, OCI_MANIFEST, SCHEMA_1_SIGNED, sha256
from tests.real.packed import FORMS, pack
from tests.real.service import require_program
from tests.real.tables import mapping, only, rows

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content, Place
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Buildah, Skopeo

pytestmark = pytest.mark.real

NOT_FOR_SKOPEO = {"nested", "sha/five"}
"""Repositories whose images skopeo 1.9 refuses: an index in an index, a layer under a sha512."""
MEANS = ("manifest", "position", "layer", "blob", "digest", "empty", "foreign")


@pytest.fixture(scope="module")
def source(distribution_server: DistributionServer, answers: Answers) -> Registry:
    """The registry's storage as regviz reads it."""
    assert answers.tags
    return rv.read(distribution_server.root)


@pytest.fixture(scope="module")
def copied(answers: Answers) -> list[Place]:
    return [place for place in sorted(answers.tags) if place[0] not in NOT_FOR_SKOPEO]


@pytest.fixture(scope="module")
def layout(
    distribution_server: DistributionServer,
    copied: list[Place],
    skopeo: Skopeo,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Every tag of the registry, copied into one layout with all its platforms."""
    folder = tmp_path_factory.mktemp("copied") / "layout"
    for repository, tag in copied:
        skopeo.copy(distribution_server.reference(repository, tag), f"oci:{folder}:{repository}:{tag}", "--all")
    return folder


def stacks(registry: Registry, manifest: str, *columns: str) -> list[tuple[Any, ...]]:
    """Layers of a manifest, or of all that its index lists."""
    children = registry.manifest_references[registry.manifest_references["manifest"] == manifest]["child"].tolist()
    return [
        row
        for one in children or [manifest]
        for row in rows(registry.manifest_layers[registry.manifest_layers["manifest"] == one], *columns)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_layout_has_the_names_and_the_forest_of_its_registry(
    layout: Path, copied: list[Place], source: Registry, answers: Answers, tmp_path: Path, form: str
) -> None:
    """skopeo converts what is no OCI manifest: other manifests, the same layers on each other."""
    registry = rv.read(pack(layout, form, tmp_path), times=True)
    assert rows(registry.tags, "repository", "tag") == copied
    tags = {
        (repository, tag): digest for repository, tag, digest in rows(registry.tags, "repository", "tag", "manifest")
    }
    same = 0
    for place in copied:
        theirs = answers.tags[place]
        if answers.known[theirs].media_type in (OCI_MANIFEST, OCI_INDEX):
            assert tags[place] == theirs
            assert stacks(registry, theirs, *MEANS) == stacks(source, theirs, *MEANS)
            assert only(registry.manifests, manifest=theirs) == only(source.manifests, manifest=theirs)
            same += 1
        else:
            ours = stacks(registry, tags[place], "layer", "empty")
            kept = [(layer, empty) for layer, empty in stacks(source, theirs, "layer", "empty") if layer is not None]
            assert ours == kept
    assert same > len(copied) // 2
    lengths, there = (mapping(reg.blobs, "blob", "blob_bytes") for reg in (registry, source))
    shared = lengths.keys() & there
    assert shared >= {served.digest for (repository, _), served in answers.manifests.items() if repository == "a/b"}
    assert {blob: lengths[blob] for blob in shared} == {blob: there[blob] for blob in shared}


def test_every_blob_of_a_layout_is_known_and_named(layout: Path, content: Content) -> None:
    registry = rv.read(layout, verify=True)
    files = {f"sha256:{path.name}": path.stat().st_size for path in (layout / "blobs/sha256").iterdir()}
    present = registry.blobs[registry.blobs["present"]]
    assert mapping(present, "blob", "blob_bytes") == files
    assert int(present["allocated_bytes"].sum()) == sum(
        path.stat().st_blocks * 512 for path in (layout / "blobs/sha256").iterdir()
    )
    unnamed = present[present["kind"].isna()]
    assert rows(unnamed, "blob") == [(EMPTY_LAYER,)]  # skopeo fetched it for schema 1, and needs it no more
    assert not (present["verified"] == False).any()  # noqa: E712  NA is neither
    found = rows(registry.problems, "rule", "blob")
    assert [row for row in found if row[0] != "times-not-trusted"] == [("foreign-layer", content.foreign)]


def test_an_archive_of_one_image(
    distribution_server: DistributionServer, skopeo: Skopeo, source: Registry, answers: Answers, tmp_path: Path
) -> None:
    skopeo.copy(distribution_server.reference("a", "oci"), f"oci-archive:{tmp_path / 'web.tar'}:team/web:1")
    skopeo.copy(distribution_server.reference("a", "oci"), f"oci-archive:{tmp_path / 'nameless.tar'}")
    digest = answers.tags["a", "oci"]
    for name, tags in (("web", [("team/web", "1", digest)]), ("nameless", [])):
        registry = rv.read(tmp_path / f"{name}.tar")
        assert rows(registry.tags, "repository", "tag", "manifest") == tags
        assert rows(registry.repository_manifests, "repository", "manifest", "is_root") == [
            (tags[0][0] if tags else "nameless", digest, True)
        ]
        assert stacks(registry, digest, *MEANS) == stacks(source, digest, *MEANS)
        assert rows(registry.labels, "key", "value") == [
            row[1:] for row in rows(source.labels, "manifest", "key", "value") if row[0] == digest
        ]


def test_a_name_that_moved_on_leaves_a_root_without_one(
    distribution_server: DistributionServer, skopeo: Skopeo, content: Content, tmp_path: Path
) -> None:
    old, new = content.overwritten["moved", "latest"][-2:]
    for digest in (old, new):
        skopeo.copy(distribution_server.reference("moved", digest), f"oci:{tmp_path / 'layout'}:latest")
    listed = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
    registry = rv.read(tmp_path / "layout")
    assert rows(registry.tags, "repository", "tag", "manifest") == [("layout", "latest", new)]
    assert {digest for (digest,) in rows(registry.repository_manifests, "manifest")} == {e["digest"] for e in listed}


@pytest.mark.parametrize("form", FORMS)
def test_directories_keep_every_manifest_as_it_is(
    distribution_server: DistributionServer,
    copied: list[Place],
    skopeo: Skopeo,
    source: Registry,
    answers: Answers,
    tmp_path: Path,
    form: str,
) -> None:
    """Schema 1 and 2, lists and indexes, charts and signatures: digests, layers, configurations and bytes are equal."""
    places = copied if form == "folder" else [("a", "schema1"), ("platforms", "list"), ("attested", "latest")]
    signed = 0
    for number, place in enumerate(place for place in places if place[0] != "windows"):
        folder = tmp_path / str(number) / "image"
        folder.mkdir(parents=True)
        skopeo.copy(distribution_server.reference(*place), f"dir:{folder}", "--all")
        registry = rv.read(pack(folder, form, folder.parent), times=True, verify=True)
        assert registry.source.layouts == ("skopeo-dir",)
        digest = answers.tags[place]
        name = "storage" if form == "tar.gz" else "image"  # packed from inside; the others have the folder's name
        assert rows(registry.repository_manifests, "repository", "manifest", "is_root") == [(name, digest, True)]
        assert len(registry.tags) == 0
        ours = [mapping(reg.manifests, "manifest", "media_type") for reg in (registry, source)]
        assert ours[0].items() <= ours[1].items()
        # schema 1 has no diff IDs; the registry knows them from other images of the same layers, one image does not
        alone = answers.known[digest].media_type == SCHEMA_1_SIGNED
        signed += alone
        means = [name for name in MEANS if not (alone and name == "layer")]
        for manifest in ours[0]:
            assert stacks(registry, manifest, *means) == stacks(source, manifest, *means)
            here, there = (only(reg.manifests, manifest=manifest) for reg in (registry, source))
            assert {**here, "layer": alone or here["layer"]} == {**there, "layer": alone or there["layer"]}
        lengths = [mapping(reg.blobs, "blob", "blob_bytes") for reg in (registry, source)]
        assert lengths[0].items() <= lengths[1].items()
        assert registry.blobs["present"].all()
        assert rows(registry.problems, "rule") in ([], [("times-not-trusted",)])
        assert digest in (sha256((folder / "manifest.json").read_bytes()), sha256(answers.known[digest].stored))
    assert signed


def test_buildahs_references(buildah: Buildah, tmp_path: Path) -> None:
    """A layout takes the reference as it is given: a bare tag, or a whole name; an archive too."""
    container = buildah("from", "scratch")
    buildah("config", "--label=made=by-buildah", container)
    buildah.commit(container, "labelled", "oci")
    for name in ("1.0", "docker.io/library/web:2.0"):
        buildah.push("labelled", f"oci:{tmp_path / 'layout'}:{name}")
    buildah.push("labelled", f"oci-archive:{tmp_path / 'one.tar'}:localhost/web:3.0")
    layout, archive = rv.read(tmp_path / "layout"), rv.read(tmp_path / "one.tar")
    assert rows(layout.tags, "repository", "tag") == [("docker.io/library/web", "2.0"), ("layout", "1.0")]
    assert rows(archive.tags, "repository", "tag") == [("localhost/web", "3.0")]
    for registry in (layout, archive):
        assert set(rows(registry.labels, "key", "value")) >= {("made", "by-buildah")}


def test_umocis_layout(tmp_path: Path) -> None:
    """It makes an image of nothing, and tags it twice."""
    umoci = require_program("umoci", "umoci")
    layout = tmp_path / "layout"
    for arguments in (
        ["init", "--layout", layout],
        ["new", "--image", f"{layout}:base"],
        ["tag", "--image", f"{layout}:base", "again"],
    ):
        subprocess.run([umoci, *arguments], check=True, capture_output=True)
    registry = rv.read(layout)
    assert rows(registry.tags, "repository", "tag") == [("layout", "again"), ("layout", "base")]
    assert rows(registry.images, "layer_count", "os") == [(0, "linux")]
    listed = subprocess.run(
        [umoci, "ls", "--layout", layout], check=True, capture_output=True, text=True
    ).stdout.split()
    assert sorted(listed) == ["again", "base"]
