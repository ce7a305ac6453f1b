"""Progress bars on stderr, for what takes longer than a second."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Progress, Tick


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

    with tqdm(total=total, desc=f"regviz: {what}", delay=1, leave=False, file=sys.stderr, dynamic_ncols=True) as bar:

        def tick(count: int) -> None:
            bar.update(count)

        yield tick
