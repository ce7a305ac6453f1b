"""sizes() against counts by hand, against the mistakes of others, and against a second implementation."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis import sizes
from regviz.analysis.accounting import amortise
from regviz.analysis.members import Grain
from regviz.analysis.reach import incidence
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.oracle import truth_of, whole_shares
from tests.conftest import ROOT
from tests.helpers import (
    MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    SCHEMA2,
    STORAGE_DUMPS,
    Store,
    V1Store,
    descriptor,
    encode,
    image_id,
)
from tests.world.zoo import ZOO

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from regviz.registry import Registry

GRAINS = get_args(Grain)
BYTES = ["layer_bytes", "logical_bytes", "unique_bytes", "exclusive_bytes", "shared_bytes", "absent_bytes"]
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def row(table: pd.DataFrame, **key: str) -> dict[str, Any]:
    found = table
    for name, value in key.items():
        found = found[found[name] == value]
    assert len(found) == 1
    return dict(found.iloc[0])


def manifest(config: bytes, layers: list[bytes], *, oci: bool = True, **more: object) -> bytes:
    kinds = (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER) if oci else (SCHEMA2, DOCKER_CONFIG, DOCKER_LAYER)
    return encode(
        {
            "schemaVersion": 2,
            "mediaType": kinds[0],
            "config": descriptor(config, kinds[1]),
            "layers": [descriptor(layer, kinds[2]) for layer in layers],
            **more,
        }
    )


def config_of(architecture: str, comment: str = "", system: str = "linux") -> bytes:
    return encode({"os": system, "architecture": architecture, "comment": comment})


def pushed(store: Store, repository: str, config: bytes, layers: list[bytes], *tags: str, **more: Any) -> bytes:
    """An image whose layers are these very bytes; what is read of them is their length."""
    for blob in (config, *layers):
        store.linked_blob(repository, blob)
    document = manifest(config, layers, **more)
    store.push(repository, document, *tags)
    return document


class TestMistakesOfOthers:
    """What two other tools say of such a registry is wrong; the right answers are counted here by hand."""

    def test_oci_and_multi_platform_tags_have_bytes_and_nothing_of_them_is_unused(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        docker_config, oci_config, amd, arm = (config_of(a, a) for a in ("amd64", "s390x", "386", "arm"))
        docker = pushed(store, "docker", docker_config, [b"d" * 70], "1", oci=False)
        oci = pushed(store, "oci", oci_config, [b"o" * 50], "1")
        first = pushed(store, "many", amd, [b"a" * 30], oci=False)
        second = pushed(store, "many", arm, [b"b" * 20], oci=False)
        listing = encode(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_LIST,
                "manifests": [descriptor(m, SCHEMA2) for m in (first, second)],
            }
        )
        store.push("many", listing, "1")
        reg = read(tmp_path)
        table = sizes(reg)
        # 3 repositories, 13 blobs, all in use: 4 layers, 4 configurations, 5 manifests
        assert row(table, repository="oci")["unique_bytes"] == 50 + len(oci_config) + len(oci)
        assert row(table, repository="docker")["unique_bytes"] == 70 + len(docker_config) + len(docker)
        many = row(table, repository="many")
        assert many["unique_bytes"] == 30 + 20 + len(amd) + len(arm) + len(first) + len(second) + len(listing)
        assert (many["manifests"], many["layers"]) == (3, 2)
        assert table.attrs["tagged_bytes"] == reg.blobs["blob_bytes"].sum()
        assert len(reg.blobs) == 13
        assert len(sizes(reg, by="manifest")) == 5

    def test_two_tags_on_one_base_do_not_count_it_twice(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        base, config = b"B" * 100, config_of("amd64")
        one = pushed(store, "app", config, [base, b"1"], "1")
        two = pushed(store, "app", config, [base, b"22"], "2")
        answer = row(sizes(read(tmp_path)), repository="app")
        documents = len(config) + len(one) + len(two)
        assert answer["unique_bytes"] == 100 + 1 + 2 + documents  # not 203
        assert answer["logical_bytes"] == 101 + 102 + len(config) + documents
        assert answer["layer_bytes"] == 103

    def test_two_images_of_equal_size_are_two(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        first_config, second_config = config_of("amd64", "x"), config_of("amd64", "y")
        one = pushed(store, "app", first_config, [b"1" * 500], "1")
        two = pushed(store, "app", second_config, [b"2" * 500], "2")
        assert len(one) + len(first_config) == len(two) + len(second_config)
        answer = row(sizes(read(tmp_path)), repository="app")
        assert answer["layer_bytes"] == 1000  # not 500
        assert answer["unique_bytes"] == 2 * (500 + len(first_config) + len(one))

    def test_an_index_counts_what_its_platforms_share_once(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        shared = b"S" * 40
        amd, arm = config_of("amd64"), config_of("arm64")
        first, second = pushed(store, "app", amd, [shared, b"a"]), pushed(store, "app", arm, [shared, b"rr"])
        index = encode(
            {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [descriptor(m, OCI_MANIFEST) for m in (first, second)],
            }
        )
        store.push("app", index, "1")
        reg = read(tmp_path)
        answer = row(sizes(reg, by="tag"), repository="app", tag="1")
        assert answer["layer_bytes"] == 40 + 1 + 2  # not 83
        documents = sum(map(len, (amd, arm, first, second, index)))
        assert answer["unique_bytes"] == answer["exclusive_bytes"] == 43 + documents
        by_platform = sizes(reg, by="platform")
        assert row(by_platform, platform="linux/amd64")["unique_bytes"] == 41 + len(amd) + len(first)
        assert row(by_platform, platform="linux/arm64")["exclusive_bytes"] == 2 + len(arm) + len(second)
        rest = by_platform[by_platform["platform"].isna()]
        assert rest["unique_bytes"].tolist() == [len(index)]

    def test_a_layer_named_twice_by_one_manifest_is_there_once(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        layer, config = b"L" * 60, config_of("amd64")
        document = pushed(store, "app", config, [layer, layer], "1")
        answer = row(sizes(read(tmp_path)), repository="app")
        assert answer["layer_bytes"] == 60
        assert answer["logical_bytes"] == 60 + len(config) + len(document)


class TestDefinitions:
    def test_a_signature_is_not_part_of_the_image_it_speaks_about(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, note = config_of("amd64"), b"signed!"
        image = pushed(store, "app", config, [b"L" * 60], "1")
        store.linked_blob("app", b"{}")
        store.linked_blob("app", note)
        referrer = encode(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "artifactType": "text/plain",
                "config": descriptor(b"{}", "application/vnd.oci.empty.v1+json"),
                "layers": [descriptor(note, "text/plain")],
                "subject": descriptor(image, OCI_MANIFEST),
            }
        )
        digest = store.push("app", referrer)
        reg = read(tmp_path)
        table = sizes(reg)
        assert row(table, repository="app")["unique_bytes"] == 60 + len(config) + len(image)
        assert table.attrs["tagged_bytes"] == 60 + len(config) + len(image)
        by_manifest = sizes(reg, by="manifest")  # it is referenced, and so has a row
        assert row(by_manifest, manifest=digest)["unique_bytes"] == len(referrer) + len(b"{}") + len(note)

    def test_an_untagged_manifest_is_in_no_row(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        pushed(store, "app", config_of("amd64"), [b"L" * 60])
        reg = read(tmp_path)
        assert row(sizes(reg), repository="app")["unique_bytes"] == 0
        assert len(sizes(reg, by="manifest")) == 0

    def test_what_is_absent_is_counted_apart(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, here, gone = config_of("amd64"), b"h" * 10, b"g" * 1000
        store.linked_blob("app", config)
        store.linked_blob("app", here)
        document = manifest(config, [here, gone])
        store.push("app", document, "1")
        answer = row(sizes(read(tmp_path)), repository="app")
        assert answer["absent_bytes"] == 1000
        assert answer["unique_bytes"] == 10 + len(config) + len(document)
        assert answer["layers"] == 2

    def test_forged_lengths_do_not_wrap_around(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config = config_of("amd64")
        store.linked_blob("app", config)
        layers = [{"mediaType": OCI_LAYER, "size": (1 << 62) - 1, "digest": f"sha256:{n:064x}"} for n in range(1, 6)]
        store.push(
            "app",
            encode({"schemaVersion": 2, "config": descriptor(config, OCI_CONFIG), "layers": layers}),
            "1",
        )
        assert row(sizes(read(tmp_path)), repository="app")["absent_bytes"] == np.iinfo(np.int64).max

    def test_the_layers_say_whether_they_are_compressed(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, kinds = config_of("amd64"), (OCI_LAYER, OCI_LAYER.removesuffix("+gzip"))
        store.linked_blob("app", config)
        for tag, used in (("gzip", kinds[:1]), ("tar", kinds[1:]), ("both", kinds)):
            blobs = [f"{tag}{kind}".encode() for kind in used]
            for blob in blobs:
                store.linked_blob("app", blob)
            layers = [descriptor(blob, kind) for blob, kind in zip(blobs, used, strict=True)]
            store.push(
                "app",
                encode({"schemaVersion": 2, "config": descriptor(config, OCI_CONFIG), "layers": layers}),
                tag,
            )
        basis = sizes(read(tmp_path), by="tag").set_index("tag")["basis"].to_dict()
        assert basis == {"gzip": "compressed", "tar": "uncompressed", "both": "mixed"}

    def test_a_v1_tag_reaches_its_whole_ancestry(self, tmp_path: Path) -> None:
        store = V1Store(tmp_path)
        ids = [image_id(number) for number in range(4)]
        for number, name in enumerate(ids):
            store.image(name, ids[:number][::-1], layer=b"x" * 10**number)
        store.tag("library/app", "base", ids[1])
        store.tag("library/app", "top", ids[3])
        table = sizes(read(tmp_path), by="tag")
        assert row(table, tag="top")["unique_bytes"] == 1111
        assert row(table, tag="base")["unique_bytes"] == 11
        assert row(table, tag="top")["exclusive_bytes"] == 1100
        assert row(table, tag="base")["exclusive_bytes"] == 0

    def test_a_layer_counts_for_each_tag_and_is_stored_once(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, base = config_of("amd64"), b"B" * 100
        pushed(store, "app", config, [base, b"1"], "1", "same")
        pushed(store, "other", config, [base, b"22"], "2")
        table = sizes(read(tmp_path), by="layer")
        assert table[
            ["layers", "logical_bytes", "unique_bytes", "exclusive_bytes", "manifests"]
        ].to_numpy().tolist() == [
            [1, 300, 100, 100, 2],
            [1, 2, 2, 2, 1],
            [1, 2, 1, 1, 1],
        ]

    def test_one_blob_in_two_places_of_the_forest_is_divided(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, twin = config_of("amd64"), b"T" * 11
        pushed(store, "app", config, [b"one", twin], "1")
        pushed(store, "app", config, [b"other", twin], "2")
        table = sizes(read(tmp_path), by="layer")
        shared = table[table["unique_bytes"] == 11]
        assert sorted(shared["amortised_bytes"]) == [5, 6]
        assert shared["exclusive_bytes"].tolist() == [0, 0]

    def test_an_empty_registry_has_empty_answers_of_the_same_shape(self, tmp_path: Path) -> None:
        Store(tmp_path)
        reg = read(tmp_path)
        shipped = read(ROOT / "data" / "world-distribution.tar.gz")
        for by in GRAINS:
            table = sizes(reg, by=by)
            assert len(table) == 0
            assert table.dtypes.to_dict() == sizes(shipped, by=by).dtypes.to_dict()
            assert table.attrs == {"grain": by, "tagged_bytes": 0, "reached_bytes": 0, "dedupe_ratio": None}

    def test_an_unknown_grain_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(RegvizError, match="repository, namespace"):
            sizes(read(ROOT / "data" / "world-v1.tar.gz"), by="owner")  # type: ignore[arg-type]


def groups_of(reg: Registry, by: Grain) -> dict[Any, set[tuple[str, str]]]:
    """The tags of each row, for grains whose rows are sets of tags."""
    tags = set(zip(reg.tags["repository"].astype(str), reg.tags["tag"].astype(str), strict=True))
    if by == "tag":
        return {tag: {tag} for tag in tags}
    names = sorted(reg.repositories["repository"].astype(str))
    if by == "namespace":
        heads = {name: name.split("/")[0] if "/" in name else "" for name in names}
        return {head: {tag for tag in tags if heads[tag[0]] == head} for head in set(heads.values())}
    return {name: {tag for tag in tags if tag[0] == name} for name in names}


def hold_against_oracle(source: Path) -> None:
    reg, truth = read(source), truth_of(source)
    assert set(truth.tags) == set(zip(reg.tags["repository"].astype(str), reg.tags["tag"].astype(str), strict=True))
    for by in ("tag", "repository", "namespace"):
        table = sizes(reg, by=by)
        groups = groups_of(reg, by)
        keys = ["repository", "tag"] if by == "tag" else [by]
        index = [tuple(key) if by == "tag" else key[0] for key in table[keys].fillna("").to_numpy().tolist()]
        assert table[BYTES].astype(int).set_axis(index).to_dict("index") == truth.rows(groups)
        shares = whole_shares(truth.shares(groups))
        assert dict(zip(index, table["amortised_bytes"], strict=True)) == shares
        assert table.attrs["tagged_bytes"] == truth.tagged_bytes


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_real_dumps_as_a_second_implementation_has_them(shared_dumps: Path, name: str) -> None:
    hold_against_oracle(shared_dumps / name)


@pytest.mark.parametrize("name", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_the_shipped_worlds_as_a_second_implementation_has_them(name: str) -> None:
    hold_against_oracle(ROOT / "data" / name)


def test_all_kinds_of_manifests_as_a_second_implementation_has_them(tmp_path: Path) -> None:
    hold_against_oracle(write(ZOO, tmp_path / "zoo", "distribution"))


@pytest.mark.parametrize("layout", ["v1", "distribution"])
@pytest.mark.parametrize("seed", range(3))
def test_random_worlds_as_a_second_implementation_has_them(tmp_path: Path, layout: str, seed: int) -> None:
    draw = random.Random(seed)
    repositories = draw.randint(1, 12)
    world = synthetic_world(repositories, repositories + draw.randint(0, 20), draw.randint(1, 60), seed)
    hold_against_oracle(write(world, tmp_path / "world", layout))


@pytest.mark.parametrize("by", GRAINS)
@pytest.mark.parametrize("name", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_columns_hold_together(name: str, by: Any) -> None:
    table = sizes(read(ROOT / "data" / name), by=by)
    assert (table["exclusive_bytes"] <= table["amortised_bytes"]).all()
    assert (table["amortised_bytes"] <= table["unique_bytes"]).all()
    assert (table["unique_bytes"] <= table["logical_bytes"]).all()
    assert (table["shared_bytes"] == table["unique_bytes"] - table["exclusive_bytes"]).all()
    assert table["exclusive_bytes"].is_monotonic_decreasing
    if by not in ("layer", "manifest"):
        assert table["amortised_bytes"].sum() == table.attrs["tagged_bytes"]
    if by == "tag":
        assert table["logical_bytes"].sum() / table.attrs["tagged_bytes"] == table.attrs["dedupe_ratio"]


@st.composite
def ownerships(draw: st.DrawFn) -> tuple[list[set[int]], list[int]]:
    blob_bytes = draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=12))
    rows = draw(st.lists(st.sets(st.integers(0, len(blob_bytes) - 1)), min_size=1, max_size=8))
    return rows, blob_bytes


@given(ownerships())
def test_shares_are_exact_to_less_than_a_byte_and_add_up(case: tuple[list[set[int]], list[int]]) -> None:
    rows, blob_bytes = case
    pairs = [(row, blob) for row, blobs in enumerate(rows) for blob in blobs]
    matrix = incidence(
        np.array([row for row, _ in pairs], np.int64),
        np.array([blob for _, blob in pairs], np.int64),
        (len(rows), len(blob_bytes)),
    )
    shares = amortise(matrix, np.array(blob_bytes, np.int64)).tolist()
    exact = [
        sum((Fraction(blob_bytes[blob], sum(blob in other for other in rows)) for blob in blobs), Fraction(0))
        for blobs in rows
    ]
    assert shares == list(whole_shares(dict(enumerate(exact))).values())
    assert sum(shares) == sum(blob_bytes[blob] for blob in set().union(*rows))
    assert all(abs(share - true) < 1 for share, true in zip(shares, exact, strict=True))


def test_the_shapley_value_by_its_own_definition() -> None:
    """Averaged over every order in which rows may come: what each adds to the bytes of those before it."""
    from itertools import permutations

    rows, blob_bytes = [{0, 1}, {0, 1}, {0, 2}], [100, 11, 7]
    orders = list(permutations(range(3)))
    total = [Fraction(0)] * 3
    for order in orders:
        paid: set[int] = set()
        for player in order:
            total[player] += sum(blob_bytes[blob] for blob in rows[player] - paid)
            paid |= rows[player]
    value = [part / len(orders) for part in total]
    assert value == [Fraction(233, 6), Fraction(233, 6), Fraction(121, 3)]
    matrix = incidence(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 2]), (3, 3))
    assert all(
        abs(got - true) < 1 for got, true in zip(amortise(matrix, np.array(blob_bytes)).tolist(), value, strict=True)
    )


def test_by_layer_a_row_says_who_stands_on_it_and_what_made_it(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(3)]
    store.image(ids[0], [], layer=b"b" * 100, container_config={"Cmd": ["/bin/sh", "-c", "apt-get install x"]})
    store.image(ids[1], ids[:1], layer=b"o" * 11)
    store.image(ids[2], ids[:1], layer=b"t" * 7)
    store.tag("library/app", "1", ids[1])
    store.tag("library/app", "same", ids[1])
    store.tag("library/other", "1", ids[2])
    reg = read(tmp_path)
    table = sizes(reg, by="layer")
    users = ["layer", "tags", "repositories", "only_repository", "unique_bytes"]
    assert table[users].astype(object).where(table[users].notna(), None).to_numpy().tolist() == [
        [ids[0], 3, 2, None, 100],
        [ids[1], 2, 1, "library/app", 11],
        [ids[2], 1, 1, "library/other", 7],
    ]
    assert table["created_by"].fillna("").tolist() == ["/bin/sh -c apt-get install x", "", ""]
    assert table["empty"].tolist() == [False, False, False]
