"""Holds tables to the contract of :mod:`regviz.schema`, and reports every finding at once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.errors import ContractError
from regviz.schema import CODED, DTYPES, NA, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from regviz.schema import Kind, Table


def check(tables: Mapping[str, Mapping[str, NDArray[Any]]], pools: Mapping[str, Iterable[str]]) -> None:
    """Hold tables to the contract.

    Parameters
    ----------
    tables : mapping of str to columns
        Every table of `TABLES`, as arrays of the inside types.
    pools : mapping of str to texts
        ``"digest"``, ``"name"`` and ``"text"``: what the codes mean; digests and names strictly sorted.

    Raises
    ------
    ContractError
        Listing every finding: a missing table or column, a wrong type, NA where it is forbidden, a value that is not
        allowed, a key that is not unique or not sorted, a reference to a row that is not there.
    """
    texts = {kind: list(pool) for kind, pool in pools.items()}
    findings = [f"pool {kind!r} is not strictly sorted" for kind in ("digest", "name") if not _rising(texts[kind])]
    findings += [
        f"table {name!r} is {'missing' if name in TABLES else 'not in the contract'}"
        for name in TABLES.keys() ^ tables.keys()
    ]
    for name in TABLES.keys() & tables.keys():
        findings += [f"{name}: {finding}" for finding in _table_findings(TABLES[name], tables[name], texts)]
    if not findings:
        findings = [f for name, table in TABLES.items() for f in _reference_findings(table, tables[name], tables)]
    if findings:
        raise ContractError("the tables break their contract:\n" + "\n".join(f"  - {f}" for f in sorted(findings)))


def _rising(texts: list[str]) -> bool:
    return all(first < second for first, second in pairwise(texts))


def _na(values: NDArray[Any], kind: Kind) -> NDArray[np.bool_]:
    return np.asarray(values == NA[kind], dtype=np.bool_)


def _table_findings(table: Table, columns: Mapping[str, NDArray[Any]], texts: Mapping[str, list[str]]) -> list[str]:
    expected = [column.name for column in table.columns]
    if list(columns) != expected:
        return [f"columns are {list(columns)}, not {expected}"]
    if len({len(values) for values in columns.values()}) > 1:
        return ["columns differ in length"]
    findings = []
    for column in table.columns:
        values = columns[column.name]
        if values.dtype != DTYPES[column.kind]:
            findings.append(f"{column.name} is {values.dtype}, not {DTYPES[column.kind]}")
            continue
        if column.required and bool(_na(values, column.kind).any()):
            findings.append(f"{column.name} has NA")
        if column.kind in CODED and len(values) and int(values.max()) >= len(texts[column.kind]):
            findings.append(f"{column.name} has codes beyond its pool")
        elif column.values:
            used = {texts[column.kind][code] for code in np.unique(values) if code >= 0}
            findings += [f"{column.name} has {value!r}" for value in used.difference(column.values)]
        if column.kind == "flag" and len(values) and not -1 <= int(values.min()) <= int(values.max()) <= 1:
            findings.append(f"{column.name} has values that are no flags")
    keys = [columns[name] for name in table.key]
    if len(keys[0]) > 1:
        order = np.lexsort(keys[::-1])
        if not np.array_equal(order, np.arange(len(order))):
            findings.append("rows are not sorted by key")
        same = np.ones(len(order) - 1, dtype=np.bool_)
        for values in keys:
            same &= values[order][1:] == values[order][:-1]
        if bool(same.any()):
            findings.append("its key is not unique")
    return findings


def _reference_findings(
    table: Table, columns: Mapping[str, NDArray[Any]], tables: Mapping[str, Mapping[str, NDArray[Any]]]
) -> list[str]:
    findings = []
    for column in table.columns:
        if column.references:
            name, _, target = column.references.partition(".")
            values = np.unique(columns[column.name])
            lost = np.setdiff1d(values[values >= 0], tables[name][target])
            if len(lost):
                findings.append(f"{table.name}.{column.name}: {len(lost)} values are not in {column.references}")
    return findings
