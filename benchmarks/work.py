"""One piece of work in a process of its own: ``python -m benchmarks.work NAME …``.

What the work needs is imported and made first; then its CPU and time are counted, and printed with the process's
highest memory as one line of JSON. A wrong answer is an error, not a measurement.
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


class _Counted:
    """What is done in the body, counted."""

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if not any(error):
            print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak}))


def nothing() -> None:
    """What everything else is counted above."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    with _Counted():
        pass


def read(source: str, links: str, rows: str) -> None:
    """A registry's tables; `rows` says how many of each there must be."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    with _Counted():
        from regviz.read import read

        registry = read(source, links="check" if links == "check" else "stat")
    for table, expected in json.loads(rows).items():
        found = len(next(iter(registry.columns(table).values())))
        if found != expected:
            raise SystemExit(f"{table} has {found} rows, not {expected}")


def tarfile(source: str) -> None:
    """Every member of a tar, by the standard library."""
    import tarfile

    with _Counted(), tarfile.open(source) as archive:
        for _ in archive:
            pass


_HEIGHT, _OWN, _SHARING = 12, 5, 200


def chain_ids(count: int) -> None:
    """Chain IDs by regviz, of images that `_stacks` describes."""
    import numpy as np

    from regviz.assemble import stacks
    from regviz.columns import Facts

    facts = Facts()
    diff_ids = [diff_id for stack in _stacks(count) for diff_id in stack]
    element = facts.keys.intern(diff_ids)
    images = len(element) // _HEIGHT
    owner, level = np.repeat(np.arange(images), _HEIGHT), np.tile(np.arange(_HEIGHT), images)
    yes = np.ones(len(element), np.bool_)
    with _Counted():
        climbed = stacks._climb(facts, owner, level, element, yes, yes)
    last = facts.keys.text(int(climbed.key[climbed.step_layer[-1]]))
    if last != _chain_id(diff_ids[-_HEIGHT:]):
        raise SystemExit("a wrong chain ID")
    if len(climbed.key) != count:
        raise SystemExit(f"{len(climbed.key)} chain IDs, not {count}")


def hashlib_loop(count: int) -> None:
    """The same chain IDs, each image's by itself."""
    stacks = list(_stacks(count))
    with _Counted():
        for stack in stacks:
            _chain_id(stack)


def _stacks(count: int) -> Iterator[list[str]]:
    """Diff IDs of images of 12 layers each, that have `count` different chain IDs.

    Five layers of each are its own; two hundred images stand on the same seven.
    """
    import hashlib

    def diff_id(name: str) -> str:
        return "sha256:" + hashlib.sha256(name.encode()).hexdigest()

    shared = _HEIGHT - _OWN
    base: list[str] = []
    left, number = count, 0
    while left:
        if number % _SHARING == 0:
            base = [diff_id(f"base {number} {level}") for level in range(shared)]
            left -= shared
        own = min(_OWN, left)
        tag = [diff_id(f"image {number} {level}") for level in range(_OWN)]
        left -= own
        number += 1
        yield base + tag


def _chain_id(diff_ids: list[str]) -> str:
    import hashlib

    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
    return chain
