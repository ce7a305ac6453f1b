"""sharing(), owner_sets() and clusters() against counts by hand and against sets of Python over a storage's own files."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis import clusters, owner_sets, shared, sharing, sizes
from regviz.analysis.members import Grain
from regviz.analysis.owned import Owned, together
from regviz.analysis.reach import incidence
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.oracle import files_of, truth_of
from tests.cli.running import done, run
from tests.conftest import ROOT
from tests.helpers import STORAGE_DUMPS, Store, V1Store, image_id
from tests.world.zoo import ZOO

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from regviz.registry import Registry

GRAINS = get_args(Grain)
WORLDS = ["world-distribution.tar.gz", "world-v1.tar.gz"]
Owners = dict[str, set[str]]

# formats.md and image-spec: what holds an empty tar, or nothing, compressed or not
EMPTY = {
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:1775fca35fb6a4d31c541746eaea63c5cb3c00280c8b5a351d4e944cdca7489d",
}


# --- by hand


def three(folder: Path) -> Registry:
    """A base of 100 bytes that `a` and `b` have; `c` stands alone. A manifest and a configuration each."""
    store = Store(folder)
    store.image("a", [b"B" * 100, b"a" * 11], "1")
    store.image("b", [b"B" * 100, b"b" * 7], "1")
    store.image("c", [b"c" * 20], "1")
    return read(folder)


def lengths(reg: Registry) -> dict[str, int]:
    """Bytes of each repository, as its row of ``sizes`` has them; those are tested elsewhere."""
    table = sizes(reg)
    return dict(zip(table["repository"], table["unique_bytes"], strict=True))


def base_bytes(folder: Path) -> int:
    """Length of the one blob that is not in one repository alone."""
    links = [path.parent.name for path in folder.rglob("_layers/*/*/link")]
    [twice] = {name for name in links if links.count(name) > 1}
    [blob] = folder.rglob(f"{twice}/data")
    return blob.stat().st_size


def test_pairs_counted_by_hand(tmp_path: Path) -> None:
    reg = three(tmp_path)
    table, whole, base = sharing(reg), lengths(reg), base_bytes(tmp_path)
    [row] = table.to_dict("records")
    assert (row["repository"], row["other_repository"]) == ("a", "b")
    assert (row["shared_blobs"], row["shared_bytes"]) == (1, base)
    assert row["jaccard"] == 1 / 7  # two manifests, two configurations, two layers of their own, and the base
    assert row["weighted_jaccard"] == base / (whole["a"] + whole["b"] - base)
    assert table.attrs == {"grain": "repository", "rows": 3, "empty_layers": 0}
    assert len(sharing(reg, least_bytes=base)) == 1
    assert len(sharing(reg, least_bytes=base + 1)) == 0


def test_owner_sets_counted_by_hand(tmp_path: Path) -> None:
    reg = three(tmp_path)
    table, whole, base = owner_sets(reg), lengths(reg), base_bytes(tmp_path)
    found = {owners: (count, blobs, held) for owners, count, blobs, held in table.itertuples(index=False)}
    assert found == {
        ("a", "b"): (2, 1, base),
        ("a",): (1, 3, whole["a"] - base),
        ("b",): (1, 3, whole["b"] - base),
        ("c",): (1, 3, whole["c"]),
    }
    assert table["bytes"].is_monotonic_decreasing
    assert table.attrs == {"grain": "repository", "reached_bytes": table["bytes"].sum()}


def test_clusters_counted_by_hand(tmp_path: Path) -> None:
    reg = three(tmp_path)
    whole, base = lengths(reg), base_bytes(tmp_path)
    alike = base / (whole["a"] + whole["b"] - base)
    table = clusters(reg, similarity=alike)
    assert table[["repository", "cluster", "members"]].to_numpy().tolist() == [["a", 0, 2], ["b", 0, 2], ["c", 1, 1]]
    assert table["unique_bytes"].tolist() == [whole["a"], whole["b"], whole["c"]]
    assert table["cluster_bytes"].tolist() == [whole["a"] + whole["b"] - base] * 2 + [whole["c"]]
    assert table.attrs == {"grain": "repository", "similarity": alike, "clusters": 2}
    assert clusters(reg, similarity=min(1.0, alike + 1e-9))["members"].tolist() == [1, 1, 1]


def test_a_cluster_is_connected_by_pairs(tmp_path: Path) -> None:
    """The first is like the second and the second like the third, though the ends share nothing."""
    draw = random.Random(1)
    left, right = draw.randbytes(9000), draw.randbytes(9000)
    store = Store(tmp_path)
    store.image("left", [left], "1")
    store.image("middle", [left, right], "1")
    store.image("right", [right], "1")
    reg = read(tmp_path)
    assert set(clusters(reg, similarity=0.4)["members"]) == {3}
    assert {(row.repository, row.other_repository) for row in sharing(reg).itertuples()} == {
        ("left", "middle"),
        ("middle", "right"),
    }


def test_layers_that_change_nothing_make_no_kin(tmp_path: Path) -> None:
    empty = io.BytesIO()
    with gzip.GzipFile(fileobj=empty, mode="wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w"):
        pass
    ids = [image_id(number) for number in range(4)]
    store = V1Store(tmp_path)
    store.image(ids[0], [], layer=empty.getvalue())
    store.image(ids[1], ids[:1], layer=b"x" * 50)
    store.image(ids[2], ids[:1], layer=b"y" * 60)
    store.tag("library/a", "1", ids[1])
    store.tag("library/b", "1", ids[2])
    reg = read(tmp_path)
    assert len(empty.getvalue()) <= 46
    table = sharing(reg)
    assert (len(table), table.attrs["empty_layers"]) == (0, 1)
    assert ("library/a", "library/b") in set(owner_sets(reg)["owners"])  # their bytes are owned all the same
    assert owner_sets(reg)["bytes"].sum() == 110 + len(empty.getvalue())


def test_by_tag_a_pair_has_both_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"base" * 30], "1", "same")
    table = sharing(read(tmp_path), by="tag")
    [row] = table.to_dict("records")
    assert [row[name] for name in ("repository", "tag", "other_repository", "other_tag")] == ["app", "1", "app", "same"]
    assert (row["jaccard"], row["weighted_jaccard"]) == (1, 1)
    assert owner_sets(read(tmp_path), by="tag")["owners"].tolist() == [("app:1", "app:same")]


def test_what_has_no_bytes_shares_no_part_of_them(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1), [], layer=b"")
    store.tag("library/a", "1", image_id(1))
    store.tag("library/b", "1", image_id(1))
    table = sharing(read(tmp_path))
    assert table[["shared_blobs", "shared_bytes", "jaccard"]].to_numpy().tolist() == [[1, 0, 1]]
    assert table["weighted_jaccard"].isna().tolist() == [True]
    assert clusters(read(tmp_path))["members"].tolist() == [1, 1]


@pytest.mark.parametrize("answer", [sharing, owner_sets, clusters])
def test_an_unknown_grain_is_answered_with_the_known_ones(answer: Any) -> None:
    with pytest.raises(RegvizError, match="repository, namespace"):
        answer(read(ROOT / "data" / WORLDS[1]), by="owner")


@pytest.mark.parametrize("similarity", [0, -1, 1.1, float("nan")])
def test_a_similarity_is_a_part(similarity: float) -> None:
    with pytest.raises(RegvizError, match="above 0 and at most 1"):
        clusters(read(ROOT / "data" / WORLDS[1]), similarity=similarity)


def test_more_pairs_than_anybody_could_use_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_MOST_PAIRS", 3)
    with pytest.raises(RegvizError, match=r"more than 3 pairs share blobs by repository: ask.*least_bytes"):
        sharing(read(ROOT / "data" / WORLDS[0]))


def test_empty_answers_have_their_columns(tmp_path: Path) -> None:
    Store(tmp_path)
    reg, shipped = read(tmp_path), read(ROOT / "data" / WORLDS[0])
    for by in GRAINS:
        for answer in (sharing, owner_sets, clusters):
            empty = answer(reg, by=by)
            assert len(empty) == 0
            assert empty.dtypes.to_dict() == answer(shipped, by=by).dtypes.to_dict()


# --- a second implementation


def empty_blobs(source: Path) -> set[str]:
    """What holds no file: told by its digest, of a v1 layer by opening it."""
    found = set(EMPTY)
    for path, content in files_of(source).items():
        if path.endswith("/layer"):
            try:
                tar = gzip.decompress(content)
            except (gzip.BadGzipFile, EOFError):  # not compressed, or broken off as some are
                tar = content
            nothing = bool(content) and not tar.strip(b"\0")
            if nothing:
                found.add(path.split("/")[-2])
    return found


def owners_in(source: Path, by: str) -> tuple[Owners, dict[str, int]]:
    """The blobs that each repository, tag or namespace reaches and that are stored, with their lengths."""
    truth = truth_of(source)
    found: Owners = defaultdict(set)
    for (repository, tag), blobs in truth.tags.items():
        name = {
            "repository": repository,
            "tag": f"{repository}:{tag}",
            "namespace": repository.split("/")[0] if "/" in repository else "—",
        }[by]
        found[name] |= blobs & truth.stored.keys()
    return found, truth.stored


def plain(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The two sides of each pair as one name each."""
    one, other = ("repository", "other_repository") if by == "tag" else (by, f"other_{by}")
    made = table.copy()
    for name, column in (("one", one), ("other", other)):
        made[name] = table[column].fillna("—")
        if by == "tag":
            made[name] += ":" + table[column.replace("repository", "tag")]
    return made


