"""What a checkout of Windows or macOS needs: short paths, names that no system refuses, line ends that nobody changes."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from regviz import lesson, share
from regviz.report.lab_check import longest_path
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ARCHIVES = sorted(path.name for path in (ROOT / "data").glob("*.tar*"))
MOST = 200
# Of cosign's signature of an image: a tag and a digest in one path. The archive is read as it is, never laid out.
LONG = {"world-distribution.tar.gz"}
# Microsoft's documentation, "Naming Files, Paths, and Namespaces".
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def refused(paths: Iterable[str]) -> list[str]:
    """The paths that Windows or macOS would not make, or take for another."""
    paths = list(paths)
    seen: dict[str, str] = {}
    for path in {str(above) for one in paths for above in (PurePosixPath(one), *PurePosixPath(one).parents)}:
        seen.setdefault(path.casefold(), path)
    bad = [
        path for path in paths if any(seen[str(part).casefold()] != str(part) for part in PurePosixPath(path).parents)
    ]
    bad += [path for path in paths if seen[str(PurePosixPath(path)).casefold()] != str(PurePosixPath(path))]
    bad += [path for path in paths if any(FORBIDDEN.search(part) for part in PurePosixPath(path).parts)]
    return bad + [path for path in paths if any(DEVICES.fullmatch(part) for part in PurePosixPath(path).parts)]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every file of the repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    return git("ls-files", "-z", "--cached").split("\0")[:-1]


def git(*arguments: str, given: str = "") -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, input=given).stdout


def test_the_test_finds_what_is_refused() -> None:
    assert refused(["a/b", "a/c.d", ".e/%2F"]) == []
    for paths in (["a/b", "A/c"], ["a/b", "a/B"], ["a/aux"], ["a/nul.txt"], ["a:b"], ["a./b"], ["a /b"], ["a\tb"]):
        assert refused(paths), paths


def test_the_repository(tracked: list[str]) -> None:
    assert len(tracked) > 300
    assert refused(tracked) == []
    assert max(map(len, tracked)) < MOST


def test_no_line_end_is_kept_by_luck(tracked: list[str]) -> None:
    """Text is checked out with LF everywhere, and what is no text is left alone."""
    said = git("check-attr", "-z", "--stdin", "text", "eol", given="\0".join(tracked))
    fields = said.split("\0")
    attributes: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        attributes.setdefault(path, {})[name] = value
    assert attributes.keys() == set(tracked)
    for path, set_to in attributes.items():
        is_text = set_to["text"] in {"auto", "set"}
        assert not is_text or set_to["eol"] == "lf", path
        content = (ROOT / path).read_bytes()
        assert b"\r\n" not in content or b"\0" in content or not is_text, path
        assert is_text or path.startswith(("data/", "tests/captures/")), path


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_can_be_laid_out_anywhere(name: str) -> None:
    with tarfile.open(ROOT / "data" / name) as archive:
        members = archive.getmembers()
    paths = [member.name for member in members]
    assert len(paths) == len(set(paths))
    assert refused(paths) == []
    assert max(map(len, paths)) < MOST or name in LONG
    assert all(member.isreg() or member.isdir() or member.issym() for member in members)


def test_what_lessons_lay_out_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the folder they run in; on Windows a path has 260 characters in all."""
    monkeypatch.chdir(tmp_path)
    name = longest_path().split("/")[1]
    laid_out = [path for path in lesson.lay_out(name).rglob("*") if path.is_file()]
    assert max(len(path.as_posix()) for path in laid_out) == len(longest_path())
    assert len(longest_path()) < MOST
    assert not [path for path in laid_out if path.is_symlink()]


def test_notebooks_have_short_names() -> None:
    names = [path.name for path in share.folder("notebooks").iterdir()]
    assert refused(names) == []
    assert max(map(len, names)) < 60
