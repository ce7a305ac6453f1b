"""What a server refuses or gets wrong becomes problems; its repository is not whole, the rest is read."""

from __future__ import annotations

import gzip
import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import NotRecognisedError, RegvizError, UnreachableError
from regviz.live import http, pages
from tests.helpers import encode, found, rows, sha256
from tests.live.servers import Asked, Reply, Shop, page_of_html, refused, said, serving, small_shop

if TYPE_CHECKING:
    from regviz.registry import Registry

OTHERS = {"team/multi", "team/worker"}


def read(shop: Shop, **options: Any) -> Registry:
    with serving(shop) as server:
        return rv.read(server.url, **{"cache": False, **options})


def incomplete(registry: Registry) -> set[str]:
    table = registry.repositories
    return set(table[~table["complete"]]["repository"])


def tagged(registry: Registry) -> dict[tuple[str, str], str | None]:
    return {(r, t): m for r, t, m in rows(registry.tags, "repository", "tag", "manifest")}


def test_a_sound_registry_is_read_whole() -> None:
    shop = small_shop()
    registry = read(shop)
    assert tagged(registry) == {(r, t): d for r, named in shop.tags.items() for t, d in named.items()}
    assert set(registry.manifests["manifest"]) == set(shop.manifests)
    assert len(registry.problems) == 0
    assert incomplete(registry) == set()
    assert dict(rows(registry.blobs, "blob", "blob_bytes")) == {
        digest: len(data) for digest, data in [*shop.blobs.items(), *((d, m[1]) for d, m in shop.manifests.items())]
    }


def test_all_six_types_are_accepted_always() -> None:
    with serving(small_shop()) as server:
        rv.read(server.url, cache=False)
    accepts = {a.headers["Accept"] for a in server.asked if "/manifests/" in a.path}
    assert [len(accept.split(", ")) for accept in accepts] == [6]


def test_each_manifest_and_configuration_is_asked_for_once() -> None:
    shop = small_shop()
    for number in range(30):
        shop.tags["team/app"][f"t{number}"] = shop.tags["team/app"]["latest"]
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert len(registry.tags) == 34
    by_digest = server.paths("GET", "/(manifests|blobs)/sha256:")
    assert len(by_digest) == len(set(by_digest))


def test_tags_that_are_null_are_none() -> None:
    shop = small_shop()
    shop.before("^/v2/emptied/tags/list$", said({"name": "emptied", "tags": None}))
    registry = read(shop)
    assert len(registry.problems) == 0
    assert dict(rows(registry.repositories, "repository", "has_tags"))["emptied"] is False


