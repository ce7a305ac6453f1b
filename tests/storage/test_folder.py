"""A folder: no link is followed, nothing blocks, what cannot be read is said, threads change nothing."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz import native
from regviz.storage import ahead as ahead_module
from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK
from regviz.storage.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a secret beside it."""
    outside = tmp_path / "outside"
    (outside / "dir/sha256/x").mkdir(parents=True)
    (outside / "dir/sha256/x/link").write_bytes(b"secret")
    (outside / "file").write_bytes(b"secret")
    inside = tmp_path / "root"
    inside.mkdir()
    return inside


def problems(storage: Folder) -> list[tuple[str, bytes]]:
    return [(problem.rule, problem.path) for problem in storage.problems]


def test_links_are_listed_and_not_followed(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real/file").write_bytes(b"x")
    for name, target in (
        ("out", root.parent / "outside/dir"),
        ("in", root / "real"),
        ("file", root.parent / "outside/file"),
        ("loop", root / "loop"),
        ("nowhere", root / "nothing"),
        ("up", root),
    ):
        (root / name).symlink_to(target)
    storage = Folder(str(root))
    listing = storage.children(b"")
    assert listing.directories == [b"real"]
    assert listing.files == []
    links = [b"file", b"in", b"loop", b"nowhere", b"out", b"up"]
    assert sorted(listing.links) == links
    found = {path: kind for batch in storage.entries() for path, kind in zip(batch.paths, batch.types, strict=True)}
    assert found == {**dict.fromkeys(links, SYMLINK), b"real": DIRECTORY, b"real/file": FILE}
    assert sorted(problems(storage)) == [("symbolic-link", link) for link in links]
    assert storage.complete


def test_no_way_of_reading_goes_through_a_link(root: Path) -> None:
    (root / "dir").symlink_to(root.parent / "outside/dir")
    (root / "file").symlink_to(root.parent / "outside/file")
    (root / "tag").mkdir()
    (root / "tag/current").symlink_to(root.parent / "outside/dir/sha256/x")
    (root / "tag/index").symlink_to(root.parent / "outside/dir")
    storage = Folder(str(root))
    assert storage.children(b"dir") == ([], [], [])
    assert storage.children(b"tag/index") == ([], [], [])
    assert storage.stat_many(b"", [b"file"]).sizes.tolist() == [-1]
    assert storage.measure_links(b"", [b"file"], b"")[0] == [-1]
    assert [data for _, data in storage.read_many([b"file"], [6], 100)] == [None]
    assert storage.read_links(b"", [b"file"], b"")[0] == [None]
    assert storage.read_links(b"", [b"tag"], b"/current/link")[0] == [None]
    assert storage.lone_digests(b"", [(b"tag", b"x")]) == [False]
    assert {rule for rule, _ in problems(storage)} == {"symbolic-link"}


def test_the_root_itself_may_be_a_link(root: Path) -> None:
    (root / "a").write_bytes(b"x")
    (root.parent / "link").symlink_to(root)
    assert Folder(str(root.parent / "link")).children(b"").files == [b"a"]


def test_special_files_do_not_block(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "fifo")
    monkeypatch.chdir(root)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        (root / "directory").mkdir()
        names = [b"fifo", b"socket", b"directory", b"nothing"]
        storage = Folder(str(root))
        assert storage.stat_many(b"", names).sizes.tolist() == [-1] * 4
        assert storage.measure_links(b"", names, b"")[0] == [-1] * 4
        assert [data for _, data in storage.read_many(names, [100] * 4, 100)] == [None] * 4
        assert storage.read_links(b"", names, b"")[0] == [None] * 4
        found = {p: k for batch in storage.entries() for p, k in zip(batch.paths, batch.types, strict=True)}
    assert found == {b"fifo": OTHER, b"socket": OTHER, b"directory": DIRECTORY}
    assert {("special-file", b"fifo"), ("special-file", b"socket")} == {*problems(storage)}
    assert storage.complete


def deny(monkeypatch: pytest.MonkeyPatch, name: str, refused: Callable[[object], bool]) -> None:
    """Have a system call refuse some paths, as it refuses a user who is not root."""
    original = getattr(os, name)
    monkeypatch.setattr(native, "library", lambda: None)

    def call(path: object, *args: object, **kwargs: object) -> object:
        if refused(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(os, name, call)


def test_a_directory_that_may_not_be_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "secret/x").mkdir(parents=True)
    (root / "open").write_bytes(b"x")
    storage = Folder(str(root))
    deny(
        monkeypatch,
        "open",
        lambda path: str(os.fsdecode(path)).endswith("secret") if isinstance(path, bytes) else False,
    )
    deny(monkeypatch, "scandir", lambda path: isinstance(path, bytes) and path.endswith(b"secret"))
    paths = [path for batch in storage.entries() for path in batch.paths]
    assert sorted(paths) == [b"open", b"secret"]
    assert storage.stat_many(b"secret", [b"x"]).sizes.tolist() == [-1]
    assert {rule for rule, _ in problems(storage)} == {"unreadable"}
    assert [*storage.problems][0].detail == "Permission denied"
    assert not storage.complete


def test_a_file_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (root / name).write_bytes(b"x")
    storage = Folder(str(root))
    deny(monkeypatch, "open", lambda path: isinstance(path, bytes) and path.endswith(b"b"))
    assert [data for _, data in storage.read_many([b"a", b"b"], [1, 1], 10)] == [b"x", None]
    assert storage.read_links(b"", [b"a", b"b"], b"")[0] == [b"x", None]
    assert problems(storage) == [("unreadable", b"b")]
    assert not storage.complete


def test_what_goes_away_while_it_is_read(root: Path) -> None:
    """A registry in use: an upload's directory may be gone when its turn comes."""
    storage = Folder(str(root))
    assert storage.children(b"gone") == ([], [], [])
    assert storage.stat_many(b"gone", [b"a"], b"/data").sizes.tolist() == [-1]
    assert storage.measure_links(b"gone", [b"a"], b"/data") == ([-1], [0])
    assert storage.exist_many(b"gone", [b"a"], b"/data").tolist() == [False]
    assert storage.read_links(b"gone", [b"a"], b"/link")[0] == [None]
    assert storage.lone_digests(b"gone", [(b"a", b"b")]) == [False]
    assert not storage.problems


def test_names_of_any_bytes(root: Path) -> None:
    names = [b"caf\xe9", b"\xff\xfe", b"new\nline", b"back\\slash", "中".encode(), b"x" * 255, b" ", b"-rf"]
    for name in names:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(name)
    storage = Folder(str(root))
    assert sorted(storage.children(b"").files) == sorted(names)
    assert [data for _, data in storage.read_many(names, [0] * len(names), 1000)] == names
    assert storage.stat_many(b"", names).sizes.tolist() == [len(name) for name in names]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 16_383, 16_384, 16_385, 100_000])
