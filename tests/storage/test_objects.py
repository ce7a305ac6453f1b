"""Object storage: nothing of a listing is lost or told twice however it is split; odd keys; what goes wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import regviz as rv
from regviz.errors import AccessDeniedError, NotRecognisedError, RegvizError, SourceNotFoundError, UnreachableError
from regviz.storage.base import FILE, StorageProblem, with_contents
from regviz.storage.objects.adapter import EVERYTHING, Page, Range, StrangeListingError, microseconds
from regviz.storage.objects.address import parse_object_address
from regviz.storage.objects.listing import Splitter, heads
from regviz.storage.objects.store import Objects
from tests.helpers import Store, found, rows, rules_of, sha256
from tests.storage.listing import listing
from tests.storage.shelf import SECOND, Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEYS = st.lists(
    st.one_of(
        st.text("ab/é0", min_size=1, max_size=8),
        st.builds("{}/{}".format, st.sampled_from(["x", "x/y", "x/y/z", "00", "0"]), st.text("0af/", min_size=1, max_size=4)),
    ),
    max_size=40,
    unique=True,
)  # fmt: skip


def objects(shelf: Any, prefix: str = "") -> Objects:
    return Objects(parse_object_address(f"s3://bucket/{prefix}"), shelf)


def is_clean(key: str) -> bool:
    return all(part not in ("", ".", "..") for part in key.split("/"))


# --- listings


@settings(max_examples=150)
@given(KEYS, st.integers(1, 5), st.booleans())
@example([f"d/{number:03}/x" for number in range(300)], 2, True)
@example([f"d/{number:03}" for number in range(300)], 2, False)
def test_a_split_listing_is_the_whole_and_nothing_twice(keys: list[str], size: int, has_ranges: bool) -> None:  # noqa: FBT001
    shelf = Shelf({key: key.encode() for key in keys}, size, has_ranges)
    told = sorted(listing(objects(shelf)))
    expected = sorted(key.encode() for key in keys if is_clean(key))
    assert [entry.path for entry in told] == expected
    assert [entry.content for entry in told] == expected
    assert {(entry.kind, entry.size) for entry in told} == {(FILE, len(path)) for path in expected}


@pytest.mark.parametrize("directory", ["blobs/sha256/", "images/", "repositories/team/"])
def test_a_long_listing_is_asked_for_in_many_parts(directory: str) -> None:
    keys = {f"v2/{directory}{number:04x}/data": b"" for number in range(0, 1 << 16, 8)}
    shelf = Shelf(keys, 100)
    parts = asyncio.run(Splitter(shelf).split("v2/"))
    assert len(parts) == 16
    assert shelf.pages_asked <= 32
    lead = len("v2/" + directory)
    lengths = [sum(key.startswith(part.prefix) and within(key, part.within) for key in keys) for part in parts]
    assert sum(lengths) == len(keys)
    assert max(lengths) <= len(keys) // 16
    assert all(part.prefix[:lead] == "v2/" + directory for part in parts)


def within(key: str, bounds: Range) -> bool:
    return key > bounds.after and (not bounds.until or key <= bounds.until)


def test_few_pages_are_kept_however_much_splitting_there_is() -> None:
    names = "abcdef"
    keys = {f"{a}/{b}/{c}/{d}/x": b"" for a in names for b in names for c in names for d in names}
    shelf = Shelf(keys, 2)
    parts = asyncio.run(Splitter(shelf).split(""))
    assert sum(part.page is not None for part in parts) <= 64 + 16
    assert sorted(entry.path.decode() for entry in listing(objects(Shelf(keys, 2)))) == sorted(keys)


def test_a_short_listing_is_one_request() -> None:
    shelf = Shelf({"a/b": b"1", "a/c/d": b"2"})
    assert len(listing(objects(shelf, "a/"))) == 2
    assert shelf.pages_asked == 1


def test_only_what_lies_below_the_prefix_and_the_root_is_listed() -> None:
    shelf = Shelf({"prod/a/x": b"", "prod/b/x": b"", "production/a/x": b"", "prod": b""})
    storage = objects(shelf, "prod/")
    assert [entry.path for entry in listing(storage)] == [b"a/x", b"b/x"]
    storage.narrow(b"b")
    assert [entry.path for entry in listing(storage)] == [b"b/x"]


@given(st.lists(st.text("abc/", min_size=1, max_size=6), min_size=1, max_size=30))
def test_heads_begin_every_name_and_no_other_head(names: list[str]) -> None:
    every = heads(names, 16)
    assert len(every) <= 16
    for name in names:
        assert sum(name.startswith(head) for head in every) == 1


def test_times_and_sizes_come_from_the_listing() -> None:
    shelf = Shelf({"a": b"12", "b": b"345"})
    assert [(entry.size, entry.mtime) for entry in listing(objects(shelf))] == [(2, SECOND), (3, 2 * SECOND)]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2014-05-13T15:51:48.123Z", 1_399_996_308_123_000),
        ("2014-05-13T17:51:48+02:00", 1_399_996_308_000_000),
        (datetime(2014, 5, 13, 15, 51, 48, 5, tzinfo=UTC), 1_399_996_308_000_005),
        (datetime(2014, 5, 13, 17, 51, 48, tzinfo=timezone(timedelta(hours=2))), 1_399_996_308_000_000),
        (1_399_996_308.5, 1_399_996_308_500_000),
        ("2014-13-45T15:51:48Z", 0),
        ("soon", 0),
        (float("inf"), 0),
        (None, 0),
    ],
)
def test_times(time: Any, expected: int) -> None:
    assert microseconds([time]).tolist() == [expected]
    assert microseconds([time, "1970-01-01T00:00:01Z"]).tolist() == [expected, 1_000_000]


# --- odd keys


def test_keys_that_lead_elsewhere_are_said_and_left_out() -> None:
    keys = ["a/../../etc/passwd", "..", "good", "a//b", "/root", "./x", "marker/", "full/", "p/.hidden", "new\nline"]
    shelf = Shelf({key: b"" if key == "marker/" else b"x" for key in keys})
    storage = objects(shelf)
    assert [entry.path for entry in listing(storage)] == [b"good", b"new\nline", b"p/.hidden"]
    said = {(problem.rule, problem.path) for problem in storage.problems}
    assert said == {
        ("path-escapes", b"a/../../etc/passwd"),
        ("path-escapes", b".."),
        *(("foreign-file", path) for path in (b"a//b", b"/root", b"./x", b"full/")),
    }


def test_links_in_what_is_read_like_object_storage_are_not_followed(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base"], "1.0")
    secret = tmp_path / "outside"
    (secret / "_manifests").mkdir(parents=True)
    (store.v2 / "repositories/team/other").symlink_to(secret)
    digits = sha256(b"another")[7:]
    (store.v2 / "blobs/sha256" / digits[:2] / digits).mkdir(parents=True)
    (store.v2 / "blobs/sha256" / digits[:2] / digits / "data").symlink_to("/etc/passwd")
    os.mkfifo(store.v2 / "blobs/pipe")
    read, folder = (rv.read(source, times=False) for source in (f"file://{store.root}", store.root))
    rules = ("symbolic-link", "special-file")
    assert {path for *_, path, _ in found(read, *rules)} == {
        "docker/registry/v2/blobs/pipe",
        "docker/registry/v2/repositories/team/other",
        f"docker/registry/v2/blobs/sha256/{digits[:2]}/{digits}/data",
    }
    assert rows(read.repositories, "repository") == rows(folder.repositories, "repository") == [("team/app",)]


def test_names_that_are_no_text_are_kept() -> None:
    key = b"caf\xe9/\xff".decode("utf-8", "surrogateescape")
    assert [entry.path for entry in listing(objects(ByteKeys({key: b"1"})))] == [b"caf\xe9/\xff"]


class ByteKeys(Shelf):
    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        del prefix, flat, within
        yield Page([*self.objects], [1], microseconds([1]), (), more=False)


# --- reading


def test_no_more_is_read_than_was_asked_for() -> None:
    shelf = Shelf({"a": b"x" * 100})
    storage = objects(shelf)
    assert [*storage.read_many([b"a"], [100], 10)] == [(0, b"x" * 10)]
    assert [*storage.read_many([b"a"], [7], 50)] == [(0, b"x" * 7)]
    assert [*storage.read_many([b"a"], [0], 50)] == [(0, b"x" * 50)]  # a length that is not known
    assert [count for _, count in shelf.asked] == [10, 7, 50]


def test_many_are_read_at_once_and_given_in_order() -> None:
    class Slow(Shelf):
        now = most = 0

        async def read(self, key: str, count: int) -> bytes:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.02 if int(key) % 7 == 0 else 0.001)
            self.now -= 1
            return self.objects[key][:count]

    shelf = Slow({str(number): str(number).encode() for number in range(300)})
    read = [*objects(shelf).read_many([str(n).encode() for n in range(300)], [3] * 300, 10)]
    assert read == [(number, str(number).encode()) for number in range(300)]
    assert 32 < shelf.most <= 64


def test_what_waits_is_bounded_in_bytes() -> None:
    class Counting(Shelf):
        now = most = 0

        async def read(self, key: str, count: int) -> bytes:
            self.now += count
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= count
            return key.encode()

    shelf = Counting({})
    assert len([*objects(shelf).read_many([b"a"] * 100, [4 << 20] * 100, 4 << 20)]) == 100
    assert shelf.most <= 68 << 20


@pytest.mark.parametrize(
    ("error", "why"),
    [(FileNotFoundError("a"), "it is not there any more"), (PermissionError("Access Denied"), "it may not be read")],
)
def test_what_vanished_or_is_refused_is_said(error: Exception, why: str) -> None:
    storage = objects(Shelf({"a": b"1", "b": b"2"}, errors={"a": error}))
    assert [*storage.read_many([b"a", b"b"], [1, 1], 10)] == [(0, None), (1, b"2")]
    assert [*storage.problems] == [StorageProblem("unreadable", b"a", why)]
    assert not storage.complete


def test_what_fails_in_passing_is_asked_for_again() -> None:
    class Failing(Shelf):
        async def read(self, key: str, count: int) -> bytes:
            self.asked.append((key, count))
            if len(self.asked) < 3:
                raise OSError(5, "the connection broke")
            return self.objects[key]

    storage = objects(Failing({"a": b"1"}))
    assert [*storage.read_many([b"a"], [1], 10)] == [(0, b"1")]
    assert storage.complete


def test_a_server_that_is_gone_ends_the_reading() -> None:
    storage = objects(Shelf({}, errors={"a": OSError(5, "the connection broke")}))
    with pytest.raises(UnreachableError, match=r"s3://bucket/ does not answer.*OSError"):
        list(storage.read_many([b"a"], [1], 10))


def test_contents_of_small_objects_are_put_into_columns() -> None:
    storage = objects(Shelf({"a": b"one", "b": b"two", "c": b"x" * 600, "d": b""}))
    [batch] = storage.entries()
    columns = with_contents(storage, batch.columns(), np.arange(4))
    assert [columns.content(at) for at in range(4)] == [b"one", b"two", None, b""]
    assert columns.paths.tolist() == [b"a", b"b", b"c", b"d"]


# --- what goes wrong with a listing


async def raising(error: Exception | None) -> AsyncIterator[Page]:
    if error is not None:
        raise error
    yield Page((), (), microseconds([]), (), more=False)


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (FileNotFoundError("The specified bucket does not exist"), SourceNotFoundError, "there is no bucket bucket"),
        (PermissionError("Access Denied"), AccessDeniedError, "may not be read by whom the credentials are for"),
        (type("NoCredentialsError", (Exception,), {})(), AccessDeniedError, "no credentials.*AWS_ACCESS_KEY_ID.*--anonymous"),
        (ConnectionRefusedError(111, "refused"), UnreachableError, "ConnectionRefusedError.*--endpoint-url"),
        (TypeError("an unexpected keyword"), RegvizError, "was given one that it does not take"),
        (StrangeListingError(), UnreachableError, "the server repeats itself"),
    ],
)  # fmt: skip
def test_a_listing_that_fails_says_what_to_do(error: Exception, kind: type[RegvizError], what: str) -> None:
    class Failing(Shelf):
        async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
            del prefix, flat, within
            async for page in raising(error):
                yield page

    for look in (lambda: list(objects(Failing({})).entries()), lambda: objects(Failing({})).children(b"")):
        with pytest.raises(kind, match=what) as raised:
            look()
        assert type(raised.value) is kind


def test_keys_that_were_not_asked_for_are_not_taken() -> None:
    class Strange(Shelf):
        async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
            del prefix, flat, within
            yield Page(["elsewhere/secret"], [1], microseconds([1]), (), more=False)

    storage = objects(Strange({}), "prod/")
    for look in (lambda: list(storage.entries()), lambda: storage.children(b"")):
        with pytest.raises(UnreachableError, match="gives what was not asked for"):
            look()


def test_a_listing_that_fails_in_the_middle_raises() -> None:
    class Breaking(Shelf):
        async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
            number = 0
            async for page in super().pages(prefix, flat=flat, within=within):
                number += 1
                if flat and number == 3:
                    raise ConnectionResetError
                yield page

    storage = objects(Breaking({f"d/{number:05}": b"" for number in range(3000)}, 100, has_ranges=False))
    with pytest.raises(UnreachableError, match="does not answer"):
        list(storage.entries())


def test_a_listing_that_nobody_takes_to_its_end_is_let_go() -> None:
    storage = objects(Shelf({f"d/{number:05}": b"" for number in range(30_000)}, 100))
    entries = storage.entries()
    next(entries)
    entries.close()
    assert len(list(storage.entries())) >= 3


# --- addresses


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("s3://", "names no bucket: write s3://BUCKET"),
        ("gs:///prefix", "names no bucket"),
        ("s3://key:secret@bucket/x", r"s3://…@bucket/x carries a password"),
        ("s3://bucket/dumps/prod.tar.gz", "is an archive by its name.*https:// URL"),
        ("nosuch://x/y", "is no storage that fsspec knows"),
    ],
)
def test_addresses_that_are_none(source: str, what: str) -> None:
    with pytest.raises(RegvizError, match=what) as error:
        rv.read(source)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "protocol", "bucket", "prefix"),
    [
        ("s3://reg", "s3", "reg", ""),
        ("S3A://reg/a/b", "s3", "reg", "a/b/"),
        ("gcs://reg//", "gs", "reg", "/"),
        ("abfs://box@account.dfs.core.windows.net/p", "az", "box", "p/"),
        ("az://box/p//", "az", "box", "p//"),
        ("memory://", "memory", "", ""),
    ],
)
def test_addresses(source: str, protocol: str, bucket: str, prefix: str) -> None:
    address = parse_object_address(source)
    assert address[:3] == (protocol, bucket, prefix)


@pytest.mark.parametrize(
    ("scheme", "module", "extra"), [("s3", "s3fs", "s3"), ("gs", "gcsfs", "gs"), ("az", "adlfs", "az")]
)
def test_an_extra_that_is_not_installed(scheme: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RegvizError, match=rf"not installed here \({module}\): pip install 'regviz\[{extra}\]'"):
        rv.read(f"{scheme}://bucket/prefix")


def test_fsspec_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(
        RegvizError, match=r"memory://x needs what is not installed here \(fsspec\): pip install fsspec"
    ):
        rv.read("memory://x")


def test_storage_options_are_for_object_storage(tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"storage_options .* are for object storage"):
        rv.read(tmp_path, storage_options={"anon": True})


# --- whole registries


@pytest.fixture
def bucket() -> Any:
    """fsspec's own storage in memory, empty."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def put(bucket: Any, root: Path, prefix: str) -> None:
    for path in root.rglob("*"):
        if path.is_file():
            bucket.pipe(f"/{prefix}/{path.relative_to(root)}", path.read_bytes())


