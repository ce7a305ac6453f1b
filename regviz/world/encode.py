"""Digests, JSON, times and tar archives as the programs around a registry write them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of bytes as OCI writes it: ``algorithm:hex``.

    Examples
    --------
    >>> digest(b"")
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def chain_ids(diff_ids: Iterable[str]) -> list[str]:
    """The chain ID of each position of a stack, base first.

    Notes
    -----
    OCI image specification, config.md, *Layer ChainID*: the base's chain ID is its diff ID; above it, the
    SHA-256 of the chain ID below, a space, and the diff ID.

    Examples
    --------
    >>> chain_ids(["sha256:aa", "sha256:bb"]) == ["sha256:aa", digest(b"sha256:aa sha256:bb")]
    True
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(digest(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return chain


_GO_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def go_json(value: Any, indent: int | None = None) -> bytes:
    r"""JSON as Go's encoder writes it: compact or indented, UTF-8, with ``<``, ``>`` and ``&`` escaped.

    Examples
    --------
    >>> go_json({"Cmd": ["echo 1 > f"]})
    b'{"Cmd":["echo 1 \\u003e f"]}'
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text.translate(_GO_ESCAPES).encode()


def go_time(moment: dt.datetime) -> str:
    """A UTC time as Go writes it: RFC 3339, with the zeros at the end of the fraction trimmed.

    Examples
    --------
    >>> import datetime as dt
    >>> go_time(dt.datetime(2014, 3, 27, 9, 5, 1, 250000, tzinfo=dt.UTC))
    '2014-03-27T09:05:01.25Z'
    """
    text = moment.replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if moment.microsecond else text}Z"


_BLOCK = 512
EMPTY_TAR = bytes(2 * _BLOCK)


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar archive that ends, as Go's do, after two empty blocks.

    Parameters
    ----------
    members : iterable of (tarfile.TarInfo, bytes)
        In the order they are written. A name too long for ustar gets a pax header.
    """
    parts: list[bytes] = []
    for header, content in members:
        header.size = len(content)
        try:
            parts.append(header.tobuf(tarfile.USTAR_FORMAT, "utf-8"))
        except ValueError:
            parts.append(header.tobuf(tarfile.PAX_FORMAT, "utf-8"))
        parts.append(content)
        parts.append(bytes(-len(content) % _BLOCK))
    parts.append(EMPTY_TAR)
    return b"".join(parts)
