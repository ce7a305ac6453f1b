"""A zip archive, read by its central directory."""

from __future__ import annotations

import bz2
import datetime as dt
import stat
import zipfile
import zlib
from copy import copy
from typing import IO, TYPE_CHECKING

from regviz.errors import DamagedArchiveError
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, OTHER, SYMLINK, Counted, Entries, StorageProblem
from regviz.storage.tar import safe_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UNIX = 3
_LONGEST_TARGET = 4096
_UTF8_NAME = 0x800
_TIMESTAMP = 0x5455  # "extended timestamp", Info-ZIP's proginfo/extrafld.txt


class Zip:
    """The members of a zip archive.

    Parameters
    ----------
    path : str
        Where it lies.
    file : file, optional
        Its bytes, where they do not lie on this machine.
    """

    walkable = False
    by_path = False
    forward_only = False
    knows_disk = False

    def __init__(self, path: str, file: IO[bytes] | None = None) -> None:
        self.uri = path
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True
        try:
            self._archive = zipfile.ZipFile(file or path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            message = f"{path} is a zip archive that cannot be read ({error}): copy it again"
            raise DamagedArchiveError(message) from error
        self._members = self._archive.infolist()
        self._links: dict[bytes, zipfile.ZipInfo] = {}

    def __del__(self) -> None:
        if hasattr(self, "_archive"):
            self._archive.close()

    def count_objects(self) -> Counted:
        """The members, by the central directory."""
        return Counted(len(self._members), exact=True, how="its central directory lists them")

    def entries(self) -> Iterator[Entries]:
        """All members with a safe path, in the order of the central directory."""
        batch = Entries()
        for number, member in enumerate(self._members):
            raw = _raw_name(member)
            path = safe_path(raw)
            if path is None:
                self.problems[StorageProblem("path-escapes", raw, "it leads out of the archive")] = None
            if not path:
                continue
            kind = _kind(member)
            if kind == SYMLINK:
                self._links[path] = member
            batch.paths.append(path)
            batch.types.append(kind)
            batch.sizes.append(member.file_size if kind == FILE else 0)
            batch.mtimes.append(_mtime(member))
            batch.locators.append(number)
            batch.inline.append(self._content(member, INLINE) if kind == FILE and member.file_size <= INLINE else None)
            if len(batch.paths) >= BATCH:
                yield batch
                batch = Entries()
        yield batch

    def link_target(self, path: bytes) -> bytes | None:
        """What a symbolic link says: it is the member's content."""
        member = self._links.get(path)
        return None if member is None else self._content(member, _LONGEST_TARGET)

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by number of the member, in the order of their places in the file."""
        members = [self._members[at] if isinstance(at, int) and at >= 0 else None for at in locators]
        order = sorted(range(len(members)), key=lambda n: member.header_offset if (member := members[n]) else -1)
        for number in order:
            member = members[number]
            data = None if member is None else self._content(member, min(sizes[number], limit))
            yield number, data

    def _content(self, member: zipfile.ZipInfo, limit: int) -> bytes | None:
        try:
            return self._read(member, limit)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            self.complete = False
            self.problems[StorageProblem("unreadable", _raw_name(member), str(error))] = None
            return None

    def _read(self, member: zipfile.ZipInfo, limit: int) -> bytes:
        """The first bytes of a member; `zipfile` itself has bzip2 and LZMA give all that a piece expands to at once."""
        if member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with self._archive.open(member) as file:
                return file.read(limit)
        if member.compress_type != zipfile.ZIP_BZIP2:
            raise NotImplementedError(f"compression method {member.compress_type} is not read")
        raw = copy(member)
        raw.compress_type, raw.file_size = zipfile.ZIP_STORED, member.compress_size
        raw.CRC = None  # type: ignore[assignment]  # that of what it expands to
        wanted = min(limit, member.file_size)
        with self._archive.open(raw) as file, bz2.open(file) as inner:
            data: bytes = inner.read(wanted)
        is_all = len(data) < wanted or wanted == member.file_size
        if is_all and zlib.crc32(data) != member.CRC:
            raise zipfile.BadZipFile("Bad CRC-32")
        return data


def _raw_name(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8_NAME else "cp437", "surrogateescape")


def _kind(member: zipfile.ZipInfo) -> int:
    if member.filename.endswith("/"):  # is_dir() fails where there is no name
        return DIRECTORY
    mode = member.external_attr >> 16 if member.create_system == _UNIX else 0
    if stat.S_IFMT(mode) in (0, stat.S_IFREG):
        return FILE
    return SYMLINK if stat.S_ISLNK(mode) else DIRECTORY if stat.S_ISDIR(mode) else OTHER


def _mtime(member: zipfile.ZipInfo) -> int:
    """Time in µs: the extended timestamp (UTC) where there is one, else the DOS time, taken for UTC; 0 for none."""
    extra = member.extra
    while len(extra) >= 9:  # tag, length, flags and one time
        tag, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if tag == _TIMESTAMP and length >= 5 and extra[4] & 1:
            return int.from_bytes(extra[5:9], "little", signed=True) * 1_000_000
        extra = extra[4 + length :]
    try:
        return int(dt.datetime(*member.date_time, tzinfo=dt.UTC).timestamp()) * 1_000_000
    except ValueError:
        return 0
