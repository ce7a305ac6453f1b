"""A registry of the v1 API (docker-registry 0.5 to 0.9), read into a storage that the v1 layout understands.

Every question of the API has its file (docker_registry/images.py, tags.py, index.py), so what was answered is laid out
in memory as the server's own storage would lie, and read as that is. Images that no tag and no index names are not
told of; nothing is kept in the cache, as v1's ids are no digests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

from regviz.errors import RegvizError
from regviz.layouts import v1
from regviz.layouts.common import Options
from regviz.live.crew import each
from regviz.live.http import NoAnswerError
from regviz.live.pages import refusal
from regviz.manifests.json import load, load_object, objects, text
from regviz.pool import is_v1_id
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, MANIFEST_LIMIT, Entries
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regviz.facts import Facts
    from regviz.live.http import Answer, Client
    from regviz.live.options import Live
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Storage, StorageProblem

_LIST_LIMIT = 64 << 20
_MOST_PAGES = 1000
_IN_PROGRESS = 400


class _Problem(NamedTuple):
    rule: str
    repository: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Reading(Options):
    """Options of the layout's reader; what was wrong with answers becomes problems of their repositories."""

    wrong: tuple[_Problem, ...] = ()

    def finish(self, storage: Storage, facts: Facts, source: Source) -> Source:
        """The source as it turned out."""
        rows = {facts.names.text(int(code)): row for row, code in enumerate(facts.repositories["name"].tolist())}
        for problem in self.wrong:
            known = problem.repository in rows
            if known:
                facts.repositories.column("complete").set(rows[problem.repository], 0)
            facts.problem(
                problem.rule,
                repository=problem.repository if known else None,
                path=problem.path,
                detail=clean(problem.detail),
            )
        whole = all(problem.repository in rows for problem in self.wrong)
        return replace(Options.finish(self, storage, facts, replace(source, complete=whole)), trusts_times=False)


