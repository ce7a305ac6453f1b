"""Whose bytes they are, on many repositories: ``python -m benchmarks.owners WORK PROGRAM FOLDER``.

The same tables as regviz's arrays, as pandas tables and as DuckDB's; keys are numbers for all, which is kind to the
others: a table has texts. What comes out must be the same: the first one's answer is kept beside the tables.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.work import Counted

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.registry import Registry

_LIKING = (0.4, 0.25, 0.15, 0.1, 0.1)
"""What part of the repositories stands on each distribution's base."""
_RUNTIMES, _HALF, _OF_REPOSITORY, _TAGS = 6, 4, 2, 40
_BASE = 2 * _HALF  # layers of a distribution, and as many of a runtime on it
_OWN = (2, 3)  # layers of an image's own, in turns: on the whole 12.5 layers an image
_LEAST = 32 << 20
"""Bytes that a pair must share to be of interest: of all pairs there are far more than anybody reads."""
_FILE = "tables.npz"


def generate(folder: Path, repositories: int) -> dict[str, int]:
    """Make the tables: repositories on few bases, some of which are the favourites; an image a tag.

    A repository's images stand on 4 layers of a distribution and 4 of a runtime, have 2 layers that all of its images
    have, and 2 or 3 of their own. Blobs are numbered: layers, then configurations, then manifests.
    """
    draw = np.random.default_rng(7)
    folder.mkdir(parents=True)
    distribution = draw.choice(len(_LIKING), repositories, p=_LIKING)
    runtime = len(_LIKING) + distribution * _RUNTIMES + draw.integers(0, _RUNTIMES, repositories)
    manifests = repositories * _TAGS
    repository = np.repeat(np.arange(repositories), _TAGS)
    own = np.resize(_OWN, manifests)
    first_common = len(_LIKING) * (1 + _RUNTIMES) * _HALF
    first_own = first_common + repositories * _OF_REPOSITORY
    layers = first_own + int(own.sum())
    height = _BASE + _OF_REPOSITORY + own
    manifest = np.repeat(np.arange(manifests), height)
    position = np.arange(len(manifest)) - np.repeat(np.cumsum(height) - height, height)
    of_repository, common = repository[manifest], position - _BASE
    below = np.where(position < _HALF, distribution[of_repository], runtime[of_repository])
    of_own = np.repeat(np.cumsum(own) - own, height) + common - _OF_REPOSITORY
    blob = np.where(
        common < 0,
        below * _HALF + position % _HALF,
        np.where(common < _OF_REPOSITORY, first_common + of_repository * _OF_REPOSITORY + common, first_own + of_own),
    )
    layer_bytes = draw.lognormal(13, 2, layers).astype(np.int64) + 100
    documents = draw.integers(400, 9000, 2 * manifests)
    np.savez(
        folder / _FILE,
        repository=repository.astype(np.int32),
        manifest=manifest.astype(np.int32),
        blob=blob.astype(np.int32),
        config=(layers + np.arange(manifests)).astype(np.int32),
        itself=(layers + manifests + np.arange(manifests)).astype(np.int32),
        blob_bytes=np.concatenate([layer_bytes, documents]),
    )
    return {"repositories": repositories, "tags": manifests, "manifest_layers": len(manifest)}


