"""Elements of arrays, digests, times and numbers of bytes, found natively: what a parser finds, each element once."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz import native
from regviz.columns import NO_NUMBER
from regviz.facts import Facts
from regviz.manifests.config import ConfigReader
from regviz.native import documents
from regviz.stamps import parse_stamps
from tests.test_stamps import NONE, rfc3339


@pytest.fixture(autouse=True)
def _needs_the_library() -> None:
    if not native.is_there():
        if os.environ.get("CI") == "true":
            pytest.fail("no compiled library")
        pytest.skip("no compiled library: with a C compiler, run `make clean test`")


WANTED = documents.Members(
    {"a": documents.MISSING + "[", "b": documents.ANYTHING, "b/c": documents.ANYTHING}, ("a", "b/c")
)
ELEMENTS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["x", "xy", "", {}, {"x": 1}, {"x": [1]}, [], ["x"], None, True, 1, 12, 1.5, "\u00e9", '"\\', "]"]),
    st.text('x,]"', max_size=2),
)
ARRAYS = st.lists(ELEMENTS, max_size=5)


def listed(data: list[bytes], wanted: documents.Members = WANTED) -> tuple[list[bool], list[list[list[bytes]]]]:
    """Which documents are good, and the elements of each array that is wanted, for each of those."""
    texts = native.Texts.of(data)
    _, good, lists = documents.fields(texts, wanted)
    every = []
    for each in lists:
        only = each.only(good)
        different = native.Texts(texts.data, only.different).take(np.arange(len(only.different.starts)))
        assert {*only.which.tolist()} == {*range(len(different))}
        elements = iter([different[at] for at in only.which.tolist()])
        every.append([[next(elements) for _ in range(count)] for count in only.counts.tolist()])
        assert not [*elements]
    return good.tolist(), every


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(ARRAYS, ARRAYS | st.just({"a": 1}), st.sampled_from([None, 1]), st.sampled_from(["", "]", "x"])),
        max_size=6,
    )
)
def test_elements_are_those_that_a_parser_finds(drawn: list[tuple[list[Any], Any, int | None, str]]) -> None:
    data = [
        json.dumps({"a": one, "b": {"c": two}}, indent=indent).encode() + end.encode()
        for one, two, indent, end in drawn
    ]
    good, lists = listed(data)
    assert good == [not end for *_, end in drawn]
    whole = [(one, two if isinstance(two, list) else []) for one, two, _, end in drawn if not end]
    for each, place in zip(lists, (0, 1), strict=True):
        assert [[*map(json.loads, elements)] for elements in each] == [both[place] for both in whole]


def test_elements_that_repeat_stand_there_once() -> None:
    data = [b'{"a": ["x", {"y": 1},"z"]}', b'{"a":["x",{"y": 1}]}', b'{"a":["z" , "x"]}', b'{"a":["x", {"y": 2}]}']
    texts = native.Texts.of(data)
    _, good, (elements, _) = documents.fields(texts, WANTED)
    assert good.all()
    assert elements.which.tolist() == [0, 1, 2, 0, 1, 3, 4, 0, 5]
    different = native.Texts(texts.data, elements.different).take(np.arange(6))
    assert different == [b'"x"', b'{"y": 1}', b'"z"', b'"z"', b'"x"', b'{"y": 2}']
    few = elements.only(np.array([False, False, True, True]))
    assert (few.which.tolist(), few.counts.tolist()) == ([1, 2, 0, 3], [2, 2])


def test_what_is_no_array_has_no_elements() -> None:
    good, _ = listed([b'{"a": {}}', b'{"a": null}', b'{"a": "["}', b'{"a": ["a]}', b'{"a": []}', b"{}", b'{"a": [1'])
    assert good == [False, False, False, False, True, True, False]


def test_elements_that_find_no_room_are_left_to_python() -> None:
    many, few = json.dumps({"a": [*range(1000)]}).encode(), b'{"a": ["x"]}'
    assert listed([few, many, few])[0] == [True, False, False]
    texts = [f"number {number:032}" for number in range(1000)]
    good, (elements, _) = listed([few, json.dumps({"a": texts}).encode()])
    assert (good, [*map(json.loads, elements[1])]) == ([True, True], texts)


def test_very_many_different_elements_in_one_place() -> None:
    texts = [f"number {number % 100:032}" for number in range(1000)]
    good, (elements, _) = listed([json.dumps({"a": [text]}).encode() for text in texts])
    assert all(good)
    assert [json.loads(element) for [element] in elements] == texts


@pytest.mark.parametrize(
    ("accepted", "good"),
    [
        (documents.ANYTHING, [True, True, True, True]),
        (documents.MISSING, [False, False, False, True]),
        ('"', [True, False, False, False]),
        (documents.MISSING + "n[", [False, True, True, True]),
    ],
)
def test_values_begin_as_is_said(accepted: str, good: list[bool]) -> None:
    data = [b'{"a": "x"}', b'{"a":\n null}', b'{"a" : []}', b"{}"]
    assert listed(data, documents.Members({"a": accepted}))[0] == good


def values(texts: list[bytes]) -> tuple[bytes, native.Bounds]:
    """Values in one text; an empty one is not there."""
    together = native.Texts.of(texts)
    together.bounds.starts[[not text for text in texts]] = -1
    together.bounds.ends[[not text for text in texts]] = -1
    return together.data, together.bounds


HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(
    st.lists(
        st.one_of(HEX.map("sha256:{}".format), st.text(max_size=80), st.from_regex(r"sha25[56]:[0-9a-gA-F]{63,65}")),
        max_size=5,
    )
)
def test_digests(texts: list[str]) -> None:
    raw, good = documents.digests(*values([b"", b"7", *(json.dumps(text).encode() for text in texts)]))
    expected = [
        len(text) == 71 and text.startswith("sha256:") and not {*text[7:]} - {*"0123456789abcdef"} for text in texts
    ]
    assert good.tolist() == [False, False, *expected]
    assert [f"sha256:{row.tobytes().hex()}" for row in raw[good]] == [
        text for text, fits in zip(texts, expected, strict=True) if fits
    ]


NUMBERS = st.one_of(
    st.integers(-9, 9), st.integers(-(1 << 70), 1 << 70), st.floats(allow_nan=False, allow_infinity=False)
)


@given(
    st.lists(
        NUMBERS | st.sampled_from([(1 << 62) - 1, 1 << 62, (1 << 64) + 1, None, True, "7", "", [7], {}]), max_size=9
    )
)
def test_numbers_of_bytes(numbers: list[Any]) -> None:
    facts = Facts()
    column = facts.descriptors.column("declared_bytes")
    column.staged.extend(numbers)
    found = documents.sizes(*values([json.dumps(number).encode() for number in numbers]))
    assert found.tolist() == column.array().tolist()


def test_numbers_that_python_does_not_write() -> None:
    found = documents.sizes(
        *values([b"-0", b"1e2", b"10.0", b"", b"0", b"4611686018427387904", b"46116860184273879030"])
    )
    assert found.tolist() == [0, NO_NUMBER, NO_NUMBER, NO_NUMBER, 0, NO_NUMBER, NO_NUMBER]


def times(texts: list[str]) -> tuple[list[int], list[bool]]:
    found, unusual = documents.moments(*values([json.dumps(text).encode() for text in texts]))
    return found.tolist(), unusual.tolist()


LONGEST = len("2015-10-31T22:22:56.015925234Z")
SPOILT = st.tuples(rfc3339(), st.integers(0, 31), st.sampled_from("0159-:TZ. "))


@settings(max_examples=300)
@given(
    st.lists(rfc3339().map(lambda time: time[0]), max_size=6),
    st.lists(SPOILT.map(lambda drawn: drawn[0][0][: drawn[1]] + drawn[2] + drawn[0][0][drawn[1] + 1 :]), max_size=6),
    st.lists(st.sampled_from(NONE), max_size=3),
)
def test_times(good: list[str], spoilt: list[str], none: list[str]) -> None:
    texts = good + spoilt + none
    found, unusual = times(texts)
    expected = parse_stamps(texts).tolist()
    assert [time for time, odd in zip(found, unusual, strict=True) if not odd] == [
        time for time, odd in zip(expected, unusual, strict=True) if not odd
    ]
    assert not any(odd for text, odd in zip(good, unusual, strict=False) if text[-1] == "Z" and len(text) <= LONGEST)


def test_every_day_is_counted() -> None:
    days = np.arange("0001-01-01", "2500-01-01", 37, dtype="datetime64[D]")
    found, unusual = times([f"{day}T23:59:59.25Z" for day in days])
    assert not any(unusual)
    expected = days.astype("datetime64[us]").astype(np.int64) + 86_399_250_000
    assert found == np.where(days.astype("datetime64[Y]").astype(int) + 1970 > 1, expected, NO_NUMBER).tolist()


def test_what_is_no_text_is_no_time() -> None:
    found, unusual = documents.moments(*values([b"", b"7", b"null", b"[]", b'"soon"']))
    assert (found.tolist()[:4], unusual.tolist()) == ([NO_NUMBER] * 4, [False] * 4 + [True])


LABELS = documents.Members({"l": documents.MISSING + "{n"}, objects=("l",))


@settings(max_examples=300)
@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "ab", "", "x"]), ELEMENTS, max_size=4), max_size=6),
    st.booleans(),
)
def test_names_and_values_of_objects_are_those_that_a_parser_finds(objects: list[dict[str, Any]], spread: bool) -> None:  # noqa: FBT001
    data = [json.dumps({"l": each}, indent=1 if spread else None).encode() for each in objects]
    good, (names, values) = listed(data, LABELS)
    assert all(good)
    for each, keys, said in zip(objects, names, values, strict=True):
        assert list(zip(map(json.loads, keys), map(json.loads, said), strict=True)) == list(each.items())


def test_odd_objects_are_left_to_python() -> None:
    many = {f"label {number}": "" for number in range(65)}
    data = [
        *(b'{"l": {"a": 1, "b": 2, "a": 3}}', rb'{"l": {"\u0061": 1}}', b'{"l": {1: 1}}', b'{"l": {"a" 1}}'),
        *(b'{"l": {"a": 1,}}', b'{"l": {"a": 1 "b": 1}}', b'{"l": {"a": }}', json.dumps({"l": many}).encode()),
        *(b'{"l": []}', b'{"l": null}', b"{}", b'{"l": { }}', b'{"l": {"b": "x" , "a":"x"}}'),
    ]
    good, (names, values) = listed(data, LABELS)
    assert good == [False] * 9 + [True] * 4
    assert (names[-2:], values[-2:]) == ([[], [b'"b"', b'"a"']], [[], [b'"x"', b'"x"']])


def test_labels_are_taken_natively() -> None:
    facts = Facts()
    reader = ConfigReader(facts)
    reader._add_labels = None  # type: ignore[assignment, method-assign]
    reader.read_many([(number, b'{"config": {"Labels": {"a": "x", "b": "", "c": null}}}') for number in range(9)])
    labels = facts.labels
    assert labels["config"].tolist() == [number for number in range(9) for _ in range(3)]
    assert [facts.names.text(code) for code in labels["key"].tolist()] == ["a", "b", "c"] * 9
    assert facts.texts.texts(labels["value"][:2]) == ["x", ""]
    assert labels["value"].tolist() == [*labels["value"][:2], -1] * 9