def test_a_repository_that_the_server_does_not_know() -> None:
    shop = small_shop()
    shop.before("^/v2/emptied/tags/list$", refused(404, "NAME_UNKNOWN"))
    registry = read(shop)
    assert found(registry) == [
        ("repository-unserved", "emptied", None, None, "tags/list", "status 404, NAME_UNKNOWN: name_unknown")
    ]
    assert incomplete(registry) == {"emptied"}


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (page_of_html(), "answer-unreadable"),
        (
            Reply(200, b'{"name": "team/app", "tags": ["1.0", "la', {"Content-Type": "application/json"}),
            "answer-unreadable",
        ),
        (said(["1.0"]), "answer-unreadable"),
        (said({"tags": "1.0"}), "answer-unreadable"),
        (said({"errors": []}), "answer-unreadable"),
        (Reply(200, b'{"name": "team/app", "tags": ["1.0"]}', length=1000), "answer-failed"),
        (page_of_html(500), "answer-failed"),
        (refused(403, "DENIED"), "answer-refused"),
        (Reply(200, b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"}), "answer-failed"),
        (Reply(200, b"?", {"Content-Encoding": "br"}), "answer-failed"),
    ],
)
def test_a_list_of_tags_that_is_none(reply: Reply, rule: str) -> None:
    shop = small_shop()
    shop.before("^/v2/team/app/tags/list$", reply)
    registry = read(shop)
    assert [problem[:2] for problem in found(registry)] == [(rule, "team/app")]
    assert incomplete(registry) == {"team/app"}
    assert {repository for repository, _ in tagged(registry)} == OTHERS


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (page_of_html(), "answer-unreadable"),
        (page_of_html(502), "answer-failed"),
        (refused(401, "UNAUTHORIZED"), "answer-refused"),
        (Reply(200, b'{"schemaVersion": 2, "conf', {"Content-Type": "application/json"}), "answer-unreadable"),
        (Reply(200, b"{}", length=900), "answer-failed"),
        (Reply(200, b" " * (4 << 20) + b"{}"), "manifest-oversized"),
        (Reply(200, gzip.compress(b" " * (64 << 20)), {"Content-Encoding": "gzip"}), "manifest-oversized"),
        (Reply(302, b"", {"Location": "https://169.254.169.254/latest/meta-data"}), "answer-failed"),
        (Reply(302, b"", {"Location": "http://registry.example.org/"}), "answer-failed"),
        (Reply(302, b"", {"Location": "file:///etc/passwd"}), "answer-failed"),
        (Reply(302, b"", {"Location": "/v2/team/app/manifests/latest"}), "answer-failed"),
    ],
)
def test_a_manifest_that_is_none(reply: Reply, rule: str) -> None:
    shop = small_shop()
    shop.before("^/v2/team/app/manifests/latest$", reply)
    registry = read(shop)
    assert [problem[:2] for problem in found(registry)] == [(rule, "team/app")]
    assert incomplete(registry) == {"team/app"}
    assert tagged(registry) == {
        (r, t): d if (r, t) != ("team/app", "latest") else None
        for r, named in shop.tags.items()
        for t, d in named.items()
    }


def test_a_tag_that_is_listed_and_not_served() -> None:
    shop = small_shop()
    shop.before("^/v2/team/app/manifests/latest$", refused(404, "MANIFEST_UNKNOWN"))
    registry = read(shop)
    assert [problem[:2] for problem in found(registry)] == [("tag-unserved", "team/app")]
    assert (
        dict(rows(registry.tags[registry.tags["repository"] == "team/app"], "tag", "link_state"))["latest"] == "missing"
    )
    assert incomplete(registry) == set()


def test_a_wrong_digest_is_not_believed() -> None:
    shop = small_shop()
    good = shop.tags["team/app"]["latest"]
    shop.before(
        "^/v2/team/app/manifests/(1.0|latest)$",
        Reply(200, encode({"schemaVersion": 2, "layers": []}), {"Docker-Content-Digest": good}),
    )
    registry = read(shop)
    assert {problem[:4] for problem in found(registry)} == {("digest-mismatch", "team/app", None, good)}
    assert incomplete(registry) == {"team/app"}
    assert dict(rows(registry.blobs, "blob", "verified"))[good] is False
    assert dict(rows(registry.manifests, "manifest", "kind"))[good] is None


def test_a_child_that_only_another_repository_serves_is_missing_there() -> None:
    shop = small_shop()
    child = shop.image("team/app", [b"other"])
    shop.index("team/multi", [child], "stolen")
    registry = read(shop)
    assert [(p[0], p[3]) for p in found(registry)] == [("child-missing", child)]
    shop.tags["team/app"]["other"] = child  # now it is known from there
    assert dict(rows(read(shop).manifests, "manifest", "kind"))[child] == "image"


def test_a_configuration_that_cannot_be_had() -> None:
    shop = small_shop()
    digest = shop.tags["team/app"]["latest"]
    config = json.loads(shop.manifests[digest][1])["config"]["digest"]
    shop.before(config, page_of_html(500))
    registry = read(shop)
    assert [(p[0], p[1], p[3]) for p in found(registry)] == [("answer-failed", "team/app", config)]
    assert incomplete(registry) == {"team/app"}
    del shop.first[0], shop.blobs[config]
    registry = read(shop)
    assert [(p[0], p[3]) for p in found(registry)] == [("config-missing", config)]


