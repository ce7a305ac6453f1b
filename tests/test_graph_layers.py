"""layer_graph() and object_graph() against dumps read with tarfile, json and hashlib."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from regviz.graph import layer_graph, object_graph
from regviz.read import read
from tests.conftest import ROOT
from tests.plain_reading import PlainDistribution, PlainV1, plain_distribution, plain_v1

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

V1 = ["world-v1.tar.gz", "v1-article-0.6.6.tar", "v1-docker-1.3.3-registry-0.9.1.tar", "v1-family-0.6.6.tar"]
V1 += ["v1-pypi-registry-0.9.1-nodejs.tar"]
DISTRIBUTION = ["world-distribution.tar.gz", "v2-small-filesystem.tar"]


def _dump(request: pytest.FixtureRequest, name: str) -> Path:
    if name.startswith("world-"):
        return ROOT / "data" / name
    folder: Path = request.getfixturevalue("shared_dumps")
    return folder / name


@pytest.fixture(params=V1)
def v1(request: pytest.FixtureRequest) -> tuple[PlainV1, nx.DiGraph[str]]:
    path = _dump(request, request.param)
    return plain_v1(path), layer_graph(read(path))


@pytest.fixture(params=DISTRIBUTION)
def distribution(request: pytest.FixtureRequest) -> tuple[PlainDistribution, Path]:
    path = _dump(request, request.param)
    return plain_distribution(path), path


def _way_to_the_base(graph: nx.DiGraph[str], node: str) -> list[str]:
    way = [node]
    while parents := list(graph.pred[way[-1]]):
        [parent] = parents
        way.append(parent)
    return way


def test_v1_ways_to_the_base_are_the_ancestry_files(v1: tuple[PlainV1, nx.DiGraph[str]]) -> None:
    plain, graph = v1
    for image in plain.images:
        assert _way_to_the_base(graph, image) == plain.ancestry(image)
        assert graph.nodes[image]["depth"] == len(plain.ancestry(image))


def test_v1_nodes_carry_what_the_files_say(v1: tuple[PlainV1, nx.DiGraph[str]]) -> None:
    plain, graph = v1
    for image, files in plain.images.items():
        node, document = graph.nodes[image], plain.json(image)
        assert node["bytes"] == (len(files["layer"]) if "layer" in files else None)
        assert node["uncompressed_bytes"] == document.get("Size")
        assert node["blobs"] == ((f"v1:{image}",) if "layer" in files else ())
        said = document["created"][:19]
        assert node["created"].replace(tzinfo=None, microsecond=0) == dt.datetime.fromisoformat(said)
        assert node["created"].utcoffset() == dt.timedelta(0)


def test_v1_tags_stand_on_their_image(v1: tuple[PlainV1, nx.DiGraph[str]]) -> None:
    plain, graph = v1
    expected = {image: tuple(sorted(tag for tag, target in plain.tags.items() if target == image)) for image in graph}
    assert {image: graph.nodes[image]["tags"] for image in graph} == expected


def test_v1_images_are_tagged_or_without_descendants(v1: tuple[PlainV1, nx.DiGraph[str]]) -> None:
    plain, graph = v1
    parents = {plain.json(image).get("parent") for image in plain.images}
    expected = {image for image in plain.images if image in plain.tags.values() or image not in parents}
    assert {image for image in plain.images if graph.nodes[image]["images"]} == expected
    assert all(graph.nodes[image]["images"] in ((), (image,)) for image in graph)


def test_the_article_is_one_chain_of_16_on_a_short_id(shared_dumps: Path) -> None:
    graph = layer_graph(read(shared_dumps / "v1-article-0.6.6.tar"))
    [top] = [node for node, tags in graph.nodes(data="tags") if tags]
    assert graph.nodes[top]["tags"] == ("library/nodejs:latest",)
    way = _way_to_the_base(graph, top)
    assert len(way) == len(graph) == 16
    assert len(way[-1]) == 16


def test_distribution_nodes_are_chain_ids(distribution: tuple[PlainDistribution, Path]) -> None:
    plain, path = distribution
    graph = layer_graph(read(path))
    seen = set()
    for digest in set().union(*plain.revisions.values()):
        chain = plain.chain(digest)
        if not chain:
            continue
        assert _way_to_the_base(graph, chain[-1]) == chain[::-1]
        assert digest in graph.nodes[chain[-1]]["images"]
        for layer, described in zip(chain, plain.manifest(digest).get("layers") or [], strict=False):
            assert described["digest"] in graph.nodes[layer]["blobs"]
            here = sorted(blob for blob in graph.nodes[layer]["blobs"] if blob in plain.blobs)
            length = len(plain.blobs[here[0]]) if here else described["size"]
            assert graph.nodes[layer]["bytes"] == length
        seen.update(chain)
    assert seen == {node for node, basis in graph.nodes(data="basis") if basis == "chain"}


def test_distribution_tags_stand_on_every_platform(distribution: tuple[PlainDistribution, Path]) -> None:
    plain, path = distribution
    graph = layer_graph(read(path))
    expected: dict[str, set[str]] = {}
    for tag, digest in plain.tags.items():
        children = [child["digest"] for child in plain.children(digest) if not plain.is_attestation(child)]
        for image in children or [digest]:
            if chain := plain.chain(image):
                expected.setdefault(chain[-1], set()).add(tag)
    on_chains = [node for node, basis in graph.nodes(data="basis") if basis == "chain"]
    found = {node: set(graph.nodes[node]["tags"]) for node in on_chains if graph.nodes[node]["tags"]}
    assert found == expected
    assert all(list(tags) == sorted(tags) for _, tags in graph.nodes(data="tags"))


def test_a_layer_with_two_blobs_has_the_bytes_of_the_first() -> None:
    """team/web 2.0 and 2.0-zstd: one stack, and of each of its layers two blobs."""
    path = ROOT / "data" / "world-distribution.tar.gz"
    plain, graph = plain_distribution(path), layer_graph(read(path))
    [gzip, zstd] = (plain.manifest(plain.tags[f"team/web:{tag}"]) for tag in ("2.0", "2.0-zstd"))
    chain = plain.chain(plain.tags["team/web:2.0"])
    assert chain == plain.chain(plain.tags["team/web:2.0-zstd"])
    for layer, one, other in zip(chain, gzip["layers"], zstd["layers"], strict=True):
        assert {one["digest"], other["digest"]} <= set(graph.nodes[layer]["blobs"])
        first = min(graph.nodes[layer]["blobs"])
        assert graph.nodes[layer]["bytes"] == len(plain.blobs[first])


def test_a_foreign_layer_has_the_bytes_its_manifest_declares() -> None:
    path = ROOT / "data" / "world-distribution.tar.gz"
    plain, graph = plain_distribution(path), layer_graph(read(path))
    described = plain.manifest(plain.tags["team/desktop:1"])["layers"][0]
    [node] = [data for _, data in graph.nodes(data=True) if described["digest"] in data["blobs"]]
    assert described["digest"] not in plain.blobs
    assert node["bytes"] == described["size"]


def _expected_objects(plain: PlainDistribution) -> Counter[tuple[str, str, str, int | None]]:
    """Edges of the object graph: from, to, role, position."""
    edges: Counter[tuple[str, str, str, int | None]] = Counter()
    pending = set().union(*plain.revisions.values())
    for digest in pending:
        manifest = plain.manifest(digest)
        if manifest.get("schemaVersion") == 1:
            for position, layer in enumerate(reversed(manifest["fsLayers"])):
                edges[digest, layer["blobSum"], "layer", position] += 1
            continue
        for position, child in enumerate(manifest.get("manifests") or []):
            role = "attestation" if plain.is_attestation(child) else "child"
            edges[digest, child["digest"], role, position] += 1
        if "config" in manifest:
            edges[digest, manifest["config"]["digest"], "config", None] += 1
        for position, layer in enumerate(manifest.get("layers") or []):
            edges[digest, layer["digest"], "layer", position] += 1
        if manifest.get("subject"):
            edges[digest, manifest["subject"]["digest"], "subject", None] += 1
    for tag, digest in plain.tags.items():
        edges[f"tag:{tag}", digest, "tag", None] += 1
    return edges


def test_objects_and_their_edges_are_those_of_the_documents(distribution: tuple[PlainDistribution, Path]) -> None:
    plain, path = distribution
    graph = object_graph(read(path))
    found = Counter((head, tail, data["role"], data["position"]) for head, tail, data in graph.edges(data=True))
    assert found == _expected_objects(plain)

    kinds = dict(graph.nodes(data="kind"))
    manifests = set().union(*plain.revisions.values())
    assert {node for node, kind in kinds.items() if kind == "manifest"} == manifests
    assert {node for node, kind in kinds.items() if kind == "tag"} == {f"tag:{tag}" for tag in plain.tags}
    assert {node for node, present in graph.nodes(data="present") if present} == set(plain.blobs)
    assert all(graph.nodes[blob]["bytes"] == len(content) for blob, content in plain.blobs.items())


def test_one_layer_twice_makes_two_edges() -> None:
    graph = object_graph(read(ROOT / "data" / "world-distribution.tar.gz"))
    [image] = graph.succ["tag:team/cron:1"]
    layers = Counter(tail for _, tail, role in graph.out_edges(image, data="role") if role == "layer")
    assert sorted(layers.values()) == [1, 1, 2]


def test_a_tag_that_looks_like_a_digest_is_another_node(tmp_path: Path) -> None:
    """A repository may be called sha256, and its tags may have 64 hex digits."""
    digest = "sha256:" + "1" * 64
    for name, content in {
        f"blobs/sha256/11/{'1' * 64}/data": json.dumps({"schemaVersion": 2, "layers": []}),
        f"repositories/sha256/_manifests/revisions/sha256/{'1' * 64}/link": digest,
        f"repositories/sha256/_manifests/tags/{'1' * 64}/current/link": digest,
        f"repositories/sha256/_manifests/tags/{'1' * 64}/index/sha256/{'1' * 64}/link": digest,
    }.items():
        file = tmp_path / "docker/registry/v2" / name
        file.parent.mkdir(parents=True)
        file.write_text(content)
    graph = object_graph(read(tmp_path))
    assert {node: kind for node, kind in graph.nodes(data="kind") if kind != "blob"} == {
        digest: "manifest",
        f"tag:{digest}": "tag",
    }
    assert [tail for _, tail in graph.out_edges(f"tag:{digest}")] == [digest]


def test_v1_objects_are_tags_images_and_layers(
    v1: tuple[PlainV1, nx.DiGraph[str]], request: pytest.FixtureRequest
) -> None:
    plain, _ = v1
    graph = object_graph(read(_dump(request, request.node.callspec.params["v1"])))
    for tag, image in plain.tags.items():
        repository, _, name = tag.rpartition(":")
        [target] = graph.succ[f"tag:{repository}:{name}"]
        assert target == image
        layers = sorted((data["position"], tail) for _, tail, data in graph.out_edges(image, data=True))
        assert [tail for _, tail in layers] == [f"v1:{each}" for each in reversed(plain.ancestry(image))]
    assert {node for node, kind in graph.nodes(data="kind") if kind == "blob"} >= {
        f"v1:{image}" for image, files in plain.images.items() if "layer" in files
    }


def test_graphs_of_an_empty_registry(tmp_path: Path) -> None:
    (tmp_path / "docker/registry/v2/repositories/a/_manifests/tags").mkdir(parents=True)
    reg = read(tmp_path)
    assert len(layer_graph(reg)) == len(object_graph(reg)) == 0


def test_values_are_pythons_own(v1: tuple[PlainV1, nx.DiGraph[str]]) -> None:
    """What numpy made would surprise whoever writes the graph elsewhere."""
    _, graph = v1
    values = [value for _, data in graph.nodes(data=True) for value in data.values()]
    assert not any(isinstance(value, np.generic) for value in values)
