"""Real servers: with a password, behind a token server, with many repositories, as a cache, gone for a while."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import regviz as rv
from regviz.errors import AccessDeniedError, RegvizError, UnreachableError
from tests.conftest import ROOT
from tests.helpers import Store, image_config, image_manifest, plain_tables, rows
from tests.live.servers import Asked, Reply, refused, said, serving
from tests.real.service import LOOPBACK, require_program, running

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from regviz.registry import Registry

pytestmark = pytest.mark.real

SERVED = """\
version: 0.1
log: {{accesslog: {{disabled: {silent}}}}}
storage: {{filesystem: {{rootdirectory: "{root}"}}, delete: {{enabled: true}}}}
http: {{{http}addr: "127.0.0.1:{port}", secret: only-for-this-test}}
{more}
"""
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Credentials and caches of the test's own."""
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    (tmp_path / "home" / ".docker").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A few images, written as Distribution stores them."""
    made = Store(tmp_path / "storage")
    made.image("team/app", [b"base", b"app"], "1.0", "latest")
    made.image("team/worker", [b"base", b"worker"], "latest")
    return made


def serve(
    store: Store, more: str = "", *, http: str = "", port: int = 0, log: Path | None = None
) -> AbstractContextManager[int]:
    """A server on a storage; `log` has a line for each request."""
    program = require_program("docker-registry", "docker-registry")
    folder = store.root.parent
    config = folder / f"server-{next(_numbers)}.yml"
    silent = "true" if log is None else "false"
    config.write_text(SERVED.format(root=store.root, port=port, http=http, more=more, silent=silent))
    listening = rf"listening on {LOOPBACK}:(\d+)"
    command = [program, "serve", str(config)]
    return running(command, log or config.with_suffix(".log"), listening=listening, env=os.environ)


def same_tags(live: Registry, store: Store) -> bool:
    columns = ("repository", "tag", "manifest")
    return rows(live.tags, *columns) == rows(rv.read(store.root).tags, *columns)


def test_a_password(store: Store, home: Path) -> None:
    htpasswd = require_program("htpasswd", "apache2-utils")
    file = store.root.parent / "htpasswd"
    subprocess.run([htpasswd, "-Bbc", str(file), "someone", "sesame"], check=True, capture_output=True)
    with serve(store, f"auth: {{htpasswd: {{realm: a registry, path: {file}}}}}") as port:
        with pytest.raises(AccessDeniedError, match="no credentials were found"):
            rv.read(f"http://{LOOPBACK}:{port}")
        auth = base64.b64encode(b"someone:sesame").decode()
        (home / ".docker" / "config.json").write_text(json.dumps({"auths": {f"{LOOPBACK}:{port}": {"auth": auth}}}))
        live = rv.read(f"http://{LOOPBACK}:{port}")
    assert same_tags(live, store)
    assert len(live.problems) == 0


class TokenServer:
    """Signs tokens that a real Distribution accepts (docs/spec/auth/jwt.md), by openssl."""

    def __init__(self, folder: Path) -> None:
        openssl = require_program("openssl", "openssl")
        self._openssl, self._key, self.certificate = openssl, folder / "key.pem", folder / "certificate.pem"
        make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=tokens"]
        make += ["-keyout", str(self._key), "-out", str(self.certificate)]
        subprocess.run(make, check=True, capture_output=True)
        lines = self.certificate.read_text().splitlines()
        self._chain = ["".join(line for line in lines if "-----" not in line)]
        self.seconds = 300
        self.granted: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        query = parse_qs(urlsplit(asked.target).query)
        if asked.headers.get("Authorization") != "Basic " + base64.b64encode(b"someone:sesame").decode():
            return refused(401, "UNAUTHORIZED")
        self.granted += query.get("scope", [])
        access = []
        for scope in query.get("scope", []):
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {
            "iss": "tokens",
            "sub": "someone",
            "aud": query["service"][0],
            "exp": now + self.seconds,
            "nbf": now - 10,
            "iat": now,
            "jti": str(next(_numbers)),
            "access": access,
        }
        return said({"token": self._signed(claims), "expires_in": self.seconds})

    def _signed(self, claims: dict[str, Any]) -> str:
        head = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        text = b".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        command = [self._openssl, "dgst", "-sha256", "-sign", str(self._key)]
        signature = subprocess.run(command, input=text, check=True, capture_output=True).stdout
        return (text + b"." + _base64url(signature)).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_a_token_server(store: Store) -> None:
    tokens = TokenServer(store.root.parent)
    with serving(tokens) as issuer:
        more = (
            f"auth: {{token: {{realm: '{issuer.url}/token', service: registry.test, issuer: tokens, "
            f"rootcertbundle: {tokens.certificate}}}}}"
        )
        with serve(store, more) as port:
            with pytest.raises(AccessDeniedError, match=r"127\.0\.0\.1 gave no token"):
                rv.read(f"http://{LOOPBACK}:{port}", cache=False)
            live = rv.read(f"http://someone:sesame@{LOOPBACK}:{port}", cache=False)
    assert same_tags(live, store)
    assert len(live.problems) == 0
    assert set(tokens.granted) >= {"registry:catalog:*", "repository:team/app:pull", "repository:team/worker:pull"}


def test_tls(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate is always checked; an authority of one's own is named where OpenSSL looks for it."""
    openssl, folder = require_program("openssl", "openssl"), store.root.parent
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=here"]
    make += [
        "-addext",
        f"subjectAltName=IP:{LOOPBACK}",
        "-keyout",
        str(folder / "k.pem"),
        "-out",
        str(folder / "c.pem"),
    ]
    subprocess.run(make, check=True, capture_output=True)
    tls = f"tls: {{certificate: {folder / 'c.pem'}, key: {folder / 'k.pem'}}}, "
    with serve(store, http=tls) as port:
        with pytest.raises(UnreachableError, match=r"TLS failed.*SSL_CERT_FILE"):
            rv.read(f"https://{LOOPBACK}:{port}", cache=False)
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "c.pem"))
        live = rv.read(f"https://{LOOPBACK}:{port}", cache=False)
    assert same_tags(live, store)


