"""garbage(): its rows, what it says beside them, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis.collectors import COLLECTORS
from regviz.errors import NotKnowableError, RegvizError
from regviz.read import read
from tests.helpers import (
    OCI_INDEX,
    OCI_MANIFEST,
    Store,
    V1Store,
    compressed,
    descriptor,
    encode,
    image_config,
    image_id,
    rows,
    rules_of,
    sha256,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from regviz.analysis.collectors import CollectorName

COLUMNS = ["kind", "digest", "repository", "bytes", "state", "reason"]


def facts(table: pd.DataFrame, *names: str) -> list[Any]:
    return [table.attrs[name] for name in names]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An index of two images without tags of their own; an image that lost its tag; a blob alone, and an upload."""
    store = Store(tmp_path)
    children = [store.image("app", [name]) for name in (b"amd64", b"arm64")]
    entries = [descriptor(store.blob_path(child).read_bytes(), OCI_MANIFEST) for child in children]
    store.push("app", encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}), "1")
    store.image("app", [b"old"])
    store.blob(b"alone")
    store.file("repositories/app/_uploads/one/data", b"1234567")
    store.file("repositories/app/_uploads/one/startedat", b"2014-06-01T00:00:00Z")
    return store


def length(store: Store, *digests: str) -> int:
    return sum(store.blob_path(digest).stat().st_size for digest in digests)


def test_reachability(store: Store) -> None:
    table = rv.garbage(read(store.root, links="check"))
    assert list(table.columns) == COLUMNS
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "str", "Int64", "str", "str"]
    alone = sha256(b"alone")
    assert rows(table, "kind", "digest", "repository", "bytes", "state") == [
        ("blob", alone, None, 5, "unreferenced"),
        ("upload", "one", "app", 7, None),
    ]
    assert facts(table, "collector", "freed_bytes", "blobs", "manifests", "links", "uploads") == [
        *("reachability", 12, 1, 0, 0, 1),
    ]
    assert facts(table, "abort", "abort_rule", "error_at_end", "breaks", "unknown_bytes") == [None, None, None, [], 0]


def test_dropping_what_has_no_tag(store: Store) -> None:
    """Counted by hand: 2.8 -m frees the configurations and layers of three images, and the manifest of the last."""
    reg = read(store.root, links="check")
    [index] = [manifest for manifest, kind in rows(reg.manifests, "manifest", "kind") if kind == "index"]
    [old] = [
        manifest
        for manifest, config in rows(reg.manifests, "manifest", "config")
        if config == sha256(image_config([b"old"]))
    ]
    listed = [sha256(data) for name in (b"amd64", b"arm64") for data in (image_config([name]), compressed(name))]
    alone = [old, sha256(image_config([b"old"])), sha256(compressed(b"old")), sha256(b"alone")]
    table = rv.garbage(reg, collector="distribution-2.8-m")
    blobs = table[table["kind"] == "blob"]
    assert set(blobs["digest"]) == {*listed, *alone}
    assert facts(table, "freed_bytes", "blobs", "manifests") == [length(store, *listed, *alone), 8, 4 - 1]
    assert {state for digest, state in rows(blobs, "digest", "state") if digest in listed} == {"tagged"}
    assert {state for digest, state in rows(blobs, "digest", "state") if digest in alone} == {
        "untagged",
        "unreferenced",
    }
    [broken] = table.attrs["breaks"]
    assert broken["digest"] in set(table[table["kind"] == "manifest"]["digest"])
    assert {**broken, "digest": ""} == {
        "repository": "app",
        "manifest": index,
        "kind": "index",
        "tags": 1,
        "lost": "child",
        "digest": "",
    }
    table = rv.garbage(reg, collector="distribution-3-m")
    assert set(table[table["kind"] == "blob"]["digest"]) == set(alone)
    assert rows(table[table["kind"] != "blob"], "kind", "digest", "repository", "bytes") == [
        *(("link", digest, "app", None) for digest in sorted(alone[1:3])),
        ("manifest", old, "app", None),
    ]
    assert table.attrs["breaks"] == []


def test_where_it_stops(store: Store) -> None:
    store.revision("app", sha256(b"alone"), b"")
    table = rv.garbage(read(store.root, links="check"), collector="distribution-2.8")
    assert not len(table)
    reason = f"the link of manifest {sha256(b'alone')} in app is empty"
    assert facts(table, "abort", "abort_rule", "freed_bytes") == [reason, "revision-link-empty", 0]


