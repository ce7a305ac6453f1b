"""Tables as people, spreadsheets and programs get them."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner

from regviz.analysis import sizes
from regviz.cli.app import main
from regviz.read import read
from regviz.schema import TABLES
from tests.cli.running import START, WORLD, WORLD_V1, done, run, start
from tests.conftest import ROOT
from tests.helpers import Store, V1Store, compressed, image_id, pack, sha256
from tests.listed import FORMS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [*TABLES, "images"]


@functools.cache
def _expected(name: str, source: Path = WORLD) -> list[dict[str, Any]]:
    """A table's rows with Python's own values."""
    table = read(source, measure=name == "storage").table(name)
    return [
        {key: None if pd.isna(value) else value for key, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


@pytest.mark.parametrize("name", NAMES)
def test_json_is_a_list_of_records(name: str) -> None:
    records = json.loads(done("table", WORLD, name, "--format", "json"))
    assert records == [{key: _plain(value) for key, value in row.items()} for row in _expected(name)]


@pytest.mark.parametrize("name", NAMES)
def test_csv_has_every_cell(name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(done("table", WORLD, name, "--format", "csv"), newline="")))

    def cell(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(_plain(value))

    expected = [{key: cell(value) for key, value in row.items()} for row in _expected(name)]
    assert rows == expected


@pytest.mark.parametrize("name", NAMES)
def test_parquet_is_read_back_by_pandas(name: str, tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    done("table", WORLD, name, "-o", file)
    frame = pd.read_parquet(file)
    found = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.astype(object).to_dict("records")]
    assert found == _expected(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", [WORLD, WORLD_V1], ids=["distribution", "v1"])
def test_people_get_every_row_in_the_width_they_have(name: str, source: Path) -> None:
    for width in ("80", "100", "200"):
        lines = done("table", source, name, COLUMNS=width).splitlines()
        assert max(map(len, lines[:-1])) <= int(width)
        rows = len(_expected(name, source))
        assert lines[-1].startswith(f"{rows:,} row{'s' if rows != 1 else ''}")
        assert lines[-2] == ""
        assert all(line.isprintable() for line in lines)


def test_people_get_bytes_digests_times_and_gaps_as_they_read_them() -> None:
    lines = done("table", WORLD, "blobs", COLUMNS="120").splitlines()
    rows = {line.split()[0]: line.split() for line in lines[1:-2]}
    [row] = [row for row in _expected("blobs") if row["blob_bytes"] == 24_073]
    shown = rows[row["blob"][:19]]
    assert shown[:2] == [row["blob"][:19], "layer"]
    assert "23.5 KiB" in " ".join(shown)  # 24,073 / 1,024
    assert "2016-" in " ".join(shown)
    [foreign] = [row for row in _expected("blobs") if not row["present"]]
    assert {"no", "—"} <= set(rows[foreign["blob"][:19]])


def test_people_get_paths_that_are_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"layer"], "1")
    links, layer = done("table", tmp_path, "repository_blobs"), sha256(compressed(b"layer"))
    assert (layer[:19] in links, layer in links) == (True, False)
    _, row, *_ = run("steps-on-disk", tmp_path, "app:1").stdout.splitlines()
    paths = [word for word in row.split() if "/" in word]
    assert [(tmp_path / path).is_file() for path in paths] == [True, True]
    stray = f"docker/registry/v2/blobs/sha256/{'ab' * 32}"
    (tmp_path / stray).mkdir()
    (tmp_path / stray / "data").write_bytes(b"")
    [row] = [line for line in done("table", tmp_path, "problems", COLUMNS="100").splitlines() if stray[:20] in line]
    [path] = [word for word in row.split() if "/" in word]
    assert len(row) <= 100
    assert (path[-1], path[:-1]) == ("…", f"{stray}/data"[: len(path) - 1])


def test_columns_without_a_value_are_named_and_not_shown() -> None:
    header, *_, last = done("table", WORLD, "repositories").splitlines()
    assert "private" not in header.split()
    assert "no values in private" in last


def test_columns_without_room_are_named() -> None:
    *_, last = done("table", WORLD, "manifests", COLUMNS="80").splitlines()
    assert "no room for" in last
    assert "--format csv has them" in last


def test_an_empty_table_keeps_its_header(tmp_path: Path) -> None:
    Store(tmp_path).directory("repositories/a/_manifests/tags")
    lines = done("table", tmp_path, "tags").splitlines()
    assert lines == ["repository  tag  manifest  pushed_at  link_state", "", "0 rows"]
    assert done("table", tmp_path, "tags", "--format", "json") == "[]\n"
    assert done("table", tmp_path, "tags", "--format", "csv") == "repository,tag,manifest,pushed_at,link_state\n"


def test_without_a_table_it_lists_them() -> None:
    records = json.loads(done("table", WORLD, "--format", "json"))
    assert [record["table"] for record in records] == NAMES
    counts = {record["table"]: record["rows"] for record in records}
    assert (counts["repositories"], counts["tags"], counts["manifests"]) == (11, 22, 31)  # data/README.md
    assert counts["storage"] is None
    [storage] = [line.split() for line in done("table", WORLD).splitlines() if line.startswith("storage ")]
    assert (storage[1], storage[-4:]) == ("—", ["measured", "when", "asked", "for"])


def test_storage_is_measured_when_it_is_asked_for() -> None:
    records = json.loads(done("table", WORLD, "storage", "--format", "json"))
    by_category = {record["category"]: record["apparent_bytes"] for record in records}
    assert by_category["blobs"] == 439_126  # data/README.md


def test_a_suffix_says_the_format(tmp_path: Path) -> None:
    for suffix, begins in (
        (".csv", b"repository,"),
        (".json", b"[\n {"),
        (".parquet", b"PAR1"),
        (".txt", b"repository "),
    ):
        file = tmp_path / f"tags{suffix}"
        assert done("table", WORLD, "tags", "-o", file) == ""
        assert file.read_bytes().startswith(begins)


def test_another_suffix_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "answer.xlsx"
    for words in (
        ("sizes", WORLD),
        ("table", WORLD, "tags"),
        ("tree", WORLD),
        ("tree-changes", WORLD, WORLD),
        ("doctor", WORLD),
        ("rules",),
        ("plan", WORLD),
        ("lesson", "list"),
        ("transfer", WORLD, "base:12"),
    ):
        result = run(*words, "-o", file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1] == (
            f"Error: {file} does not say what to write: give --format, or a FILE.{{csv,json,parquet,txt}}"
        )
        assert not file.exists()
    done("table", WORLD, "tags", "-o", file, "--format", "csv")
    assert file.read_bytes().startswith(b"repository,")
    done("transfer", WORLD, "base:12", "--platform", "linux/amd64", "--registry", "r.example", "--script", "-o", file)
    assert file.read_bytes().startswith(b"#!")
    for name in ("text", "text.TXT"):
        done("table", WORLD, "tags", "-o", tmp_path / name)
        assert (tmp_path / name).read_text().startswith("repository ")


def test_formulas_and_control_characters_are_harmless(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1))
    for tag in ("=HYPERLINK(1)", "+1", "@x", "\x1b[31mred", "a\nb"):
        store.tag("library/x", tag, image_id(1))
    rows = list(csv.DictReader(io.StringIO(done("table", tmp_path, "tags", "--format", "csv"), newline="")))
    assert {row["tag"] for row in rows} == {"'=HYPERLINK(1)", "'+1", "'@x", "\x1b[31mred", "a\nb"}
    assert all(line.isprintable() for line in done("table", tmp_path, "tags").splitlines())
    records = json.loads(done("table", tmp_path, "tags", "--format", "json"))
    assert {record["tag"] for record in records} == {"=HYPERLINK(1)", "+1", "@x", "\x1b[31mred", "a\nb"}


def test_a_terminal_gets_no_control_characters(tmp_path: Path) -> None:
    import pty

    store = V1Store(tmp_path)
    store.image(image_id(1))
    store.tag("library/x", "\x1b[2J\x9b1m\u202eevil", image_id(1))
    formats = ["csv", "json", "table"]  # in one process, for each takes a second to start
    code = (
        "import sys\nfrom regviz.cli.app import main\n"
        "for name in sys.argv[2:]:\n    main(['table', sys.argv[1], 'tags', '--format', name], standalone_mode=False)"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), *formats], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # what reading raises at the end
        while part := os.read(ours, 65_536):
            shown += part
    os.close(ours)
    _, complaint = process.communicate()
    assert (process.returncode, complaint) == (0, b"")
    text = shown.decode().replace("\r\n", "\n")
    assert text.replace("\n", "").isprintable()
    assert text.count("evil") == len(formats)


def test_parquet_is_not_for_a_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    words = [*START, "table", str(WORLD), "tags", "--format", "parquet"]
    finished = subprocess.run(words, cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert finished.returncode == 2
    assert "give -o FILE, or pipe it" in finished.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", ["tree", "rules"])
def test_any_encoding_will_do(encoding: str, command: str) -> None:
    words = [command] if command == "rules" else [command, str(WORLD)]
    result = CliRunner(charset=encoding, env={"COLUMNS": "100"}).invoke(main, words)
    assert (result.exit_code, result.stderr_bytes) == (0, b"")
    _assert_shown(result.stdout_bytes.decode(encoding), encoding, command)


def test_the_encoding_is_the_environments() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "COLUMNS": "100"}
    words = [*START, "tree", str(WORLD)]
    finished = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, b"")
    _assert_shown(finished.stdout.decode("ascii"), "ascii", "tree")


def _assert_shown(text: str, encoding: str, command: str) -> None:
    assert "\\u" not in text
    if command == "tree":
        assert ("├── " in text) == (encoding == "utf-8")
        assert ("|-- " in text) == (encoding != "utf-8")


def test_filters_choose_rows() -> None:
    def rows(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(done("table", WORLD, *words, "--format", "json"))
        return found

    tags = rows("tags", "--repository", "team/*", "--exclude", "team/web", "--tag", r"^\d")
    assert [(row["repository"], row["tag"]) for row in tags] == [
        ("team/api", "0.2"),
        ("team/api", "1.0"),
        ("team/cron", "1"),
        ("team/desktop", "1"),
        ("team/tools/lint", "1"),
    ]
    assert [row["repository"] for row in rows("tags", "--repository", "nodejs")] == ["library/nodejs"] * 3
    assert len(rows("tags", "--top", "4")) == 4

    # 1.0 of team/api is a list of two images; those have no tag of their own
    manifests = rows("manifests", "--repository", "team/api", "--tag", r"^1\.0$")
    assert sorted(row["kind"] for row in manifests) == ["image", "image", "index"]
    assert {row["manifest"] for row in rows("images", "--repository", "team/api", "--tag", r"^1\.0$")} == {
        row["manifest"] for row in manifests if row["kind"] == "image"
    }
    served = rows("repository_manifests", "--repository", "library/base")
    assert {row["manifest"] for row in rows("manifests", "--repository", "library/base")} == {
        row["manifest"] for row in served
    }


@pytest.mark.parametrize("by", ["repository", "tag", "namespace", "manifest", "layer", "platform"])
def test_sizes_are_those_of_the_function(by: Any) -> None:
    records = json.loads(done("sizes", WORLD, "--by", by, "--format", "json"))
    frame = sizes(read(WORLD), by=by)
    assert list(records[0]) == list(frame)
    assert [record["unique_bytes"] for record in records] == frame["unique_bytes"].tolist()


def test_a_filter_does_not_change_the_bytes() -> None:
    everything = {r["repository"]: r for r in json.loads(done("sizes", WORLD, "--format", "json"))}
    [web] = json.loads(done("sizes", WORLD, "--repository", "team/web", "--format", "json"))
    assert web == everything["team/web"]


def test_reading_options_arrive(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("a", [b"one"], "1")
    dangling = "sha256:" + "1" * 64
    store.layer_link("a", dangling, b"")

    def state(*words: str) -> str:
        records = json.loads(done("table", tmp_path, "repository_blobs", "--format", "json", *words))
        return {record["link"]: record["link_state"] for record in records}[dangling]

    assert (state(), state("--links", "check"), state("--links", "open")) == ("unchecked", "empty", "empty")
    pushed = json.loads(done("table", tmp_path, "tags", "--no-times", "--format", "json"))[0]["pushed_at"]
    assert pushed is None
    assert json.loads(done("table", tmp_path, "tags", "--times", "--format", "json"))[0]["pushed_at"] is not None
    whole = subprocess.run(["gzip", "-dc", WORLD], check=True, capture_output=True).stdout
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2 + 100])
    assert run("table", tmp_path / "cut.tar", "blobs").exit_code == 1
    assert len(run("table", tmp_path / "cut.tar", "blobs", "--partial").stdout.splitlines()) > 10


@pytest.mark.parametrize("packed", ["listing", "tar.gz"])
def test_a_source_on_standard_input(packed: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    store.image("a", [b"layer"], "1.0")
    place = pack(store.root, packed, tmp_path) if packed == "tar.gz" else tmp_path / "listing"
    if packed == "listing":
        FORMS["printf-nul"].write(store.root, place)
    for words, said in (
        (["table", "-", "tags", "--format", "json"], '"tag": "1.0"'),
        (["tree", "-"], "give a file"),
        (["plan", "-"], "give a file"),
    ):
        with place.open("rb") as file:
            process = start(*words, stdin=file)
            out, complaint = process.communicate()
        assert said in (out + complaint).decode()
        assert process.returncode == (0 if words[0] == "table" else 1)
