"""A capture reads back equal, is read by others, is there whole or not at all, and is never trusted."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis.diagnosis import doctor
from regviz.errors import DamagedCaptureError, RegvizError, TargetExistsError
from regviz.read import read
from regviz.schema import DTYPES, TABLES
from tests.cli.running import run
from tests.conftest import ROOT
from tests.helpers import Store, V1Store, image_id, plain_tables, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.registry import Registry

WORLDS = sorted((ROOT / "data").glob("world-*.tar.gz"))
WORLD_V1 = ROOT / "data" / "world-v1.tar.gz"
PARQUET = [f"{name}.parquet" for name in TABLES]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that no test changes."""
    target = tmp_path_factory.mktemp("capture") / "world.regviz"
    read(WORLDS[0], measure=True).save(target)
    return target


@pytest.fixture
def capture(whole: Path, tmp_path: Path) -> Path:
    """One of its own for a test."""
    return shutil.copytree(whole, tmp_path / "world.regviz")


def said(capture: Path) -> Any:
    return json.loads((capture / "capture.json").read_text())


def say(capture: Path, manifest: object) -> None:
    (capture / "capture.json").write_text(json.dumps(manifest))


def assert_equal(one: Registry, other: Registry) -> None:
    assert plain_tables(one) == plain_tables(other)
    assert one.source == other.source
    for name in TABLES:
        pd.testing.assert_frame_equal(one.table(name), other.table(name))
    other.check()


# --- equal


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name.split(".")[0])
def test_it_reads_back_equal(world: Path, tmp_path: Path) -> None:
    registry = read(world, measure=True, verify=True, links="open")
    registry.save(tmp_path / "made.regviz")
    assert_equal(registry, read(tmp_path / "made.regviz"))


def test_every_dump_reads_back_equal(shared_dumps: Path, tmp_path: Path) -> None:
    for dump in sorted([*shared_dumps.glob("v[12]-*.tar"), *shared_dumps.glob("gc-oracle/broken-1[012]*.tar.gz")]):
        registry = read(dump)
        registry.save(tmp_path / "made.regviz")
        assert_equal(registry, read(tmp_path / "made.regviz"))


