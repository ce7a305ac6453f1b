"""What a tag pointed to, and when: the index of each tag, in a folder and in an archive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from regviz.read import read
from tests.helpers import EPOCH, Store, pack, rows, sha256, sha512

if TYPE_CHECKING:
    from pathlib import Path

NEW, OLD, OLDER = sha256(b"new"), sha256(b"old"), sha512(b"older")
TAGS = "repositories/a/_manifests/tags"


def at(seconds: int) -> pd.Timestamp:
    return pd.Timestamp(EPOCH + seconds, unit="s", tz="UTC")


class Tags:
    """Writes tags, their links with times."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.directory(TAGS)
        store.directory("repositories/a/_manifests/revisions")

    def index(self, tag: str, digest: str, seconds: int) -> None:
        self._write(f"{tag}/index/{digest.replace(':', '/')}/link", digest, seconds)

    def current(self, tag: str, digest: str, seconds: int) -> None:
        self._write(f"{tag}/current/link", digest, seconds)

    def _write(self, path: str, digest: str, seconds: int) -> None:
        file = self._store.file(f"{TAGS}/{path}", digest.encode())
        os.utime(file, (EPOCH + seconds,) * 2)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_the_current_manifest_was_pushed_when_the_tag_was(tmp_path: Path, form: str) -> None:
    """A push writes both links (tagstore.go); that of an earlier manifest keeps its time."""
    store = Store(tmp_path / "storage")
    tags = Tags(store)
    tags.index("once", NEW, 10)
    tags.current("once", NEW, 11)
    tags.index("twice", OLD, 20)
    tags.index("twice", NEW, 30)
    tags.current("twice", NEW, 31)
    tags.index("back", OLD, 40)  # pushed again: the index keeps one link of each
    tags.index("back", NEW, 42)
    tags.current("back", OLD, 50)
    tags.index("only another", OLD, 60)
    tags.current("only another", NEW, 61)
    tags.index("two algorithms", OLDER, 70)
    tags.index("two algorithms", NEW, 80)
    tags.current("two algorithms", NEW, 81)
    tags.index("sha512", OLDER, 90)
    tags.current("sha512", OLDER, 91)
    tags.current("without index", NEW, 100)
    tags.index("without current", OLD, 110)
    tags.index("index without link", NEW, 120)
    store.directory(f"{TAGS}/index without link/index/{OLD.replace(':', '/')}")
    tags.current("index without link", NEW, 121)
    tags.current("nothing in the index", NEW, 131)
    store.directory(f"{TAGS}/nothing in the index/index/{NEW.replace(':', '/')}")
    registry = read(pack(store.root, form, tmp_path), times=True)
    expected = [
        ("back", OLD, at(50), True),
        ("back", NEW, at(42), False),
        ("index without link", NEW, at(121), True),
        ("nothing in the index", NEW, at(131), True),
        ("once", NEW, at(11), True),
        ("only another", NEW, at(61), True),
        ("only another", OLD, at(60), False),
        ("sha512", OLDER, at(91), True),
        ("twice", NEW, at(31), True),
        ("twice", OLD, at(20), False),
        ("two algorithms", NEW, at(81), True),
        ("two algorithms", OLDER, at(70), False),
        ("without current", OLD, at(110), False),
        ("without index", NEW, at(100), True),
    ]
    found = rows(registry.tag_history, "tag", "manifest", "last_pushed_at", "current")
    assert sorted(found) == sorted(expected)
    current = {tag: (manifest, time) for tag, manifest, time, is_current in expected if is_current}
    assert {t: (m, p) for t, m, p in rows(registry.tags, "tag", "manifest", "pushed_at") if m} == current


@pytest.mark.parametrize("links", ["stat", "check", "open"])
def test_many_tags_of_many_repositories(tmp_path: Path, links: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gathered over repositories before it is handed over stays with its repository."""
    monkeypatch.setattr("regviz.layouts.distribution.gathered.MANY", 7)
    store = Store(tmp_path / "storage")
    expected = set()
    for repository in ("a", "b/c", "b/d", "e"):
        for number in range(len(repository) * 2):
            digest = store.image(repository, [f"{repository} {number}".encode()], f"v{number}", f"-{number}")
            expected |= {(repository, f"v{number}", digest), (repository, f"-{number}", digest)}
    registry = read(store.root, links=links)  # type: ignore[arg-type]
    assert {*rows(registry.tags, "repository", "tag", "manifest")} == expected
    assert {*rows(registry.tag_history, "repository", "tag", "manifest")} == expected
    manifests = {(repository, digest) for repository, _, digest in expected}
    assert {*rows(registry.repository_manifests, "repository", "manifest")} == manifests
    linked = {
        (repository, *sorted(digests))
        for repository, digests in registry.repository_blobs.groupby("repository", observed=True)["link"]
        .apply(list)
        .items()
    }
    assert len(linked) == 4
    assert sum(len(row) - 1 for row in linked) == 2 * len(manifests)  # a layer and a configuration each
    assert {detail for (detail,) in rows(registry.problems, "detail")} == {f"tag -{n}" for n in range(6)}
