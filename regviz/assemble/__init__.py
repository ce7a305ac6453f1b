"""From facts to tables: what every reader found becomes the tables of a Registry, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble.documents import assemble_documents
from regviz.assemble.draft import Draft
from regviz.assemble.findings import find_problems
from regviz.assemble.inventory import assemble_inventory
from regviz.registry import Registry
from regviz.schema import DTYPES, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.columns import Facts
    from regviz.registry import Source
    from regviz.schema import Columns

__all__ = ["assemble"]


def assemble(facts: Facts, source: Source, documents: Callable[[Draft], None] = assemble_documents) -> Registry:
    """The Registry of what a reader found.

    Parameters
    ----------
    facts : Facts
        Filled by a reader; used up here.
    source : Source
        Where they come from.
    documents : callable
        Makes the tables that come from documents; v1 has its own.
    """
    draft = Draft(facts)
    documents(draft)
    assemble_inventory(draft)
    find_problems(draft, source)
    draft.tables["storage"] = {name: facts.storage[name] for name in ("category", "files", "apparent_bytes", "allocated_bytes")}
    facts.problems.spill()
    for name in vars(facts):
        rows = getattr(facts, name)
        if hasattr(rows, "free") and name not in ("problems",):
            rows.free()
    draft.tables["problems"] = {
        "problem": np.arange(len(facts.problems), dtype=np.int32),
        **{name: facts.problems[name] for name in ("rule", "severity", "repository", "manifest", "blob", "path", "detail")},
    }
    texts = facts.texts.texts()
    new_key, (names, new_name) = np.append(facts.keys.freeze(), np.int32(-1)), facts.names.freeze()
    tables = {}
    for table in TABLES:
        tables[table] = _finished(table, draft.tables.pop(table), {"digest": new_key, "name": new_name}, texts)
    return Registry(tables, keys=facts.keys, names=names, texts=texts, source=source)


def _finished(table: str, columns: Columns, new: dict[str, NDArray[np.int32]], texts: list[str]) -> Columns:
    """A table with its final codes, types and order."""
    contract = TABLES[table]
    made: Columns = {}
    for column in contract.columns:
        values = columns.pop(column.name)
        if column.kind in new:
            values = new[column.kind][values]
        made[column.name] = np.ascontiguousarray(values, DTYPES[column.kind])
    order = _problem_order(made, texts) if table == "problems" else _key_order([made[name] for name in contract.key])
    if order is not None:
        for name in made:
            made[name] = made[name][order]
    if table == "problems":
        made["problem"] = np.arange(len(made["rule"]), dtype=np.int32)
    for values in made.values():
        values.flags.writeable = False
    return made


def _key_order(keys: list[NDArray[np.generic]]) -> NDArray[np.int64] | None:
    """The order of rows by key; None where they stand in it."""
    count = len(keys[0])
    rising = np.zeros(max(count - 1, 0), np.bool_)
    tied = np.ones(max(count - 1, 0), np.bool_)
    for values in keys:
        rising |= tied & (values[:-1] < values[1:])
        tied &= values[:-1] == values[1:]
    return None if bool((rising | tied).all()) else np.lexsort(keys[::-1])


def _problem_order(columns: Columns, texts: list[str]) -> NDArray[np.int64]:
    """Problems by rule, then by what they concern; text by its own order, which codes of texts do not have."""
    codes = np.unique(np.concatenate([columns["path"], columns["detail"]]))
    said = sorted(codes[codes >= 0].tolist(), key=texts.__getitem__)
    rank = np.full(len(texts) + 1, -1, np.int64)
    rank[said] = np.arange(len(said))
    by = [columns[name] for name in ("rule", "repository", "manifest", "blob")]
    return np.lexsort([rank[columns["detail"]], rank[columns["path"]], *by[::-1]])


