"""What several processes that run the tests make once for all of them."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


def common_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder of this run of the tests, the same in each of its processes."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return factory.mktemp(name)
    folder = factory.getbasetemp().parent / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def once(file: Path) -> Iterator[bool]:
    """Wait for whoever is making a file; whether it is still to be made, under its own name at the very end."""
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not file.exists()