def test_a_redirect_to_another_host_is_followed_without_credentials() -> None:
    shop = small_shop()
    config = json.loads(shop.manifests[shop.tags["team/app"]["latest"]][1])["config"]["digest"]
    with serving(lambda _: Reply(200, shop.blobs[config])) as elsewhere, serving(shop) as server:
        shop.before(config, Reply(307, b"", {"Location": f"{elsewhere.url}/bucket/object"}))
        shop.before(
            "",
            lambda a: (
                None if "Authorization" in a.headers else refused(401, "UNAUTHORIZED", WWW_Authenticate="Basic realm=x")
            ),
        )
        registry = rv.read(server.url.replace("//", "//someone:secret@"), cache=False)
    assert len(registry.problems) == 0
    assert [a.path for a in elsewhere.asked] == ["/bucket/object"]
    assert "Authorization" not in elsewhere.asked[0].headers
    assert "secret" not in registry.source.uri


# --- pages


def many(count: int) -> Shop:
    shop = Shop()
    for number in range(count):
        shop.image(f"r/{number:05}", [b"base"], "latest")
    return shop


def test_a_catalog_of_many_pages() -> None:
    shop = many(250)
    shop.page = 7
    assert len(read(shop).tags) == 250


def test_a_server_that_takes_no_number_of_names() -> None:
    shop = small_shop()
    shop.before(
        "(_catalog|tags/list)$", lambda a: refused(400, "PAGINATION_NUMBER_INVALID") if "n" in a.query else None
    )
    assert len(read(shop).tags) == 4


@pytest.mark.parametrize(
    "link",
    [
        '<http://192.0.2.7/v2/_catalog?last=a>; rel="next"',
        '<https://127.0.0.1/v2/_catalog?last=a>; rel="next"',
        '</v2/_catalog?n=1000>; rel="next"',
        "<?n=1000>; rel=next",
        '<http://[>; rel="next"',
        '<//192.0.2.7/v2/_catalog>; rel="next"',
    ],
)
def test_a_next_page_elsewhere_or_in_a_circle(link: str) -> None:
    shop = small_shop()
    shop.before("_catalog", said({"repositories": ["team/app"]}, Link=link))
    registry = read(shop)
    assert [(p[0], p[4]) for p in found(registry)] == [("pages-broken", "/v2/_catalog")]
    assert set(registry.tags["repository"]) == {"team/app"}


def test_pages_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_PAGES", 50)
    shop = small_shop()

    def endless(asked: Asked) -> Reply:
        number = int(asked.query.get("last", "0")) + 1
        return said(
            {"name": "team/app", "tags": [f"t{number}"]}, Link=f'</v2/team/app/tags/list?last={number}>; rel="next"'
        )

    shop.before("^/v2/team/app/tags/list", endless)
    shop.before("^/v2/team/app/manifests/t", lambda _: shop._manifest("team/app", "latest"))
    registry = read(shop)
    assert [p[:2] for p in found(registry)] == [("pages-broken", "team/app")]
    assert incomplete(registry) == {"team/app"}
    assert len(registry.tags) == 52


def test_pages_that_are_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_BYTES", 1500)
    shop = many(250)
    shop.page = 20
    registry = read(shop)
    assert [p[0] for p in found(registry)] == ["pages-broken"]
    assert 80 <= len(registry.tags) < 250


def test_pages_that_repeat_themselves() -> None:
    shop = small_shop()

    def same(asked: Asked) -> Reply:
        number = int(asked.query.get("last", "0")) + 1
        return said({"repositories": ["team/app"]}, Link=f'</v2/_catalog?last={number}>; rel="next"')

    shop.before("_catalog", same)
    registry = read(shop)
    assert [p[0] for p in found(registry)] == ["pages-broken"]
    assert set(registry.tags["repository"]) == {"team/app"}


