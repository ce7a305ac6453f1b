"""Storages written by hand for the tests, packed into every form, and tables compared.

Nothing here uses regviz to make a storage: what the tests read was laid out by this file, from the documents that
describe the formats (Distribution registry/storage/paths.go, docker_registry/core/driver.py).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import struct
import subprocess
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import zstandard

from regviz.read import read
from regviz.schema import CODED, NA, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from regviz.registry import Registry
    from regviz.schema import Kind

EPOCH = 1_400_000_000
"""Time of the first file a storage gets; each further one is a minute younger."""
V2 = "docker/registry/v2"
_NOBODY = 65534
FORMS = ("folder", "tar", "tar.gz", "tar.zst", "zip")

SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
STORAGE_DUMPS = (
    "v1-article-0.6.6.tar",
    "v1-docker-1.3.3-registry-0.9.1.tar",
    "v1-family-0.6.6.tar",
    "v1-pypi-registry-0.9.1-nodejs.tar",
    "v2-distribution-3.1.1.tar",
    "v2-small-after-gc-m-broken-index.tar",
    "v2-small-filesystem.tar",
)
"""Real dumps of v1 and of Distribution storage, where they are at hand."""
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: it does as one who may not."""
    if os.geteuid():
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def noise(length: int) -> bytes:
    """Bytes that no compression makes smaller, the same in every run."""
    return random.Random(length).randbytes(length)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha512(data: bytes) -> str:
    return "sha512:" + hashlib.sha512(data).hexdigest()


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def descriptor(data: bytes, media_type: str = "", **more: object) -> dict[str, Any]:
    said = {"mediaType": media_type} if media_type else {}
    return {**said, "size": len(data), "digest": sha256(data), **more}


def write_file(path: Path, data: bytes, number: int) -> Path:
    """A file of known age: the time of a test's run must not decide what it sees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (EPOCH + 60 * number,) * 2)
    return path


class Store:
    """A Distribution storage, written file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.v2 = root / V2
        for name in ("blobs", "repositories"):
            (self.v2 / name).mkdir(parents=True)
        self._files = 0

    def file(self, path: str | bytes, data: bytes = b"") -> Path:
        self._files += 1
        return write_file(self.v2 / os.fsdecode(path), data, self._files)

    def directory(self, path: str) -> Path:
        (self.v2 / path).mkdir(parents=True, exist_ok=True)
        return self.v2 / path

    def blob_path(self, digest: str) -> Path:
        algorithm, encoded = digest.split(":")
        return self.v2 / "blobs" / algorithm / encoded[:2] / encoded / "data"

    def blob(self, data: bytes) -> str:
        digest = sha256(data)
        self.file(str(self.blob_path(digest).relative_to(self.v2)), data)
        return digest

    def layer_link(self, repository: str, digest: str, content: bytes | None = None) -> Path:
        path = f"repositories/{repository}/_layers/{digest.replace(':', '/')}/link"
        return self.file(path, digest.encode() if content is None else content)

    def revision(self, repository: str, digest: str, content: bytes | None = None) -> Path:
        path = f"repositories/{repository}/_manifests/revisions/{digest.replace(':', '/')}/link"
        return self.file(path, digest.encode() if content is None else content)

    def tag(self, repository: str, tag: str, digest: str, content: bytes | None = None) -> Path:
        directory = f"repositories/{repository}/_manifests/tags/{tag}"
        self.file(f"{directory}/index/{digest.replace(':', '/')}/link", digest.encode())
        return self.file(f"{directory}/current/link", digest.encode() if content is None else content)

    def push(self, repository: str, document: object, *tags: str) -> str:
        """A manifest, linked as a server links it, and tagged."""
        digest = self.blob(document if isinstance(document, bytes) else encode(document))
        self.revision(repository, digest)
        self.directory(f"repositories/{repository}/_manifests/tags")
        for tag in tags:
            self.tag(repository, tag, digest)
        return digest

    def linked_blob(self, repository: str, data: bytes) -> str:
        digest = self.blob(data)
        self.layer_link(repository, digest)
        return digest

    def image(
        self, repository: str, layers: Iterable[bytes], *tags: str, architecture: str = "amd64", **more: object
    ) -> str:
        """An OCI image whose layers hold these contents, each compressed as it is; `more` goes into the manifest."""
        contents = list(layers)
        config = image_config(contents, architecture)
        self.linked_blob(repository, config)
        for content in contents:
            self.linked_blob(repository, compressed(content))
        return self.push(repository, image_manifest(config, map(compressed, contents), **more), *tags)


def compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def image_config(contents: Iterable[bytes], architecture: str = "amd64", **more: object) -> bytes:
    return encode(
        {
            "os": "linux",
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [sha256(content) for content in contents]},
            **more,
        }
    )


def image_manifest(config: bytes, layers: Iterable[bytes], **more: object) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, OCI_CONFIG),
        "layers": [descriptor(layer, OCI_LAYER) for layer in layers],
        **more,
    }