def _registry(tables: dict[str, NDArray[Any]]) -> Registry:
    """The tables as a Registry has them; what everybody imports is not counted."""
    import pandas  # noqa: F401, ICN001

    from regviz.pool import KeyPool
    from regviz.registry import Registry
    from regviz.schema import DTYPES, NA, TABLES
    from regviz.source import Source
    from regviz.texts import TextPool

    layers = int(tables["blob"].max()) + 1
    blobs, manifests = len(tables["blob_bytes"]), len(tables["config"])
    count = int(tables["repository"][-1]) + 1
    names = ["image", *(f"repository{number:05}" for number in range(count)), *(f"tag{n:02}" for n in range(_TAGS))]
    made: dict[str, dict[str, NDArray[Any]]] = {
        "repositories": {"repository": np.arange(1, count + 1)},
        "tags": {
            "repository": tables["repository"] + 1,
            "tag": np.resize(np.arange(_TAGS), manifests) + count + 1,
            "manifest": tables["itself"],
        },
        "manifests": {"manifest": tables["itself"], "config": tables["config"], "present": np.ones(manifests)},
        "layers": {"layer": np.arange(blobs, blobs + layers)},
        "manifest_layers": {
            "manifest": tables["itself"][tables["manifest"]],
            "layer": tables["blob"] + blobs,
            "blob": tables["blob"],
            "empty": np.broadcast_to(np.int8(0), len(tables["blob"])),
        },
        "blobs": {"blob": np.arange(blobs), "blob_bytes": tables["blob_bytes"], "present": np.ones(blobs)},
    }
    whole: dict[str, dict[str, NDArray[Any]]] = {}
    for name, table in TABLES.items():
        given = made.get(name, {})
        rows = len(next(iter(given.values()), ()))
        whole[name] = {
            column.name: given[column.name].astype(DTYPES[column.kind], copy=False)
            if column.name in given
            else np.broadcast_to(np.asarray(NA[column.kind], DTYPES[column.kind]), rows)
            for column in table.columns
        }
    source = Source("made up", ("distribution",), "for this", dt.datetime.now(dt.UTC))
    # nobody asks for the text of a digest; the layers' own keys stand after the blobs'
    return Registry(whole, keys=KeyPool(), names=names, texts=TextPool(), source=source)


def _frames(tables: dict[str, NDArray[Any]]) -> dict[str, pd.DataFrame]:
    """The tables as pandas has them: what every manifest consists of, tags, blobs."""
    import pandas as pd

    every = np.arange(len(tables["config"]), dtype=np.int32)
    parts = {
        "manifest": np.concatenate([tables["manifest"], every, every]),
        "blob": np.concatenate([tables["blob"], tables["config"], tables["itself"]]),
        "layer": np.arange(len(tables["manifest"]) + 2 * len(every)) < len(tables["manifest"]),
    }
    blobs = {"blob": np.arange(len(tables["blob_bytes"]), dtype=np.int32), "bytes": tables["blob_bytes"]}
    return {
        "parts": pd.DataFrame(parts),
        "tags": pd.DataFrame({"repository": tables["repository"], "manifest": every}),
        "blobs": pd.DataFrame(blobs),
    }


# --- overlap: the pairs of repositories that share many bytes: how many blobs, and their bytes


