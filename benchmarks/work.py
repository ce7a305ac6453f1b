"""One piece of work in a process of its own: ``python -m benchmarks.work NAME …``.

What the work needs is imported and made first; then its CPU and time are counted, and printed with the
process's highest memory as one line of JSON. A wrong answer is an error, not a measurement.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counted:
    """What is done in the body, counted; with `wall` its time too, where the process made its input first.

    What the body says it wrote, in bytes, is its `output`.
    """

    output = 0

    def __init__(self, *, wall: bool = False) -> None:
        self._with_wall = wall

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if not any(error):
            told = {"wall": wall} if self._with_wall else {}
            told |= {"output": self.output} if self.output else {}
            print(json.dumps({"cpu": cpu, "peak": peak} | told))


def nothing() -> None:
    """What reading is counted above."""
    with Counted():
        import pandas  # noqa: F401, ICN001
        import pyarrow  # noqa: F401, ICN001


def read(source: str, links: str, rows: str) -> None:
    """A registry's tables; `rows` says how many of each there must be."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    with Counted():
        from regviz.read import read

        registry = read(source, links="check" if links == "check" else "stat")
    for table, expected in json.loads(rows).items():
        found = len(next(iter(registry.columns(table).values())))
        if found != expected:
            raise SystemExit(f"{table} has {found} rows, not {expected}")


def garbage(source: str, collector: str, manifests: int) -> None:
    """What a collector would delete, reading and links included; `manifests` says how many of these there must be."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    with Counted():
        from regviz.analysis import garbage as garbage_of
        from regviz.read import read

        table = garbage_of(read(source, links="check"), collector=collector)  # type: ignore[arg-type]  # from the suite
    if table.attrs["manifests"] != manifests or not table.attrs["blobs"]:
        raise SystemExit(f"{table.attrs['manifests']} manifests would go, not {manifests}")


def split(source: str) -> None:
    """Every record of a listing as a tuple of what it says, by the language alone."""
    with Counted(), open(source, "rb") as file:  # noqa: PTH123  # as one would write it
        for record in file.read().split(b"\0")[:-1]:
            kind, size, time, path = record.split(b" ", 3)
            (kind, int(size), float(time), path)


def tarfile(source: str) -> None:
    """Every member of a tar, by the standard library."""
    import tarfile

    with Counted(), tarfile.open(source) as archive:
        for _ in archive:
            pass


_HEIGHT, _OWN, _FAMILY = 12, 4, 1000
_PART = 1 << 16  # diff IDs that are interned together, so that making the input is not the peak


def chain_ids(count: int) -> None:
    """Chain IDs by regviz, of images that `_stacks` describes."""
    import numpy as np

    from regviz.assemble import stacks
    from regviz.facts import Facts

    facts = Facts()
    diff_ids = [diff_id for stack in _stacks(count) for diff_id in stack]
    parts = [facts.keys.intern(diff_ids[at : at + _PART]) for at in range(0, len(diff_ids), _PART)]
    element = np.concatenate(parts)
    images = len(element) // _HEIGHT
    height, yes = np.full(images, _HEIGHT, np.int32), np.ones(images, np.bool_)
    with Counted(wall=True):
        climbed = stacks._climb(facts, height, element, yes, yes)
    last = facts.keys.text(int(climbed.key[climbed.step_layer[-1]]))
    if last != _chain_id(diff_ids[-_HEIGHT:]):
        raise SystemExit("a wrong chain ID")
    if len(climbed.key) != count:
        raise SystemExit(f"{len(climbed.key)} chain IDs, not {count}")


def hashlib_loop(count: int) -> None:
    """The same chain IDs, each image's by itself."""
    stacks = list(_stacks(count))
    with Counted(wall=True):
        for stack in stacks:
            _chain_id(stack)


def _stacks(count: int) -> Iterator[list[str]]:
    """Diff IDs of images of 12 layers each, that have `count` (thousands) different chain IDs.

    A family of images stands on the same eight layers, each has four of its own: 248 images make a thousand.
    """
    from hashlib import sha256

    def diff_ids(name: str, layers: int) -> list[str]:
        return ["sha256:" + sha256(f"{name} {layer}".encode()).hexdigest() for layer in range(layers)]

    for family in range(count // _FAMILY):
        base = diff_ids(f"base {family}", _HEIGHT - _OWN)
        for image in range((_FAMILY - len(base)) // _OWN):
            yield base + diff_ids(f"image {family} {image}", _OWN)


def _chain_id(diff_ids: list[str]) -> str:
    import hashlib

    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
    return chain


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.work")
    names = words.add_subparsers(dest="name", required=True)
    names.add_parser("nothing")
    reading = names.add_parser("read")
    reading.add_argument("source")
    reading.add_argument("links")
    reading.add_argument("rows")
    collecting = names.add_parser("garbage")
    collecting.add_argument("source")
    collecting.add_argument("collector")
    collecting.add_argument("manifests", type=int)
    names.add_parser("split").add_argument("source")
    names.add_parser("tarfile").add_argument("source")
    names.add_parser("chain-ids").add_argument("count", type=int)
    names.add_parser("hashlib-loop").add_argument("count", type=int)
    given = vars(words.parse_args())
    globals()[given.pop("name").replace("-", "_")](**given)


if __name__ == "__main__":
    main()
