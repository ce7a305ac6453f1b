"""Objects under keys and a tar of the same files give the same tables, whatever they are called and hold.

fsspec reads a folder as it reads object storage, times of the files included, so each storage is laid out once.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from regviz.read import read
from tests.helpers import Store, V1Store, assert_same_tables, level_times
from tests.layouts.oci_store import OciStore
from tests.layouts.test_distribution_walk_and_list import KNOWN
from tests.layouts.test_distribution_walk_and_list import NODES as DISTRIBUTION_NODES
from tests.layouts.test_oci_walk_and_list import NODES as OCI_NODES
from tests.layouts.test_v1_walk_and_list import IDS
from tests.layouts.test_v1_walk_and_list import NODES as V1_NODES

if TYPE_CHECKING:
    from regviz.registry import Registry


def read_both(root: Path, **options: object) -> tuple[Registry, Registry]:
    """A storage as objects, and as a tar that has no entries for directories."""
    level_times(root)
    archive = root.with_name("storage.tar")
    with tarfile.open(archive, "w") as opened:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                opened.add(path, str(path.relative_to(root)))
    return read(f"file://{root}", **options), read(archive, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("links", ["stat", "check", "open"])
@settings(max_examples=25)
@given(DISTRIBUTION_NODES)
def test_distribution(links: str, nodes: list[tuple[str, bytes | None, int]]) -> None:
    with TemporaryDirectory() as name:
        store = Store(Path(name) / "storage")
        for data in KNOWN.values():
            store.blob(data)
        for place, content, _ in nodes:
            if content is not None:
                try:
                    store.file(place, content)
                except OSError:  # a file stands where a directory should, or the other way round
                    continue
        objects, archive = read_both(store.root, links=links)
        assert objects.source.links_checked == links
        assert_same_tables(objects, archive)


@settings(max_examples=40)
@given(V1_NODES)
def test_v1(nodes: list[tuple[str, bytes | None]]) -> None:
    with TemporaryDirectory() as name:
        store = V1Store(Path(name) / "storage")
        store.chain(*IDS[:3])
        for place, content in nodes:
            if content is not None:
                try:
                    store.file(place, content)
                except OSError:
                    continue
        assert_same_tables(*read_both(store.root))


@settings(max_examples=40)
@given(OCI_NODES)
def test_oci(nodes: list[tuple[str, str, bytes | None, bool]]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name) / "storage"
        store = OciStore(root)
        store.add(store.image([b"1"]), "latest")
        for directory, file, content, _ in nodes:
            path = root / directory / file
            try:
                if content is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
            except OSError:
                continue
        assert_same_tables(*read_both(root))
