"""Three files of many directories, looked at in one go: what `os.lstat` says of each, whatever stands in their place."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.storage import ahead as ahead_module
from regviz.storage.base import Files
from regviz.storage.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

FILES = Files(b"/json", b"/layer", b"/mark")
KINDS = ("absent", "directory", "link", "dangling", "fifo", 0, 1, 600, 8191, 8192, 8193, 20_000)
DIRECTORIES = st.lists(st.tuples(*[st.sampled_from(KINDS)] * 3), max_size=9)


def lay(path: Path, kind: str | int) -> None:
    if isinstance(kind, int):
        path.write_bytes(bytes(number % 251 for number in range(kind)))
        os.utime(path, ns=(0, 1_400_000_000_123_456_789 - kind))
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "absent":
        path.symlink_to(path.parents[2] / "secret" if kind == "link" else "nowhere")


@pytest.mark.parametrize("way", ["at once", "slow disk", "no descriptors of directories"])
@settings(max_examples=60)
@given(DIRECTORIES, st.sampled_from([1, 2, 256]))
def test_three_files_of_each(
    tmp_path_factory: pytest.TempPathFactory, way: str, directories: list[tuple[str | int, ...]], chunk: int
) -> None:
    root = tmp_path_factory.mktemp("t")
    (root / "secret").write_bytes(b"x" * 100)
    names = [f"{number}".encode() for number in range(len(directories))]
    for name, kinds in zip(names, directories, strict=True):
        (root / "images" / name.decode()).mkdir(parents=True)
        for file, kind in zip(FILES, kinds, strict=True):
            lay(root / "images" / name.decode() / file.decode()[1:], kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead_module, "CHUNK", chunk)
        patch.setattr(ahead_module, "_SLOW_SECONDS", 0.0 if way == "slow disk" else 60.0)
        if way == "no descriptors of directories":
            patch.setattr(os, "supports_dir_fd", set())
        storage = Folder(str(root))
        parts = list(storage.members(b"images", names, FILES))
    documents = [document for part in parts for document in part.documents]
    facts = [fact for part in parts for fact in zip(*(column.tolist() for column in part.facts), strict=True)]
    marked = [mark for part in parts for mark in part.marked.tolist()]
    wrong = set()
    for number, name in enumerate(names):
        document, layer, mark = (root / "images" / name.decode() / file.decode()[1:] for file in FILES)
        assert documents[number] == (document.read_bytes() if is_regular(document) else None)
        if is_regular(layer):
            said = layer.lstat()
            assert facts[number] == (said.st_size, said.st_mtime_ns // 1000, said.st_blocks * 512, said.st_ino)
        else:
            assert facts[number][0] == -1
        assert marked[number] is is_regular(mark)
        for path, kind in zip((document, layer, mark), directories[number], strict=True):
            if kind in ("link", "dangling", "fifo"):
                rule = "special-file" if kind == "fifo" else "symbolic-link"
                wrong.add((rule, str(path.relative_to(root)).encode()))
    assert len(documents) == len(facts) == len(marked) == len(names)
    assert {(problem.rule, problem.path) for problem in storage.problems} == wrong
    assert storage.complete


def is_regular(path: Path) -> bool:
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)


def test_directories_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/file").write_bytes(b"x")
    storage = Folder(str(tmp_path))
    for directory in (b"images", b"gone"):
        [members] = storage.members(directory, [b"file", b"nothing"], FILES)
        assert members.documents == [None, None]
        assert members.facts.sizes.tolist() == [-1, -1]
        assert members.marked.tolist() == [False, False]
    assert not storage.problems


def test_whether_a_directory_holds_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
    (tmp_path / "images/file").write_bytes(b"x")
    (tmp_path / "images/link").symlink_to(tmp_path / "images")
    storage = Folder(str(tmp_path))
    accepted = {name: storage.holds_directory(b"images", name.__eq__) for name in (b"a", b"b", b"c", b"file", b"link")}
    assert accepted == {b"a": True, b"b": True, b"c": False, b"file": False, b"link": False}
    assert not storage.holds_directory(b"gone", bool)


def test_a_time_in_the_far_future_is_no_end(tmp_path: Path) -> None:
    """No number of 64 bits holds its nanoseconds; what lies beside it is read all the same."""
    for name in ("a", "b"):
        directory = tmp_path / "images" / name
        directory.mkdir(parents=True)
        (directory / "json").write_bytes(b"{}")
        (directory / "layer").write_bytes(b"layer")
    os.utime(tmp_path / "images" / "a" / "layer", ns=(0, 10**19))
    (part,) = Folder(str(tmp_path)).members(b"images", [b"a", b"b"], FILES)
    assert part.documents == [b"{}", b"{}"]
    assert part.facts.sizes.tolist() == [5, 5]
    assert part.marked.tolist() == [False, False]
