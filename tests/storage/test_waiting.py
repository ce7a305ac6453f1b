"""Waiting for a disk is told from waiting for a processor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

from regviz.storage import waiting
from regviz.storage.waiting import idle_seconds

if TYPE_CHECKING:
    import pytest

_BUSY = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile True: pass"


def test_sleep_is_idle() -> None:
    began = idle_seconds()
    time.sleep(0.2)
    assert 0.15 < idle_seconds() - began < 5


def test_standing_in_line_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two on one processor: each works half of the time, and neither is ever idle. Only Linux tells."""
    if sys.platform == "linux":
        processor = min(os.sched_getaffinity(0))
        with subprocess.Popen([sys.executable, "-c", _BUSY, str(processor)], stdout=subprocess.PIPE) as other:
            try:
                assert other.stdout
                other.stdout.readline()
                found: dict[str, float] = {}
                thread = Thread(target=_work, args=(processor, found))
                thread.start()
                thread.join()
            finally:
                other.kill()
        assert found["elapsed"] - found["worked"] > 0.1
        assert found["idle"] < 0.5 * (found["elapsed"] - found["worked"])
    monkeypatch.setattr(waiting, "_SCHEDULER", "/proc/nothing")
    assert waiting._seconds_in_line() == 0.0


def _work(processor: int, found: dict[str, float]) -> None:
    os.sched_setaffinity(0, {processor})  # of this thread alone
    began, worked, idle = time.perf_counter(), time.thread_time(), idle_seconds()
    while time.perf_counter() - began < 1:
        pass
    found.update(elapsed=time.perf_counter() - began, worked=time.thread_time() - worked, idle=idle_seconds() - idle)