def test_an_exactly_full_last_page_is_followed_by_an_empty_one() -> None:
    """Distribution 3 sends a Link there, and null behind it."""
    shop = small_shop()
    shop.before(
        "^/v2/team/app/tags/list$",
        lambda a: (
            said({"name": "team/app", "tags": None})
            if "last" in a.query
            else said(
                {"name": "team/app", "tags": ["1.0", "latest"]},
                Link='</v2/team/app/tags/list?last=latest&n=2>; rel="next"',
            )
        ),
    )
    registry = read(shop)
    assert len(registry.problems) == 0
    assert len(registry.tags) == 4


# --- hostile names


def test_names_that_no_path_may_have() -> None:
    shop = small_shop()
    names = ["team/app", "../../etc", "a b?x=1#y", "UPPER/Case", "x\n", "x\\x0a", 7, None]
    shop.before("_catalog", said({"repositories": names}))
    shop.before(
        "^/v2/team/app/tags/list$", said({"name": "team/app", "tags": ["latest", "../x", "a/b", "", 5, "x\u0000"]})
    )
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert not [a.target for a in server.asked if ".." in a.target or "etc" in a.target]
    assert set(registry.repositories["repository"]) >= {"team/app", "../../etc", "UPPER/Case"}
    named = [(p[1], p[5]) for p in found(registry, "name-invalid")]
    assert ("team/app", "tag ../x") in named
    assert ("../../etc", "../../etc") in named
    assert dict(rows(registry.tags, "tag", "link_state"))["latest"] == "ok"


# --- time and load


def test_a_busy_server_is_waited_for() -> None:
    shop = small_shop()
    left, lock = [10], threading.Lock()

    def busy(asked: Asked) -> Reply | None:
        with lock:
            left[0] -= 1
            if left[0] >= 0 and "manifests" in asked.path:
                return Reply(429, b"Too many requests", {"Retry-After": "0"} if left[0] % 2 else {})
        return None

    shop.before("", busy)
    registry = read(shop)
    assert left[0] < 0
    assert len(registry.problems) == 0
    assert len(registry.tags) == 4


def test_retry_after_is_kept_to() -> None:
    shop = small_shop()
    times: list[float] = []

    def once(_: Asked) -> Reply | None:
        times.append(time.monotonic())
        return Reply(429, b"", {"Retry-After": "1"}) if len(times) == 1 else None

    shop.before("^/v2/team/app/tags/list", once)
    read(shop, connections=1)
    assert 1 <= times[1] - times[0] < 4


def test_a_server_that_stays_busy_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, busy=0.3))
    shop = small_shop()
    shop.before("manifests", Reply(429, b"", {"Retry-After": "1"}))
    with pytest.raises(UnreachableError, match=r"429 Too Many Requests.*again later"):
        read(shop)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_fails_in_passing_is_tried_again(status: int) -> None:
    shop = small_shop()
    seen: dict[str, int] = {}

    def twice(asked: Asked) -> Reply | None:
        seen[asked.target] = seen.get(asked.target, 0) + 1
        return page_of_html(status) if seen[asked.target] <= 2 else None

    shop.before("(tags/list|manifests|blobs)", twice)
    assert len(read(shop).problems) == 0


def test_a_stuck_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, read=0.2, attempts=2))
    shop = small_shop()
    with serving(shop) as server:
        shop.before("^/v2/team/app/tags/list", lambda _: server.ending.wait(30) and None)
        registry = rv.read(server.url, cache=False)
    assert [p[:2] + p[5:] for p in found(registry)] == [("answer-failed", "team/app", "no answer in time")]
    assert set(registry.tags["repository"]) == OTHERS