@dataclass(frozen=True)
class Many:
    store: Store
    names: list[str]


@pytest.fixture
def many(tmp_path: Path) -> Many:
    """More repositories than a page of the catalog has, most of them with one image of a family."""
    store = Store(tmp_path / "many")
    config = image_config([b"base", b"family"])
    store.blob(config)
    names = [f"group{number % 13}/repository-{number:04}" for number in range(2345)]
    document = json.dumps(image_manifest(config, [b"base", b"family"])).encode()
    digest = store.blob(document)
    for name in names:
        store.revision(name, digest)
        store.tag(name, "latest", digest)
        store.layer_link(name, "sha256:" + hashlib.sha256(config).hexdigest())
        for layer in (b"base", b"family"):
            store.layer_link(name, "sha256:" + hashlib.sha256(layer).hexdigest())
    return Many(store, sorted(names))


def test_more_repositories_than_a_page_has(many: Many, tmp_path: Path) -> None:
    with serve(many.store) as port:
        live = rv.read(f"http://{LOOPBACK}:{port}", cache=tmp_path / "cache")
    assert live.repositories["repository"].tolist() == many.names
    assert len(live.tags) == len(many.names)
    assert live.tags["manifest"].nunique() == 1
    assert len(live.problems) == 0


def test_a_registry_that_is_gone_for_a_while(many: Many, tmp_path: Path) -> None:
    """Killed in the middle of a reading, and started again: the reading goes on, and ends as if nothing had been."""
    with serve(many.store) as port:
        undisturbed = rv.read(f"http://{LOOPBACK}:{port}", cache=False)
        taken: dict[str, Any] = {}
        middle = threading.Event()

        def progress(what: str, total: int | None) -> AbstractContextManager[Any]:
            del total
            return _watched(what, middle)

        def reading() -> None:
            taken["registry"] = rv.read(f"http://{LOOPBACK}:{port}", cache=tmp_path / "cache", progress=progress)

        thread = threading.Thread(target=reading)
        thread.start()
        assert middle.wait(60)
    time.sleep(0.2)  # it really is gone
    with serve(many.store, port=port):
        thread.join(120)
    assert plain_tables(taken["registry"], "problems") == plain_tables(undisturbed, "problems")
    assert len(taken["registry"].problems) == 0


