"""report(): one HTML file that says what is in a registry."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.read import read
from regviz.registry import Registry
from regviz.report.execute import execute, read_notebook
from regviz.report.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.layouts.common import Progress

_NOTEBOOK = "report.ipynb"
_SUMMARY = "report-summary.ipynb"


def report(
    source: str | os.PathLike[str] | Registry | Sequence[str | os.PathLike[str] | Registry] | None = None,
    path: str | os.PathLike[str] = "report.html",
    *,
    notebook: str | os.PathLike[str] | None = None,
    title: str | None = None,
    summary: bool = False,
    progress: Progress = no_progress,
) -> Path:
    """Write the report of a registry: one HTML file that asks the network for nothing.

    The source is read once; a notebook is run on what was read, and its outputs are exported.

    Parameters
    ----------
    source : path or Registry, or a list of two, optional
        As for :func:`regviz.read`. What looks like a secret is masked, unless a Registry was read with `show_values`.
        Of two, the older first, the page says what appeared, moved and went; ``rv.read_pair()`` in a notebook reads
        both.
    path : path
        The file to write. It is written aside and moved into place at the end.
    notebook : path, optional
        A notebook to run instead of the one that ships; ``rv.read()`` in it reads the source. It runs in its
        own folder.
    title : str, optional
        The page's title; left out, the name of the source.
    summary : bool
        One page for paper instead: five numbers, one figure, at most three things to do.
    progress : Progress
        Shows how far it came; see `regviz.layouts.common.Progress`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    RegvizError
        The source cannot be read, a cell of the notebook failed, or the file cannot be written.

    Examples
    --------
    >>> import regviz as rv
    >>> report(rv.read(), "registry.html")  # doctest: +SKIP
    PosixPath('registry.html')
    """
    target = Path(path)
    if not (source is None or isinstance(source, str | os.PathLike | Registry)):
        from regviz.report.pair import report_pair  # it takes what stands here

        _refuse(target)
        _write(target, report_pair(source, notebook=notebook, title=title, progress=progress))
        return target
    own = Path(notebook) if notebook is not None else share.folder("notebooks") / (_SUMMARY if summary else _NOTEBOOK)
    page = read_notebook(own)
    _refuse(target)
    reg = source if isinstance(source, Registry) else read(source, progress=progress)
    if notebook is None:
        reg.source.require_contents("the figures of the report")
    with tempfile.TemporaryDirectory(prefix="regviz-") as folder:
        capture = save_for_notebook(reg, folder, "source")
        place = own.resolve().parent if notebook is not None else Path(folder)
        execute(
            page,
            name=own.name,
            source=capture,
            folder=place,
            show_values=reg.shows_values,
            progress=progress,
        )
    html = render(page, title=title or source_name(reg.source.uri))
    _write(target, html)
    return target


def save_for_notebook(reg: Registry, folder: str, name: str) -> str:
    """Save what was read into a temporary folder, for a notebook to read; where that is."""
    capture = Path(folder) / f"{name}.regviz"
    try:
        reg.save(str(capture))
    except OSError as error:
        why = f"{error.strerror or error}; make room there, or set TMPDIR to a folder that has some"
        raise RegvizError(f"the temporary folder {folder} cannot be written: {why}") from error
    return str(capture)


def source_name(uri: str) -> str:
    """The last part of a source's address.

    Examples
    --------
    >>> source_name("/srv/registry/"), source_name("dumps/prod.tar.gz"), source_name("/")
    ('registry', 'prod.tar.gz', '/')
    """
    return uri.rstrip("/").rpartition("/")[2] or uri


def _refuse(target: Path) -> None:
    """Say what cannot be written before anything is read."""
    if target.is_dir() or not target.parent.is_dir():
        why = "it is a folder" if target.is_dir() else f"there is no folder {target.parent}"
        raise RegvizError(_not_written(target, why))


def _write(target: Path, html: str) -> None:
    aside = target.with_name(f".{secrets.token_hex(8)}.html")
    try:
        with aside.open("x", encoding="utf-8") as file:
            file.write(html)
        aside.replace(target)
    except OSError as error:
        raise RegvizError(_not_written(target, str(error.strerror))) from error
    finally:
        aside.unlink(missing_ok=True)


def _not_written(target: Path, why: str) -> str:
    return f"the report cannot be written to {target}: {why}; give the path of a file, such as report.html"
