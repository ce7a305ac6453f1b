"""JupyterLab as `regviz lab` starts it, with a home of its own, and a notebook opened in Chromium."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from tests.real.conftest import ALONE
from tests.real.service import LOOPBACK, require_program, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

PATIENCE = 120_000
"""Milliseconds; a busy machine starts a kernel slowly."""
_TOKEN = "a-token-of-the-test"  # noqa: S105  # of a server that lives for a minute
_ONLY_LAB = [argument for argument in ALONE if "resolver" not in argument]
_ONLY_LAB += [f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}"]


@contextmanager
def jupyterlab(folder: Path, *arguments: str) -> Iterator[str]:
    """Start `regviz lab` on the folder's `work`, and yield its address."""
    home = folder / "home"
    home.mkdir()
    options = ["lab", *arguments, "--folder", "work", "--port", "0", "--no-browser"]
    command = [sys.executable, "-c", "from regviz.cli import main; main()", *options]
    own = {
        "HOME": str(home),
        "JUPYTER_TOKEN": _TOKEN,
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    listening = rf"http://{re.escape(LOOPBACK)}:(\d+)/lab"
    with running(command, folder / "log", listening=listening, env=os.environ | own) as port:
        yield f"http://{LOOPBACK}:{port}"


def place_of(book: str, address: str) -> str:
    """Where a browser finds a notebook."""
    return f"{address}/lab/tree/{book}?token={_TOKEN}"


@contextmanager
def opened(address: str, book: str) -> Iterator[Page]:
    """Open a notebook there, and wait for its kernel: whoever runs cells before it is there is asked for one."""
    program = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ONLY_LAB)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        page.goto(place_of(book, address))
        expect(page.locator(".jp-NotebookPanel .jp-Cell").first).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
        yield page
        browser.close()
