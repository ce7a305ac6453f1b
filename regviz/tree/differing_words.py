"""What changed within a file, in words."""

from __future__ import annotations

import re
from typing import Any

from regviz.manifests.json import load
from regviz.masks import masked, names_secret
from regviz.text import count_noun, format_bytes, short_digest

_KEY = re.compile(r"(?:[a-z0-9]+(?:[+._-][a-z0-9]+)*:)?(?:[0-9a-f]{32,128}|[0-9a-f]{16}|[0-9a-f]{12})")
"""A digest or an id, whole or short."""
_MOST_FIELDS = 3
_LONGEST = 40

_Side = tuple[bytes | None, int | None]
"""Content, where it was read, and length."""


def said_of_change(before: _Side, after: _Side, explanation: str) -> str:
    """What is to say of a file whose content changed: from what to what, and what it is.

    Parameters
    ----------
    before, after : (bytes or None, int or None)
        What it held, where that was read; and its length.
    explanation : str
        What the file is now.

    Examples
    --------
    >>> old, new = (b"sha256:" + digit * 64 for digit in (b"a", b"b"))
    >>> said_of_change((old, 71), (new, 71), "→ sha256:bbbbbbbbbbbb the image that a tag points to")
    'sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb the image that a tag points to'
    >>> said_of_change((b"[1]", 3), (b"[1, 2]", 6), "every image ever pushed here")
    '1 entry more; every image ever pushed here'
    """
    (old, old_size), (new, new_size) = before, after
    keys = [_key(each) for each in (old, new)]
    if keys[0] and explanation.startswith("→ "):
        return f"{keys[0]} {explanation}"
    if keys[0] and keys[1]:
        said = f"{keys[0]} → {keys[1]}"
    elif old is not None and new is not None and (told := _documents(load(old), load(new))):
        said = told
    elif old_size == new_size:
        said = "other content, as long as before"
    else:
        said = f"{format_bytes(old_size)} → {format_bytes(new_size)}"
    return f"{said}; {explanation}" if explanation else said


def _key(content: bytes | None) -> str:
    """The digest or id that a file holds alone, short; else empty."""
    said = (content or b"").decode("ascii", "replace").strip()
    return short_digest(said) if _KEY.fullmatch(said) else ""


def _documents(old: Any, new: Any) -> str:
    """What differs between two JSON documents; empty where they are none, or of two kinds."""
    if isinstance(old, list) and isinstance(new, list):
        return _lists(old, new)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    fields = [_field(name, old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)]
    more = [count_noun(len(fields) - _MOST_FIELDS, "more field")] if len(fields) > _MOST_FIELDS else []
    return ", ".join([*fields[:_MOST_FIELDS], *more]) if fields else "the same, written otherwise"


def _lists(old: list[Any], new: list[Any]) -> str:
    mine, theirs = ([repr(item) for item in items] for items in (old, new))
    more, fewer = len({*theirs} - {*mine}), len({*mine} - {*theirs})
    said = [
        f"{count_noun(number, 'entry', 'entries')} {word}"
        for number, word in ((more, "more"), (fewer, "fewer"))
        if number
    ]
    return ", ".join(said) or "the same entries, otherwise listed"


def _field(name: str, old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        return f"{name}: {_lists(old, new)}"
    if isinstance(old, dict) or isinstance(new, dict) or isinstance(old, list) or isinstance(new, list):
        return f"{name} changed"
    if names_secret(name):
        return f"{name} changed"
    return masked(f"{name} {_short(old)} → {_short(new)}")[0]


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
