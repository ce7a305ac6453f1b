"""Captures on a disk that is full: a small one of its own, which only the test's processes see."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.real.service import require_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

WORLD, WORLD_V1 = (ROOT / "data" / f"world-{layout}.tar.gz" for layout in ("distribution", "v1"))


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces of mounts are Linux's")
def test_a_full_disk_leaves_the_old_one_and_says_so_in_a_line(tmp_path: Path) -> None:
    """160 KiB hold one capture, and no second one beside it."""
    unshare = require_program("unshare", "util-linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    regviz = f"{shlex.quote(sys.executable)} -c 'from regviz.cli import main; main()'"
    target = disk / "prod.regviz"
    script = (
        f"mount -t tmpfs -o size=160k tmpfs {disk} && {regviz} capture {WORLD_V1} -o {target} >&2 && "
        f"(cd {target} && sha256sum *) > {tmp_path}/before && {{ {regviz} capture {WORLD} -o {target} || "
        f'echo "code $?"; (cd {target} && sha256sum *) > {tmp_path}/after; ls -A {disk}; }}'
    )
    command = [unshare, "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-ec", script]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, check=False, capture_output=True, text=True)
    assert done.stdout == "code 1\nprod.regviz\n", done.stderr
    written, complaint = done.stderr.splitlines()
    assert written == str(target)
    assert complaint == f"regviz: {target}: No space left on device"
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