def test_v1(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(4)]
    store.chain(*ids[:2])
    store.image(ids[2], ids[:1], b"loose layer")
    store.file(f"images/{ids[3]}/json", encode({"id": ids[3]}))
    store.file(f"images/{ids[3]}/_inprogress", b"true")
    store.tag("library/app", "1", ids[1])
    table = rv.garbage(read(tmp_path))
    assert rows(table, "kind", "digest", "bytes") == [
        ("blob", f"v1:{ids[2]}", len(b"loose layer")),
        *(("manifest", name, None) for name in sorted(ids[2:])),
    ]
    assert facts(table, "collector", "freed_bytes") == ["v1", len(b"loose layer")]
    assert set(table["reason"]) == {"no tag leads to it"}


def test_the_age_is_asked_for(store: Store) -> None:
    reg = read(store.root, links="check")
    assert len(rv.garbage(reg, min_age=dt.timedelta(days=365 * 100))) == 0
    assert len(rv.garbage(reg, collector="distribution-2.8", min_age=dt.timedelta(days=365 * 100))) == 1


def test_what_is_said_beside_the_rows_can_be_written_down(store: Store) -> None:
    reg = read(store.root, links="check")
    for name in COLLECTORS[:5]:
        attrs = rv.garbage(reg, collector=name).attrs
        assert json.loads(json.dumps(attrs)) == attrs


# --- any storage


@pytest.mark.parametrize("seed", range(30))
def test_freeing_frees_what_reading_again_shows(seed: int, tmp_path: Path) -> None:
    """What nothing leads to is deleted from the disk: nothing is left to free, and nothing is missing that was not before."""
    made = random_registry(tmp_path, seed, broken=seed % 3 == 2)
    before = read(tmp_path, links="check")
    table = rv.garbage(before)
    for kind, digest, repository in rows(table, "kind", "digest", "repository"):
        if kind == "blob":
            shutil.rmtree(made.store.blob_path(digest).parent)
        elif kind == "link":
            path = f"repositories/{repository}/_layers/{digest.replace(':', '/')}"
            shutil.rmtree(made.store.v2 / path)
        else:
            shutil.rmtree(made.store.v2 / f"repositories/{repository}/_uploads/{digest}")
    after = read(tmp_path, links="check")
    assert not len(rv.garbage(after))

    def stored(reg: rv.Registry) -> int:
        return sum(size for size, present in rows(reg.blobs, "blob_bytes", "present") if present)

    uploads = table[table["kind"] == "upload"]["bytes"].sum()
    assert stored(before) - stored(after) == table.attrs["freed_bytes"] - uploads
    lacking = [
        sorted(
            rule
            for rule in rules_of(reg)
            if rule in ("manifest-missing", "config-missing", "layer-missing", "tag-dangling")
        )
        for reg in (before, after)
    ]
    assert lacking[0] == lacking[1]
    # what is absent anyway may be counted under two digests once no sha512 link tells that they are one
    tables = [rv.sizes(reg, by="tag").drop(columns="absent_bytes") for reg in (before, after)]
    assert tables[0].equals(tables[1])


# --- what cannot be asked


def test_layer_links_have_to_be_looked_into(store: Store) -> None:
    with pytest.raises(RegvizError, match=r"read it, .* with links='check'"):
        rv.garbage(read(store.root), collector="distribution-3")


@pytest.mark.parametrize(
    ("known", "collector", "words"),
    [
        ({"proxy_cache": True}, "reachability", "pull-through cache"),
        ({"names_in_database": True}, "distribution-2.8", "names in a database"),
        ({"tags_elsewhere": "Harbor"}, "distribution-2.8-m", "tags in a database"),
        ({"knows_all_blobs": False}, "reachability", "only what its tags lead to"),
        ({"knows_contents": False}, "reachability", "is a listing"),
        ({"layouts": ("docker-daemon",)}, "reachability", "containers"),
    ],
)
def test_what_a_source_cannot_know(store: Store, known: dict[str, Any], collector: CollectorName, words: str) -> None:
    reg = read(store.root, links="check")
    reg.source = replace(reg.source, **known)
    with pytest.raises(NotKnowableError, match=rf"{words}.*Read"):
        rv.garbage(reg, collector=collector)


def test_harbor_knows_what_nothing_leads_to(store: Store) -> None:
    reg = read(store.root, links="check")
    reg.source = replace(reg.source, tags_elsewhere="Harbor")
    assert rows(rv.garbage(reg), "digest") == [(sha256(b"alone"),), ("one",)]
