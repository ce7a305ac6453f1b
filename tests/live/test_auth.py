"""Who asks: Basic and Bearer, tokens that run out, and where credentials never go."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import regviz as rv
from regviz.errors import AccessDeniedError, RegvizError
from regviz.live import auth
from regviz.live.address import Address
from regviz.live.auth import Authenticator, parse_challenge
from regviz.live.credentials import Credentials, Login
from tests.helpers import found
from tests.live.servers import Asked, Reply, Shop, refused, said, serving, small_shop

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "open:sesame"  # noqa: S105  # a colon may stand in a password
BASIC = "Basic " + base64.b64encode(f"someone:{SECRET}".encode()).decode()


def docker_config(home: Path, host: str, **entry: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    entry = entry or {"auth": base64.b64encode(f"someone:{SECRET}".encode()).decode()}
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def behind_basic(shop: Shop) -> Shop:
    challenge = refused(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="a registry"')
    shop.before("", lambda a: None if a.headers.get("Authorization") == BASIC else challenge)
    return shop


class Tokens:
    """A server of tokens: each is for one scope, and good for so many uses."""

    def __init__(self, **answer: Any) -> None:
        self.given: dict[str, str] = {}
        self.uses: dict[str, int] = {}
        self.good_for = 10**9
        self.needs = ""
        self.answer: dict[str, Any] = {"expires_in": 300, **answer}
        self._numbers = itertools.count()

    def __call__(self, asked: Asked) -> Reply:
        form = parse_qs(asked.body.decode()) if asked.method == "POST" else parse_qs(urlsplit(asked.target).query)
        if (
            self.needs
            and asked.headers.get("Authorization") != self.needs
            and form.get("refresh_token") != [self.needs]
        ):
            return refused(401, "UNAUTHORIZED")
        token = f"token-{next(self._numbers)}"
        self.given[token] = " ".join(form.get("scope", []))
        return said({"token": token, **self.answer})

    def guard(self, shop: Shop, realm: str) -> Shop:
        """Let a registry ask for these tokens."""

        def answer(asked: Asked) -> Reply | None:
            name = re.match(r"/v2/(.+?)/(tags|manifests|blobs|referrers)/", asked.path)
            scope = f"repository:{name[1]}:pull" if name else "registry:catalog:*" if "_catalog" in asked.path else ""
            token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            self.uses[token] = self.uses.get(token, 0) + 1
            if token in self.given and self.given[token] == scope and self.uses[token] <= self.good_for:
                return None
            challenge = f'Bearer realm="{realm}",service="registry.test"' + (f',scope="{scope}"' if scope else "")
            return refused(401, "UNAUTHORIZED", WWW_Authenticate=challenge)

        shop.before("", answer)
        return shop


def test_basic_from_dockers_file(home: Path) -> None:
    with serving(behind_basic(small_shop())) as server:
        docker_config(home, f"127.0.0.1:{server.port}")
        registry = rv.read(server.url)
    assert len(registry.tags) == 4
    assert len(registry.problems) == 0


def test_basic_from_the_url() -> None:
    with serving(behind_basic(small_shop())) as server:
        registry = rv.read(f"http://someone:open%3Asesame@127.0.0.1:{server.port}", cache=False)
        assert len(registry.tags) == 4
    assert registry.source.uri == server.url


def test_nobody_may_see_the_catalog(home: Path) -> None:
    with serving(behind_basic(small_shop())) as server:
        with pytest.raises(
            AccessDeniedError, match=r"no credentials were found; .*config.json \(not there\).*docker login"
        ):
            rv.read(server.url)
        docker_config(home, f"127.0.0.1:{server.port}", auth=base64.b64encode(b"someone:wrong").decode())
        with pytest.raises(AccessDeniedError) as error:
            rv.read(server.url)
    assert "wrong" not in str(error.value)


def test_tokens_for_each_scope() -> None:
    tokens = Tokens()
    with serving(tokens) as issuer, serving(small_shop()) as server:
        tokens.guard(server.answer, f"{issuer.url}/token")
        registry = rv.read(server.url, cache=False)
    assert len(registry.tags) == 4
    assert len(registry.problems) == 0
    assert sorted(set(tokens.given.values())) == [
        "registry:catalog:*",
        *(f"repository:{name}:pull" for name in ("emptied", "team/app", "team/multi", "team/worker")),
    ]
    assert len(issuer.asked) == 5  # one a scope, and none twice
    assert {parse_qs(urlsplit(a.target).query)["service"][0] for a in issuer.asked} == {"registry.test"}


def test_a_token_that_runs_out_on_the_way() -> None:
    tokens = Tokens()
    tokens.good_for = 2
    with serving(tokens) as issuer, serving(small_shop()) as server:
        tokens.guard(server.answer, f"{issuer.url}/token")
        registry = rv.read(server.url, cache=False, connections=1)
    assert len(registry.problems) == 0
    assert len(issuer.asked) > 5


def test_the_time_a_token_is_good_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MARGIN_SECONDS", 0)
    tokens = Tokens(expires_in=1)
    with serving(tokens) as issuer, serving(small_shop()) as server:
        tokens.guard(server.answer, f"{issuer.url}/token")
        server.answer.before("tags/list", lambda _: time.sleep(0.6))
        rv.read(server.url, cache=False, connections=1, repositories=["team/app", "team/worker"])
        first = len(issuer.asked)
        assert first >= 3  # each scope again, after its second


@pytest.mark.parametrize("login", ["password", "identity"])
def test_credentials_go_to_the_realm(home: Path, login: str) -> None:
    tokens = Tokens()
    with serving(tokens) as issuer, serving(small_shop()) as server:
        tokens.guard(server.answer, f"{issuer.url}/token?account=x")
        if login == "password":
            tokens.needs = BASIC
            docker_config(home, f"127.0.0.1:{server.port}")
        else:
            tokens.needs = "refresh-me"
            docker_config(home, f"127.0.0.1:{server.port}", identitytoken="refresh-me")
        registry = rv.read(server.url, cache=False)
    assert len(registry.tags) == 4
    assert {a.method for a in issuer.asked} == {"GET" if login == "password" else "POST"}
    assert not [a for a in server.asked if a.headers.get("Authorization", "").startswith("Basic")]


@pytest.mark.parametrize(
    "answer", [said({"token": ""}), said({"token": "a b\r\nX: y"}), said([]), Reply(200, b"<html>"), Reply(403)]
)
def test_a_realm_that_gives_no_token(answer: Reply) -> None:
    tokens = Tokens()
    with serving(lambda _: answer) as issuer, serving(small_shop()) as server:
        tokens.guard(server.answer, f"{issuer.url}/token")
        with pytest.raises(AccessDeniedError, match=f"127.0.0.1 gave no token .status {answer.status}"):
            rv.read(server.url, cache=False)


@pytest.mark.parametrize(
    ("realm", "why"),
    [
        ("http://169.254.169.254/token", "is a link-local address"),
        ("https://[fe80::1]/token", "is a link-local address"),
        ("https://[::ffff:169.254.169.254]/token", "is a link-local address"),
        ("http://auth.example.org/token", "is not asked, as it is plain HTTP"),
        ("file:///etc/passwd", "is no URL"),
        ("nonsense", "is no URL"),
    ],
)
def test_realms_that_are_not_asked(home: Path, realm: str, why: str) -> None:
    tokens = Tokens()
    with serving(small_shop()) as server:
        docker_config(home, f"127.0.0.1:{server.port}")
        tokens.guard(server.answer, realm)
        with pytest.raises(AccessDeniedError, match=re.escape(why)):
            rv.read(server.url, cache=False)


def test_a_public_registrys_realm_in_a_private_network_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "registry.example.org": "203.0.114.5",
        "auth.example.org": "10.0.0.7",
        "meta.example.org": "169.254.169.254",
    }
    monkeypatch.setattr(auth.socket, "getaddrinfo", lambda host, port: [(0, 0, 0, "", (names[host], port))])
    sent: list[str] = []

    def exchange(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        del method, headers, body
        sent.append(url)
        return 200, b'{"token": "t"}'

    login = Login("someone", SECRET)
    for realm, why in (("auth", "leads into a private network"), ("meta", "leads to a link-local address")):
        asker = Authenticator(
            Address("https", "registry.example.org"), Credentials("registry.example.org", login, {}), exchange
        )
        assert asker.answer(f'Bearer realm="https://{realm}.example.org/token"', "repository:a:pull", "") == ""
        assert [reason for reason in asker.reasons if why in reason]
    assert sent == []


def test_plain_http_to_another_machine_carries_no_credentials() -> None:
    login = Login("someone", SECRET)
    asker = Authenticator(
        Address("http", "registry.example.org"), Credentials("registry.example.org", login, {}), lambda *_: (0, b"")
    )
    assert asker.answer('Basic realm="x"', "", "") == ""
    assert list(asker.reasons) == ["no credentials are sent over plain HTTP to registry.example.org"]
    with pytest.raises(RegvizError, match="--insecure"):
        rv.read("http://registry.example.org")


def test_challenges() -> None:
    challenge = parse_challenge('Bearer realm="https://a/t",service="x, y",scope="repository:a/b:pull,push"')
    assert challenge is not None
    assert (challenge.realm, challenge.service, challenge.scope) == ("https://a/t", "x, y", "repository:a/b:pull,push")
    assert parse_challenge("") is None
    assert parse_challenge('Digest realm="basic bearer"') is None


def test_nothing_secret_is_kept_or_said(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the cache, nor a capture, nor what is printed has a password or a token in it."""
    tokens = Tokens()
    tokens.needs = BASIC
    with serving(tokens) as issuer, serving(small_shop()) as server:
        docker_config(home, f"127.0.0.1:{server.port}")
        tokens.guard(server.answer, f"{issuer.url}/token")
        registry = rv.read(server.url)
        registry.save(tmp_path / "it.regviz")
    written = [
        p.read_bytes() for top in (tmp_path / "it.regviz", home / "cache") for p in top.rglob("*") if p.is_file()
    ]
    assert len(written) > 10
    everything = b"".join(written) + "".join(capfd.readouterr()).encode() + repr(registry).encode()
    secrets = [SECRET, base64.b64encode(f"someone:{SECRET}".encode()).decode(), *tokens.given]
    assert [secret for secret in secrets if secret.encode() in everything] == []
    assert "sesame" not in repr(Login("someone", SECRET))


def test_one_repository_that_is_not_ours() -> None:
    shop = small_shop()
    shop.before("^/v2/team/worker/", refused(401, "UNAUTHORIZED", WWW_Authenticate="Basic realm=x"))
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert [p[:2] for p in found(registry)] == [("answer-refused", "team/worker")]
    assert set(registry.tags["repository"]) == {"team/app", "team/multi"}