def test_contents_of_any_length(root: Path, size: int) -> None:
    """Also where the length was not known before (0)."""
    data = bytes(number % 251 for number in range(size))
    (root / "a").write_bytes(data)
    storage = Folder(str(root))
    assert [found for _, found in storage.read_many([b"a", b"a"], [size, 0], 1 << 20)] == [data, data]
    assert [found for _, found in storage.read_many([b"a", b"a"], [size, 0], 400)] == [data[:400], data[:400]]
    assert storage.read_links(b"", [b"a"], b"")[0] == [data[:512]]


@given(st.lists(st.integers(-1, 2000), max_size=70), st.sampled_from([1, 3, 256]))
def test_threads_change_nothing(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], chunk: int) -> None:
    """A slow disk is read by threads, in the order that was asked for; every disk is slow here."""
    root = tmp_path_factory.mktemp("t")
    names = [f"{number}".encode() for number in range(len(sizes))]
    for name, size in zip(names, sizes, strict=True):
        if size >= 0:
            (root / name.decode()).mkdir()
            (root / name.decode() / "link").write_bytes(name * size)
            os.utime(root / name.decode() / "link", (1_400_000_000 + size, 1_400_000_000 + size))
    answers = []
    for slow in (60.0, 0.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ahead_module, "_SLOW_SECONDS", slow)
            patch.setattr(ahead_module, "CHUNK", chunk)
            storage = Folder(str(root))
            stats = storage.stat_many(b"", names, b"/link")
            paths = [name + b"/link" for name in names]
            answers.append(
                (
                    np.stack(stats).tolist(),
                    storage.exist_many(b"", names, b"/link").tolist(),
                    storage.measure_links(b"", names, b"/link") == (stats.sizes.tolist(), stats.mtimes.tolist()),
                    storage.read_links(b"", names, b"/link"),
                    list(storage.read_many(paths, stats.sizes.tolist(), 1 << 20)),
                )
            )
    assert answers[0] == answers[1]
    assert answers[0][0][0] == [len(name) * size if size >= 0 else -1 for name, size in zip(names, sizes, strict=True)]
    assert answers[0][1] == [size >= 0 for size in sizes]
    assert answers[0][2] is True


HEX, OTHER_HEX = b"a" * 64, b"b" * 64


def index_of(root: Path, tag: str, *links: str) -> Path:
    """A tag's index that holds these files."""
    for link in links:
        (root / tag / "index" / link).parent.mkdir(parents=True, exist_ok=True)
        (root / tag / "index" / link).write_bytes(b"")
    return root / tag / "index"


