"""Each kind of listing against a plain reading of the same text, and listings that are hostile or none."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_to_bytes

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError, NotRecognisedError, RegvizError, SourceNotFoundError
from regviz.read import read
from regviz.storage import open_storage
from regviz.storage.base import DIRECTORY, FILE, NO_SIZE, OTHER, SYMLINK, UNREAD
from regviz.storage.listing.columnar import parse_find, parse_s3_ls
from regviz.storage.listing.drawn import depth_and_name
from regviz.storage.listing.formats import FORMATS, tell
from regviz.storage.listing.lines import is_known_file, of_ls, of_rclone, of_tar, parse_paths
from regviz.storage.listing.records import Records, read_records
from regviz.storage.listing.s3 import is_object_list
from regviz.storage.spans import Spans
from regviz.storage.tar import safe_path
from tests.conftest import ROOT
from tests.helpers import V2, noise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DIGEST = "ab" * 32
BLOB = f"{V2}/blobs/sha256/ab/{DIGEST}/data"
KINDS = {b"f": FILE, b"d": DIRECTORY, b"l": SYMLINK, b"b": OTHER, b"c": OTHER, b"p": OTHER, b"s": OTHER, b"D": OTHER}

paths = st.binary(min_size=1, max_size=40).map(lambda name: name.replace(b"\0", b"/").replace(b"\n", b" ")).filter(bool)
sizes = st.one_of(st.integers(0, 9), st.integers(0, 10**18 - 1))
times = st.decimals(-(10**11), 10**11, places=10)


class Memory:
    """A listing in memory, given in pieces of any size."""

    name = "listing"
    forward_only = False

    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int | None:
        return len(self._data)

    def rewind(self) -> None:
        pass

    def read_at(self, offset: int, count: int) -> bytes:
        return self._data[offset : offset + count]

    def read_on(self) -> None:
        pass


def entries(path: Path) -> list[tuple[bytes, int, int, int]]:
    """Path, type, length, time of everything."""
    found: list[tuple[bytes, int, int, int]] = []
    for batch in open_storage(str(path)).entries():
        found += zip(batch.paths, batch.types, batch.sizes, batch.mtimes, strict=True)
    return found


def records(lines: Iterable[bytes]) -> Records:
    texts = Spans.of([line + b"\n" for line in lines])  # as they lie in a file
    return Records(Spans(texts.data + bytes(600), texts.starts, texts.stops - 1))


# --- parsers


@given(
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), sizes, times, paths), max_size=20),
    st.sampled_from([b" ", b"\t"]),
)
def test_find_against_splitting(entries: list[Any], separator: bytes) -> None:
    lines = [separator.join([kind, b"%d" % size, f"{time:f}".encode(), path]) for kind, size, time, path in entries]
    said = parse_find(records(lines), separator)
    expected = []
    for line in lines:
        kind, size, time, path = line.split(separator, 3)
        moment = int((Decimal(time.decode()) * 1_000_000).to_integral_value(ROUND_FLOOR))
        expected.append((path, KINDS[kind], int(size) if kind == b"f" else 0, moment))
    columns = (said.paths.tolist(), said.types.tolist(), said.sizes.tolist(), said.mtimes.tolist())
    assert [*zip(*columns, strict=True)] == expected
    assert said.lost == 0


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=10))
def test_find_takes_no_other_line(lines: list[bytes]) -> None:
    lines = [line for line in lines if line]

    def is_one(line: bytes) -> bool:
        parts = line.split(b" ", 3)
        if len(parts) < 4 or parts[0] not in {*KINDS, b"N", b"U", b"?"} or not parts[3]:
            return False
        whole, dot, fraction = parts[2].removeprefix(b"-").partition(b".")
        return (
            parts[1].isdigit() and whole.isdigit() and (fraction[:6].isdigit() or not fraction) and dot in (b"", b".")
        )

    said = parse_find(records(lines), b" ")
    assert (len(said.types), said.lost) == (sum(map(is_one, lines)), len(lines) - sum(map(is_one, lines)))


@given(st.lists(st.tuples(sizes, paths), max_size=20))
def test_s3_ls_against_cutting(objects: list[tuple[int, bytes]]) -> None:
    """awscli writes 19 signs, a space, the length to the right in ten columns, a space, the key."""
    lines = [b"2014-05-13 23:00:00 %10d %s" % found for found in objects]
    said = parse_s3_ls(records(lines))
    expected = []
    for line in lines:
        size, _, key = line[20:].lstrip(b" ").partition(b" ")
        expected.append((key, DIRECTORY, 0) if key.endswith(b"/") else (key, FILE, int(size)))
    assert [*zip(said.paths.tolist(), said.types.tolist(), said.sizes.tolist(), strict=True)] == expected
    assert (said.lost, set(said.mtimes.tolist())) == (0, {0} if lines else set())


@given(st.lists(paths, max_size=20))
def test_paths_are_taken_as_they_are(names: list[bytes]) -> None:
    said = parse_paths(records(names))
    assert said.paths.tolist() == names
    assert {*said.sizes[said.types == FILE].tolist()} <= {NO_SIZE}


@given(
    objects=st.lists(
        st.tuples(sizes, st.text(min_size=1, max_size=20), st.booleans(), st.booleans()), min_size=1, max_size=20
    )
)
def test_object_lists_against_json(objects: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "list"
    contents = [
        {"Key": key, "Size": size, "LastModified": "2014-05-13T23:00:00+00:00", "Owner": {"ID": '"Contents": [{'}}
        | ({"IsLatest": latest} if versions else {})
        for size, key, latest, versions in objects
    ]
    document = json.dumps({"Name": "b", "Contents": contents}, indent=4)
    path.write_text(document + "\n" + document, encoding="utf-8")  # page after page
    expected = []
    for said in json.loads(document)["Contents"] * 2:
        key = safe_path(said["Key"].encode("utf-8", "surrogatepass"))
        if said.get("IsLatest") is not False and key:
            is_directory = said["Key"].endswith("/")
            size = 0 if is_directory else said["Size"]
            expected.append((key, DIRECTORY if is_directory else FILE, size, 1400022000000000))
    assert entries(path) == expected


def _inventory(folder: Path, columns: list[str], rows: list[dict[str, object]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [row[name] for name in columns] for row in rows
    )
    (folder / "part.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    said = {"fileFormat": "CSV", "fileSchema": ", ".join(columns), "files": [{"key": "far/away/data/part.csv.gz"}]}
    (folder / "manifest.json").write_text(json.dumps(said), encoding="utf-8")
    return folder / "manifest.json"


@given(
    columns=st.permutations(["Bucket", "Key", "Size", "IsLatest", "IsDeleteMarker", "LastModifiedDate"]),
    objects=st.lists(st.tuples(paths, sizes, st.booleans(), st.booleans()), min_size=1, max_size=20),
)
def test_an_inventory_against_the_csv_module(
    columns: list[str], objects: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("inventory")
    rows: list[dict[str, object]] = [
        {
            "Bucket": "b",
            "Key": quote_plus(key, safe="/"),
            "Size": "" if deleted else size,
            "IsLatest": str(latest).lower(),
            "IsDeleteMarker": str(deleted).lower(),
            "LastModifiedDate": "2014-05-13T23:00:00.000Z",
        }
        for key, size, latest, deleted in objects
    ]
    manifest = _inventory(folder, columns, rows)
    expected = []
    with gzip.open(folder / "part.csv.gz", "rt", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, columns):
            raw = unquote_to_bytes(row["Key"].replace("+", " "))
            path = safe_path(raw)
            if row["IsLatest"] == "true" and row["IsDeleteMarker"] == "false" and path:
                is_directory = raw.endswith(b"/")
                size = 0 if is_directory else int(row["Size"])
                expected.append((path, DIRECTORY if is_directory else FILE, size, 1400022000000000))
    assert entries(manifest) == expected


@given(st.binary(max_size=400), st.sampled_from([b"\n", b"\0"]), st.booleans())
def test_records_are_what_splitting_gives(data: bytes, end: bytes, dos: bool) -> None:  # noqa: FBT001
    expected = [record.removesuffix(b"\r") if dos else record for record in data.split(end)]
    found = [text for records in read_records(Memory(data), end, dos=dos) for text in records.texts.tolist()]
    assert found == [record for record in expected if record]


@given(st.binary(max_size=300))
def test_no_bytes_make_telling_fail(data: bytes) -> None:
    is_object_list(data)
    try:
        tell(data, "x", is_whole=True)
    except NotRecognisedError as error:
        assert "list again" in str(error)
    for of in (of_tar, of_ls, of_rclone):
        of(data)


@pytest.mark.parametrize(
    ("line", "path", "kind", "size"),
    [
        (b"-rw-r--r-- root/root       71 2014-05-13 23:00 ./a b", b"./a b", FILE, 71),
        (b"drwxr-xr-x 0/0              0 2014-05-13 23:00 a/", b"a/", DIRECTORY, 0),
        (b"lrwxrwxrwx a/b              0 2014-05-13 23:00 x -> /etc/passwd", b"x", SYMLINK, 0),
        (b"hrw-r--r-- a/b              0 2014-05-13 23:00 x link to y", b"x", FILE, NO_SIZE),
        (b"crw-r--r-- a/b            1,3 2014-05-13 23:00 null", b"null", OTHER, 0),
        (rb"-rw-r--r-- a/b  1 2014-05-13 23:00:01.5 new\nline\\\303\244", b"new\nline\\\xc3\xa4", FILE, 1),
    ],
)
def test_lines_of_tar(line: bytes, path: bytes, kind: int, size: int) -> None:
    entry = of_tar(line)
    assert entry is not None
    assert (entry.path, entry.kind, 0 if kind != FILE else entry.size) == (path, kind, size)


def test_lines_of_bsdtar() -> None:
    entry = of_ls(b"-rw-r--r--  0 root   wheel      71 May 13  2014 a/b")
    assert entry is not None
    assert (entry.path, entry.size) == (b"a/b", 71)


# --- what a listing is written with


def _listed(path: Path) -> list[bytes]:
    return [entry[0] for entry in entries(path)]


@pytest.mark.parametrize("head", [b"", b"./", b"/", b"//srv/./registry/"])
def test_what_stands_before_a_path_does_not_matter(head: bytes, tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"f 71 1.0 %s%s\n" % (head, BLOB.encode()))
    assert _listed(tmp_path / "l") == [safe_path(head + BLOB.encode())]


@pytest.mark.parametrize(
    ("here", "place"), [("x", ".."), ("x/y", "../.."), ("x/y", "../../../r"), ("x", "./.."), ("x/y", "../../docker")]
)
def test_a_folder_named_by_the_way_to_it(here: str, place: str, tmp_path: Path) -> None:
    inside = tmp_path / "r" / here
    inside.mkdir(parents=True)
    data = tmp_path / "r" / BLOB
    data.parent.mkdir(parents=True)
    data.write_bytes(b"{}")
    command = ["find", place, "-printf", r"%y %s %T@ %p\n"]
    with (tmp_path / "l").open("wb") as file:
        subprocess.run(command, cwd=inside, stdout=file, check=True)
    listed = read(tmp_path / "l")
    assert listed.blobs["blob"].tolist() == [f"sha256:{DIGEST}"]
    assert set(listed.problems["rule"]) == {"listing-only"}


def test_a_mark_and_line_ends_of_windows(tmp_path: Path) -> None:
    lines = [f"2014-05-13 23:00:00         71 {BLOB}", "2014-05-13 23:00:00          5 a b\r"]
    (tmp_path / "l").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode())
    assert _listed(tmp_path / "l") == [BLOB.encode(), b"a b\r"]


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_compressed(form: str, tmp_path: Path) -> None:
    text = f"f 71 1.0 {BLOB}\n".encode() * 3000
    (tmp_path / "l").write_bytes(gzip.compress(text) if form == "gz" else zstandard.compress(text))
    assert _listed(tmp_path / "l") == [BLOB.encode()] * 3000
    assert read(tmp_path / "l").blobs["blob"].tolist() == [f"sha256:{DIGEST}"]


def test_a_compressed_listing_that_breaks_off(tmp_path: Path) -> None:
    text = b"".join(b"f 71 1.0 %s/blobs/sha256/%s/%s/data\n" % (V2.encode(), d[:2], d) for d in _digests(20_000))
    (tmp_path / "l").write_bytes(gzip.compress(text)[:-100_000])
    with pytest.raises(DamagedArchiveError, match="break off"):
        read(tmp_path / "l")
    some = read(tmp_path / "l", partial=True)
    assert 0 < len(some.blobs) < 20_000
    assert not some.repositories["complete"].any()


def _digests(count: int) -> list[bytes]:
    import hashlib

    return [hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(count)]


def test_names_that_only_nul_keeps_apart(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    name = folder / V2 / "blobs" / "new\nline f 1 1.0 x"
    name.mkdir(parents=True)
    with (tmp_path / "l").open("wb") as file:
        subprocess.run(["find", ".", "-printf", r"%y %s %T@ %p\0"], cwd=folder, stdout=file, check=True)
    assert os.fsencode(str(name.relative_to(folder))) in _listed(tmp_path / "l")


# --- what is not understood


def test_odd_records_are_counted_and_told_once(tmp_path: Path) -> None:
    lines = [f"f 71 1.0 {BLOB}"] * 50 + ["find: ‘x’: Permission denied", "f x 1.0 y"]
    (tmp_path / "l").write_text("\n".join(lines), encoding="utf-8")
    problems = read(tmp_path / "l").problems
    [detail] = problems.loc[problems["rule"] == "listing-records", "detail"]
    assert detail == "2 records of 52 not understood"


def test_a_path_that_leads_out_is_left_out(tmp_path: Path) -> None:
    lines = [f"f 71 1.0 {BLOB}", f"f 71 1.0 ../../{BLOB}"]
    (tmp_path / "l").write_text("\n".join(lines) + "\n", encoding="utf-8")
    problems = read(tmp_path / "l").problems
    assert problems.loc[problems["rule"] == "path-escapes", "path"].tolist() == [f"../../{BLOB}"]


SHORT = f"f 71 1.0 {BLOB}\n"
S3 = f"2014-05-13 23:00:00         71 {BLOB}\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"2014-05-13 23:00:00    1.2 KiB {BLOB}\n".encode(), "rounded lengths .* without --human-readable"),
        (f"2014-05-13 23:00:00   71 Bytes {BLOB}\n".encode(), "rounded lengths"),
        (f"-rw-r--r-- 1 root root 1.2K May 13 23:00 {BLOB}\n".encode(), "rounded lengths"),
        (b"                           PRE docker/\n", "one level of a bucket .* --recursive"),
        (b".:\ntotal 4\ndrwxr-xr-x 2 root root 4096 May 13 23:00 docker\n", "what ls -l writes of single directories"),
        ((SHORT + S3).encode() * 20, "no listing of one kind: of its first 40 records 20 are those of find -printf"),
        (SHORT.encode() * 2000 + S3.encode() * 1000, "1,000 of its 3,000 records are something else"),
        ("".join([SHORT] * 3).encode("utf-16"), "UTF-16"),
        (b'"b","docker/registry/v2/x","71"\n', "give the manifest.json of the inventory"),
        (b'{"fileFormat": "ORC", "fileSchema": "Key", "files": []}', "of 'ORC' files"),
        (b'{"fileFormat": "CSV", "fileSchema": "Size", "files": []}', "a fileSchema without one Key"),
        (b'{"fileSchema": "Key", "files": [', "no JSON"),
        (b"some prose\nthat names nothing\n", "no archive that regviz reads .* and no listing"),
        (bytes(range(256)) * 8, "no archive that regviz reads"),
        (b"a/b\nc/d\n", "no registry was found"),
    ],
)
def test_what_is_no_listing_says_why(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(content)
    with pytest.raises(RegvizError, match=said):
        read(tmp_path / "l")


def test_an_object_list_that_breaks_off(tmp_path: Path) -> None:
    whole = json.dumps({"Contents": [{"Key": BLOB, "Size": 5}] * 3})
    (tmp_path / "l").write_text(whole[:-20], encoding="utf-8")
    with pytest.raises(DamagedArchiveError, match="breaks off within a list"):
        read(tmp_path / "l")


def test_an_object_list_with_what_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "l").write_text('{"Contents": [{"Key": x' + " " * (1 << 21), encoding="utf-8")
    with pytest.raises(DamagedArchiveError, match="lists what is no object"):
        read(tmp_path / "l")


@pytest.mark.parametrize("line", ["-rwxrwxrwx " + "/" * 8000, "a/_layers" * 800 + "/x", " " * 8000 + "x", "1 " * 4000])
def test_hostile_lines_take_no_time(line: str) -> None:
    """No expression looks at a line much longer than at a usual one of its length."""
    began = time.process_time()
    for of in (of_tar, of_ls, of_rclone, is_known_file, depth_and_name):
        of(line.encode())
    assert time.process_time() - began < 1


@pytest.mark.parametrize("key", ["../part.csv.gz", "/etc/passwd", "data/..", "", "data/lost.csv.gz"])
def test_an_inventory_takes_no_file_from_elsewhere(key: str, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "part.csv.gz").write_bytes(gzip.compress(b'"x"\n'))
    manifest = tmp_path / "inner" / "manifest.json"
    manifest.write_text(
        json.dumps({"fileFormat": "CSV", "fileSchema": "Key", "files": [{"key": key}]}), encoding="utf-8"
    )
    with pytest.raises(SourceNotFoundError, match="lies neither beside it"):
        open_storage(str(manifest))


@pytest.mark.parametrize("key", ["etc/hosts.csv", "up/etc/hosts.csv", "away/data/link.csv", "data/secret", "secret"])
def test_an_inventory_reads_no_file_of_the_machine(key: str, tmp_path: Path) -> None:
    """A forged one, whatever lies in folders above it, or behind a link beside it."""
    for path in ("etc/hosts.csv", "up/etc/hosts.csv", "up/here/data/secret", "up/here/secret"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b'"x"\n')
    (tmp_path / "up/here/data/link.csv").symlink_to(tmp_path / "etc/hosts.csv")
    manifest = tmp_path / "up" / "here" / "manifest.json"
    manifest.write_text(
        json.dumps({"fileFormat": "CSV", "fileSchema": "Key", "files": [{"key": key}]}), encoding="utf-8"
    )
    with pytest.raises(SourceNotFoundError, match="lies neither beside it"):
        open_storage(str(manifest))


@pytest.mark.parametrize("where", [".", "data", "../data", "to/bucket/all/data", "../../to/bucket/all/data"])
@pytest.mark.parametrize("name", ["part.csv.gz", "part.csv"])
def test_an_inventory_whose_files_lie_beside_it_or_as_in_the_bucket(where: str, name: str, tmp_path: Path) -> None:
    """S3 has <prefix>/<bucket>/<configuration>/<time>/manifest.json, and data/ in the configuration."""
    manifest = tmp_path / "all" / "2024-05-01T01-00Z" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        json.dumps({"fileFormat": "CSV", "fileSchema": "Key", "files": [{"key": f"to/bucket/all/data/{name}"}]}),
        encoding="utf-8",
    )
    part = (manifest.parent / where).resolve() / name
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(gzip.compress(b'"x"\n') if name.endswith("gz") else b'"x"\n')
    assert [path for path, *_ in entries(manifest)] == [b"x"]


def test_an_inventory_that_is_no_csv(tmp_path: Path) -> None:
    manifest = _inventory(tmp_path, ["Key"], [])
    (tmp_path / "part.csv.gz").write_bytes(gzip.compress(noise(100_000))[:-10])
    with pytest.raises(DamagedArchiveError, match="cannot be read as CSV"):
        list(open_storage(str(manifest)).entries())


def test_contents_are_nowhere(tmp_path: Path) -> None:
    lines = [f"f 71 1.0 {BLOB}", "f 0 1.0 empty"]
    (tmp_path / "l").write_text("\n".join(lines), encoding="utf-8")
    storage = open_storage(str(tmp_path / "l"))
    first, second = storage.entries()
    assert [first.small(0) is UNREAD, second.small(0)] == [True, b""]
    assert [*storage.read_many(first.locators, first.sizes, 100)] == [(0, None)]
    assert storage.link_target(b"empty") is None


PEAK = """
import resource, sys
from regviz.errors import RegvizError
from regviz.storage import open_storage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
storage = open_storage(sys.argv[1])
count = sum(len(batch) for batch in storage.entries())
more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(count, more // 1024, *[problem.detail for problem in storage.problems if problem.rule == "listing-records"], sep="|")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource is POSIX's")
def test_a_line_of_half_a_gigabyte_takes_no_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "l", "wb", 1) as file:
        file.write(SHORT.encode() * 20)
        for _ in range(512):
            file.write(b"a" * (1 << 20))
        file.write(b"\n" + SHORT.encode())
    command = [sys.executable, "-c", PEAK, str(tmp_path / "l")]
    said = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True
    )
    count, megabytes, detail = said.stdout.decode().strip().split("|")
    assert (int(count), detail) == (21, "1 record of 22 not understood")
    assert int(megabytes) < 60


def test_every_format_says_what_writes_it() -> None:
    assert len({format_.name for format_ in FORMATS}) == len(FORMATS)
