"""Progress bars on stderr, for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Progress, Tick

DELAY = 1.0
"""Seconds that something may take without a word."""


def progress_bars(*, wanted: bool | None) -> Progress:
    """Bars where stderr is a terminal, or where they are wanted in any case.

    Parameters
    ----------
    wanted : bool or None
        None to look at what stderr is.
    """
    from regviz.layouts.common import no_progress

    return _bar if (sys.stderr.isatty() if wanted is None else wanted) else no_progress


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Tick]:
    from tqdm import tqdm

    with tqdm(
        total=total, desc=f"regviz: {what}", delay=DELAY, leave=False, file=sys.stderr, dynamic_ncols=True
    ) as bar:

        def tick(count: int) -> None:
            bar.update(count)

        yield tick


@contextmanager
def working(what: str, *, wanted: bool | None) -> Iterator[None]:
    """Say what takes its time where there is nothing to count: after a second, until it is done.

    Parameters
    ----------
    what : str
    wanted : bool or None
        As for :func:`progress_bars`.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield
        return
    line = f"regviz: {what} ..."
    said = threading.Event()

    def say() -> None:
        said.set()
        sys.stderr.write(f"\r{line}")
        sys.stderr.flush()

    timer = threading.Timer(DELAY, say)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if said.is_set():
            sys.stderr.write(f"\r{' ' * len(line)}\r")
            sys.stderr.flush()
