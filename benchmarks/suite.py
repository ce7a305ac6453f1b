"""What is measured: each work with its peers, its limit and its floors.

A limit is a C program that makes the system calls no reader can do without, and nothing else. A peer is what
a person has today. Floors hold for sizes M and L.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from benchmarks import corpus, live, shown
from benchmarks.measure import Contender, Floor, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.corpus import Corpus, SizeName

MB = 1e6
_BASELINE = "import pandas, pyarrow"
_MERGE, _DUCKDB = "pandas merge", "DuckDB"
_COLLECTOR = "docker-registry garbage-collect --dry-run"
_COLLECTOR_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
compatibility: {{schema1: {{enabled: true}}}}
"""


def folder(size: SizeName) -> Work:
    """A Distribution storage as it lies on a disk, warm."""
    made = corpus.distribution(size)
    large = size == "L"
    floors = [
        Floor("regviz", "cpu", 2.5, 1.5, against="limit"),
        Floor("regviz", "wall", 6 if large else 3.5, 10 if large else 8, against=_COLLECTOR, at_least=True),
        Floor("regviz", "peak", (450 if large else 150) * MB, 350 * MB if large else None, above=_BASELINE),
    ]
    work = Work("Distribution, folder", _described(made))
    work.add("limit", lambda: [corpus.limit_program("limit_walk"), "stat", made.folder])
    if not large:
        floors.append(Floor("regviz, links checked", "cpu", 2.5, 1.5, against="limit, links checked"))
        work.add("limit, links checked", lambda: [corpus.limit_program("limit_walk"), "check", made.folder])
        work.add_python("regviz, links checked", "read", made.folder, "check", json.dumps(made.rows))
    work.add(_COLLECTOR, lambda: _collect(made))
    work.add_python(_BASELINE, "nothing")
    work.add_python("regviz", "read", made.folder, "stat", json.dumps(made.rows))
    work.floors = tuple(floors)
    return work


def tar(size: SizeName) -> Work:
    """The same as one tar."""
    made = corpus.distribution(size)
    archive = corpus.make_tar(made)
    work = Work("Distribution, one tar", _described(made))
    work.add("tar -tf", lambda: [corpus.program("tar"), "-tf", archive])
    work.add("limit", lambda: [corpus.limit_program("limit_tar"), archive])
    work.add_python(_BASELINE, "nothing")
    work.add_python("regviz", "read", archive, "stat", json.dumps(made.rows))
    if size == "L":
        work.floors = (Floor("regviz", "peak", 450 * MB, 350 * MB, above=_BASELINE),)
        return work
    work.add_python("tarfile", "tarfile", archive)
    work.floors = (
        Floor("regviz", "cpu", 8, against="tarfile", at_least=True),
        Floor("regviz", "peak", 150 * MB, above=_BASELINE),
    )
    return work


def listing(size: SizeName) -> Work:
    """The same as what find prints of it: names, lengths and times alone."""
    made = corpus.distribution(size)
    work = Work("Distribution, listing", _described(made))
    rows = json.dumps({name: made.rows[name] for name in ("repositories", "tags", "manifests", "blobs")})
    try:
        file = corpus.make_listing(made)
    except corpus.Unavailable as reason:
        work.missing["regviz"] = f"skipped: needs {reason}"
        return work
    work.add_python("its records, split one by one", "split", file)
    work.add_python(_BASELINE, "nothing")
    work.add_python("regviz", "read", file, "stat", rows)
    work.floors = (
        Floor("regviz", "cpu", 2.5, 1.5, against="its records, split one by one"),
        Floor("regviz", "peak", (450 if size == "L" else 150) * MB, 100 * MB, above=_BASELINE),
    )
    return work


def garbage(size: SizeName) -> Work:
    """What collectors would delete of it, reading and links included."""
    made = corpus.distribution(size)
    work = Work("garbage", _described(made))
    untagged = made.rows["manifests"] - made.rows["tags"]
    work.add_python("regviz", "garbage", made.folder, "distribution-2.8", 0)
    work.add_python("regviz, -m", "garbage", made.folder, "distribution-2.8-m", untagged)
    work.add(_COLLECTOR, lambda: _collect(made))
    work.add(f"{_COLLECTOR} -m", lambda: _collect(made, "-m"))
    work.floors = (
        Floor("regviz", "wall", 2.5, against=_COLLECTOR, at_least=True),
        Floor("regviz, -m", "wall", 30, against=f"{_COLLECTOR} -m", at_least=True),
    )
    return work


def v1(size: SizeName) -> Work:
    """A v1 storage."""
    made = corpus.v1(size)
    work = Work("v1", f"{made.rows['manifests']:,} images")
    work.add("limit", lambda: [corpus.limit_program("limit_v1"), made.folder])
    work.add_python(_BASELINE, "nothing")
    work.add_python("regviz", "read", made.folder, "stat", json.dumps(made.rows))
    work.floors = (
        Floor("regviz", "cpu", 2.5, 1.8, against="limit"),
        Floor("regviz", "peak", 80 * MB, 60 * MB, above=_BASELINE),
    )
    return work


