"""Captures as Polars reads them, and every reader on what is hard: columns that are NA throughout, and odd values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regviz.read import read
from regviz.schema import TABLES
from tests.conftest import ROOT
from tests.helpers import Store, V1Store, compressed, image_config, image_id, image_manifest, plain_tables

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

WORLD = ROOT / "data" / "world-distribution.tar.gz"
POLARS = {
    "digest": pl.Categorical,
    "name": pl.Categorical,
    "text": pl.Categorical,
    "count": pl.Int64,
    "bytes": pl.Int64,
    "time": pl.Datetime("us", "UTC"),
    "flag": pl.Boolean,
}
"""Types of Polars, by kind of column."""


def _world(root: Path) -> Registry:
    del root
    return read(WORLD, measure=True)


def _hard(root: Path) -> Registry:
    """Texts that are empty, hold a NUL or are masked alike; years 1 and 9999; sizes beyond 32 bits."""
    store = Store(root)
    history = [
        {"created": "0001-01-01T00:00:00Z", "created_by": "a\0b"},
        {"created": "9999-12-31T23:59:59.999999Z", "created_by": "ENV PASSWORD=one", "empty_layer": True},
        {"created": "1969-12-31T23:59:59Z", "created_by": "ENV PASSWORD=two", "empty_layer": True},
    ]
    config = image_config([b"1"], history=history, config={"Labels": {"": "", "größe": "日本"}})
    manifest = image_manifest(config, [compressed(b"1")])
    manifest["layers"][0]["size"] = 1 << 40
    for data in (config, compressed(b"1")):
        store.linked_blob("a", data)
    store.push("a", manifest, "latest")
    return read(root)


def _v1(root: Path) -> Registry:
    """A v1 storage knows no digests and no media types: columns that are NA throughout."""
    store = V1Store(root)
    store.image(image_id(1))
    store.tag("library/x", "latest", image_id(1))
    return read(root)


def _nothing(root: Path) -> Registry:
    return read(Store(root).root)


SOURCES = {"world": _world, "hard": _hard, "v1": _v1, "nothing": _nothing}


@pytest.fixture(scope="module", params=SOURCES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Registry]:
    root = tmp_path_factory.mktemp("made")
    registry = SOURCES[request.param](root / "storage")
    registry.save(root / "made.regviz")
    return root / "made.regviz", registry


def _rows(columns: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*columns.values(), strict=True))


@pytest.mark.parametrize("name", TABLES)
def test_polars_reads_it(name: str, made: tuple[Path, Registry]) -> None:
    capture, registry = made
    frame = pl.read_parquet(capture / f"{name}.parquet")
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    assert {column: _plain(kind) for column, kind in frame.schema.items()} == {n: POLARS[k] for n, k in kinds.items()}
    plain = frame.with_columns(pl.col(pl.Datetime).dt.timestamp("us"), pl.col(pl.Categorical).cast(pl.String))
    assert _rows(plain.to_dict(as_series=False)) == plain_tables(registry)[name]


def _plain(kind: pl.DataType) -> Any:
    return pl.Categorical if isinstance(kind, pl.Categorical) else kind


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_and_pandas_read_it(name: str, made: tuple[Path, Registry]) -> None:
    capture, registry = made
    times = [column.name for column in TABLES[name].columns if column.kind == "time"]
    moments = ", ".join(f"epoch_us({time}) as {time}" for time in times)
    query = f"select * {f'replace ({moments})' if times else ''} from '{capture / name}.parquet'"  # noqa: S608  # our own
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == plain_tables(registry)[name]
    frame = pd.read_parquet(capture / f"{name}.parquet", dtype_backend="pyarrow")
    for time in times:
        frame[time] = frame[time].astype(pd.ArrowDtype(pa.int64()))
    columns = {column: pa.array(frame[column]).to_pylist() for column in frame}
    assert _rows(columns) == plain_tables(registry)[name]


@pytest.mark.parametrize("name", TABLES)
def test_types_do_not_depend_on_what_is_there(name: str, made: tuple[Path, Registry]) -> None:
    """A column that is NA throughout, and a table without rows, have the types of all others."""
    text = pa.dictionary(pa.int32(), pa.string())
    expected = {"digest": text, "name": text, "text": text, "count": pa.int64(), "bytes": pa.int64()}
    expected |= {"time": pa.timestamp("us", "UTC"), "flag": pa.bool_()}
    schema = pq.read_schema(made[0] / f"{name}.parquet")
    assert {field.name: field.type for field in schema} == {c.name: expected[c.kind] for c in TABLES[name].columns}


def test_polars_answers_without_us(tmp_path: Path) -> None:
    """Bytes of the blobs that are there, as data/README.md has them; and a join by digest."""
    read(WORLD).save(tmp_path / "world.regviz")
    blobs = pl.scan_parquet(tmp_path / "world.regviz" / "blobs.parquet")
    total = blobs.filter("present").select(pl.col("blob_bytes").sum()).collect()
    assert total.item() == 439_126
    tags = pl.scan_parquet(tmp_path / "world.regviz" / "tags.parquet")
    joined = tags.join(blobs, left_on="manifest", right_on="blob", how="inner").collect()
    assert len(joined) == 22  # data/README.md
