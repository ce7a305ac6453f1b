"""Asking for tags, manifests and blobs, and holding each answer to its digest; what threads do."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from regviz.live.auth import repository_scope
from regviz.live.cache import HASHES, has_digest
from regviz.live.http import NoAnswerError, TooLargeError
from regviz.live.pages import refusal
from regviz.manifests import media_types as mt
from regviz.manifests.json import load_object, mapping, objects, text
from regviz.pool import is_digest
from regviz.storage.base import MANIFEST_LIMIT

if TYPE_CHECKING:
    from regviz.live.http import Answer, Client

_SIX = (mt.OCI_INDEX, mt.MANIFEST_LIST, mt.OCI_MANIFEST, mt.SCHEMA2, mt.SCHEMA1_SIGNED, mt.SCHEMA1)
ACCEPT = ", ".join(_SIX)
"""All six types, always: a server that misses one converts, or answers with one platform's image."""
_DIGEST_HEADER = "Docker-Content-Digest"


class Wanted(NamedTuple):
    """Something of a repository, by its row there: a tag, or a digest."""

    row: int
    repository: str
    reference: str


@dataclass(slots=True)
class Fetched:
    """What came of it.

    Attributes
    ----------
    digest : str
        What it is, or was asked by; empty where that is not known.
    data : bytes or None
        The document, held to its digest.
    verified : bool
        Whether it could be: signed schema 1 that was signed in another way cannot, nor can unknown algorithms.
    size : int
        Bytes of the blob, where they were asked for; else -1.
    rule, detail : str
        What went wrong, as a row of ``problems``.
    gone : bool
        The registry says that it does not have it.
    """

    digest: str = ""
    data: bytes | None = None
    verified: bool = False
    size: int = -1
    rule: str = ""
    detail: str = ""
    gone: bool = False


def tag_digest(client: Client, wanted: Wanted) -> Fetched:
    """The digest that a tag points to, without its manifest where the server can say that."""
    scope, path = repository_scope(wanted.repository), _path(client, wanted, "manifests")
    try:
        answer = client.head(path, scope=scope, accept=ACCEPT)
    except NoAnswerError as error:
        return Fetched(rule="answer-failed", detail=f"tag {wanted.reference}: {error}")
    digest = answer.headers.get(_DIGEST_HEADER, "")
    if answer.status == 200 and is_digest(digest):
        return Fetched(digest)
    if answer.status in (401, 403, 404):
        # an answer to HEAD has no body, and so says no reason: GET does
        return manifest(client, wanted)
    return manifest(client, wanted)


def manifest(client: Client, wanted: Wanted) -> Fetched:
    """A manifest, by tag or digest."""
    by_digest = is_digest(wanted.reference)
    name = wanted.reference if by_digest else f"tag {wanted.reference}"
    answer = _get(client, wanted, "manifests", ACCEPT)
    if isinstance(answer, Fetched):
        answer.digest = wanted.reference if by_digest else ""
        if not by_digest:
            answer.detail = f"{name}: {answer.detail}"
        return answer
    said = answer.headers.get(_DIGEST_HEADER, "")
    digest = wanted.reference if by_digest else said if is_digest(said) else ""
    kind = answer.content_type
    if kind == "text/html" or (not digest and load_object(answer.body) is None):
        return Fetched(digest, rule="answer-unreadable", detail=f"{name}: no manifest but {_described(answer)}")
    return _held(answer, digest)


def blob(client: Client, wanted: Wanted) -> Fetched:
    """A small blob, such as a configuration."""
    answer = _get(client, wanted, "blobs", "*/*")
    if isinstance(answer, Fetched):
        answer.digest = wanted.reference
        return answer
    if answer.content_type == "text/html":
        return Fetched(wanted.reference, rule="answer-unreadable", detail=f"no configuration but {_described(answer)}")
    return _held(answer, wanted.reference)


def blob_size(client: Client, wanted: Wanted) -> Fetched:
    """The length of a blob, and the digest that it is stored under."""
    try:
        answer = client.head(_path(client, wanted, "blobs"), scope=repository_scope(wanted.repository), accept="*/*")
    except NoAnswerError as error:
        return Fetched(wanted.reference, rule="answer-failed", detail=str(error))
    if answer.status != 200:
        return _refused(answer)
    said, length = answer.headers.get(_DIGEST_HEADER, ""), answer.headers.get("Content-Length", "")
    known = length.isascii() and length.isdigit() and len(length) < 19
    return Fetched(said if is_digest(said) else wanted.reference, size=int(length) if known else -1)


def _get(client: Client, wanted: Wanted, kind: str, accept: str) -> Answer | Fetched:
    try:
        answer = client.get(
            _path(client, wanted, kind),
            scope=repository_scope(wanted.repository),
            limit=MANIFEST_LIMIT,
            accept=accept,
        )
    except TooLargeError as error:
        return Fetched(rule="manifest-oversized", detail=str(error))
    except NoAnswerError as error:
        return Fetched(rule="answer-failed", detail=str(error))
    return answer if answer.status == 200 else _refused(answer)


def _refused(answer: Answer) -> Fetched:
    if answer.status in (404, 410):
        return Fetched(rule="not-served", detail=refusal(answer), gone=True)
    rule = "answer-refused" if answer.status in (401, 403) else "answer-failed"
    return Fetched(rule=rule, detail=refusal(answer))


def _held(answer: Answer, digest: str) -> Fetched:
    """An answer held to its digest."""
    data = answer.body
    if not digest:
        return Fetched("sha256:" + hashlib.sha256(data).hexdigest(), data, verified=True)
    algorithm = digest.partition(":")[0]
    if algorithm not in HASHES:
        return Fetched(digest, data)
    if has_digest(data, digest):
        return Fetched(digest, data, verified=True)
    if answer.content_type == mt.SCHEMA1_SIGNED:
        stored = signed_part(data)
        return Fetched(digest, stored or data, verified=bool(stored) and has_digest(stored, digest))
    found = hashlib.new(algorithm, data).hexdigest()
    return Fetched(digest, rule="digest-mismatch", detail=f"what was served has {algorithm}:{found}")


def signed_part(data: bytes) -> bytes:
    """What of a signed schema 1 manifest was signed, and so has the digest: it is served with its signatures.

    The first ``formatLength`` bytes and ``formatTail``, both in the protected header (JSON Web Signature, as libtrust
    writes it). Empty where it is not signed that way.
    """
    document = load_object(data) or {}
    signatures = objects(document.get("signatures"))
    protected = mapping(load_object(_base64url(text(signatures[0].get("protected"))))) if signatures else {}
    length, tail = protected.get("formatLength"), _base64url(text(protected.get("formatTail")))
    if type(length) is not int or not 0 < length <= len(data) or not tail:
        return b""
    return data[:length] + tail


def _base64url(value: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b""


def _path(client: Client, wanted: Wanted, kind: str) -> str:
    return f"{client.address.prefix}/v2/{quote(wanted.repository)}/{kind}/{quote(wanted.reference, safe=':')}"


def _described(answer: Answer) -> str:
    return f"{len(answer.body):,} bytes of {answer.content_type or 'no media type'}"
