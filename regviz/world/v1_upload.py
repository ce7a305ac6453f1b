"""What a client uploads of a v1 image, and the sums that client and server make of it.

Sources: docker-registry 0.9.1, docker_registry/images.py, lib/checksums.py and lib/layers.py; moby v0.9.0,
utils/tarsum.go.
"""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Member: TypeAlias = tuple[tarfile.TarInfo, bytes | Iterable[bytes]]

_ROW_TYPES = {
    tarfile.REGTYPE: "f",
    tarfile.AREGTYPE: "f",
    tarfile.LNKTYPE: "l",
    tarfile.SYMTYPE: "s",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
    tarfile.DIRTYPE: "d",
    tarfile.FIFOTYPE: "i",
    tarfile.CONTTYPE: "t",
    tarfile.GNUTYPE_SPARSE: "S",
}
_DELETED = "/.wh."


@dataclass(frozen=True)
class Upload:
    """A v1 image as it is sent.

    Attributes
    ----------
    id, parent : str
        The parent is empty for a base.
    json : bytes
    sent : callable
        Gives the layer's bytes, in pieces; each call begins again.
    members : callable or None
        Gives the headers and contents of the layer's tar. None: the image changes no file, and what is sent for that
        depends on the client's age.
    """

    id: str
    parent: str
    json: bytes
    sent: Callable[[], Iterable[bytes]]
    members: Callable[[], Iterable[Member]] | None


def announced(ids: Iterable[str], tags: Mapping[str, str]) -> list[dict[str, str]]:
    """What a client says first of a push: its images, and the tags of each (moby v1.3.3, graph/push.go).

    Examples
    --------
    >>> announced(["ab", "cd"], {"1": "cd", "latest": "cd"})
    [{'id': 'ab'}, {'id': 'cd', 'Tag': '1'}, {'id': 'cd', 'Tag': 'latest'}]
    """
    rows: list[dict[str, str]] = []
    for image in ids:
        named = [tag for tag, target in tags.items() if target == image]
        rows += [{"id": image, "Tag": tag} for tag in named] or [{"id": image}]
    return rows


class PayloadSum:
    """The sum over an image's JSON and its layer as it is sent, made while that passes by."""

    def __init__(self, image_json: bytes) -> None:
        self._hash = hashlib.sha256(image_json + b"\n")
        self.size = 0

    def passed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces."""
        for piece in pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def text(self) -> str:
        """The sum, once everything has passed."""
        return f"sha256:{self._hash.hexdigest()}"


def payload_sum(image_json: bytes) -> PayloadSum:
    """A sum that begins with an image's JSON.

    Examples
    --------
    >>> total = payload_sum(b"{}")
    >>> b"".join(total.passed([b"layer"])), total.size, total.text[:15]
    (b'layer', 5, 'sha256:3db12f91')
    """
    return PayloadSum(image_json)


def tarsum(image_json: bytes, members: Iterable[Member]) -> str:
    """The sum docker 0.9 made of an image's JSON and its layer, whatever the order of the layer's files.

    Parameters
    ----------
    image_json : bytes
    members : iterable of (tarfile.TarInfo, bytes or iterable of bytes)
        The headers and contents of the layer's tar.

    Notes
    -----
    moby v0.9.0, utils/tarsum.go: one SHA-256 for each entry, over the fields of its header and its content;
    then one over the JSON and all of these, sorted.
    """
    sums = []
    for member, content in members:
        name = f"{member.name}/" if member.isdir() else member.name
        header = (
            f"name{name}mode{member.mode}uid{member.uid}gid{member.gid}size{member.size}mtime{int(member.mtime)}"
            f"typeflag{member.type.decode('latin-1')}linkname{member.linkname}uname{member.uname}gname{member.gname}"
            f"devmajor{member.devmajor}devminor{member.devminor}"
        )
        total = hashlib.sha256(header.encode("utf-8", "surrogateescape"))
        for piece in (content,) if isinstance(content, bytes) else content:
            total.update(piece)
        sums.append(total.hexdigest())
    return f"tarsum+sha256:{hashlib.sha256(image_json + ''.join(sorted(sums)).encode()).hexdigest()}"


def file_rows(members: Iterable[Member]) -> list[list[str | int | float | bool]]:
    """The server's listing of a layer: name, type, deleted, size, mtime, mode, uid and gid of each file.

    Notes
    -----
    docker-registry 0.9.1, lib/layers.py, serialize_tar_info: a whiteout is only told by a name that begins with
    ``./.wh.``, which docker does not write.
    """
    return [row for member, _ in members if (row := _row(member))]


def _row(member: tarfile.TarInfo) -> list[str | int | float | bool]:
    name = "/" if member.name == "." else member.name
    if name.startswith("./"):
        name = name[1:]
    deleted = name.startswith(_DELETED)
    if deleted:
        name = "/" + name.removeprefix(_DELETED)
        if name.startswith(_DELETED):
            return []  # what the union file system keeps for itself
    mtime = int(member.mtime) if member.mtime == int(member.mtime) else member.mtime
    kind = _ROW_TYPES.get(member.type, "u")
    return [name, kind, deleted, member.size, mtime, member.mode, member.uid, member.gid]
