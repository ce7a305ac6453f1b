"""One world, every way in: one family of images, read from every kind of source, is the same forest, images and bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import zstandard

from regviz.errors import NotKnowableError
from regviz.schema import HIDDEN_CATEGORIES, TABLES
from tests.real.distribution import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256
from tests.real.one_world_ways import WAYS
from tests.real.tables import mapping, moment, rows
from tests.real.test_distribution_layers import chain_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regviz.registry import Registry
    from tests.real.one_world import Served, World
    from tests.real.one_world_ways import Reading

pytestmark = pytest.mark.real

DECLARED = tomllib.loads(Path(__file__).with_name("one_world_unknown.toml").read_text(encoding="utf-8"))
FACTS = {
    "manifests": ("os", "architecture", "variant", "os_version", "created_at", "author", "layer", "layer_count"),
    "manifest_layers": ("position", "layer", "empty", "foreign"),
    "history": ("step", "created_at", "created_by", "author", "comment", "empty", "position"),
    "labels": ("key", "value"),
}
"""What is known of an image by its ID."""
NODE = ("parent", "depth", "basis", "diff_id", "empty", "created_at", "created_by")


def declared(part: str, way: str) -> set[str]:
    """The columns that the table declares of a way."""
    found: list[str] = []
    for entry in DECLARED[part]:
        if way in entry["sources"]:
            for column in entry["columns"]:
                table, _, name = column.partition(".")
                found += [f"{table}.{one.name}" for one in TABLES[table].columns] if name == "*" else [column]
    assert len(found) == len(set(found)), f"{way}: some column has two reasons"
    return set(found)


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def readings(one_world: World, way: str, tmp_path_factory: pytest.TempPathFactory) -> list[Reading]:
    return list(WAYS[way].read(one_world, tmp_path_factory.mktemp("way")))


# --- what the folder says is what the server says


def test_the_world_has_every_shape(one_world: World) -> None:
    """By the server's answers."""
    server = one_world.server
    assert len(server.catalog()) == 10
    assert len({served.image_id for served in one_world.images}) == 15
    assert len({served.config["rootfs"]["diff_ids"][0] for served in one_world.images}) == 1
    assert {served.media_type for served in one_world.images} == {OCI_MANIFEST, DOCKER_MANIFEST}
    assert server.manifest("platforms", "list").media_type == DOCKER_LIST
    assert {entry["mediaType"] for entry in server.manifest("nested", "outer").document["manifests"]} == {OCI_INDEX}
    about = [entry.get("annotations", {}) for entry in server.manifest("attested", "latest").document["manifests"]]
    assert [note.get("vnd.docker.reference.type") for note in about] == [None, "attestation-manifest"]
    twice = next(served for served in one_world.images if served.repository == "team/twice")
    assert len(twice.config["rootfs"]["diff_ids"]) == 3 > len(set(twice.config["rootfs"]["diff_ids"]))
    layers = server.manifest("zstd", "latest").document["layers"]
    assert {layer["mediaType"].rpartition("+")[2] for layer in layers} == {"zstd"}


def test_the_folder_is_what_its_server_answers(one_world: World) -> None:
    reference = one_world.reference
    tags = {(r, t): m for r, t, m in rows(reference.tags, "repository", "tag", "manifest")}
    assert tags == {place: one_world.server.manifest(*place).digest for place in one_world.tags}
    images = reference.images.set_index("manifest")
    assert set(images.index) == {served.digest for served in one_world.images}
    for served in one_world.images:
        row, config = images.loc[served.digest], served.config
        assert row["config"] == served.image_id
        assert (row["os"], row["architecture"]) == (config["os"], config["architecture"])
        assert row["created_at"] == pd.Timestamp(moment(config["created"]))
        assert row["layer"] == chain_ids(config["rootfs"]["diff_ids"])[-1]
        steps = reference.history[reference.history["manifest"] == served.digest]
        assert [made.to_pydatetime() for made in steps["created_at"]] == [
            moment(step["created"]) for step in config["history"]
        ]
        labels = reference.labels[reference.labels["manifest"] == served.digest]
        assert dict(rows(labels, "key", "value")) == (config["config"].get("Labels") or {})
    chains = [chain_ids(served.config["rootfs"]["diff_ids"]) for served in one_world.images]
    graph = reference.layer_graph()
    assert set(graph.nodes) == {layer for chain in chains for layer in chain}
    assert set(graph.edges) == {edge for chain in chains for edge in zip(chain, chain[1:], strict=False)}
    assert reference.problems.empty


