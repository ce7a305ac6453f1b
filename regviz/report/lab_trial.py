"""A kernel and a JupyterLab, started for a moment, to see whether they do what they should."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import regviz
from regviz.report.execute import own_path
from regviz.report.lab import jupyterlab, write_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 50.0  # seconds: all of a check is done within a minute
_PAUSE = 0.1
_LONGEST_SHOWN = 300
_CELLS = (
    "import regviz as rv",
    "reg = rv.read()",
    "assert len(reg.tags)",
    "%matplotlib inline\nrv.plot.sizes(rv.sizes(reg, by='repository'))",
)
_RUN = """
import sys, tempfile
from pathlib import Path
from nbformat.v4 import new_code_cell, new_notebook
from regviz.report.execute import execute
from regviz.share import shipped_world
cells = [new_code_cell(source) for source in sys.argv[1:]]
with tempfile.TemporaryDirectory() as place:
    execute(new_notebook(cells=cells), name="a trial", source=shipped_world(), folder=Path(place))
"""


class Trial(NamedTuple):
    """What came of it: how long it took, and what was wrong, if anything was."""

    said: str
    seconds: float
    complaint: str = ""


def try_kernel(cells: Sequence[str] = _CELLS) -> Trial:
    """Have a kernel read the world that ships, and draw it."""
    began = time.monotonic()
    command = [sys.executable, "-c", _RUN, *cells]
    try:
        done = subprocess.run(  # noqa: S603  # this Python, arguments of our own
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=_environment(),
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Trial("", _PATIENCE, f"no notebook was run within {_PATIENCE:.0f} s")
    except OSError as error:
        return Trial("", 0, str(error))
    complaint = _last_line(done.stderr) or f"exit code {done.returncode}" if done.returncode else ""
    return Trial("a notebook read a registry and drew it", time.monotonic() - began, complaint)


def try_jupyterlab() -> Trial:
    """Start JupyterLab on a folder of its own, and ask for its page."""
    began = time.monotonic()
    token = secrets.token_hex()
    with tempfile.TemporaryDirectory(prefix="regviz-", ignore_cleanup_errors=True) as temporary:
        place = Path(temporary)
        (place / "work").mkdir()
        write_settings(place / "settings")
        own = {
            "JUPYTER_TOKEN": token,
            "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
            "JUPYTER_CONFIG_DIR": str(place / "config"),
            "JUPYTER_PATH": str(place / "settings"),
            "JUPYTERLAB_SETTINGS_DIR": str(place / "lab"),
            "JUPYTERLAB_WORKSPACES_DIR": str(place / "lab"),
        }
        command = jupyterlab(place / "work", page="start.ipynb", port=0, open_browser=False)
        log = place / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603  # the same
                command, env=_environment() | own, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        try:
            complaint = _wait(server, place / "runtime", token, began + _PATIENCE)
        finally:
            server.terminate()
            server.wait()
        if complaint:
            complaint = f"{complaint} ({_last_line(log.read_text(encoding='utf-8', errors='replace'))})"
    return Trial("its page answers on this machine", time.monotonic() - began, complaint)


def _wait(server: subprocess.Popen[bytes], runtime: Path, token: str, until: float) -> str:
    """Ask for the page until it is there; what is wrong, where it never is."""
    last = "it does not say where it listens"
    while time.monotonic() < until:
        if server.poll() is not None:
            return f"it ended with exit code {server.returncode}"
        for file in runtime.glob("jpserver-*.json"):
            try:
                address = json.loads(file.read_text(encoding="utf-8"))["url"]
                request = urllib.request.Request(f"{address}lab", headers={"Authorization": f"token {token}"})  # noqa: S310
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # not what a proxy says of it
                with opener.open(request, timeout=5) as answer:
                    if b"jupyter-config-data" in answer.read():
                        return ""
                    last = "its page is not JupyterLab's"
            except (OSError, ValueError, KeyError, urllib.error.HTTPError) as error:
                last = f"its page does not answer: {error}"
        time.sleep(_PAUSE)
    return last


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": own_path("PYTHONPATH", str(Path(regviz.__file__).resolve().parents[1]))}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_SHOWN] if lines else "it says nothing"
