"""Reading where the system lacks what Windows lacks: positioned reads, descriptors of directories, some flags."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import regviz as rv
from regviz import share

if TYPE_CHECKING:
    from pathlib import Path

LACKING = """
import os, socket, sys
for name in ("pread", "geteuid", "getuid", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "statvfs", "sysconf"):
    delattr(os, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
del socket.AF_UNIX
os.supports_dir_fd, os.supports_fd = set(), {os.stat}
import regviz as rv
for source in sys.argv[1:]:
    print(rv.read(source).tags.to_csv(lineterminator="|"))
    print(rv.read(source).manifest_layers.to_csv(lineterminator="|"))
"""


def test_windows_reads_the_same(tmp_path: Path) -> None:
    data = share.folder("data")
    with tarfile.open(data / "first-push.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with tarfile.open(data / "first-push-distribution.tar.gz") as archive:
        archive.extractall(tmp_path / "distribution", filter="data")
    sources = [tmp_path / "registry", tmp_path / "distribution", data / "world-capture.tar", data / "world-oci.tar.gz"]
    environment = os.environ | {"REGVIZ_NATIVE": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", LACKING, *map(str, sources)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    tables = [getattr(rv.read(source), name) for source in sources for name in ("tags", "manifest_layers")]
    assert done.stdout.splitlines() == [table.to_csv(lineterminator="|") for table in tables]
    assert all(map(len, tables))
