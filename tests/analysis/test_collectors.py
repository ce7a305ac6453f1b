"""What collectors delete: against what real ones printed, and against cases worked out by hand from their rules."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis.collectors import COLLECTORS, Collector, Deletion, collect
from regviz.analysis.collectors.verdict import find, pairs
from regviz.analysis.reach import rows_of
from regviz.errors import RegvizError
from regviz.read import read
from tests.analysis.plain_collector import PlainCollector
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import (
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Store,
    compressed,
    encode,
    image_config,
    image_manifest,
    rows,
    sha256,
    sha512,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from regviz.analysis.collectors import CollectorName, Verdict
    from regviz.registry import Registry

SAID = sorted((ROOT.parent / "shared" / "dumps" / "gc-oracle").glob("*.json"))
DISTRIBUTION = [name for name in COLLECTORS if name.startswith("distribution")]
Pairs = set[tuple[str, str]]


@dataclass(frozen=True)
class Gone:
    """A verdict by names: blobs; manifests and layer links with their repositories; what stays and is broken."""

    blobs: set[str]
    manifests: Pairs
    links: Pairs
    broken: Pairs


NOTHING = Gone(set(), set(), set(), set())


def gone(reg: Registry, verdict: Verdict) -> Gone:
    manifests = rows(reg.repository_manifests, "repository", "manifest")
    links = rows(reg.repository_blobs, "repository", "link")
    blobs = rows(reg.blobs, "blob")
    return Gone(
        {blob for (blob,), is_gone in zip(blobs, verdict.blobs.tolist(), strict=True) if is_gone},
        {row for row, is_gone in zip(manifests, verdict.manifests.tolist(), strict=True) if is_gone},
        {row for row, is_gone in zip(links, verdict.links.tolist(), strict=True) if is_gone},
        {manifests[row] for row in verdict.broken.tolist()},
    )


def verdicts(store: Store) -> dict[str, Gone]:
    """What the four delete; none of them may stop."""
    reg = read(store.root, links="open")
    found = {name: collect(reg, name) for name in DISTRIBUTION}
    assert [verdict.abort for verdict in found.values()] == [None] * 4
    return {name.removeprefix("distribution-"): gone(reg, verdict) for name, verdict in found.items()}


# --- against real ones


@pytest.mark.skipif(not SAID, reason=f"{NO_DUMPS}: there is no {ROOT.parent / 'shared/dumps/gc-oracle'}")
@pytest.mark.parametrize("said", SAID, ids=lambda path: path.stem)
def test_real_collectors_print_the_same(said: Path) -> None:
    """2.8.2, 3.0.0 and 3.1.1, each without and with -m; what an aborted one printed before is none of its deletions."""
    printed = json.loads(said.read_bytes())
    reg = read(said.with_suffix(".tar.gz"), links="open")
    assert len(printed) == 6
    for program, expected in printed.items():
        name = cast("CollectorName", program.replace("3.0", "3").replace("3.1", "3"))
        verdict = collect(reg, name)
        assert (verdict.abort is None) == (expected["abort"] is None), program
        if verdict.abort is None:
            found = gone(reg, verdict)
            manifests = {
                digest if "2.8" in program else f"{repository} {digest}" for repository, digest in found.manifests
            }
            assert found.blobs == set(expected["blobs"]), program
            assert manifests == set(expected["manifests"]), program
            assert {" ".join(link) for link in found.links} == set(expected["layer_links"]), program


# --- against the steps of a collector, one after the other


@pytest.mark.parametrize("start", range(200, 320, 20))
def test_steps_one_by_one_delete_the_same(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + 20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = random_registry(folder, seed, broken=seed % 4 == 0)
        reg = read(folder, links="open")
        for name in DISTRIBUTION:
            plain = PlainCollector(made.store.v2, "2.8" in name, name.endswith("-m")).run()
            verdict, where = collect(reg, name), (seed, name, sorted(made.features))
            found = gone(reg, verdict)
            assert (verdict.stopped is not None) == plain.stops, where
            assert found.blobs == plain.blobs, where
            assert found.manifests == plain.manifests, where
            assert found.links == {*plain.links}, where
            dropped = [link for link in plain.dropped if link in plain.manifests]
            twice = len({*plain.links}) < len(plain.links) or len({*dropped}) < len(dropped)
            assert (verdict.error_at_end is not None) == (twice and not plain.stops), where


# --- by hand


class Hand(Store):
    """A storage whose images are made of one layer each."""

    def one(self, repository: str, content: bytes, *tags: str) -> tuple[str, str, str]:
        """An image; its manifest, configuration and layer."""
        digest = self.image(repository, [content], *tags)
        return digest, sha256(image_config([content])), sha256(compressed(content))

    def index(self, repository: str, *children: str, tags: tuple[str, ...] = ()) -> str:
        sizes = [self.blob_path(child).stat().st_size for child in children]
        entries = [
            {"mediaType": OCI_MANIFEST, "size": size, "digest": child}
            for child, size in zip(children, sizes, strict=True)
        ]
        document = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        self.directory(f"repositories/{repository}/_layers")
        return self.push(repository, document, *tags)


@pytest.fixture
def store(tmp_path: Path) -> Hand:
    return Hand(tmp_path)


def test_children_without_a_tag(store: Hand) -> None:
    """2.8 -m takes an index's children for untagged, whatever lists them; what the index itself lists is marked."""
    amd64, arm64 = store.one("app", b"amd64"), store.one("app", b"arm64")
    index = store.index("app", amd64[0], arm64[0], tags=("1",))
    children = {("app", amd64[0]), ("app", arm64[0])}
    lost = {*amd64[1:], *arm64[1:]}
    assert verdicts(store) == {
        "2.8": NOTHING,
        "2.8-m": Gone(lost, children, set(), {("app", index)}),
        "3": NOTHING,
        "3-m": NOTHING,
    }


