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
from pathlib import Path

from regviz.capture.writing import write_files
from regviz.read import read
from regviz.world import small_world, storage_tree
from regviz.world.compress import gzip
from regviz.world.filetree import FileTree

PREFIX = "registry"
LAYOUTS = ("v1", "distribution", "oci", "docker-save", "docker-save-old", "capture")
CAPTURED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def archive_name(layout: str) -> str:
    return "world-capture.tar" if layout == "capture" else f"world-{layout}.tar.gz"  # Parquet is compressed already


def build(layout: str) -> bytes:
    """The small world in a layout, as an archive that is the same on every machine."""
    if layout == "capture":
        return capture()
    if layout.startswith("docker-save"):
        server = "0.9" if layout.endswith("-old") else "20.10"
        return gzip(storage_tree(small_world(), "docker-save", server=server).archive())
    return gzip(storage_tree(small_world(), layout).archive(PREFIX))


def capture() -> bytes:
    """What regviz saves of the Distribution registry. Its bytes are those of the pinned pyarrow."""
    source, tree = archive_name("distribution"), FileTree()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / source).write_bytes(build("distribution"))
        registry = read(folder / source)
        registry.source = replace(registry.source, uri=source, read_at=CAPTURED)
        (folder / "made").mkdir()
        write_files(registry, folder / "made", CAPTURED)
        for file in (folder / "made").iterdir():
            tree.write(f"world.regviz/{file.name}", file.read_bytes(), CAPTURED)
    return tree.archive()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where an archive differs")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent, help="default: this folder")
    options = parser.parse_args()
    stale = 0
    for layout in LAYOUTS:
        path, built = options.directory / archive_name(layout), build(layout)
        if not options.check:
            path.write_bytes(built)
            print(f"{path}: {len(built):,} bytes")
        elif not path.is_file() or path.read_bytes() != built:
            stale = 1
            print(f"{path} is not what data/build.py makes; run python data/build.py")
    return stale


if __name__ == "__main__":
    sys.exit(main())
