"""``python -m benchmarks``: the measurements, beside what they are measured against."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from benchmarks import results
from benchmarks.corpus import DIRECTORY_VARIABLE, Unavailable, default_directory, directory
from benchmarks.suite import LARGE, WORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.corpus import SizeName

_ROUNDS = {"S": 3, "M": 3, "L": 1}


def main() -> int:
    """Measure; 1 if a floor is missed."""
    words = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure regviz beside what it is measured against.",
        epilog=f"What is made is kept in {DIRECTORY_VARIABLE}, else in {default_directory()}.",
    )
    add = words.add_argument
    add(
        "--size",
        choices=["S", "M", "L"],
        default="M",
        help="of the made-up registries; L has a million blobs",
    )
    add("--large", action="store_true", help="size L as well: it needs 40 GB of disk, and long to be made")
    add("--rounds", type=int, metavar="N", help="runs of everything (3; 1 of size L)")
    add("--only", choices=list(WORKS), action="append", help="this work alone; may be given again")
    add("--write", action="store_true", help=f"put the results into {results.RESULTS.name}")
    given = words.parse_args()
    if given.write and given.only:
        words.error("--write takes everything: leave --only out")
    sizes: list[SizeName] = [given.size]
    if given.large and "L" not in sizes:
        sizes.append("L")
    missed: list[str] = []
    for size in sizes:
        names = [name for name in given.only or WORKS if size != "L" or name in LARGE]
        missed += _measure(size, names, given.rounds or _ROUNDS[size], write=given.write)
    return 1 if missed else 0


def _measure(size: SizeName, names: Sequence[str], rounds: int, *, write: bool) -> list[str]:
    load = os.getloadavg()[0]
    works, left_out = [], []
    for name in names:
        try:
            work = WORKS[name](size)
        except Unavailable as reason:
            print(f"{name}: skipped: needs {reason}")
            left_out.append(f"{name}: left out, needs {reason}")
            continue
        work.measure(rounds)
        works.append(work)
    text = results.section(size, works, rounds, left_out, load)
    print(f"\n{text}\nWhat was made is kept in {directory()}.")
    if write:
        results.write(size, text)
    missed = results.missed(works) if size != "S" else []
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return missed


if __name__ == "__main__":
    sys.exit(main())