def over_http(size: SizeName) -> Work:
    """A real server, read over HTTP on the loopback."""
    made = corpus.live(size)
    url = live.server(made)
    file = live.mix(made, url)
    rows = json.dumps({name: made.rows[name] for name in ("repositories", "tags")})
    work = Work("live registry", f"{_described(made)}, {live.CONNECTIONS} connections")

    def add(name: str, program: str, more: str) -> None:
        def command() -> list[str]:
            if program != "regviz":
                corpus.program(program)
            return [sys.executable, "-m", "benchmarks.live", program, url, more]

        work.add(name, command, reports=True)

    add("wrk, the same requests", "wrk", str(file))
    add("skopeo inspect, image by image", "skopeo", str(file))
    add("regviz", "regviz", rows)
    work.floors = (
        Floor("regviz", "wall", 10, against="skopeo inspect, image by image", at_least=True),
        Floor("regviz", "wall", 1 / 0.6, 1 / 0.9, against="wrk, the same requests"),
    )
    return work


def objects(size: SizeName) -> Work:
    """A bucket of S3, whose pages come from a rule."""
    count = corpus.OBJECTS[size]
    work = Work("object storage", f"{count:,} objects")
    work.add_python(_BASELINE, "nothing")
    for name, word in (("s3fs find, the listing alone", "find"), ("regviz", "regviz")):
        command = [sys.executable, "-m", "benchmarks.objects", word, str(count)]
        work.add(name, lambda command=command: command, reports=True)  # type: ignore[misc]
    work.floors = (Floor("regviz", "peak", 450 * MB, above=_BASELINE),)
    return work


def overlap(size: SizeName) -> Work:
    """Which repositories share much."""
    work = _owners("overlap", size)
    against = (_MERGE, _DUCKDB)
    work.floors = tuple(Floor("regviz", "wall", 4, against=name, at_least=True) for name in against)
    work.floors += tuple(Floor("regviz", "peak", 4, against=name, at_least=True) for name in against)
    return work


def sizes(size: SizeName) -> Work:
    """Whose bytes they are, by repository."""
    work = _owners("sizes", size)
    work.floors = (
        Floor("regviz", "wall", 1, against=_DUCKDB, at_least=True),
        Floor("regviz", "wall", 2, 4, against=_MERGE, at_least=True),
    )
    return work


def _owners(name: str, size: SizeName) -> Work:
    made = corpus.tables(size)
    rows = made.rows
    subject = (
        f"{rows['repositories']:,} repositories, {rows['tags']:,} tags, {rows['manifest_layers']:,} layers of them"
    )
    work = Work(f"{name}, tables in memory", subject)
    for title, program in (("regviz", "regviz"), (_MERGE, "pandas"), (_DUCKDB, "duckdb")):

        def command(program: str = program) -> list[str | Path]:
            corpus.module(program)
            return [sys.executable, "-m", "benchmarks.owners", name, program, made.folder]

        work.add(title, command, reports=True)
    return work


def chain_ids(size: SizeName) -> Work:
    """Chain IDs of images of 12 layers."""
    count = corpus.CHAIN_IDS[size]
    work = Work("chain IDs", f"{count:,}, of images of 12 layers")
    work.add_python("hashlib, each image by itself", "hashlib-loop", count)
    work.add_python("regviz", "chain-ids", count)
    work.floors = (Floor("regviz", "cpu", 1.5),)
    return work


def report(size: SizeName) -> Work:
    """The report of a Distribution storage, from its folder to the page."""
    made = corpus.distribution(size)
    work = Work("report", _described(made))
    work.add_shown("regviz", "report", made.folder, made.rows["tags"])
    work.floors = (
        Floor("regviz", "wall", 90),
        Floor("regviz", "peak", 2e9),
        Floor("regviz", "output", 6 * 2**20),
    )
    return work


def forest(size: SizeName) -> Work:
    """The picture of a forest of layers, as SVG."""
    del size
    work = Work("forest", f"{shown.LAYERS:,} layers")
    work.add_shown("regviz", "forest", shown.LAYERS)
    work.floors = (Floor("regviz", "wall", 1.5), Floor("regviz", "output", 2**20))
    return work


def importing(size: SizeName) -> Work:
    """How long it takes before anything happens."""
    del size
    work = Work("import regviz", "whole processes")
    for name, statement in {
        "python": "pass",
        "import pandas": "import pandas",
        "import regviz": "import regviz",
    }.items():
        work.contenders.append(Contender(name, (sys.executable, "-c", statement)))
    work.floors = (Floor("import regviz", "wall", 0.3, above="python"),)
    return work


WORKS: dict[str, Callable[[SizeName], Work]] = {
    "folder": folder,
    "tar": tar,
    "listing": listing,
    "garbage": garbage,
    "v1": v1,
    "objects": objects,
    "live": over_http,
    "overlap": overlap,
    "sizes": sizes,
    "chain-ids": chain_ids,
    "report": report,
    "forest": forest,
    "import": importing,
}
LARGE = ("folder", "tar")
"""Works that there is a size L of."""


def _described(made: Corpus) -> str:
    rows = made.rows
    return f"{rows['repositories']:,} repositories, {rows['tags']:,} tags, {rows['blobs']:,} blobs"


def _collect(made: Corpus, *options: str) -> list[str | Path]:
    collector = corpus.program("docker-registry")
    configuration = made.folder.with_name("collector.yml")
    root = json.dumps(str(made.folder))  # a text of JSON is one of YAML
    configuration.write_text(_COLLECTOR_CONFIGURATION.format(root=root), encoding="utf-8")
    return [collector, "garbage-collect", "--dry-run", *options, configuration]
