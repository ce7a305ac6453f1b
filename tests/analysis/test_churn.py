"""Layers that were made again, against a second implementation over the storages' own files, and counted by hand."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from regviz.analysis import churn
from regviz.assemble.stacks import EMPTY_BLOBS
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.lineage_oracle import Woods, woods_of
from tests.conftest import ROOT
from tests.helpers import (
    STORAGE_DUMPS,
    Store,
    V1Store,
    compressed,
    image_config,
    image_id,
    image_manifest,
    rows,
    sha256,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

Group = tuple[str, frozenset[str]]


def groups_of(woods: Woods, near: float = 0.01) -> tuple[dict[Group, int], set[str]]:
    """Groups with the bytes they lose, and all blobs that are looked at; the rules as `churn` has them in words."""
    said = {key: text for p in woods.pictures.values() for key, text in zip(p.keys, p.said, strict=False) if text}
    contents: dict[str, set[str]] = defaultdict(set)
    ways: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for repository, manifests in woods.served.items():
        for picture in (woods.pictures[each] for each in manifests if each in woods.pictures):
            turns: Counter[str | None] = Counter()
            for key, blob, diff_id in zip(picture.keys, picture.blobs, picture.diff_ids, strict=True):
                if not woods.stored.get(blob) or {blob, diff_id} & {*EMPTY_BLOBS}:
                    continue
                contents[diff_id or blob].add(blob)
                text = said.get(key)
                if text:
                    ways[repository, picture.platform, text, turns[text]].add(diff_id or blob)
                    turns[text] += 1
    kept = {content: max(sorted(blobs), key=woods.stored.__getitem__) for content, blobs in contents.items()}
    found: dict[Group, int] = {}
    for content, blobs in contents.items():
        if len(blobs) > 1:
            found["recompressed", frozenset(blobs)] = woods.bytes_of(blobs - {kept[content]})
    together = {content: {content} for content in contents}
    for alike in ways.values():
        in_order = sorted(alike, key=lambda content: woods.stored[kept[content]])
        for one, other in zip(in_order, in_order[1:], strict=False):
            smaller, larger = (woods.stored[kept[content]] for content in (one, other))
            if larger - smaller <= max(near * larger, 1024):
                joined = together[one] | together[other]
                for content in joined:
                    together[content] = joined
    for members in {frozenset(members) for members in together.values() if len(members) > 1}:
        blobs = {kept[content] for content in members}
        largest = max(woods.stored[blob] for blob in blobs)
        found["rebuilt", frozenset(blobs)] = woods.bytes_of(blobs) - largest
    return found, set().union(*contents.values()) if contents else set()


def hold_to_oracle(reg: Registry, woods: Woods) -> None:
    expected, looked_at = groups_of(woods)
    table = churn(reg)
    having = {
        blob: {manifest for manifests in woods.served.values() for manifest in manifests
               if manifest in woods.pictures and blob in woods.pictures[manifest].blobs}
        for _, blobs in expected for blob in blobs
    }  # fmt: skip
    rows_expected = []
    for (kind, blobs), lost in expected.items():
        images = set().union(*(having[blob] for blob in blobs))
        owners = {name for name, manifests in woods.served.items() if manifests & images}
        tags = {tag for tag, manifests in woods.reached.items() if manifests & images}
        largest = max(sorted(blobs), key=woods.stored.__getitem__)
        only = next(iter(owners)) if len(owners) == 1 else None
        counts = [len(owners), len(blobs), len(images), len(tags), woods.bytes_of(set(blobs)), lost]
        rows_expected.append((kind, largest, only, *counts))
    columns = ["kind", "blob", "repository", "repositories", "blobs", "images", "tags", "bytes", "lost_bytes"]
    assert sorted(rows(table, *columns), key=str) == sorted(rows_expected, key=str)
    totals = {kind: sum(n for (k, _), n in expected.items() if k == kind) for kind in ("recompressed", "rebuilt")}
    assert table.attrs == {
        "lost_bytes": sum(totals.values()),
        "recompressed_bytes": totals["recompressed"],
        "rebuilt_bytes": totals["rebuilt"],
        "layer_bytes": woods.bytes_of(looked_at),
    }
    by_repository = churn(reg, by="repository")
    assert len(by_repository) == len(reg.repositories)
    assert by_repository.attrs == table.attrs
    assert by_repository["lost_bytes"].sum() == table["lost_bytes"].sum() == table.attrs["lost_bytes"]
    assert table.attrs["lost_bytes"] < table.attrs["layer_bytes"] or not looked_at


def test_the_shipped_world_is_as_its_files_say() -> None:
    source = ROOT / "data" / "world-distribution.tar.gz"
    hold_to_oracle(read(source), woods_of(source))


def test_families_of_images_are_as_their_files_say(tmp_path: Path) -> None:
    folder = write(synthetic_world(repositories=8, tags=30, layers=80, seed=4), tmp_path / "made", "distribution")
    hold_to_oracle(read(folder), woods_of(folder))


@pytest.mark.parametrize("seed", range(100, 140))
def test_random_registries_are_as_their_files_say(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed)
    hold_to_oracle(read(tmp_path), woods_of(tmp_path))


@pytest.mark.parametrize("name", [name for name in STORAGE_DUMPS if name.startswith("v2")])
def test_real_dumps_are_as_their_files_say(name: str, shared_dumps: Path) -> None:
    hold_to_oracle(read(shared_dumps / name), woods_of(shared_dumps / name))


@pytest.mark.parametrize("seed", range(8))
def test_what_is_broken_never_raises(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed, broken=True)
    table = churn(read(tmp_path))
    assert table["lost_bytes"].sum() == table.attrs["lost_bytes"] <= table.attrs["layer_bytes"]


def build(store: Store, repository: str, steps: list[tuple[str, bytes]], *tags: str, **more: Any) -> str:
    """An image whose layers are these very bytes, each made by an instruction."""
    contents = [content for _, content in steps]
    config = image_config(contents, history=[{"created_by": said} for said, _ in steps], **more)
    store.linked_blob(repository, config)
    for content in contents:
        store.linked_blob(repository, content)
    return store.push(repository, image_manifest(config, contents), *tags)


class TestByHand:
    def test_the_example(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        tar = b"A" * 200_000
        blobs = [gzip.compress(tar, level, mtime=0) for level in (1, 9)]
        assert len(blobs[0]) != len(blobs[1])
        config = image_config([tar])
        for tag, blob in zip("ab", blobs, strict=True):
            for each in (config, blob):
                store.linked_blob("twice", each)
            store.push("twice", image_manifest(config, [blob]), tag)
        for tag, content in (("1", b"1" * 5000), ("2", b"2" * 5020), ("3", b"3" * 9000)):
            build(store, "made", [("RUN make", content)], tag)
        table = churn(read(tmp_path))
        short, long = sorted(map(len, blobs))
        assert sorted(rows(table, "kind", "repository", "created_by", "blobs", "bytes", "lost_bytes")) == [
            ("rebuilt", "made", "RUN make", 2, 10020, 5000),
            ("recompressed", "twice", None, 2, short + long, short),
        ]
        assert rows(table[table["kind"] == "recompressed"], "diff_id") == [(sha256(tar),)]
        assert rows(churn(read(tmp_path), by="repository"), "repository", "groups", "lost_bytes") == [
            ("made", 1, 5000), ("twice", 1, short),
        ]  # fmt: skip

    def test_near_is_a_part_of_the_length(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for tag, length in (("1", 1_000_000), ("2", 1_015_000)):
            build(store, "app", [("RUN make", tag.encode() * length)], tag)
        reg = read(tmp_path)
        assert len(churn(reg)) == 0
        assert churn(reg, near=0.02).attrs["rebuilt_bytes"] == 1_000_000
        for wrong in (-0.1, 1):
            with pytest.raises(RegvizError, match="near="):
                churn(reg, near=wrong)

    def test_platforms_are_not_builds_of_each_other(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for architecture in ("amd64", "arm64"):
            build(store, "app", [("RUN make", architecture.encode() * 900)], architecture, architecture=architecture)
        assert len(churn(read(tmp_path))) == 0

    def test_an_image_needs_all_of_its_own_layers(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        build(store, "app", [("COPY x", b"1" * 5000), ("COPY x", b"2" * 5000)], "1")
        assert len(churn(read(tmp_path))) == 0
        build(store, "app", [("COPY x", b"1" * 5000), ("COPY x", b"3" * 5000)], "2")
        assert rows(churn(read(tmp_path)), "blobs", "lost_bytes") == [(2, 5000)]

    def test_other_repositories_are_no_evidence(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for repository in ("one", "two"):
            build(store, repository, [("RUN make", repository.encode() * 900)], "1")
        assert len(churn(read(tmp_path))) == 0

    def test_overwritten_tags_count(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for number in range(3):
            build(store, "app", [("RUN make", bytes([number]) * 3000)], "latest")
        assert rows(churn(read(tmp_path)), "blobs", "images", "tags", "lost_bytes") == [(3, 3, 1, 6000)]

    def test_no_byte_is_lost_twice(self, tmp_path: Path) -> None:
        """A content that is there in two compressions was built again too."""
        store = Store(tmp_path)
        first, second = b"first" * 900, b"secnd" * 900
        for tag, layer in (("a", first), ("b", gzip.compress(first, 0, mtime=0)), ("c", second)):
            config = image_config([second if tag == "c" else first], history=[{"created_by": "RUN make"}])
            for blob in (config, layer):
                store.linked_blob("app", blob)
            store.push("app", image_manifest(config, [layer]), tag)
        assert 4500 < len(gzip.compress(first, 0, mtime=0)) < 4600
        table = churn(read(tmp_path))
        assert sorted(rows(table, "kind", "lost_bytes")) == [("rebuilt", 4500), ("recompressed", 4500)]
        assert table.attrs["layer_bytes"] - table.attrs["lost_bytes"] == len(gzip.compress(first, 0, mtime=0))

    def test_repositories_share_what_is_lost(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        build(store, "app", [("RUN make", b"1" * 5001)], "1")
        build(store, "app", [("RUN make", b"2" * 5003)], "2")
        build(store, "copy", [("RUN make", b"1" * 5001)], "1")
        reg = read(tmp_path)
        assert rows(churn(reg), "repository", "repositories", "lost_bytes") == [(None, 2, 5001)]
        assert rows(churn(reg, by="repository"), "repository", "lost_bytes") == [("app", 2501), ("copy", 2500)]

    def test_v1_images_are_suspected_only(self, tmp_path: Path) -> None:
        store = V1Store(tmp_path)
        base, *built = (image_id(number) for number in range(4))
        store.image(base, layer=b"b" * 9000)
        for number, name in enumerate(built):
            command = {"container_config": {"Cmd": ["/bin/sh", "-c", "make"]}}
            store.image(name, [base], layer=b"x" * (2000 + number), **command)
        store.tag("library/app", "1", built[0])
        store.tag("library/app", "2", built[1])
        store.index("library/app", [{"id": name} for name in (base, *built)])
        table = churn(read(tmp_path))
        assert rows(table, "kind", "repository", "blobs", "images", "tags", "lost_bytes") == [
            ("rebuilt", "library/app", 3, 3, 2, 4001)
        ]

    def test_grains(self, tmp_path: Path) -> None:
        Store(tmp_path)
        empty, shipped = read(tmp_path), read(ROOT / "data" / "world-v1.tar.gz")
        for by in ("group", "repository"):
            assert churn(empty, by=by).dtypes.to_dict() == churn(shipped, by=by).dtypes.to_dict()
        with pytest.raises(RegvizError, match="group, repository"):
            churn(empty, by="tag")  # type: ignore[arg-type]  # the mistake


def test_what_is_compressed_only_once_is_not_lost(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"one", b"two"], "1")
    store.image("app", [b"one", b"three"], "2")
    table = churn(read(tmp_path))
    assert table.attrs["lost_bytes"] == 0
    assert table.attrs["layer_bytes"] == sum(len(compressed(each)) for each in (b"one", b"two", b"three"))
