"""Room for what the library finds, kept by each thread: to have the system give it each time takes too long."""

from __future__ import annotations

import mmap
import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_rooms = threading.local()
# Nothing that children share.
_OWN = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def new_room(size: int) -> NDArray[np.uint8]:
    """So many bytes, straight from the system, which has them back as soon as nobody holds them.

    The C library keeps what other threads than the first one give back.
    """
    return np.frombuffer(mmap.mmap(-1, max(size, 1), **_OWN), np.uint8, size)


def room_until_next(size: int) -> NDArray[np.uint8]:
    """Room for some bytes until this thread asks again."""
    if size > len(getattr(_rooms, "bytes", b"")):
        _rooms.bytes = new_room(size)
    room: NDArray[np.uint8] = _rooms.bytes[:size]
    return room
