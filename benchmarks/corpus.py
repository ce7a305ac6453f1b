"""What is measured against: registries and tars made once and kept, limit programs compiled.

They lie in the directory that ``REGVIZ_BENCH_DIR`` names, else in one of this user's own below the system's directory
for temporary files. A registry is made anew when its generator changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from benchmarks import generate_distribution, generate_v1
from benchmarks.generate_distribution import Size

DIRECTORY_VARIABLE = "REGVIZ_BENCH_DIR"
SizeName = Literal["S", "M", "L"]
DISTRIBUTION = {"S": Size(100, 1_000, 5_000), "M": Size(2_000, 50_000, 200_000), "L": Size(10_000, 200_000, 1_000_000)}
V1_IMAGES = {"S": 2_000, "M": 100_000}
CHAIN_IDS = {"S": 20_000, "M": 1_000_000}

_HERE = Path(__file__).parent
_BYTES_A_BLOB = 40_000  # of disk: blocks for its file, its link and their directories, and its members in a tar
_BYTES_AN_IMAGE = 30_000
_BYTES_A_GIGABYTE = 1e9


class Unavailable(Exception):  # noqa: N818  # it is no error: what needs it is left out, with this reason
    """Something that this machine does not have."""


@dataclass(frozen=True)
class Corpus:
    """A made-up registry: its folder, and the rows that its tables must have."""

    folder: Path
    rows: dict[str, int]

    @property
    def tar(self) -> Path:
        """The same as one tar; see `make_tar`."""
        return self.folder.with_name("storage.tar")


def directory() -> Path:
    """Where everything made is kept."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        path = Path(named).absolute()
        path.mkdir(parents=True, exist_ok=True)
        return path
    path = Path(tempfile.gettempdir()) / f"regviz-benchmarks-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.lstat().st_uid != os.getuid():
        raise SystemExit(f"{path} belongs to somebody else: name another directory by {DIRECTORY_VARIABLE}")
    return path


def distribution(size: SizeName) -> Corpus:
    """A registry in Distribution's storage."""
    wanted = DISTRIBUTION[size]
    source = Path(generate_distribution.__file__)
    needs = wanted.blobs * _BYTES_A_BLOB
    return _made(f"distribution-{size}", source, wanted, needs, lambda root: generate_distribution.generate(root, wanted))


def v1(size: SizeName) -> Corpus:
    """A registry in v1's storage."""
    images = V1_IMAGES[size]
    source = Path(generate_v1.__file__)
    return _made(f"v1-{size}", source, images, images * _BYTES_AN_IMAGE, lambda root: generate_v1.generate(root, images))


def make_tar(corpus: Corpus) -> Path:
    """The registry as one tar, its holes left out, as GNU tar makes it."""
    said = subprocess.run(["tar", "--version"], capture_output=True, text=True, check=False).stdout
    if "GNU tar" not in said:
        raise Unavailable("GNU tar")
    if not corpus.tar.exists():
        part = corpus.tar.with_suffix(".part")
        with _announced(f"{corpus.folder.parent.name} as one tar"):
            subprocess.run(["tar", "--sparse", "-cf", part, "-C", corpus.folder, "."], check=True)
        part.rename(corpus.tar)
    return corpus.tar


def limit_program(name: str) -> Path:
    """A limit program, compiled from the source of that name beside this file."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("a C compiler (cc)")
    program = directory() / name
    part = program.with_suffix(".part")
    subprocess.run([compiler, "-O2", "-o", part, _HERE / f"{name}.c"], check=True)
    part.rename(program)
    return program


def program(name: str) -> str:
    """A program that is measured against."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(name)
    return path


def _made(name: str, source: Path, parameters: object, needs: int, generate: Callable[[Path], dict[str, int]]) -> Corpus:
    place = directory() / name
    note = place / "made.json"
    fingerprint = hashlib.sha256(source.read_bytes() + repr(parameters).encode()).hexdigest()
    if note.exists():
        made = cast("dict[str, object]", json.loads(note.read_text(encoding="utf-8")))
        if made["fingerprint"] == fingerprint:
            return Corpus(place / "storage", cast("dict[str, int]", made["rows"]))
    if place.exists():
        shutil.rmtree(place)
    place.mkdir()
    free = shutil.disk_usage(place).free
    if free < needs:
        place.rmdir()
        gigabytes = f"{needs / _BYTES_A_GIGABYTE:.0f} GB of disk for {name}, where {free / _BYTES_A_GIGABYTE:.0f} are free"
        raise Unavailable(f"{gigabytes} (another place: {DIRECTORY_VARIABLE})")
    with _announced(name):
        rows = generate(place / "storage")
    note.write_text(json.dumps({"fingerprint": fingerprint, "rows": rows}), encoding="utf-8")
    return Corpus(place / "storage", rows)


class _announced:  # noqa: N801  # reads as what it does: with _announced("distribution-M"): …
    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._began = time.perf_counter()
        print(f"making {self._what} ...", end=" ", flush=True)

    def __exit__(self, *error: object) -> None:
        print("failed" if error[0] else f"{time.perf_counter() - self._began:.0f} s", flush=True)
