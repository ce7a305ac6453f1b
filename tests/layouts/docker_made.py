"""Archives and stores of Docker's, written by hand for the tests, file by file."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from tests.helpers import EPOCH, encode, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ARCHIVE_FORMS = ("folder", "tar", "zip")


class Link(str):
    """A symbolic link, and what it says."""

    __slots__ = ()


class HardLink(str):
    """Another name of a file before it."""

    __slots__ = ()


Files = dict[str, "bytes | Link | HardLink"]


def v1_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def config(layers: list[bytes], **more: object) -> bytes:
    """A configuration whose layers have these contents."""
    rootfs = {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]}
    return encode({"os": "linux", "architecture": "amd64", "rootfs": rootfs, **more})


def entry(config_path: str, layers: list[str], *names: str, **more: object) -> dict[str, Any]:
    """An entry of ``manifest.json``."""
    return {"Config": config_path, "RepoTags": list(names) or None, "Layers": layers, **more}


def saved(*images: tuple[list[bytes], tuple[str, ...]]) -> Files:
    """An archive as docker 1.10 to 24 writes it, of images by their layers' contents and names."""
    files: Files = {}
    entries, names = [], {}
    for layers, references in images:
        document = config(layers)
        config_path = sha256(document).removeprefix("sha256:") + ".json"
        files[config_path] = document
        places = []
        for number, layer in enumerate(layers):
            name = v1_id("".join(sha256(below) for below in layers[: number + 1]))
            files |= {
                f"{name}/VERSION": b"1.0",
                f"{name}/json": encode({"id": name, "created": "1970-01-01T00:00:00Z"}),
            }
            files.setdefault(f"{name}/layer.tar", layer)
            places.append(f"{name}/layer.tar")
        entries.append(entry(config_path, places, *references))
        for reference in references:
            repository, _, tag = reference.rpartition(":")
            names.setdefault(repository, {})[tag] = places[-1].partition("/")[0] if places else ""
    return files | {"manifest.json": encode(entries), "repositories": encode(names)}


def image_of(layers: list[bytes]) -> str:
    """The image ID of an image that :func:`saved` writes."""
    return sha256(config(layers))


def lay(files: Mapping[str, bytes | Link | HardLink], form: str, folder: Path, *, prefix: str = "") -> Path:
    """These files in a form: ``folder``, ``tar`` or ``zip`` (which keeps a hard link as a file)."""
    if form == "folder":
        for name, content in files.items():
            path = folder / "storage" / prefix / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                path.symlink_to(content)
            elif isinstance(content, HardLink):
                path.hardlink_to(folder / "storage" / prefix / content)
            else:
                path.write_bytes(content)
        return folder / "storage"
    target = folder / f"storage.{form}"
    if form == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in files.items():
                member = zipfile.ZipInfo(prefix + name)
                member.create_system = 3
                kind = stat.S_IFLNK if isinstance(content, Link) else stat.S_IFREG
                member.external_attr = (kind | 0o644) << 16
                data = files[content] if isinstance(content, HardLink) else content
                archive.writestr(member, data.encode() if isinstance(data, str) else data)
        return target
    with tarfile.open(target, "w") as opened:
        for name, content in files.items():
            header = tarfile.TarInfo(prefix + name)
            header.mtime = EPOCH
            if isinstance(content, bytes):
                header.size = len(content)
                opened.addfile(header, io.BytesIO(content))
            else:
                header.type = tarfile.SYMTYPE if isinstance(content, Link) else tarfile.LNKTYPE
                header.linkname = content if isinstance(content, Link) else prefix + content
                opened.addfile(header)
    return target
