"""Layers that change nothing are told by their length: what compressors make of nothing and of an empty tar."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.read import read
from tests.helpers import V1Store, image_id, rows

if TYPE_CHECKING:
    from pathlib import Path

# docker 0.6 to 1.x; its golang compresses nothing to 23 bytes (seen in storages of 2014)
DOCKER = bytes.fromhex("1f8b080000096e8800ff010000ffff0000000000000000")


def smallest_tar() -> bytes:
    """One empty file of the shortest name, and nothing that a header need not have."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as opened:
        opened.addfile(tarfile.TarInfo("a"))
    return data.getvalue()[:512]


EMPTY = {
    "docker's": DOCKER,
    "a tar of no member": bytes(1024),
    **{f"gzip -{level} of {size}": gzip.compress(bytes(size), level) for level in (1, 6, 9) for size in (0, 1024)},
    "gzip of what GNU tar writes": gzip.compress(bytes(10_240)),
    "bzip2 of nothing": bz2.compress(b""),
    "bzip2 of a tar": bz2.compress(bytes(1024)),
    "bzip2 of what GNU tar writes": bz2.compress(bytes(10_240)),
    "xz of nothing": lzma.compress(b""),
}
FULL = {
    **{f"gzip -{level}": gzip.compress(smallest_tar(), level) for level in (1, 6, 9)},
    "bzip2": bz2.compress(smallest_tar()),
    "xz": lzma.compress(smallest_tar()),
    "tar": smallest_tar() + bytes(1024),
    "cut": gzip.compress(smallest_tar())[:30],
}


@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_only_what_holds_no_member_is_empty(name: str, tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1), layer=(EMPTY | FULL)[name], Size=0 if name in EMPTY else 1)
    store.tag("library/x", "latest", image_id(1))
    registry = read(tmp_path)
    assert rows(registry.layers, "empty") == [(name in EMPTY,)]
    assert rows(registry.manifest_layers, "empty") == [(name in EMPTY,)]


@pytest.mark.parametrize("said", [{}, {"Size": None}, {"Size": 847}], ids=str)
def test_files_as_long_as_an_empty_tar_are_none(said: dict[str, int | None], tmp_path: Path) -> None:
    """Only an image that says that it adds no byte has an empty tar there."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w:gz") as opened:
        member = tarfile.TarInfo("a")
        member.size = 847
        opened.addfile(member, io.BytesIO(random.Random(6).randbytes(847)))
    store = V1Store(tmp_path)
    store.image(image_id(1), layer=layer.getvalue().ljust(1024, b"\0"), **said)
    store.tag("library/x", "latest", image_id(1))
    assert (tmp_path / f"images/{image_id(1)}/layer").stat().st_size == 1024
    registry = read(tmp_path)
    assert rows(registry.layers, "empty") == [(False,)]
    assert rows(registry.manifest_layers, "empty") == [(False,)]


def test_a_layer_of_no_byte_is_not_called_empty(tmp_path: Path) -> None:
    """Its upload died: what it changes is not known."""
    store = V1Store(tmp_path)
    store.image(image_id(1), layer=b"")
    assert rows(read(tmp_path).layers, "empty") == [(False,)]