def test_an_index_in_an_index(store: Hand) -> None:
    """2.8 marks one level: of the inner index only its own bytes; 3.x goes on."""
    image = store.one("app", b"image")
    inner = store.index("app", image[0])
    outer = store.index("app", inner, tags=("1",))
    both = {("app", image[0]), ("app", inner)}
    assert verdicts(store) == {
        "2.8": NOTHING,
        "2.8-m": Gone({*image}, both, set(), {("app", outer)}),
        "3": NOTHING,
        "3-m": NOTHING,
    }


@pytest.mark.parametrize(("unlinked", "linked"), [("a", "b"), ("b", "a")])
def test_a_child_that_another_repository_lists_without_a_link(store: Hand, unlinked: str, linked: str) -> None:
    """3.x does not look again into what is marked: where the first to list a child has no link to it, it is cut off."""
    image = store.one(linked, b"image")
    index = store.index(linked, image[0], tags=("1",))
    store.directory(f"repositories/{unlinked}/_layers")
    store.push(unlinked, store.blob_path(index).read_bytes(), "1")
    links = {(linked, image[1]), (linked, image[2])}
    cut_off = Gone({*image[1:]}, set(), links, {(linked, image[0])})
    found = verdicts(store)
    assert found["3"] == NOTHING
    assert found["3-m"] == (cut_off if unlinked == "a" else NOTHING)


def test_links_are_held_against_what_is_marked_so_far(store: Hand) -> None:
    """An untagged manifest that a later repository tags keeps its own link, and loses those to its layers."""
    image = store.one("app", b"image")
    store.one("app", b"tagged", "1")
    assert store.one("multi", b"image", "1") == image
    found = verdicts(store)
    assert found["2.8"] == found["3"] == NOTHING
    assert found["2.8-m"] == Gone(set(), {("app", image[0])}, set(), set())
    links = {("app", image[1]), ("app", image[2])}
    assert found["3-m"] == Gone(set(), set(), links, {("app", image[0])})


def test_a_digest_of_another_algorithm(store: Hand) -> None:
    """What is marked is sha512, and what lies there is sha256; 3.x lists both links as the latter, and fails on the second."""
    layer = compressed(b"layer")
    digest, config = store.linked_blob("app", layer), store.linked_blob("app", image_config([b"layer"]))
    store.layer_link("app", sha512(layer), digest.encode())
    document = image_manifest(image_config([b"layer"]), [])
    document["layers"] = [{"mediaType": OCI_LAYER, "size": len(layer), "digest": sha512(layer)}]
    manifest = store.push("app", document, "1")
    found = verdicts(store)
    lost = Gone({digest}, set(), set(), {("app", manifest)})
    assert found["2.8"] == found["2.8-m"] == lost
    assert found["3"] == found["3-m"] == Gone({digest}, set(), {("app", digest)}, {("app", manifest)})
    reg = read(store.root, links="open")
    assert [collect(reg, name).error_at_end is not None for name in DISTRIBUTION] == [False, False, True, True]
    assert config not in lost.blobs


def test_a_push_in_flight(store: Hand) -> None:
    """A layer without a manifest yet; a repository of layers alone is one for 2.8 only, and keeps its link."""
    store.one("app", b"tagged", "1")
    new, mounted = store.linked_blob("app", b"new"), store.linked_blob("layers/alone", b"mounted")
    old = Gone({new, mounted}, set(), set(), set())
    young = Gone({new, mounted}, set(), {("app", new)}, set())
    assert verdicts(store) == {"2.8": old, "2.8-m": old, "3": young, "3-m": young}