# --- every way in


def test_names_lead_to_the_same_images(readings: list[Reading], way: str) -> None:
    for reading in readings:
        registry = reading.registry
        ids = mapping(registry.manifests, "manifest", "config")
        children: dict[str, list[str]] = {}
        for parent, child, role in rows(registry.manifest_references, "manifest", "child", "role"):
            if role == "child":
                children.setdefault(parent, []).append(child)

        def reached(manifest: str, children: dict[str, list[str]] = children, ids: Any = ids) -> set[str]:
            below = {image for child in children.get(manifest, ()) for image in reached(child)}
            return below | ({ids[manifest]} if ids[manifest] else set())

        assert {(r, t): reached(m) for r, t, m in rows(registry.tags, "repository", "tag", "manifest")} == reading.tags
        assert set(registry.images["config"]) == reading.images
        assert tuple(registry.problems["rule"]) == WAYS[way].says


def test_the_forest_is_the_same(readings: list[Reading], one_world: World, way: str) -> None:
    """Its nodes are the layers of the images that are there, with all that lie below; each is the same as in the world."""
    if not WAYS[way].has_contents:
        for reading in readings:
            with pytest.raises(NotKnowableError):
                reading.registry.layer_graph()
        return
    whole = one_world.reference.layer_graph()
    there = _nodes(one_world.reference, way)
    for reading in readings:
        graph = reading.registry.layer_graph()
        chains = [chain_ids(image.config["rootfs"]["diff_ids"]) for image in _images(reading, one_world)]
        assert set(graph.nodes) == {layer for chain in chains for layer in chain}
        assert set(graph.edges) == set(whole.subgraph(graph.nodes).edges)
        assert all(graph.nodes[layer]["diff_id"] == whole.nodes[layer]["diff_id"] for layer in graph)
        assert _nodes(reading.registry, way) == {layer: there[layer] for layer in graph}
    if WAYS[way].is_whole:
        assert set(readings[0].registry.layer_graph()) == set(whole)


def test_images_are_configured_the_same(readings: list[Reading], one_world: World, way: str) -> None:
    there = _facts(one_world.reference, way)
    found = set()
    for reading in readings:
        here = _facts(reading.registry, way)
        assert here.keys() == reading.images
        for image, facts in here.items():
            for original in reading.originals(image):
                assert facts == there[original], image
                found.add(original)
    held = [served for served in one_world.images if served.repository not in WAYS[way].lacks]
    assert found == ({served.image_id for served in held} if WAYS[way].has_contents else set())


def test_bytes_are_the_same(readings: list[Reading], one_world: World, way: str) -> None:
    """A stored blob is as long as its file, an unpacked layer as the tar that is packed in it, or as the files in that."""
    stored, tars, contents = _lengths(one_world)
    is_engine = way in ("docker-engine", "docker-store")
    for reading in readings:
        registry = reading.registry
        known = stored | tars | reading.lengths
        for blob, size, present in rows(registry.blobs, "blob", "blob_bytes", "present"):
            if is_engine and (blob.startswith("chain:") or not present):  # unpacked; or known by its digest alone
                assert size is None
                assert present or blob in stored
            else:
                assert present
                assert size == (None if way == "docker-engine" else known[blob])
        if WAYS[way].is_whole:
            assert set(registry.blobs["blob"]) == stored.keys()
        for diff_id, size in rows(registry.layers, "diff_id", "uncompressed_bytes"):
            assert size == (contents[diff_id] if is_engine else None)
        if WAYS[way].is_whole:
            assert mapping(registry.blobs, "blob", "blob_bytes") == stored


def test_what_a_source_cannot_know_is_na_and_nothing_else(readings: list[Reading], one_world: World, way: str) -> None:
    told = _told([one_world.reference])
    missing = told - _told(reading.registry for reading in readings)
    assert missing == declared("unknown", way) & told
    tables = [{f"{table.name}.{column.name}" for column in table.columns} for table in TABLES.values()]
    empty = {column for columns in tables if columns <= declared("unknown", way) for column in columns}
    assert declared("unknown", way) <= told | empty