def test_what_is_hard_to_write_reads_back_equal(tmp_path: Path) -> None:
    """Empty tables, empty texts, names that are no UTF-8 or hold what Arrow refuses, a year long ago."""
    distribution = Store(tmp_path / "distribution")
    distribution.image("a\\b", [b"1"], "\U0001f40b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))
    distribution.push("a", {"schemaVersion": 2, "mediaType": "", "annotations": {"": "\ud800\x00"}}, "")
    v1 = V1Store(tmp_path / "v1")
    v1.image(image_id(1), created="0001-01-01T00:00:00Z", config={"Labels": {"": "", "a\x00": "\ud800"}}, author="")
    v1.tag("library/x", "latest", image_id(1))
    v1.image(image_id(2), config={"Labels": {"a\x00": "1", "a\\x00": "2"}})  # one name, as tables have it
    for store in (distribution, v1, Store(tmp_path / "empty")):
        registry = read(store.root)
        registry.save(tmp_path / "made.regviz")
        assert_equal(registry, read(tmp_path / "made.regviz"))


# --- read by others


@pytest.mark.parametrize("name", TABLES)
def test_pandas_reads_it_without_us(name: str, whole: Path) -> None:
    expected = read(WORLDS[0], measure=True).table(name)
    frame = pd.read_parquet(whole / f"{name}.parquet")
    assert list(frame) == list(expected)
    for column in frame:
        assert frame[column].astype(object).where(frame[column].notna(), None).tolist() == (
            expected[column].astype(object).where(expected[column].notna(), None).tolist()
        )


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_reads_it_without_us(name: str, whole: Path) -> None:
    expected = read(WORLDS[0], measure=True).table(name)
    times = [column.name for column in TABLES[name].columns if column.kind == "time"]
    moments = ", ".join(f"epoch_us({time}) as {time}" for time in times)
    query = f"select * {f'replace ({moments})' if times else ''} from '{whole / name}.parquet'"  # noqa: S608  # our own
    with duckdb.connect() as connection:
        found = connection.execute(query)
        assert [column[0] for column in found.description] == list(expected)
        rows = found.fetchall()
    for time in times:
        expected[time] = expected[time].astype("int64").astype("Int64").where(expected[time].notna())
    plain = expected.astype(object).where(expected.notna(), None).to_numpy().tolist()
    assert rows == [tuple(row) for row in plain]


def test_duckdb_joins_it(whole: Path) -> None:
    """Bytes of the blobs that are there, as data/README.md has them."""
    query = f"select sum(blob_bytes) from '{whole}/blobs.parquet' where present"  # noqa: S608
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchone() == (439_126,)


def test_it_says_what_it_is(whole: Path) -> None:
    manifest, registry = said(whole), read(WORLDS[0])
    assert (manifest["format"], manifest["version"]) == ("regviz-capture", 1)
    assert manifest["source"]["uri"] == str(WORLDS[0])
    assert (manifest["repositories"], manifest["repositories_complete"]) == (11, 11)
    assert pd.Timestamp(manifest["captured_at"]) >= pd.Timestamp(manifest["source"]["read_at"]).floor("s")
    assert set(manifest["files"]) == set(PARQUET)
    for file, facts in manifest["files"].items():
        assert facts["sha256"] == hashlib.sha256((whole / file).read_bytes()).hexdigest()
        if file != "storage.parquet":
            assert facts["rows"] == len(registry.table(file.removesuffix(".parquet")))
    assert {path.name for path in whole.iterdir()} == {"capture.json", *PARQUET}


# --- whole or not at all


def test_it_takes_the_place_of_an_old_one_and_of_nothing_else(capture: Path) -> None:
    read(WORLD_V1).save(capture)
    assert len(read(capture).repositories) == 8  # data/README.md
    assert [path.name for path in capture.parent.iterdir()] == [capture.name]
    other = capture.parent / "notes"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(TargetExistsError, match="is there already, and is no capture"):
        read(WORLD_V1).save(other)
    assert (other / "mine.txt").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_what_fails_leaves_the_old_one(capture: Path) -> None:
    before = {path.name: path.read_bytes() for path in capture.iterdir()}
    code = (
        "import resource, sys\nfrom regviz.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\nmain()"
    )
    command = [sys.executable, "-c", code, "capture", str(WORLDS[1]), "-o", str(capture)]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("regviz: ")
    assert failed.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in capture.iterdir()} == before
    assert [path.name for path in capture.parent.iterdir()] == [capture.name]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("how", "code", "said"),
    [("SIGINT", 130, "regviz: interrupted\n"), ("SIGTERM", 143, ""), ("SIGHUP", 129, "")],
)
def test_what_is_interrupted_leaves_the_old_one(how: str, code: int, said: str, capture: Path) -> None:
    """Stopped while it writes: the old one is whole, and nothing lies beside it."""
    before = {path.name: path.read_bytes() for path in capture.iterdir()}
    program = (
        "import sys, time\nimport pyarrow.parquet as pq\nfrom regviz.cli import main\nwrite = pq.write_table\n"
        "def slowly(table, file, **more):\n write(table, file, **more)\n print('written', flush=True)\n"
        " time.sleep(30)\n"
        "pq.write_table = slowly\nmain()"
    )
    command = [sys.executable, "-c", program, "capture", str(WORLDS[1]), "-o", str(capture)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.Signals[how])
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (code, said)
    assert {path.name: path.read_bytes() for path in capture.iterdir()} == before
    assert [path.name for path in capture.parent.iterdir()] == [capture.name]


def test_an_interrupt_while_it_takes_the_place_of_an_old_one(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when the old one was moved away, and the new one is not there yet."""
    before = {path.name: path.read_bytes() for path in capture.iterdir()}
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        rename(self, target)
        monkeypatch.undo()
        raise KeyboardInterrupt

    registry = read(WORLD_V1)
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        registry.save(capture)
    assert {path.name: path.read_bytes() for path in capture.iterdir()} == before
    assert [path.name for path in capture.parent.iterdir()] == [capture.name]


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_where_it_cannot_be_written_one_line_says_so(tmp_path: Path) -> None:
    """No folder can be made below a file, nor in a folder of the kernel's own, by root neither."""
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "file" / "prod.regviz", Path("/proc/self/prod.regviz")):
        result = run("capture", WORLDS[1], "-o", target)
        assert result.exit_code == 1
        assert result.stderr.startswith("regviz: ")
        assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- never trusted


def _missing(capture: Path) -> str:
    (capture / "tags.parquet").unlink()
    return "tags.parquet is missing"