def test_a_repository_without_tags_directory(store: Hand) -> None:
    """2.8 -m stops there; 3.x -m passes it over, marks nothing of it, and deletes its blobs."""
    image = store.one("app", b"image")
    shutil.rmtree(store.v2 / "repositories/app/_manifests/tags")
    reg = read(store.root, links="open")
    stopped = collect(reg, "distribution-2.8-m").stopped
    assert stopped is not None
    assert (stopped.rule, stopped.repository) == ("tags-missing", "app")
    links = {("app", image[1]), ("app", image[2])}
    assert gone(reg, collect(reg, "distribution-3-m")) == Gone({*image}, set(), links, {("app", image[0])})
    assert gone(reg, collect(reg, "distribution-3")) == NOTHING


def test_a_repository_without_layers_directory(store: Hand) -> None:
    """It is none for 2.8, which deletes what it has; 3.x looks for the directory, and stops."""
    manifest = store.push("app", encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}), "1")
    reg = read(store.root, links="open")
    assert gone(reg, collect(reg, "distribution-2.8-m")) == Gone({manifest}, set(), set(), {("app", manifest)})
    for name in DISTRIBUTION[2:]:
        verdict = collect(reg, name)
        assert verdict.abort == "app has no _layers directory"
        assert gone(reg, verdict) == NOTHING


# --- after a deletion


def test_what_the_api_deletes_first(store: Hand) -> None:
    """Deleting a manifest takes its tags along; deleting a tag leaves the manifest to -m."""
    image, other = store.one("app", b"image", "1", "2"), store.one("app", b"other", "3")
    reg = read(store.root, links="open")
    tags = [tag for (tag,) in rows(reg.tags, "tag")]
    manifests = [manifest for (manifest,) in rows(reg.repository_manifests, "manifest")]
    by_manifest, by_tag = Deletion.nothing(reg), Deletion.nothing(reg)
    by_manifest.manifests[manifests.index(image[0])] = True
    by_tag.tags[[tags.index("1"), tags.index("2")]] = True
    links = {("app", image[1]), ("app", image[2])}
    unlinked = {("app", image[0])}
    expected: dict[str, tuple[Gone, Gone]] = {
        "distribution-2.8": (Gone({*image}, set(), set(), set()), NOTHING),
        "distribution-2.8-m": (Gone({*image}, set(), set(), set()), Gone({*image}, unlinked, set(), set())),
        "distribution-3": (Gone({*image}, set(), links, set()), NOTHING),
        "distribution-3-m": (Gone({*image}, set(), links, set()), Gone({*image}, unlinked, links, set())),
        "reachability": (Gone({*image}, set(), links, set()), NOTHING),
    }
    for name, (first, second) in expected.items():
        collector = Collector(reg, cast("CollectorName", name))
        assert gone(reg, collector.collect(by_manifest)) == first, name
        assert gone(reg, collector.collect(by_tag)) == second, name
        assert gone(reg, collector.collect()) == NOTHING, name
    assert other[0] in manifests


# --- where they stop


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _tagged(document: Any) -> Callable[[Hand], object]:
    return lambda store: store.push("zz", document, "1") and store.directory("repositories/zz/_layers")


def _link(part: str, content: bytes) -> Callable[[Hand], object]:
    return lambda store: _write(min(store.v2.glob(f"repositories/app/{part}/**/link")), content)


ARTIFACT = {"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "artifactType": "x/y", "blobs": []}
TOO_LARGE = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "annotations": {"x": "x" * (4 << 20)}}
STOPS: dict[str, tuple[Callable[[Hand], object], str]] = {
    "manifest-unreadable": (_tagged(b"no JSON"), "zz"),
    "manifest-unknown": (_tagged({"schemaVersion": 2, "mediaType": "a/b", "config": {}, "layers": []}), "zz"),
    "manifest-version": (_tagged({"mediaType": OCI_MANIFEST, "config": {}, "layers": []}), "zz"),
    "manifest-artifact-kind": (_tagged(ARTIFACT), "zz"),
    "manifest-oversized": (_tagged(TOO_LARGE), "zz"),
    "blob-empty": (_tagged(b""), "zz"),
    "revision-link-empty": (_link("_manifests/revisions", b""), "app"),
    "revision-link-malformed": (_link("_manifests/revisions", b"sha256:zz"), "app"),
    "tag-link-empty": (_link("_manifests/tags/1/current", b""), "app"),
    "tag-link-malformed": (_link("_manifests/tags/1/current", b"latest\n"), "app"),
    "layer-link-empty": (_link("_layers", b""), "app"),
    "layer-link-malformed": (_link("_layers", b"md5:" + b"0" * 32), "app"),
    "tags-missing": (lambda store: shutil.rmtree(store.v2 / "repositories/app/_manifests/tags"), "app"),
    "name-invalid": (lambda store: store.one("Upper", b"x", "1"), "Upper"),
    "blob-path-invalid": (lambda store: _write(store.v2 / "blobs/sha256/5b/5bd0/data", b"cut"), ""),
}
"""What stops collectors: how it is made, and in which repository it is."""


