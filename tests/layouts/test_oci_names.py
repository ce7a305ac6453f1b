"""What images in layouts are called: references of every tool, one layout or many, docker's own file beside the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from regviz.layouts.oci.grammar import Name, own_name, parse_reference
from regviz.read import read
from tests.helpers import encode, found, image_config, pack, rows, rules_of, sha256
from tests.layouts.oci_store import CONTAINERD, REF, OciStore

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "repository", "tag"),
    [
        ("latest", "", "latest"),  # skopeo, oras, umoci, docker, zot
        ("1.0+meta", "", "1.0+meta"),
        ("docker.io/example/deep:latest", "docker.io/example/deep", "latest"),  # podman save
        ("base:2", "base", "2"),
        ("import-date:z", "import-date", "z"),
        ("127.0.0.1:5055/multi", "127.0.0.1:5055/multi", "latest"),
        ("127.0.0.1:5055/multi:1", "127.0.0.1:5055/multi", "1"),
        ("team/web", "team/web", "latest"),
        (f"team/web@{DIGEST}", "team/web", ""),
        (f"localhost:5000/web:1@{DIGEST}", "localhost:5000/web", ""),
        ("odd@name", "", "odd@name"),
    ],
)
def test_references(text: str, repository: str, tag: str) -> None:
    assert parse_reference(text) == Name(repository, tag)


@pytest.mark.parametrize(
    ("root", "uri", "name"),
    [
        ("", "/backup/web.tar", "web"),
        ("", "/backup/web.oci.tar.zst", "web"),
        ("", "/backup/web.TGZ", "web"),
        ("", "/backup/.tar", "layout"),
        ("", "/", "layout"),
        ("images/web.tar", "/backup/all.tar", "web.tar"),
    ],
)
def test_names_of_layouts_themselves(root: str, uri: str, name: str) -> None:
    assert own_name(root, uri) == name


def annotated(entry: dict[str, Any], **annotations: str) -> dict[str, Any]:
    return {
        **entry,
        "annotations": {{"ref": REF, "image": CONTAINERD}[key]: value for key, value in annotations.items()},
    }


def tags(registry: Registry) -> list[tuple[Any, ...]]:
    return rows(registry.tags, "repository", "tag")


def test_containerds_full_name_stands_before_the_bare_tag(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    images = [store.image([bytes([n])]) for n in range(5)]
    store.index(
        annotated(images[0], ref="1.1", image="localhost:5020/team/web:1.1"),
        annotated(images[1], ref="2", image="docker.io/library/alpine"),  # the tag stands in the other
        annotated(images[2], ref="", image=f"import-2024@{DIGEST}"),
        annotated(images[3], image="web"),
        annotated(images[4], ref="3", image=""),
    )
    registry = read(store.root)
    assert tags(registry) == [
        ("docker.io/library/alpine", "2"), ("localhost:5020/team/web", "1.1"), ("storage", "3"), ("web", "latest")
    ]  # fmt: skip
    assert rows(registry.repositories, "repository", "namespace") == [
        ("docker.io/library/alpine", "docker.io"), ("import-2024", None), ("localhost:5020/team/web", "localhost:5020"),
        ("storage", None), ("web", None),
    ]  # fmt: skip
    assert rules_of(registry) == []


def test_annotations_that_are_none(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    for said in (None, {REF: 7}, {REF: ["x"]}, {REF: None, CONTAINERD: {}}, [], "text"):
        store.entries.append({**store.image([str(said).encode()]), "annotations": said})
    store.index()
    registry = read(store.root)
    assert tags(registry) == []
    assert [len(registry.repository_manifests), *rows(registry.repositories, "repository")] == [6, ("storage",)]


def test_several_names_of_one_image_and_none(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    digest = store.add(store.image([b"1"]), "a", "b", "team/web:a", "b")
    store.add(store.image([b"1"]))
    nameless = store.add(store.image([b"2"]))
    registry = read(pack(store.root, "tar.zst", tmp_path))
    assert rows(registry.tags, "repository", "tag", "manifest") == [
        ("storage", "a", digest), ("storage", "b", digest), ("team/web", "a", digest)
    ]  # fmt: skip
    assert rows(registry.repository_manifests, "repository", "manifest", "is_root") == sorted(
        [("storage", digest, True), ("storage", nameless, True), ("team/web", digest, True)]
    )
    assert rows(registry.tag_history, "tag", "manifest", "current") == [(t, digest, True) for t in ("a", "b", "a")]
    assert rules_of(registry) == []


def test_a_layout_that_names_everything_is_no_repository_itself(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]), "team/web:1", "base:2")
    assert rows(read(store.root).repositories, "repository") == [("base",), ("team/web",)]


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_docker_names_what_its_index_does_not(tmp_path: Path, form: str) -> None:
    """manifest.json has RepoTags by configuration; what the index names keeps that name."""
    store = OciStore(tmp_path / "storage")
    nameless, several = store.add(store.image([b"1"])), store.add(store.image([b"2"]))
    named = store.add(store.image([b"3"]), "kept")
    unknown = store.add(store.image([b"4"]))
    saved = [
        ([b"1"], ["localhost:5000/team/web:1"]), ([b"2"], ["team/web:2", "team/web:two"]), ([b"3"], ["other:name"]),
        ([b"4"], None),
    ]  # fmt: skip
    store.file(
        "manifest.json",
        encode(
            [
                {"Config": f"blobs/sha256/{sha256(image_config(layers))[7:]}", "RepoTags": names, "Layers": []}
                for layers, names in saved
            ]
        ),
    )
    registry = read(pack(store.root, form, tmp_path))
    assert rows(registry.tags, "repository", "tag", "manifest") == [
        ("localhost:5000/team/web", "1", nameless), ("storage", "kept", named), ("team/web", "2", several),
        ("team/web", "two", several),
    ]  # fmt: skip
    roots = rows(registry.repository_manifests[registry.repository_manifests["repository"] == "storage"], "manifest")
    assert roots == sorted([(named,), (unknown,)])
    assert rules_of(registry) == []


@pytest.mark.parametrize(
    "content", [b"null", b"{}", b"[null, 1, {}]", b'[{"Config": 7, "RepoTags": ["a:1"]}]', b"[" * 9999]
)
def test_another_manifest_json_beside_the_index(tmp_path: Path, content: bytes) -> None:
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]))
    store.file("manifest.json", content)
    registry = read(store.root)
    assert (len(registry.repository_manifests), tags(registry), found(registry)) == (1, [], [])


def test_a_layout_below_the_folder_that_was_given(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage" / "backups" / "web")
    store.add(store.image([b"1"]), "latest")
    for form in ("folder", "tar", "zip"):
        registry = read(pack(tmp_path / "storage", form, tmp_path))
        assert registry.source.root == "backups/web"
        assert tags(registry) == [("web", "latest")]


def test_a_folder_of_layouts(tmp_path: Path) -> None:
    """Each is the repository of its path, whatever the others are called."""
    for name in ("web", "team/api", "team/api/deep"):
        store = OciStore(tmp_path / "storage" / name)
        store.add(store.image([name.encode()]), "latest", "shared:1")
    for form in ("folder", "tar"):
        registry = read(pack(tmp_path / "storage", form, tmp_path))
        assert registry.source.layouts == ("oci-layouts",)
        assert tags(registry) == [
            ("shared", "1"), ("team/api", "latest"), ("team/api/deep", "latest"), ("web", "latest")
        ]  # fmt: skip
        assert len(found(registry, "reference-repeated")) == 2


def test_the_current_directory_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = OciStore(tmp_path / "web")
    store.add(store.image([b"1"]), "latest")
    monkeypatch.chdir(store.root)
    assert tags(read(".")) == [("web", "latest")]
