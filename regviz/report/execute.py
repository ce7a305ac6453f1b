"""Runs a notebook with the interpreter that runs regviz, in a place of its own.

No installed kernel specification is asked, which may belong to another environment. Where the platform has
Unix sockets the kernel is talked to over them, so that no port is opened. Its configuration and history are
in a temporary folder: nothing of the user's is read or changed.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import regviz
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.read import SOURCE_VARIABLE, VALUES_VARIABLE
from regviz.report.display import PAGE_VARIABLE
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

    from regviz.layouts.common import Progress

_LONGEST_SOCKET_PATH = 90  # Linux takes 107 bytes, macOS 103; zmq appends a number
_STARTUP_SECONDS = 180
_LONGEST_COMPLAINT = 4096
_FIRST_LINES = 3


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from its file.

    Raises
    ------
    RegvizError
        It is not there, may not be read, or is no notebook.
    """
    import nbformat

    try:
        with path.open(encoding="utf-8") as file:
            notebook: NotebookNode = nbformat.read(file, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise RegvizError(f"the notebook {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise RegvizError(f"{path} is no Jupyter notebook; give the path of an .ipynb file") from error
    return notebook


def execute(
    notebook: NotebookNode,
    *,
    name: str,
    source: str,
    folder: Path,
    show_values: bool = False,
    progress: Progress = no_progress,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run every cell of a notebook; its outputs are put into it.

    Parameters
    ----------
    notebook : NotebookNode
    name : str
        What to call it in a message.
    source : str
        What ``rv.read()`` reads in it.
    folder : Path
        The folder it runs in.
    show_values : bool
        Whether ``rv.read()`` in it shows what looks like a secret.
    progress : Progress
        Told of each cell.
    environment : mapping of str to str
        More variables that it has.

    Raises
    ------
    RegvizError
        A cell failed, or the kernel died; the message says which cell and why.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager  # loaded when asked for
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from nbclient.util import run_sync

    class ThisInterpreter(KernelSpecManager):
        """Knows one kernel: the running interpreter."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name=kernel_name, language="python")

    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="regviz-") as place, progress("cells", len(cells)) as tick:
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=ThisInterpreter(data_dir=place),
            connection_file=str(Path(place) / "kernel.json"),
            transport=_transport(place),
        )
        client = NotebookClient(notebook, km=manager, startup_timeout=_STARTUP_SECONDS, coalesce_streams=True)
        client.owns_km = True  # so that the kernel ends with the run

        async def failure(cell: NotebookNode, index: int, number: int) -> str:
            """Why a cell failed, if it did: as a value, for asyncio prints an error that an interrupt left unheard."""
            try:
                await client.async_execute_cell(cell, index, execution_count=number)
            except CellExecutionError as error:
                return f"{error.ename}: {error.evalue}"
            except DeadKernelError:
                return "the Python that ran it ended, perhaps for want of memory"
            return ""

        complaint = Path(place) / "complaint"
        env = {**_environment(source, place, show_values=show_values), **environment}
        # Cell by cell, as client.execute() takes the interrupt of an impatient person for a dead kernel.
        try:
            with (
                complaint.open("wb") as stderr,
                client.setup_kernel(env=env, cwd=str(folder), stderr=stderr),
            ):
                for number, (index, cell) in enumerate(cells, 1):
                    why = run_sync(failure)(cell, index, number)
                    if why:
                        raise RegvizError(_failed(name, number, cell, why))
                    tick(1)
        except RuntimeError as error:
            why = escape_terminal(_last_line(complaint) or str(error))
            raise RegvizError(f"{sys.executable} cannot run notebooks: {why}") from error


def _last_line(complaint: Path) -> str:
    """What a program said last before it ended: of a traceback, the error."""
    with complaint.open("rb") as said:
        said.seek(max(0, complaint.stat().st_size - _LONGEST_COMPLAINT))
        lines = said.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _transport(place: str) -> str:
    local = hasattr(socket, "AF_UNIX") and os.name == "posix" and len(os.fsencode(place)) < _LONGEST_SOCKET_PATH
    return "ipc" if local else "tcp"


def _environment(source: str, place: str, *, show_values: bool) -> Mapping[str, str]:
    return os.environ | {
        VALUES_VARIABLE: "1" if show_values else "",
        SOURCE_VARIABLE: source,
        PAGE_VARIABLE: "1",
        "PYTHONPATH": own_path("PYTHONPATH", str(Path(regviz.__file__).resolve().parents[1])),
        "IPYTHONDIR": place,
        "JUPYTER_CONFIG_DIR": place,
        "JUPYTER_RUNTIME_DIR": place,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def own_path(variable: str, first: str) -> str:
    """A path variable with a folder of ours before what it has: a kernel imports this very regviz."""
    return os.pathsep.join(path for path in (first, os.environ.get(variable, "")) if path)


def _failed(name: str, number: int, cell: NotebookNode, why: str) -> str:
    lines = str(cell.source).strip().splitlines()
    start = " / ".join(lines[:_FIRST_LINES]) + (" / …" if len(lines) > _FIRST_LINES else "")
    return escape_terminal(
        f"code cell {number} of {name} failed with {why} (it begins: {start}). To look closer: regviz lab"
    )
