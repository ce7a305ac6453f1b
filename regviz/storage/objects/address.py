"""Which sources are object storage, and what of their URLs may be shown."""

from __future__ import annotations

import re
from typing import NamedTuple

from regviz.errors import RegvizError

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip", ".regviz")
_OTHERS = frozenset(("http", "https", "docker"))
_NAMES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}
EXTRAS = {"s3": "s3", "gs": "gs", "az": "az"}
"""Which extra of regviz has what reads a protocol."""


class ObjectAddress(NamedTuple):
    """A URL taken apart.

    Attributes
    ----------
    protocol : str
        As fsspec calls it: ``s3``, ``gs``, ``az``, or any other that it knows.
    bucket : str
        A bucket, or a container of Azure's; empty where the protocol has none.
    prefix : str
        What all keys begin with: empty, or with a slash at its end.
    uri : str
        The URL without a password.
    """

    protocol: str
    bucket: str
    prefix: str
    uri: str


def is_object_address(source: str) -> bool:
    """Whether a source is a URL of storage that fsspec reads.

    Examples
    --------
    >>> [is_object_address(source) for source in ("s3://bucket", "https://host/a.tar", "docker-daemon:", "/srv")]
    [True, False, False, False]
    """
    match = _URL.match(source)
    return match is not None and match[1].lower() not in _OTHERS


def parse_object_address(source: str) -> ObjectAddress:
    """Take a URL apart.

    Raises
    ------
    RegvizError
        It names no bucket, or carries credentials.

    Examples
    --------
    >>> parse_object_address("s3a://registry/prod/")
    ObjectAddress(protocol='s3', bucket='registry', prefix='prod/', uri='s3a://registry/prod/')
    >>> parse_object_address("memory://dump").prefix
    'dump/'
    """
    match = _URL.match(source)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", source)
    protocol = _NAMES.get(scheme, scheme)
    place, slash, path = rest.partition("/")
    login, at, _ = place.rpartition("@")
    if at and ":" in login:
        shown = f"{scheme}://…@{place.rpartition('@')[2]}{slash}{path}"
        raise RegvizError(
            f"{shown} carries a password, and that does not belong into a URL: give it as the environment, "
            "a profile or storage_options have it"
        )
    if protocol not in EXTRAS:
        return ObjectAddress(protocol, "", rest.rstrip("/") + "/" if rest.strip("/") else "", source)
    bucket = login if at and protocol == "az" else place
    if not bucket:
        raise RegvizError(f"{source} names no bucket: write {scheme}://BUCKET[/PREFIX]")
    if path.lower().endswith(_ARCHIVES):
        raise RegvizError(
            f"{source} is an archive by its name, and of object storage the registry's own objects are read: give the "
            "archive's https:// URL (a signed one, where it is not public), or download it"
        )
    prefix = path if path.endswith("/") or not path else path + "/"
    return ObjectAddress(protocol, bucket, prefix, source)