@pytest.mark.parametrize("way", [way for way in WAYS if WAYS[way].is_whole], indirect=True)
def test_every_table_is_the_same(readings: list[Reading], one_world: World, way: str) -> None:
    """Where a source has the whole world: row by row, all that it can know."""
    for name in TABLES:
        if f"{name}.{TABLES[name].key[0]}" in declared("unknown", way):
            continue
        there, here = (_plain(reg, name, way) for reg in (one_world.reference, readings[0].registry))
        if name == "storage":  # a bucket may hold more than its objects; this one does not
            hidden = here["category"].isin(HIDDEN_CATEGORIES)
            assert (here.loc[hidden, ["files", "apparent_bytes"]] == 0).all(axis=None)
            here = here[~hidden]
        for column in sorted(declared("partly", way)):
            if column.startswith(f"{name}.") and len(here) == len(there):
                known = here[column.partition(".")[2]].notna().to_numpy()
                assert not known.all()
                there[column.partition(".")[2]] = there[column.partition(".")[2]].where(known)
        assert rows(here, *here.columns) == rows(there, *there.columns), name
        assert len(here) or name in ("uploads", "problems")


def test_the_declaration_names_ways_and_columns_that_there_are() -> None:
    for entry in (entry for part in DECLARED.values() for entry in part):
        assert set(entry["sources"]) <= set(WAYS)
        assert len(entry["reason"]) > 20
        for column in entry.get("columns", [f"{entry.get('table')}.{entry.get('column')}"]):
            table, _, name = column.partition(".")
            assert name in ("*", *(one.name for one in TABLES[table].columns))


# --- helpers


def _images(reading: Reading, world: World) -> list[Served]:
    wanted = {original for image in reading.images for original in reading.originals(image)}
    return [served for served in world.images if served.image_id in wanted]


def _comparable(table: pd.DataFrame, name: str, columns: Iterable[str], way: str) -> pd.DataFrame:
    """These columns as a way can know them: without those it cannot, and times as exact as it has them."""
    table = table[[column for column in columns if f"{name}.{column}" not in declared("unknown", way)]].copy()
    for column in table.columns:
        if f"{name}.{column}" in declared("coarser", way):
            table[column] = table[column].dt.floor("s")
    return table


def _plain(registry: Registry, name: str, way: str) -> pd.DataFrame:
    table = registry.table(name)
    if name == "problems":
        table = table[~table["rule"].isin(WAYS[way].says)]
    for entry in DECLARED["other"]:
        if way in entry["sources"] and entry["table"] == name:
            table = table[table[entry["column"]] != entry["value"]]
    return _comparable(table, name, [column.name for column in TABLES[name].columns], way)


def _facts(registry: Registry, way: str) -> dict[str, dict[str, Any]]:
    """What is known of each image, by its ID: the same in each manifest that has it."""
    image_ids = mapping(registry.images, "manifest", "config")
    found: dict[str, dict[str, Any]] = {}
    for manifest, image in image_ids.items():
        facts: dict[str, Any] = {}
        for name, columns in FACTS.items():
            table = registry.table(name)
            part = _comparable(table[table["manifest"] == manifest], name, columns, way)
            facts[name] = rows(part, *part.columns)
        assert found.setdefault(image, facts) == facts
    return found


def _nodes(registry: Registry, way: str) -> dict[str, tuple[Any, ...]]:
    part = _comparable(registry.layers, "layers", NODE, way)
    return dict(zip(registry.layers["layer"], rows(part, *part.columns), strict=True))


def _told(registries: Iterable[Registry]) -> set[str]:
    """Columns in which anything is said; "unchecked" is nothing."""
    found = set()
    for registry in registries:
        for name, table in TABLES.items():
            frame = registry.table(name)
            for column in table.columns:
                known = frame[column.name].notna() & (frame[column.name].astype(object) != "unchecked")
                if known.any():
                    found.add(f"{name}.{column.name}")
    return found


def _lengths(world: World) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """By digest the length of what is stored; by diff ID that of the tar, and of the files in it. By gzip, zstd, tarfile."""
    stored: dict[str, int] = {}
    tars: dict[str, int] = {}
    contents: dict[str, int] = {}
    for path in world.server.root.glob("docker/registry/v2/blobs/sha256/*/*/data"):
        data = path.read_bytes()
        stored[sha256(data)] = len(data)
        if data[:2] == b"\x1f\x8b" or data[:4] == b"\x28\xb5\x2f\xfd":
            content = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else _zstd(data)
            tars[sha256(content)] = len(content)
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                contents[sha256(content)] = sum(member.size for member in archive)
    return stored, tars, contents


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)
