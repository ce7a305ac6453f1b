"""A storage's entries as plain values, and what `tarfile` says of the same archive."""

from __future__ import annotations

import os
import tarfile
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.storage import Storage


class Entry(NamedTuple):
    path: bytes
    kind: int
    size: int
    mtime: int
    content: bytes | None


def listing(storage: Storage, limit: int = 1 << 30) -> list[Entry]:
    """Every entry with its content, read in two ways: what passed by in the listing must equal what is read later."""
    found: list[Entry] = []
    locators: list[int] = []
    for batch in storage.entries():
        columns = (batch.paths, batch.types, batch.sizes, batch.mtimes, batch.inline)
        found += [Entry(*values) for values in zip(*columns, strict=True)]
        locators += batch.locators
    files = [number for number, entry in enumerate(found) if entry.kind == FILE]
    wanted = [locators[number] for number in files]
    for number, data in storage.read_many(wanted, [found[number].size for number in files], limit):
        entry = found[files[number]]
        assert entry.content is None or data is None or entry.content[:limit] == data
        found[files[number]] = entry._replace(content=data)
    return found


def by_tarfile(path: Path) -> list[Entry]:
    """The same by the standard library; hard links stand at the end, each as what lay under its target's name before it."""
    first: list[Entry] = []
    links: list[Entry] = []
    there: dict[bytes, Entry] = {}
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            name, target = _path(member.name), _path(member.linkname)
            if not _is_inside(name):
                continue
            if member.islnk():
                if target in there and there[target].kind == FILE:
                    entry = there[target]
                    there[name] = entry
                    links.append(entry._replace(path=name))
                continue
            data = None
            if member.isreg():
                reader = archive.extractfile(member)
                assert reader is not None
                data = reader.read()
            entry = Entry(name, _kind(member), len(data or b""), _microseconds(member), data)
            there[name] = entry
            first.append(entry)
    return first + links


def _path(name: str) -> bytes:
    return b"/".join(part for part in os.fsencode(name).split(b"/") if part not in (b"", b"."))


def _is_inside(path: bytes) -> bool:
    return path != b"" and b".." not in path.split(b"/")


def _kind(member: tarfile.TarInfo) -> int:
    if member.isreg():
        return FILE
    return DIRECTORY if member.isdir() else SYMLINK if member.issym() else OTHER


def _microseconds(member: tarfile.TarInfo) -> int:
    seconds = Decimal(member.pax_headers.get("mtime", str(member.mtime)))
    return int((seconds * 1_000_000).to_integral_value(ROUND_FLOOR))
