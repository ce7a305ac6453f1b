"""A registry of the v2 API (distribution-spec, and what Distribution and others answer), into facts.

The catalog names repositories, their lists name tags, tags lead to manifests, those to others, to configurations and
layers. A layer is taken as present where a manifest lists it, as servers take no manifest without; its length is what
the manifest says. Only what no manifest says is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regviz.assemble import assemble
from regviz.columns import NO_TIME
from regviz.errors import AccessDeniedError, RegvizError
from regviz.facts import Facts
from regviz.layouts.distribution.grammar import LONGEST_NAME, NAME, TAG
from regviz.live import fetch
from regviz.live.address import HUB
from regviz.live.blobs import add_blobs
from regviz.live.crew import each
from regviz.live.documents import Documents
from regviz.live.listing import catalog, tag_lists
from regviz.live.marks import PROXY, is_proxy, refuse
from regviz.text import clean, count_noun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Options
    from regviz.live.cache import Cache
    from regviz.live.fetch import Fetched, Wanted
    from regviz.live.http import Client
    from regviz.live.listing import TagList
    from regviz.live.options import Live
    from regviz.registry import Registry
    from regviz.source import Source

_LONGEST_SHOWN = 200


def read_v2(client: Client, cache: Cache, source: Source, options: Options, live: Live) -> Registry:
    """Read a registry of the v2 API."""
    names, problem = catalog(client, live, options)
    proxy = bool(names) and is_proxy(client, names[0])
    if proxy and not live.allow_pull_marks:
        refuse(client, PROXY)
    reader = _Reader(client, cache, options)
    if problem is not None:
        reader.facts.problem(problem.rule, path="/v2/_catalog", detail=str(problem))
    for found in tag_lists(client, names, live, options):
        reader.take_list(found, from_catalog=live.needs_catalog)
    reader.refuse_nothing(live)
    reader.read_tags()
    reader.documents.follow()
    reader.documents.configs()
    reader.finish()
    source = replace(
        source,
        knows_untagged=reader.names_every_manifest,
        trusts_times=reader.names_every_manifest,
        proxy_cache=proxy,
        complete=problem is None,
    )
    return assemble(reader.facts, source)


class _Reader:
    """Repositories and their tags, and from there on.

    Attributes
    ----------
    facts : Facts
    documents : Documents
        Reads manifests and configurations.
    """

    def __init__(self, client: Client, cache: Cache, options: Options) -> None:
        self.facts = Facts()
        self._client, self._cache, self._options = client, cache, options
        self._repositories: list[str] = []
        self._names: set[str] = set()
        self._tags: list[bytes] = []
        self._refused: list[str] = []
        self._answered = 0
        self._every_list = True
        self.documents = Documents(client, cache, options, self.facts, self._repositories)

    @property
    def names_every_manifest(self) -> bool:
        """Whether each list of tags told all manifests of its repository, as Google's do."""
        return self._every_list and bool(self._repositories)

    def take_list(self, found: TagList, *, from_catalog: bool) -> None:
        """Take what a repository's list of tags said."""
        facts, name = self.facts, clean(found.repository)
        if not name or name in self._names:  # names that differ in what no table takes
            facts.problem("name-invalid", detail=f"a repository {name[:_LONGEST_SHOWN]!r}")
            return
        self._names.add(name)
        row = facts.repository(name, name)
        self._repositories.append(found.repository)
        tags: list[str] = []
        self._tags.append(b"")
        if NAME.fullmatch(found.repository) is None or len(found.repository) > LONGEST_NAME:
            facts.problem("name-invalid", repository=name, detail=name[:_LONGEST_SHOWN])
        self._every_list &= found.manifests is not None
        if found.problem is not None:
            self._complain(row, name, found, from_catalog=from_catalog)
            if found.problem.status in (401, 403, 404):
                self._refused.append(str(found.problem))
        if found.problem is None or found.tags:
            self._answered += 1
        told = {tag: digest for digest, (_, named) in (found.manifests or {}).items() for tag in named}
        odd: set[str] = set()
        for tag in found.tags:
            if TAG.fullmatch(tag) is None:
                facts.problem("name-invalid", repository=name, detail=f"tag {clean(tag)[:_LONGEST_SHOWN]}")
                if tag and clean(tag) not in odd:
                    odd.add(clean(tag))
                    facts.tags.add(row, tag, "", NO_TIME, "unchecked")
            elif tag in told:
                self._add_tag(row, tag, told[tag], (found.manifests or {})[told[tag]][0])
            else:
                tags.append(tag)
        for digest, (uploaded, _) in (found.manifests or {}).items():
            self.documents.serve(row, digest, uploaded)
        self._tags[row] = "\n".join(tags).encode()

    def refuse_nothing(self, live: Live) -> None:
        """Say so where no repository could be read: tables without a row would look like an answer."""
        if self._answered or not self._refused:
            return
        reasons = "".join(f"; {reason}" for reason in self._client.auth.reasons)
        uri, several = self._client.address.uri, count_noun(len(self._refused), "repository", "repositories")
        if any(reason.startswith(("status 401", "status 403")) for reason in self._refused):
            raise AccessDeniedError(
                f"{uri} lets us read none of {several} ({self._refused[0]}){reasons}. Log in (docker login or podman "
                f"login {self._client.address.authority}) as one who may"
            )
        if not live.needs_catalog:
            raise RegvizError(f"{uri} has none of {several} that were named ({self._refused[0]}): check the names")

    def read_tags(self) -> None:
        """Ask where each tag leads; what is not known yet comes with it."""
        count = sum(text.count(b"\n") + 1 for text in self._tags if text)
        # a tag's manifest is asked for at once; by its digest alone where it may be known, or where that is cheaper
        by_digest = self._cache.has_some or self._client.address.host == HUB
        ask = fetch.tag_digest if by_digest else fetch.manifest
        noun = f"tags (at most {count * (3 if by_digest else 2):,} requests, and those for what indexes list)"
        with self._options.progress(noun, count) as tick:
            for wanted, found in each(
                lambda tag: ask(self._client, tag), self._wanted_tags(), self._client.connections
            ):
                tick(1)
                self._take_tag(wanted, found)
        self._tags.clear()

    def finish(self) -> None:
        """What manifests say of blobs."""
        add_blobs(self.facts, self.documents)

    def _wanted_tags(self) -> Iterator[Wanted]:
        for row, text in enumerate(self._tags):
            for tag in text.decode().split("\n") if text else ():
                yield fetch.Wanted(row, self._repositories[row], tag)

    def _take_tag(self, wanted: Wanted, found: Fetched) -> None:
        name = clean(wanted.repository)
        if found.gone:
            self.facts.problem("tag-unserved", repository=name, detail=found.detail)
            self.facts.tags.add(wanted.row, wanted.reference, "", NO_TIME, "missing")
            return
        if not found.digest:
            self.documents.fail(wanted.row, found)
            self.facts.tags.add(wanted.row, wanted.reference, "", NO_TIME, "unchecked")
            return
        self._add_tag(wanted.row, wanted.reference, found.digest, NO_TIME)
        if self.documents.serve(wanted.row, found.digest):
            if found.rule:
                self.documents.fail(wanted.row, found)
            elif found.data is not None:
                self.documents.take_manifest(found)

    def _add_tag(self, row: int, tag: str, digest: str, pushed_at: int) -> None:
        self.facts.tags.add(row, tag, digest, pushed_at, "ok")
        self.facts.tag_history.add(row, tag, digest, pushed_at, 1)

    def _complain(self, row: int, name: str, found: TagList, *, from_catalog: bool) -> None:
        problem = found.problem
        if problem is None:
            return
        rule = problem.rule
        if problem.status == 404:
            rule = "repository-unserved" if from_catalog else "repository-unknown"
        self.facts.problem(rule, repository=name, path="tags/list", detail=str(problem))
        self.facts.repositories.column("complete").set(row, 0)
