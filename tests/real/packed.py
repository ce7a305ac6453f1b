"""A storage folder in every form the reader takes it: as it is, and in archives as people make them."""

from __future__ import annotations

import struct
import subprocess
import zipfile
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from pathlib import Path

FORMS = ("folder", "tar", "tar.gz", "tar.zst", "zip")


def pack(root: Path, form: str, folder: Path) -> Path:
    """The storage in that form."""
    if form == "folder":
        return root
    target = folder / f"storage.{form}"
    if form == "zip":
        _zip(root, target)
    elif form == "tar.gz":  # from inside: names begin with "./"
        subprocess.run(["tar", "-C", str(root), "-czf", str(target), "."], check=True)
    else:  # from above: names begin with the folder's own
        plain = folder / "storage.tar"
        subprocess.run(["tar", "-C", str(root.parent), "-cf", str(plain), root.name], check=True)
        if form == "tar.zst":
            target.write_bytes(zstandard.compress(plain.read_bytes()))
    return target


def _zip(root: Path, target: Path) -> None:
    """A zip with times as Info-ZIP keeps them, in UTC (extended timestamp, proginfo/extrafld.txt)."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root.parent))
            member = zipfile.ZipInfo(f"{name}/" if path.is_dir() else name)
            member.extra = struct.pack("<HHBL", 0x5455, 5, 1, int(path.stat().st_mtime))
            archive.writestr(member, b"" if path.is_dir() else path.read_bytes())
