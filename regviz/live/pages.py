"""Lists that come in pages: the next one is where the answer's ``Link`` says, on the same host, and not for ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from regviz.live.http import NoAnswerError
from regviz.manifests.json import load_object
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.live.http import Answer, Client
    from regviz.manifests.json import Document

LIST_LIMIT = 64 << 20
"""Bytes of the largest page: Google's registries answer a repository in one."""
MOST_PAGES = 10_000
MOST_BYTES = 1 << 30
PAGE = 1000
"""Names a page: more are refused by Distribution (handlers/catalog.go)."""
_LONGEST_SHOWN = 200
_LINK = re.compile(r"<([^>]*)>\s*((?:;[^,<]*)*)")
_NEXT = re.compile(r';\s*rel\s*=\s*"?(?:[^";]*\s)?next(?:\s[^";]*)?"?\s*(?:;|$)', re.IGNORECASE)


class ListError(Exception):
    """A list that cannot be read, or not to its end.

    Attributes
    ----------
    rule : str
        The rule of ``problems`` that it breaks.
    status : int
        What the server answered; 200 where the answer is no list, 0 where there was none.
    """

    def __init__(self, rule: str, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.rule, self.status = rule, status


def pages(
    client: Client, path: str, *, scope: str, accept: str = "application/json", counted: bool = True
) -> Iterator[tuple[Document, Answer]]:
    """The pages of a list, as JSON objects.

    Parameters
    ----------
    client : Client
    path : str
        Path of the first page.
    scope : str
    accept : str
    counted : bool
        Ask for a number of names a page.

    Raises
    ------
    ListError
        A page cannot be read, or leads elsewhere, in a circle, or on and on.
    """
    seen: set[str] = set()
    size = 0
    target = f"{path}?n={PAGE}" if counted else path
    for _ in range(MOST_PAGES):
        seen.add(target)
        answer = _page(client, target, scope, accept)
        if answer.status == 400 and counted and len(seen) == 1:
            target = path  # the number of names was not to its liking
            continue
        document = _document(answer)
        yield document, answer
        size += len(answer.body)
        following = next_link(answer)
        if not following:
            return
        if not client.address.is_same(following):
            raise ListError("pages-broken", f"the next page is on another host: {clean(following)[:_LONGEST_SHOWN]}")
        parts = urlsplit(following)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if target in seen:
            raise ListError("pages-broken", f"the next page is one that was read: {clean(target)[:_LONGEST_SHOWN]}")
        if size > MOST_BYTES:
            raise ListError("pages-broken", f"no end after {size:,} bytes")
    raise ListError("pages-broken", f"no end after {MOST_PAGES:,} pages")


def next_link(answer: Answer) -> str:
    """The URL of the next page; empty where there is none.

    Examples
    --------
    >>> from regviz.live.http import Answer
    >>> next_link(Answer(200, {"Link": '</v2/_catalog?last=a&n=2>; rel="next"'}, b"", "https://r.example/v2/_catalog"))
    'https://r.example/v2/_catalog?last=a&n=2'
    """
    for target, parameters in _LINK.findall(answer.headers.get("Link", "")):
        if _NEXT.search(parameters):
            try:
                return urljoin(answer.url, str(target))
            except ValueError:
                return "?"
    return ""


def refusal(answer: Answer) -> str:
    """What an answer that is no success says, in a line.

    Examples
    --------
    >>> from regviz.live.http import Answer
    >>> refusal(Answer(404, {}, b'{"errors": [{"code": "NAME_UNKNOWN", "message": "not known"}]}', ""))
    'status 404, NAME_UNKNOWN: not known'
    """
    document = load_object(answer.body)
    errors = document.get("errors") if document else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    said = [word for word in (first.get("code"), first.get("message")) if isinstance(word, str) and word]
    return f"status {answer.status}" + (f", {clean(': '.join(said))[:_LONGEST_SHOWN]}" if said else "")


def _page(client: Client, target: str, scope: str, accept: str) -> Answer:
    try:
        return client.get(target, scope=scope, limit=LIST_LIMIT, accept=accept)
    except NoAnswerError as error:
        raise ListError("answer-failed", str(error)) from error


def _document(answer: Answer) -> Document:
    if answer.status in (401, 403):
        raise ListError("answer-refused", refusal(answer), answer.status)
    if answer.status != 200:
        raise ListError("answer-failed", refusal(answer), answer.status)
    document = load_object(answer.body)
    if document is None:
        kind = clean(answer.content_type)[:_LONGEST_SHOWN] or "no media type"
        raise ListError("answer-unreadable", f"no JSON object but {len(answer.body):,} bytes of {kind}", 200)
    return document
