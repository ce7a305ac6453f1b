"""What Spark reads in a capture, as JSON: run by an environment that has pyspark, and nothing of regviz.

``python spark_reading.py CAPTURE`` prints for each table its columns, their types and its rows, times in microseconds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    from pyspark.sql import SparkSession  # no environment of the project has it
    from pyspark.sql.functions import col, unix_micros

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    said = {}
    capture = Path(sys.argv[1])
    for file in sorted(capture.glob("*.parquet")):
        frame = session.read.parquet(str(file))
        times = [name for name, kind in frame.dtypes if kind == "timestamp"]
        plain = frame.select(
            [unix_micros(col(name)).alias(name) if name in times else col(name) for name in frame.columns]
        )
        said[file.stem] = {"types": dict(frame.dtypes), "rows": [list(row) for row in plain.collect()]}
    session.read.parquet(str(capture / "blobs.parquet")).createOrReplaceTempView("blobs")
    total = session.sql("select sum(blob_bytes) from blobs where present").collect()[0][0]
    sys.stdout.write(json.dumps({"tables": said, "present_bytes": total}))
    session.stop()


if __name__ == "__main__":
    main()
