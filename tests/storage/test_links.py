"""What symbolic links say, by every storage; none is followed."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from regviz.storage import open_storage
from regviz.storage.base import SYMLINK

if TYPE_CHECKING:
    from pathlib import Path

LINKS = {
    "a/layer.tar": "../b/layer.tar",
    "absolute": "/etc/passwd",
    "dangling": "nowhere",
    "é": "ü",
    "long": "../" + "x" * 300 + "/layer.tar",
    "deep/" * 30 + "link": "y" * 120,
}


def make(form: str, folder: Path) -> Path:
    root = folder / "root"
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    (root / "file").write_bytes(b"x")
    if form == "folder":
        return root
    archive = folder / "links"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for name, target in LINKS.items():
                member = zipfile.ZipInfo(name)
                member.create_system = 3
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
                opened.writestr(member, target)
            opened.writestr("file", b"x")
        return archive
    format_ = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}[form]
    with tarfile.open(archive, "w", format=format_) as opened:
        opened.add(root, ".")
    return archive


@pytest.mark.parametrize("form", ["folder", "gnu", "pax", "zip"])
def test_what_links_say(form: str, tmp_path: Path) -> None:
    storage = open_storage(str(make(form, tmp_path)))
    met = {path: kind for batch in storage.entries() for path, kind in zip(batch.paths, batch.types, strict=True)}
    assert {path for path, kind in met.items() if kind == SYMLINK} == {os.fsencode(name) for name in LINKS}
    for name, target in LINKS.items():
        assert storage.link_target(os.fsencode(name)) == os.fsencode(target)
    assert storage.link_target(b"file") is None
    assert storage.link_target(b"none") is None


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_links_among_many_plain_members(format_: int, tmp_path: Path) -> None:
    """Runs of plain members are taken together; a link between them is not passed over, whatever extends its header."""
    said: dict[bytes, bytes] = {}
    with tarfile.open(tmp_path / "many.tar", "w", format=format_) as opened:
        for number in range(1200):
            folder = "d" * 120 if number % 3 else "d"
            member = tarfile.TarInfo(f"{folder}/{number}")
            if number % 7 == 0:
                member.type, member.linkname = tarfile.SYMTYPE, "../x" * (1 + number % 2 * 40) + str(number)
                said[os.fsencode(member.name)] = os.fsencode(member.linkname)
            else:
                member.size = (0, 5, 600)[number % 3]
            opened.addfile(member, io.BytesIO(bytes(member.size)))
    storage = open_storage(str(tmp_path / "many.tar"))
    kinds = {path: kind for batch in storage.entries() for path, kind in zip(batch.paths, batch.types, strict=True)}
    assert len(kinds) == 1200
    assert {path for path, kind in kinds.items() if kind == SYMLINK} == set(said)
    assert {path: storage.link_target(path) for path in said} == said
