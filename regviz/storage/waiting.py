"""How long a thread waits for a disk, on a machine that has other things to do too."""

from __future__ import annotations

import os
import time

_SCHEDULER = "/proc/thread-self/schedstat"  # ns at work, ns in line for a processor, turns


def idle_seconds() -> float:
    """Seconds, from some moment on, in which this thread neither worked nor stood in line for a processor.

    Where the system does not say how long it stood in line, that is taken for idle.

    Examples
    --------
    >>> began = idle_seconds()
    >>> total = sum(range(1000))
    >>> idle_seconds() - began < 0.5
    True
    """
    return time.perf_counter() - time.thread_time() - _seconds_in_line()


def _seconds_in_line() -> float:
    try:
        descriptor = os.open(_SCHEDULER, os.O_RDONLY)
    except OSError:  # another system than Linux, or one without this
        return 0.0
    try:
        return int(os.read(descriptor, 100).split()[1]) / 1e9
    finally:
        os.close(descriptor)
