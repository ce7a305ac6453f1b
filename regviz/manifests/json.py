"""JSON from strangers: bounded, lenient in what real clients wrote, never raising."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

Document = dict[str, Any]
_LONGEST_NUMBER = 20  # digits


def load(data: bytes) -> Any:  # whatever the document holds
    """The value of a JSON document, or None where it is none.

    orjson takes what the specification takes and stops at deep nesting. What it refuses and Go's and Python's parsers
    take (lone surrogates, invalid UTF-8 in a string) is read by the standard library; NaN and a byte order mark are
    refused by all of a registry's servers, and here.

    Examples
    --------
    >>> load(b'{"a": [1, null]}'), load(b"NaN"), load(b""), load(b"[" * 100000)
    ({'a': [1, None]}, None, None, None)
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse, parse_int=_whole)
    except (ValueError, RecursionError):
        return None


def load_object(data: bytes) -> Document | None:
    """The JSON object of a document, or None where it is none."""
    value = load(data)
    return value if isinstance(value, dict) else None


def load_many(data: list[bytes]) -> list[Any]:
    """The values of several documents, each of which is JSON.

    Examples
    --------
    >>> load_many([b'{"a": 1}', b"[2]"])
    [{'a': 1}, [2]]
    """
    try:
        values: list[Any] = orjson.loads(b"[" + b",".join(data) + b"]")
    except orjson.JSONDecodeError:  # what only the standard library takes
        values = [*map(load, data)]
    return values


def text(value: object) -> str:
    """A text, or an empty one where the value is none."""
    return value if isinstance(value, str) else ""


def optional_text(value: object) -> str | None:
    """A text that says something, else None."""
    return value if isinstance(value, str) and value else None


def length(value: object) -> int:
    """A number of bytes, or -1 where the value is none (a flag is no number)."""
    return value if type(value) is int and 0 <= value < 1 << 62 else -1


def objects(value: object) -> list[Document]:
    """The objects in a list; nothing where the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: object) -> Document:
    """An object, or an empty one where the value is none."""
    return value if isinstance(value, dict) else {}


def _whole(digits: str) -> int | float:
    """A number as orjson gives it; of 4,301 digits int() makes none."""
    return int(digits) if len(digits) < _LONGEST_NUMBER else float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
