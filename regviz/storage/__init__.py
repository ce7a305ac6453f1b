"""Where bytes lie: a folder, a tar (plain, gzip, zstd), a zip, object storage, a listing.

Nothing is extracted, nothing is written.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from regviz.errors import AccessDeniedError, DamagedArchiveError, NotRecognisedError, SourceNotFoundError
from regviz.storage.base import Storage
from regviz.storage.folder import Folder
from regviz.storage.streams import GZIP, ZSTD, Stream, open_gzip, open_zstd
from regviz.storage.tar import PlainFile, Tar
from regviz.storage.tar_fields import BLOCK, verify
from regviz.storage.zip import Zip

if TYPE_CHECKING:
    from regviz.storage.tar import Source

__all__ = ["Storage", "kind_of", "none_of_them", "open_storage", "within"]

OPENERS = {"gzip": open_gzip, "zstd": open_zstd}

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def open_storage(path: str, *, partial: bool = False) -> Storage:
    """The storage at a path, told by what it holds and never by its name.

    Parameters
    ----------
    path : str
        A folder, a tar (plain, gzip, zstd) or zip archive, or a listing (plain, gzip, zstd).
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
    kind = kind_of(head)
    if kind == "zip":
        return Zip(path)
    if kind == "tar":
        return Tar(PlainFile(path), partial=partial)
    if kind in OPENERS:
        return within(Stream(path, OPENERS[kind]), partial=partial)
    return _listing(PlainFile(path), head, none_of_them(path, head), partial=partial)


def kind_of(head: bytes) -> Literal["tar", "gzip", "zstd", "zip", "other"]:
    """What a file is, by how it begins."""
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(ZSTD):
        return "zstd"
    return "tar" if _is_tar_header(head[:BLOCK]) else "other"


def none_of_them(name: str, head: bytes) -> str:
    """What is said of a file that is nothing that can be read."""
    what = "is empty" if not head else "is no archive that regviz reads (tar, tar.gz, tar.zst, zip), and no listing"
    return f"{name} {what}: {_wanted()}"


def within(stream: Source, *, partial: bool) -> Storage:
    """The storage in a compressed stream: a tar or a listing.

    Raises
    ------
    NotRecognisedError
        It holds neither.
    """
    head = stream.read_at(0, BLOCK)
    stream.rewind()
    if _is_tar_header(head):
        return Tar(stream, partial=partial)
    neither = f"{stream.name} is compressed, and holds no tar archive and no listing: {_wanted()}"
    return _listing(stream, head, neither, partial=partial)


def _listing(source: Source, head: bytes, otherwise: str, *, partial: bool) -> Storage:
    from regviz.storage.listing import open_listing  # loaded for what is no archive

    listing = open_listing(source, partial=partial) if head else None
    if listing is None:
        raise NotRecognisedError(otherwise)
    return listing


def _wanted() -> str:
    from regviz.storage.listing import RECOMMENDED

    return f"give a registry's storage folder, an archive of it, or a listing ({RECOMMENDED})"


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
