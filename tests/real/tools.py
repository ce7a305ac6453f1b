"""skopeo and buildah, kept to a folder of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class _Tool:
    """A program of the containers family, with its home, its temporary files and its policy in one folder."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self._command = [program, *options]
        for name in ("home", "run", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        registries = folder / "registries.conf"
        registries.write_text("unqualified-search-registries = []\n")
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "TMPDIR": str(folder / "tmp"),
            "CONTAINERS_REGISTRIES_CONF": str(registries),
            # Root's cache of blob locations lies in /var/lib; any other user's id here puts it below HOME.
            "_CONTAINERS_ROOTLESS_UID": "1000",
        }
        self.policy = folder / "policy.json"
        self.policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')

    def __call__(self, *arguments: str) -> str:
        """Run the program and return what it prints."""
        done = subprocess.run([*self._command, *arguments], env=self._env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{self._command[0]} {' '.join(arguments)}\n{done.stderr}"
        return done.stdout.strip()


class Skopeo(_Tool):
    """skopeo against registries of the loopback."""

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(program, folder, "--insecure-policy")

    def copy(self, source: str, destination: str, *options: str) -> None:
        tls = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        self("copy", "--quiet", *tls, *options, source, destination)

    def config(self, reference: str) -> Any:
        """The configuration of an image, as it is stored."""
        return json.loads(self("inspect", "--tls-verify=false", "--config", "--raw", reference))


class Buildah(_Tool):
    """buildah with a store of its own: no daemon, no mounts."""

    def __init__(self, program: str, folder: Path) -> None:
        store = [f"--root={folder / 'store'}", f"--runroot={folder / 'run'}", "--storage-driver=vfs"]
        super().__init__(program, folder, *store)

    def commit(self, container: str, name: str, format_: str) -> None:
        policy = f"--signature-policy={self.policy}"
        self("commit", policy, "--format", format_, "--timestamp", "1400000000", container, name)

    def push(self, name: str, reference: str) -> None:
        self("push", f"--signature-policy={self.policy}", "--tls-verify=false", name, reference)

    def push_list(self, name: str, reference: str, *options: str) -> None:
        policy = f"--signature-policy={self.policy}"
        self("manifest", "push", policy, "--all", "--tls-verify=false", *options, name, reference)
