"""report(): one HTML file that says what is in a registry."""

from __future__ import annotations

import os
import secrets
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.lesson import forms
from regviz.read import read
from regviz.registry import Registry
from regviz.report.execute import execute, read_notebook
from regviz.report.lessons import LESSON
from regviz.report.page import REPORT, render
from regviz.report.reading import read_for_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.layouts.common import Progress

_NOTEBOOK, _SUMMARY = "report", "report-summary"
_SUFFIX = ".ipynb"


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

    The source is read once, its files measured and its links looked into; a notebook is run on what was read, and its
    outputs are exported.

    Parameters
    ----------
    source : path or Registry, or a list of two, optional
        As for :func:`regviz.read`. What looks like a secret is masked, unless a Registry was read with `show_values`.
        Of two, the older first, the page says what appeared, moved and went; ``rv.read_pair()`` in a notebook reads
        both.
    path : path
        The file to write. It is written aside and moved into place at the end.
    notebook : str or path, optional
        A notebook to run instead of ``report``: another one that ships, by its name, or a file of your own, which
        runs in its own folder. ``rv.read()`` in it reads the source. A lesson is shown solved.
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
    own, is_shipped = find_notebook(notebook if notebook is not None else _SUMMARY if summary else _NOTEBOOK)
    page = read_notebook(own)
    is_lesson = forms.is_lesson(page)
    page = forms.report(page)
    _refuse(target)
    reg = source if isinstance(source, Registry) else _read(source, progress)
    if summary:
        reg.source.require_contents("the numbers of a summary")
    with tempfile.TemporaryDirectory(prefix="regviz-") as folder:
        capture = save_for_notebook(reg, folder, "source")
        execute(
            page,
            name=own.name,
            source=capture,
            folder=Path(folder) if is_shipped else own.resolve().parent,
            show_values=reg.shows_values,
            progress=progress,
        )
    named = title or (forms.heading(page) if is_lesson else "") or source_name(reg.source.uri)
    html = render(page, title=named, kind=LESSON if is_lesson else REPORT)
    _write(target, html)
    return target


def _read(source: str | os.PathLike[str] | None, progress: Progress) -> Registry:
    path = None if source is None else os.fspath(source)
    return read_for_report(path, partial(read, path, progress=progress))


def find_notebook(name: str | os.PathLike[str]) -> tuple[Path, bool]:
    """The file of a notebook, and whether it is one that ships.

    A bare name is that of one that ships, unless a file of that name lies in the working folder.

    Raises
    ------
    RegvizError
        None that ships is called so; the message lists those that do.

    Examples
    --------
    >>> path, is_shipped = find_notebook("report")
    >>> path.name, is_shipped
    ('report.ipynb', True)
    """
    own, folder = Path(name), share.folder("notebooks")
    if own.is_file() or own.name != os.fspath(name):
        return own, False
    shipped = folder / (own.name if own.suffix == _SUFFIX else own.name + _SUFFIX)
    if not shipped.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob(f"*{_SUFFIX}")))
        raise RegvizError(
            f"no notebook is called {own.name}: those that ship are {known}; one of your own is named by the path of "
            f"its {_SUFFIX} file"
        )
    return shipped, True


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