class V1Store:
    """A storage of Docker Registry v1, written file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("images", "repositories"):
            (root / name).mkdir(parents=True)
        self._files = 0

    def file(self, path: str, data: bytes = b"") -> Path:
        self._files += 1
        return write_file(self.root / path, data, self._files)

    def image(self, name: str, parents: Iterable[str] = (), layer: bytes = b"layer", **more: object) -> str:
        """A complete image; `parents` are its ancestors, the nearest first."""
        ancestry = [name, *parents]
        document = {"id": name, **({"parent": ancestry[1]} if ancestry[1:] else {}), **more}
        for file, data in (
            ("json", encode(document)),
            ("layer", layer),
            ("_checksum", b"tarsum+sha256:" + b"0" * 64),
            ("ancestry", encode(ancestry)),
        ):
            self.file(f"images/{name}/{file}", data)
        return name

    def chain(self, *names: str) -> str:
        """Images on each other, the base first; returns the last."""
        for number, name in enumerate(names):
            self.image(name, names[:number][::-1])
        return names[-1]

    def tag(self, repository: str, tag: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.file(f"repositories/{repository}/tag_{tag}", data)

    def index(self, repository: str, entries: object) -> None:
        self.file(f"repositories/{repository}/_index_images", encode(entries))


def image_id(number: int) -> str:
    """A v1 image id that begins with a number."""
    return f"{number:04x}" + hashlib.sha256(str(number).encode()).hexdigest()[4:]


def level_times(root: Path) -> None:
    """Give every file a time that each kind of archive can hold: whole seconds, even ones (zip)."""
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (EPOCH + 60 * number,) * 2, follow_symlinks=False)


def pack(root: Path, form: str, folder: Path, *, prefix: str = "") -> Path:
    """A storage in one of `FORMS`; `prefix` stands before each name in an archive (``./``, ``registry/``, nothing)."""
    if form == "folder":
        return root
    target = folder / f"storage.{form}"
    if form == "zip":
        _zip(root, target, prefix)
        return target
    plain = target if form == "tar" else folder / "storage.plain"
    names = ["."] if prefix == "./" else sorted(path.name for path in root.iterdir())
    rename = [f"--transform=flags=r;s,^,{prefix},"] if prefix not in ("", "./") else []
    subprocess.run(["tar", "-C", root, "-cf", plain, *rename, *names], check=True)
    if form == "tar.gz":
        target.write_bytes(gzip.compress(plain.read_bytes(), 1))
    elif form == "tar.zst":
        target.write_bytes(zstandard.compress(plain.read_bytes()))
    return target


def _zip(root: Path, target: Path, prefix: str) -> None:
    """A zip with times in UTC, as Info-ZIP keeps them (extended timestamp, proginfo/extrafld.txt)."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            name = prefix + str(path.relative_to(root))
            member = zipfile.ZipInfo(f"{name}/" if path.is_dir() else name)
            member.extra = struct.pack("<HHBl", 0x5455, 5, 1, int(path.stat().st_mtime))
            archive.writestr(member, b"" if path.is_dir() else path.read_bytes())


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of every row, in the table's order; NA is None."""
    values = zip(*(table[column].tolist() for column in columns), strict=True)
    return [tuple(None if pd.isna(value) else value for value in row) for row in values]


def found(registry: Registry, *rules: str) -> list[tuple[Any, ...]]:
    """Problems of these rules (all, where none is named): rule, repository, manifest, blob, path, detail."""
    problems = registry.problems
    if rules:
        problems = problems[problems["rule"].isin(rules)]
    return rows(problems, "rule", "repository", "manifest", "blob", "path", "detail")


def rules_of(registry: Registry) -> list[str]:
    return [str(rule) for rule in registry.problems["rule"]]


def plain_tables(registry: Registry, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every table as rows of plain values, NA as None; `without` names columns (``table.column``) and tables to leave out."""
    made: dict[str, list[tuple[Any, ...]]] = {}
    for name, table in TABLES.items():
        if name not in without:
            columns = registry.columns(name)
            kept = [column for column in table.columns if f"{name}.{column.name}" not in without]
            made[name] = list(zip(*(_plain(registry, columns[c.name], c.kind) for c in kept), strict=True))
    return made


def _plain(registry: Registry, values: NDArray[Any], kind: Kind) -> list[Any]:
    known = values != NA[kind]
    if kind in CODED:
        said = iter(registry.code_texts(kind, values[known]))
        return [next(said) if is_known else None for is_known in known.tolist()]
    return [value if is_known else None for value, is_known in zip(values.tolist(), known.tolist(), strict=True)]


NOT_IN_ARCHIVES = ("storage", "blobs.allocated_bytes")
"""What only a folder's disk knows."""


def assert_same_tables(one: Registry, other: Registry, *without: str) -> None:
    """Two Registries of one storage read in two forms: equal in everything but the disk's own numbers."""
    tables = [plain_tables(registry, *NOT_IN_ARCHIVES, *without) for registry in (one, other)]
    for name in tables[0]:
        assert tables[0][name] == tables[1][name], name


def read_store(store: Store | V1Store, **options: Any) -> Registry:
    return read(store.root, **options)
