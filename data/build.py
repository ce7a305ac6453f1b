"""Build the archives of this folder from ``regviz.world``, or check that they are what it builds.

``python data/build.py`` writes them, ``python data/build.py --check`` compares and says so by its exit code.
Both need an environment with regviz in it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.capture.writing import write_files
from regviz.read import read
from regviz.world import (
    FileTree,
    first_push_world,
    museum,
    platforms,
    shop_world,
    small_world,
    storage_tree,
    unfolding,
)
from regviz.world.compress import gzip

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "registry"
CAPTURED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def world(layout: str) -> bytes:
    """The small world in a layout."""
    return gzip(storage_tree(small_world(), layout).archive(PREFIX))


def saved(server: str) -> bytes:
    """What an engine saves of the small world."""
    return gzip(storage_tree(small_world(), "docker-save", server=server).archive())


def first_push(layout: str) -> bytes:
    """A registry after its first push."""
    return gzip(storage_tree(first_push_world(), layout).archive(PREFIX))


def shop() -> bytes:
    """The smallest registry in which bytes are shared."""
    return gzip(storage_tree(shop_world(), "distribution").archive(PREFIX))


def steps(states: Callable[[], list[tuple[str, FileTree]]]) -> bytes:
    """A registry after each step, each in a folder of its own; what has one path lies together."""
    whole = FileTree()
    for name, tree in states():
        whole.put(name, tree)
    return gzip(whole.archive(key=lambda path: path.partition("/")[::-1]))


def rooms() -> bytes:
    """The museum of broken registries."""
    whole = FileTree()
    for name, room in museum().items():
        whole.put(f"museum/{name}", room.tree)
    return gzip(whole.archive())


def capture() -> bytes:
    """What regviz saves of the Distribution registry. Its bytes are those of the pinned pyarrow."""
    source, tree = "world-distribution.tar.gz", FileTree()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / source).write_bytes(world("distribution"))
        registry = read(folder / source)
        registry.source = replace(registry.source, uri=source, read_at=CAPTURED)
        (folder / "made").mkdir()
        write_files(registry, folder / "made", CAPTURED)
        for file in (folder / "made").iterdir():
            tree.write(f"world.regviz/{file.name}", file.read_bytes(), CAPTURED)
    return tree.archive()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "world-v1.tar.gz": partial(world, "v1"),
    "world-distribution.tar.gz": partial(world, "distribution"),
    "world-oci.tar.gz": partial(world, "oci"),
    "world-docker-save.tar.gz": partial(saved, "20.10"),
    "world-docker-save-old.tar.gz": partial(saved, "0.9"),
    "world-capture.tar": capture,  # Parquet is compressed already
    "first-push.tar.gz": partial(first_push, "v1"),
    "first-push-distribution.tar.gz": partial(first_push, "distribution"),
    "unfolding-v1.tar.gz": partial(steps, partial(unfolding, "v1")),
    "unfolding-distribution.tar.gz": partial(steps, partial(unfolding, "distribution")),
    "museum.tar.gz": rooms,
    "platforms.tar.gz": partial(steps, platforms),
    "shop.tar.gz": shop,
}
"""Each archive by name, and what builds it: the same bytes on every machine."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where an archive differs")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent, help="default: this folder")
    options = parser.parse_args()
    stale = 0
    for name, build in ARCHIVES.items():
        path, built = options.directory / name, build()
        if not options.check:
            path.write_bytes(built)
            print(f"{path}: {len(built):,} bytes")
        elif not path.is_file() or path.read_bytes() != built:
            stale = 1
            print(f"{path} is not what data/build.py makes; run python data/build.py")
    return stale


if __name__ == "__main__":
    sys.exit(main())
