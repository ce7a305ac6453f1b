"""A push by the v1 protocol to the real server of 2014, read back equal to what was pushed and is served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from tests.real.tables import mapping, moment, rows, written_at

if TYPE_CHECKING:
    from regviz.registry import Registry
    from tests.real.v1_content import V1Content
    from tests.real.v1_server import V1Server

pytestmark = pytest.mark.real


def ancestry(content: V1Content, identifier: str) -> list[str]:
    """An image and all it stands on, itself first, by the parents that were pushed."""
    found = []
    while identifier:
        found.append(identifier)
        identifier = content.images[identifier].parent
    return found


def test_repositories(v1_read: Registry, v1_content: V1Content) -> None:
    found = rows(v1_read.repositories, "repository", "namespace", "private", "has_tags", "complete")
    names = {repository for repository, _ in v1_content.tags}
    assert found == [(name, name.partition("/")[0], name in v1_content.private, True, True) for name in sorted(names)]


def test_a_nested_name_is_quoted_twice_on_the_storage(v1_read: Registry, v1_server: V1Server) -> None:
    storage = v1_server.root / "repositories"
    folders = {str(path.parent.relative_to(storage)) for path in storage.rglob("_index_images")}
    raw_names = mapping(v1_read.repositories, "repository", "raw_name")
    assert set(raw_names.values()) == folders
    assert raw_names["a/b/c"] == "a/b%252Fc"
    assert {unquote(unquote(raw)) for raw in folders} == raw_names.keys()


def test_tags(v1_read: Registry, v1_content: V1Content) -> None:
    expected = [(*place, identifier, "ok") for place, identifier in sorted(v1_content.tags.items())]
    assert rows(v1_read.tags, "repository", "tag", "manifest", "link_state") == expected


def test_tag_history_is_the_tags_as_they_are_now(v1_read: Registry) -> None:
    """The server keeps none."""
    columns = ("repository", "tag", "manifest")
    expected = [(*row, True) for row in rows(v1_read.tags, *columns, "pushed_at")]
    assert rows(v1_read.tag_history, *columns, "last_pushed_at", "current") == expected


def test_a_repository_serves_what_its_index_lists(v1_read: Registry, v1_server: V1Server) -> None:
    expected = {
        (repository, listed["id"], "ok", None, False)
        for (repository,) in rows(v1_read.repositories, "repository")
        for listed in v1_server.get(f"repositories/{repository}/images")
    }
    columns = ("repository", "manifest", "link_state", "linked_at", "is_root")
    assert set(rows(v1_read.repository_manifests, *columns)) == expected


def test_tags_are_those_the_server_lists(v1_read: Registry, v1_server: V1Server) -> None:
    for (repository,) in rows(v1_read.repositories, "repository"):
        of_repository = v1_read.tags[v1_read.tags["repository"] == repository]
        assert mapping(of_repository, "tag", "manifest") == v1_server.get(f"repositories/{repository}/tags")


def test_tags_were_pushed_when_the_server_says(v1_read: Registry, v1_server: V1Server) -> None:
    for repository, tag, pushed_at in rows(v1_read.tags, "repository", "tag", "pushed_at"):
        told = v1_server.get(f"repositories/{repository}/tags/{tag}/json")
        assert pushed_at == datetime.fromtimestamp(told["last_update"], UTC)


def test_every_image_is_a_manifest(v1_read: Registry, v1_content: V1Content) -> None:
    columns = ("manifest", "kind", "present", "layer", "in_progress", "layer_count")
    expected = [
        (
            image.id,
            "v1",
            True,
            image.id,
            image.id in v1_content.in_progress,
            len(ancestry(v1_content, image.id)),
        )
        for image in v1_content.images.values()
    ]
    assert rows(v1_read.manifests, *columns) == sorted(expected)


def test_a_manifest_says_what_its_json_says(v1_read: Registry, v1_content: V1Content) -> None:
    columns = ("manifest", "os", "architecture", "author", "created_at")
    expected = [
        (image.id, "linux", "amd64", image.document["author"], moment(image.created))
        for image in v1_content.images.values()
    ]
    assert rows(v1_read.manifests, *columns) == sorted(expected)


def test_every_image_is_a_layer_on_its_parent(v1_read: Registry, v1_content: V1Content) -> None:
    columns = ("layer", "basis", "parent", "depth", "empty", "uncompressed_bytes", "created_at", "created_by")
    expected = [
        (
            *(image.id, "v1", image.parent or None, len(ancestry(v1_content, image.id))),
            *(not image.files, image.size, moment(image.created), " ".join(image.command)),
        )
        for image in v1_content.images.values()
    ]
    assert rows(v1_read.layers, *columns) == sorted(expected)


def test_the_path_to_the_base_is_the_ancestry_the_server_answers(
    v1_read: Registry, v1_server: V1Server, v1_content: V1Content
) -> None:
    parent = mapping(v1_read.layers, "layer", "parent")
    for identifier in v1_content.images.keys() - v1_content.in_progress:
        walked: list[Any] = [identifier]
        while parent[walked[-1]] is not None:
            walked.append(parent[walked[-1]])
        assert walked == v1_server.get(f"images/{identifier}/ancestry")


def test_the_stack_of_any_image_is_its_ancestry(v1_read: Registry, v1_content: V1Content) -> None:
    for identifier in v1_content.images:
        stack = rows(v1_read.stack(identifier), "position", "layer", "blob")
        layers = ancestry(v1_content, identifier)[::-1]
        assert stack == [(position, layer, f"v1:{layer}") for position, layer in enumerate(layers)]


def test_blobs_are_the_layers_that_arrived(v1_read: Registry, v1_content: V1Content) -> None:
    arrived = v1_content.images.keys() - v1_content.without_layer
    expected = [
        (
            f"v1:{image.id}",
            "layer",
            *((True, 1, len(image.layer)) if image.id in arrived else (False, 0, None)),
        )
        for image in v1_content.images.values()
    ]
    columns = ("blob", "kind", "present", "copies", "blob_bytes")
    assert rows(v1_read.blobs, *columns) == sorted(expected)


def test_blobs_lie_where_the_folder_has_them(v1_read: Registry, v1_server: V1Server) -> None:
    layers = sorted((v1_server.root / "images").glob("*/layer"))
    expected = [
        (
            *(f"v1:{path.parent.name}", written_at(path, v1_read)),
            path.stat().st_blocks * 512 if v1_read.source.knows_disk else None,
        )
        for path in layers
    ]
    present = v1_read.blobs[v1_read.blobs["present"]]
    assert rows(present, "blob", "stored_at", "allocated_bytes") == expected


def test_blobs_are_as_long_as_the_server_says(v1_read: Registry, v1_server: V1Server, v1_content: V1Content) -> None:
    found = mapping(v1_read.blobs, "blob", "blob_bytes")
    for identifier in v1_content.images.keys() - v1_content.in_progress:
        answer = v1_server.request("GET", f"images/{identifier}/layer")
        assert answer.body == v1_content.images[identifier].layer
        assert found[f"v1:{identifier}"] == len(answer.body)


def test_stacks_are_of_images_with_a_tag_or_without_descendants(v1_read: Registry, v1_content: V1Content) -> None:
    parents = {image.parent for image in v1_content.images.values()}
    heads = {*v1_content.tags.values(), *(v1_content.images.keys() - parents)}
    steps = [
        (head, position, v1_content.images[identifier])
        for head in sorted(heads)
        for position, identifier in enumerate(reversed(ancestry(v1_content, head)))
    ]
    columns = ("manifest", "position", "layer", "blob", "digest", "empty", "foreign")
    assert rows(v1_read.manifest_layers, *columns) == [
        (head, position, image.id, f"v1:{image.id}", None, not image.files, False) for head, position, image in steps
    ]
    columns = ("manifest", "step", "position", "created_at", "created_by", "author", "empty")
    assert rows(v1_read.history, *columns) == [
        (
            *(head, position, position, moment(image.created), " ".join(image.command)),
            *(image.document["author"], False),
        )
        for head, position, image in steps
    ]


def test_problems_are_what_was_left_behind(v1_read: Registry, v1_server: V1Server, v1_content: V1Content) -> None:
    reached: dict[str, set[str]] = {}
    for (repository, _), identifier in v1_content.tags.items():
        reached.setdefault(repository, set()).update(ancestry(v1_content, identifier))
    orphans = v1_content.images.keys() - set().union(*reached.values())
    drifted = {
        repository
        for repository, images in reached.items()
        if {row["id"] for row in v1_server.get(f"repositories/{repository}/images")} - images
    }
    assert v1_content.in_progress < orphans
    assert drifted == {"team/gone"}
    assert set(rows(v1_read.problems, "rule", "severity", "repository", "manifest")) == (
        {("v1-in-progress", "warning", None, identifier) for identifier in v1_content.in_progress}
        | {("v1-orphan", "info", None, identifier) for identifier in orphans}
        | {("v1-index-drift", "info", repository, None) for repository in drifted}
    )
