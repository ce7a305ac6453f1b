"""What some registries do in their own way: Google's lists, referrers, marks; addresses; what commands make of it."""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import NotKnowableError, RegvizError
from regviz.layouts.common import Options
from regviz.live import documents, http, marks
from regviz.live.address import Address, parse_address
from regviz.live.credentials import Credentials
from regviz.live.listing import catalog
from regviz.live.options import Live
from tests.cli.running import done, run, start
from tests.helpers import OCI_INDEX, OCI_MANIFEST, descriptor, encode, found, rows
from tests.live.servers import Reply, Shop, refused, said, serving, small_shop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.servers import Asked


# --- Google


def googles() -> tuple[Shop, str]:
    """A project without a catalog: `p` has a repository below, which has one more; one manifest has no tag."""
    shop = Shop()
    for name in ("p/app", "p/app/deep"):
        shop.image(name, [b"base", name.encode()], "latest")
    untagged = shop.image("p/app", [b"base", b"old"])

    def answer(asked: Asked) -> Reply:
        name = asked.path.removeprefix("/v2/").removesuffix("/tags/list")
        told = {
            digest: {
                "imageSizeBytes": "123",
                "layerId": "",
                "mediaType": OCI_MANIFEST,
                "tag": [tag for tag, target in shop.tags.get(name, {}).items() if target == digest],
                "timeCreatedMs": "1400000000000",
                "timeUploadedMs": "1500000000123",
            }
            for digest in shop.served.get(name, ())
        }
        below = {
            other.removeprefix(f"{name}/").partition("/")[0] for other in shop.served if other.startswith(f"{name}/")
        }
        return said({"child": sorted(below), "manifest": told, "name": name, "tags": sorted(shop.tags.get(name, {}))})

    shop.before("tags/list$", answer)
    shop.before("_catalog", refused(401, "UNAUTHORIZED"))
    return shop, untagged


def test_google_tells_what_lies_below_and_what_has_no_tag() -> None:
    shop, untagged = googles()
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False, repositories=["p"])
    assert rows(registry.repositories, "repository", "has_tags") == [
        ("p", False),
        ("p/app", True),
        ("p/app/deep", True),
    ]
    served = rows(registry.repository_manifests, "repository", "manifest", "linked_at")
    uploaded = dt.datetime(2017, 7, 14, 2, 40, 0, 123000, tzinfo=dt.UTC)
    assert {(r, m) for r, m, _ in served} == {(r, m) for r, named in shop.served.items() for m in named}
    assert {when for _, _, when in served} == {uploaded}
    assert set(registry.tags["pushed_at"]) == {uploaded}
    assert dict(rows(registry.manifests, "manifest", "kind"))[untagged] == "image"
    assert (registry.source.knows_untagged, registry.source.trusts_times) == (True, True)
    assert len(registry.problems) == 0
    assert [a for a in server.asked if a.method == "HEAD"] == []  # tags are told, and so not asked for
    assert server.paths("GET", "/manifests/latest") == []


def test_google_with_odd_numbers() -> None:
    shop, _ = googles()
    digest = shop.tags["p/app"]["latest"]
    for odd in ("", "soon", "-5", "9" * 40, None, 7.5, []):
        answer = {
            "tags": ["latest"],
            "manifest": {digest: {"tag": ["latest", 5], "timeUploadedMs": odd}, "x": {}, "y": []},
        }
        shop.before("^/v2/p/app/tags/list$", said(answer))
        with serving(shop) as server:
            registry = rv.read(server.url, cache=False, repositories=["p/app"])
        assert registry.tags["pushed_at"].isna().all()
        assert rows(registry.tags, "tag", "manifest") == [("latest", digest)]


# --- referrers


def signed() -> tuple[Shop, str, str, str]:
    """An image with a signature, and that with one of its own; neither has a tag."""
    shop = small_shop()
    image = shop.tags["team/app"]["latest"]

    def speak(subject: str) -> str:
        about = descriptor(shop.manifests[subject][1], OCI_MANIFEST)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.cncf.notary.signature",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": empty},
            "layers": [],
            "subject": about,
        }
        return shop.manifest("team/app", document)

    empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    shop.blobs[empty] = b"{}"
    first = speak(image)
    second = speak(first)
    entry = [descriptor(shop.manifests[first][1], OCI_MANIFEST)], [descriptor(shop.manifests[second][1], OCI_MANIFEST)]
    shop.referrers = {image: entry[0], first: entry[1]}
    return shop, image, first, second


