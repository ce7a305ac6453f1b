"""Which tags free most together, against every combination of tags, and against what deleting them frees."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis.collectors import collect
from regviz.analysis.covering import EXACT
from regviz.errors import RegvizError
from regviz.read import read
from tests.analysis.test_deletion import index_of, needed
from tests.helpers import Store, V1Store, image_id, rows
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry


def names(table: Any) -> list[str]:
    return [f"{name}:{tag}" for name, tag in rows(table, "repository", "tag")]


def test_two_that_share_a_layer_come_before_a_larger_one_alone(tmp_path: Path) -> None:
    """The example of the documentation, with documents of some hundred bytes."""
    store = Store(tmp_path)
    noise = [bytes((number * 7919 + at * at) % 256 for at in range(60_000)) for number in range(2)]
    shared = [noise[0]]
    store.image("app", [*shared, b"1"], "1")
    store.image("app", [*shared, b"2"], "2")
    store.image("alone", [noise[1][:200]], "x")
    table = rv.delete_together(read(tmp_path))
    assert names(table) == ["app:1", "app:2", "alone:x"]
    assert table["step"].tolist() == [1, 1, 2]
    assert table["step_tags"].tolist() == [2, 2, 1]
    assert table["running_tags"].tolist() == [2, 2, 3]
    freed = [rv.what_if(read(tmp_path), tags=some).attrs["freed_bytes"] for some in (names(table)[:2], names(table))]
    assert table["running_bytes"].tolist() == [freed[0], freed[0], freed[1]]
    assert table.attrs["freed_bytes"] == table.attrs["freeable_bytes"] == freed[1]


def test_no_child_goes_before_the_index_that_lists_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    amd = store.image("app", [b"large" * 100], "amd64")
    store.push("app", index_of(store, amd), "1")
    reg = read(tmp_path)
    table = rv.delete_together(reg, target=rv.delete_together(reg).attrs["freeable_bytes"])
    assert sorted(names(table)) == ["app:1", "app:amd64"]
    assert names(rv.delete_together(reg, tags=["app:amd64"])) == []  # the index stays, and needs it
    assert rv.what_if(reg, tags=table).attrs["indexes_broken"] == 0


def test_a_manifest_that_another_tag_has_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1", "latest")
    reg = read(tmp_path)
    assert len(rv.delete_together(reg, pattern="1")) == 0
    assert rv.delete_together(reg)["step_tags"].tolist() == [2, 2]
    assert len(rv.delete_together(reg, keep="latest")) == 0


def test_by_tag_nothing_goes_without_m(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    reg = read(tmp_path)
    assert len(rv.delete_together(reg, delete_by="tag")) == 0
    assert names(rv.delete_together(reg, delete_by="tag", collector="distribution-2.8-m")) == ["app:1"]


def test_a_target_out_of_reach_takes_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    table = rv.delete_together(read(tmp_path), target=10**9)
    assert (names(table), table.attrs["reached"]) == (["app:1"], False)
    nothing = rv.delete_together(read(tmp_path), target=0)
    assert (len(nothing), nothing.attrs["reached"], nothing.attrs["at_least"]) == (0, True, 0)
    with pytest.raises(RegvizError, match="0 or more"):
        rv.delete_together(read(tmp_path), target=-1)


def test_where_the_collector_stops_no_target_is_reached(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    store.revision("other", "sha256:" + "1" * 64, b"")
    store.directory("repositories/other/_layers")
    table = rv.delete_together(read(tmp_path), target=1)
    assert (len(table), table.attrs["reached"], table.attrs["freed_bytes"]) == (0, False, 0)
    assert "1111" in table.attrs["abort"]


def test_v1_tags_share_their_ancestors(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(4)]
    store.image(ids[0], layer=b"x" * 1000)
    store.image(ids[1], ids[:1], layer=b"x" * 10)
    store.image(ids[2], ids[:1], layer=b"x" * 20)
    store.image(ids[3], layer=b"x" * 400)
    for number, name in enumerate(ids[1:], 1):
        store.tag("library/app", str(number), name)
    table = rv.delete_together(read(tmp_path))
    assert rows(table, "step", "tag", "step_bytes", "running_bytes") == [
        (1, "1", 1030, 1030),  # 515 for each of two
        (1, "2", 1030, 1030),
        (2, "3", 400, 1430),
    ]
    assert names(rv.delete_together(read(tmp_path), target=400)) == ["library/app:3"]


def combined(store: Store, reg: Registry, collector: Any) -> dict[frozenset[str], int]:
    """What every combination of tags frees, where no tag goes along, and each that stays keeps what its indexes list."""
    reached = {
        f"{name}:{tag}": {(name, digest) for digest in needed(store, manifest)}
        for name, tag, manifest in rows(reg.tags, "repository", "tag", "manifest")
    }
    found = {}
    for size in range(len(reached) + 1):
        for some in combinations(reached, size):
            table = rv.what_if(reg, tags=list(some), collector=collector)
            gone = {*rows(table[table["cause"] == "deleted"], "repository", "digest")}
            if not any(gone & reached[tag] for tag in reached.keys() - {*some}):
                found[frozenset(some)] = table.attrs["freed_bytes"]
    return found


@pytest.mark.parametrize("collector", ["distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m"])
def test_random_registries_have_no_smaller_choice(tmp_path: Path, collector: Any) -> None:
    done = 0
    for seed in range(1000, 1040):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = random_registry(folder, seed)
        reg = read(folder, links="check")
        if not 2 <= len(reg.tags) <= 5 or collect(reg, collector).abort:
            continue
        every = combined(made.store, reg, collector)
        most = max(every.values())
        for target in {1, most // 3, most // 2, most, made.random.randint(0, most)}:
            table = rv.delete_together(reg, target=target, collector=collector)
            assert table.attrs["exact"]
            assert table.attrs["freed_bytes"] >= target
            assert len(table) == min(len(some) for some, freed in every.items() if freed >= target)
            assert table.attrs["at_least"] <= len(table)
        done += 1
        if done == 4:
            return
    pytest.fail(f"only {done} registries were small enough")


@pytest.mark.parametrize("collector", ["distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m"])
@pytest.mark.parametrize("seed", range(2000, 2010))
def test_every_step_frees_what_what_if_says(tmp_path: Path, seed: int, collector: Any) -> None:
    random_registry(tmp_path, seed)
    reg = read(tmp_path, links="check")
    table = rv.delete_together(reg, collector=collector)
    if collect(reg, collector).abort:  # a schema 1, and 3.x
        assert table.attrs["freed_bytes"] == rv.what_if(reg, tags=table, collector=collector).attrs["freed_bytes"]
        return
    for step in table["step"].unique():
        gone = table[table["step"] <= step]
        answer = rv.what_if(reg, tags=gone, collector=collector).attrs
        assert answer["freed_bytes"] == gone["running_bytes"].iloc[-1]
        assert answer["also_removes"] == 0
    everything = rv.what_if(reg, tags=rv.delete_together(reg, collector=collector), collector=collector).attrs
    assert everything["freed_bytes"] == table.attrs["freed_bytes"]


def test_many_tags_are_chosen_greedily_and_near_the_bound(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(EXACT + 10):
        store.image("app", [b"base" * 100, b"%d" % (number // 3) * 50, b"own %d" % number * (number + 1)], str(number))
    reg = read(tmp_path)
    whole = rv.delete_together(reg).attrs["freeable_bytes"]
    table = rv.delete_together(reg, target=whole // 2)
    assert whole // 2 <= table.attrs["freed_bytes"] == rv.what_if(reg, tags=table).attrs["freed_bytes"]
    assert table.attrs["at_least"] <= len(table) < EXACT + 10
    for row in range(len(table)):  # none of them can be left out
        assert rv.what_if(reg, tags=table.drop(index=row)).attrs["freed_bytes"] < whole // 2


def test_an_empty_registry_has_an_empty_answer(tmp_path: Path) -> None:
    Store(tmp_path)
    empty, full = rv.delete_together(read(tmp_path)), rv.delete_together(read())
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert set(empty.attrs) == set(full.attrs)
