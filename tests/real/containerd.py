"""containerd of the test's own: its content store, fed by ``ctr``, stopped by its process id."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 60
_PAUSE = 0.05
_CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/containerd.sock"
"""


@dataclass(frozen=True, slots=True)
class Containerd:
    """A running containerd, and how to talk to it."""

    folder: Path

    @property
    def socket(self) -> str:
        return str(self.folder / "containerd.sock")

    def __call__(self, *arguments: str) -> str:
        """Run ``ctr`` and return what it prints."""
        command = ["ctr", f"--address={self.socket}", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
        return done.stdout

    def fetch(self, reference: str, platform: str | None) -> None:
        """Fetch an image's content; of all platforms where none is named."""
        chosen = ["--all-platforms"] if platform is None else ["--platform", platform]
        self("content", "fetch", "--plain-http", *chosen, reference)


@contextmanager
def containerd(program: str, folder: Path) -> Iterator[Containerd]:
    """Run containerd with all its files below `folder`."""
    config = folder / "config.toml"
    config.write_text(_CONFIG.format(folder=folder))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        command = [program, "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env, cwd=folder)
    try:
        made, until = Containerd(folder), time.monotonic() + _PATIENCE
        while not (folder / "containerd.sock").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"containerd does not answer; its log:\n{(folder / 'log').read_text()}")
            time.sleep(_PAUSE)
        made("version")
        yield made
    finally:
        process.terminate()
        process.wait(_PATIENCE)