def test_referrers_are_read_and_theirs() -> None:
    shop, image, first, second = signed()
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert {(m, s) for m, s in rows(registry.manifests, "manifest", "subject") if s} == {
        (first, image),
        (second, first),
    }
    assert dict(rows(registry.manifests, "manifest", "kind"))[second] == "signature"
    served = {m for r, m in rows(registry.repository_manifests, "repository", "manifest") if r == "team/app"}
    assert served >= {image, first, second}
    assert len(registry.problems) == 0
    asked = server.paths("GET", "/referrers/")
    assert len(asked) == len(set(asked)) == len(registry.repository_manifests)


@pytest.mark.parametrize(
    "reply",
    [
        refused(404, "NOT_FOUND"),
        refused(400, "UNSUPPORTED"),
        refused(406, "UNSUPPORTED"),
        said({"manifests": []}),
        Reply(200, b"<html>", {"Content-Type": "text/html"}),
    ],
)
def test_registries_without_referrers_are_asked_once(reply: Reply) -> None:
    shop, image, first, _ = signed()
    shop.before("/referrers/", reply)
    shop.index("team/app", [first], image.replace(":", "-"))  # the fallback: a tag
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert len(server.paths("GET", "/referrers/")) == 1
    assert dict(rows(registry.manifests, "manifest", "kind"))[first] == "signature"
    assert len(registry.problems) == 0


def test_a_list_of_referrers_that_fails() -> None:
    shop, image, _, _ = signed()
    shop.before(f"/team/app/referrers/{image}", Reply(503))
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    said_so = [p[:3] for p in found(registry)]
    assert said_so == [("answer-failed", "team/app", image)]