def overlap_regviz(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    from regviz.analysis import sharing

    registry = _registry(tables)
    tables.clear()
    with Counted(wall=True):
        table = sharing(registry, least_bytes=_LEAST)
    sides = [_numbers(table[name]) for name in ("repository", "other_repository")]
    return [*sides, table["shared_blobs"].to_numpy(np.int64), table["shared_bytes"].to_numpy(np.int64)]


def overlap_pandas(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    frames = _frames(tables)
    with Counted(wall=True):
        owned = frames["tags"].merge(frames["parts"], on="manifest")[["repository", "blob"]].drop_duplicates()
        pairs = owned.merge(owned, on="blob")
        pairs = pairs[pairs["repository_x"] < pairs["repository_y"]].merge(frames["blobs"], on="blob")
        by_pair = pairs.groupby(["repository_x", "repository_y"], sort=False)["bytes"]
        table = by_pair.agg(["count", "sum"])
        table = table[table["sum"] >= _LEAST].reset_index().sort_values("sum", ascending=False)
    return [table[name].to_numpy(np.int64) for name in table.columns]


def overlap_duckdb(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    connection = _duckdb(tables)
    with Counted(wall=True):
        table = connection.execute(
            """
            with owned as (select distinct repository, blob from tags join parts using (manifest))
            select one.repository as one, other.repository as other, count(*) as count, sum(bytes) as sum
            from owned as one join owned as other on one.blob = other.blob and one.repository < other.repository
                 join blobs on blobs.blob = one.blob
            group by all having sum(bytes) >= ? order by sum desc
            """,
            [_LEAST],
        ).df()
    return [table[name].to_numpy(np.int64) for name in table.columns]


# --- sizes of repositories: logical, unique, exclusive and amortised bytes, manifests, layers and their bytes


def sizes_regviz(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    from regviz.analysis import sizes

    registry = _registry(tables)
    tables.clear()
    with Counted(wall=True):
        table = sizes(registry)
    numbers = ["logical_bytes", "unique_bytes", "exclusive_bytes", "manifests", "layers", "layer_bytes"]
    return [_numbers(table["repository"]), *(table[name].to_numpy(np.int64) for name in numbers)]


def sizes_pandas(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    frames = _frames(tables)
    with Counted(wall=True):
        reached = frames["tags"].merge(frames["parts"], on="manifest").merge(frames["blobs"], on="blob")
        logical = reached.groupby("repository")["bytes"].sum()
        owned = reached[["repository", "blob", "layer", "bytes"]].drop_duplicates(["repository", "blob"])
        owners = owned.groupby("blob")["repository"].transform("size")
        owned = owned.assign(share=owned["bytes"] / owners)
        whole, layers = owned.groupby("repository"), owned[owned["layer"]].groupby("repository")["bytes"]
        exclusive = owned[owners == 1].groupby("repository")["bytes"].sum()
        table = logical.to_frame("logical").assign(
            unique=whole["bytes"].sum(),
            exclusive=exclusive.reindex(logical.index, fill_value=0),
            manifests=frames["tags"].groupby("repository")["manifest"].nunique(),
            layers=layers.size(),
            layer_bytes=layers.sum(),
            amortised=whole["share"].sum(),
        )
        table = table.reset_index().drop(columns="amortised")
    return [table[name].to_numpy(np.int64) for name in table.columns]


def sizes_duckdb(tables: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    connection = _duckdb(tables)
    with Counted(wall=True):
        table = connection.execute(
            """
            with reached as (select repository, blob, any_value(layer) as layer, count(*) as times
                             from tags join parts using (manifest) group by repository, blob),
                 owners as (select blob, count(*) as owners from reached group by all),
                 held as (select repository, count(distinct manifest) as manifests from tags group by all)
            select repository, sum(times * bytes) as logical, sum(bytes) as unique_bytes,
                   coalesce(sum(bytes) filter (owners = 1), 0) as exclusive, any_value(manifests) as manifests,
                   count(*) filter (layer) as layers, sum(bytes) filter (layer) as layer_bytes,
                   sum(bytes / owners) as amortised
            from reached join owners using (blob) join blobs using (blob) join held using (repository)
            group by repository
            """
        ).df()
    table = table.drop(columns="amortised")
    return [table[name].to_numpy(np.int64) for name in table.columns]


def _duckdb(tables: dict[str, NDArray[Any]]) -> Any:
    import duckdb

    connection = duckdb.connect()
    for name, frame in _frames(tables).items():
        connection.register("given", frame)
        connection.execute(f"create table {name} as select * from given")  # noqa: S608  # our own names
        connection.unregister("given")
    tables.clear()
    return connection


def _numbers(names: pd.Series[str]) -> NDArray[np.int64]:
    return names.str[-5:].to_numpy().astype(np.int64)


def _hold(place: Path, columns: list[NDArray[Any]]) -> None:
    """Rows and the sums of their products, of which the order does not matter; equal for all who answered before."""
    mark = np.zeros(len(columns[0]), np.uint64)
    for values in columns:  # shares are rounded each in its own way, and are not among them
        mark = (mark ^ values.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mark ^= mark >> np.uint64(31)
    answer = [len(mark), int(mark.sum(dtype=np.uint64)), *(int(values.sum()) for values in columns[2:])]
    if not place.exists():
        place.write_text(json.dumps(answer), encoding="utf-8")
    elif json.loads(place.read_text(encoding="utf-8")) != answer:
        raise SystemExit(f"another answer: {answer}, and {place} has {place.read_text(encoding='utf-8')}")


def main() -> None:
    """Answer one question by one program."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.owners")
    words.add_argument("work", choices=["overlap", "sizes"])
    words.add_argument("program", choices=["regviz", "pandas", "duckdb"])
    words.add_argument("folder", type=Path)
    given = words.parse_args()
    with np.load(given.folder / _FILE) as file:
        tables = dict(file)
    answer = globals()[f"{given.work}_{given.program}"](tables)
    _hold(given.folder / f"{given.work}.json", answer)


if __name__ == "__main__":
    main()
