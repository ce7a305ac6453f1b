"""Where bytes lie: a folder, a tar (plain, gzip, zstd), a zip, object storage; nothing is extracted or written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from regviz.errors import AccessDeniedError, DamagedArchiveError, NotRecognisedError, SourceNotFoundError
from regviz.storage.base import Storage
from regviz.storage.folder import Folder
from regviz.storage.streams import GZIP, ZSTD, Stream, open_gzip, open_zstd
from regviz.storage.tar import PlainFile, Tar
from regviz.storage.tar_fields import BLOCK, verify
from regviz.storage.zip import Zip

if TYPE_CHECKING:
    from regviz.storage.tar import Source

AnySource = TypeVar("AnySource", bound="Source")

__all__ = ["Storage", "kind_of", "open_storage", "tar_within"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def open_storage(path: str, *, partial: bool = False) -> Storage:
    """The storage at a path, told by what it holds and never by its name.

    Parameters
    ----------
    path : str
        A folder, or a tar (plain, gzip, zstd) or zip archive.
    partial : bool
        Go on with what was read where an archive ends too early, instead of raising.

    Raises
    ------
    SourceNotFoundError
        Nothing lies there.
    AccessDeniedError
        It may not be read.
    NotRecognisedError
        It is a file of another kind.
    DamagedArchiveError
        It is a zip archive without its directory.
    """
    try:
        if os.path.isdir(path):  # os.fsencode'd names pass through
            return Folder(path)
        try:
            os.lstat(path)
        except PermissionError:
            raise
        except (OSError, ValueError) as error:
            message = f"nothing lies at {path}"
            raise SourceNotFoundError(message) from error
        if not Path(path).is_file():
            message = f"{path} is neither a folder nor a file"
            raise NotRecognisedError(message)
        with open(path, "rb") as file:
            head = file.read(BLOCK)
    except PermissionError as error:
        message = f"{path} may not be read by this user; run as one who may, for example with sudo"
        raise AccessDeniedError(message) from error
    kind = kind_of(head, path)
    if kind == "zip":
        return Zip(path)
    if kind == "tar":
        return Tar(PlainFile(path), partial=partial)
    return Tar(tar_within(Stream(path, open_gzip if kind == "gzip" else open_zstd)), partial=partial)


def kind_of(head: bytes, name: str) -> Literal["tar", "gzip", "zstd", "zip"]:
    """What an archive is, by how it begins.

    Raises
    ------
    NotRecognisedError
        It is none.
    """
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(ZSTD):
        return "zstd"
    if not _is_tar_header(head[:BLOCK]):
        what = "is empty" if not head else "is no archive that regviz reads (tar, tar.gz, tar.zst, zip)"
        message = f"{name} {what}: give a registry's storage folder, or an archive of it"
        raise NotRecognisedError(message)
    return "tar"


def tar_within(stream: AnySource) -> AnySource:
    """A compressed stream, from its beginning; NotRecognisedError where it holds no tar."""
    head = stream.read_at(0, BLOCK)
    if not _is_tar_header(head):
        message = (
            f"{stream.name} is compressed, and holds no tar archive: "
            "give a registry's storage folder, or an archive of it"
        )
        raise NotRecognisedError(message)
    stream.rewind()
    return stream


def _is_tar_header(head: bytes) -> bool:
    if len(head) < BLOCK:
        return False
    if not any(head):
        return True  # an archive without members
    try:
        verify(head, 0, "")
    except DamagedArchiveError:
        return False
    return True