def test_referrers_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may make up one manifest about another for ever."""
    monkeypatch.setattr(documents, "_DEEPEST", 20)
    shop, _, _, _ = signed()

    def one_more(asked: Asked) -> Reply:
        subject = asked.path.rpartition("/")[2]
        about = {"mediaType": OCI_MANIFEST, "digest": subject, "size": len(shop.manifests[subject][1])}
        digest = shop.manifest(
            "team/app", {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "subject": about}
        )
        entry = descriptor(shop.manifests[digest][1], OCI_MANIFEST)
        return Reply(200, encode({"schemaVersion": 2, "manifests": [entry]}), {"Content-Type": OCI_INDEX})

    shop.before("^/v2/team/app/referrers/", one_more)
    with serving(shop) as server:
        registry = rv.read(server.url, cache=False)
    assert [p[0] for p in found(registry, "pages-broken")] == ["pages-broken"]
    assert not registry.repositories["complete"].any()


# --- marks


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({"X-JFrog-Version": "Artifactory/7.1"}, "Artifactory"),
        ({"Server": "Nexus/3.60.0-02 (OSS)"}, "Nexus"),
        ({"WWW-Authenticate": 'Bearer realm="https://h/service/token",service="harbor-registry"'}, "Harbor"),
    ],
)
def test_reading_that_leaves_marks_is_asked_for(headers: dict[str, str], who: str) -> None:
    shop = small_shop()
    shop.before("^/v2/$", Reply(401 if "WWW-Authenticate" in headers else 200, b"{}", headers))
    with serving(shop) as server:
        with pytest.raises(RegvizError, match=f"would leave marks: {who} .*--allow-pull-marks"):
            rv.read(server.url, cache=False)
        assert [a.path for a in server.asked] == ["/v2/"]
        if "WWW-Authenticate" not in headers:
            assert len(rv.read(server.url, cache=False, allow_pull_marks=True).tags) == 4


@pytest.mark.parametrize(
    ("host", "marked"),
    [
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", True),
        ("123456789012.dkr-ecr.eu-central-1.on.aws", True),
        ("registry-1.docker.io", True),
        ("mirror.gcr.io", True),
        ("registry.example.org", False),
        ("ghcr.io", False),
    ],
)
def test_marks_by_host(host: str, marked: bool) -> None:  # noqa: FBT001
    client = http.Client(Address("https", host), Credentials(host))
    assert bool(marks.marks(client, http.Answer(200, {}, b"", ""))) is marked
    client.close()


# --- addresses


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ("https://registry.example.org", "https://registry.example.org"),
        ("https://registry.example.org:443/v2/", "https://registry.example.org"),
        ("https://u:p@registry.example.org:5000/", "https://registry.example.org:5000"),
        ("https://docker.io", "https://registry-1.docker.io"),
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://[::1]:5000/v1", "http://[::1]:5000"),
        ("HTTPS://Registry.Example.ORG/a/b/", "https://registry.example.org/a/b"),
    ],
)
def test_addresses(source: str, uri: str) -> None:
    assert parse_address(source).uri == uri


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("http://h.example/dump.tar", "plain HTTP"),
        ("https://h.example:x/dump.TAR.GZ", "no URL that can be read"),
        ("https:///dump.tar?signature=secret", "names no host"),
        ("https://h.example/prod.regviz?token=secret", "more than a registry's URL"),
        ("http://h.example", "plain HTTP"),
        ("http://127.0.0.1.example.org", "plain HTTP"),
        ("docker://h.example/team/app:1", r"write https://h.example, and choose with repositories=\['team/app'\]"),
        ("docker://someone:secret@h.example", "write https://h.example$"),
        ("https://", "names no host"),
        ("https://a b", "names no host"),
        ("https://h.example:x", "no URL that can be read"),
        ("https://h.example:99999", "no URL that can be read"),
        ("https://h.example/?q=secret", "more than a registry's URL"),
    ],
)
def test_addresses_that_are_none(source: str, what: str) -> None:
    with pytest.raises(RegvizError, match=what) as error:
        rv.read(source)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"repositories": "team/app"}, r"write repositories=\['team/app'\]"),
        ({"connections": 0}, "connections is a number from 1 to 256"),
        ({"rate": 0}, "rate is a number"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], what: str) -> None:
    with pytest.raises(RegvizError, match=what):
        rv.read("http://127.0.0.1:9", **options)


def test_options_of_live_registries_do_not_go_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match="connections is for a live registry"):
        rv.read(tmp_path, connections=4)


def test_names_of_docker_hub() -> None:
    """Official images have a namespace that nobody writes."""
    client = http.Client(parse_address("https://docker.io"), Credentials("registry-1.docker.io"))
    names, problem = catalog(client, Live(repositories=["nodejs", "team/app"]), Options())
    client.close()
    assert (names, problem) == (["library/nodejs", "team/app"], None)


# --- the command line


def test_capture_and_tables_of_a_live_registry(tmp_path: Path) -> None:
    target = tmp_path / "prod.regviz"
    with serving(small_shop()) as server:
        assert done("capture", server.url, "-o", target) == f"{target}\n"
        assert '"team/app"' in done("table", server.url, "tags", "--format", "json", "--no-cache")
        assert "layers" in done("table", server.url)
        assert "registry-v2" in done("detect", server.url)
        names = tmp_path / "names.txt"
        names.write_text("# ours\nteam/app\n\nteam/w*\n")
        printed = done(
            "table", server.url, "tags", "--format", "csv", "--repositories", f"@{names}", "--cache", tmp_path / "c"
        )
    assert {line.split(",")[0] for line in printed.splitlines()[1:]} == {"team/app", "team/worker"}
    assert len(rv.read(target).tags) == 4
    assert rv.read(target).source.knows_all_blobs is False


def test_errors_are_one_line() -> None:
    with serving(small_shop()) as server:
        pass
    for words in (["tags"], []):
        result = run("table", server.url, *words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"regviz: nothing answers at {server.url}")
    assert run("sizes", server.url, "--cache", "x", "--no-cache").exit_code == 2
    assert run("sizes", server.url, "--connections", "0").exit_code == 2


def test_a_live_registry_shows_no_storage() -> None:
    with serving(small_shop()) as server:
        assert "does not show its storage" in run("tree", server.url).stderr
        assert "read the registry's storage folder" in run("table", server.url, "storage").stderr
        with pytest.raises(NotKnowableError):
            rv.tree(server.url)
        with pytest.raises(NotKnowableError):
            rv.read(server.url, measure=True)


def test_an_interrupted_reading_ends_at_once(tmp_path: Path) -> None:
    """Ctrl-C, as a terminal sends it: one line, and no waiting for requests on the way."""
    shop, asked = small_shop(), threading.Event()
    with serving(shop) as server:

        def stuck(_: Asked) -> None:
            asked.set()
            server.ending.wait(60)

        shop.before("/manifests/latest", stuck)
        process = start("capture", server.url, "-o", tmp_path / "never.regviz", "--no-cache")
        assert asked.wait(60)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert (process.returncode, complaint) == (130, b"regviz: interrupted\n")
    assert time.monotonic() - began < 10
    assert not (tmp_path / "never.regviz").exists()


def test_progress_says_how_much_there_is() -> None:
    said_so: list[tuple[str, int | None]] = []
    ticks: dict[str, int] = {}

    @contextmanager
    def progress(what: str, total: int | None) -> Any:
        said_so.append((what, total))
        yield lambda count: ticks.__setitem__(what, ticks.get(what, 0) + count)

    with serving(small_shop()) as server:
        rv.read(server.url, cache=False, progress=progress)
    assert said_so == [
        ("pages of the catalog", None),
        ("lists of tags, of 4 repositories", 4),
        ("tags (at most 8 requests, and those for what indexes list)", 4),
        ("manifests that others lead to", 2),
        ("configurations", 4),
    ]
    assert [ticks[what] for what, total in said_so if total] == [total for _, total in said_so if total]
