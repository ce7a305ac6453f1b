"""Threads start where the disk is slow, and answers come in the order that was asked for."""

from __future__ import annotations

import sys
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from regviz.storage import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


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
    monkeypatch.setattr(ahead, "_SLOW_SECONDS", 2e-3)  # of 8 items: less than two rest, more than a busy machine idles
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


def test_handfuls_are_worked_on_while_more_is_found() -> None:
    """By other threads, a bounded number of items before they are used, and in the order in which they were found."""
    found: list[int] = []
    at_work = threading.Event()
    threads = set()

    def find() -> Iterator[int]:
        for number in range(500):
            found.append(number)
            if number == 40:
                assert at_work.wait(60), "nothing is worked on before all is found"
            yield number

    def work_on(handful: Sequence[int]) -> list[int]:
        threads.add(threading.get_ident())
        at_work.set()
        return [10 * number for number in handful]

    used: list[int] = []
    for handful, made in ahead.handfuls_ahead(work_on, taken_from(find())):
        assert made == [10 * number for number in handful]
        assert len(found) - len(used) <= 80, "more is found than a window holds"
        used += handful
    assert used == found == [*range(500)]
    assert threading.get_ident() not in threads


def taken_from(items: Iterable[int]) -> Callable[[int], list[int]]:
    left = iter(items)
    return lambda most: [*islice(left, most)]


def test_what_is_made_of_items_leads_to_more() -> None:
    """A tree, of which each node is known only when the one above it was worked on."""
    pending = [1]

    def take(most: int) -> list[int]:
        taken = pending[-most:]
        del pending[-most:]
        return taken

    used = []
    for handful, below in ahead.handfuls_ahead(lambda some: [(2 * one, 2 * one + 1) for one in some], take):
        used += handful
        pending += [node for pair in below for node in pair if node < 1000]
    assert sorted(used) == [*range(1, 1000)]


@pytest.mark.parametrize("count", [0, 1, 16])
def test_for_few_items_no_thread_is_started(count: int) -> None:
    here = threading.get_ident()
    made = [*ahead.handfuls_ahead(lambda _: threading.get_ident(), taken_from(range(count)))]
    assert made == [([*range(count)], here)] * (count > 0)


@pytest.mark.parametrize("count", [5, 100])
def test_what_goes_wrong_in_a_handful_is_raised(count: int) -> None:
    def fail(handful: Sequence[int]) -> Sequence[int]:
        if 4 in handful:
            raise OSError("gone")
        return handful

    with pytest.raises(OSError, match="gone"):
        list(ahead.handfuls_ahead(fail, taken_from(range(count))))
