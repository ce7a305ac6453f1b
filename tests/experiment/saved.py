"""Archives as ``docker save`` writes them, by hand: nothing of regviz makes them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EMPTY_TAR = bytes(1024)


def hex_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def layer(files: Mapping[str, str]) -> bytes:
    """A layer's tar, with a directory, a link and a whiteout among its members."""
    members: dict[str, bytes | None] = {name: text.encode() for name, text in files.items()}
    return pack({"etc": None, **members}, links={"etc/link": "/bin/sh"}) if files else EMPTY_TAR


def pack(
    files: Mapping[str, bytes | None], links: Mapping[str, str] | None = None, hard: Mapping[str, str] | None = None
) -> bytes:
    """A tar of files, directories (None) and links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.mtime, member.mode, member.uname, member.gname = 1_400_000_000, 0o644, "root", "root"
            member.type = tarfile.REGTYPE if data is not None else tarfile.DIRTYPE
            member.size = len(data or b"")
            archive.addfile(member, io.BytesIO(data or b""))
        for kind, named in ((tarfile.SYMTYPE, links), (tarfile.LNKTYPE, hard)):
            for name, target in (named or {}).items():
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, target
                archive.addfile(member)
    return buffer.getvalue()


def config(layers: Sequence[bytes], **more: Any) -> bytes:
    """An image's configuration, over the tars of its layers."""
    said = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-05-01T10:00:00.1200Z",
        "config": {"Cmd": ["node", "server.js"], "Env": ["PATH=/bin"], "Labels": {"b": "<2>", "a": "é"}},
        "history": [{"created_by": f"step {number}"} for number in range(len(layers))],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hex_of(one)}" for one in layers]},
    }
    return json.dumps(said | more).encode()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def modern(named: Mapping[str, tuple[bytes, Sequence[bytes]]], *, compress: Callable[[bytes], bytes] = bytes) -> bytes:
    """As docker 25 and later save: configurations and layers under their digests, by names ``repository:tag``.

    compress: as its containerd image store does, which keeps layers as they came from a registry.
    """
    files: dict[str, bytes | None] = {}
    entries: dict[bytes, dict[str, Any]] = {}
    for name, (document, layers) in named.items():
        stored = [compress(one) for one in layers]
        files |= {f"blobs/sha256/{hex_of(one)}": one for one in (document, *stored)}
        entry = entries.setdefault(document, {"Config": f"blobs/sha256/{hex_of(document)}", "RepoTags": None})
        if name:
            entry["RepoTags"] = [*(entry["RepoTags"] or []), name]
        entry["Layers"] = [f"blobs/sha256/{hex_of(one)}" for one in stored]
    files["manifest.json"] = json.dumps([*entries.values()]).encode()
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    return pack(files)


def podman(name: str, document: bytes, layers: Sequence[bytes]) -> bytes:
    """As podman and skopeo do: layers at the top, linked to from the folders that old engines want."""
    files: dict[str, bytes | None] = {f"{hex_of(one)}.tar": one for one in layers}
    links = {f"{hex_of(b'v1' + one)}/layer.tar": f"../{hex_of(one)}.tar" for one in layers}
    files[f"{hex_of(document)}.json"] = document
    entry = {"Config": f"{hex_of(document)}.json", "RepoTags": [name], "Layers": [*links]}
    files["manifest.json"] = json.dumps([entry]).encode()
    return pack(files, links)


def before_1_10(
    images: Sequence[tuple[str, str, bytes]], repositories: Mapping[str, Mapping[str, str]], **more: str
) -> bytes:
    """As docker before 1.10: a folder for each image, given by id, parent and layer."""
    files: dict[str, bytes | None] = {}
    for name, parent, tar in images:
        document = {"id": name, **({"parent": parent} if parent else {}), "created": "2014-03-27T09:00:00Z", **more}
        files |= {f"{name}/VERSION": b"1.0", f"{name}/json": json.dumps(document).encode(), f"{name}/layer.tar": tar}
    return pack(files | {"repositories": json.dumps(repositories).encode()})
