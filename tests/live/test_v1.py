"""A server of the v1 API that a test makes answer as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import RegvizError
from tests.helpers import found, image_id, rows, rules_of
from tests.live.servers import Reply, page_of_html, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.registry import Registry
    from tests.live.servers import Asked

BASE, MIDDLE, TOP, OTHER = (image_id(number) for number in range(4))
PARENT = {MIDDLE: BASE, TOP: MIDDLE, OTHER: BASE}


class V1:
    """Two repositories on one base, as docker-registry 0.9 answers them (A10 of its routes)."""

    def __init__(self) -> None:
        self.tags = {"library/nodejs": {"latest": TOP, "1.0+x": MIDDLE}, "team/app": {"latest": OTHER}}
        self.first: list[tuple[str, Callable[[Asked], Reply | None]]] = []
        self.search: list[str] | None = ["library/nodejs", "team/app"]

    def before(self, path: str, reply: Reply | Callable[[Asked], Reply | None]) -> None:
        self.first.append((path, reply if callable(reply) else lambda _: reply))

    def __call__(self, asked: Asked) -> Reply:
        for path, answer in self.first:
            if asked.path == path and (reply := answer(asked)) is not None:
                return reply
        parts = asked.path.strip("/").split("/")
        if asked.path == "/v1/_ping":
            return said(True, X_Docker_Registry_Standalone="True", X_Docker_Registry_Version="0.8.1")
        if asked.path == "/v1/search" and self.search is not None:
            return said(
                {"query": "", "num_results": 2, "results": [{"name": name, "description": ""} for name in self.search]}
            )
        if parts[:2] == ["v1", "repositories"] and "/".join(parts[2:4]) in self.tags:
            return self._repository("/".join(parts[2:4]), parts[4:])
        if parts[:2] == ["v1", "images"] and parts[2] in (BASE, *PARENT):
            return self._image(parts[2], parts[3])
        return said({"error": "not found"}, 404)

    def _repository(self, name: str, rest: list[str]) -> Reply:
        tags = self.tags[name]
        if rest == ["tags"]:
            return said(tags)
        if rest == ["images"]:
            return said([{"id": image} for image in {*tags.values(), BASE}])
        if rest == ["properties"]:
            return said({"access": "private" if name == "team/app" else "public"})
        return said({"last_update": 1400000000, "docker_version": "1.2.0"})

    def _image(self, image: str, what: str) -> Reply:
        if what == "ancestry":
            chain = [image]
            while chain[-1] in PARENT:
                chain.append(PARENT[chain[-1]])
            return said(chain)
        document = {"id": image, "os": "linux", "Size": 7, **({"parent": PARENT[image]} if image in PARENT else {})}
        return said(document, X_Docker_Size="1000", X_Docker_Checksum_Payload="sha256:" + "0" * 64)


def read(answers: V1, **options: Any) -> Registry:
    with serving(answers) as server:
        return rv.read(server.url, cache=False, **options)


def test_repositories_are_found_by_search() -> None:
    registry = read(V1())
    assert rows(registry.tags, "repository", "tag", "manifest") == [
        ("library/nodejs", "1.0+x", MIDDLE),
        ("library/nodejs", "latest", TOP),
        ("team/app", "latest", OTHER),
    ]
    assert rows(registry.layers, "layer", "parent", "depth") == sorted(
        [(BASE, None, 1), (MIDDLE, BASE, 2), (TOP, MIDDLE, 3), (OTHER, BASE, 2)]
    )
    assert dict(rows(registry.blobs, "blob", "blob_bytes")) == {f"v1:{i}": 1000 for i in (BASE, MIDDLE, TOP, OTHER)}
    assert dict(rows(registry.repositories, "repository", "private")) == {"library/nodejs": False, "team/app": True}
    assert len(registry.problems) == 0


def test_each_image_is_asked_for_once() -> None:
    with serving(V1()) as server:
        rv.read(server.url)
    asked = server.paths("GET", "/images/.*/json")
    assert sorted(asked) == sorted(f"/v1/images/{image}/json" for image in (BASE, *PARENT))
    assert server.paths("GET", "/layer") == []


def test_names_and_globs() -> None:
    assert set(read(V1(), repositories=["nodejs"]).tags["repository"]) == {"library/nodejs"}
    assert set(read(V1(), repositories=["team/*"]).tags["repository"]) == {"team/app"}
    answers = V1()
    answers.search = None
    assert len(read(answers, repositories=["nodejs", "team/app"]).tags) == 3
    with pytest.raises(RegvizError, match=r"which has no catalog \(status 404"):
        read(answers)
    answers.search = []
    with pytest.raises(RegvizError, match="which has no catalog"):
        read(answers)


def test_pages_of_a_search() -> None:
    """As Docker Hub's index had them."""
    answers = V1()

    def page(asked: Asked) -> Reply:
        number = int(asked.query.get("page", "1"))
        return said({"num_pages": 2, "page": number, "results": [{"name": sorted(answers.tags)[number - 1]}]})

    answers.before("/v1/search", page)
    assert len(read(answers).tags) == 3


