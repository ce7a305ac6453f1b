"""A capture as Spark reads it, which has types of its own, and never saw a dictionary of Arrow's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from regviz.read import read
from regviz.schema import TABLES
from tests.conftest import ROOT
from tests.helpers import plain_tables
from tests.real.service import require_program

if TYPE_CHECKING:
    from regviz.registry import Registry

pytestmark = pytest.mark.real

WORLD = ROOT / "data" / "world-distribution.tar.gz"
ENVIRONMENT = Path(sys.prefix) / "spark"
PYTHON = ENVIRONMENT / "bin" / "python"
INSTALL = (
    f"{sys.executable} -m venv {ENVIRONMENT} && {PYTHON} -m pip install --require-hashes -r requirements/spark.txt"
)
TYPES = {
    "digest": "string",
    "name": "string",
    "text": "string",
    "count": "bigint",
    "bytes": "bigint",
    "time": "timestamp",
    "flag": "boolean",
}
"""Of Spark, by kind of column."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read(WORLD, measure=True)


@pytest.fixture(scope="module")
def said(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Spark says of a capture of the small world."""
    require_program("java", "default-jre-headless")
    python = os.environ.get("REGVIZ_SPARK_PYTHON", str(PYTHON))
    if not Path(python).exists():
        pytest.skip(f"Spark is not installed: {INSTALL}")
    place = tmp_path_factory.mktemp("spark")
    registry.save(place / "world.regviz")
    command = [python, str(ROOT / "tests" / "real" / "spark_reading.py"), str(place / "world.regviz")]
    done = subprocess.run(command, cwd=place, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_columns_and_types(name: str, said: Any) -> None:
    assert said["tables"][name]["types"] == {column.name: TYPES[column.kind] for column in TABLES[name].columns}


@pytest.mark.parametrize("name", TABLES)
def test_every_value_is_the_same(name: str, said: Any, registry: Registry) -> None:
    assert [tuple(row) for row in said["tables"][name]["rows"]] == plain_tables(registry)[name]


def test_spark_counts_right(said: Any) -> None:
    """Bytes of the blobs that are there, as data/README.md has them."""
    assert said["present_bytes"] == 439_126