def hold_against_sets(source: Path) -> None:
    reg, empty = read(source), empty_blobs(source)
    for by in ("repository", "tag", "namespace"):
        owners, stored = owners_in(source, by)
        kin = {name: blobs - empty for name, blobs in owners.items()}
        expected = {}
        for (one, mine), (other, theirs) in combinations(sorted(kin.items()), 2):
            both, either = mine & theirs, mine | theirs
            if both:
                shared_bytes, all_bytes = (sum(stored[blob] for blob in some) for some in (both, either))
                part = shared_bytes / all_bytes if all_bytes else None
                expected[one, other] = (len(both), shared_bytes, len(both) / len(either), part)
        table = plain(sharing(reg, by=by), by)  # type: ignore[arg-type]
        numbers = ["shared_blobs", "shared_bytes", "jaccard", "weighted_jaccard"]
        sides = [tuple(sorted(pair)) for pair in table[["one", "other"]].itertuples(index=False, name=None)]
        found = dict(zip(sides, table[numbers].astype(object).itertuples(index=False, name=None), strict=True))
        assert len(found) == len(table)
        assert found == expected
        sets: dict[frozenset[str], list[str]] = defaultdict(list)
        for blob in set().union(*owners.values()):
            sets[frozenset(name for name, blobs in owners.items() if blob in blobs)].append(blob)
        answer = owner_sets(reg, by=by)  # type: ignore[arg-type]
        assert {
            frozenset(names): (count, blobs, held) for names, count, blobs, held in answer.itertuples(index=False)
        } == {names: (len(names), len(blobs), sum(map(stored.__getitem__, blobs))) for names, blobs in sets.items()}
        assert answer["bytes"].sum() == sizes(reg).attrs["tagged_bytes"] == truth_of(source).tagged_bytes


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_real_dumps(shared_dumps: Path, name: str) -> None:
    hold_against_sets(shared_dumps / name)


