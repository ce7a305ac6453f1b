"""What a registry holds, as a person thinks of it: layers, images, indexes and other artifacts.

Nothing here has a digest of its own making or a place on a disk: :mod:`regviz.world.documents` turns a
description into manifests, and the writers put those where a server would.

All classes are frozen and compared by identity: the same layer object in two images is the same layer.
"""

from __future__ import annotations

import posixpath
import tarfile
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from regviz.world.compress import gzip, zstd
from regviz.world.encode import digest, tar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

FileKind: TypeAlias = Literal["file", "directory", "symlink", "hardlink"]
Compression: TypeAlias = Literal["gzip", "stored", "zstd", "none"]
ImageFormat: TypeAlias = Literal["schema1", "schema2", "oci", "oci-untyped"]
IndexFormat: TypeAlias = Literal["list", "oci", "oci-untyped"]

_TYPE_FLAGS = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
}


@dataclass(frozen=True)
class File:
    """One entry of a layer; plain bytes in :attr:`Layer.files` stand for a file with mode 644.

    Attributes
    ----------
    content : bytes
    mode : int
    kind : {"file", "directory", "symlink", "hardlink"}
    target : str
        Where a link points.
    """

    content: bytes = b""
    mode: int = 0o644
    kind: FileKind = "file"
    target: str = ""


def directory(mode: int = 0o755) -> File:
    """A directory; those above a file need not be described."""
    return File(mode=mode, kind="directory")


def program(content: bytes) -> File:
    """A file that may be executed."""
    return File(content, mode=0o755)


def symlink(target: str) -> File:
    """A symbolic link."""
    return File(mode=0o777, kind="symlink", target=target)


def hardlink(target: str) -> File:
    """Another name of a file of the same layer."""
    return File(kind="hardlink", target=target)


def whiteout(path: str) -> str:
    """The name whose presence in a layer says that ``path`` of a layer below is deleted.

    Notes
    -----
    OCI image specification, layer.md, *Whiteouts*.

    Examples
    --------
    >>> whiteout("var/cache/apt/pkgcache.bin")
    'var/cache/apt/.wh.pkgcache.bin'
    """
    head, tail = posixpath.split(path)
    return posixpath.join(head, f".wh.{tail}")


def opaque_whiteout(path: str) -> str:
    """The name that hides everything the layers below have in a directory.

    Examples
    --------
    >>> opaque_whiteout("var/lib/apt/lists")
    'var/lib/apt/lists/.wh..wh..opq'
    """
    return posixpath.join(path, ".wh..wh..opq")


@dataclass(frozen=True, eq=False)
class Layer:
    """One step of a build: a filesystem change, or a change of the configuration alone.

    Attributes
    ----------
    created_by : str
        The instruction, as ``docker history`` shows it; empty for an imported base.
    created : datetime
        In UTC.
    files : mapping of str to bytes or File, optional
        Paths without a leading slash; whiteouts are files named so. None: the step changes no file.
    config : mapping
        What the step sets in the image's configuration, named as there: ``Env``, ``Cmd``, ``Labels`` …
    author, comment : str
    compression : {"gzip", "stored", "zstd", "none"}
        How the layer is uploaded; ``stored`` is gzip that does not compress.
    urls : tuple of str
        A foreign layer: clients fetch it from there and never push it.
    short_id : bool
        The v1 id has 16 hexadecimal digits, as those of 2013 had.
    """

    created_by: str
    created: dt.datetime
    files: Mapping[str, bytes | File] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    comment: str = ""
    compression: Compression = "gzip"
    urls: tuple[str, ...] = ()
    short_id: bool = False

    @property
    def empty(self) -> bool:
        """Whether the step changes no file."""
        return self.files is None

    @cached_property
    def entries(self) -> dict[str, File]:
        """Every entry of the tar by path, in its order: directories above a file added, hard links last."""
        entries = {
            path: entry if isinstance(entry, File) else File(entry) for path, entry in (self.files or {}).items()
        }
        for path in list(entries):
            above = posixpath.dirname(path)
            while above:
                entries.setdefault(above, directory())
                above = posixpath.dirname(above)
        return dict(sorted(entries.items(), key=lambda item: (item[1].kind == "hardlink", item[0])))

    @property
    def file_bytes(self) -> int:
        """The bytes of the files it adds, which v1 calls ``Size``."""
        return sum(len(entry.content) for entry in self.entries.values())

    @cached_property
    def tar(self) -> bytes:
        """The filesystem change as an uncompressed tar."""
        return tar(self.members())

    def members(self) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        """The entries as headers and contents of the tar."""
        for path, entry in self.entries.items():
            header = tarfile.TarInfo(path)
            header.type, header.mode, header.linkname = _TYPE_FLAGS[entry.kind], entry.mode, entry.target
            header.size = len(entry.content)
            header.mtime = int(self.created.timestamp())
            header.uname = header.gname = "root"
            yield header, entry.content

    @cached_property
    def diff_id(self) -> str:
        """The digest of the uncompressed tar."""
        return digest(self.tar)

    @cached_property
    def blob(self) -> bytes:
        """The bytes that are uploaded."""
        if self.compression == "none":
            return self.tar
        if self.compression == "zstd":
            return zstd(self.tar)
        return gzip(self.tar, compress=self.compression == "gzip")

    def recompressed(self, compression: Compression) -> Layer:
        """The same change under another blob digest: its diff ID stays."""
        return replace(self, compression=compression)


