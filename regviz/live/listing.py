"""Which repositories and tags a registry of the v2 API says it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from regviz.columns import NO_TIME
from regviz.errors import AccessDeniedError, RegvizError, UnreachableError
from regviz.live.address import HUB
from regviz.live.auth import CATALOG_SCOPE, repository_scope
from regviz.live.crew import each
from regviz.live.pages import ListError, pages
from regviz.manifests.json import mapping
from regviz.pool import is_digest
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.layouts.common import Options
    from regviz.live.http import Client
    from regviz.live.options import Live

_DEEPEST = 32
"""How far Google's ``child`` entries are followed."""


@dataclass(slots=True)
class TagList:
    """What a repository's list of tags said.

    Attributes
    ----------
    repository : str
    tags : list of str
    children : list of str
        Google's registries name the repositories below.
    manifests : dict of str to (int, list of str), or None
        Google's registries name every manifest: when it was uploaded (µs), and its tags. None elsewhere.
    problem : ListError or None
        Why the list is missing, or not whole.
    """

    repository: str
    tags: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    manifests: dict[str, tuple[int, list[str]]] | None = None
    problem: ListError | None = None


def catalog(client: Client, live: Live, options: Options) -> tuple[list[str], ListError | None]:
    """The repositories to read, and what was wrong with the catalog, if anything.

    Raises
    ------
    RegvizError
        There is no catalog to be had; the message says what to do.
    """
    if not live.needs_catalog:
        chosen = list(live.repositories or ())
        if client.address.host == HUB:  # official images have their namespace there
            chosen = [name if "/" in name else f"library/{name}" for name in chosen]
        return list(dict.fromkeys(chosen)), None
    found: dict[str, None] = {}
    problem = None
    first = f"{client.address.prefix}/v2/_catalog"
    try:
        with options.progress("pages of the catalog", None) as tick:
            for document, _ in pages(client, first, scope=CATALOG_SCOPE):
                names = document.get("repositories")
                if not isinstance(names, list) and not (names is None and "repositories" in document):
                    raise ListError("answer-unreadable", "a page has no list of repositories", 200)  # noqa: TRY301
                before = len(found)
                found |= dict.fromkeys(name for name in names or () if isinstance(name, str))
                tick(1)
                if names and len(found) == before:
                    raise ListError("pages-broken", "a page says again what others said")  # noqa: TRY301
    except ListError as error:
        if not found:
            raise _without_catalog(client, error) from error
        problem = error
    return live.chosen(found), problem


def _without_catalog(client: Client, error: ListError) -> RegvizError:
    uri = client.address.uri
    by_name = "give the names of repositories: repositories=[…], --repositories NAME or --repositories @FILE"
    if error.status in (401, 403):
        reasons = "".join(f"; {reason}" for reason in client.auth.reasons)
        return AccessDeniedError(
            f"{uri} does not show its catalog to us ({error}){reasons}. Log in (docker login or podman login "
            f"{client.address.authority}) as one who may see it, or {by_name}"
        )
    if error.status == 0:
        return UnreachableError(f"the catalog of {uri} cannot be had: {error}")
    return RegvizError(f"{uri} has no catalog ({error}): {by_name}")


def tag_lists(client: Client, repositories: Iterable[str], live: Live, options: Options) -> Iterator[TagList]:
    """The list of tags of each repository; those that Google's registries name below given ones come too."""
    waiting = list(repositories)
    seen = set(waiting)
    walk_down = live.repositories is not None
    level = 0
    while waiting:
        below: list[str] = []
        noun = f"lists of tags, of {len(waiting):,} " + ("repository" if len(waiting) == 1 else "repositories")
        with options.progress(noun, len(waiting)) as tick:
            for _, found in each(lambda name: _tag_list(client, name), waiting, client.connections):
                tick(1)
                fresh = [name for name in found.children if name not in seen] if walk_down else []
                seen.update(fresh)
                below += fresh
                yield found
        level += 1
        waiting = below if level < _DEEPEST else []


def _tag_list(client: Client, repository: str) -> TagList:
    found = TagList(repository)
    tags: dict[str, None] = {}
    path = f"{client.address.prefix}/v2/{quote(repository)}/tags/list"
    if {"", ".", ".."} & set(repository.split("/")):
        found.problem = ListError("answer-failed", "a path with this name would lead elsewhere: it was not asked for")
        return found
    try:
        for document, _ in pages(client, path, scope=repository_scope(repository)):
            names = document.get("tags")
            if not isinstance(names, list) and names is not None:
                raise ListError("answer-unreadable", "a page has no list of tags", 200)  # noqa: TRY301
            if names is None and not document.keys() & {"tags", "name", "manifest"}:
                raise ListError("answer-unreadable", "a page has no list of tags", 200)  # noqa: TRY301
            before = len(tags)
            tags |= dict.fromkeys(name for name in names or () if isinstance(name, str))
            if names and len(tags) == before:
                raise ListError("pages-broken", "a page says again what others said")  # noqa: TRY301
            _take_googles(found, document)
    except ListError as error:
        found.problem = error
    found.tags = list(tags)
    return found


def _take_googles(found: TagList, document: dict[str, object]) -> None:
    """What Google's registries say beside: repositories below, and every manifest with its tags and times."""
    children = document.get("child")
    if isinstance(children, list):
        found.children += [f"{found.repository}/{name}" for name in children if isinstance(name, str) and name]
    manifests = document.get("manifest")
    if isinstance(manifests, dict):
        found.manifests = found.manifests or {}
        for digest, said in manifests.items():
            if is_digest(digest):
                tags = mapping(said).get("tag")
                named = [clean(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
                found.manifests[digest] = (_uploaded(mapping(said).get("timeUploadedMs")), named)


def _uploaded(milliseconds: object) -> int:
    """A time in microseconds; Google writes numbers as texts."""
    text = str(milliseconds)
    return int(text) * 1000 if text.isascii() and text.isdigit() and 0 < int(text[:20]) < 1 << 50 else NO_TIME
