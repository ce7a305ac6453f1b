"""What looks like a secret in free text, and the same text without it.

Instructions, comments, authors and labels are where credentials end up that somebody gave a build. Tables show ``***``
in their place; the name, the user or the first letters that tell what it was stay: ``ENV DB_PASSWORD=***``. The shapes
are in ``secrets.toml``. Placeholders (``$TOKEN``), paths, and words such as ``true`` are no secrets.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.schema import Columns
    from regviz.texts import NamePool, TextPool

MASK = "***"
_OF_LABEL = "value-of-name"
_QUOTE = re.compile(r"""\\?["']""")
_WORD = (
    r"pass(?:wo?r?d|phrase)|(?<![a-z])pass|_pwd|secret|token|credentials?|_auth|"
    r"(?:api|access|secret|private|encryption|auth|account|shared|master|deploy|ssh|license|admin|app)[_.-]?key"
)
"""Ends of names of what is secret."""
_NAME_END = r"(?:_base|_value)?[0-9]{0,3}"
_SECRET_NAME = re.compile(rf"(?:{_WORD}){_NAME_END}$", re.IGNORECASE)
_QUOTED = r"""'[^']*'?|"(?:[^"\\]|\\[\s\S])*"?"""
_VALUE = (
    r"""\\"(?:[^"\\]|\\[^"])*|"""  # within a text that is quoted itself
    rf"""(?:{_QUOTED})(?:\\['"]|{_QUOTED})*|"""
    r"""[^\s"'\\=](?:[^\s"';&|\\]|\\[\s\S]|"[^"\s;&|,]+"|'[^'\s;&|,]+')*"""
)
"""A value as a shell takes it, quoted or not. A quote need not end, so nothing is looked at twice in vain."""
_NO_SECRET = re.compile(
    r"\$|<[^>]*>$|%\w+%?$|\{\{|\*+$|x{3,}$|\.+$|(?:id|type)=|ssh-|[a-z_][\w.]*[(\[]|"
    r"(?:\.{1,2}|~|/(?:run|etc|var|usr|opt|home|root|tmp|secrets?|apps?|srv|data|mnt|dev|proc|kaniko|github))/|"
    r"(?:true|false|yes|no|none|null|nil|undefined|required|optional|inherit|files|compat|systemd|0|1)\b[,;})\]]*$|"
    r"[\w./-]+\.(?:json|pem|key|crt|cer|txt|ya?ml|conf|ini|p12|jks|env)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What one kind of secret looks like.

    Attributes
    ----------
    shape : str
        Its identifier.
    what : str
        What it is, for a person.
    sign : str
        A regular expression that every text with one fits, and few others; in the syntax of RE2.
    regex : re.Pattern
        It in full; the group ``value`` is what is secret. Nothing in it looks far back or tries a text twice.
    positive : tuple of (str, str)
        A text with one, and the secret in it.
    negative : str
        A text that is like it, and has none.
    """

    shape: str
    what: str
    sign: str
    regex: re.Pattern[str]
    positive: tuple[str, str]
    negative: str


@cache
def shapes() -> tuple[Shape, ...]:
    """The catalogue."""
    with (Path(__file__).parent / "secrets.toml").open("rb") as file:
        said = tomllib.load(file)
    ends, first = "(?:WORD)", _WORD.replace("(?<![a-z])", "")  # RE2 does not look back
    return tuple(
        Shape(
            name,
            shape["what"],
            shape["sign"].replace(ends, f"(?:{first}){_NAME_END}"),
            re.compile(shape["regex"].replace(ends, f"(?:{_WORD}){_NAME_END}").replace("VALUE", _VALUE), re.IGNORECASE),
            (shape["positive"][0], shape["positive"][1]),
            shape["negative"],
        )
        for name, shape in said.items()
    )


def masked(text: str, among: Sequence[Shape] | None = None) -> tuple[str, list[str]]:
    """A text without what looks like a secret, and which shapes those had.

    Parameters
    ----------
    text : str
    among : sequence of Shape, optional
        Those to look for; all, where left out.

    Examples
    --------
    >>> masked("ENV DB_PASSWORD=hunter2 DB_USER=bob")
    ('ENV DB_PASSWORD=*** DB_USER=bob', ['value-of-name'])
    >>> masked("ENV NODE_VERSION=20.11.0 TOKEN=$TOKEN")
    ('ENV NODE_VERSION=20.11.0 TOKEN=$TOKEN', [])
    """
    found = []
    for shape in shapes() if among is None else among:
        parts, at = [], 0
        for match in shape.regex.finditer(text):
            start, end = match.span("value")
            if quote := _QUOTE.match(text, start, end):  # quotes stay
                start = quote.end()
                end -= text.endswith(quote[0][-1], start, end)
            if not is_placeholder(text[start:end]):
                parts += [text[at:start], MASK]
                at = end
        if parts:
            found.append(shape.shape)
            text = "".join([*parts, text[at:]])
    return text, found


def is_placeholder(value: str) -> bool:
    """Whether a value is none that could be a secret: empty, a variable, a path, a word such as ``true``.

    Examples
    --------
    >>> [is_placeholder(value) for value in ("", "$TOKEN", "/run/secrets/db", "hunter2")]
    [True, True, True, False]
    """
    return not value.strip() or _NO_SECRET.match(value) is not None


def names_secret(name: str) -> bool:
    """Whether a name says that its value is secret.

    Examples
    --------
    >>> names_secret("com.example.db-password"), names_secret("org.opencontainers.image.version")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def mask_texts(pool: TextPool) -> dict[int, list[str]]:
    """Mask what looks like a secret in a pool's texts; returns the shapes found, by the code of the text."""
    found: dict[int, list[str]] = {}
    replaced: dict[int, str] = {}
    known_shapes = shapes()
    for code, text, fits in pool.fitting([shape.sign for shape in known_shapes]):
        without, known = masked(text, [known_shapes[at] for at in fits])
        if known:
            found[code], replaced[code] = known, without
    pool.mask(replaced)
    return found


def mask_labels(labels: Columns, names: NamePool, texts: TextPool) -> dict[int, list[str]]:
    """Mask the values of labels whose names say that they are secret; returns as :func:`mask_texts`.

    They get codes of their own, as what is secret here may be an innocent word elsewhere.
    """
    named = [int(code) for code in np.unique(labels["key"]) if code >= 0 and names_secret(names.text(int(code)))]
    rows = np.flatnonzero(np.isin(labels["key"], named) & (labels["value"] >= 0))
    values, place = np.unique(np.asarray(labels["value"][rows], np.int32), return_inverse=True)
    said = texts.unmasked().texts(values)
    secret = np.array([not is_placeholder(text) for text in said], np.bool_)
    if not secret.any():
        return {}
    own = values.copy()
    own[secret] = texts.twins([text for text in said if not is_placeholder(text)])
    labels["value"] = np.array(labels["value"])
    labels["value"][rows] = own[place]
    codes = own[secret].tolist()
    texts.mask(dict.fromkeys(codes, MASK))
    return {code: [_OF_LABEL] for code in codes}
