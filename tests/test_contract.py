"""The check that holds every reader: each kind of breach is found, and all are told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from regviz.contract import check
from regviz.errors import ContractError
from regviz.read import read
from regviz.schema import CODED, DTYPES, NA, TABLES
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.schema import Columns

Tables = dict[str, "Columns"]
Pools = dict[str, list[str]]


@pytest.fixture
def good() -> tuple[Tables, Pools]:
    registry = read(ROOT / "data" / "world-distribution.tar.gz", measure=True)
    tables = {name: {key: values.copy() for key, values in registry.columns(name).items()} for name in TABLES}
    codes = {kind: max(int(t[c.name].max(initial=-1)) for n, t in tables.items() for c in TABLES[n].columns
                       if c.kind == kind) for kind in CODED}  # fmt: skip
    pools = {kind: registry.code_texts(kind, np.arange(codes[kind] + 1, dtype=np.int32)) for kind in CODED}
    return tables, pools


def findings(tables: Tables, pools: Pools) -> list[str]:
    with pytest.raises(ContractError) as raised:
        check(tables, pools)
    first, *found = str(raised.value).splitlines()
    assert first == "the tables break their contract:"
    return [line.removeprefix("  - ") for line in found]


def test_what_readers_make_holds(good: tuple[Tables, Pools]) -> None:
    check(*good)


def _put(table: str, column: str, value: Any, row: int = 0) -> Callable[[Tables], None]:
    def put(tables: Tables) -> None:
        tables[table][column][row] = value

    return put


def _replace(table: str, column: str, make: Callable[[Any], Any]) -> Callable[[Tables], None]:
    def replace(tables: Tables) -> None:
        tables[table][column] = make(tables[table][column])

    return replace


def _drop_table(tables: Tables) -> None:
    del tables["labels"]


def _add_table(tables: Tables) -> None:
    tables["owners"] = {}


def _drop_column(tables: Tables) -> None:
    del tables["tags"]["pushed_at"]


def _swap_rows(tables: Tables) -> None:
    for values in tables["blobs"].values():
        values[[0, 1]] = values[[1, 0]]


def _repeat_row(tables: Tables) -> None:
    for name, values in tables["tags"].items():
        tables["tags"][name] = np.insert(values, 0, values[0])


BREACHES: dict[str, tuple[Callable[[Tables], None], str]] = {
    "a table is missing": (_drop_table, "table 'labels' is missing"),
    "a table too many": (_add_table, "table 'owners' is not in the contract"),
    "a column is missing": (_drop_column, "tags: columns are ["),
    "a column is short": (_replace("tags", "tag", lambda v: v[1:]), "tags: columns differ in length"),
    "a type": (_replace("blobs", "copies", lambda v: v.astype(np.int64)), "blobs: copies is int64, not int32"),
    "NA where it is forbidden": (_put("repositories", "raw_name", -1), "repositories: raw_name has NA"),
    "a code of nothing": (_put("layers", "created_by", 10**6), "layers: created_by has codes beyond its pool"),
    "a flag": (_put("blobs", "present", 2), "blobs: present has values that are no flags"),
    "the order": (_swap_rows, "blobs: rows are not sorted by key"),
    "a key twice": (_repeat_row, "tags: its key is not unique"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found(name: str, good: tuple[Tables, Pools]) -> None:
    tables, pools = good
    breach, said = BREACHES[name]
    breach(tables)
    assert [finding for finding in findings(tables, pools) if finding.startswith(said)]


def test_a_value_that_is_not_allowed(good: tuple[Tables, Pools]) -> None:
    tables, pools = good
    tables["tags"]["link_state"][0] = pools["name"].index("latest")
    assert findings(tables, pools) == ["tags: link_state has 'latest'"]


@pytest.mark.parametrize(
    ("table", "column"),
    [(table.name, column.name) for table in TABLES.values() for column in table.columns if column.references],
)
def test_a_reference_to_nothing(table: str, column: str, good: tuple[Tables, Pools]) -> None:
    """A key that stands nowhere: digests and names of no table's row are in the pools too."""
    tables, pools = good
    assert len(tables[table][column])
    contract = TABLES[table].column(column)
    name, _, target = contract.references.partition(".")
    free = np.setdiff1d(np.arange(len(pools[contract.kind])), tables[name][target])
    # put where the order of rows stays: in place of the last, by what is no less
    free = free[free >= int(tables[table][column].max())] if column in TABLES[table].key else free
    if not len(free):
        pools[contract.kind] = [*pools[contract.kind], "\U0010ffff"]
        free = np.array([len(pools[contract.kind]) - 1])
    tables[table][column][-1] = free[-1]
    assert findings(tables, pools) == [f"{table}.{column}: 1 values are not in {contract.references}"]


def test_pools_are_sorted(good: tuple[Tables, Pools]) -> None:
    tables, pools = good
    for kind in ("digest", "name"):
        said = findings(tables, pools | {kind: pools[kind][::-1]})
        assert f"pool {kind!r} is not strictly sorted" in said


def test_every_breach_is_told_at_once(good: tuple[Tables, Pools]) -> None:
    tables, pools = good
    for name in ("a flag", "NA where it is forbidden", "a key twice"):
        BREACHES[name][0](tables)
    assert len(findings(tables, pools)) == 3


def test_the_contract_is_whole() -> None:
    for name, table in TABLES.items():
        names = [column.name for column in table.columns]
        assert table.name == name
        assert len(set(names)) == len(names)
        assert names[: len(table.key)] == list(table.key)
        assert table.about
        for column in table.columns:
            assert column.about, f"{name}.{column.name}"
            assert (column.kind in DTYPES, column.kind in NA) == (True, True)
            if column.references:
                target, _, key = column.references.partition(".")
                assert TABLES[target].key[0] == key
