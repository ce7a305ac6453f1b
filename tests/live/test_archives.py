"""Archives on a web server: with ranges and without, behind a redirect and a login, broken off, changed, and none."""

from __future__ import annotations

import base64
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.errors import (
    AccessDeniedError,
    DamagedArchiveError,
    NotRecognisedError,
    RegvizError,
    SourceNotFoundError,
    UnreachableError,
)
from regviz.live.remote import FileClient
from regviz.storage.replayed import Replayed
from regviz.tree import tree
from tests.cli.running import START
from tests.helpers import Store, assert_same_tables, level_times, noise, pack, rows
from tests.live.servers import Asked, Reply, Server, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RANGE = re.compile(r"bytes=(\d+)-(\d*)")
ARCHIVES = ("tar", "tar.gz", "tar.zst", "zip")
LARGE = 3 << 20


@dataclass
class Files:
    """What a web server does with files: whole, or in ranges, or less than that.

    Attributes
    ----------
    breaks : list of int
        After so many bytes the next answers break off.
    """

    files: dict[str, bytes]
    ranges: bool = True
    tag: str = '"one"'
    breaks: list[int] = field(default_factory=list)
    sent: int = 0

    def __call__(self, asked: Asked) -> Reply:
        data = self.files.get(asked.path)
        if data is None:
            return Reply(404)
        start, stop, status, headers = 0, len(data), 200, {"ETag": self.tag} if self.tag else {}
        found = RANGE.fullmatch(asked.headers.get("Range", ""))
        if found and self.ranges:
            start, stop, status = int(found[1]), min(int(found[2] or len(data)) + 1, len(data)), 206
            if start >= len(data):
                return Reply(416, headers={"Content-Range": f"bytes */{len(data)}"})
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        part = data[start:stop]
        body = part[: self.breaks.pop(0)] if self.breaks and len(part) > self.breaks[0] else part
        self.sent += len(body)
        return Reply(status, body, headers, len(part))


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A registry with a layer that is larger than all the rest, and a manifest that is large."""
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base", b"app"], "1.0", "latest")
    store.image("team/large", [b"base"], "1", "2")
    store.linked_blob("team/app", b"\x1f\x8b" + noise(LARGE))
    store.push("team/wide", {"schemaVersion": 2, "manifests": [], "annotations": {"a": "x" * 400_000}}, "wide")
    level_times(store.root)
    return store.root


def archive(storage: Path, form: str) -> bytes:
    return pack(storage, form, storage.parent).read_bytes()


# --- what is read, and how


@pytest.mark.parametrize(
    ("form", "ranges"), [*((form, True) for form in ARCHIVES), *((form, False) for form in ARCHIVES[:3])]
)
def test_an_archive_says_what_its_folder_says(form: str, storage: Path, *, ranges: bool) -> None:
    with serving(Files({f"/dumps/a.{form}": archive(storage, form)}, ranges)) as server:
        read = rv.read(f"{server.url}/dumps/a.{form}?signature=secret")
    assert read.source.uri == f"{server.url}/dumps/a.{form}"
    assert_same_tables(read, rv.read(storage))
    assert len(read.tags) == 5


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_no_layer_is_fetched_where_there_are_ranges(form: str, storage: Path) -> None:
    files = Files({f"/a.{form}": archive(storage, form)})
    with serving(files) as server:
        rv.read(f"{server.url}/a.{form}")
        assert len(server.asked) <= 12
    assert files.sent < LARGE


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
def test_what_has_no_ranges_is_fetched_once(form: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    for number in range(20):
        store.image(f"team/{number}", [b"base", b"%d" % number], "1.0", "latest")
    store.linked_blob("team/1", b"\x1f\x8b" + noise(LARGE))
    data = archive(store.root, form)
    with serving(Files({f"/a.{form}": data}, ranges=False)) as server:
        read = rv.read(f"{server.url}/a.{form}")
        assert len(server.asked) == 2  # how it begins, and all of it
    assert len(read.tags) == 40


def test_a_compressed_archive_is_fetched_once_though_there_are_ranges(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base"], "1.0")
    with serving(Files({"/a.tar.gz": archive(store.root, "tar.gz")})) as server:
        rv.read(f"{server.url}/a.tar.gz")
        assert len(server.asked) == 2


def test_it_is_told_by_what_it_holds(storage: Path) -> None:
    with serving(Files({"/a.tar": archive(storage, "zip"), "/b.tar": archive(storage, "tar.zst")})) as server:
        for name in ("a.tar", "b.tar"):
            assert len(rv.read(f"{server.url}/{name}").tags) == 5


def test_nothing_is_written(storage: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    with serving(Files({"/a.tar.gz": archive(storage, "tar.gz")}, ranges=False)) as server:
        rv.read(f"{server.url}/a.tar.gz")
    assert not [*(tmp_path / "HOME").rglob("*"), *(tmp_path / "TMPDIR").rglob("*")]


# --- redirects and logins


def test_a_redirect_to_another_host_gets_no_credentials(storage: Path) -> None:
    login = "Basic " + base64.b64encode(b"me:secret").decode()
    with serving(Files({"/elsewhere/a.tar": archive(storage, "tar")})) as other:

        def answer(asked: Asked) -> Reply:
            if asked.headers.get("Authorization") != login:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="files"'})
            return Reply(302, headers={"Location": f"http://localhost:{other.port}/elsewhere/a.tar"})

        with serving(answer) as server:
            source = f"http://me:secret@127.0.0.1:{server.port}/a.tar"
            read = rv.read(source)
            assert len(read.tags) == 5
            assert "secret" not in repr(read.source)
        assert other.asked
        assert not any("Authorization" in asked.headers for asked in other.asked)


def test_redirects_without_end() -> None:
    with (
        serving(lambda _: Reply(302, headers={"Location": "/a.tar"})) as server,
        pytest.raises(UnreachableError, match="more than 5 redirects"),
    ):
        rv.read(f"{server.url}/a.tar", connections=1)


@pytest.mark.parametrize(
    ("status", "kind", "what"),
    [
        (404, SourceNotFoundError, "nothing lies at"),
        (403, AccessDeniedError, r"may not be read \(status 403\).*or take a URL that is signed"),
        (401, AccessDeniedError, r"may not be read \(status 401"),
        (418, UnreachableError, "answers with status 418"),
    ],
)
def test_refusals(status: int, kind: type[RegvizError], what: str) -> None:
    with serving(lambda _: Reply(status)) as server, pytest.raises(kind, match=what) as error:
        rv.read(f"{server.url}/a.tar?signature=secret")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("option", ["repositories", "cache", "allow_pull_marks"])
def test_options_of_live_registries(option: str) -> None:
    with pytest.raises(RegvizError, match=f"{option} is for a live registry, and https://h.example/a.tar is none"):
        rv.read("https://h.example/a.tar?secret", **{option: True})


def test_nobody_answers() -> None:
    server = Server(lambda _: Reply())
    server.close()
    with pytest.raises(UnreachableError, match=r"nothing can be read at .*: no connection"):
        rv.read(f"{server.url}/a.tar")


@pytest.mark.parametrize(("data", "what"), [(b"", "is empty"), (b"<html>" * 200, "is no archive that regviz reads")])
def test_no_archive(data: bytes, what: str) -> None:
    for ranges in (True, False):
        with (
            serving(Files({"/a.tar.gz": data}, ranges)) as server,
            pytest.raises(NotRecognisedError, match=what),
        ):
            rv.read(f"{server.url}/a.tar.gz")


def test_a_zip_needs_ranges(storage: Path) -> None:
    with (
        serving(Files({"/a.zip": archive(storage, "zip")}, ranges=False)) as server,
        pytest.raises(NotRecognisedError, match="its server sends no ranges: download it first"),
    ):
        rv.read(f"{server.url}/a.zip")


# --- what breaks off, and what changes


@pytest.mark.parametrize("form", ARCHIVES)
def test_what_breaks_off_is_taken_up_again_where_there_are_ranges(form: str, storage: Path) -> None:
    files = Files({f"/a.{form}": archive(storage, form)}, breaks=[70_000, 5000, 100])
    with serving(files) as server:
        read = rv.read(f"{server.url}/a.{form}")
    assert_same_tables(read, rv.read(storage))


@pytest.mark.parametrize("form", ["tar", "tar.gz"])
def test_a_server_that_gives_nothing_any_more(form: str, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileClient, "pause", lambda *_: None)
    files = Files({f"/a.{form}": archive(storage, form)}, breaks=[70_000, *[0] * 50])
    with serving(files) as server, pytest.raises(DamagedArchiveError, match="breaks off after"):
        rv.read(f"{server.url}/a.{form}")
    assert len(files.breaks) >= 40


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
def test_what_breaks_off_for_good(form: str, storage: Path) -> None:
    data = archive(storage, form)
    with serving(Files({f"/a.{form}": data}, ranges=False, breaks=[len(data) - 200_000] * 50)) as server:
        with pytest.raises(DamagedArchiveError, match=r"breaks off after [\d,]+ bytes.*--partial"):
            rv.read(f"{server.url}/a.{form}")
        read = rv.read(f"{server.url}/a.{form}", partial=True)
    assert not read.repositories["complete"].any()
    assert "archive-truncated" in set(read.problems["rule"])


@pytest.mark.parametrize("form", ARCHIVES)
def test_a_file_that_changes_while_it_is_read(form: str, storage: Path) -> None:
    data = archive(storage, form)
    files = Files({f"/a.{form}": data}, breaks=[70_000])

    def answer(asked: Asked) -> Reply:
        if not asked.headers.get("Range", "bytes=0-65535").endswith("0-65535"):
            files.tag = '"two"'
        return files(asked)

    with serving(answer) as server, pytest.raises(DamagedArchiveError, match="changed while it was read"):
        rv.read(f"{server.url}/a.{form}")


def test_a_server_without_tags_is_believed(storage: Path) -> None:
    with serving(Files({"/a.tar": archive(storage, "tar")}, tag="")) as server:
        assert len(rv.read(f"{server.url}/a.tar").tags) == 5


# --- tree, detect, the command line


def test_tree_and_detect_and_table(storage: Path) -> None:
    with serving(Files({"/a.tar": archive(storage, "tar")})) as server:
        url = f"{server.url}/a.tar?signature=secret"
        shown = tree(url, depth=3).table()
        assert rows(shown.iloc[:1], "path", "type") == [(f"{server.url}/a.tar", "file")]
        assert "docker/registry/v2" in set(shown["path"])
        detected = subprocess.run(
            [*START, "detect", url, "--format", "csv"], capture_output=True, text=True, check=True
        )
        assert detected.stdout.splitlines()[1].startswith("distribution,docker/registry/v2,")
        table = subprocess.run(
            [*START, "table", url, "tags", "--format", "csv"], capture_output=True, text=True, check=True
        )
        assert len(table.stdout.splitlines()) == 6
        assert "secret" not in table.stdout + table.stderr + shown.to_csv()


# --- what is kept of a stream


class Stream:
    """Bytes read forward; how often it began, and what was asked for."""

    name, forward_only = "stream", True

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.begun = data, 0, 1

    def size(self) -> int | None:
        return None

    def rewind(self) -> None:
        self.at = 0

    def read_on(self) -> None:
        self.at = len(self.data)

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        pass

    def read_at(self, offset: int, count: int) -> bytes:
        if offset < self.at:
            self.begun += 1
        self.at = min(offset + count, len(self.data))
        return self.data[offset : offset + count]


@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(0, 300_000)), max_size=12), st.integers(0, 1_000_000))
def test_what_is_kept_is_what_was_there(asked: list[tuple[int, int]], most: int) -> None:
    data = bytes(range(251)) * 8000
    stream = Stream(data)
    kept = Replayed(stream, most)
    for offset, count in asked:
        assert kept.read_at(offset, count) == data[offset : offset + count]


def test_small_things_are_kept_and_large_ones_are_not() -> None:
    data = noise(4 << 20)
    stream = Stream(data)
    kept = Replayed(stream)
    kept.read_at(0, 512)
    kept.read_at(200_000, 512)  # passed over: a document, perhaps
    kept.read_at(3 << 20, 512)  # passed over: a layer
    assert kept.read_at(100_000, 1000) == data[100_000:101_000]
    assert stream.begun == 1
    assert kept.read_at(1 << 20, 1000) == data[1 << 20 :][:1000]
    assert stream.begun == 2
