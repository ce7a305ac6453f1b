"""What refers to a manifest, where the registry can say that (distribution-spec, Listing Referrers).

Where it cannot, clients keep the list under a tag (``sha256-<hex>``), and that is read as every tag is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from regviz.live.auth import repository_scope
from regviz.live.crew import each
from regviz.live.pages import ListError, pages
from regviz.manifests import media_types as mt
from regviz.manifests.json import objects
from regviz.pool import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Options
    from regviz.live.fetch import Wanted
    from regviz.live.http import Client
    from regviz.live.pairs import Pairs


@dataclass(slots=True)
class Answer:
    """Digests of what refers to a manifest, or why they are not known."""

    digests: list[str] = field(default_factory=list)
    problem: ListError | None = None


class _UnsupportedError(Exception):
    """The registry has no such list."""


class Referrers:
    """Asks a registry for what refers to manifests, as long as it knows what that is."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._supported: bool | None = None
        self._asked: Pairs = np.empty(0, np.int64)

    def not_asked(self, pairs: Pairs) -> Pairs:
        """Those of sorted pairs that were not asked for; they are, from now on."""
        if self._supported is False:
            return np.empty(0, np.int64)
        fresh = np.setdiff1d(pairs, self._asked, assume_unique=True)
        self._asked = np.union1d(self._asked, fresh)
        return fresh

    def ask(self, subjects: list[Wanted], options: Options) -> Iterator[tuple[Wanted, Answer]]:
        """What refers to each of these manifests; nothing where the registry cannot say."""
        if self._supported is None and subjects:
            first, subjects = subjects[0], subjects[1:]
            try:
                answer = self._list(first)
            except _UnsupportedError:
                self._supported = False
            else:
                self._supported = True
                yield first, answer
        if self._supported and subjects:
            with options.progress("lists of referrers", len(subjects)) as tick:
                for subject, answer in each(self._leniently, subjects, self._client.connections):
                    tick(1)
                    yield subject, answer

    def _leniently(self, subject: Wanted) -> Answer:
        try:
            return self._list(subject)
        except _UnsupportedError:
            return Answer()

    def _list(self, subject: Wanted) -> Answer:
        digests: list[str] = []
        prefix, repository = self._client.address.prefix, subject.repository
        path = f"{prefix}/v2/{quote(repository)}/referrers/{subject.reference}"
        try:
            for document, page in pages(
                self._client, path, scope=repository_scope(repository), accept=mt.OCI_INDEX, counted=False
            ):
                if page.content_type != mt.OCI_INDEX:
                    raise _UnsupportedError
                digests += [entry["digest"] for entry in objects(document.get("manifests")) if _is_good(entry)]
        except ListError as error:
            if error.status in (400, 404, 405, 406, 501) or (error.status == 200 and error.rule == "answer-unreadable"):
                raise _UnsupportedError from error
            return Answer(digests, error)
        return Answer(digests)


def _is_good(entry: dict[str, object]) -> bool:
    digest = entry.get("digest")
    return isinstance(digest, str) and is_digest(digest)
