"""Threads start where the disk is slow, and answers come in the order that was asked for."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from regviz.storage import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def rest() -> None:
    time.sleep(0.02)


def work() -> None:
    began = time.thread_time()
    while time.thread_time() - began < 0.02:
        pass


@pytest.mark.parametrize(("take_time", "waits"), [(rest, True), (work, False)])
def test_what_is_waited_for_is_waited_for_by_threads(
    take_time: Callable[[], None], monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """What keeps a processor busy is not."""
    monkeypatch.setattr(ahead, "CHUNK", 2)
    seen = set()

    def take(chunk: list[int]) -> list[int]:
        take_time()
        seen.add(threading.get_ident())
        return [10 * item for item in chunk]

    items = [*range(21)]
    assert [item for part in ahead.adaptively(take, items) for item in part] == [10 * item for item in items]
    if waits or sys.platform == "linux":  # no other system tells that a thread stood in line
        assert (len(seen) > 2) == waits


def test_a_few_items_are_one_piece_of_work() -> None:
    assert [*ahead.adaptively(len, [])] == [0]
    assert [*ahead.adaptively(len, [1] * 256)] == [256]
    assert [*ahead.adaptively(len, [1] * 257)] == [256, 1]


def test_the_next_one_is_made_while_one_is_used() -> None:
    made: list[int] = []
    second = threading.Event()

    def make() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    used = []
    for number in ahead.one_ahead(make()):
        assert second.wait(60), "nothing is made before it is asked for"
        used.append(number)
    assert used == made == [0, 1, 2]


def test_what_goes_wrong_while_the_next_one_is_made_is_raised() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    used = []
    with pytest.raises(OSError, match="gone"):
        used += ahead.one_ahead(make())
