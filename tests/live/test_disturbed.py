"""A registry that is in the way for a while, or in part: what is read in the end is as if nothing had been, or says what is not."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.live import pages
from tests.helpers import encode, found, plain_tables, rows
from tests.live.servers import Asked, Reply, Shop, page_of_html, refused, said, serving, small_shop

if TYPE_CHECKING:
    from regviz.registry import Registry


def family(count: int) -> Shop:
    shop = Shop()
    for number in range(count):
        shop.image(f"family/{number % 9}", [b"base", str(number).encode()], f"v{number}")
    return shop


def read(shop: Shop, **options: Any) -> Registry:
    with serving(shop) as server:
        return rv.read(server.url, **{"cache": False, **options})


def config_of(shop: Shop, repository: str, tag: str) -> str:
    return str(json.loads(shop.manifests[shop.tags[repository][tag]][1])["config"]["digest"])


def test_a_server_that_is_busy_for_a_while_changes_nothing() -> None:
    """429 to everything (the catalog, lists, manifests, configurations) in two spells; a proxy's page goes with it."""
    shop = family(60)
    undisturbed = read(shop)
    spells: list[float] = []
    refusals = [0]

    def busy(asked: Asked) -> Reply | None:
        if asked.path in ("/v2/_catalog", "/v2/family/3/manifests/v30") and len(spells) < 2:
            spells.append(time.monotonic() + 0.4)
        if spells and time.monotonic() < spells[-1] and asked.path != "/v2/":
            refusals[0] += 1
            return Reply(429, b"<html>slow down</html>", {"Content-Type": "text/html"})
        return None

    shop.before("", busy)
    registry = read(shop)
    assert len(spells) == 2
    assert refusals[0] >= 2
    assert plain_tables(registry) == plain_tables(undisturbed)
    assert len(registry.problems) == 0


def test_a_token_does_not_follow_a_redirect_to_another_host() -> None:
    """As a registry does that keeps its blobs in object storage: the token is for it alone."""
    shop = small_shop()
    config = config_of(shop, "team/app", "latest")
    with serving(lambda _: said({"token": "only-for-the-registry"})) as issuer:
        challenge = f'Bearer realm="{issuer.url}/token",service="registry.test",scope="repository:team/app:pull"'
        with serving(lambda _: Reply(200, shop.blobs[config])) as storage, serving(shop) as server:
            shop.before(config, Reply(307, b"", {"Location": f"{storage.url}/bucket/object?signature=1"}))
            shop.before(
                "",
                lambda asked: (
                    None
                    if asked.headers.get("Authorization") == "Bearer only-for-the-registry"
                    else refused(401, "UNAUTHORIZED", WWW_Authenticate=challenge)
                ),
            )
            registry = rv.read(server.url, cache=False)
    assert len(registry.problems) == 0
    assert [asked.target for asked in storage.asked] == ["/bucket/object?signature=1"]
    assert all("Authorization" not in asked.headers and "Cookie" not in asked.headers for asked in storage.asked)


def test_a_catalog_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page has a new name and leads to the next; what came is read, and the reading ends."""
    monkeypatch.setattr(pages, "MOST_PAGES", 40)
    shop = small_shop()

    def endless(asked: Asked) -> Reply:
        number = int(asked.query.get("last", "0")) + 1
        return said(
            {"repositories": [f"made/up{number}", "team/app"]}, Link=f'</v2/_catalog?last={number}>; rel="next"'
        )

    shop.before("^/v2/_catalog$", endless)
    registry = read(shop)
    assert [problem[:1] + problem[4:5] for problem in found(registry, "pages-broken")] == [
        ("pages-broken", "/v2/_catalog")
    ]
    assert len(registry.repositories) == 41
    assert {repository for (repository,) in rows(registry.tags, "repository")} == {"team/app"}


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (page_of_html(), "answer-unreadable"),
        (Reply(200, b'{"repositories": ["team/mul', {"Content-Type": "application/json"}), "answer-unreadable"),
        (Reply(200, b'{"repositories": []}', length=500), "answer-failed"),
        (page_of_html(503), "answer-failed"),
    ],
)
def test_a_catalog_that_breaks_off_on_its_second_page(reply: Reply, rule: str) -> None:
    """The first page's repositories are read, and that there would be more is said."""
    shop = small_shop()
    shop.page = 2
    shop.before("^/v2/_catalog$", lambda asked: reply if "last" in asked.query else None)
    registry = read(shop)
    assert [(problem[0], problem[4]) for problem in found(registry)] == [(rule, "/v2/_catalog")]
    assert [name for (name,) in rows(registry.repositories, "repository")] == ["emptied", "team/app"]


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (page_of_html(), "answer-unreadable"),
        (Reply(200, b'{"architecture": "amd64", "os": "li'), "digest-mismatch"),
        (Reply(200, encode({"architecture": "amd64", "os": "linux"})), "digest-mismatch"),
        (Reply(200, b"{}", length=900), "answer-failed"),
    ],
)
def test_a_configuration_that_is_another(reply: Reply, rule: str) -> None:
    """A sign-in page, half a document, another document: nothing of it is believed, and its image is still known."""
    shop = small_shop()
    config = config_of(shop, "team/worker", "latest")
    shop.before(config, reply)
    registry = read(shop)
    assert [problem[:2] + problem[3:4] for problem in found(registry)] == [(rule, "team/worker", config)]
    assert rows(registry.repositories[~registry.repositories["complete"]], "repository") == [("team/worker",)]
    image = shop.tags["team/worker"]["latest"]
    [row] = [row for row in rows(registry.manifests, "manifest", "config", "os", "present") if row[0] == image]
    assert row == (image, config, None, True)