class _watched:  # noqa: N801  # a context, named as one
    """Says when a hundred lists of tags were read."""

    def __init__(self, what: str, middle: threading.Event) -> None:
        self._counts, self._middle, self._count = what.startswith("lists of tags"), middle, 0

    def __enter__(self) -> Any:
        return self._tick

    def __exit__(self, *error: object) -> None:
        pass

    def _tick(self, count: int) -> None:
        self._count += count
        if self._counts and self._count >= 100:
            self._middle.set()


def test_a_capture_that_is_killed_and_started_again(tmp_path: Path, home: Path) -> None:
    """What came before it was killed is not asked for again, and the capture is that of one that nobody disturbed."""
    store, images = Store(tmp_path / "images"), 700
    for number in range(images):
        store.image(f"group/{number % 40}", [b"base", str(number).encode()], f"v{number}")
    logs = [tmp_path / name for name in ("first.log", "second.log")]
    with serve(store, log=logs[0]) as port:
        url = f"http://{LOOPBACK}:{port}"
        captured("undisturbed", url, "--no-cache")
        began = len(documents_asked(logs[0]))
        process = start_capture("killed", url)
        kept = 0
        while kept < 100 and process.poll() is None:
            time.sleep(0.02)
            kept = documents_kept(home)
        assert process.poll() is None, "it was done before it could be killed"
        process.kill()
        process.wait()
        assert not list(home.glob("killed*")), "half a capture is none"
        kept = documents_kept(home)
        assert len(documents_asked(logs[0])) - began < 2 * images
    with serve(store, port=port, log=logs[1]):
        captured("resumed", url)
    asked = documents_asked(logs[1])
    assert len(asked) == 2 * images - kept < 2 * images
    tables = [plain_tables(rv.read(home / f"{name}.regviz")) for name in ("undisturbed", "resumed")]
    assert tables[0] == tables[1]
    assert len(tables[0]["tags"]) == images


def start_capture(name: str, url: str, *options: str) -> subprocess.Popen[bytes]:
    home = os.environ["HOME"]
    command = [sys.executable, "-c", "from regviz.cli import main; main()", "capture", url, "-o", f"{name}.regviz"]
    return subprocess.Popen([*command, *options], cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)})


def captured(name: str, url: str, *options: str) -> None:
    assert start_capture(name, url, *options).wait() == 0


def documents_kept(home: Path) -> int:
    """Documents in the cache, as another program sees them."""
    for file in (home / "cache" / "regviz" / "registries").glob("*.sqlite"):
        opened = contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True))
        with opened as connection, contextlib.suppress(sqlite3.OperationalError):  # its table may not be there yet
            [[count]] = connection.execute("SELECT count(*) FROM documents").fetchall()
            return int(count)
    return 0


def documents_asked(log: Path) -> list[str]:
    """Manifests and configurations that a server was asked for, by its own log; the question for a proxy is none."""
    lines = re.findall(r'"GET /v2/(\S+/(?:manifests|blobs)/\S+) HTTP/1.1" 200', log.read_text())
    return [str(line) for line in lines]


def test_a_pull_through_cache(store: Store, tmp_path: Path) -> None:
    """Reading would fill it, so it is not read unless that is allowed; the question itself leaves nothing."""
    cached = Store(tmp_path / "cached")
    with serve(store) as port, serve(cached, f"proxy: {{remoteurl: 'http://{LOOPBACK}:{port}'}}") as proxy:
        url, names = f"http://{LOOPBACK}:{proxy}", ["team/app", "team/worker"]
        before = sorted(cached.root.rglob("*"))
        with pytest.raises(RegvizError, match=r"pull-through cache.*--allow-pull-marks"):
            rv.read(url, repositories=names)
        assert sorted(path for path in cached.root.rglob("*") if path.name != "scheduler-state.json") == before
        live = rv.read(url, repositories=names, allow_pull_marks=True)
    assert same_tags(live, store)
    assert live.source.proxy_cache
    assert len(live.problems) == 0
