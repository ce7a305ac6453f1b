"""What is measured against: registries and tars made once and kept, limit programs compiled.

They lie in the directory that ``REGVIZ_BENCH_DIR`` names, else in one of this user's own below the system's
directory for temporary files. A registry is made anew when its generator changed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks import generate_distribution, generate_v1, owners
from benchmarks.generate_distribution import Size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

DIRECTORY_VARIABLE = "REGVIZ_BENCH_DIR"
SizeName = Literal["S", "M", "L"]
DISTRIBUTION = {
    "S": Size(repositories=100, tags=1_000, blobs=5_000),
    "M": Size(repositories=2_000, tags=50_000, blobs=200_000),
    "L": Size(repositories=10_000, tags=200_000, blobs=1_000_000),
}
LIVE = {
    "S": Size(repositories=40, tags=400, blobs=2_000),
    "M": Size(repositories=300, tags=4_000, blobs=16_000),
}
V1_IMAGES = {"S": 2_000, "M": 100_000}
CHAIN_IDS = {"S": 20_000, "M": 1_000_000}
OBJECTS = {"S": 20_000, "M": 1_000_000}
OWNERS = {"S": 1_000, "M": 10_000}
"""Repositories, of 40 tags and 500 layers of manifests each."""

_HERE = Path(__file__).parent
_DISK_A_BLOB = 40_000  # blocks for its file, its links and their directories, and its members in a tar
_DISK_AN_IMAGE = 30_000
_GB = 1e9


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


def default_directory() -> Path:
    """Where things are kept if nothing else is said."""
    return Path(tempfile.gettempdir()) / f"regviz-benchmarks-{os.getuid()}"


def directory() -> Path:
    """Where everything made is kept."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        path = Path(named).absolute()
        path.mkdir(parents=True, exist_ok=True)
        return path
    path = default_directory()
    path.mkdir(mode=0o700, exist_ok=True)
    if path.lstat().st_uid != os.getuid():
        raise SystemExit(f"{path} belongs to somebody else: name another directory by {DIRECTORY_VARIABLE}")
    return path


def distribution(size: SizeName) -> Corpus:
    """A registry in Distribution's storage."""
    wanted = DISTRIBUTION[size]
    needs = wanted.blobs * _DISK_A_BLOB
    return _made(f"distribution-{size}", generate_distribution, wanted, needs)


def live(size: SizeName) -> Corpus:
    """A registry in Distribution's storage, for a server to answer from."""
    wanted = LIVE[size]
    return _made(f"live-{size}", generate_distribution, wanted, wanted.blobs * _DISK_A_BLOB)


def v1(size: SizeName) -> Corpus:
    """A registry in v1's storage."""
    images = V1_IMAGES[size]
    return _made(f"v1-{size}", generate_v1, images, images * _DISK_AN_IMAGE)


def tables(size: SizeName) -> Corpus:
    """A registry as tables alone."""
    repositories = OWNERS[size]
    return _made(f"owners-{size}", owners, repositories, repositories * 20_000)


def make_tar(corpus: Corpus) -> Path:
    """The registry as one tar, its holes left out, as GNU tar makes it."""
    archiver = program("tar")
    if "GNU tar" not in subprocess.run([archiver, "--version"], capture_output=True, text=True, check=False).stdout:
        raise Unavailable("GNU tar")
    if not corpus.tar.exists():
        part = corpus.tar.with_suffix(".part")
        with _announced(f"{corpus.folder.parent.name} as one tar"):
            subprocess.run([archiver, "--sparse", "-cf", part, "-C", corpus.folder, "."], check=True)
            part.rename(corpus.tar)
            os.sync()
    return corpus.tar


def make_listing(corpus: Corpus) -> Path:
    """What GNU find prints of the registry."""
    finder = program("find")
    if "GNU findutils" not in subprocess.run([finder, "--version"], capture_output=True, text=True, check=False).stdout:
        raise Unavailable("GNU find")
    listing = corpus.folder.with_name("storage.find")
    if not listing.exists():
        part = listing.with_suffix(".part")
        with _announced(f"{corpus.folder.parent.name} as a listing"), part.open("wb") as file:
            subprocess.run([finder, ".", "-printf", r"%y %s %T@ %p\0"], cwd=corpus.folder, stdout=file, check=True)
            part.rename(listing)
            os.sync()
    return listing


def limit_program(name: str) -> Path:
    """A limit program, compiled from the source of that name beside this file."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("a C compiler (cc)")
    made = directory() / name
    part = made.with_suffix(".part")
    command = [compiler, "-O2", "-o", str(part), str(_HERE / f"{name}.c")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise Unavailable(f"a system that {name}.c can be compiled for")
    part.rename(made)
    return made


def program(name: str) -> str:
    """A program that is measured against."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(name)
    return path


def module(name: str) -> None:
    """A module of Python that is measured against."""
    if find_spec(name) is None:
        raise Unavailable(name)


def _made(name: str, generator: ModuleType, size: object, needs: int) -> Corpus:
    place = directory() / name
    note = place / "made.json"
    # its syntax tree, not its text: a comment or another line break is no reason to make millions of files again
    meaning = ast.dump(ast.parse(Path(str(generator.__file__)).read_bytes()))
    fingerprint = hashlib.sha256(f"{meaning} {size}".encode()).hexdigest()
    if note.exists():
        made = json.loads(note.read_text(encoding="utf-8"))
        if made["fingerprint"] == fingerprint:
            return Corpus(place / "storage", made["rows"])
    if place.exists():
        shutil.rmtree(place)
    free = shutil.disk_usage(directory()).free
    if free < needs:
        room = f"{needs / _GB:.0f} GB of disk for {name}, and {free / _GB:.0f} are free"
        raise Unavailable(f"{room} (another place: {DIRECTORY_VARIABLE})")
    place.mkdir()
    # in a process of its own: a process is said to take what the one that started it took at its highest
    with _announced(name), ProcessPoolExecutor(1, get_context("spawn")) as another:
        rows = another.submit(generator.generate, place / "storage", size).result()
        os.sync()  # what is written later would disturb what is measured
    note.write_text(json.dumps({"fingerprint": fingerprint, "rows": rows}), encoding="utf-8")
    return Corpus(place / "storage", rows)


@contextmanager
def _announced(what: str) -> Iterator[None]:
    print(f"making {what} ...", end=" ", flush=True)
    began = time.perf_counter()
    yield
    print(f"{time.perf_counter() - began:.0f} s", flush=True)
