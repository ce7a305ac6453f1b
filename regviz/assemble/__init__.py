"""From facts to tables: what every reader found becomes the tables of a Registry, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.assemble.documents import assemble_documents
from regviz.assemble.draft import Draft
from regviz.assemble.findings import find_problems
from regviz.assemble.inventory import assemble_inventory
from regviz.assemble.secrets import find_secrets
from regviz.memory import give_back
from regviz.registry import Registry
from regviz.schema import DTYPES, TABLES, compact
from regviz.sorting import stable_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from regviz.facts import Facts
    from regviz.schema import Columns
    from regviz.source import Source
    from regviz.spread import SpreadColumns
    from regviz.texts import TextPool

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
    facts.texts.rest()
    give_back()
    documents(draft)
    facts.keys.rest()  # no new ones come from names and sizes
    give_back()
    assemble_inventory(draft)
    facts.free(but=("problems", "storage"))
    give_back()
    if documents is assemble_documents:  # another has other rules
        find_problems(draft, source)
        give_back()
    find_secrets(draft)
    give_back()
    tables, said = draft.tables, facts.problems
    tables["storage"] = {
        name: facts.storage[name] for name in ("category", "files", "apparent_bytes", "allocated_bytes")
    }
    names = ("rule", "severity", "repository", "manifest", "blob", "path", "detail")
    tables["problems"] = {"problem": np.arange(len(said), dtype=np.int32), **{name: said[name] for name in names}}
    nameless = tables["labels"]["key"] < 0
    if nameless.any():  # a label may be called nothing
        tables["labels"]["key"] = np.where(nameless, np.int32(facts.names.code("")), tables["labels"]["key"])
    facts.free()
    facts.texts.rest()
    new_key, (sorted_names, new_name) = facts.keys.freeze(), facts.names.freeze()
    new = {"digest": new_key, "name": new_name}
    give_back()
    made: dict[str, Mapping[str, NDArray[Any]]] = {}
    for name in TABLES:
        if name in draft.spread:
            made[name] = _finished_spread(name, draft.spread.pop(name), new)
        else:
            made[name] = _finished(name, tables.pop(name), new, facts.texts)
        give_back()
    return Registry(made, keys=facts.keys, names=sorted_names, texts=facts.texts, source=source)


def _finished_spread(table: str, columns: SpreadColumns, new: dict[str, NDArray[np.int32]]) -> SpreadColumns:
    """A table that is spread over manifests; they stand in their final order already, and so do its rows."""
    for column in TABLES[table].columns:
        kept = columns.kept[column.name]
        if column.kind in new:
            codes = new[column.kind]
            columns.kept[column.name] = codes[kept] if isinstance(kept, np.ndarray) else kept.with_codes(codes)
    return columns


def _finished(table: str, columns: Columns, new: dict[str, NDArray[np.int32]], texts: TextPool) -> Columns:
    """A table with its final codes, types and order."""
    contract = TABLES[table]
    made: Columns = {}
    seen: dict[int, str] = {}
    for column in contract.columns:
        values = columns[column.name]
        twin = seen.setdefault(id(values), column.name)
        if twin != column.name and contract.column(twin).kind == column.kind:
            made[column.name] = made[twin]  # two columns that always agree are one array
            continue
        if column.kind in new:
            codes = new[column.kind]
            values = np.broadcast_to(codes[values[:1]], len(values)) if values.strides == (0,) else codes[values]
        made[column.name] = compact(values, DTYPES[column.kind])
    columns.clear()
    order = _problem_order(made, texts) if table == "problems" else _key_order([made[name] for name in contract.key])
    if order is not None:
        sorted_twins: dict[int, NDArray[Any]] = {}
        for name, values in made.items():
            if values.strides != (0,):
                made[name] = sorted_twins.setdefault(id(values), values[order])
    if table == "labels":
        made = _without_twins(made)
    if table == "problems":
        made["problem"] = np.arange(len(made["rule"]), dtype=np.int32)
    for values in made.values():
        values.flags.writeable = False
    return made


def _without_twins(labels: Columns) -> Columns:
    """Labels, sorted; of those that have one name when it is cleaned, the first."""
    again = np.zeros(len(labels["key"]), np.bool_)
    again[1:] = (labels["manifest"][1:] == labels["manifest"][:-1]) & (labels["key"][1:] == labels["key"][:-1])
    return {name: values[~again] for name, values in labels.items()} if again.any() else labels


def _key_order(keys: list[NDArray[Any]]) -> NDArray[np.intp] | None:
    """The order of rows by key; None where they stand in it."""
    count = len(keys[0])
    rising = np.zeros(max(count - 1, 0), np.bool_)
    tied = np.ones(max(count - 1, 0), np.bool_)
    for values in keys:
        rising |= tied & (values[:-1] < values[1:])
        tied &= values[:-1] == values[1:]
    return None if bool((rising | tied).all()) else stable_order(keys)


def _problem_order(columns: Columns, texts: TextPool) -> NDArray[np.int64]:
    """Problems by rule, then by what they concern; text by its own order, which codes of texts do not have."""
    codes = np.unique(np.concatenate([columns["path"], columns["detail"]]))
    codes = codes[codes >= 0]
    said = texts.texts(codes)
    rank = np.full(len(texts) + 1, -1, np.int64)
    rank[codes[sorted(range(len(said)), key=said.__getitem__)]] = np.arange(len(said))
    by = [columns[name] for name in ("rule", "repository", "manifest", "blob")]
    return np.lexsort([rank[columns["detail"]], rank[columns["path"]], *by[::-1]])
