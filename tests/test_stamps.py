"""Times in documents: what RFC 3339 allows is read as `datetime` reads it, whatever else is written is NA."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regviz.schema import NA_INT
from regviz.stamps import parse_stamps

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
OFFSETS = st.none() | st.integers(-23 * 60 - 59, 23 * 60 + 59)


def microseconds(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


YEAR_2 = microseconds(dt.datetime(2, 1, 1, tzinfo=dt.UTC))
YEAR_10000 = microseconds(dt.datetime.max.replace(tzinfo=dt.UTC)) + 1


@st.composite
def rfc3339(draw: st.DrawFn) -> tuple[str, int]:
    """A time, and what it means: written with as many digits as any client writes."""
    moment = draw(st.datetimes(dt.datetime(2, 1, 2), dt.datetime(9999, 12, 30, 23)))  # noqa: DTZ001
    digits = draw(st.integers(0, 12))
    fraction = draw(st.integers(0, 10**digits - 1)) if digits else 0
    offset = draw(OFFSETS)
    sign = "+" if (offset or 0) >= 0 else "-"
    zone = "Z" if offset is None else f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + (f".{fraction:0{digits}}" if digits else "") + zone
    meant = moment.replace(
        microsecond=fraction * 10**6 // 10**digits, tzinfo=dt.timezone(dt.timedelta(minutes=offset or 0))
    )
    return text, microseconds(meant)


@settings(max_examples=300)
@given(st.lists(rfc3339(), max_size=8), st.lists(st.sampled_from(["", "soon", "0001-01-01T00:00:00Z"]), max_size=2))
def test_times_of_every_precision_and_offset(times: list[tuple[str, int]], others: list[str]) -> None:
    texts = [*others, *(text for text, _ in times)]
    assert parse_stamps(texts).tolist() == [NA_INT] * len(others) + [meant for _, meant in times]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2013-06-13T14:03:50.821769-07:00", dt.datetime(2013, 6, 13, 21, 3, 50, 821769, dt.UTC)),  # the v1 base image
        ("2014-04-03T18:17:06.8Z", dt.datetime(2014, 4, 3, 18, 17, 6, 800000, dt.UTC)),
        ("2015-10-31T22:22:56.015925234Z", dt.datetime(2015, 10, 31, 22, 22, 56, 15925, dt.UTC)),
        ("1970-01-01T00:00:00Z", EPOCH),
        ("1980-01-01T00:00:01Z", dt.datetime(1980, 1, 1, 0, 0, 1, tzinfo=dt.UTC)),
        ("1969-12-31T23:59:59.5Z", dt.datetime(1969, 12, 31, 23, 59, 59, 500000, dt.UTC)),
        ("2016-02-29t12:00:00z", dt.datetime(2016, 2, 29, 12, tzinfo=dt.UTC)),
    ],
)
def test_times_that_images_have(text: str, meant: dt.datetime) -> None:
    assert parse_stamps([text]).tolist() == [microseconds(meant)]


NONE = (
    "", "NaT", "nat", "today", "now", "soon", "0001-01-01T00:00:00Z", "0001-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
    "-001-01-01T00:00:00Z", "2013-06-13", "2013-06-13T14:03Z", "2013-06-13T14:03:50", "2013-02-30T00:00:00Z",
    "2013-13-01T00:00:00Z", "2013-06-13T24:00:00Z", "2013-06-13T14:60:00Z", "2016-12-31T23:59:60Z", "20130613T140350Z",
    "2013-06-13T14:03:50.Z", "2013-06-13T14:03:50ZZ", "2013-06-13T14:03:50+07Z", "2013-06-13T14:03:50+01:00Z",
    "2013-06-13T14:03:50 Z", "2013-06-13T14:03      Z", " 2013-06-13T14:03:50Z", "2013-06-13T14:03:50Z\n",
    "2013-06-13T14:03:5\u0660Z", "2013-W24-4T14:03:50.00Z", "NaT-06-13T14:03:50Z", "2013-06-13T14:03:50.12a456Z",
    "2013-06-13T14:03:50+24:00", "2013-06-13T14:03:50+07:60", "2013-06-13T14:03:50,5Z", "1402668230", "\0" * 30 + "Z",
    "2013-06-13T14:03:50.1234567890ZZ", "2013-06-13T14:03:50.1234567890Z" + "0" * 9, "2013-06-13T14:03:50.123456789\0Z",
    "0002-01-01T00:00:00+23:00", "9999-12-31T23:59:59-00:01",
)  # fmt: skip


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_time(text: str) -> None:
    good = "2013-06-13T14:03:50Z"
    assert parse_stamps([good, text, good]).tolist() == [1371132230000000, NA_INT, 1371132230000000]


@settings(max_examples=500)
@given(st.text("0123456789-:TZ.+ tz", max_size=34) | st.from_regex(r"\d{4}-\d\d-\d\dT.{8,16}Z") | st.text(max_size=30))
@example("2013-06-13T14:03:50-07:00Z")
def test_no_text_raises(text: str) -> None:
    """And what is read is what `datetime` reads; the format is RFC 3339's, section 5.6."""
    [found] = parse_stamps([text]).tolist()
    if re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text, re.ASCII):
        try:
            meant = dt.datetime.fromisoformat(text.upper())
        except ValueError:
            assert found == NA_INT
        else:
            assert found == (microseconds(meant) if YEAR_2 <= microseconds(meant) < YEAR_10000 else NA_INT)
    else:
        assert found == NA_INT


def test_many_at_once() -> None:
    start = dt.datetime(2014, 5, 13, 15, 51, 48, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(microseconds=n * 7_654_321) for n in range(5000)]
    assert parse_stamps([m.isoformat().replace("+00:00", "Z") for m in moments]).tolist() == [
        microseconds(m) for m in moments
    ]
    assert parse_stamps([]).tolist() == []
