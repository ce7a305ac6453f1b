"""Whatever goes wrong ends in one clear line and a non-zero exit; never in a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import WORLD, WORLD_V1, run, start
from tests.conftest import ROOT
from tests.helpers import V2, Store, as_nobody
from tests.listed import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = ["tree", "table", "sizes", "graph", "detect", "capture", "report"]


def _words(command: str, source: Path, folder: Path) -> list[str | Path]:
    more: dict[str, list[str | Path]] = {
        "table": ["tags"],
        "capture": ["-o", folder / "made.regviz"],
        "report": ["-o", folder / "made.html"],
    }
    return [command, source, *more.get(command, [])]


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _no_registry(folder: Path) -> Path:
    (folder / "home" / "me").mkdir(parents=True)
    (folder / "home" / "notes.txt").write_text("hello")
    return folder / "home"


def _truncated(folder: Path) -> Path:
    whole = subprocess.run(["gzip", "-dc", WORLD], check=True, capture_output=True).stdout
    (folder / "cut.tar").write_bytes(whole[: len(whole) // 2 + 100])
    return folder / "cut.tar"


def _truncated_gzip(folder: Path) -> Path:
    (folder / "cut.tar.gz").write_bytes(WORLD.read_bytes()[:20_000])
    return folder / "cut.tar.gz"


def _random(folder: Path) -> Path:
    (folder / "random").write_bytes(bytes((n * n + 7 * n) % 251 for n in range(5_000)))
    return folder / "random"


def _missing(folder: Path) -> Path:
    return folder / "missing"


BROKEN = {
    _empty: "is an empty folder",
    _no_registry: r"no registry was found in .*notes\.txt",
    _truncated: "breaks off",
    _truncated_gzip: "break off",
    _random: "is no archive",
    _missing: "nothing lies at",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__.strip("_"))
def test_a_source_that_cannot_be_read(command: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    source = make(tmp_path)
    result = run(*_words(command, source, tmp_path))
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert re.fullmatch(rf"regviz: .*({BROKEN[make]}).*\n", result.stderr)
    assert not (tmp_path / "made.html").exists()
    assert not (tmp_path / "made.regviz").exists()


def _closed_itself(folder: Path) -> tuple[Path, Path]:
    return folder / "registry", folder / "registry"


def _closed_within(folder: Path) -> tuple[Path, Path]:
    return folder / "registry", folder / "registry" / V2


def _closed_above(folder: Path) -> tuple[Path, Path]:
    folder = (folder / "registry").rename(folder / "above").parent / "above"
    return folder / "docker", folder


def _closed_archive(folder: Path) -> tuple[Path, Path]:
    archive = Path(shutil.copy(WORLD, folder / "world.tar.gz"))
    return archive, archive


CLOSED = {
    _closed_itself: "SOURCE may not be read by this user; ",
    _closed_above: "SOURCE may not be read by this user; ",
    _closed_archive: "SOURCE may not be read by this user; ",
    _closed_within: rf"no registry was found in SOURCE, of which {V2} could not be read \(Permission denied\); ",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("close", CLOSED, ids=lambda close: close.__name__.strip("_"))
def test_what_may_not_be_read(
    command: str, close: Callable[[Path], tuple[Path, Path]], tmp_path: Path, open_to_all: Path
) -> None:
    Store(open_to_all / "registry").image("a", [b"one"], "1")
    source, closed = close(open_to_all)
    run(*_words(command, tmp_path / "missing", tmp_path))  # another user may not be allowed to load our modules
    closed.chmod(0)
    with as_nobody():
        result = run(*_words(command, source, tmp_path))
    closed.chmod(0o755)
    assert (result.exit_code, result.stdout) == (1, "")
    expected = CLOSED[close].replace("SOURCE", re.escape(str(source)))
    assert re.fullmatch(rf"regviz: {expected}run as one who may, for example with sudo\n", result.stderr)


def test_a_part_that_may_not_be_read_is_said_and_the_rest_is_read(open_to_all: Path) -> None:
    store = Store(open_to_all / "registry")
    for repository in ("team/web", "other"):
        store.image(repository, [b"one"], "1")
    closed = store.v2 / "repositories" / "team"
    run("tree", store.root)
    run("table", store.root, "problems", "--format", "csv")
    closed.chmod(0)
    with as_nobody():
        shown = run("tree", store.root)
        problems = run("table", store.root, "problems", "--format", "json")
    closed.chmod(0o755)
    assert (shown.exit_code, shown.stderr.count("\n")) == (0, 1)
    assert shown.stderr.startswith("regviz: not everything could be read, ")
    [line] = [line for line in shown.stdout.splitlines() if "── team/" in line]
    assert line.endswith(" could not be read")
    [unread] = [row for row in json.loads(problems.stdout) if row["rule"] == "unreadable"]
    assert (unread["path"], unread["detail"]) == (f"{V2}/repositories/team", "Permission denied")


@pytest.mark.parametrize("words", [["tree"], ["table", "tags"], ["sizes"], ["graph"], ["rules"], ["detect"]])
def test_an_output_that_cannot_be_written(words: list[str], tmp_path: Path) -> None:
    source = [] if words == ["rules"] else [str(WORLD)]
    target = tmp_path / "no" / "such" / "folder.json"
    result = run(words[0], *source, *words[1:], "-o", target)
    assert (result.exit_code, result.stderr) == (1, f"regviz: {target}: No such file or directory\n")
    with Path("/dev/full").open("wb") as full, start(words[0], *source, *words[1:], stdout=full) as process:
        _, complaint = process.communicate()
    assert (process.returncode, complaint) == (1, b"regviz: No space left on device\n")


@pytest.mark.parametrize("words", [["tree", "--full"], ["table", "layers"], ["graph"]])
def test_a_reader_that_has_seen_enough(words: list[str]) -> None:
    """As `| head -1` does: nothing to complain about, and nothing left to write."""
    with start(words[0], WORLD, *words[1:]) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 1
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_an_interrupt() -> None:
    """It comes while the command waits to write on: the tree is longer than what a pipe holds."""
    with start("tree", WORLD, "--full") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(os.fsencode(WORLD))
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate()
    assert (process.returncode, complaint) == (130, b"regviz: interrupted\n")


def test_an_interrupt_while_the_commands_are_loaded() -> None:
    program = (
        "import sys\n"
        "class Interrupting:\n"
        " def find_spec(self, name, *_):\n"
        "  if name == 'regviz.cli.look':\n   raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\nfrom regviz.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"regviz: interrupted\n")


def test_strict_lists_what_is_wrong() -> None:
    """The push of team/worker died in the shipped world: an unfinished image, and a layer that never came."""
    result = run("table", WORLD_V1, "tags", "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    first, *others = result.stderr.splitlines()
    assert first == f"regviz: {WORLD_V1} has {len(others)} problems"
    rules = {line.split(": ")[1] for line in others}
    assert rules == {"v1-in-progress", "v1-index-missing-image"}


def test_a_registry_without_errors_is_strictly_fine() -> None:
    assert run("table", WORLD, "tags", "--strict").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["table", WORLD, "nothing"],
        ["table", WORLD, "tags", "more"],
        ["table", WORLD, "tags", "--tag", "("],
        ["table", WORLD, "layers", "--repository", "a"],
        ["table", WORLD, "blobs", "--tag", "a"],
        ["sizes", WORLD, "--by", "colour"],
        ["graph", WORLD, "-o", "layers.png"],
        ["graph", WORLD, "--objects", "--collapse"],
        ["graph", WORLD, "--objects", "--format", "svg"],
        ["tree", WORLD, "--depth", "0"],
        ["rules", "no-such-rule"],
        ["capture", WORLD],
        ["nothing"],
    ],
    ids=lambda words: " ".join(map(str, words)).replace(str(WORLD), "SOURCE"),
)
def test_wrong_use(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert re.search(r"^Usage: regviz", result.stderr)
    assert re.search(r"^Error: ", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_neither_a_source_nor_a_table() -> None:
    result = run("table", "tgas")
    assert result.exit_code == 1
    assert re.fullmatch(
        r"regviz: nothing lies at tgas, and it is no table: those are repositories, .*\n", result.stderr
    )


@pytest.mark.parametrize("command", ["tree", "table", "sizes", "graph", "detect", "capture", "report"])
@pytest.mark.parametrize("inside", [True, False])
def test_nothing_is_written_to_a_source(command: str, inside: bool, tmp_path: Path) -> None:  # noqa: FBT001
    if inside:
        source = Store(tmp_path / "registry").root
        Store(source / "other").image("a", [b"one"], "1")
        target = source / "docker" / "out.json"
    else:
        source = target = tmp_path / "world.tar.gz"
        source.write_bytes(WORLD.read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    words = [*_words(command, source, tmp_path)]
    result = run(*words[: words.index("-o") if "-o" in words else len(words)], "-o", target)
    assert result.exit_code == 1
    assert re.fullmatch(r"regviz: .* lies in the source .*\n", result.stderr)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_nothing_is_written_to_the_source_that_the_environment_names(tmp_path: Path) -> None:
    source = Store(tmp_path / "registry").root
    Store(source / "other").image("a", [b"one"], "1")
    result = run("table", "tags", "-o", source / "tags.csv", REGVIZ_SOURCE=str(source))
    assert result.exit_code == 1
    assert "lies in the source" in result.stderr
    assert not (source / "tags.csv").exists()


def test_messages_cannot_move_a_cursor(tmp_path: Path) -> None:
    result = run("detect", tmp_path / "\x1b[31mred\n")
    assert result.exit_code == 1
    assert result.stderr.removesuffix("\n").isprintable()


@pytest.mark.parametrize(
    "words",
    [
        ["sizes"],
        ["graph"],
        ["report", "-o", "report.html", "--summary"],
        ["table", "--links", "check"],
        ["garbage"],
        ["states"],
        ["what-if", "--tag", "1"],
        ["delete-together"],
        ["what-if-curve"],
    ],
)
def test_what_a_listing_cannot_know_is_said_in_a_line(words: list[str], tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    store.image("a", [b"layer"], "1.0")
    listing = FORMS["printf-nul"].write(store.root, tmp_path / "listing")
    where = [str(tmp_path / word) if word == "report.html" else word for word in words[1:]]
    result = run(words[0], listing, *where)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(f"regviz: {listing} is a listing")
    assert ("links=" in result.stderr) == ("--links" in words)  # it asks to leave out what was given
    assert not (tmp_path / "report.html").exists()