def test_an_image_that_is_being_uploaded() -> None:
    answers = V1()
    for what in ("json", "ancestry"):
        answers.before(f"/v1/images/{OTHER}/{what}", said({"error": "Image is being uploaded, retry later"}, 400))
    registry = read(answers)
    assert dict(rows(registry.manifests, "manifest", "in_progress"))[OTHER] is True
    assert [p[:3] for p in found(registry, "v1-in-progress")] == [("v1-in-progress", None, OTHER)]
    assert set(rules_of(registry)) == {"v1-in-progress", "v1-index-drift"}  # its parent is not told, but is listed


def test_without_ancestries_parents_lead_on() -> None:
    answers = V1()
    for image in PARENT:
        answers.before(f"/v1/images/{image}/ancestry", said({"error": "no"}, 500))
    answers.before("/v1/repositories/library/nodejs/images", said({"error": "no"}, 404))
    answers.before("/v1/repositories/team/app/images", said([]))
    registry = read(answers)
    assert dict(rows(registry.layers, "layer", "depth")) == {BASE: 1, MIDDLE: 2, TOP: 3, OTHER: 2}


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (page_of_html(), "answer-unreadable"),
        (page_of_html(500), "answer-failed"),
        (said({"error": "no"}, 403), "answer-refused"),
        (Reply(200, b'{"latest": "', length=400), "answer-failed"),
    ],
)
def test_tags_that_cannot_be_had(reply: Reply, rule: str) -> None:
    answers = V1()
    answers.before("/v1/repositories/team/app/tags", reply)
    registry = read(answers)
    assert set(registry.tags["repository"]) == {"library/nodejs"}
    assert [p[0] for p in found(registry, rule)] == [rule]


@pytest.mark.parametrize(
    ("reply", "rule"), [(page_of_html(), "answer-unreadable"), (page_of_html(500), "answer-failed")]
)
def test_an_image_that_cannot_be_had(reply: Reply, rule: str) -> None:
    answers = V1()
    answers.before(f"/v1/images/{OTHER}/json", reply)
    registry = read(answers)
    assert [p[:2] for p in found(registry, rule)] == [(rule, "team/app")]
    complete = dict(rows(registry.repositories, "repository", "complete"))
    assert complete == {"library/nodejs": True, "team/app": False}


def test_odd_tags_and_ids() -> None:
    answers = V1()
    answers.before(
        "/v1/repositories/team/app/tags", said({"latest": OTHER, "odd": "../../x", "a/b": OTHER, "n": 5, "": OTHER})
    )
    registry = read(answers)
    tags = dict(rows(registry.tags[registry.tags["repository"] == "team/app"], "tag", "manifest"))
    assert tags["latest"] == tags["a/b"] == OTHER
    assert tags["odd"] is None
    assert "v1-tag-malformed" in rules_of(registry)


def test_v2_goes_first() -> None:
    answers = V1()
    answers.before("/v2/", said({}, Docker_Distribution_Api_Version="registry/2.0"))
    answers.before("/v2/_catalog", said({"repositories": []}))
    assert read(answers).source.layouts == ("registry-v2",)
