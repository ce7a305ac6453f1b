"""Distribution's storage read as a folder and from archives, against the server's own API and collector.

Repositories, tags, links, uploads and what is stored; test_distribution_images.py has what manifests say.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from tests.real.distribution import SCHEMA_1, SCHEMA_1_SIGNED, gc_dry_run, sha256
from tests.real.tables import mapping, only, rows

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer

pytestmark = pytest.mark.real


def repositories_folder(server: DistributionServer) -> Path:
    return server.root / "docker" / "registry" / "v2" / "repositories"


def test_the_oracle_knows_the_bytes_that_are_stored(answers: Answers) -> None:
    assert answers.schema_1()
    assert all(sha256(served.stored) == served.digest for served in answers.manifests.values())


def test_repositories_with_layers_are_the_catalog(registry: Registry, answers: Answers) -> None:
    has_layers = mapping(registry.repositories, "repository", "has_layers")
    assert {name for name, has in has_layers.items() if has} == set(answers.catalog)
    assert "only-a-layer" in answers.catalog
    assert "only-an-upload" not in answers.catalog


def test_has_manifests_is_what_3_x_goes_by(
    registry: Registry, distribution_server: DistributionServer
) -> None:
    folder = repositories_folder(distribution_server)
    has_manifests = mapping(registry.repositories, "repository", "has_manifests")
    assert {name for name, has in has_manifests.items() if has} == {
        str(path.parent.relative_to(folder)) for path in folder.rglob("_manifests")
    }


def test_a_repository_has_tags_where_the_api_lists_some(registry: Registry, answers: Answers) -> None:
    has_tags = mapping(registry.repositories, "repository", "has_tags")
    assert {name for name, has in has_tags.items() if has} == {repository for repository, _ in answers.tags}


def test_everything_could_be_read(registry: Registry) -> None:
    assert all(complete for (complete,) in rows(registry.repositories, "complete"))
    assert [row for row in rows(registry.problems, "rule", "severity", "detail") if row[1] == "error"] == []


def test_tags_point_where_the_api_says(registry: Registry, answers: Answers) -> None:
    found = rows(registry.tags, "repository", "tag", "manifest")
    assert {(repository, tag): manifest for repository, tag, manifest in found} == answers.tags
    assert {state for (state,) in rows(registry.tags, "link_state")} == {"ok"}


def test_tag_history_holds_every_push(registry: Registry, content: Content) -> None:
    history = registry.tag_history
    for (repository, tag), pushed in content.overwritten.items():
        of_tag = history[(history["repository"] == repository) & (history["tag"] == tag)]
        assert mapping(of_tag, "manifest", "current") == {digest: digest == pushed[-1] for digest in pushed}


def test_tag_history_remembers_a_deleted_manifest(
    registry: Registry, content: Content, answers: Answers
) -> None:
    history = registry.tag_history
    of_tag = history[(history["repository"] == "gone") & (history["tag"] == "moved")]
    (gone,) = (digest for repository, digest in content.deleted if repository == "gone")
    assert mapping(of_tag, "manifest", "current") == {gone: False, answers.tags["gone", "moved"]: True}


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


def test_manifests_have_the_type_and_length_they_are_stored_with(
    registry: Registry, answers: Answers
) -> None:
    present = mapping(registry.manifests, "manifest", "present")
    media_types = mapping(registry.manifests, "manifest", "media_type")
    stored = mapping(registry.blobs, "blob", "blob_bytes")
    for served in answers.manifests.values():
        assert present[served.digest]
        assert stored[served.digest] == len(served.stored)
        if served.media_type == SCHEMA_1_SIGNED:  # stored unsigned, and without a word on its type
            assert media_types[served.digest] in {SCHEMA_1, SCHEMA_1_SIGNED}
        else:
            assert media_types[served.digest] == served.media_type


def test_stored_blobs_are_those_the_collector_walks(
    registry: Registry, content: Content, distribution_server: DistributionServer
) -> None:
    collection = gc_dry_run(distribution_server.config)
    # It marks digests as manifests write them, whether or not anything is stored there.
    never_stored = {content.foreign, *content.sha512}
    stored = (collection.marked_blobs - never_stored) | collection.eligible_blobs
    present = mapping(registry.blobs, "blob", "present")
    assert {blob for blob, there in present.items() if there} == stored


def test_blobs_are_as_long_as_the_api_says(registry: Registry, answers: Answers, content: Content) -> None:
    found = mapping(registry.blobs, "blob", "blob_bytes")
    for digest, length in answers.blob_bytes.items():
        assert found[content.sha512.get(digest, digest)] == length


def test_times_are_those_of_the_links(registry: Registry, distribution_server: DistributionServer) -> None:
    """No API tells when a push was, but its link was written then. Archives keep whole seconds."""
    tags, history = registry.tags, registry.tag_history
    times = {
        **{(r, f"tags/{tag}/current"): at for r, tag, at in rows(tags, "repository", "tag", "pushed_at")},
        **{
            (r, f"tags/{tag}/index/{digest}"): at
            for r, tag, digest, at in rows(history, "repository", "tag", "manifest", "last_pushed_at")
        },
        **{
            (r, f"revisions/{digest}"): at
            for r, digest, at in rows(registry.repository_manifests, "repository", "manifest", "linked_at")
        },
    }
    for (repository, link), at in times.items():
        folder = repositories_folder(distribution_server) / repository / "_manifests" / link.replace(":", "/")
        written = datetime.fromtimestamp((folder / "link").stat().st_mtime_ns // 1000 / 1e6, UTC)
        assert at in {written, written.replace(microsecond=0)}, (repository, link)


def test_every_layer_link_is_a_row(registry: Registry, distribution_server: DistributionServer) -> None:
    folder, links = repositories_folder(distribution_server), set()
    for path in folder.rglob("link"):
        repository, is_layer, digest = str(path.parent.relative_to(folder)).partition("/_layers/")
        if is_layer:
            links.add((repository, digest.replace("/", ":"), path.read_text()))
    assert set(rows(registry.repository_blobs, "repository", "link", "blob")) == links
    assert {link.partition(":")[0] for _, link, _ in links} == {"sha256", "sha512"}


def test_every_link_is_whole_when_all_are_opened(
    registry: Registry, distribution_server: DistributionServer
) -> None:
    opened = rv.read(distribution_server.root, links="open")
    columns = ("repository", "link", "blob")
    assert rows(opened.repository_blobs, *columns) == rows(registry.repository_blobs, *columns)
    for table in (opened.repository_blobs, opened.repository_manifests, opened.tags):
        assert set(rows(table, "link_state")) == {("ok",)}


def test_a_mounted_blob_is_one_blob_in_several_repositories(
    registry: Registry, content: Content, answers: Answers
) -> None:
    ((repository, blob),) = content.mounted
    holders = registry.repository_blobs[registry.repository_blobs["blob"] == blob]
    assert {(repository,), ("a",), ("a/b",)} <= set(rows(holders, "repository"))
    assert only(registry.blobs, blob=blob)["copies"] == 1
    assert only(registry.blobs, blob=blob)["blob_bytes"] == answers.blob_bytes[blob]


def test_pushes_in_flight_are_uploads(
    registry: Registry, content: Content, distribution_server: DistributionServer
) -> None:
    folder, expected = repositories_folder(distribution_server), set()
    for (repository, upload), sent in content.uploads.items():
        started = (folder / repository / "_uploads" / upload / "startedat").read_text()
        expected.add((repository, upload, sent, datetime.fromisoformat(started)))
    assert set(rows(registry.uploads, "repository", "upload", "upload_bytes", "started_at")) == expected
