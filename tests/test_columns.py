"""Columns that grow by values and by arrays, held against a list that grows the same way."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.column import Column
from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.native.rooms import new_room, room_until_next
from regviz.world import small_world, write

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = st.integers(-3, 3)
ARRAYS = st.lists(NUMBERS, max_size=4) | st.builds(lambda number, count: [number] * count, NUMBERS, st.integers(0, 4))
PIECES = st.lists(st.tuples(st.booleans(), ARRAYS), max_size=120) | st.builds(
    lambda piece, count: [piece] * count, st.tuples(st.booleans(), ARRAYS), st.integers(0, 120)
)


def _grown(pieces: list[tuple[bool, list[int]]]) -> tuple[Column, list[int]]:
    column = Column(np.int32)
    said: list[int] = []
    for as_array, numbers in pieces:
        if as_array:
            column.extend_numbers(np.array(numbers, np.int64))
        else:
            column.extend(numbers)
        said += numbers
    return column, said


@given(PIECES)
def test_a_column_says_what_was_added_to_it(pieces: list[tuple[bool, list[int]]]) -> None:
    column, said = _grown(pieces)
    thin = column.thin()
    assert thin.tolist() == said
    assert thin.dtype == np.int32
    if len(set(said)) == 1 and len(said) > 1:
        assert thin.strides == (0,)
    assert column.array().tolist() == said
    assert column.array().flags.writeable


@given(PIECES, PIECES, st.data())
def test_a_column_that_was_changed_grows_on(
    pieces: list[tuple[bool, list[int]]], more: list[tuple[bool, list[int]]], data: st.DataObject
) -> None:
    column, said = _grown(pieces)
    match data.draw(st.sampled_from(["set", "fill", "keep", "replace"])):
        case "set" if said:
            at = data.draw(st.integers(0, len(said) - 1))
            column.set(at, 7)
            said[at] = 7
        case "fill":
            column.fill(5)
            said = [5] * len(said)
        case "keep":
            column.keep(np.arange(len(said))[::-2])
            said = said[::-2]
        case "replace":
            column.replace(np.array([1, 2], np.int32))
            said = [1, 2]
    for _, numbers in more:
        column.append(4)
        column.extend_numbers(np.array(numbers, np.int32))
        said += [4, *numbers]
    assert column.thin().tolist() == column.array().tolist() == said


def test_a_column_of_many_pieces_keeps_few() -> None:
    column = Column(np.int64)
    for start in range(0, 3000, 3):
        column.extend_numbers(np.arange(start, start + 3))
    assert len(column._chunks) < 100
    assert column.array().tolist() == [*range(3000)]


@pytest.mark.parametrize("links", ["stat", "check"])
def test_readers_are_gone_once_they_have_read(tmp_path: Path, links: Any) -> None:
    """They hold columns, and what they remember of documents; a circle would keep them while tables are made."""
    root = write(small_world(), tmp_path / "registry", "distribution")
    gc.collect()
    gc.disable()
    try:
        registry = rv.read(root, links=links)
        left = [type(each) for each in gc.get_objects() if isinstance(each, (ManifestReader, ConfigReader, Column))]
    finally:
        gc.enable()
    assert len(registry.manifests)
    assert left == []


def test_room_is_there_and_can_be_written_to() -> None:
    for size in (0, 1, 5000):
        room = new_room(size)
        room[:] = 255
        assert room.nbytes == size
        assert room.sum() == 255 * size


def test_a_thread_has_its_room_until_it_asks_again() -> None:
    large = room_until_next(100_000)
    large[:10] = 7
    assert room_until_next(10).tolist() == [7] * 10