class Answers:
    """What a server answered, as a flat storage of the v1 layout."""

    walkable = False
    by_path = False
    forward_only = False
    knows_disk = False

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True
        self._paths: list[bytes] = []
        self._types: list[int] = []
        self._contents: list[bytes] = []
        self._sizes: list[int] = []

    def add(self, path: str, content: bytes = b"", size: int = -1, *, kind: int = FILE) -> None:
        """Lay a file out; `size` where its content is not here."""
        self._paths.append(path.encode("utf-8", "backslashreplace"))
        self._types.append(kind)
        self._contents.append(content)
        self._sizes.append(len(content) if size < 0 else size)

    def entries(self) -> Iterator[Entries]:
        """All files."""
        for start in range(0, len(self._paths), BATCH):
            part = slice(start, start + BATCH)
            contents, sizes = self._contents[part], self._sizes[part]
            count = len(sizes)
            batch = Entries()
            batch.paths += self._paths[part]
            batch.types += self._types[part]
            batch.sizes += sizes
            batch.mtimes += [0] * count
            batch.locators += range(start, start + count)
            batch.inline += [
                content if len(content) == size <= INLINE else None
                for content, size in zip(contents, sizes, strict=True)
            ]
            yield batch

    def link_target(self, path: bytes) -> bytes | None:
        """None: an API has no links."""
        del path
        return None

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by the number of the file."""
        del sizes
        for number, locator in enumerate(locators):
            there = isinstance(locator, int) and 0 <= locator < len(self._contents)
            yield number, self._contents[int(locator)][:limit] if there else None


def read_v1(client: Client, source: Source, options: Options, live: Live) -> Registry:
    """Read a registry of the v1 API."""
    reader = _Reader(client, options)
    reader.repositories(_names(client, live))
    reader.images()
    own = {each_.name: getattr(options, each_.name) for each_ in fields(Options)}
    return v1.read(reader.answers, b"", source, _Reading(**own, wrong=tuple(reader.wrong)))


def _names(client: Client, live: Live) -> list[str]:
    """The repositories to read: by search where there is one, else as they were given."""
    if not live.needs_catalog:
        return list(dict.fromkeys(map(_full_name, live.repositories or ())))
    found: dict[str, None] = {}
    page, last, reason = 1, 1, "it answers nothing to a search"
    while page <= min(last, _MOST_PAGES):
        path = f"{client.address.prefix}/v1/search?q=" + (f"&page={page}" if page > 1 else "")
        try:
            answer = client.get(path, scope="", limit=_LIST_LIMIT)
        except NoAnswerError as error:
            reason = str(error)
            break
        document = load_object(answer.body) if answer.status == 200 else None
        if document is None:
            reason = refusal(answer)
            break
        found |= dict.fromkeys(name for entry in objects(document.get("results")) if (name := text(entry.get("name"))))
        said = document.get("num_pages")
        last = said if isinstance(said, int) else 1
        page += 1
    if not found:
        raise RegvizError(
            f"{client.address.uri} speaks the v1 API, which has no catalog ({reason}): give the names of repositories: "
            "repositories=[…], --repositories NAME or --repositories @FILE"
        )
    return live.chosen(map(_full_name, found))


def _full_name(name: str) -> str:
    return name if "/" in name else f"library/{name}"


@dataclass(slots=True)
class _Repository:
    """What the server said of a repository."""

    name: str
    tags: dict[str, str] = field(default_factory=dict)
    index: bytes | None = None
    is_private: bool = False
    metadata: dict[str, bytes] = field(default_factory=dict)
    wrong: list[_Problem] = field(default_factory=list)


class _Reader:
    """Asks, and lays out what is answered."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options
        self.answers = Answers(client.address.uri)
        self.wrong: list[_Problem] = []
        self._tops: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def repositories(self, names: list[str]) -> None:
        """Ask for tags and lists of images."""
        with self._options.progress("repositories", len(names)) as tick:
            for name, said in each(self._repository, names, self._client.connections):
                tick(1)
                self.wrong += said.wrong
                self._lay_out(name, said)

    def images(self) -> None:
        """Ask for the images that tags and lists name, and for their ancestors."""
        with self._options.progress("ancestries", len(self._tops)) as tick:
            for image, answer in each(
                lambda i: self._get(f"images/{i}/ancestry"), self._tops, self._client.connections
            ):
                tick(1)
                chain = load(answer.body) if not isinstance(answer, str) and answer.status == 200 else None
                if isinstance(chain, list) and all(isinstance(name, str) and is_v1_id(name) for name in chain):
                    self.answers.add(f"images/{image}/ancestry", answer.body if not isinstance(answer, str) else b"")
                    self._ids.update(dict.fromkeys(chain, self._tops[image]))
        waiting = dict(self._ids)
        while waiting:
            parents: dict[str, str] = {}
            with self._options.progress("images", len(waiting)) as tick:
                for image, answer in each(lambda i: self._get(f"images/{i}/json"), waiting, self._client.connections):
                    tick(1)
                    parent = self._image(image, answer)
                    if parent and parent not in self._ids:
                        self._ids[parent] = parents[parent] = self._ids[image]
            waiting = parents

    def _image(self, image: str, answer: Answer | str) -> str:
        """Lay out one image; returns its parent."""
        path, owner = f"images/{image}/json", self._ids[image]
        if isinstance(answer, str):
            self.wrong.append(_Problem("answer-failed", owner, path, answer))
            return ""
        if answer.status == _IN_PROGRESS:
            self.answers.add(f"images/{image}/_inprogress", b"true")
            self.answers.add(path, b'{"id": "%s"}' % image.encode())  # more is not told of it
            return ""
        if answer.status == 404:
            return ""
        if answer.status != 200 or answer.content_type == "text/html":
            rule = "answer-failed" if answer.status != 200 else "answer-unreadable"
            self.wrong.append(_Problem(rule, owner, path, refusal(answer)))
            return ""
        self.answers.add(path, answer.body)
        size = answer.headers.get("X-Docker-Size", "")
        if size.isascii() and size.isdigit() and len(size) < 19:
            self.answers.add(f"images/{image}/layer", size=int(size))
        for header in ("X-Docker-Checksum-Payload", "X-Docker-Payload-Checksum", "X-Docker-Checksum"):
            if header in answer.headers:
                self.answers.add(f"images/{image}/_checksum", answer.headers[header].encode("utf-8", "replace"))
                break
        parent = text((load_object(answer.body) or {}).get("parent"))
        return parent if is_v1_id(parent) else ""

    def _repository(self, name: str) -> _Repository:
        said = _Repository(name)
        path = f"repositories/{quote(name)}"
        answer = self._get(f"{path}/tags")
        tags = self._object(answer, f"{path}/tags", said)
        said.tags = {tag: image for tag, image in tags.items() if isinstance(image, str)}
        if said.wrong:
            return said
        answer = self._get(f"{path}/images")
        if not isinstance(answer, str) and answer.status == 200:
            said.index = answer.body
        answer = self._get(f"{path}/properties")
        if not isinstance(answer, str) and answer.status == 200:
            said.is_private = (load_object(answer.body) or {}).get("access") == "private"
        for tag in said.tags:
            answer = self._get(f"{path}/tags/{quote(tag, safe='')}/json")
            if not isinstance(answer, str) and answer.status == 200:
                said.metadata[tag] = answer.body
        return said

    def _object(self, answer: Answer | str, path: str, said: _Repository) -> dict[str, object]:
        if isinstance(answer, str):
            said.wrong.append(_Problem("answer-failed", said.name, path, answer))
            return {}
        document = load_object(answer.body) if answer.status == 200 else None
        if document is None:
            rule = {200: "answer-unreadable", 401: "answer-refused", 403: "answer-refused", 404: "repository-unknown"}
            detail = f"{said.name}: {refusal(answer)}"
            said.wrong.append(_Problem(rule.get(answer.status, "answer-failed"), said.name, path, detail))
        return document or {}

    def _lay_out(self, name: str, said: _Repository) -> None:
        namespace, _, rest = name.partition("/")
        folder = f"repositories/{quote_plus(namespace)}/{quote_plus(rest)}"
        self.answers.add(folder, kind=DIRECTORY)
        for tag, image in said.tags.items():
            quoted = quote_plus(tag)
            self.answers.add(f"{folder}/tag_{quoted}", image.encode())
            if tag in said.metadata:
                self.answers.add(f"{folder}/tag{quoted}_json", said.metadata[tag])
            if is_v1_id(image):
                self._tops[image] = self._ids[image] = name
        if said.index is not None:
            self.answers.add(f"{folder}/_index_images", said.index)
            for entry in objects(load(said.index)):
                image = text(entry.get("id"))
                if is_v1_id(image):
                    self._ids.setdefault(image, name)
        if said.is_private:
            self.answers.add(f"{folder}/_private")

    def _get(self, path: str) -> Answer | str:
        """An answer, or why there is none."""
        try:
            return self._client.get(f"{self._client.address.prefix}/v1/{path}", scope="", limit=MANIFEST_LIMIT)
        except NoAnswerError as error:
            return str(error)
