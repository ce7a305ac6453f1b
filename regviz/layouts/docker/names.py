"""Names as Docker writes them in archives and stores."""

from __future__ import annotations

from regviz.pool import is_digest

NO_NAME = "<none>"
"""The repository of images without a name, as ``docker images`` shows it."""


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag of a reference; the tag is empty where it has none (a port is none).

    Examples
    --------
    >>> split_reference("127.0.0.1:5055/multi:1"), split_reference("127.0.0.1:5055/multi")
    (('127.0.0.1:5055/multi', '1'), ('127.0.0.1:5055/multi', ''))
    """
    slash, colon = reference.rfind("/"), reference.rfind(":")
    return (reference[:colon], reference[colon + 1 :]) if colon > slash else (reference, "")


def split_digest(reference: str) -> tuple[str, str]:
    """Repository and digest of a reference by digest; the digest is empty where it has none.

    Examples
    --------
    >>> split_digest("localhost:5000/api@sha256:" + "ab" * 32)[0], split_digest("debian:bookworm")[1]
    ('localhost:5000/api', '')
    """
    name, at, digest = reference.partition("@")
    return (name, digest) if at and is_digest(digest) else (reference, "")


def familiar(name: str) -> str:
    """A repository's full name as Docker shows it: without Docker Hub's host and its ``library``.

    Examples
    --------
    >>> familiar("docker.io/library/debian"), familiar("docker.io/team/web"), familiar("localhost:5000/web")
    ('debian', 'team/web', 'localhost:5000/web')
    """
    if not name.startswith("docker.io/"):
        return name
    return name.removeprefix("docker.io/").removeprefix("library/")