def test_a_manifest_that_vanished_makes_the_repositories_incomplete(bucket: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    manifest = store.image("team/app", [b"base"], "1.0")
    put(bucket, store.root, "reg")
    storage_read = type(bucket).cat_file

    def cat_file(self: Any, path: str, **options: Any) -> bytes:
        if manifest[7:] in path:
            raise FileNotFoundError(path)
        return storage_read(self, path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(bucket), "cat_file", cat_file)
        reg = rv.read("memory://reg")
    assert "unreadable" in rules_of(reg)
    assert rows(reg.repositories, "repository", "complete") == [("team/app", False)]


@pytest.mark.parametrize("below", ["", "/docker", "/docker/registry", "/docker/registry/v2"])
def test_the_root_is_found_from_anywhere_above_and_nothing_else_is_listed(
    bucket: Any, tmp_path: Path, below: str
) -> None:
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base"], "1.0")
    put(bucket, store.root, "backups/2024")
    reg = rv.read(f"memory://backups/2024{below}")
    assert reg.source.layouts == ("distribution",)
    assert reg.source.uri == f"memory://backups/2024{below}"
    assert rows(reg.tags, "repository", "tag") == [("team/app", "1.0")]
    assert not reg.source.knows_disk


def test_marks_beside_the_storage_are_seen(bucket: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base"], "1.0")
    put(bucket, store.root, "reg")
    bucket.pipe("/reg/scheduler-state.json", b"{}")
    assert rv.read("memory://reg").source.proxy_cache


def test_nothing_below_a_prefix(bucket: Any) -> None:
    bucket.pipe("/reg/a", b"x")
    with pytest.raises(NotRecognisedError, match="no object lies below memory://other"):
        rv.read("memory://other")
    with pytest.raises(NotRecognisedError, match=r"no registry was found in memory://reg \(it holds a\)"):
        rv.read("memory://reg")


def test_the_tree_and_detect_and_the_storage_table(bucket: Any, tmp_path: Path) -> None:
    from regviz.tree import tree

    store = Store(tmp_path / "storage")
    store.image("team/app", [b"base"], "1.0")
    put(bucket, store.root, "reg")
    of_objects, of_folder = tree(f"file://{store.root}").table(), tree(store.root).table()
    shown = ["path", "type", "bytes", "explanation", "repository"]
    assert rows(of_objects.iloc[1:], *shown) == rows(of_folder.iloc[1:], *shown)
    measured, expected = (rv.read(source, measure=True).storage for source in ("memory://reg", store.root))
    files = expected["category"] != "directories"
    columns = ("category", "files", "apparent_bytes")
    assert rows(measured[files], *columns) == rows(expected[files], *columns)


def test_importing_regviz_and_reading_a_folder_loads_no_fsspec() -> None:
    program = "import regviz as rv, sys; rv.read(); print({'fsspec', 's3fs', 'aiohttp'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
