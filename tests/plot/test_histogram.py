"""The distribution of layer lengths: counts, marks and sentences equal the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz import plot
from regviz.plot.histogram import Bin, describe_layer_sizes
from tests.plot.drawn import texts_of
from tests.plot.made import layer_table


def test_each_layer_is_in_the_class_of_its_length() -> None:
    told = describe_layer_sizes(layer_table([0, 1, 2, 3, 4, 9], tags=[1, 1, 0, 1, 0, 1]))
    assert told.bins == (Bin(-1, 1, 0), Bin(0, 1, 0), Bin(1, 1, 1), Bin(2, 0, 1), Bin(3, 1, 0))


def test_bars_are_the_bins() -> None:
    axes = plot.layer_sizes(layer_table([5, 6, 7, 20], tags=[1, 0, 1, 1]))
    assert [bar.get_height() for bar in axes.patches] == [2, 0, 1, 1, 0, 0]
    assert {"3", "1"} <= set(texts_of(axes))


@pytest.mark.parametrize(
    ("lengths", "title"),
    [
        ([], "There is no layer"),
        ([1536], "One layer blob of 1.50 KiB"),
        ([0, 0], "All 2 layer blobs are empty"),
        ([1024, 1024, 2048, 4096, 5120], "Half of the 13.0 KiB lie in 2 of 5 layer blobs"),
        ([90, 5, 5], "One of 3 layer blobs has 90 % of the 100 B"),
    ],
)
def test_the_title_says_what_is_found(lengths: list[int], title: str) -> None:
    assert describe_layer_sizes(layer_table(lengths)).title == title


def test_the_marks_are_lengths_of_layers() -> None:
    told = describe_layer_sizes(layer_table([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]))
    assert told.marks == ((50, "half of the blobs have at most 50 B"), (90, "90 % have at most 90 B"))


def test_what_is_not_there_is_left_out_and_said() -> None:
    told = describe_layer_sizes(layer_table([10, 20], present=[True, False]))
    assert sum(each.count for each in told.bins) == 1
    assert told.explanation.endswith("Left out, for it is not there: 1 blob.")


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=60))
def test_marks_by_counting(lengths: list[int]) -> None:
    told = describe_layer_sizes(layer_table(lengths))
    assert sum(each.count for each in told.bins) == len(lengths)
    for (mark, _), share in zip(told.marks, (0.5, 0.9), strict=True):
        assert mark in lengths
        assert sum(length <= mark for length in lengths) >= share * len(lengths)
        assert sum(length < mark for length in lengths) < share * len(lengths)
