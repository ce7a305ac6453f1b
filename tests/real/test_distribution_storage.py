"""Distribution's storage as regviz reads it, against the files of the folder itself, found by a plain walk.

What no API tells: links, times, uploads, and what lies on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import regviz as rv
from tests.real.tables import moment, rows, written_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer

pytestmark = pytest.mark.real


@pytest.fixture
def storage(distribution_server: DistributionServer) -> Path:
    return distribution_server.root / "docker" / "registry" / "v2"


def links(storage: Path, kind: str) -> Iterator[tuple[str, str, Path]]:
    """Every link below a directory of that name: its repository, the path from there, and the file."""
    for path in (storage / "repositories").rglob("link"):
        repository, is_kind, inside = str(path.parent.relative_to(storage / "repositories")).partition(f"/{kind}/")
        if is_kind:
            yield repository, inside, path


def test_repositories_are_what_has_a_directory(registry: Registry, storage: Path) -> None:
    repositories = storage / "repositories"
    found = {path.parent for path in repositories.rglob("_*") if path.parent.name[0] != "_"}
    columns = ("repository", "raw_name", "namespace", "private", "has_layers", "has_manifests", "complete")
    assert rows(registry.repositories, *columns) == sorted(
        (
            *(name, name, name.partition("/")[0] if "/" in name else None, None),
            *(
                (repositories / name / "_layers").is_dir(),
                (repositories / name / "_manifests").is_dir(),
                True,
            ),
        )
        for name in (str(path.relative_to(repositories)) for path in found)
    )


def test_tags_are_current_links(registry: Registry, storage: Path) -> None:
    expected = {
        (repository, inside.removesuffix("/current"), path.read_text(), "ok", written_at(path, registry))
        for repository, inside, path in links(storage, "_manifests/tags")
        if inside.endswith("/current")
    }
    assert set(rows(registry.tags, "repository", "tag", "manifest", "link_state", "pushed_at")) == expected


def test_tag_history_is_index_links(registry: Registry, storage: Path) -> None:
    expected = set()
    for repository, inside, path in links(storage, "_manifests/tags"):
        tag, is_history, _ = inside.partition("/index/")
        if is_history:
            current = storage / "repositories" / repository / "_manifests/tags" / tag / "current/link"
            is_current = path.read_text() == current.read_text()
            pushed = written_at(current if is_current else path, registry)  # a push writes both
            expected.add((repository, tag, path.read_text(), is_current, pushed))
    columns = ("repository", "tag", "manifest", "current", "last_pushed_at")
    assert set(rows(registry.tag_history, *columns)) == expected


def test_linked_manifests_are_revision_links(registry: Registry, storage: Path) -> None:
    expected = {
        (repository, path.read_text(), "ok", False, written_at(path, registry))
        for repository, _, path in links(storage, "_manifests/revisions")
    }
    columns = ("repository", "manifest", "link_state", "is_root", "linked_at")
    assert set(rows(registry.repository_manifests, *columns)) == expected


def test_linked_blobs_are_layer_links(registry: Registry, storage: Path) -> None:
    expected = {
        (repository, inside.replace("/", ":"), path.read_text())
        for repository, inside, path in links(storage, "_layers")
    }
    assert set(rows(registry.repository_blobs, "repository", "link", "blob")) == expected
    assert {link.partition(":")[0] for _, link, _ in expected} == {"sha256", "sha512"}


def test_opening_every_link_tells_the_same_and_when_it_was_written(registry: Registry, storage: Path) -> None:
    opened = rv.read(registry.source.uri, links="open", times=True)
    columns = ("repository", "link", "blob", "link_state", "linked_at")
    assert set(rows(opened.repository_blobs, *columns)) == {
        (repository, inside.replace("/", ":"), path.read_text(), "ok", written_at(path, registry))
        for repository, inside, path in links(storage, "_layers")
    }


def test_present_blobs_are_data_files(registry: Registry, storage: Path) -> None:
    expected = []
    for path in sorted((storage / "blobs").rglob("data")):
        status = path.stat()
        on_disk = status.st_blocks * 512 if registry.source.knows_disk else None
        digest = f"{path.parts[-4]}:{path.parts[-2]}"
        expected.append((digest, status.st_size, on_disk, 1, written_at(path, registry)))
    present = registry.blobs[registry.blobs["present"]]
    columns = ("blob", "blob_bytes", "allocated_bytes", "copies", "stored_at")
    assert rows(present, *columns) == expected


def test_absent_blobs_are_nowhere(registry: Registry, content: Content) -> None:
    absent = registry.blobs[~registry.blobs["present"]]
    columns = ("blob", "kind", "blob_bytes", "allocated_bytes", "copies", "stored_at")
    assert rows(absent, *columns) == [(content.foreign, "layer", 101_145_811, None, 0, None)]


def test_uploads_are_pushes_in_flight(registry: Registry, content: Content, storage: Path) -> None:
    expected = set()
    for (repository, upload), sent in content.uploads.items():
        folder = storage / "repositories" / repository / "_uploads" / upload
        expected.add((repository, upload, sent, moment((folder / "startedat").read_text())))
    assert set(rows(registry.uploads, "repository", "upload", "upload_bytes", "started_at")) == expected
