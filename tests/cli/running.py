"""Starting the command: within this process, and as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from regviz.cli.app import main
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORLD = ROOT / "data" / "world-distribution.tar.gz"
WORLD_V1 = ROOT / "data" / "world-v1.tar.gz"
START = [sys.executable, "-c", "from regviz.cli import main; main()"]


def run(*words: str | Path, **environment: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words], env=environment, prog_name="regviz")


def done(*words: str | Path, **environment: str) -> str:
    """What a command that succeeds, and complains about nothing, prints."""
    result = run(*words, **environment)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def start(*words: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    """A command of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*START, *map(str, words)], env=environment, **pipes)
