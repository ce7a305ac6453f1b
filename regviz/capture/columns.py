"""Tables of a Registry as Arrow and Parquet, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.pool import SHA256, V1_ID, V1_LAYER
from regviz.schema import CODED, NA, TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from regviz.pool import KeyPool
    from regviz.registry import Registry
    from regviz.schema import Column, Columns, Table
    from regviz.texts import NamePool, TextPool

    Pools = tuple[KeyPool, NamePool, TextPool]

_MOST_EXPANSION = 1000
"""Times that a file may grow when it is decompressed; ours grow tenfold."""
_MOST_ROWS_A_BYTE = 20
"""Rows that say what those above said take next to nothing; ours have less than one a byte."""
_ALWAYS = 1 << 20


class UnexpectedError(Exception):
    """A file that does not hold what its manifest and the schema say; the message goes on after the file's name."""


def arrow_table(registry: Registry, name: str) -> pa.Table:
    """A table of a Registry as Arrow: what a capture has."""
    import pyarrow as pa

    columns = registry.columns(name)
    return pa.table({c.name: _arrow(registry, columns[c.name], c) for c in TABLES[name].columns})


def _arrow(registry: Registry, values: NDArray[Any], column: Column) -> pa.Array:
    import pyarrow as pa

    if column.kind in CODED:
        used = np.unique(values)
        used = used[used >= 0]
        said = registry.code_texts(column.kind, used)
        texts = sorted({*said}) if column.kind == "text" else said  # others are; and masked texts agree
        place = dict(zip(texts, range(len(texts)), strict=True))
        codes = np.fromiter((place[text] for text in said), np.int32, len(said))
        indices = np.append(codes, np.int32(-1))[np.where(values >= 0, np.searchsorted(used, values), -1)]
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), pa.array(texts, pa.string()))
    if column.kind == "flag":
        return pa.array(values == 1, mask=values < 0)
    missing = values == NA[column.kind]
    kind = pa.timestamp("us", "UTC") if column.kind == "time" else pa.int64()
    return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing).cast(kind)


def arrays(data: bytes, table: Table, rows: int, pools: Pools) -> Columns:
    """The columns of a file of Parquet in the inside types, their codes those of pools that still grow.

    Raises
    ------
    UnexpectedError
        It is no Parquet, or has other rows, columns or types than it should have; or it is a bomb.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _examine(file, table, rows, len(data))
        made = {}
        for column in table.columns:
            values = file.read(columns=[column.name], use_threads=False).column(0).combine_chunks()
            if len(values) != rows:
                raise UnexpectedError(f"has {len(values):,} rows in column {column.name}, and should have {rows:,}")
            made[column.name] = _array(values, column, pools)
        return made
    except (pa.ArrowException, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise UnexpectedError(f"cannot be read ({' '.join(str(error).split())})") from error


def _examine(file: Any, table: Table, rows: int, length: int) -> None:
    """What its footer says, before anything is decoded."""
    metadata, schema = file.metadata, file.schema_arrow
    if metadata.num_rows != rows:
        raise UnexpectedError(f"has {metadata.num_rows:,} rows, and its manifest says {rows:,}")
    if rows > _MOST_ROWS_A_BYTE * length + _ALWAYS:
        raise UnexpectedError(f"says it has {rows:,} rows in {length:,} bytes: it is not regviz's")
    expected, found = [column.name for column in table.columns], schema.names
    if found != expected:
        missing = [name for name in expected if name not in found]
        others = [name for name in found if name not in expected]
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has the unknown {', '.join(others)}"] if others else []
        raise UnexpectedError(f"has other columns: it {' and '.join(said) or 'has them in another order'}")
    for column in table.columns:
        kind = schema.field(column.name).type
        if not _fits(kind, column):
            raise UnexpectedError(f"has {kind} in column {column.name}, which is a {column.kind}")
    # Not by its columns: pyarrow ends the process where it cannot make sense of what is said of one.
    expanded = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if expanded > _MOST_EXPANSION * length + _ALWAYS:
        raise UnexpectedError(f"would grow from {length:,} to {expanded:,} bytes: it is not regviz's")


def _fits(kind: Any, column: Column) -> bool:
    """Whether a type of Arrow holds a kind of column, as regviz or another program would write it."""
    from pyarrow import types

    if column.kind in CODED:
        if types.is_dictionary(kind):
            kind = kind.value_type
        return bool(types.is_string(kind) or types.is_large_string(kind))
    if column.kind == "flag":
        return bool(types.is_boolean(kind))
    if column.kind == "time":
        return bool(types.is_timestamp(kind) and kind.tz == "UTC")
    return bool(types.is_integer(kind))


def _array(values: pa.Array, column: Column, pools: Pools) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.kind in CODED:
        keys, names, texts = pools
        encoded = values if hasattr(values, "dictionary") else pc.dictionary_encode(values)
        said = encoded.dictionary.to_pylist()
        if column.kind == "digest":
            codes = _intern(keys, said)
        else:
            codes = (names if column.kind == "name" else texts).codes(said, keep_empty=True)
        indices = np.asarray(pc.fill_null(encoded.indices, len(said)).cast("int64"))
        spread: NDArray[np.int32] = np.append(codes, np.int32(-1))[indices]
        return spread
    if column.kind == "flag":
        return np.asarray(pc.fill_null(values.cast("int8"), -1))
    if column.kind == "time":
        values = values.cast(pa.timestamp("us", "UTC"))
    if column.kind == "count":  # it is kept in 32 bits
        values = values.cast("int32")
    return np.asarray(pc.fill_null(values.cast("int64"), NA[column.kind]))


def _intern(pool: KeyPool, texts: list[str]) -> NDArray[np.int32]:
    first = texts[0] if texts else ""
    prefix = next((p for p in (SHA256, V1_LAYER) if first.startswith(p.decode())), V1_ID)
    return pool.intern(texts, prefix)
