"""Distribution's storage read as a folder and from archives, against the server's own API and collector.

Here are repositories, tags and what is linked and stored; test_distribution_manifests.py and _layers.py have
what manifests say, test_distribution_storage.py has what only the folder itself can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.distribution import gc_dry_run, sha256
from tests.real.tables import mapping, only, rows

if TYPE_CHECKING:
    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer

pytestmark = pytest.mark.real


def test_the_oracle_knows_the_bytes_that_are_stored(answers: Answers) -> None:
    assert answers.schema_1()
    assert all(sha256(served.stored) == served.digest for served in answers.manifests.values())


def test_repositories_with_layers_are_the_catalog(registry: Registry, answers: Answers) -> None:
    has_layers = mapping(registry.repositories, "repository", "has_layers")
    assert {name for name, has in has_layers.items() if has} == set(answers.catalog)
    assert "only-a-layer" in answers.catalog
    assert "only-an-upload" not in answers.catalog


def test_a_repository_has_tags_where_the_api_lists_some(registry: Registry, answers: Answers) -> None:
    has_tags = mapping(registry.repositories, "repository", "has_tags")
    assert {name for name, has in has_tags.items() if has} == {repository for repository, _ in answers.tags}


def test_tags_point_where_the_api_says(registry: Registry, answers: Answers) -> None:
    found = rows(registry.tags, "repository", "tag", "manifest")
    assert {(repository, tag): manifest for repository, tag, manifest in found} == answers.tags
    assert {state for (state,) in rows(registry.tags, "link_state")} == {"ok"}


def test_tag_history_holds_every_push(registry: Registry, content: Content) -> None:
    history = registry.tag_history
    for (repository, tag), pushed in content.overwritten.items():
        of_tag = history[(history["repository"] == repository) & (history["tag"] == tag)]
        assert mapping(of_tag, "manifest", "current") == {digest: digest == pushed[-1] for digest in pushed}


def test_tag_history_remembers_a_deleted_manifest(registry: Registry, content: Content, answers: Answers) -> None:
    history = registry.tag_history
    of_tag = history[(history["repository"] == "gone") & (history["tag"] == "moved")]
    (gone,) = (digest for repository, digest in content.deleted if repository == "gone")
    assert mapping(of_tag, "manifest", "current") == {gone: False, answers.tags["gone", "moved"]: True}


def test_problems_are_what_was_left_behind(registry: Registry, answers: Answers, content: Content) -> None:
    (gone,) = (digest for repository, digest in content.deleted if repository == "gone")
    found = rows(registry.problems, "rule", "severity", "repository", "manifest", "blob")
    assert sorted(found, key=str) == sorted(
        [
            ("foreign-layer", "info", None, answers.tags["windows", "latest"], content.foreign),
            ("repository-2.8-only", "info", "only-a-layer", None, None),
            ("tag-history-dangling", "info", "gone", gone, None),
            *(("upload-unfinished", "info", repository, None, None) for repository, _ in content.uploads),
        ],
        key=str,
    )


def test_linked_manifests_are_those_the_collector_finds(
    registry: Registry, answers: Answers, distribution_server: DistributionServer
) -> None:
    found = set(rows(registry.repository_manifests, "repository", "manifest"))
    assert found == gc_dry_run(distribution_server.config).marked_manifests
    assert found == set(answers.manifests)


def test_deleted_manifests_are_linked_no_more_but_still_stored(registry: Registry, content: Content) -> None:
    linked = set(rows(registry.repository_manifests, "repository", "manifest"))
    assert linked.isdisjoint(content.deleted)
    (dropped,) = (digest for repository, digest in content.deleted if repository == "gone")
    assert only(registry.blobs, blob=dropped)["present"]


def test_untagged_manifests_are_what_the_collector_deletes_with_m(
    registry: Registry, distribution_server: DistributionServer
) -> None:
    tagged = set(rows(registry.tags, "repository", "manifest"))
    linked = set(rows(registry.repository_manifests, "repository", "manifest"))
    eligible = gc_dry_run(distribution_server.config, delete_untagged=True).eligible_manifests
    assert {digest for _, digest in linked - tagged} == eligible


def test_stored_blobs_are_those_the_collector_walks(
    registry: Registry, content: Content, distribution_server: DistributionServer
) -> None:
    collection = gc_dry_run(distribution_server.config)
    # It marks digests as manifests write them, whether or not anything is stored there.
    never_stored = {content.foreign, *content.sha512}
    stored = (collection.marked_blobs - never_stored) | collection.eligible_blobs
    present = mapping(registry.blobs, "blob", "present")
    assert {blob for blob, there in present.items() if there} == stored


def test_manifests_are_as_long_as_they_are_stored(registry: Registry, answers: Answers) -> None:
    found = mapping(registry.blobs, "blob", "blob_bytes")
    for served in answers.manifests.values():
        assert found[served.digest] == len(served.stored)


def test_blobs_are_as_long_as_the_api_says(registry: Registry, answers: Answers, content: Content) -> None:
    found = mapping(registry.blobs, "blob", "blob_bytes")
    for digest, length in answers.blob_bytes.items():
        assert found[content.sha512.get(digest, digest)] == length


def test_a_mounted_blob_is_one_blob_in_several_repositories(
    registry: Registry, content: Content, answers: Answers
) -> None:
    ((repository, blob),) = content.mounted
    holders = registry.repository_blobs[registry.repository_blobs["blob"] == blob]
    assert {(repository,), ("a",), ("a/b",)} <= set(rows(holders, "repository"))
    assert only(registry.blobs, blob=blob)["copies"] == 1
    assert only(registry.blobs, blob=blob)["blob_bytes"] == answers.blob_bytes[blob]