def test_an_answer_that_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, whole=0.5, attempts=1))
    shop = small_shop()
    with serving(shop) as server:

        def trickle() -> Any:
            while not server.ending.wait(0.1):
                yield b" "

        shop.before("^/v2/team/app/tags/list", lambda _: Reply(200, pieces=trickle()))
        registry = rv.read(server.url, cache=False)
    assert [p[:2] + p[5:] for p in found(registry)] == [
        ("answer-failed", "team/app", "the answer does not come to an end")
    ]


def test_a_server_that_is_gone_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, attempts=2, failures=4))
    shop = many(60)
    shop.before("/manifests/", Reply(200, b"{", length=9))
    with pytest.raises(UnreachableError, match=r"does not answer any more.*run this again"):
        read(shop)


def test_no_more_connections_and_requests_than_asked_for() -> None:
    shop = many(20)
    now, most, lock = [0], [0], threading.Lock()

    def counted(_: Asked) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1

    shop.before("", counted)
    read(shop, connections=3)
    assert most[0] == 3


def test_rate() -> None:
    with serving(small_shop()) as server:
        began = time.monotonic()
        rv.read(server.url, cache=False, rate=40)
    assert time.monotonic() - began >= (len(server.asked) - 2) / 40  # the first may come at once, and the greeting


# --- what is no registry


def test_what_is_no_registry() -> None:
    with serving(lambda _: page_of_html()) as server, pytest.raises(NotRecognisedError, match="/v2/ answered 200"):
        rv.read(server.url)
    with serving(lambda _: page_of_html(404)) as server, pytest.raises(NotRecognisedError, match="answered 404"):
        rv.read(server.url)
    with pytest.raises(UnreachableError, match=r"nothing answers at .*: no connection"):
        rv.read(server.url)
    with serving(small_shop()) as server, pytest.raises(UnreachableError, match=r"TLS failed.*write http://"):
        rv.read(server.url.replace("http://", "https://"))
    with serving(small_shop()) as server, pytest.raises(NotRecognisedError, match=r"repositories=\['team/app'\]"):
        rv.read(server.url + "/team/app")


def test_a_registry_below_a_path() -> None:
    shop = small_shop()

    def answer(asked: Asked) -> Reply:
        if not asked.target.startswith("/artifactory/api/docker/local"):
            return page_of_html(404)
        asked.target = asked.target.removeprefix("/artifactory/api/docker/local")
        return shop(asked)

    with serving(answer) as server:
        registry = rv.read(f"{server.url}/artifactory/api/docker/local/v2/", cache=False)
    assert len(registry.tags) == 4
    assert registry.source.uri == f"{server.url}/artifactory/api/docker/local"


@pytest.mark.parametrize(
    ("reply", "said_so"),
    [
        (refused(401, "UNAUTHORIZED"), "does not show its catalog.*docker login"),
        (refused(404, "UNSUPPORTED"), r"has no catalog.*repositories=\["),
        (page_of_html(), "has no catalog"),
        (said({"repositories": 5}), "has no catalog"),
    ],
)
def test_a_registry_without_a_catalog(reply: Reply, said_so: str) -> None:
    shop = small_shop()
    shop.before("_catalog", reply)
    with pytest.raises(RegvizError, match=said_so):
        read(shop)
    registry = read(shop, repositories=["team/app", "team/nothing"])
    assert set(registry.tags["repository"]) == {"team/app"}
    assert [p[:2] for p in found(registry)] == [("repository-unknown", "team/nothing")]
    with pytest.raises(RegvizError, match="has none of 1 repository that were named"):
        read(shop, repositories=["team/nothing"])


def test_repositories_by_pattern() -> None:
    registry = read(small_shop(), repositories=["team/w*", "team/app"])
    assert set(registry.tags["repository"]) == {"team/app", "team/worker"}
    assert len(registry.problems) == 0


def test_nothing_but_reading_is_ever_asked() -> None:
    with serving(small_shop()) as server:
        rv.read(server.url, cache=False)
    assert {a.method for a in server.asked} <= {"GET", "HEAD"}
    assert sha256(b"") not in str(server.asked)