@pytest.mark.parametrize("name", WORLDS)
def test_the_shipped_worlds(name: str) -> None:
    hold_against_sets(ROOT / "data" / name)


def test_all_kinds_of_manifests(tmp_path: Path) -> None:
    hold_against_sets(write(ZOO, tmp_path / "zoo", "distribution"))


@pytest.mark.parametrize("layout", ["v1", "distribution"])
@pytest.mark.parametrize("seed", range(3))
def test_random_worlds(tmp_path: Path, layout: str, seed: int) -> None:
    draw = random.Random(seed)
    repositories = draw.randint(2, 12)
    world = synthetic_world(repositories, repositories + draw.randint(0, 20), draw.randint(1, 60), seed)
    hold_against_sets(write(world, tmp_path / "world", layout))


@st.composite
def ownerships(draw: st.DrawFn) -> tuple[list[set[int]], list[int]]:
    blob_bytes = draw(st.lists(st.integers(0, 2**59), min_size=1, max_size=12))
    rows = draw(st.lists(st.sets(st.integers(0, len(blob_bytes) - 1)), min_size=1, max_size=8))
    return rows, blob_bytes


@pytest.mark.parametrize("block", [1, 5, 1 << 21])
@given(case=ownerships())
def test_pairs_are_the_same_in_blocks_of_any_size(block: int, case: tuple[list[set[int]], list[int]]) -> None:
    rows, blob_bytes = case
    pairs = np.array([(row, blob) for row, blobs in enumerate(rows) for blob in blobs], np.int64).reshape(-1, 2)
    matrix = incidence(pairs[:, 0], pairs[:, 1], (len(rows), len(blob_bytes)))
    sets = together(Owned({}, matrix, np.array(blob_bytes, np.int64)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "_BLOCK", block)
        parts = list(shared.shared(sets, 0))
    found = [row for part in parts for row in zip(*(values.tolist() for values in part), strict=True)]
    assert sorted(found) == [
        (one, other, len(both), sum(blob_bytes[blob] for blob in both))
        for one in range(len(rows))
        for other in range(one + 1, len(rows))
        if (both := rows[one] & rows[other])
    ]


@pytest.mark.parametrize("by", GRAINS)
@pytest.mark.parametrize("name", WORLDS)
def test_what_is_shared_agrees_with_sizes(name: str, by: Any) -> None:
    reg = read(ROOT / "data" / name)
    table, sets = sizes(reg, by=by), owner_sets(reg, by=by)
    assert sets["bytes"].sum() == table.attrs["reached_bytes"]
    assert sets[sets["owner_count"] == 1]["bytes"].sum() == table["exclusive_bytes"].sum()
    assert (sets["bytes"] * sets["owner_count"]).sum() == table["unique_bytes"].sum()
    grouped = clusters(reg, by=by)
    assert sorted(grouped["unique_bytes"]) == sorted(table["unique_bytes"])
    assert grouped["cluster"].is_monotonic_increasing
    one_each = grouped.drop_duplicates("cluster")
    assert one_each["members"].sum() == len(grouped)
    assert one_each["cluster_bytes"].is_monotonic_decreasing


# --- the command line

WORLD = ROOT / "data" / WORLDS[0]


def test_the_commands_print_what_the_functions_give() -> None:
    reg = read(WORLD)
    for command, answer in (("sharing", sharing), ("owner-sets", owner_sets), ("clusters", clusters)):
        for by in ("repository", "tag", "platform"):
            lines = done(command, WORLD, "--by", by, "--format", "csv").splitlines()
            table = answer(reg, by=by)  # type: ignore[operator]
            assert lines[0] == ",".join(table.columns)
            assert len(lines) == 1 + len(table)


def test_a_pair_is_chosen_by_either_side() -> None:
    table = sharing(read(WORLD))
    wanted = (table["repository"] == "team/cron") | (table["other_repository"] == "team/cron")
    lines = done("sharing", WORLD, "--repository", "team/cron", "--format", "csv").splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == table[wanted].iloc[:, :2].to_numpy().tolist()
    assert 0 < len(lines) < len(table)
    least = int(table["shared_bytes"].median())
    lines = done("sharing", WORLD, "--least", least, "--format", "csv").splitlines()[1:]
    assert len(lines) == (table["shared_bytes"] >= least).sum()


def test_an_owner_set_is_chosen_by_one_of_its_owners() -> None:
    table = owner_sets(read(WORLD), by="tag")
    lines = done("owner-sets", WORLD, "--by", "tag", "--repository", "python", "--format", "csv").splitlines()[1:]
    assert len(lines) == sum(any(name.startswith("library/python:") for name in names) for names in table["owners"])
    assert 0 < len(lines) < len(table)
    lines = done("owner-sets", WORLD, "--by", "tag", "--tag", "^0[.]", "--format", "csv").splitlines()[1:]
    assert len(lines) == sum(any(":0." in name for name in names) for names in table["owners"])


def test_what_cannot_choose_says_so() -> None:
    for command in ("sharing", "owner-sets"):
        result = run(command, WORLD, "--by", "platform", "--repository", "x")
        assert result.exit_code == 2
        assert "--repository cannot choose here" in result.stderr