def test_everything_that_is_said_to_stop_one_is_tried() -> None:
    from regviz.problems import RULES

    assert {name for name, rule in RULES.items() if rule.aborts} == {*STOPS}


@pytest.mark.parametrize("rule", STOPS)
def test_collectors_stop_where_the_rules_say_so(store: Hand, rule: str) -> None:
    from regviz.problems import RULES

    store.one("app", b"image", "1")
    loose = store.blob(b"loose")
    make, repository = STOPS[rule]
    make(store)
    reg = read(store.root, links="open")
    assert rule in set(reg.problems["rule"]) or rule == "layer-link-malformed"
    for name in DISTRIBUTION:
        verdict = collect(reg, name)
        if name not in RULES[rule].aborts:
            assert verdict.abort is None, name
            assert loose in gone(reg, verdict).blobs
            continue
        stopped = verdict.stopped
        assert stopped is not None, name
        assert stopped.rule == rule
        assert (stopped.repository or "") == repository
        assert (repository or "5bd0") in stopped.reason
        assert not verdict.blobs.any()
        assert not verdict.links.any()


def test_with_m_links_are_gone_when_it_stops_among_the_blobs(store: Hand) -> None:
    """A real run unlinks manifests before it looks for blobs (garbagecollect.go)."""
    image = store.one("app", b"image")
    STOPS["blob-path-invalid"][0](store)
    reg = read(store.root, links="open")
    verdict = collect(reg, "distribution-2.8-m")
    assert verdict.stopped is not None
    assert verdict.stopped.sweeping
    assert gone(reg, verdict) == Gone(set(), {("app", image[0])}, set(), set())


def test_a_collector_stops_at_the_first_thing_in_its_walk(store: Hand) -> None:
    """``app/0old`` is walked before the ``_layers`` of ``app`` (0 < _), ``app/zz`` after it."""
    for name in ("app", "app/0old", "app/zz"):
        store.one(name, b"image")
        _write(min(store.v2.glob(f"repositories/{name}/_manifests/revisions/**/link")), b"")
    reg = read(store.root, links="open")
    for name in DISTRIBUTION:
        stopped = collect(reg, name).stopped
        assert stopped is not None
        assert stopped.repository == "app/0old"


# --- what cannot be asked


def test_what_cannot_be_asked(store: Hand) -> None:
    store.one("app", b"image", "1")
    reg = read(store.root)
    with pytest.raises(RegvizError, match=r"no collector 'x'; there are reachability, distribution-2\.8,"):
        Collector(reg, cast("CollectorName", "x"))
    with pytest.raises(RegvizError, match=r"v1 collects v1 storage.*ask reachability"):
        Collector(reg, "v1")


def test_nothing_of_an_incomplete_source_is_deleted(store: Hand, tmp_path: Path) -> None:
    import subprocess

    store.one("app", b"image" * 500, "1")
    store.one("app", b"untagged")
    archive = tmp_path / "storage.tar"
    subprocess.run(["tar", "-C", store.root, "-cf", archive, "docker"], check=True)
    with archive.open("r+b") as file:
        file.truncate(archive.stat().st_size // 2 // 512 * 512 + 100)
    reg = read(archive, links="open", partial=True)
    assert not reg.repositories["complete"].all()
    assert not any(np.any(collect(reg, name).blobs) for name in (*DISTRIBUTION, "reachability"))


# --- the tables beneath


@given(st.lists(st.integers(-1, 40)), st.sets(st.integers(0, 30)))
def test_rows_are_found_by_a_table_as_by_search(codes: list[int], keys: set[int]) -> None:
    rows = {key: row for row, key in enumerate(sorted(keys))}
    found = rows_of(np.array(codes, np.int32), np.array(sorted(keys), np.int32))
    assert found.tolist() == [rows.get(code, -1) for code in codes]


@given(
    st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9))),
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))),
)
def test_pairs_sort_like_their_parts(wanted: list[tuple[int, int]], among: set[tuple[int, int]]) -> None:
    ordered = sorted(among)
    rows = {pair: row for row, pair in enumerate(ordered)}
    one, other = (np.array([pair[part] for pair in ordered], np.int32) for part in (0, 1))
    first, second = (np.array([pair[part] for pair in wanted], np.int32) for part in (0, 1))
    assert find(pairs(first, second), pairs(one, other)).tolist() == [rows.get(pair, -1) for pair in wanted]
