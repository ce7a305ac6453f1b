"""Listings of a storage: by the programs that write them, else by the formats that their sources document."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class File(NamedTuple):
    key: str
    size: int
    mtime_ns: int


class Form(NamedTuple):
    """What a kind of listing knows, and how it is made of a folder: the listing's path comes back."""

    write: Callable[[Path, Path], Path]
    sizes: bool = True
    times: bool = False
    directories: bool = True


def files_of(root: Path) -> Iterator[File]:
    """Every file below a folder, in the order of a bucket's listing (UTF-8 bytes of the keys)."""
    found = []
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory) / name
            if path.is_symlink() or not path.is_file():
                continue
            said = path.stat()
            found.append(File(str(path.relative_to(root)), said.st_size, said.st_mtime_ns))
    return iter(sorted(found, key=lambda file: os.fsencode(file.key)))


def _by(*command: str) -> Callable[[Path, Path], Path]:
    """The output of a command that is run in the folder."""

    def write(root: Path, target: Path) -> Path:
        with target.open("wb") as file:
            subprocess.run(command, cwd=root, stdout=file, check=True, env=os.environ | {"TZ": "Pacific/Chatham"})
        return target

    return write


def _tar(root: Path, target: Path) -> Path:
    archive = target.with_suffix(".tar")
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    with target.open("wb") as file:
        subprocess.run(["tar", "-tvf", archive], stdout=file, check=True)
    return target


def s3_ls_line(file: File) -> str:
    """awscli, awscli/customizations/s3/subcommands.py, ListCommand: local time, length to the right in ten columns."""
    when = dt.datetime.fromtimestamp(file.mtime_ns // 10**9).astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S} {file.size!s:>10} {file.key}"


def s3_ls(root: Path, target: Path) -> Path:
    lines = [*map(s3_ls_line, files_of(root))]
    total = sum(file.size for file in files_of(root))
    sums = ["", f"Total Objects: {len(lines)}", f"   Total Size: {total}"]
    target.write_bytes(os.fsencode("\n".join([*lines, *sums]) + "\n"))
    return target


def utc(file: File, form: str) -> str:
    return dt.datetime.fromtimestamp(file.mtime_ns // 10**9, dt.UTC).strftime(form)


def s3_api(root: Path, target: Path) -> Path:
    """ListObjectsV2 as awscli prints it: all pages as one document of four spaces a level."""
    contents = [
        {
            "Key": file.key,
            "LastModified": utc(file, "%Y-%m-%dT%H:%M:%S+00:00"),
            "ETag": '"{}, ["',
            "Size": file.size,
            "StorageClass": "STANDARD",
            "Owner": {"ID": "[]}{"},
        }
        for file in files_of(root)
    ]
    target.write_text(json.dumps({"Contents": contents, "RequestCharged": None}, indent=4), encoding="utf-8")
    return target


INVENTORY_SCHEMA = ("Bucket", "IsLatest", "Size", "VersionId", "Key", "LastModifiedDate", "IsDeleteMarker", "ETag")


def inventory(root: Path, target: Path) -> Path:
    """S3 User Guide, Amazon S3 Inventory: two gzipped CSV files in data/, with older versions and delete markers."""
    folder = target.parent / f"{target.name}.inventory"
    (folder / "data").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for number, file in enumerate(files_of(root)):
        row: dict[str, object] = {
            "Bucket": "b",
            "IsLatest": "true",
            "Size": file.size,
            "VersionId": f"v{number}",
            "Key": quote_plus(file.key, safe="/"),
            "LastModifiedDate": utc(file, "%Y-%m-%dT%H:%M:%S.000Z"),
            "IsDeleteMarker": "false",
            "ETag": "d41d8cd98f00b204e9800998ecf8427e",
        }
        rows += [row | {"IsLatest": "false", "Size": 12345}] if number % 5 == 0 else []
        rows.append(row)
    gone = rows[-1] | {"Key": quote_plus("docker/registry/v2/repositories/gone/_layers/x"), "Size": ""}
    rows.append(gone | {"IsDeleteMarker": "true"})
    files = []
    for number, part in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([row[name] for name in INVENTORY_SCHEMA] for row in part)
        place = folder / "data" / f"part-{number}.csv.gz"
        place.write_bytes(gzip.compress(text.getvalue().encode()))
        files.append(
            {"key": f"inventories/b/daily/data/{place.name}", "size": place.stat().st_size, "MD5checksum": "0"}
        )
    manifest = folder / "manifest.json"
    said = {
        "sourceBucket": "b",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": ", ".join(INVENTORY_SCHEMA),
        "files": files,
    }
    manifest.write_text(json.dumps(said), encoding="utf-8")
    return manifest


def gsutil(root: Path, target: Path) -> Path:
    """gsutil, gslib/commands/ls.py: length to the right in ten columns, time in UTC, URL; a sum at the end."""
    lines = [f"{file.size:>10}  {utc(file, '%Y-%m-%dT%H:%M:%SZ')}  gs://bucket/{file.key}" for file in files_of(root)]
    target.write_bytes(os.fsencode("\n".join([*lines, f"TOTAL: {len(lines)} objects, 1 bytes (1 B)"]) + "\n"))
    return target


def tar_names(root: Path, target: Path) -> Path:
    archive = target.with_suffix(".tar")
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    target.write_bytes(subprocess.run(["tar", "-tf", archive], check=True, capture_output=True).stdout)
    return target


def rclone_lsl(root: Path, target: Path) -> Path:
    """rclone, fs/operations/operations.go, ListLong: length in nine columns, local time with nanoseconds, path."""
    lines = []
    for file in files_of(root):
        when = dt.datetime.fromtimestamp(file.mtime_ns // 10**9).astimezone()
        lines.append(f"{file.size:>9} {when:%Y-%m-%d %H:%M:%S}.{file.mtime_ns % 10**9:09} {file.key}\n")
    target.write_bytes(os.fsencode("".join(lines)))
    return target


def rclone_lsf(root: Path, target: Path) -> Path:
    """rclone lsf -R: paths, those of directories with a slash behind them (rclone docs, rclone_lsf)."""
    names = [f"{path.relative_to(root)}{'/' if path.is_dir() else ''}\n" for path in sorted(root.rglob("*"))]
    target.write_bytes(os.fsencode("".join(names)))
    return target


FORMS = {
    "printf-nul": Form(_by("find", ".", "-printf", r"%y %s %T@ %p\0"), times=True),
    "printf-lines": Form(_by("find", ".", "-printf", r"%y %s %T@ %p\n"), times=True),
    "printf-tabs": Form(_by("find", ".", "-printf", r"%y\t%s\t%T@\t%p\n"), times=True),
    "find": Form(_by("find", "."), sizes=False),
    "find-print0": Form(_by("find", ".", "-print0"), sizes=False),
    "find-ls": Form(_by("find", ".", "-ls")),
    "tar-tv": Form(_tar),
    "tar-t": Form(tar_names, sizes=False),
    "rclone-lsl": Form(rclone_lsl, directories=False),
    "rclone-lsf": Form(rclone_lsf, sizes=False),
    "s3-ls": Form(s3_ls, directories=False),
    "s3-api": Form(s3_api, times=True, directories=False),
    "inventory": Form(inventory, times=True, directories=False),
    "gsutil": Form(gsutil, times=True, directories=False),
}
