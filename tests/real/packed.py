"""A storage folder in every form the reader takes it: as it is, and in archives as people make them."""

from __future__ import annotations

import shutil
import subprocess
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
        shutil.make_archive(str(folder / "storage"), "zip", root.parent, root.name)
    elif form == "tar.gz":  # from inside: names begin with "./"
        subprocess.run(["tar", "-C", str(root), "-czf", str(target), "."], check=True)
    else:  # from above: names begin with the folder's own
        plain = folder / "storage.tar"
        subprocess.run(["tar", "-C", str(root.parent), "-cf", str(plain), root.name], check=True)
        if form == "tar.zst":
            target.write_bytes(zstandard.compress(plain.read_bytes()))
    return target