def test_an_index_of_one_digest_is_told_without_a_listing(root: Path) -> None:
    """Whatever else may lie there is looked for in a listing; nothing is followed to find out."""
    digest, other = f"sha256/{HEX.decode()}", f"sha256/{OTHER_HEX.decode()}"
    outside = index_of(root.parent, "outside/tag", f"{digest}/link")
    index_of(root, "once", f"{digest}/link")
    index_of(root, "beside a file", f"{digest}/link", "file", "sha256/file", f"{digest}/file")
    index_of(root, "another", f"{other}/link")
    index_of(root, "two", f"{digest}/link", f"{other}/link")
    index_of(root, "two algorithms", f"{digest}/link", f"sha512/{'c' * 128}/link")
    index_of(root, "another algorithm", f"sha512/{'c' * 128}/link")
    index_of(root, "nothing", f"{digest}/link")
    (root / "nothing/index" / digest / "link").unlink()
    index_of(root, "a directory", f"{digest}/link/x")
    (root / "no index").mkdir()
    (root / "file").write_bytes(b"")
    (root / "no digest").mkdir()
    for name, place, target in (
        ("index link", "index", outside),
        ("algorithm link", "index/sha256", outside / "sha256"),
        ("digest link", f"index/{digest}", outside / digest),
        ("link link", f"index/{digest}/link", outside / digest / "link"),
    ):
        (root / name / place).parent.mkdir(parents=True)
        (root / name / place).symlink_to(target)
    # a link to the one directory that is counted beside it
    index_of(root, "digest link within", f"{other}/link")
    (root / "digest link within/index" / digest).symlink_to(OTHER_HEX.decode())
    index_of(root, "algorithm link within", f"sha512/{HEX.decode()}/link")
    (root / "algorithm link within/index/sha256").symlink_to("sha512")
    storage = Folder(str(root))
    names = sorted(path.name for path in root.iterdir())
    lone = storage.lone_digests(b"", [(name.encode(), HEX if name != "no digest" else b"") for name in names])
    counted = (root / "once/index").lstat().st_nlink == 3  # not by btrfs, which has every index listed
    assert [name for name, alone in zip(names, lone, strict=True) if alone] == ["beside a file", "once"] * counted
    assert not storage.problems


def test_what_was_listed_is_a_directory(root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/file").write_bytes(b"")
    (root / "a/link").symlink_to("b")
    storage = Folder(str(root))
    assert storage.children(b"a", listed=True) == ([b"b"], [b"file"], [b"link"])
    assert storage.children(b"gone", listed=True) == ([], [], [])


def test_contents_in_any_order_and_of_any_directories(root: Path) -> None:
    paths = [b"a/b/1", b"c", b"a/b/2", b"a/bb/3", b"a/4", b"a/b/1"]
    for path in paths:
        file = root / path.decode()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path * 3)
    (root / "a/out").symlink_to(root.parent / "outside/dir/sha256/x")
    storage = Folder(str(root))
    for chosen in (paths, paths[::-1], paths[:1], paths[2:4], [], [b"a/b/2", b"a/b/gone", b"a/b/1"]):
        expected = [*enumerate(None if path.endswith(b"gone") else path * 3 for path in chosen)]
        assert [*storage.read_many(chosen, [len(path) * 3 for path in chosen], 100)] == expected
    assert not storage.problems
    assert [*storage.read_many([b"a/out/link", b"a/out/link"], [6, 6], 100)] == [(0, None), (1, None)]
    assert problems(storage) == [("symbolic-link", b"a/out")]


def test_a_file_that_is_no_more_as_long_as_it_was(root: Path) -> None:
    (root / "a").write_bytes(b"four")
    storage = Folder(str(root))
    assert [data for _, data in storage.read_many([b"a"] * 4, [1, 4, 9, 0], 100)] == [b"f", b"four", b"four", b"four"]


@pytest.mark.parametrize("year", [1900, 2014, 2261, 2263, 2400])
def test_times_of_any_year(root: Path, year: int) -> None:
    """Nanoseconds since 1970 take more than 64 bits from 2262 on; file systems differ in what they keep."""
    (root / "a").write_bytes(b"")
    os.utime(root / "a", ((year - 1970) * 31_556_952,) * 2)
    kept = int((root / "a").stat().st_mtime) * 1_000_000
    storage = Folder(str(root))
    assert storage.stat_many(b"", [b"a"]).mtimes.tolist() == [kept]
    assert storage.measure_links(b"", [b"a"], b"") == ([0], [kept])
    assert storage.read_links(b"", [b"a"], b"") == ([b""], [kept])


def test_a_problem_is_said_once(root: Path) -> None:
    (root / "link").symlink_to("x")
    storage = Folder(str(root))
    for _ in range(2):
        storage.children(b"")
    assert problems(storage) == [("symbolic-link", b"link")]