def _changed(capture: Path) -> str:
    data = bytearray((capture / "blobs.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (capture / "blobs.parquet").write_bytes(data)
    return "blobs.parquet is not as it was written"


def _newer(capture: Path) -> str:
    say(capture, said(capture) | {"version": 2, "regviz": "7.5"})
    return r"a capture of format version 2, and this regviz reads version 1: read it with regviz 7\.5 or newer"


def _other_format(capture: Path) -> str:
    say(capture, said(capture) | {"format": "photographs"})
    return r"capture\.json is not regviz's"


def _no_json(capture: Path) -> str:
    (capture / "capture.json").write_bytes(b"\xff{")
    return r"capture\.json cannot be read"


def _endless(capture: Path) -> str:
    (capture / "capture.json").write_bytes(b"[" * (2 << 20))
    return r"capture\.json cannot be read"


def _truncated(capture: Path) -> str:
    data = (capture / "tags.parquet").read_bytes()
    (capture / "tags.parquet").write_bytes(data[: len(data) // 2])
    return r"tags\.parquet is not as it was written: its SHA-256 differs"


def _swapped(capture: Path) -> str:
    (capture / "tags.parquet").rename(capture / "aside")
    (capture / "layers.parquet").rename(capture / "tags.parquet")
    (capture / "aside").rename(capture / "layers.parquet")
    return r"(tags|layers)\.parquet is not as it was written"


def _added(capture: Path) -> str:
    shutil.copy(capture / "tags.parquet", capture / "more.parquet")
    return r"more\.parquet is none of its files"


def _wrong_sum(capture: Path) -> str:
    manifest = said(capture)
    manifest["files"]["layers.parquet"]["sha256"] = "0" * 64
    say(capture, manifest)
    return r"layers\.parquet is not as it was written"


def _wrong_rows(capture: Path) -> str:
    manifest = said(capture)
    manifest["files"]["tags.parquet"]["rows"] += 1
    say(capture, manifest)
    return r"tags\.parquet has 22 rows, and its manifest says 23"


def _unnamed(capture: Path) -> str:
    manifest = said(capture)
    del manifest["files"]["tags.parquet"]
    say(capture, manifest)
    return r"capture\.json does not name tags\.parquet"


def _link(capture: Path) -> str:
    (capture / "tags.parquet").rename(capture.parent / "elsewhere.parquet")
    (capture / "tags.parquet").symlink_to(capture.parent / "elsewhere.parquet")
    return r"tags\.parquet is a symbolic link, and none is followed"


def _linked_manifest(capture: Path) -> str:
    (capture / "capture.json").rename(capture.parent / "elsewhere.json")
    (capture / "capture.json").symlink_to(capture.parent / "elsewhere.json")
    return r"capture\.json is a symbolic link, and none is followed"


def _directory(capture: Path) -> str:
    (capture / "tags.parquet").unlink()
    (capture / "tags.parquet").mkdir()
    return r"tags\.parquet is missing"


def _never_a_version(capture: Path) -> str:
    say(capture, said(capture) | {"version": 0})
    return "format version 0, and this regviz reads version 1: no regviz writes that"


def _no_source(capture: Path) -> str:
    say(capture, {key: value for key, value in said(capture).items() if key != "source"})
    return "does not say what was captured"


DAMAGES: tuple[Callable[[Path], str], ...] = (
    _missing,
    _changed,
    _newer,
    _other_format,
    _no_json,
    _endless,
    _no_source,
    _truncated,
    _swapped,
    _added,
    _wrong_sum,
    _wrong_rows,
    _unnamed,
    _link,
    _linked_manifest,
    _directory,
    _never_a_version,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_damage_is_said(damage: Callable[[Path], str], capture: Path) -> None:
    message = damage(capture)
    with pytest.raises(DamagedCaptureError, match=message) as raised:
        read(capture)
    assert str(capture) in str(raised.value)
    assert "apture the source again" in str(raised.value)


def _tar(capture: Path, form: str) -> bytes:
    done = subprocess.run(["tar", "-C", capture.parent, "-c", capture.name], check=True, capture_output=True)
    return gzip.compress(done.stdout) if form == "tar.gz" else done.stdout


def _zip(capture: Path) -> bytes:
    """With links as links."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(capture.rglob("*")):
            name = str(path.relative_to(capture.parent))
            if path.is_symlink():
                link = zipfile.ZipInfo(name)
                link.create_system, link.external_attr = 3, 0o120777 << 16
                archive.writestr(link, str(path.readlink()))
            elif path.is_file():
                archive.write(path, name)
    return target.getvalue()


def _written(capture: Path, name: str, table: pa.Table) -> None:
    """Another table in the place of one, with a manifest that says so."""
    pq.write_table(table, capture / f"{name}.parquet")
    _believed(capture, name)


def _believed(capture: Path, name: str) -> None:
    """A manifest that says what a file is now."""
    file, manifest = capture / f"{name}.parquet", said(capture)
    rows, digest = pq.read_metadata(file).num_rows, hashlib.sha256(file.read_bytes()).hexdigest()
    manifest["files"][file.name] = {"rows": rows, "sha256": digest}
    say(capture, manifest)


@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
@pytest.mark.parametrize(
    "damage",
    [damage for damage in DAMAGES if damage is not _linked_manifest],  # it is a link to nothing there
    ids=lambda damage: damage.__name__.strip("_"),
)
def test_damage_in_an_archive_is_said(damage: Callable[[Path], str], form: str, capture: Path) -> None:
    message = damage(capture)
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / f"it.{form}"
        made = _tar(capture, form) if form != "zip" else _zip(capture)
        archive.write_bytes(made)
        with pytest.raises(DamagedCaptureError, match=message) as raised:
            read(archive)
        assert str(archive) in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.DIRTYPE, "cannot be read"),
        (tarfile.FIFOTYPE, "cannot be read"),
        (tarfile.SYMTYPE, "is a symbolic link, and none is followed"),
    ],
)
def test_a_manifest_in_an_archive_that_is_no_file(kind: bytes, message: str, capture: Path, tmp_path: Path) -> None:
    (capture / "capture.json").unlink()
    with tarfile.open(tmp_path / "it.tar", "w") as archive:
        archive.add(capture, capture.name)
        member = tarfile.TarInfo(f"{capture.name}/capture.json")
        member.type, member.linkname = kind, "tags.parquet"
        archive.addfile(member)
    with pytest.raises(DamagedCaptureError, match=rf"capture\.json {message}"):
        read(tmp_path / "it.tar")


def test_what_is_no_file_of_ours_is_left_alone(capture: Path) -> None:
    """What a file manager or a person leaves in a folder."""
    (capture / ".DS_Store").write_bytes(b"\0" * 6148)
    (capture / "notes").mkdir()
    (capture / "README.txt").write_text("of July")
    assert len(read(capture).tags) == 22  # data/README.md


def test_a_file_says_what_is_wrong_with_its_columns(capture: Path) -> None:
    tags = pq.read_table(capture / "tags.parquet")
    for table, why in (
        (tags.drop_columns(["manifest"]), "lacks manifest"),
        (tags.append_column("more", pa.array([1] * len(tags))), "has the unknown more"),
        (tags.select(tags.column_names[::-1]), "has them in another order"),
        (
            tags.set_column(0, "repository", pa.array([1] * len(tags))),
            "has int64 in column repository, which is a name",
        ),
    ):
        _written(capture, "tags", table)
        with pytest.raises(DamagedCaptureError, match=rf"tags\.parquet .*{why}"):
            read(capture)


def test_a_file_that_would_grow_without_end_is_not_decoded(capture: Path) -> None:
    """A column of one long text that repeats: written plainly, and compressed to nothing."""
    tags = pq.read_table(capture / "tags.parquet")
    bomb = tags.set_column(1, "tag", pa.array(["x" * 4_000_000] * len(tags)))
    pq.write_table(bomb, capture / "tags.parquet", compression="zstd", use_dictionary=False, write_statistics=False)
    assert (capture / "tags.parquet").stat().st_size < 60_000
    _believed(capture, "tags")
    with pytest.raises(DamagedCaptureError, match=r"tags\.parquet would grow from .* to 8.,...,... bytes"):
        read(capture)


def test_a_footer_that_contradicts_itself_does_not_end_the_process(capture: Path) -> None:
    """A column that has no NA, and counts its NA all the same: pyarrow aborts where it is asked for that column."""
    data = (capture / "blobs.parquet").read_bytes()
    optional, required = b"%\2\x18\tstored_at", b"%\0\x18\tstored_at"  # repetition_type, then the column's name
    assert data.count(optional) == 1
    (capture / "blobs.parquet").write_bytes(data.replace(optional, required))
    _believed(capture, "blobs")
    command = [sys.executable, "-c", "from regviz.cli import main; main()", "table", str(capture), "tags"]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "blobs.parquet cannot be read" in failed.stderr


def test_more_rows_than_its_bytes_could_hold_are_not_decoded(capture: Path) -> None:
    """Rows that are all alike take next to nothing, and gigabytes when they are decoded."""
    tags = pq.read_table(capture / "tags.parquet")
    alike = pa.table({name: pa.array([None] * 10_000_000, tags.schema.field(name).type) for name in tags.column_names})
    _written(capture, "tags", alike)
    assert (capture / "tags.parquet").stat().st_size < 200_000
    with pytest.raises(DamagedCaptureError, match=r"tags\.parquet says it has 10,000,000 rows in"):
        read(capture)


def test_a_number_too_large_for_its_column_is_no_other_number(capture: Path) -> None:
    layers = pq.read_table(capture / "layers.parquet")
    place = layers.column_names.index("depth")
    _written(capture, "layers", layers.set_column(place, "depth", pa.array([(1 << 32) + 1] * len(layers))))
    with pytest.raises(DamagedCaptureError, match=r"layers\.parquet cannot be read"):
        read(capture)


def test_another_program_may_have_written_it(capture: Path) -> None:
    """As DuckDB does: without dictionaries of Arrow's, and with times of its own."""
    for name in TABLES:
        file = capture / f"{name}.parquet"
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            query = f"copy (select * from '{file}') to '{file}.new' (format parquet)"  # noqa: S608  # our own
            connection.execute(query)
        (capture / f"{name}.parquet.new").rename(file)
        _believed(capture, name)
    expected = read(WORLDS[0], measure=True)
    assert plain_tables(read(capture)) == plain_tables(expected)


def test_a_forged_manifest_never_ends_in_a_traceback(capture: Path) -> None:
    whole = said(capture)
    wrong: list[Any] = [None, 7, "x", [], {}, [[]], {"a": 1}]
    for key in whole:
        for value in wrong:
            say(capture, whole | {key: value})
            if key in ("captured_at", "regviz", "repositories", "repositories_complete"):
                read(capture)
                continue
            with pytest.raises(DamagedCaptureError):
                read(capture)
    for key in whole["source"]:
        for value in wrong:
            say(capture, whole | {"source": whole["source"] | {key: value}})
            try:
                repr(read(capture))
            except DamagedCaptureError:
                continue
    for value in wrong:
        say(capture, whole | {"files": whole["files"] | {"tags.parquet": value}})
        with pytest.raises(DamagedCaptureError):
            read(capture)


@pytest.mark.parametrize("name", ["tags", "manifests", "layers", "blobs", "problems"])
def test_a_forged_column_never_ends_in_a_traceback(name: str, capture: Path) -> None:
    table = pq.read_table(capture / f"{name}.parquet")
    forged: list[pa.Array] = [
        pa.array([[1]] * len(table)),
        pa.array([b"\xff"] * len(table)),
        pa.array(["x"] * len(table)),
        pa.array([1 << 62] * len(table)),
        pa.array([1.5] * len(table)),
        pa.array([None] * len(table)),
        pa.array([{"a": 1}] * len(table)),
        pa.array(["sha256:" + "z" * 64] * len(table)).dictionary_encode(),
    ]
    for column in range(table.num_columns):
        for values in forged:
            _written(capture, name, table.set_column(column, table.field(column).name, values))
            try:
                registry = read(capture)
            except RegvizError:
                continue
            registry.check()


@pytest.mark.parametrize("rule", ["", "of-a-later-regviz"])
def test_problems_of_a_rule_that_is_not_known_are_counted_all_the_same(rule: str, capture: Path) -> None:
    problems = pq.read_table(capture / "problems.parquet")
    place = problems.column_names.index("rule")
    _written(capture, "problems", problems.set_column(place, "rule", pa.array([rule] * len(problems))))
    table = doctor(read(capture))
    assert set(table["rule"]) == {rule}
    assert table["count"].sum() == len(problems) > 0


def test_a_reference_to_nothing_is_damage(capture: Path) -> None:
    tags = pq.read_table(capture / "tags.parquet")
    _written(capture, "tags", tags.set_column(2, "manifest", pa.array([sha256(b"nobody's")] * len(tags))))
    with pytest.raises(DamagedCaptureError, match=r"tags\.manifest"):
        read(capture)


@given(st.binary(max_size=64))
def test_any_bytes_as_a_manifest(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    capture = tmp_path_factory.mktemp("any") / "any.regviz"
    capture.mkdir()
    (capture / "capture.json").write_bytes(data)
    with pytest.raises(DamagedCaptureError):
        read(capture)
    shutil.rmtree(capture)


def test_the_inside_types_are_those_of_the_contract(whole: Path) -> None:
    registry = read(whole)
    for name, table in TABLES.items():
        columns = registry.columns(name)
        for column in table.columns:
            assert columns[column.name].dtype == DTYPES[column.kind]
            assert not columns[column.name].flags.writeable
