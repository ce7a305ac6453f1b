"""What is decoded of an image's json is what the lenient reader finds there, whatever stands in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from regviz.layouts.v1.documents import Image, _decode, instructions, labels_of, parse_image, parse_images
from regviz.manifests.json import length, load_object, mapping
from regviz.manifests.schema1 import v1_instruction
from tests.helpers import image_id

TEXT_FIELDS = ("id", "parent", "created", "os", "architecture", "variant", "author", "comment")
ODD_TEXTS = (
    '"\\ud800"', '"\\ud83d\\ude00"', '"\\udc00x"', '"\\u0000"', '"a\\/b\\n"', '""', '"é中"', '"\x7f"', '"\\u00e9"',
)  # fmt: skip
NUMBERS = st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["-0", "1.5", "1e3", "1E-400", "0.0", "-0.0"])
ENORMOUS = st.sampled_from(["1e999", str(2**63), str(2**64), "9" * 40, "9" * 5000, "-" + "9" * 30])
TEXTS = st.text(max_size=8).map(json.dumps) | st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False))
SCALARS = st.one_of(TEXTS, st.sampled_from([*ODD_TEXTS, "null", "true", "false", json.dumps(image_id(1))]), NUMBERS)
NESTED = st.sampled_from(["[" * depth + "]" * depth for depth in (1, 100, 900, 1100, 5000)])
SPACE = st.sampled_from(["", "", " ", "\n\t", "\r"])


def written(pairs: list[tuple[str, str]], space: str = "") -> str:
    """A JSON object as text; a name may come twice."""
    return "{" + ",".join(f"{space}{name}{space}:{space}{value}{space}" for name, value in pairs) + "}"


def objects(names: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(written, st.lists(st.tuples(names, values), max_size=6), SPACE)


ANY_NAME = st.sampled_from(['"x"', '"Env"', '"c\\u006fmment"', '"\\ud800"', '"ID"', '""']) | TEXTS
LISTS = st.lists(SCALARS, max_size=4).map(lambda values: "[" + ",".join(values) + "]")
VALUES = st.one_of(SCALARS, SCALARS, SCALARS, LISTS, LISTS, NESTED, objects(ANY_NAME, SCALARS))
COMMANDS = objects(st.sampled_from(['"Cmd"', '"Cmd"', '"Env"', '"cmd"']), VALUES)
CONFIGURATIONS = objects(
    st.sampled_from(['"Labels"', '"Labels"', '"Env"', '"labels"']), VALUES | objects(ANY_NAME, SCALARS)
)
FIELDS = st.one_of(
    st.tuples(st.sampled_from([json.dumps(name) for name in TEXT_FIELDS]), VALUES),
    st.tuples(st.just('"Size"'), NUMBERS | VALUES),
    st.tuples(st.just('"container_config"'), COMMANDS),
    st.tuples(st.just('"config"'), CONFIGURATIONS),
    st.tuples(ANY_NAME, VALUES),
)
ODD_FIELDS = st.one_of(
    st.tuples(st.sampled_from(['"Size"', '"x"']), ENORMOUS),
    st.tuples(st.sampled_from(['"container_config"', '"config"']), VALUES),
    st.tuples(ANY_NAME, st.sampled_from(["NaN", "-Infinity"])),
)
PAIRS = st.lists(FIELDS, max_size=8)
DOCUMENTS = st.builds(written, PAIRS | st.builds(list.__add__, PAIRS, st.lists(ODD_FIELDS, max_size=2)), SPACE).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with a few bytes changed, cut off or put in."""
    data = bytearray(draw(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [
                    b"",
                    b"\xff",
                    b"\xed\xa0\x80",
                    b'"',
                    b"{",
                    b"}",
                    b"]",
                    b",",
                    b"\\",
                    b"\n",
                    b"\x00",
                    b"0",
                    b"\xef\xbb\xbf",
                ]
            )
        )
    return bytes(data)


def found(image: Image) -> dict[str, Any]:
    """What the reader makes of an image."""
    [instruction] = instructions([image])
    said = {name: getattr(image, name) for name in TEXT_FIELDS}
    return said | {"Size": length(image.size), "instruction": instruction, "labels": texts_of(labels_of(image))}


def meant(document: dict[str, Any]) -> dict[str, Any]:
    """The same out of a document that was read whole."""
    labels = mapping(mapping(document.get("config")).get("Labels"))
    said = {name: document.get(name) for name in TEXT_FIELDS}
    return said | {
        "Size": length(document.get("Size")),
        "instruction": v1_instruction(document),
        "labels": texts_of(labels),
    }


def texts_of(labels: dict[str, Any]) -> dict[str, str | None]:
    return {name: value if isinstance(value, str) else None for name, value in labels.items()}


def is_quick(content: bytes) -> bool:
    try:
        _decode(content)
    except (ValueError, RecursionError):
        return False
    return True


@settings(max_examples=600)
@given(DOCUMENTS | DOCUMENTS | damaged() | st.binary(max_size=40))
@example(b'{"config": 5}')
@example(b'{"config": "Labels", "container_config": ["Cmd"]}')
@example(b'{"container_config": {"Cmd": "ls"}, "id": null}')
@example(b'{"container_config": {"Cmd": ["a", 7, "b"]}}')
@example(b'{"config": {"Labels": {"a": "1"}, "Labels": null}}')
@example(b'{"comment": "\xff", "id": "x"}')
@example(b'{"other": "\xff", "id": "x"}')
@example(b'{"id": "x", "other": "\\ud800"}')
@example(b'{"other": ' + b"[" * 100_000 + b"}")
def test_decoding_and_lenient_reading_agree(content: bytes) -> None:
    image, document = parse_image(content), load_object(content)
    event(f"{'decoded' if is_quick(content) else 'read leniently'}, {'a document' if document is not None else 'none'}")
    if document is not None:
        assert image is not None
        assert found(image) == meant(document)
    elif not is_quick(content):
        assert image is None


@given(st.lists(DOCUMENTS | damaged() | st.none(), max_size=6))
def test_many_are_read_as_each_is(contents: list[bytes | None]) -> None:
    each = [parse_image(content) for content in contents if content is not None]
    together = parse_images(contents)
    if together is None:
        assert not all(content is not None and is_quick(content) for content in contents)
    else:
        assert [found(image) for image in together] == [found(image) for image in each if image]
    read = [image for image in each if image is not None]
    assert instructions(read) == [found(image)["instruction"] for image in read]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"", False), (b"null", False), (b"[]", False), (b"NaN", False), (b'"x"', False), (b"{}", True), (b" {} ", True),
        (b"\xef\xbb\xbf{}", False), (b'{"x": NaN}', False), (b'{"id": 1,}', False), (b"{} {}", False),
        (b'{"x": "\n"}', False),
    ],
)  # fmt: skip
def test_what_is_a_document(content: bytes, *, read: bool) -> None:
    """RFC 8259 in strict form, as the servers' own parsers have it: no NaN, no byte order mark, no control characters."""
    assert (parse_image(content) is not None) is read
