"""A page of S3's listing as it is taken quickly, against botocore, which takes it by itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.handlers import decode_list_object_v2
from botocore.parsers import ResponseParserFactory
from hypothesis import given
from hypothesis import strategies as st

from regviz.storage.objects.adapter import microseconds
from regviz.storage.objects.s3 import take_objects

MODEL = botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2").output_shape
SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
KEYS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12), max_size=5
)
TIMES = st.sampled_from(["2024-02-03T04:05:06.789Z", "2024-02-03T04:05:06Z", "Sat, 03 Feb 2024 04:05:06 GMT"])
OBJECTS = st.tuples(KEYS, st.integers(0, 1 << 50), TIMES)


def page(objects: tuple[list[str], int, str], space: str, *, encoded: bool) -> bytes:
    keys, size, time = objects
    contents = "".join(
        f"<Contents><Key>{quote(key) if encoded else escape(key)}</Key><LastModified>{time}</LastModified>"
        f"<ETag>&quot;x&quot;</ETag><Size>{size + number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for number, key in enumerate(keys)
    )
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult {space}><Name>b</Name><IsTruncated>true</IsTruncated>'
        f"{contents}<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>{encoding}"
        f"<NextContinuationToken>t&amp;u</NextContinuationToken></ListBucketResult>"
    ).encode()


def parsed(body: bytes, taken: dict[str, Any] | None = None) -> dict[str, Any]:
    """What botocore makes of an answer, after its objects were taken, if there is something to put them into."""
    response = {"status_code": 200, "headers": {}, "body": body}
    if taken is not None:
        take_objects(response, taken)
    said: dict[str, Any] = ResponseParserFactory().create_parser("rest-xml").parse(response, MODEL)
    decode_list_object_v2(said, {"encoding_type_auto_set": True})
    del said["ResponseMetadata"]
    return said


@given(OBJECTS, st.sampled_from([SPACE, ""]), st.booleans())
def test_a_page_says_what_botocore_says(objects: tuple[list[str], int, str], space: str, encoded: bool) -> None:  # noqa: FBT001
    body = page(objects, space, encoded=encoded)
    taken: dict[str, Any] = {}
    said, expected = parsed(body, taken), parsed(body)
    contents = expected.pop("Contents", [])
    assert said == expected
    keys, sizes, times = taken["Objects"]
    assert keys == [each["Key"] for each in contents]
    assert sizes == [each["Size"] for each in contents]
    if "GMT" not in objects[2]:  # S3 itself writes RFC 3339
        assert microseconds(times).tolist() == microseconds([each["LastModified"] for each in contents]).tolist()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<broken",
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>much</Size></Contents></ListBucketResult>",
    ],
)
def test_what_is_not_as_it_should_be_is_left_to_botocore(body: bytes) -> None:
    response, taken = {"status_code": 200, "headers": {}, "body": body}, {}
    take_objects(response, taken)
    assert (response["body"], taken) == (body, {})


def test_errors_are_left_to_botocore() -> None:
    response, taken = {"status_code": 404, "headers": {}, "body": page((["a"], 1, "T"), SPACE, encoded=True)}, {}
    take_objects(response, taken)
    assert taken == {}
