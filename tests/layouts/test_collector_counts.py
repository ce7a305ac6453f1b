"""What real collectors count in 65 random registries, broken and whole, follows from the tables that are read of them.

Beside each archive lies what Distribution's `garbage-collect --dry-run` printed on it, by 2.8.2 and 3.1.1, without and
with `-m`. Both mark what each linked manifest lists, and stop at a link that they cannot read: 2.8 at one of a manifest,
3.x at one of a layer too (garbagecollect.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import rows

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

SAID = sorted((ROOT.parent / "shared" / "dumps" / "gc-oracle").glob("*.json"))
UNREADABLE = {"empty", "malformed"}
pytestmark = pytest.mark.skipif(not SAID, reason=f"{NO_DUMPS}: there is no {ROOT.parent / 'shared/dumps/gc-oracle'}")


def linked(registry: Registry) -> set[tuple[str, str]]:
    """Repositories and the manifests they link, of those that are there."""
    present = {manifest for manifest, there in rows(registry.blobs, "blob", "present") if there}
    revisions = rows(registry.repository_manifests, "repository", "manifest", "link_state")
    return {(name, manifest) for name, manifest, state in revisions if state == "ok" and manifest in present}


def listed(registry: Registry) -> dict[str, set[str]]:
    """What each manifest lists, one level down: configuration, layers as they are written, children; no subject."""
    found: dict[str, set[str]] = {}
    pairs: list[tuple[Any, ...]] = rows(registry.manifests, "manifest", "config")
    pairs += rows(registry.manifest_layers, "manifest", "digest")
    pairs += [
        (manifest, child)
        for manifest, child, role in rows(registry.manifest_references, "manifest", "child", "role")
        if role != "subject"
    ]
    for manifest, digest in pairs:
        found.setdefault(manifest, set()).add(digest)
    return found


def test_there_are_all() -> None:
    assert len(SAID) == 65
    aborted = [json.loads(path.read_bytes())["distribution-2.8"]["abort"] is not None for path in SAID]
    assert sum(aborted) == 9


@pytest.mark.parametrize("said", SAID, ids=lambda path: path.stem)
def test_the_collectors_counts(said: Path) -> None:
    collectors = json.loads(said.read_bytes())
    registry = read(said.with_suffix(".tar.gz"), links="open")
    revisions, links = set(registry.repository_manifests["link_state"]), set(registry.repository_blobs["link_state"])
    assert bool(revisions & UNREADABLE) == (collectors["distribution-2.8"]["abort"] is not None)
    assert bool((revisions | links) & UNREADABLE) == (collectors["distribution-3.1"]["abort"] is not None)
    if revisions & UNREADABLE:
        return
    there = linked(registry)
    manifests = {manifest for _, manifest in there}
    marked = manifests.union(*(digests for manifest, digests in listed(registry).items() if manifest in manifests))
    present = {blob for blob, is_there in rows(registry.blobs, "blob", "present") if is_there}
    assert present - marked == set(collectors["distribution-2.8"]["blobs"])
    tagged = set(rows(registry.tags, "repository", "manifest"))
    untagged = {manifest for _, manifest in there - tagged}
    assert untagged == set(collectors["distribution-2.8-m"]["manifests"])