@dataclass(frozen=True, eq=False)
class Image:
    """A stack of layers and the configuration that its steps add up to.

    Attributes
    ----------
    layers : tuple of Layer
        Base first, with the steps that change no file.
    architecture, os, variant, os_version : str
    format : {"schema1", "schema2", "oci", "oci-untyped"}
        How a client writes the manifest; ``oci-untyped`` leaves out the optional ``mediaType``.
    algorithm : str
        Of the digests by which the manifest names its config and layers.
    annotations : mapping
        Of an OCI manifest.
    subject : Image, Index or Artifact, optional
        What an OCI manifest refers to.
    """

    layers: tuple[Layer, ...]
    architecture: str = "amd64"
    os: str = "linux"
    variant: str = ""
    os_version: str = ""
    format: ImageFormat = "schema2"
    algorithm: str = "sha256"
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: Content | None = None

    @property
    def filesystem_layers(self) -> tuple[Layer, ...]:
        """The layers that have a tar, base first."""
        return tuple(layer for layer in self.layers if not layer.empty)

    @property
    def created(self) -> dt.datetime:
        """When the last step ran."""
        return self.layers[-1].created

    @property
    def author(self) -> str:
        """The author that the last step to name one set."""
        return next((layer.author for layer in reversed(self.layers) if layer.author), "")

    @property
    def config(self) -> dict[str, Any]:
        """What all steps set, merged as a builder does.

        Examples
        --------
        >>> import datetime as dt
        >>> now = dt.datetime(2014, 3, 27, tzinfo=dt.UTC)
        >>> steps = [Layer(f"ENV {name}=1", now, config={"Env": [f"{name}=1"]}) for name in "AB"]
        >>> Image(tuple(steps)).config
        {'Env': ['A=1', 'B=1']}
        """
        return reduce(merged_config, self.layers, {})

    @property
    def platform(self) -> dict[str, str]:
        """The platform as an index names it."""
        named = {"architecture": self.architecture, "os": self.os, "os.version": self.os_version}
        return {key: value for key, value in (named | {"variant": self.variant}).items() if value}

    def extended(self, *layers: Layer, **changes: Any) -> Image:
        """The image a Dockerfile builds FROM this one."""
        return replace(self, layers=self.layers + layers, **changes)


def merged_config(config: Mapping[str, Any], layer: Layer) -> dict[str, Any]:
    """A configuration after one more step: variables are appended, mappings merged, all else overwritten."""
    merged = dict(config)
    for key, value in layer.config.items():
        if key == "Env":
            merged[key] = [*merged.get(key, ()), *value]
        elif isinstance(value, dict):
            merged[key] = merged.get(key, {}) | value
        else:
            merged[key] = value
    return merged


@dataclass(frozen=True)
class Blob:
    """Bytes of a media type, as an artifact's manifest names them."""

    media_type: str
    data: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)


EMPTY_BLOB = Blob("application/vnd.oci.empty.v1+json", b"{}")


@dataclass(frozen=True, eq=False)
class Artifact:
    """An OCI manifest that is no image: a chart, a signature, an attestation, a bill of materials.

    Attributes
    ----------
    layers : tuple of Blob
    config : Blob
    artifact_type : str
    annotations : mapping
    subject : Image, Index or Artifact, optional
    """

    layers: tuple[Blob, ...]
    config: Blob = EMPTY_BLOB
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: Content | None = None


@dataclass(frozen=True)
class Child:
    """One entry of an index."""

    content: Content
    platform: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Index:
    """Several manifests under one tag: a docker manifest list or an OCI index.

    Attributes
    ----------
    children : tuple of Child
    format : {"oci", "oci-untyped", "list"}
    annotations : mapping
    subject : Image, Index or Artifact, optional
    """

    children: tuple[Child, ...]
    format: IndexFormat = "oci"
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: Content | None = None


def index_of(*images: Image, format: IndexFormat = "oci") -> Index:  # noqa: A002  (the attribute's name)
    """The index of images by their platforms."""
    return Index(tuple(Child(image, image.platform) for image in images), format)


Content: TypeAlias = Image | Index | Artifact
