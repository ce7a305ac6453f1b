"""Runs a notebook with the interpreter that runs regviz, in a place of its own.

The kernel is no installed kernel specification, which may belong to another environment. Where the platform has Unix
sockets it is talked to over them, so that no port is opened. Its configuration and history are in a temporary folder: nothing
of the user's is read or changed.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regviz
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.read import SOURCE_VARIABLE
from regviz.report.display import PAGE_VARIABLE
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

    from regviz.layouts.common import Progress

_LONGEST_SOCKET_PATH = 90  # Linux takes 107 bytes, macOS 103; zmq appends a number
_STARTUP_SECONDS = 180
_FIRST_LINES = 3


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from its file.

    Raises
    ------
    RegvizError
        It is not there, may not be read, or is no notebook.
    """
    import nbformat  # noqa: PLC0415  # loaded when asked for

    try:
        text = path.read_text(encoding="utf-8")
        return nbformat.reads(text, as_version=4)
    except OSError as error:
        raise RegvizError(f"the notebook {path} cannot be read: {error.strerror}") from error
    except (ValueError, nbformat.ValidationError) as error:
        raise RegvizError(f"{path} is no Jupyter notebook; give the path of an .ipynb file") from error


def execute(notebook: NotebookNode, *, name: str, source: str, folder: Path, progress: Progress = no_progress) -> None:
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
    progress : Progress
        Told of each cell.

    Raises
    ------
    RegvizError
        A cell failed, or the kernel died; the message says which cell and why.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager  # noqa: PLC0415  # loaded when asked for
    from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbclient.exceptions import CellExecutionError, DeadKernelError  # noqa: PLC0415

    class ThisInterpreter(KernelSpecManager):
        """Knows one kernel: the running interpreter."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name=kernel_name, language="python")

    started = 0
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(prefix="regviz-") as place, progress("cells", len(cells)) as tick:

        def on_cell_execute(cell: NotebookNode, cell_index: int) -> None:
            nonlocal started
            del cell
            started = cell_index

        def on_cell_executed(**_: object) -> None:
            tick(1)

        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=ThisInterpreter(data_dir=place),
            connection_file=str(Path(place) / "kernel.json"),
            transport=_transport(place),
        )
        client = NotebookClient(
            notebook,
            km=manager,
            startup_timeout=_STARTUP_SECONDS,
            on_cell_execute=on_cell_execute,
            on_cell_executed=on_cell_executed,
        )
        client.owns_km = True  # so that the kernel ends with the run
        try:
            client.execute(env=_environment(source, place), cwd=str(folder))
        except CellExecutionError as error:
            raise RegvizError(_failed(name, notebook, started, f"{error.ename}: {error.evalue}")) from None
        except DeadKernelError:
            why = "the Python that ran it ended, perhaps for want of memory"
            raise RegvizError(_failed(name, notebook, started, why)) from None
        except RuntimeError as error:
            raise RegvizError(f"no kernel could be started with {sys.executable}: {error}") from error


def _transport(place: str) -> str:
    local = hasattr(socket, "AF_UNIX") and os.name == "posix" and len(os.fsencode(place)) < _LONGEST_SOCKET_PATH
    return "ipc" if local else "tcp"


def _environment(source: str, place: str) -> Mapping[str, str]:
    own = str(Path(regviz.__file__).resolve().parents[1])
    paths = [own, os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        SOURCE_VARIABLE: source,
        PAGE_VARIABLE: "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),  # the kernel imports this very regviz
        "IPYTHONDIR": place,
        "JUPYTER_CONFIG_DIR": place,
        "JUPYTER_RUNTIME_DIR": place,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _failed(name: str, notebook: NotebookNode, index: int, why: str) -> str:
    cells: list[Any] = notebook.cells
    number = sum(cell.cell_type == "code" for cell in cells[: index + 1])
    lines = str(cells[index].source).strip().splitlines()
    start = " / ".join(lines[:_FIRST_LINES]) + (" / …" if len(lines) > _FIRST_LINES else "")
    return escape_terminal(
        f"code cell {number} of {name} failed with {why} (the cell: {start}). Open the notebook with `regviz lab` to look closer"
    )
