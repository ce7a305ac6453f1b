"""The real v1 server read over HTTP, against its own folder: equal in what the API tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import RegvizError
from regviz.schema import TABLES
from tests.helpers import plain_tables, rules_of
from tests.real.service import LOOPBACK

if TYPE_CHECKING:
    from regviz.registry import Registry
    from tests.real.v1_content import V1Content
    from tests.real.v1_server import V1Server

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def stored(v1_server: V1Server, v1_content: V1Content) -> Registry:  # noqa: ARG001  all was pushed
    return rv.read(v1_server.root)


@pytest.fixture(scope="module")
def live(v1_server: V1Server, v1_content: V1Content) -> Registry:
    names = sorted({repository for repository, _ in v1_content.tags})
    return rv.read(
        f"http://{LOOPBACK}:{v1_server.port}", repositories=[name.removeprefix("library/") for name in names]
    )


def rows(registry: Registry, table: str, *without: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    columns = [column.name for column in TABLES[table].columns]
    made = [dict(zip(columns, row, strict=True)) for row in plain_tables(registry)[table]]
    keyed = {tuple(row[name] for name in TABLES[table].key): row for row in made}
    return {key: {name: row[name] for name in columns if name not in without} for key, row in keyed.items()}


def test_tags_are_the_folders(live: Registry, stored: Registry, v1_content: V1Content) -> None:
    assert {(row["repository"], row["tag"]): row["manifest"] for row in live.tags.to_dict("records")} == v1_content.tags
    assert rows(live, "tags", "pushed_at") == rows(stored, "tags", "pushed_at")


def test_when_tags_were_pushed_is_told(live: Registry, stored: Registry) -> None:
    """The server keeps that in a file of its own, and answers it."""
    assert live.tags["pushed_at"].notna().all()
    assert live.tags["pushed_at"].tolist() == stored.tags["pushed_at"].tolist()


@pytest.mark.parametrize("table", ["manifests", "layers", "manifest_layers", "history", "labels"])
def test_images_are_the_folders(live: Registry, stored: Registry, table: str) -> None:
    ours, theirs = rows(live, table), rows(stored, table)
    told = {key[0] for key in rows(live, "manifests")}
    assert ours == {key: row for key, row in theirs.items() if key[0] in told}
    assert table == "labels" or ours


def test_layers_have_the_same_bytes(live: Registry, stored: Registry) -> None:
    ours, theirs = rows(live, "blobs"), rows(stored, "blobs")
    assert ours
    assert {key: row["blob_bytes"] for key, row in ours.items()} == {key: theirs[key]["blob_bytes"] for key in ours}


def test_lists_of_images_and_privacy(live: Registry, stored: Registry, v1_content: V1Content) -> None:
    ours = rows(live, "repository_manifests", "linked_at")
    named = set(live.repositories["repository"])
    assert ours == {k: row for k, row in rows(stored, "repository_manifests", "linked_at").items() if k[0] in named}
    private = live.repositories
    assert set(private[private["private"]]["repository"]) == v1_content.private
    assert private["complete"].all()


def test_only_what_the_api_does_not_tell_is_missing(live: Registry, stored: Registry, v1_content: V1Content) -> None:
    """Images that no tag and no list names: half-pushed ones."""
    assert set(stored.manifests["manifest"]) - set(live.manifests["manifest"]) == v1_content.in_progress
    assert (live.source.layouts, live.source.knows_untagged) == (("registry-v1",), False)
    assert set(rules_of(live)) <= set(rules_of(stored))


def test_a_server_without_a_search_needs_names(v1_server: V1Server, v1_content: V1Content) -> None:  # noqa: ARG001
    with pytest.raises(RegvizError, match=r"which has no catalog.*repositories=\["):
        rv.read(f"http://{LOOPBACK}:{v1_server.port}")


def test_names_that_are_not_there(v1_server: V1Server, v1_content: V1Content) -> None:  # noqa: ARG001
    registry = rv.read(f"http://{LOOPBACK}:{v1_server.port}", repositories=["team/app", "no/such"])
    assert set(registry.tags["repository"]) == {"team/app"}
    assert [rule for rule in rules_of(registry) if not rule.startswith("v1-")] == ["repository-unknown"]
