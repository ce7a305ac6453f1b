"""lab(): JupyterLab on the notebooks that ship, in a folder of the person's own."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import regviz
from regviz import share
from regviz.errors import RegvizError, SourceNotFoundError
from regviz.read import SOURCE_VARIABLE
from regviz.report import start
from regviz.report.execute import own_path

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "regviz-notebooks"
_SILENT = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
_RECORD = ".shipped.json"
_REPORT = "report.ipynb"


def lab(
    source: str | os.PathLike[str] | None = None,
    *,
    folder: str | os.PathLike[str] = FOLDER,
    port: int | None = None,
    open_browser: bool = True,
    say: Callable[[str], object] = sys.stderr.write,
) -> int:
    """Start JupyterLab on the notebooks, with this Python; ``rv.read()`` in them reads the source.

    The notebooks are copied into a folder; what a person changed there is kept. It opens on the report of a source that
    was named, else on a page that leads to everything, the lessons first.

    Parameters
    ----------
    source : path, optional
        As for :func:`regviz.read`.
    folder : path
        Where to work; it is made if it is not there.
    port : int, optional
        The port on the loopback interface; 0 for any that is free. Left out, JupyterLab's own choice.
    open_browser : bool
        Whether to open a browser.
    say : callable
        Told, line by line, what a person should know.

    Returns
    -------
    int
        JupyterLab's exit code.

    Raises
    ------
    RegvizError
        JupyterLab is not installed, the source is not there, or the folder cannot be written.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise RegvizError(f"JupyterLab is not installed; install it: {sys.executable} -m pip install jupyterlab")
    environment = _environment(source)
    place = Path(folder).absolute()
    for name in lay_out(place):
        say(f"Kept {place / name}, which you changed; delete it to get the one that ships.\n")
    page = _REPORT if environment.get(SOURCE_VARIABLE) else start.NAME
    command = jupyterlab(place, page=page, port=port, open_browser=open_browser)
    with tempfile.TemporaryDirectory(prefix="regviz-") as own:
        write_settings(Path(own))
        environment |= {name: own_path(name, own) for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}
        return _run(command, environment)


def jupyterlab(place: Path, *, page: str, port: int | None, open_browser: bool) -> list[str]:
    """The command that starts JupyterLab in a folder, on one of its notebooks, for this machine alone."""
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={place}"]
    command += [f"--LabApp.default_url=/lab/tree/{page}"]
    command += [f"--ServerApp.port={port}"] if port is not None else []
    command += [] if open_browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return command


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run JupyterLab to its end; whoever ends this process ends it too."""
    with subprocess.Popen(command, env=environment) as server:  # noqa: S603  # this Python, arguments of our own
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # JupyterLab heard it too, and asks whether to stop
                continue


def lay_out(place: Path) -> list[str]:
    """Copy the notebooks that ship into a folder, and the page that leads to them; what was changed there stays.

    Returns
    -------
    list of str
        Names of the notebooks that were kept because they are neither what ships nor what was copied before.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = lay_out(Path(folder))
    ...     _ = (Path(folder) / "report.ipynb").write_text("mine")
    ...     print(first, lay_out(Path(folder)))
    [] ['report.ipynb']
    """
    kept = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        copied = _copied(place / _RECORD)
        shipped = {path.name: path.read_bytes() for path in sorted(share.folder("notebooks").glob("*.ipynb"))}
        for name, content in {**shipped, start.NAME: start.start_page()}.items():
            own = place / name
            if own.exists() and not _is_ours(own, content, copied.get(name)):
                kept.append(own.name)
                continue
            own.write_bytes(content)
            copied[own.name] = _sha256(content)
        (place / _RECORD).write_text(json.dumps(copied, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise RegvizError(
            f"the notebooks cannot be copied to {place}: {error.strerror}; give another folder"
        ) from error
    return kept


def _is_ours(own: Path, content: bytes, copied: str | None) -> bool:
    """Whether a file is what ships, or what was copied before; a page of links is saved again by whoever opens it."""
    there = own.read_bytes()
    return _sha256(there) in (_sha256(content), copied) or (own.name == start.NAME and start.is_start_page(there))


def _copied(record: Path) -> dict[str, str]:
    """SHA-256 of each notebook as it was copied; empty where nothing tells, so that everything is kept."""
    try:
        said = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: digest for name, digest in said.items() if isinstance(digest, str)} if isinstance(said, dict) else {}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _environment(source: str | os.PathLike[str] | None) -> dict[str, str]:
    environment = dict(os.environ)
    read = os.fspath(source) if source is not None else environment.get(SOURCE_VARIABLE)
    if read:
        environment[SOURCE_VARIABLE] = _as_seen_from_elsewhere(read)
    environment["PYTHONPATH"] = own_path("PYTHONPATH", str(Path(regviz.__file__).resolve().parents[1]))
    return environment


def _as_seen_from_elsewhere(source: str) -> str:
    """A source as another folder sees it: a path is made absolute, a URL and a container's name stay."""
    if os.path.lexists(source):
        return os.path.abspath(source)  # noqa: PTH100  # links on the way stay as they are
    if ":" not in source:
        raise SourceNotFoundError(
            f"there is no {source}; give the path of a registry's storage, an archive or a capture"
        )
    return source


def write_settings(place: Path) -> None:
    """A kernel of this interpreter, found before any that the machine has; and no news or updates from the network."""
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel: dict[str, object] = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python"}
    for name, settings in (("kernels/python3/kernel.json", kernel), ("labconfig/page_config.json", _SILENT)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(json.dumps(settings), encoding="utf-8")
